#pragma once
/* One loop around the endpoints of run_case.h, by a clock that stands still but for what their steps and the test do:
 * no deadline passes unless a test lets it. */
#include "server/http/loop.h"

#include "server/engine/metrics.h"
#include "server/http/front.h"
#include "server/http/peers.h"
#include "tests/unit/engine/run_case.h"
#include "tests/unit/http/loop_client.h"

static const struct endpoint *const endpoints[] = {&whole_endpoint, &stream_endpoint, &information_endpoint};
static struct front front;
static struct loop *loop;
static uint16_t port;

/* Tests may change configuration and plan until they start it. */
static inline int open_service(void **state) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    fake_clock_install(77 * NS_PER_S);
    if (open_scene(state) != 0) {
        return -1;
    }
    const uint64_t long_ns = 86400 * NS_PER_S;
    scene.facts.config.max_connections = 64;
    scene.facts.config.header_timeout_ns = long_ns;
    scene.facts.config.body_timeout_ns = long_ns;
    scene.facts.config.idle_timeout_ns = long_ns;
    scene.facts.config.answer_timeout_ns = long_ns;
    scene.facts.config.timeout_ns = long_ns;
    scene.facts.config.memory_bytes = MEMORY_BYTES;
    scene.facts.endpoints = endpoints;
    scene.facts.endpoint_count = sizeof endpoints / sizeof *endpoints;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    front = (struct front){.host = &scene.host, .health_fd = -1};
    front.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(front.listen_fd, (struct sockaddr *)&address, length) != 0 || listen(front.listen_fd, 256) != 0 ||
        getsockname(front.listen_fd, (struct sockaddr *)&address, &length) != 0) {
        return -1;
    }
    port = ntohs(address.sin_port);
    atomic_store(&front.accepting_loops, 1);
    return 0;
}

static inline void start_service(void) {
    start_scheduler();
    scene.host.metrics = metrics_new(scene.facts.endpoint_count, 1);
    assert_non_null(scene.host.metrics);
    front.peers = peers_new(scene.facts.config.max_connections_per_address, 256);
    assert_non_null(front.peers);
    loop = loop_new(&front);
    assert_non_null(loop);
}

static inline int close_service(void **state) {
    for (int step = 0; step < STEPS; step++) {
        open_gate((enum step)step);
    }
    loop_stop(loop);
    loop_free(loop);
    peers_free(front.peers);
    close(front.listen_fd);
    metrics_free(scene.host.metrics);
    return close_scene(state);
}

/* --- clients ----------------------------------------------------------------------------------------------------- */

static inline int connect_client(void) {
    int fd = client_connect(port);
    assert_true(fd >= 0);
    return fd;
}

static inline void send_head(int fd, const char *path, size_t length, const char *fields) {
    char head[512];
    int head_length = snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n%s\r\n", path,
                               length, fields);
    assert_true(client_send_all(fd, head, (size_t)head_length));
}

static inline void await_delivery(int fd) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (!client_is_heard(fd)) {
        nanosleep(&pause, NULL);
    }
}

/* Something for the loop to wake up for: it sleeps by the system's clock. */
static inline void poke(void) {
    int fd = connect_client();
    const char request[] = "GET /information HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_true(client_send_all(fd, request, sizeof request - 1));
    assert_int_equal(client_receive(fd).status, 200);
    close(fd);
}

#pragma once
/* A service of event loops with a scheduler and a route table of their own, for tests that drive them over the
 * loopback. What a request waits for is a gate that the test opens, or its own deadline; the test waits for counters
 * that the server keeps. */
#include "server/http/loop.h"

#include "server/engine/buffer_pool.h"
#include "server/engine/endpoint.h"
#include "server/engine/memory_budget.h"
#include "server/http/peers.h"
#include "server/system/clock.h"
#include "server/system/facts.h"
#include "tests/unit/http/loop_client.h"
#include "tests/unit/worker.h"

enum { CORES = 2, LOOPS = 2 };

/* --- endpoints --------------------------------------------------------------------------------------------------- */

static bool gate; /* under the lock of worker.h */
static atomic_uint waits_begun;
static atomic_uint waits_cancelled;
static atomic_uint computed;

struct sum {
    uint64_t value;
};

static inline enum problem_kind decode_sum(struct call *call) {
    call->demand.threads = CORES;
    call->demand.cost_ns = call->body.length < 100 ? 0 : NS_PER_S; /* on the loop, or on a lane */
    return PROBLEM_NONE;
}

static inline enum problem_kind compute_sum(struct call *call) {
    struct sum *sum = (struct sum *)call->arguments;
    for (size_t i = 0; i < call->body.length; i++) {
        sum->value += (unsigned char)call->body.bytes[i];
    }
    atomic_fetch_add(&computed, 1);
    return PROBLEM_NONE;
}

static inline enum problem_kind encode_sum(struct call *call) {
    json_key(&call->reply, "sum");
    json_unsigned(&call->reply, ((const struct sum *)call->arguments)->value);
    return PROBLEM_NONE;
}

/* The body is the deadline in milliseconds, 0 for none. */
static inline enum problem_kind decode_wait(struct call *call) {
    char digits[16] = "";
    memcpy(digits, call->body.bytes, call->body.length < 15 ? call->body.length : 15);
    call->demand.threads = 1;
    call->demand.cost_ns = NS_PER_S;
    call->demand.timeout_ns = strtoul(digits, NULL, 10) * NS_PER_MS;
    return PROBLEM_NONE;
}

/* As a kernel does: polls the flag. */
static inline enum problem_kind compute_wait(struct call *call) {
    const struct timespec pause = {.tv_nsec = 200000};
    atomic_fetch_add(&waits_begun, 1);
    while (!look(&gate)) {
        if (atomic_load_explicit(&call->cancel, memory_order_relaxed)) {
            atomic_fetch_add(&waits_cancelled, 1);
            return PROBLEM_NONE;
        }
        nanosleep(&pause, NULL);
    }
    return PROBLEM_NONE;
}

static inline enum problem_kind encode_wait(struct call *call) {
    json_key(&call->reply, "waited");
    json_bool(&call->reply, true);
    return PROBLEM_NONE;
}

static const struct endpoint sum_endpoint = {.path = "/sum",
                                             .summary = "sums bytes",
                                             .method = ENDPOINT_POST,
                                             .consumes = MEDIA_JSON,
                                             .produces = MEDIA_JSON,
                                             .decode = decode_sum,
                                             .compute = compute_sum,
                                             .encode = encode_sum};

static const struct endpoint wait_endpoint = {.path = "/wait",
                                              .summary = "waits for the gate",
                                              .method = ENDPOINT_POST,
                                              .consumes = MEDIA_JSON,
                                              .produces = MEDIA_JSON,
                                              .decode = decode_wait,
                                              .compute = compute_wait,
                                              .encode = encode_wait};

/* A window that looks at nothing but the gate: the longest piece of work between two looks at the cancel flag. */
static inline enum problem_kind decode_stream(struct call *call) {
    call->demand.threads = 1;
    call->demand.cost_ns = NS_PER_S;
    return PROBLEM_NONE;
}

static inline enum problem_kind wait_in_window(struct call *call, const char *bytes, size_t length, bool last) {
    const struct timespec pause = {.tv_nsec = 200000};
    (void)call;
    (void)bytes;
    (void)length;
    (void)last;
    atomic_fetch_add(&waits_begun, 1);
    while (!look(&gate)) {
        nanosleep(&pause, NULL);
    }
    return PROBLEM_NONE;
}

static const struct endpoint stream_endpoint = {.path = "/stream",
                                                .summary = "waits for the gate in each window",
                                                .method = ENDPOINT_POST,
                                                .consumes = MEDIA_TEXT,
                                                .produces = MEDIA_JSON,
                                                .decode = decode_stream,
                                                .window = wait_in_window,
                                                .encode = encode_wait};

static const struct endpoint *const endpoints[] = {&sum_endpoint, &wait_endpoint, &stream_endpoint};

/* --- a service around them --------------------------------------------------------------------------------------- */

static struct {
    struct facts facts;
    struct memory_budget memory;
    struct host host;
    struct front front;
    unsigned loop_count;
} service;
static struct loop *loops[LOOPS];
static uint16_t port;

static inline int set_up(void **state) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    (void)state;
    memset(&service, 0, sizeof service);
    service.facts.config = (struct config){.queue_length = 100,
                                           .max_body_bytes = 1 << 20,
                                           .max_connections = 64,
                                           .header_timeout_ns = 60 * NS_PER_S,
                                           .body_timeout_ns = 60 * NS_PER_S,
                                           .idle_timeout_ns = 75 * NS_PER_S,
                                           .answer_timeout_ns = 60 * NS_PER_S,
                                           .timeout_ns = 60 * NS_PER_S};
    service.facts.cores.count = CORES;
    service.facts.endpoints = endpoints;
    service.facts.endpoint_count = sizeof endpoints / sizeof *endpoints;
    memory_budget_init(&service.memory, 64 << 20);
    service.host.buffers = buffer_pool_new(16 << 20, NS_PER_S);
    service.front.peers = peers_new(0, 64);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    service.front.health_fd = -1;
    service.front.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(service.front.listen_fd, (struct sockaddr *)&address, length) != 0 ||
        listen(service.front.listen_fd, 64) != 0 ||
        getsockname(service.front.listen_fd, (struct sockaddr *)&address, &length) != 0) {
        return -1;
    }
    port = ntohs(address.sin_port);
    gate = false;
    atomic_store(&waits_begun, 0);
    atomic_store(&waits_cancelled, 0);
    atomic_store(&computed, 0);
    return 0;
}

static inline void start(unsigned loop_count) {
    service.host.scheduler = scheduler_new(CORES, service.facts.config.queue_length, 16, CORES);
    assert_non_null(service.host.scheduler);
    service.host.facts = &service.facts;
    service.host.memory = &service.memory;
    service.front.host = &service.host;
    atomic_store(&service.front.accepting_loops, loop_count);
    for (service.loop_count = 0; service.loop_count < loop_count; service.loop_count++) {
        loops[service.loop_count] = loop_new(&service.front);
        assert_non_null(loops[service.loop_count]);
    }
}

/* After any test: all loops end, and nothing is left of any request. */
static inline int tear_down(void **state) {
    (void)state;
    raise_flag(&gate);
    for (unsigned i = 0; i < service.loop_count; i++) {
        loop_stop(loops[i]);
    }
    for (unsigned i = 0; i < service.loop_count; i++) {
        loop_free(loops[i]);
    }
    struct scheduler_state end = scheduler_state(service.host.scheduler);
    scheduler_free(service.host.scheduler);
    peers_free(service.front.peers);
    buffer_pool_free(service.host.buffers);
    close(service.front.listen_fd);
    bool clean = end.waiting == 0 && end.running == 0 && end.cores_busy == 0 &&
                 atomic_load(&service.facts.connections) == 0 && atomic_load(&service.memory.used_bytes) == 0;
    if (!clean) {
        print_error("left behind: %u works, %u connections, %zu bytes\n", end.waiting + end.running,
                    atomic_load(&service.facts.connections), atomic_load(&service.memory.used_bytes));
    }
    return clean ? 0 : -1;
}

static inline void await_count(const atomic_uint *counter, unsigned wanted) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (atomic_load(counter) != wanted) {
        nanosleep(&pause, NULL);
    }
}

static inline void await_waiting(unsigned wanted) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (scheduler_state(service.host.scheduler).waiting != wanted) {
        nanosleep(&pause, NULL);
    }
}

static inline int connect_client(void) {
    int fd = client_connect(port);
    assert_true(fd >= 0);
    return fd;
}

static inline void assert_call(int fd, const char *path, const char *body, unsigned status) {
    struct received reply = client_call(fd, path, body, strlen(body));
    assert_int_equal(reply.status, status);
}

/* A request that holds a core until the gate opens or `timeout_ms` (if any) are over; on a connection of its own. */
static inline int begin_wait(const char *timeout_ms) {
    int fd = connect_client();
    assert_true(client_send(fd, "/wait", timeout_ms, strlen(timeout_ms)));
    return fd;
}

static inline void assert_answer(int fd, unsigned status, const char *part_of_body) {
    struct received reply = client_receive(fd);
    assert_int_equal(reply.status, status);
    if (!strstr(reply.body, part_of_body)) {
        fail_msg("\"%s\" is not in: %s", part_of_body, reply.body);
    }
    close(fd);
}

#include "server/system/clock.h"
#include "server/system/healthcheck.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* A service that takes one connection and gives one answer, in the pieces given. */
struct service {
    int listener;
    unsigned port;
    const char *pieces[3];
    bool hold; /* don't close before the peer does */
    char request[512];
    pthread_t thread;
};

static void *answer_once(void *argument) {
    struct service *service = argument;
    int fd = accept4(service->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    size_t length = 0;
    while (length < sizeof service->request - 1 && !strstr(service->request, "\r\n\r\n")) {
        ssize_t count = recv(fd, service->request + length, sizeof service->request - 1 - length, 0);
        if (count <= 0) {
            break;
        }
        length += (size_t)count;
    }
    for (size_t i = 0; i < 3 && service->pieces[i]; i++) {
        (void)!send(fd, service->pieces[i], strlen(service->pieces[i]), MSG_NOSIGNAL);
        usleep(20000);
    }
    char end;
    while (service->hold && recv(fd, &end, 1, 0) > 0) {
        continue;
    }
    close(fd);
    return NULL;
}

static void listen_on(struct service *service, const char *address) {
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    bool six = strchr(address, ':');
    struct sockaddr *any = six ? (struct sockaddr *)&in6 : (struct sockaddr *)&in;
    socklen_t length = six ? sizeof in6 : sizeof in;
    assert_int_equal(inet_pton(any->sa_family, address, six ? (void *)&in6.sin6_addr : (void *)&in.sin_addr), 1);
    service->listener = socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(service->listener, any, length) != 0 || listen(service->listener, 4) != 0) {
        close(service->listener);
        print_message("no %s on this machine\n", address);
        skip();
    }
    assert_int_equal(getsockname(service->listener, any, &length), 0);
    service->port = ntohs(six ? in6.sin6_port : in.sin_port);
}

/* The check's exit status, and its stderr in `errors`. */
static int check(const char *listen_address, unsigned port, char *errors, size_t capacity) {
    struct config config = {.listen = listen_address, .port = port};
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    int status = healthcheck_run(&config);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t length = read(ends[0], errors, capacity - 1);
    errors[length > 0 ? length : 0] = '\0';
    close(ends[0]);
    return status;
}

static void assert_healthy(const char *address, const char *listen_address) {
    struct service service = {.pieces = {"HTTP/1.1 2", "00 OK\r\nContent-Length: 0\r\n\r\n"}, .hold = true};
    char errors[512];
    listen_on(&service, address);
    assert_int_equal(pthread_create(&service.thread, NULL, answer_once, &service), 0);
    int status = check(listen_address, service.port, errors, sizeof errors);
    shutdown(service.listener, SHUT_RDWR);
    pthread_join(service.thread, NULL);
    close(service.listener);
    assert_string_equal(errors, "");
    assert_int_equal(status, 0);
    assert_memory_equal(service.request, "GET /livez HTTP/1.1\r\nHost: ", 27);
}

static void a_live_service_is_healthy(void **state) {
    (void)state;
    assert_healthy("127.0.0.1", "127.0.0.1");
}

static void a_wildcard_address_is_asked_over_loopback(void **state) {
    (void)state;
    assert_healthy("127.0.0.1", "0.0.0.0");
}

static void the_port_for_probes_is_asked_where_there_is_one(void **state) {
    struct service service = {.pieces = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, .hold = true};
    (void)state;
    listen_on(&service, "127.0.0.1");
    assert_int_equal(pthread_create(&service.thread, NULL, answer_once, &service), 0);
    /* Nobody listens at port 1. */
    const struct config config = {.listen = "127.0.0.1", .port = 1, .health_port = service.port};
    int status = healthcheck_run(&config);
    shutdown(service.listener, SHUT_RDWR);
    pthread_join(service.thread, NULL);
    close(service.listener);
    assert_int_equal(status, 0);
}

static void an_ipv6_service_is_asked_over_ipv6(void **state) {
    (void)state;
    assert_healthy("::1", "::1");
    assert_healthy("::1", "::");
}

/* One line on stderr that contains the reason, exit status 1. */
static void assert_unhealthy(const char *listen_address, unsigned port, const char *reason) {
    char errors[512];
    assert_int_equal(check(listen_address, port, errors, sizeof errors), 1);
    if (!strstr(errors, reason)) {
        fail_msg("expected \"%s\" in: %s", reason, errors);
    }
    assert_ptr_equal(strchr(errors, '\n'), errors + strlen(errors) - 1);
}

static void assert_bad_answer(const char *first, const char *second, const char *reason) {
    struct service service = {.pieces = {first, second}};
    listen_on(&service, "127.0.0.1");
    assert_int_equal(pthread_create(&service.thread, NULL, answer_once, &service), 0);
    assert_unhealthy("127.0.0.1", service.port, reason);
    pthread_join(service.thread, NULL);
    close(service.listener);
}

static void any_other_answer_is_unhealthy(void **state) {
    (void)state;
    assert_bad_answer("HTTP/1.1 503 Service Unavailable\r\n\r\n", NULL, "not 200");
    assert_bad_answer("SSH-2.0-OpenSSH_9.2\r\n", NULL, "not 200");
    assert_bad_answer("HTTP/1.1 2", NULL, "closed");
    assert_bad_answer(NULL, NULL, "closed");
}

static void nobody_listening_is_unhealthy(void **state) {
    struct service service = {0};
    (void)state;
    listen_on(&service, "127.0.0.1");
    close(service.listener);
    assert_unhealthy("127.0.0.1", service.port, "refused");
    assert_unhealthy("127.0.0.1", 0, "port 0");
    assert_unhealthy("localhost", 80, "numeric");
}

static void a_service_that_hangs_is_unhealthy_after_two_seconds(void **state) {
    struct service service = {0};
    (void)state;
    listen_on(&service, "127.0.0.1"); /* the kernel accepts, nobody answers */
    uint64_t start_ns = clock_now_ns();
    assert_unhealthy("127.0.0.1", service.port, "2 s");
    assert_in_range(clock_now_ns() - start_ns, 1900 * NS_PER_MS, 10 * NS_PER_S);
    close(service.listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_live_service_is_healthy),
        cmocka_unit_test(a_wildcard_address_is_asked_over_loopback),
        cmocka_unit_test(the_port_for_probes_is_asked_where_there_is_one),
        cmocka_unit_test(an_ipv6_service_is_asked_over_ipv6),
        cmocka_unit_test(any_other_answer_is_unhealthy),
        cmocka_unit_test(nobody_listening_is_unhealthy),
        cmocka_unit_test(a_service_that_hangs_is_unhealthy_after_two_seconds),
    };
    return cmocka_run_group_tests_name("healthcheck", tests, NULL, NULL);
}

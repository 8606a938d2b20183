#pragma once
/* What a result's "timing", its Server-Timing header and its log line say of a request, for tests that compare the
 * three with what a clock that only the endpoints' steps and the test move has planned. The log is a pipe that the test
 * reads.
 */
#include "server/system/log.h"
#include "tests/unit/http/loop_case.h"

enum { LINE_MAX_BYTES = 4096 };

static FILE *log_lines_read; /* the log's other end */

static inline int open_timed_service(void **state) {
    int failed = open_service(state);
    plan_times();
    return failed;
}

/* --- what is told ------------------------------------------------------------------------------------------------ */

enum phase { RECEIVE, QUEUE, DECODE, COMPUTE, ENCODE, TOTAL, CPU, PHASES };

static const char *const names[PHASES] = {"receive", "queue", "decode", "compute", "encode", "total", "cpu"};

struct told {
    uint64_t ms[PHASES];
};

static inline struct told read_told(const char *text, const char *format) {
    struct told told;
    for (int phase = 0; phase < PHASES; phase++) {
        char key[32];
        (void)snprintf(key, sizeof key, format, names[phase]);
        const char *at = strstr(text, key);
        if (!at) {
            fail_msg("no %s in: %.600s", key, text);
        }
        char *end;
        told.ms[phase] = strtoull(at + strlen(key), &end, 10);
        assert_memory_equal(end, ".000", 4); /* the clock moves in milliseconds */
    }
    return told;
}

static inline struct told told_in_json(const char *text) {
    return read_told(text, "\"%s_ms\":");
}

static inline struct told told_in_header(const struct received *reply) {
    return read_told(reply->head, "%s;dur=");
}

/* The next line of a request to `path` with this status; others, of clients that only poke the loop, are dropped. */
static inline struct told told_in_log(const char *path, unsigned status) {
    char line[LINE_MAX_BYTES], is_path[64], has_status[32];
    (void)snprintf(is_path, sizeof is_path, "\"path\":\"%s\"", path);
    (void)snprintf(has_status, sizeof has_status, "\"status\":%u,", status);
    do {
        assert_non_null(fgets(line, sizeof line, log_lines_read));
    } while (!strstr(line, is_path) || !strstr(line, has_status));
    return told_in_json(line);
}

static inline void assert_told(const struct told *told, const struct told *expected, const char *where) {
    for (int phase = 0; phase < PHASES; phase++) {
        if (told->ms[phase] != expected->ms[phase]) {
            fail_msg("%s in %s is %llu ms, and was %llu", names[phase], where, (unsigned long long)told->ms[phase],
                     (unsigned long long)expected->ms[phase]);
        }
    }
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

static const char json_fields[] = "Content-Type: application/json\r\n";
static const char text_fields[] = "Content-Type: text/plain\r\n";

/* The connection of the test is there; CONNECTION_BODY: its head was read. */
static inline void await_phase(enum connection_phase phase) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (metrics_connections(scene.host.metrics, phase) != 1) {
        nanosleep(&pause, NULL);
    }
}

static inline void send_zeros(int fd, size_t length) {
    char *body = calloc(1, length);
    assert_non_null(body);
    assert_true(client_send_all(fd, body, length));
    free(body);
}

/* The body comes `receive_ms` after the head. */
static inline void send_slowly(int fd, const char *path, const char *fields, size_t length, uint64_t receive_ms) {
    send_head(fd, path, length, fields);
    await_phase(CONNECTION_BODY);
    fake_clock_advance(receive_ms * MS);
    send_zeros(fd, length);
}

static inline int connect_known(void) {
    int fd = connect_client();
    const char request[] = "GET /information HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_true(client_send_all(fd, request, sizeof request - 1));
    assert_int_equal(client_receive(fd).status, 200);
    (void)told_in_log("/information", 200); /* from now on it holds nothing but its own */
    return fd;
}

/* Of an answer that was never compressed nor waited for on its way back: all three tell the same. */
static inline void assert_all_told(int fd, const char *path, const struct told *expected) {
    struct received reply = client_receive(fd);
    assert_int_equal(reply.status, 200);
    struct told json = told_in_json(reply.body);
    struct told header = told_in_header(&reply);
    struct told log = told_in_log(path, 200);
    assert_told(&json, expected, "timing");
    assert_told(&header, expected, "Server-Timing");
    assert_told(&log, expected, "the log");
    close(fd);
}

/* A refusal has no "timing". */
static inline void assert_refusal_told(int fd, const char *path, unsigned status, const struct told *expected) {
    struct received reply = client_receive(fd);
    assert_int_equal(reply.status, status);
    close(fd); /* an early answer's connection lingers until then, and has its line when it is over */
    struct told header = told_in_header(&reply);
    struct told log = told_in_log(path, status);
    assert_told(&header, expected, "Server-Timing");
    assert_told(&log, expected, "the log");
}

/* Runs a group of tests with that log. */
static inline int run_timed(const char *name, const struct CMUnitTest *tests, size_t count) {
    int ends[2];
    alarm(TEST_LIMIT_S);
    if (pipe(ends) != 0) {
        return 1;
    }
    log_lines_read = fdopen(ends[0], "r");
    log_open(LOG_INFO, ends[1]);
    int failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
    log_close();
    return failed;
}

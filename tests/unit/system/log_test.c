/* ctest: threads */
#include "server/system/clock.h"
#include "server/system/log.h"
#include "tests/unit/fake_clock.h"

#include <jansson.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { THREADS = 4, LINES_EACH = 5000, CAPTURE_BYTES = 8 << 20 };

static int ends[2]; /* of a pipe: the test reads 0, the log writes 1 */
static char captured[CAPTURE_BYTES];
static size_t captured_length;

static int open_pipe(void **state) {
    (void)state;
    captured_length = 0;
    return pipe2(ends, O_CLOEXEC);
}

static int close_pipe(void **state) {
    (void)state;
    log_close();
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* Appends what can be read within the time, ending early once `until` (may be NULL) was seen. */
static void capture(uint64_t wait_ns, const char *until) {
    uint64_t deadline_ns = clock_now_ns() + wait_ns;
    for (;;) {
        captured[captured_length] = '\0';
        uint64_t now_ns = clock_now_ns();
        if (now_ns >= deadline_ns || (until && strstr(captured, until))) {
            return;
        }
        struct pollfd readable = {.fd = ends[0], .events = POLLIN};
        if (poll(&readable, 1, (int)((deadline_ns - now_ns) / NS_PER_MS) + 1) != 1) {
            continue;
        }
        ssize_t count = read(ends[0], captured + captured_length, CAPTURE_BYTES - 1 - captured_length);
        if (count <= 0) {
            return;
        }
        captured_length += (size_t)count;
    }
}

static json_t *parse_line(const char *text) {
    json_error_t error;
    json_t *line = json_loadb(text, strcspn(text, "\n"), JSON_REJECT_DUPLICATES, &error);
    if (!line) {
        fail_msg("%s in: %s", error.text, text);
    }
    return line;
}

static const char *member(const json_t *line, const char *name) {
    return json_string_value(json_object_get(line, name));
}

static void an_event_is_one_line_of_json(void **state) {
    (void)state;
    log_open(LOG_INFO, ends[1]);
    log_event(LOG_WARN, "test", "a \"%s\"\nand %d\x01 \xc3\xa4 \xff", "quote\\", 7);
    capture(5 * NS_PER_S, "\n");
    assert_int_equal(strcspn(captured, "\n"), captured_length - 1);
    json_t *line = parse_line(captured);
    assert_string_equal(member(line, "level"), "warn");
    assert_string_equal(member(line, "event"), "test");
    assert_string_equal(member(line, "detail"), "a \"quote\\\"\nand 7\x01 \xc3\xa4 \xef\xbf\xbd");
    assert_int_equal(strlen(member(line, "time")), LOG_TIME_BYTES);
    json_decref(line);
}

static void a_detail_of_any_length_stays_one_valid_line(void **state) {
    static char detail[5000];
    (void)state;
    memset(detail, '\x02', sizeof detail - 1);
    log_open(LOG_INFO, ends[1]);
    log_event(LOG_ERROR, "long", "%s", detail);
    capture(5 * NS_PER_S, "\n");
    json_t *line = parse_line(captured);
    assert_in_range(strlen(member(line, "detail")), 1000, 1024);
    json_decref(line);
}

static void less_important_levels_are_left_out(void **state) {
    (void)state;
    log_open(LOG_WARN, ends[1]);
    assert_true(log_enabled(LOG_ERROR));
    assert_true(log_enabled(LOG_WARN));
    assert_false(log_enabled(LOG_INFO));
    log_event(LOG_INFO, "quiet", "no");
    log_event(LOG_WARN, "loud", "yes");
    log_close();
    capture(NS_PER_S, "\n");
    assert_null(strstr(captured, "quiet"));
    assert_non_null(strstr(captured, "loud"));
}

static void closing_writes_what_is_queued(void **state) {
    (void)state;
    log_open(LOG_INFO, ends[1]);
    for (int i = 0; i < 100; i++) {
        log_lines("line\n", 5);
    }
    log_close();
    capture(200 * NS_PER_MS, NULL);
    assert_int_equal(captured_length, 500);
}

static void after_closing_lines_go_straight_out(void **state) {
    (void)state;
    log_open(LOG_INFO, ends[1]);
    log_close();
    log_lines("late\n", 5);
    capture(5 * NS_PER_S, "late\n");
    assert_string_equal(captured, "late\n");
}

struct writer {
    pthread_t thread;
    unsigned number;
};

static void *write_numbered(void *argument) {
    const struct writer *writer = argument;
    for (int i = 0; i < LINES_EACH; i++) {
        char line[32];
        int length = snprintf(line, sizeof line, "%u %d\n", writer->number, i);
        log_lines(line, (size_t)length);
    }
    return NULL;
}

static void lines_of_many_threads_come_whole_and_in_each_threads_order(void **state) {
    struct writer writers[THREADS];
    int next[THREADS] = {0};
    (void)state;
    log_open(LOG_INFO, ends[1]);
    for (unsigned i = 0; i < THREADS; i++) {
        writers[i].number = i;
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_numbered, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(writers[i].thread, NULL);
    }
    log_lines("end\n", 4);
    capture(10 * NS_PER_S, "end\n");
    char *rest = captured;
    for (int i = 0; i < THREADS * LINES_EACH; i++) {
        char *end;
        unsigned long number = strtoul(rest, &end, 10);
        long count = strtol(end, &end, 10);
        assert_in_range(number, 0, THREADS - 1);
        assert_int_equal(count, next[number]);
        assert_int_equal(*end, '\n');
        next[number]++;
        rest = end + 1;
    }
    assert_string_equal(rest, "end\n");
}

/* Nobody reads: the pipe fills, then the buffers. Later a reader comes. */
static void a_stuck_reader_blocks_no_caller_and_lost_lines_are_counted(void **state) {
    static char line[1000];
    enum { WRITTEN = 5000 };
    (void)state;
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    uint64_t dropped_before = log_dropped_lines();
    log_open(LOG_INFO, ends[1]);
    uint64_t slowest_ns = 0;
    for (int i = 0; i < WRITTEN; i++) {
        uint64_t start_ns = clock_now_ns();
        log_lines(line, sizeof line);
        uint64_t took_ns = clock_now_ns() - start_ns;
        slowest_ns = took_ns > slowest_ns ? took_ns : slowest_ns;
    }
    assert_in_range(slowest_ns, 0, 2 * NS_PER_S);
    capture(10 * NS_PER_S, "log-dropped");
    capture(300 * NS_PER_MS, NULL);
    uint64_t arrived = 0, dropped = 0;
    for (char *rest = captured, *end; (end = strchr(rest, '\n')); rest = end + 1) {
        if (*rest != '{') {
            assert_int_equal(end - rest, sizeof line - 1);
            arrived++;
            continue;
        }
        json_t *report = parse_line(rest);
        assert_string_equal(member(report, "event"), "log-dropped");
        dropped += (uint64_t)json_integer_value(json_object_get(report, "lines"));
        json_decref(report);
    }
    assert_in_range(arrived, 1000, WRITTEN - 1);
    assert_int_equal(arrived + dropped, WRITTEN);
    assert_int_equal(log_dropped_lines() - dropped_before, dropped);
}

static void a_non_blocking_descriptor_loses_nothing(void **state) {
    static char line[1000];
    (void)state;
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    log_open(LOG_INFO, ends[1]);
    for (int i = 0; i < 900; i++) {
        log_lines(line, sizeof line);
    }
    struct timespec while_full = {.tv_nsec = 30000000};
    nanosleep(&while_full, NULL);
    log_lines("end\n", 4);
    capture(10 * NS_PER_S, "end\n");
    assert_int_equal(captured_length, 900 * sizeof line + 4);
}

static void a_reader_that_left_does_no_harm(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_DFL); /* deadly unless the log thread blocks it */
    uint64_t dropped_before = log_dropped_lines();
    log_open(LOG_INFO, ends[1]);
    close(ends[0]);
    for (int i = 0; i < 5; i++) {
        log_lines("line\n", 5);
        struct timespec between_batches = {.tv_nsec = 12000000};
        nanosleep(&between_batches, NULL);
    }
    log_close();
    close(ends[1]);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    log_open(LOG_INFO, ends[1]);
    log_lines("again\n", 6);
    capture(5 * NS_PER_S, "log-dropped\",\"lines\":5}");
    assert_non_null(strstr(captured, "again\n"));
    assert_non_null(strstr(captured, "\"lines\":5}"));
    assert_int_equal(log_dropped_lines() - dropped_before, 5);
}

/* In a child: a log thread left behind can't be used again in this process. */
static void closing_does_not_wait_for_a_stuck_reader(void **state) {
    static char line[1000];
    (void)state;
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        log_open(LOG_INFO, ends[1]);
        for (int i = 0; i < 500; i++) {
            log_lines(line, sizeof line);
        }
        uint64_t start_ns = clock_now_ns();
        log_close();
        log_event(LOG_INFO, "end", "must not block either");
        uint64_t took_ns = clock_now_ns() - start_ns;
        _exit(took_ns > NS_PER_S / 2 && took_ns < 5 * NS_PER_S ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void an_idle_log_uses_no_time(void **state) {
    (void)state;
    log_open(LOG_INFO, ends[1]);
    log_lines("line\n", 5);
    capture(5 * NS_PER_S, "line\n");
    struct timespec settle = {.tv_nsec = 50000000}, idle = {.tv_nsec = 300000000}, before, after;
    nanosleep(&settle, NULL);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    nanosleep(&idle, NULL);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    int64_t used_ns = (after.tv_sec - before.tv_sec) * (int64_t)NS_PER_S + after.tv_nsec - before.tv_nsec;
    assert_in_range(used_ns, 0, 30 * NS_PER_MS);
}

/* A loop that is tested by a clock of the test's own has a log all the same. */
static void it_waits_by_the_systems_clock(void **state) {
    (void)state;
    enum { PATIENCE_MS = 20000 };
    fake_clock_install(UINT64_MAX / 4);
    log_open(LOG_INFO, ends[1]);
    for (int line = 0; line < 3; line++) {
        char text[1024];
        struct pollfd readable = {.fd = ends[0], .events = POLLIN};
        log_event(LOG_INFO, "test", "one more");
        int count = poll(&readable, 1, PATIENCE_MS);
        if (count != 1) {
            fake_clock_remove();
            fail_msg("line %d isn't there after %d ms", line, PATIENCE_MS);
        }
        assert_true(read(ends[0], text, sizeof text) > 0);
    }
    fake_clock_remove();
}

static void the_time_is_rfc_3339_in_utc(void **state) {
    char text[LOG_TIME_BYTES + 1] = "";
    struct tm utc;
    (void)state;
    time_t before = time(NULL);
    assert_int_equal(log_time(text, LOG_TIME_BYTES), LOG_TIME_BYTES);
    time_t after = time(NULL);
    memset(&utc, 0, sizeof utc);
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    assert_non_null(rest);
    assert_in_range(timegm(&utc), before - 1, after);
    assert_int_equal(rest[0], '.');
    assert_int_equal(strspn(rest + 1, "0123456789"), 3);
    assert_string_equal(rest + 4, "Z");
    assert_int_equal(log_time(text, LOG_TIME_BYTES - 1), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_is_one_line_of_json, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_detail_of_any_length_stays_one_valid_line, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(less_important_levels_are_left_out, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(closing_writes_what_is_queued, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(after_closing_lines_go_straight_out, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(lines_of_many_threads_come_whole_and_in_each_threads_order, open_pipe,
                                        close_pipe),
        cmocka_unit_test_setup_teardown(a_stuck_reader_blocks_no_caller_and_lost_lines_are_counted, open_pipe,
                                        close_pipe),
        cmocka_unit_test_setup_teardown(a_non_blocking_descriptor_loses_nothing, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_reader_that_left_does_no_harm, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(closing_does_not_wait_for_a_stuck_reader, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(an_idle_log_uses_no_time, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(it_waits_by_the_systems_clock, open_pipe, close_pipe),
        cmocka_unit_test(the_time_is_rfc_3339_in_utc),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

/* What the log is told of a collector's answers: each change once, and neither a line nor a pair of them an answer. */
#include "server/tracing/otlp_news.h"

#include "server/system/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define URL "http://a:4318"

static struct otlp_news news;
static uint64_t now_ns;
static char told[4096]; /* since `listen`, zero-terminated */
static int file = -1;

static void listen(void) {
    file = memfd_create("log", MFD_CLOEXEC);
    assert_true(file >= 0);
    log_open(LOG_INFO, file);
}

static void hear(void) {
    log_close();
    ssize_t length = pread(file, told, sizeof told - 1, 0);
    assert_true(length >= 0);
    told[length] = '\0';
    (void)close(file);
}

static void answer(enum otlp_outcome outcome, const char *reason, uint64_t rejected_spans, uint64_t spans) {
    struct otlp_answer given = {.rejected_spans = rejected_spans};
    (void)snprintf(given.reason, sizeof given.reason, "%s", reason);
    otlp_news_tell(&news, URL, outcome, &given, spans, now_ns);
}

/* One line, of this event and with this detail. */
static void expect_line(const char *level, const char *event, const char *detail) {
    char wanted[512];
    (void)snprintf(wanted, sizeof wanted, "\"level\":\"%s\",\"event\":\"%s\",\"detail\":\"%s\"}\n", level, event,
                   detail);
    hear();
    const char *end = strchr(told, '\n');
    if (!strstr(told, wanted) || !end || end[1] != '\0') {
        fail_msg("wanted %s, not %s", wanted, told);
    }
    listen();
}

static void expect_silence(void) {
    hear();
    assert_string_equal(told, "");
    listen();
}

static void a_failure_is_told_once_and_its_end(void **state) {
    (void)state;
    answer(OTLP_TAKEN, "", 0, 3);
    expect_silence();
    answer(OTLP_LATER, "it answered 503", 0, 3);
    expect_line("warn", "otlp-failed",
                "spans could not be sent to " URL ": it answered 503; what has no room until they can be is dropped");
    answer(OTLP_LATER, "it answered 502", 0, 3);
    answer(OTLP_REFUSED, "it answered 400", 0, 3);
    answer(OTLP_CUT, "it did not answer in time", 0, 3);
    expect_silence();
    answer(OTLP_TAKEN, "", 0, 3);
    expect_line("info", "otlp-recovered", "spans are sent to " URL " again");
    answer(OTLP_TAKEN, "", 0, 3);
    expect_silence();
    answer(OTLP_REFUSED, "it answered 400", 0, 3);
    expect_line("warn", "otlp-failed", URL " refused spans: it answered 400; they are lost");
}

/* Every other answer rejects some: neither is a failure, nor the next one its end. */
static void a_rejection_is_no_failure(void **state) {
    (void)state;
    answer(OTLP_TAKEN, "too old", 2, 256);
    expect_line("warn", "otlp-rejected", URL " rejected 2 of 256 spans, which are lost: too old");
    for (int i = 0; i < 10; i++) {
        now_ns += NS_PER_S;
        answer(OTLP_TAKEN, "", 0, 256);
        answer(OTLP_TAKEN, "too old", 1, 256);
    }
    expect_silence();
    assert_false(news.has_failed);
}

static void a_rejection_is_news_again_after_a_minute_without(void **state) {
    (void)state;
    answer(OTLP_TAKEN, "", 1, 3);
    expect_line("warn", "otlp-rejected", URL " rejected 1 of 3 spans, which are lost");
    now_ns += OTLP_NEWS_QUIET_NS - 1;
    answer(OTLP_TAKEN, "", 1, 3);
    now_ns += OTLP_NEWS_QUIET_NS - 1; /* two minutes after the line, but less than one after the last */
    answer(OTLP_TAKEN, "", 1, 3);
    expect_silence();
    now_ns += OTLP_NEWS_QUIET_NS;
    answer(OTLP_TAKEN, "still", 2, 3);
    expect_line("warn", "otlp-rejected", URL " rejected 2 of 3 spans, which are lost: still");
}

static void more_than_were_sent_cannot_be_rejected(void **state) {
    (void)state;
    answer(OTLP_TAKEN, "", 99, 2);
    expect_line("warn", "otlp-rejected", URL " rejected 2 of 2 spans (it says 99), which are lost");
    const struct otlp_answer all = {.rejected_spans = UINT64_MAX}, some = {.rejected_spans = 1};
    assert_int_equal(otlp_answer_rejected(&all, 2), 2);
    assert_int_equal(otlp_answer_rejected(&some, 2), 1);
}

static void a_warning_is_told_and_no_rejection(void **state) {
    (void)state;
    answer(OTLP_TAKEN, "use gRPC", 0, 3);
    expect_line("warn", "otlp-warning", URL " took all spans, and warns: use gRPC");
    answer(OTLP_TAKEN, "use gRPC", 0, 3);
    expect_silence();
    answer(OTLP_TAKEN, "too old", 1, 3); /* which is other news */
    expect_line("warn", "otlp-rejected", URL " rejected 1 of 3 spans, which are lost: too old");
    now_ns += OTLP_NEWS_QUIET_NS;
    answer(OTLP_TAKEN, "use gRPC", 0, 3);
    expect_line("warn", "otlp-warning", URL " took all spans, and warns: use gRPC");
}

/* What comes back and rejects some has come back. */
static void a_rejection_ends_a_failure(void **state) {
    (void)state;
    answer(OTLP_LATER, "it answered 503", 0, 3);
    hear();
    listen();
    answer(OTLP_TAKEN, "too old", 1, 3);
    hear();
    const char *recovered = strstr(told, "otlp-recovered"), *rejected = strstr(told, "otlp-rejected");
    assert_true(recovered && rejected && recovered < rejected);
    listen();
}

static int set_up(void **state) {
    (void)state;
    news = (struct otlp_news){0};
    now_ns = 5 * NS_PER_S; /* soon after the machine's start */
    listen();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    hear();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_failure_is_told_once_and_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rejection_is_no_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rejection_is_news_again_after_a_minute_without, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_than_were_sent_cannot_be_rejected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_warning_is_told_and_no_rejection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rejection_ends_a_failure, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

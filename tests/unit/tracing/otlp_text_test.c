#include "server/tracing/otlp_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct span plain = {
    .trace = {.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736", .span_id = "00f067aa0ba902b7", .is_sampled = true},
    .parent_span_id = "1111111111111111",
    .route = "/v1/data/{name...}",
    .status = 200,
    .begin_unix_ns = UINT64_C(1700000000000000000),
    .total_ns = 1000,
    .request = {.method = "GET", .id = "id", .path = "/v1/data/a", .peer = "::1"}};

static const struct span job = {
    .kind = SPAN_JOB,
    .trace = {.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736", .span_id = "00f067aa0ba902b7", .is_sampled = true},
    .parent_span_id = "1111111111111111",
    .route = "/v1/gaussian",
    .status = 200,
    .threads_granted = 2,
    .begin_unix_ns = UINT64_C(1700000000000000000),
    .total_ns = 1000,
    .job = {.outcome = "successful", .attempt = 3, .id = "nightly"}};

struct printed {
    struct plain_memory memory;
    struct json_writer writer;
    char text[16 * OTLP_SPAN_BYTES];
};

static struct printed printed;

/* Zero-terminated. */
static const char *print(const struct span *span) {
    plain_memory_init(&printed.memory, SIZE_MAX);
    json_writer_init(&printed.writer, &printed.memory.base, sizeof printed.text - 1);
    otlp_text_begin(&printed.writer, "9.9");
    otlp_text_add(&printed.writer, span);
    otlp_text_end(&printed.writer);
    assert_false(json_writer_failed(&printed.writer));
    memcpy(printed.text, printed.writer.text.data, printed.writer.text.length);
    printed.text[printed.writer.text.length] = '\0';
    json_writer_deinit(&printed.writer);
    return printed.text;
}

static void a_request_without_phases(void **state) {
    (void)state;
    assert_string_equal(
        print(&plain),
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
        "\"forkjoin\"}},{\"key\":\"service.version\",\"value\":{\"stringValue\":\"9.9\"}}]},\"scopeSpans\":[{\"scope\":"
        "{"
        "\"name\":\"forkjoin\",\"version\":\"9.9\"},\"spans\":[{\"traceId\":\"4bf92f3577b34da6a3ce929d0e0e4736\","
        "\"spanId\":\"00f067aa0ba902b7\",\"parentSpanId\":\"1111111111111111\",\"flags\":769,\"name\":\"GET "
        "/v1/data/{name}\",\"kind\":2,\"startTimeUnixNano\":\"1700000000000000000\",\"endTimeUnixNano\":"
        "\"1700000000000001000\",\"attributes\":[{\"key\":\"http.request.method\",\"value\":{\"stringValue\":\"GET\"}},"
        "{"
        "\"key\":\"url.scheme\",\"value\":{\"stringValue\":\"http\"}},{\"key\":\"url.path\",\"value\":{\"stringValue\":"
        "\"/v1/data/a\"}},{\"key\":\"http.route\",\"value\":{\"stringValue\":\"/v1/data/{name}\"}},{\"key\":"
        "\"http.response.status_code\",\"value\":{\"intValue\":\"200\"}},{\"key\":\"client.address\",\"value\":{"
        "\"stringValue\":\"::1\"}},{\"key\":\"http.request.body.size\",\"value\":{\"intValue\":\"0\"}},{\"key\":"
        "\"http.response.body.size\",\"value\":{\"intValue\":\"0\"}},{\"key\":\"forkjoin.request_id\",\"value\":{"
        "\"stringValue\":\"id\"}}],\"status\":{}}]}]}]}");
}

static void phases_follow_one_another_within_the_request(void **state) {
    (void)state;
    struct span span = plain;
    span.receive_ns = 100;
    span.phase_ns[SPAN_QUEUE] = 200;
    span.phase_ns[SPAN_COMPUTE] = 300;
    span.phase_ns[SPAN_ENCODE] = 5000; /* of a clock that was read later */
    assert_int_equal(span_count(&span), 4);
    const char *text = print(&span);
    static const char *const wanted[] = {"\"name\":\"queue\",\"kind\":1,\"startTimeUnixNano\":\"1700000000000000100\","
                                         "\"endTimeUnixNano\":\"1700000000000000300\"",
                                         "\"name\":\"compute\",\"kind\":1,\"startTimeUnixNano\":"
                                         "\"1700000000000000300\",\"endTimeUnixNano\":\"1700000000000000600\"",
                                         "\"name\":\"encode\",\"kind\":1,\"startTimeUnixNano\":\"1700000000000000600\","
                                         "\"endTimeUnixNano\":\"1700000000000001000\""};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (!strstr(text, wanted[i])) {
            fail_msg("%s is missing in %s", wanted[i], text);
        }
    }
    assert_null(strstr(text, "\"name\":\"decode\""));
    span.receive_ns = 70000;
    assert_non_null(strstr(
        print(&span), "\"startTimeUnixNano\":\"1700000000000001000\",\"endTimeUnixNano\":\"1700000000000001000\""));
}

static void expect_parts(const char *text, const char *const parts[]) {
    for (size_t i = 0; parts[i]; i++) {
        if (!strstr(text, parts[i])) {
            fail_msg("%s is missing in %s", parts[i], text);
        }
    }
}

static void an_attempt_is_a_span_of_another_kind(void **state) {
    (void)state;
    struct span span = job;
    static const char *const success[] = {
        "\"spanId\":\"00f067aa0ba902b7\",\"parentSpanId\":\"1111111111111111\",\"flags\":769,\"name\":\"job "
        "/v1/gaussian\",\"kind\":5,\"startTimeUnixNano\":\"1700000000000000000\",\"endTimeUnixNano\":"
        "\"1700000000000001000\",\"attributes\":[{\"key\":\"forkjoin.job.id\",\"value\":{\"stringValue\":\"nightly\"}},"
        "{\"key\":\"forkjoin.job.attempt\",\"value\":{\"intValue\":\"3\"}},{\"key\":\"forkjoin.job.outcome\",\"value\":"
        "{\"stringValue\":\"successful\"}},{\"key\":\"forkjoin.job.op\",\"value\":{\"stringValue\":\"/v1/gaussian\"}},"
        "{\"key\":\"forkjoin.threads\",\"value\":{\"intValue\":\"2\"}}],\"status\":{}}",
        NULL};
    expect_parts(print(&span), success);
    assert_null(strstr(printed.text, "http."));
    span.job.outcome = "failed";
    span.problem = "deadline-exceeded";
    span.status = 504;
    span.phase_ns[SPAN_COMPUTE] = 300;
    static const char *const failure[] = {
        "{\"key\":\"error.type\",\"value\":{\"stringValue\":\"deadline-exceeded\"}}", "\"status\":{\"code\":2}",
        "\"parentSpanId\":\"00f067aa0ba902b7\",\"flags\":257,\"name\":\"compute\",\"kind\":1", NULL};
    expect_parts(print(&span), failure);
    span.route = NULL; /* nothing runs it any more */
    span.status = 404;
    static const char *const nothing[] = {"\"name\":\"job\"", "\"status\":{}", NULL};
    expect_parts(print(&span), nothing);
    assert_null(strstr(printed.text, "forkjoin.job.op"));
}

/* So that the bound of a group's text holds. */
static void no_job_is_longer_than_the_longest(void **state) {
    (void)state;
    struct span span = job;
    char route[128];
    memset(route, '/', sizeof route - 1);
    route[sizeof route - 1] = '\0';
    span.route = route;
    span.problem = "a-problem-of-a-name-as-long-as-none-there-is-yet";
    span.threads_granted = span.job.attempt = UINT32_MAX;
    span.total_ns = UINT64_C(1) << 62;
    for (unsigned phase = 0; phase < SPAN_PHASES; phase++) {
        span.phase_ns[phase] = 1;
    }
    memset(span.job.id, 'a', SPAN_JOB_ID_MAX);
    size_t length = strlen(print(&span));
    if (length > OTLP_SPAN_BYTES) {
        fail_msg("%zu bytes are more than %d", length, OTLP_SPAN_BYTES);
    }
}

static void no_request_is_longer_than_the_longest(void **state) {
    (void)state;
    struct span span = plain;
    span.request.method = "OPTIONS";
    span.problem = "a-problem-of-a-name-as-long-as-none-there-is-yet";
    span.status = 500;
    span.threads_granted = UINT32_MAX;
    span.total_ns = UINT64_C(1) << 62;
    span.request.received_bytes = span.request.sent_bytes = UINT64_MAX >> 1;
    char route[128];
    memset(route, '/', sizeof route - 1);
    route[sizeof route - 1] = '\0';
    span.route = route;
    for (unsigned phase = 0; phase < SPAN_PHASES; phase++) {
        span.phase_ns[phase] = 1;
    }
    memset(span.request.path, '\x01', SPAN_PATH_MAX);
    memset(span.request.peer, '\x01', SPAN_PEER_MAX);
    memset(span.request.id, 'a', SPAN_REQUEST_ID_MAX);
    size_t length = strlen(print(&span));
    if (length > OTLP_SPAN_BYTES) {
        fail_msg("%zu bytes are more than %d", length, OTLP_SPAN_BYTES);
    }
}

static void every_span_has_an_id_of_its_own(void **state) {
    (void)state;
    static char seen[4096][TRACE_SPAN_DIGITS + 1];
    size_t count = 0;
    for (unsigned request = 1; request <= 500; request++) {
        struct span span = plain;
        (void)snprintf(span.trace.span_id, sizeof span.trace.span_id, "%016x", request);
        for (unsigned phase = 0; phase < SPAN_PHASES; phase++) {
            span.phase_ns[phase] = 1;
        }
        const char *at = print(&span);
        while ((at = strstr(at, "\"spanId\":\""))) {
            at += strlen("\"spanId\":\"");
            memcpy(seen[count++], at, TRACE_SPAN_DIGITS);
        }
    }
    assert_int_equal(count, 500 * (1 + SPAN_PHASES));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(strspn(seen[i], "0123456789abcdef"), TRACE_SPAN_DIGITS);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(seen[i], seen[j]);
        }
    }
}

static void what_is_not_known_is_said_so(void **state) {
    (void)state;
    struct span span = plain;
    span.request.method = span.route = NULL;
    span.parent_span_id[0] = '\0';
    span.status = 499;
    span.problem = "client-gone";
    const char *text = print(&span);
    assert_non_null(strstr(text, "\"name\":\"HTTP\""));
    assert_non_null(strstr(text, "\"_OTHER\""));
    assert_non_null(strstr(text, "\"flags\":257,"));
    assert_non_null(strstr(text, "{\"key\":\"error.type\",\"value\":{\"stringValue\":\"client-gone\"}}"));
    assert_null(strstr(text, "status_code"));
    assert_null(strstr(text, "parentSpanId"));
    assert_null(strstr(text, "http.route"));
    span.status = 503;
    assert_non_null(strstr(print(&span), "\"status\":{\"code\":2}"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_request_without_phases),
                                       cmocka_unit_test(phases_follow_one_another_within_the_request),
                                       cmocka_unit_test(an_attempt_is_a_span_of_another_kind),
                                       cmocka_unit_test(no_job_is_longer_than_the_longest),
                                       cmocka_unit_test(no_request_is_longer_than_the_longest),
                                       cmocka_unit_test(every_span_has_an_id_of_its_own),
                                       cmocka_unit_test(what_is_not_known_is_said_so)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

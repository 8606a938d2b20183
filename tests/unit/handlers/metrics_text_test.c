#include "handlers/metrics_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLENTY = 65536 };

struct fixture {
    struct plain_memory memory;
    struct text out;
    struct metrics_text text;
};

static struct fixture fixture;

static struct metrics_text *open_text(bool is_open_metrics) {
    plain_memory_init(&fixture.memory, PLENTY);
    text_init(&fixture.out, &fixture.memory.base, PLENTY);
    fixture.text = (struct metrics_text){.out = &fixture.out, .is_open_metrics = is_open_metrics};
    return &fixture.text;
}

static void close_text(const char *expected) {
    bool is_finished = fixture.text.is_open_metrics && strstr(expected, "# EOF");
    if (!is_finished) {
        fixture.text.is_open_metrics = false; /* a part of a text */
        metrics_text_finish(&fixture.text);
    }
    assert_false(text_failed(&fixture.out));
    char *found = strndup(fixture.out.data ? fixture.out.data : "", fixture.out.length);
    assert_string_equal(found, expected);
    free(found);
    text_deinit(&fixture.out);
}

static void a_counters_family_has_another_name_in_openmetrics(void **state) {
    (void)state;
    struct metrics_text *text = open_text(false);
    metrics_text_family(text, "a_total", METRICS_COUNTER, "What it is.");
    metrics_text_begin(text, "a_total", "");
    metrics_text_unsigned(text, UINT64_MAX);
    metrics_text_end(text);
    metrics_text_finish(text);
    close_text("# HELP a_total What it is.\n# TYPE a_total counter\na_total 18446744073709551615\n");
    text = open_text(true);
    metrics_text_family(text, "a_total", METRICS_COUNTER, "What it is.");
    metrics_text_family(text, "b_total", METRICS_GAUGE, "Another.");
    metrics_text_finish(text);
    close_text("# HELP a What it is.\n# TYPE a counter\n# HELP b_total Another.\n# TYPE b_total gauge\n# EOF\n");
}

static void label_values_are_escaped(void **state) {
    (void)state;
    static const struct {
        const char *value;
        const char *expected;
    } cases[] = {
        {"", "a{k=\"\"} 1\n"},
        {"plain", "a{k=\"plain\"} 1\n"},
        {"\"", "a{k=\"\\\"\"} 1\n"},
        {"\\", "a{k=\"\\\\\"} 1\n"},
        {"\n", "a{k=\"\\n\"} 1\n"},
        {"\"} 2\na{k=\"", "a{k=\"\\\"} 2\\na{k=\\\"\"} 1\n"},
        {"\\n", "a{k=\"\\\\n\"} 1\n"},
        {"\xc3\xa4{}=,", "a{k=\"\xc3\xa4{}=,\"} 1\n"},
        {"ends in \\", "a{k=\"ends in \\\\\"} 1\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct metrics_text *text = open_text(i % 2);
        metrics_text_begin(text, "a", "");
        metrics_text_label(text, "k", cases[i].value);
        metrics_text_unsigned(text, 1);
        metrics_text_end(text);
        close_text(cases[i].expected);
    }
}

static void help_is_escaped_as_each_format_wants_it(void **state) {
    (void)state;
    metrics_text_family(open_text(false), "a", METRICS_GAUGE, "One\\two\n\"three\"");
    close_text("# HELP a One\\\\two\\n\"three\"\n# TYPE a gauge\n");
    metrics_text_family(open_text(true), "a", METRICS_GAUGE, "One\\two\n\"three\"");
    close_text("# HELP a One\\\\two\\n\\\"three\\\"\n# TYPE a gauge\n");
}

static void labels_are_separated(void **state) {
    (void)state;
    struct metrics_text *text = open_text(false);
    metrics_text_family(text, "h", METRICS_HISTOGRAM, "-");
    metrics_text_begin(text, "h", "_bucket");
    metrics_text_label(text, "a", "1");
    metrics_text_label(text, "b", "2");
    metrics_text_label(text, "le", "+Inf");
    metrics_text_unsigned(text, 0);
    metrics_text_end(text);
    metrics_text_begin(text, "h", "_count");
    metrics_text_unsigned(text, 0);
    metrics_text_end(text);
    close_text("# HELP h -\n# TYPE h histogram\nh_bucket{a=\"1\",b=\"2\",le=\"+Inf\"} 0\nh_count 0\n");
}

static void seconds_lose_nothing(void **state) {
    (void)state;
    static const struct {
        uint64_t nanoseconds;
        const char *expected;
    } cases[] = {{0, "a 0.0\n"},
                 {1, "a 0.000000001\n"},
                 {50000, "a 0.00005\n"},
                 {999999999, "a 0.999999999\n"},
                 {1000000000, "a 1.0\n"},
                 {1000000010, "a 1.00000001\n"},
                 {300000000000, "a 300.0\n"},
                 {UINT64_MAX, "a 18446744073.709551615\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct metrics_text *text = open_text(false);
        metrics_text_begin(text, "a", "");
        metrics_text_seconds(text, cases[i].nanoseconds);
        metrics_text_end(text);
        close_text(cases[i].expected);
    }
}

static void parts_of_any_length_are_put(void **state) {
    (void)state;
    enum { LONGEST = 3 * METRICS_LINE_BYTES };
    for (size_t length = 0; length <= LONGEST; length += length < 400 || length > 1100 ? 97 : 1) {
        char value[LONGEST + 1], expected[LONGEST + 64];
        memset(value, 'x', length);
        value[length] = '\0';
        struct metrics_text *text = open_text(false);
        metrics_text_begin(text, "name", "");
        metrics_text_label(text, "k", value);
        metrics_text_label(text, "l", "\"");
        metrics_text_unsigned(text, 12);
        metrics_text_end(text);
        (void)snprintf(expected, sizeof expected, "name{k=\"%s\",l=\"\\\"\"} 12\n", value);
        close_text(expected);
    }
}

static void exemplars_are_openmetrics_alone(void **state) {
    (void)state;
    for (int is_open = 0; is_open <= 1; is_open++) {
        struct metrics_text *text = open_text(is_open);
        metrics_text_begin(text, "h", "_bucket");
        metrics_text_label(text, "le", "0.1");
        metrics_text_unsigned(text, 4);
        metrics_text_exemplar(text, "a-\"b", 1500000, 1700000000250000000);
        metrics_text_end(text);
        close_text(is_open ? "h_bucket{le=\"0.1\"} 4 # {request_id=\"a-\\\"b\"} 0.0015 1700000000.25\n"
                           : "h_bucket{le=\"0.1\"} 4\n");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counters_family_has_another_name_in_openmetrics),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(help_is_escaped_as_each_format_wants_it),
        cmocka_unit_test(labels_are_separated),
        cmocka_unit_test(seconds_lose_nothing),
        cmocka_unit_test(parts_of_any_length_are_put),
        cmocka_unit_test(exemplars_are_openmetrics_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "codecs/trace_context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static void what_is_right_is_read(void **state) {
    (void)state;
    static const struct {
        const char *value;
        bool is_sampled;
    } cases[] = {
        {"00-" TRACE "-" SPAN "-01", true},           {"00-" TRACE "-" SPAN "-00", false},
        {"00-" TRACE "-" SPAN "-03", true},           {"00-" TRACE "-" SPAN "-ff", true},
        {"00-" TRACE "-" SPAN "-fe", false},          {"cc-" TRACE "-" SPAN "-01", true},
        {"cc-" TRACE "-" SPAN "-01-what-ever", true}, {"01-" TRACE "-" SPAN "-00-", false},
        {"fe-" TRACE "-" SPAN "-01", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trace_context context;
        if (!trace_context_read(cases[i].value, &context)) {
            fail_msg("%s is refused", cases[i].value);
        }
        assert_string_equal(context.trace_id, TRACE);
        assert_string_equal(context.span_id, SPAN);
        assert_int_equal(context.is_sampled, cases[i].is_sampled);
    }
}

static void what_is_not_is_ignored(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        "00",
        "00-" TRACE "-" SPAN,
        "00-" TRACE "-" SPAN "-",
        "00-" TRACE "-" SPAN "-0",
        "00-" TRACE "-" SPAN "-011",
        "00-" TRACE "-" SPAN "-01-",
        "00-" TRACE "-" SPAN "-01-more",
        "00-" TRACE "-" SPAN "-01 ",
        " 00-" TRACE "-" SPAN "-01",
        "ff-" TRACE "-" SPAN "-01",
        "0-" TRACE "-" SPAN "-01",
        "0x-" TRACE "-" SPAN "-01",
        "CC-" TRACE "-" SPAN "-01",
        "cc-" TRACE "-" SPAN "-01.more",
        "cc-" TRACE "-" SPAN "-011",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
        "00-" TRACE "-00F067AA0BA902B7-01",
        "00-" TRACE "-" SPAN "-0g",
        "00-" TRACE "-" SPAN "-0A",
        "00-4bf92f3577b34da6a3ce929d0e0e473-" SPAN "-01-",
        "00-4bf92f3577b34da6a3ce929d0e0e473.-" SPAN "-01",
        "00_" TRACE "-" SPAN "-01",
        "00-" TRACE "_" SPAN "-01",
        "00-" TRACE "-" SPAN "_01",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trace_context context;
        memset(&context, 'x', sizeof context);
        if (trace_context_read(cases[i], &context)) {
            fail_msg("%s is read", cases[i]);
        }
        assert_int_equal(context.trace_id[0], 0);
        assert_int_equal(context.span_id[0], 0);
    }
}

static void each_wrong_character_is_seen(void **state) {
    (void)state;
    static const char good[] = "00-" TRACE "-" SPAN "-01";
    for (size_t i = 0; i < sizeof good - 1; i++) {
        for (int byte = 1; byte < 256; byte++) {
            char value[sizeof good];
            struct trace_context context;
            memcpy(value, good, sizeof good);
            value[i] = (char)byte;
            bool is_hex = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
            bool is_right = good[i] == '-' ? byte == '-' : is_hex;
            assert_int_equal(trace_context_read(value, &context), is_right);
        }
    }
}

static void what_is_printed_is_read_again(void **state) {
    (void)state;
    for (int is_sampled = 0; is_sampled <= 1; is_sampled++) {
        struct trace_context context = {.trace_id = TRACE, .span_id = SPAN, .is_sampled = is_sampled}, again;
        char out[TRACE_FIELD_BYTES];
        trace_context_print(&context, out);
        assert_string_equal(out, is_sampled ? "00-" TRACE "-" SPAN "-01" : "00-" TRACE "-" SPAN "-00");
        assert_true(trace_context_read(out, &again));
        assert_memory_equal(&again, &context, sizeof again);
    }
}

/* The same each time, and each one another one. */
static void numbers_make_spans(void **state) {
    enum { COUNT = 1000 };
    static char seen[COUNT][TRACE_SPAN_DIGITS + 1];
    struct trace_context context;
    (void)state;
    assert_true(trace_context_read("00-" TRACE "-" SPAN "-01", &context));
    for (uint64_t number = 1; number <= COUNT; number++) {
        char again[TRACE_SPAN_DIGITS + 1];
        char *id = seen[number - 1];
        trace_context_make_span(&context, number, id);
        trace_context_make_span(&context, number, again);
        assert_string_equal(id, again);
        assert_int_equal(strspn(id, "0123456789abcdef"), TRACE_SPAN_DIGITS);
        assert_string_not_equal(id, context.span_id);
        for (uint64_t other = 1; other < number; other++) {
            assert_string_not_equal(id, seen[other - 1]);
        }
    }
    /* Made once and written down: a journal that an earlier process has left goes on with the same ids. */
    assert_string_equal(seen[0], "f128bb513e87d161");
    assert_string_equal(seen[COUNT - 1], "a13b6197434322b0");
}

static void no_span_is_made_of_zeros(void **state) {
    struct trace_context context = {.trace_id = TRACE, .span_id = "61c8864680b583eb"};
    char id[TRACE_SPAN_DIGITS + 1];
    (void)state;
    trace_context_make_span(&context, 1, id);
    assert_string_equal(id, "0000000000000001");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_read),        cmocka_unit_test(what_is_not_is_ignored),
        cmocka_unit_test(each_wrong_character_is_seen), cmocka_unit_test(what_is_printed_is_read_again),
        cmocka_unit_test(numbers_make_spans),           cmocka_unit_test(no_span_is_made_of_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

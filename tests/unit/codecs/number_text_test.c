#include "codecs/numbers/number_text.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t skip_digits(const char *text, size_t at) {
    while (text[at] >= '0' && text[at] <= '9') {
        at++;
    }
    return at;
}

/* RFC 8259: [ minus ] int [ frac ] [ exp ] */
static bool is_json_number(const char *text) {
    size_t at = text[0] == '-';
    size_t start = at;
    at = skip_digits(text, at);
    if (at == start || (text[start] == '0' && at > start + 1)) {
        return false;
    }
    if (text[at] == '.') {
        start = ++at;
        at = skip_digits(text, at);
        if (at == start) {
            return false;
        }
    }
    if (text[at] == 'e') {
        at++;
        at += text[at] == '+' || text[at] == '-';
        start = at;
        at = skip_digits(text, at);
        if (at == start) {
            return false;
        }
    }
    return text[at] == '\0';
}

static void check_double(double value) {
    char text[NUMBER_TEXT_MAX + 1];
    size_t length = number_text_double(value, text);
    assert_in_range(length, 1, NUMBER_TEXT_MAX);
    text[length] = '\0';
    if (!is_json_number(text)) {
        fail_msg("%a is printed as %s", value, text);
    }
    double back = strtod(text, NULL);
    if (memcmp(&back, &value, sizeof value) != 0) {
        fail_msg("%a is printed as %s, which is %a", value, text, back);
    }
}

static void expect_double(double value, const char *expected) {
    char text[NUMBER_TEXT_MAX + 1];
    text[number_text_double(value, text)] = '\0';
    assert_string_equal(text, expected);
}

static void random_bit_patterns_read_back_the_same(void **state) {
    (void)state;
    uint64_t bits = UINT64_C(0x9E3779B97F4A7C15);
    for (int i = 0; i < 200000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double value = 0;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            check_double(value);
        }
    }
}

static void edges_read_back_the_same(void **state) {
    (void)state;
    static const double edges[] = {0.0,
                                   -0.0,
                                   5e-324,
                                   2.2250738585072014e-308,
                                   2.225073858507201e-308,
                                   1.7976931348623157e308,
                                   0.1,
                                   1.0 / 3,
                                   9007199254740993.0,
                                   123456789012345678.0,
                                   1e22,
                                   1e23,
                                   1e-5};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        check_double(edges[i]);
        check_double(-edges[i]);
    }
}

static void doubles_are_printed_in_the_shortest_form(void **state) {
    (void)state;
    expect_double(3.0, "3");
    expect_double(0.5, "0.5");
    expect_double(-0.0, "-0");
    expect_double(1e300, "1e+300");
    expect_double(0.1 + 0.2, "0.30000000000000004");
    expect_double(-1.7976931348623157e308, "-1.7976931348623157e+308");
}

static void unsigned_numbers_are_printed_whole(void **state) {
    (void)state;
    static const uint64_t values[] = {0, 9, 10, 18446744073709551615U};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[NUMBER_TEXT_MAX + 1];
        char expected[NUMBER_TEXT_MAX + 1];
        text[number_text_unsigned(values[i], text)] = '\0';
        (void)snprintf(expected, sizeof expected, "%" PRIu64, values[i]);
        assert_string_equal(text, expected);
    }
}

static void milliseconds_have_three_decimals_rounded_down(void **state) {
    (void)state;
    static const struct {
        uint64_t nanoseconds;
        const char *expected;
    } cases[] = {{0, "0.000"},
                 {999, "0.000"},
                 {1000, "0.001"},
                 {1234567, "1.234"},
                 {5000000, "5.000"},
                 {999999, "0.999"},
                 {1010999, "1.010"},
                 {60000000000, "60000.000"},
                 {UINT64_MAX, "18446744073709.551"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[NUMBER_TEXT_MAX + 1];
        text[number_text_milliseconds(cases[i].nanoseconds, text)] = '\0';
        assert_string_equal(text, cases[i].expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bit_patterns_read_back_the_same),
        cmocka_unit_test(edges_read_back_the_same),
        cmocka_unit_test(doubles_are_printed_in_the_shortest_form),
        cmocka_unit_test(unsigned_numbers_are_printed_whole),
        cmocka_unit_test(milliseconds_have_three_decimals_rounded_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

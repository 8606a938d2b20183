#include "codecs/weight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void weights_are_thousandths_and_what_is_none_is_one(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned weight;
    } cases[] = {
        {"0", 0},        {"0.", 0},       {"0.000", 0},     {".0", 0},    {"00.0", 0},    {"1", 1000},
        {"1.000", 1000}, {"0.5", 500},    {".5", 500},      {"0.05", 50}, {"0.123", 123}, {".1239", 123},
        {"0.0001", 1},   {"0.0000", 0},   {"0.9999", 999},  {"2", 1000},  {"10", 1000},   {"1.5", 1000},
        {"", 1000},      {".", 1000},     {"-1", 1000},     {"x", 1000},  {"0x", 1000},   {"0.5x", 1000},
        {"0 5", 1000},   {"0.5.5", 1000}, {"\"0.5\"", 500}, {"\"", 1000}, {"\"\"", 1000}, {"\"0", 1000},
        {"0,5", 1000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i].text;
        unsigned weight = weight_read(text, text + strlen(text));
        if (weight != cases[i].weight) {
            fail_msg("\"%s\": %u instead of %u", text, weight, cases[i].weight);
        }
    }
}

static void nothing_behind_the_end_is_read(void **state) {
    (void)state;
    static const char text[] = "0.56\"";
    assert_int_equal(weight_read(text, text + 3), 500);
    assert_int_equal(weight_read(text, text), WEIGHT_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_thousandths_and_what_is_none_is_one),
        cmocka_unit_test(nothing_behind_the_end_is_read),
    };
    return cmocka_run_group_tests_name("weight", tests, NULL, NULL);
}

#include "server/system/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void sizes_are_read_in_bytes_and_binary_units(void **state) {
    static const struct {
        const char *text;
        size_t bytes;
    } cases[] = {{"0", 0},
                 {"123", 123},
                 {"512KiB", 512u << 10},
                 {"64MiB", 64u << 20},
                 {"4GiB", (size_t)4 << 30},
                 {"007", 7},
                 {"18446744073709551615", SIZE_MAX},
                 {"17179869183GiB", (size_t)17179869183 << 30}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t bytes = 42;
        if (!quantity_bytes(cases[i].text, &bytes)) {
            fail_msg("\"%s\" was refused", cases[i].text);
        }
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void anything_else_is_no_size(void **state) {
    static const char *const cases[] = {"",
                                        " 1",
                                        "1 ",
                                        "-1",
                                        "+1",
                                        "1.5MiB",
                                        "MiB",
                                        "1MB",
                                        "1M",
                                        "1mib",
                                        "0x1",
                                        "1KiBx",
                                        "1 KiB",
                                        "1e3",
                                        "\xd9\xa1",
                                        "1KiB\n",
                                        "1,0",
                                        "18446744073709551616",
                                        "17179869184GiB"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t bytes = 42;
        if (quantity_bytes(cases[i], &bytes)) {
            fail_msg("\"%s\" was read as %zu", cases[i], bytes);
        }
        assert_int_equal(bytes, 42);
    }
}

static void durations_are_read_in_seconds_and_milliseconds(void **state) {
    static const struct {
        const char *text;
        uint64_t duration_ns;
    } cases[] = {{"0", 0},
                 {"30", 30000000000},
                 {"30s", 30000000000},
                 {"250ms", 250000000},
                 {"1.5s", 1500000000},
                 {"1.5", 1500000000},
                 {"0.25ms", 250000},
                 {"0.000000001s", 1},
                 {"0.999999999", 999999999},
                 {"18446744073.709551615s", UINT64_MAX}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t duration_ns = 42;
        if (!quantity_duration(cases[i].text, &duration_ns)) {
            fail_msg("\"%s\" was refused", cases[i].text);
        }
        assert_int_equal(duration_ns, cases[i].duration_ns);
    }
}

static void anything_else_is_no_duration(void **state) {
    static const char *const cases[] = {"",
                                        "-1s",
                                        "+1",
                                        ".5s",
                                        "5.s",
                                        "1.5.5",
                                        "1e3",
                                        "1m",
                                        "1h",
                                        "1us",
                                        "s",
                                        "ms",
                                        "1S",
                                        "1 s",
                                        "1s ",
                                        "inf",
                                        "nan",
                                        "0x1",
                                        "1ss",
                                        "18446744073.709551616s",
                                        "0.0000000001s",
                                        "0.0000001ms",
                                        "99999999999999999999"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t duration_ns = 42;
        if (quantity_duration(cases[i], &duration_ns)) {
            fail_msg("\"%s\" was read as %llu", cases[i], (unsigned long long)duration_ns);
        }
        assert_int_equal(duration_ns, 42);
    }
}

static void counts_must_lie_in_their_range(void **state) {
    unsigned count = 42;
    (void)state;
    assert_true(quantity_count("3", 3, 12, &count));
    assert_int_equal(count, 3);
    assert_true(quantity_count("12", 3, 12, &count));
    assert_int_equal(count, 12);
    assert_true(quantity_count("4294967295", 0, UINT32_MAX, &count));
    assert_int_equal(count, UINT32_MAX);
    count = 42;
    static const char *const refused[] = {"2", "13", "", "-3", "+3", "3 ", "3.0", "4294967299", "18446744073709551619"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (quantity_count(refused[i], 3, 12, &count)) {
            fail_msg("\"%s\" was read as %u", refused[i], count);
        }
        assert_int_equal(count, 42);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read_in_bytes_and_binary_units),
        cmocka_unit_test(anything_else_is_no_size),
        cmocka_unit_test(durations_are_read_in_seconds_and_milliseconds),
        cmocka_unit_test(anything_else_is_no_duration),
        cmocka_unit_test(counts_must_lie_in_their_range),
    };
    return cmocka_run_group_tests_name("quantity", tests, NULL, NULL);
}

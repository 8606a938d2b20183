#include "codecs/numbers/number_print.h"

#include "codecs/numbers/number_read.h"
#include "tests/unit/codecs/json_bodies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { COUNT = 5000 };

static double values[COUNT];
static char text[COUNT * NUMBER_PRINT_MAX];

/* Of all magnitudes, the longest texts among them. */
static int set_up(void **state) {
    (void)state;
    static const double edges[] = {0,
                                   -0.0,
                                   1,
                                   -1,
                                   0.1,
                                   1e21,
                                   1e22,
                                   1e23,
                                   123456789012345680000.0,
                                   1180591620717411303424.0,
                                   -2.2250738585072014e-308,
                                   -1.7976931348623157e308,
                                   5e-324,
                                   -5e-324,
                                   1e5,
                                   100000,
                                   0.0001,
                                   -0.00012345678901234567,
                                   9007199254740994.0,
                                   0.3,
                                   2.0 / 3};
    struct body body = {.random = 2685821657736338717};
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t bits = body_random(&body) << 11 ^ body_random(&body);
        memcpy(&values[i], &bits, sizeof bits);
        if (i < sizeof edges / sizeof edges[0]) {
            values[i] = edges[i];
        } else if (i % 3 == 0 || !isfinite(values[i])) {
            values[i] = (double)(bits >> 12) / 4503599627370496.0;
        }
    }
    return 0;
}

/* One value after the other, commas between. */
static size_t read_back(const char *at, size_t length, double *out) {
    const char *end = at + length;
    size_t count = 0;
    for (;; at++) {
        struct number_reading reading = number_read(at, end, &out[count]);
        assert_int_equal(reading.status, NUMBER_READ);
        count++;
        at = reading.end;
        if (at == end) {
            return count;
        }
        assert_int_equal(*at, ',');
    }
}

static size_t print(unsigned precision) {
    size_t length = 0;
    assert_int_equal(number_print_piece(values, COUNT, precision, false, text, sizeof text - 1, &length), COUNT);
    text[length] = '\0'; /* ends the last number for those who read it back */
    return length;
}

static void numbers_read_back_to_the_same_bits(void **state) {
    (void)state;
    static double found[COUNT];
    size_t length = print(NUMBER_PRECISION_MAX);
    assert_int_equal(read_back(text, length, found), COUNT);
    assert_memory_equal(found, values, sizeof values);
}

static void fewer_digits_are_rounded_as_printf_rounds_them(void **state) {
    (void)state;
    static double found[COUNT];
    for (unsigned precision = 1; precision <= NUMBER_PRECISION_MAX; precision++) {
        size_t length = print(precision);
        assert_int_equal(read_back(text, length, found), COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            char rounded[64];
            (void)snprintf(rounded, sizeof rounded, "%.*g", (int)precision, values[i]);
            bool may_be_whole = precision > 15 || fabs(values[i]) > 1e308;
            if (found[i] != strtod(rounded, NULL) && !(may_be_whole && found[i] == values[i])) {
                fail_msg("%.17g with %u digits is printed as %.17g instead of %s", values[i], precision, found[i],
                         rounded);
            }
        }
    }
}

static void no_digit_is_added_where_more_are_allowed(void **state) {
    (void)state;
    static const double tenths[] = {0.1, 0.3, 1e23, 5e-324, 100, -1.2e-320};
    static const char *const expected = "0.1,0.3,1e+23,5e-324,100,-1.2e-320";
    for (unsigned precision = 3; precision <= NUMBER_PRECISION_MAX; precision++) {
        size_t length = 0;
        char out[6 * NUMBER_PRINT_MAX];
        assert_int_equal(number_print_piece(tenths, 6, precision, false, out, sizeof out, &length), 6);
        assert_int_equal(length, strlen(expected));
        assert_memory_equal(out, expected, length);
    }
}

static void the_text_does_not_depend_on_where_pieces_cut(void **state) {
    (void)state;
    static char joined[sizeof text];
    size_t whole = print(NUMBER_PRECISION_MAX);
    for (size_t capacity = NUMBER_PRINT_MAX; capacity < 400; capacity += 7) {
        size_t used = 0;
        size_t at = 0;
        while (at < COUNT) {
            size_t length = 0;
            char piece[400 + 1];
            memset(piece, '#', sizeof piece);
            at += number_print_piece(values + at, COUNT - at, NUMBER_PRECISION_MAX, at > 0, piece, capacity, &length);
            assert_in_range(length, 1, capacity);
            assert_int_equal(piece[capacity], '#');
            memcpy(joined + used, piece, length);
            used += length;
        }
        assert_int_equal(used, whole);
        assert_memory_equal(joined, text, whole);
    }
}

/* The text of the first `count` numbers, printed one by one. */
static size_t print_singly(const double *numbers, size_t count, char *out) {
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = 0;
        assert_int_equal(
            number_print_piece(numbers + i, 1, NUMBER_PRECISION_MAX, i > 0, out + used, NUMBER_PRINT_MAX, &length), 1);
        used += length;
    }
    return used;
}

/* Numbers and text end where memory does, for every capacity up to what all need. */
static void nothing_is_touched_outside_of_numbers_and_buffer(void **state) {
    (void)state;
    enum { FEW = 75 };
    static char expected[FEW * NUMBER_PRINT_MAX];
    struct guarded in, out;
    assert_true(guarded_init(&in, sizeof values));
    assert_true(guarded_init(&out, sizeof expected));
    for (size_t first = 0; first < 12 * FEW; first += FEW) {
        const double *numbers =
            (const double *)(const void *)guarded_at_end(&in, (const char *)(values + first), FEW * sizeof *values);
        size_t whole = print_singly(numbers, FEW, expected);
        for (size_t capacity = 0; capacity <= sizeof expected; capacity++) {
            size_t length = 0;
            char *piece = guarded_at_end(&out, expected, 0) - capacity;
            size_t printed = number_print_piece(numbers, FEW, NUMBER_PRECISION_MAX, false, piece, capacity, &length);
            assert_in_range(length, 0, capacity);
            assert_memory_equal(piece, expected, length);
            assert_true(printed == FEW ? length == whole : capacity - length < NUMBER_PRINT_MAX);
        }
    }
    guarded_deinit(&in);
    guarded_deinit(&out);
}

static void the_first_that_is_not_finite_stops_the_printing(void **state) {
    (void)state;
    static const double others[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3 * 40; i++) {
        double mixed[40];
        size_t length = 0;
        char out[40 * NUMBER_PRINT_MAX];
        char expected[sizeof out];
        memcpy(mixed, values, sizeof mixed);
        mixed[i / 3] = others[i % 3];
        assert_int_equal(number_print_piece(mixed, 40, 17, false, out, sizeof out, &length), i / 3);
        assert_int_equal(length, print_singly(values, i / 3, expected));
        assert_memory_equal(out, expected, length);
        assert_int_equal(number_print_finite(mixed, 40), i / 3);
        assert_int_equal(number_print_finite(mixed, i / 3), i / 3);
    }
    assert_int_equal(number_print_finite(values, COUNT), COUNT);
}

static void a_buffer_that_is_too_small_stays_empty(void **state) {
    (void)state;
    size_t length = 9;
    char out[NUMBER_PRINT_MAX - 1];
    assert_int_equal(number_print_piece(values, COUNT, 17, false, out, sizeof out, &length), 0);
    assert_int_equal(length, 0);
    assert_int_equal(number_print_piece(values, 0, 17, true, out, sizeof out, &length), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_read_back_to_the_same_bits),
        cmocka_unit_test(fewer_digits_are_rounded_as_printf_rounds_them),
        cmocka_unit_test(no_digit_is_added_where_more_are_allowed),
        cmocka_unit_test(the_text_does_not_depend_on_where_pieces_cut),
        cmocka_unit_test(nothing_is_touched_outside_of_numbers_and_buffer),
        cmocka_unit_test(the_first_that_is_not_finite_stops_the_printing),
        cmocka_unit_test(a_buffer_that_is_too_small_stays_empty),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}

/* Reading one number where rounding is hard. What is right is known from how the text is made, not from strtod: a long
 * double holds the point halfway between two doubles exactly, and printf prints it with all its digits. */
#include "codecs/numbers/number_read.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 4096, DIGITS_MAX = 800, PATTERNS = 5000 }; /* a halfway point has at most 768 significant digits */

static const uint64_t edges[] = {
    0, /* below it, half of the smallest is a tie */
    1, /* the smallest */
    2,
    UINT64_C(0xFFFFFFFFFFFFE),
    UINT64_C(0xFFFFFFFFFFFFF), /* the largest subnormal */
    UINT64_C(0x10000000000000),
    UINT64_C(0x10000000000001),
    UINT64_C(0x3FEFFFFFFFFFFFFF), /* just below a power of two */
    UINT64_C(0x3FF0000000000000),
    UINT64_C(0x433FFFFFFFFFFFFF), /* 2^53 - 1 */
    UINT64_C(0x4340000000000000),
    UINT64_C(0x4340000000000001),
    UINT64_C(0x44B52D02C7E14AF6), /* 1e23 lies between this and the next */
    UINT64_C(0x7FEFFFFFFFFFFFFE),
    UINT64_C(0x7FEFFFFFFFFFFFFF), /* the largest: above it the tie overflows */
};

static double from_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t to_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Infinite bits: it must overflow. */
static void expect_bits(const char *text, uint64_t expected) {
    double found = NAN;
    const char *end = text + strlen(text);
    struct number_reading reading = number_read(text, end, &found);
    bool overflows = isinf(from_bits(expected));
    if (reading.status != (overflows ? NUMBER_OVERFLOWS : NUMBER_READ) || reading.end != end ||
        (!overflows && to_bits(found) != expected)) {
        fail_msg("%s: status %d, %a; expected %a", text, reading.status, found, from_bits(expected));
    }
}

static void expect_both_signs(const char *text, uint64_t expected) {
    char negative[TEXT_MAX + 1] = "-";
    (void)snprintf(negative, sizeof negative, "-%s", text);
    expect_bits(text, expected);
    expect_bits(negative, expected | UINT64_C(1) << 63);
}

/* The digits of a value in scientific form, "d.ddd" with no more zeros behind than the first after the point, and its
 * exponent. */
static int split(long double value, char *digits, size_t room) {
    (void)snprintf(digits, room, "%.*Le", DIGITS_MAX, value);
    char *exponent = strchr(digits, 'e');
    int power = (int)strtol(exponent + 1, NULL, 10);
    while (exponent[-1] == '0' && exponent[-2] != '.') {
        exponent--;
    }
    *exponent = '\0';
    return power;
}

/* One less in the last digit. */
static void decrement(char *digits) {
    char *last = digits + strlen(digits) - 1;
    for (; *last == '0' || *last == '.'; last--) {
        *last = *last == '0' ? '9' : '.';
    }
    (*last)--;
}

/* All digits of the halfway point are there: then it's the double with the even mantissa. With one more digit, however
 * far behind, it's the upper one; with a smaller last digit and nines behind it, the lower one. */
static void check_halfway(uint64_t lower) {
    char digits[DIGITS_MAX + 32];
    char text[TEXT_MAX];
    double below = from_bits(lower);
    double ulp = lower == to_bits(DBL_MAX) ? below - from_bits(lower - 1) : from_bits(lower + 1) - below;
    int power = split((long double)below + (long double)ulp / 2, digits, sizeof digits);
    uint64_t upper = lower + 1;
    (void)snprintf(text, sizeof text, "%se%d", digits, power);
    expect_both_signs(text, lower % 2 == 0 ? lower : upper);
    (void)snprintf(text, sizeof text, "%s%0*de%d", digits, 20, 1, power);
    expect_both_signs(text, upper);
    (void)snprintf(text, sizeof text, "%s%0*dE%+05d", digits, 1000, 1, power);
    expect_both_signs(text, upper);
    decrement(digits);
    (void)snprintf(text, sizeof text, "%s99999999999999999999e%d", digits, power);
    expect_both_signs(text, lower);
}

static uint64_t random_bits(void) {
    static uint64_t random = UINT64_C(88172645463325252);
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random * UINT64_C(0x2545F4914F6CDD1D);
}

static void halfway_cases_go_to_the_even_neighbour(void **state) {
    (void)state;
    assert_true(LDBL_MANT_DIG > DBL_MANT_DIG);
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        check_halfway(edges[i]);
    }
    for (int i = 0; i < PATTERNS; i++) {
        uint64_t bits = random_bits() >> 1;
        bits = i % 4 == 0 ? bits >> (11 + i % 52) : bits; /* subnormals */
        if (bits < to_bits(INFINITY)) {
            check_halfway(bits);
        }
    }
}

/* Neither the position of the point nor zeros around the digits change the value. */
static void the_same_number_is_the_same_in_every_spelling(void **state) {
    (void)state;
    for (int i = 0; i < PATTERNS; i++) {
        uint64_t bits = i < 15 ? edges[i] : random_bits() >> 1;
        if (bits >= to_bits(INFINITY)) {
            continue;
        }
        char digits[DIGITS_MAX + 32];
        char text[TEXT_MAX];
        int zeros = i % 400;
        int power = split(from_bits(bits), digits, sizeof digits);
        (void)snprintf(text, sizeof text, "%se%d", digits, power);
        expect_both_signs(text, bits);
        (void)snprintf(text, sizeof text, "%s%0*dE%+09d", digits, zeros + 1, 0, power);
        expect_both_signs(text, bits);
        (void)snprintf(text, sizeof text, "0.%0*d%c%se%d", zeros + 1, 0, digits[0], digits + 2, power + zeros + 2);
        expect_both_signs(text, bits);
        (void)snprintf(text, sizeof text, "%.*f", i % 2 ? 1100 : 1074, from_bits(bits));
        expect_both_signs(text, bits);
    }
}

static void the_range_ends_halfway_beyond_the_largest_double(void **state) {
    (void)state;
    uint64_t largest = to_bits(DBL_MAX);
    uint64_t infinite = to_bits(INFINITY);
    expect_both_signs("1.7976931348623157e308", largest);
    expect_both_signs("1.7976931348623158e308", largest);
    expect_both_signs("17976931348623158079e289", largest);
    expect_both_signs("1.797693134862315807e308", largest);
    expect_both_signs("1.797693134862315808e308", infinite);
    expect_both_signs("1.7976931348623159e308", infinite);
    expect_both_signs("2e308", infinite);
    expect_both_signs("0.9e309", infinite);
    expect_both_signs("1e309", infinite);
    expect_both_signs("1e400", infinite);
    expect_both_signs("1e99999999999999999999", infinite);
    expect_both_signs("0.00000000001e99999999999999999999", infinite);
}

static void what_underflows_becomes_a_zero_with_its_sign(void **state) {
    (void)state;
    expect_both_signs("5e-324", 1);
    expect_both_signs("4.9406564584124654e-324", 1);
    expect_both_signs("3e-324", 1);
    expect_both_signs("2.4703282292062328e-324", 1);
    expect_both_signs("2.4703282292062327e-324", 0);
    expect_both_signs("2e-324", 0);
    expect_both_signs("1e-400", 0);
    expect_both_signs("1e-99999999999999999999", 0);
    expect_both_signs("123456789012345678901234567890e-99999999999999999999", 0);
}

static void zeros_and_exponents_have_many_spellings(void **state) {
    (void)state;
    static const char *const zeros[] = {"0",
                                        "0.0",
                                        "0e0",
                                        "0E+0",
                                        "0e-0",
                                        "0e999",
                                        "0e-999",
                                        "0.000e999",
                                        "0e00000000000000000000",
                                        "0e99999999999999999999",
                                        "0e-99999999999999999999"};
    static const char *const ones[] = {"1",
                                       "1.0",
                                       "1e0",
                                       "1E0",
                                       "1E+0",
                                       "1e-0",
                                       "1e000000",
                                       "10e-1",
                                       "1000e-0003",
                                       "1e+00000000000000000000",
                                       "0.1e1",
                                       "0.01E+2",
                                       "100000000000000000000e-20",
                                       "0.00000000000000000001e20",
                                       "1e-00000000000000000000"};
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
        expect_both_signs(zeros[i], 0);
    }
    for (size_t i = 0; i < sizeof ones / sizeof ones[0]; i++) {
        expect_both_signs(ones[i], to_bits(1));
    }
}

static void eight_hundred_digits_are_all_looked_at(void **state) {
    (void)state;
    char text[TEXT_MAX] = "1.";
    /* 1 + 2^-53 is halfway between 1 and the next double. */
    static const char halfway[] = "1.00000000000000011102230246251565404236316680908203125";
    for (size_t length = sizeof halfway; length <= 2000; length += 1 + length / 10) {
        memset(text, '0', length);
        memcpy(text, halfway, sizeof halfway - 1);
        text[length] = '\0';
        expect_both_signs(text, to_bits(1));
        text[length - 1] = '1';
        expect_both_signs(text, to_bits(1) + 1);
    }
    memset(text, '9', 800);
    memcpy(text + 800, "e-800", 6);
    expect_both_signs(text, to_bits(1));
    memcpy(text + 800, "e-492", 6);
    expect_both_signs(text, to_bits(1e308));
    memcpy(text + 800, "e-491", 6);
    expect_both_signs(text, to_bits(INFINITY));
    memcpy(text + 800, "e-1124", 7); /* 1e-324, all but */
    expect_both_signs(text, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halfway_cases_go_to_the_even_neighbour),
        cmocka_unit_test(the_same_number_is_the_same_in_every_spelling),
        cmocka_unit_test(the_range_ends_halfway_beyond_the_largest_double),
        cmocka_unit_test(what_underflows_becomes_a_zero_with_its_sign),
        cmocka_unit_test(zeros_and_exponents_have_many_spellings),
        cmocka_unit_test(eight_hundred_digits_are_all_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

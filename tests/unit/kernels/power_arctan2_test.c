/* The power and the angle of doubles where they are our own, with FMA on x86: closer bounds than vector_math_test's, at
 * arguments where they could be missed, what has to be exact, and numbers beside those that are seldom. */
#include "kernels/expression/math/vector_math.h"

#include "tests/reference/vector_math_simple.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The bounds of vector_math.h in ulps. */
static const double power_bound = 0.9, arctan2_bound = 0.52;

/* The levels with FMA on x86, and arguments of each kind. */
enum { FIRST_LEVEL = 1, LEVELS = 3, BATCH = 1000, BATCHES = 250 };

static const double special_values[] = {
    0,      0x1p-1074,   0x1.8p-1073, DBL_MIN,     0x1p-501, 0x1p-500, 0x1p-149, 0x1p-400, 0x1p-60,    0.25,
    0.5,    1 - 0x1p-53, 1,           1 + 0x1p-52, 1.5,      2,        2.5,      3,        4,          7,
    10,     709.78,      745.2,       1023,        1024,     1074,     1075,     0x1p52,   0x1p52 + 1, 0x1p53 - 1,
    0x1p53, 0x1p400,     0x1p500,     0x1p501,     0x1p1023, DBL_MAX,  INFINITY, NAN};

enum { SPECIALS = sizeof special_values / sizeof *special_values };

static uint64_t random_state = 2026;

static uint64_t draw(void) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 32) * UINT64_C(0x9e3779b97f4a7c15);
}

static double unit(void) {
    return (double)(draw() >> 11) * 0x1p-53;
}

static double sign(void) {
    return draw() % 2 ? 1 : -1;
}

static double any_bits(void) {
    uint64_t bits = draw();
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool has_level(unsigned level) {
    return level >= FIRST_LEVEL && math_kernels_of_level(level, MATH_POWER);
}

static void apply(enum math_function function, unsigned level, const double *x, const double *y, double *out,
                  size_t count) {
    math_kernels_of_level(level, function)->on_double.binary(x, y, out, count);
}

/* Infinite where NaN, an infinity or the sign of a zero is wrong. */
static double error_of(double got, long double want) {
    if (isnan(want) || isnan(got)) {
        return isnan(want) && isnan(got) ? 0 : INFINITY;
    }
    if (isinf((double)want) || isinf(got)) {
        return (double)want == got ? 0 : INFINITY;
    }
    if ((signbit(got) != 0) != (signbit(want) != 0)) {
        return INFINITY;
    }
    int exponent = DBL_MIN_EXP;
    if (want != 0) {
        frexpl(want, &exponent);
    }
    exponent = exponent < DBL_MIN_EXP ? DBL_MIN_EXP : exponent;
    return (double)(fabsl(got - want) / ldexpl(1, exponent - DBL_MANT_DIG));
}

static void assert_within(enum math_function function, unsigned level, const double *x, const double *y, size_t count,
                          double bound) {
    double out[BATCH];
    apply(function, level, x, y, out, count);
    for (size_t i = 0; i < count; i++) {
        long double want = math_simple(function, (long double)x[i], (long double)y[i], 0);
        double error = error_of(out[i], want);
        if (!(error <= bound)) {
            fail_msg("%s, level %u, of %a, %a is %a instead of %La: %g ulp", math_kernels(function)->name, level, x[i],
                     y[i], out[i], want, error);
        }
    }
}

/* An exponent to which x is e to the `logarithm`, or nearly. */
static double exponent_for(double x, double logarithm) {
    return logarithm / (log(fabs(x)) + 0x1p-80);
}

/* All exponents; near 1 with large ones, where the logarithm's error counts most; results that overflow, nearly, or
 * become subnormal; negative numbers to integers; subnormal ones. */
enum { POWER_KINDS = 8 };

static void pick_power(unsigned kind, double *x, double *y) {
    *x = any_bits();
    *y = any_bits();
    switch (kind) {
    case 0:
        break;
    case 1:
        *x = 2 * unit();
        *y = 4 * unit() - 2;
        break;
    case 2:
        *x = exp2(2000 * unit() - 1000);
        *y = exponent_for(*x, sign() * 746 * unit());
        break;
    case 3:
        *x = 1 + (unit() - 0.5) * exp2(-(double)(draw() % 50));
        *y = exponent_for(*x, sign() * (680 + 30 * unit()));
        break;
    case 4:
        *x = 0.69 + 0.72 * unit();
        *y = exponent_for(*x, 709.7 + 0.1 * unit());
        break;
    case 5:
        *x = 0.97 + 0.06 * unit();
        *y = exponent_for(*x, -708 - 38 * unit());
        break;
    case 6:
        *x = (double)(draw() % 2000) - 1000;
        *y = (double)(draw() % 400) - 200;
        break;
    default:
        *x = DBL_MIN * unit();
        *y = 2 * unit() - 1;
        break;
    }
}

/* All exponents; all octants; flat angles and steep ones; quotients around the ends of parts; subnormal numbers and
 * large ones. */
enum { ARCTAN2_KINDS = 7 };

static void pick_arctan2(unsigned kind, double *y, double *x) {
    *y = any_bits();
    *x = any_bits();
    switch (kind) {
    case 0:
        break;
    case 1:
        *y = 2 * unit() - 1;
        *x = 2 * unit() - 1;
        break;
    case 2:
        *x = sign() * (1 + unit());
        *y = *x * sign() * unit() * exp2(-(double)(draw() % 70));
        break;
    case 3:
        *y = sign() * (1 + unit());
        *x = *y * sign() * unit() * exp2(-(double)(draw() % 70));
        break;
    case 4:
        *x = sign() * (1 + unit());
        *y = *x * sign() * 17 / 256 * ((double)(draw() % 31) / 2 + (unit() - 0.5) / 50);
        break;
    case 5:
        *x = sign() * (1 + unit()) * 0x1p-1030;
        *y = (2 * unit() - 1) * 0x1p-1030;
        break;
    default:
        *x = sign() * (1 + unit()) * 0x1p1022;
        *y = (2 * unit() - 1) * exp2(1023 - (double)(draw() % 60));
        break;
    }
}

static void assert_kinds(enum math_function function, void (*pick)(unsigned, double *, double *), unsigned kinds,
                         double bound) {
    double x[BATCH], y[BATCH];
    for (unsigned batch = 0; batch < kinds * BATCHES; batch++) {
        for (size_t i = 0; i < BATCH; i++) {
            pick(batch % kinds, &x[i], &y[i]);
        }
        for (unsigned level = FIRST_LEVEL; level < LEVELS; level++) {
            if (has_level(level)) {
                assert_within(function, level, x, y, BATCH, bound);
            }
        }
    }
}

static void power_is_within_its_bound(void **state) {
    (void)state;
    assert_kinds(MATH_POWER, pick_power, POWER_KINDS, power_bound);
}

static void arctan2_is_within_its_bound(void **state) {
    (void)state;
    assert_kinds(MATH_ARCTAN2, pick_arctan2, ARCTAN2_KINDS, arctan2_bound);
}

/* Each with each, of all signs, in all places of a vector. */
static void special_values_are_annex_fs(void **state) {
    (void)state;
    for (size_t i = 0; i < (size_t)4 * SPECIALS * SPECIALS; i++) {
        double x = special_values[i / 4 % SPECIALS], y = special_values[i / 4 / SPECIALS];
        x = i % 2 ? -x : x;
        y = i % 4 / 2 ? -y : y;
        for (unsigned level = FIRST_LEVEL; level < LEVELS; level++) {
            if (has_level(level)) {
                assert_within(MATH_POWER, level, &x, &y, 1, power_bound);
                assert_within(MATH_ARCTAN2, level, &x, &y, 1, arctan2_bound);
            }
        }
    }
}

/* Powers of small integers while they have 53 bits, and the roots that take them back. */
static void powers_that_are_numbers_are_exact(void **state) {
    (void)state;
    for (unsigned level = FIRST_LEVEL; level < LEVELS; level++) {
        for (int base = -100; base <= 100 && has_level(level); base++) {
            double x = base, power = 1, got;
            for (double y = 0; fabs(power) < 0x1p53 && y < 100; y++, power *= x) {
                apply(MATH_POWER, level, &x, &y, &got, 1);
                assert_true(got == power);
            }
            double square = x * x, half = 0.5, one = 1, minus = -1;
            apply(MATH_POWER, level, &square, &half, &got, 1);
            assert_true(got == fabs(x));
            apply(MATH_POWER, level, &x, &one, &got, 1);
            assert_true(got == x);
            apply(MATH_POWER, level, &minus, &x, &got, 1);
            assert_true(got == (base % 2 ? -1 : 1));
        }
        for (double y = -1074; y < 1024 && has_level(level); y++) {
            double x = 2, got;
            apply(MATH_POWER, level, &x, &y, &got, 1);
            assert_true(got == ldexp(1, (int)y));
        }
    }
}

/* A number has the bits that it has among its like, whatever stands beside it. */
static void assert_alike(enum math_function function, unsigned level, double x, double y) {
    enum { LANES = 8 };
    double xs[LANES], ys[LANES], alone[LANES], beside[LANES];
    for (size_t i = 0; i < LANES; i++) {
        xs[i] = x;
        ys[i] = y;
    }
    apply(function, level, xs, ys, alone, LANES);
    xs[1] = special_values[draw() % SPECIALS];
    ys[1] = sign() * special_values[draw() % SPECIALS];
    xs[6] = -special_values[draw() % SPECIALS];
    ys[6] = sign() * special_values[draw() % SPECIALS];
    apply(function, level, xs, ys, beside, LANES);
    if (memcmp(&alone[0], &beside[0], sizeof alone[0]) != 0 || memcmp(&alone[7], &beside[7], sizeof alone[7]) != 0) {
        fail_msg("%s, level %u, of %a, %a: %a among its like, %a, %a beside others", math_kernels(function)->name,
                 level, x, y, alone[0], beside[0], beside[7]);
    }
}

static void bits_dont_depend_on_neighbours(void **state) {
    (void)state;
    for (unsigned i = 0; i < 200 * BATCH; i++) {
        double special_x = special_values[i % SPECIALS], special_y = special_values[i / SPECIALS % SPECIALS], x, y;
        for (unsigned level = FIRST_LEVEL; level < LEVELS; level++) {
            if (has_level(level)) {
                assert_alike(MATH_POWER, level, special_x, special_y);
                assert_alike(MATH_ARCTAN2, level, special_y, special_x);
                pick_power(i % POWER_KINDS, &x, &y);
                assert_alike(MATH_POWER, level, x, y);
                pick_arctan2(i % ARCTAN2_KINDS, &y, &x);
                assert_alike(MATH_ARCTAN2, level, y, x);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_is_within_its_bound),      cmocka_unit_test(arctan2_is_within_its_bound),
        cmocka_unit_test(special_values_are_annex_fs),    cmocka_unit_test(powers_that_are_numbers_are_exact),
        cmocka_unit_test(bits_dont_depend_on_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Vector functions: against libm's long double ones over all exponents and special values, and bit by bit against
 * themselves over all cuts and alignments. */
#include "kernels/expression/math/vector_math.h"

#include "kernels/expression/math/vector_math_levels.h"
#include "tests/reference/vector_math_simple.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Levels that there may be, arguments of each kind, and the bounds of vector_math.h in ulps. */
enum { LEVELS = 3, COUNT = 6000 };

static double bound_of(enum math_function function, unsigned level) {
    switch (function) {
    case MATH_SQRT:
    case MATH_SQUARE:
    case MATH_RECIPROCAL:
        return 0.501; /* long double rounds before */
    case MATH_ERFC:
        return 1.5;
    case MATH_SIGMOID:
        return 2.5;
    case MATH_ARCTAN:
    case MATH_HYPOT:
        return level == 0 ? 1.5 : 1;
    case MATH_ARCTAN2:
        return level == 0 ? 2 : 1;
    default:
        return function >= MATH_CBRT && function <= MATH_TGAMMA ? 1 : function == MATH_POWER ? 1 : 0;
    }
}

static uint64_t random_state = 2026;

static uint64_t draw(void) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 32) * UINT64_C(0x9e3779b97f4a7c15);
}

static double unit(void) {
    return (double)(draw() >> 11) * 0x1p-53;
}

/* Where functions change: poles, limits of what a type holds, halves, and what composed.inc tells apart. */
// clang-format off
static const double special_values[] = {
    0, -0.0, INFINITY, NAN, -NAN, -NAN, -INFINITY, NAN, 1, -1, 0.5, -0.5, 2, -2, 3, 1.5, 2.5, -2.5, -3, 1e308,
    DBL_MAX, -DBL_MAX, DBL_MIN, -DBL_MIN, 0x1p-1074, -0x1p-1074, FLT_MAX, -FLT_MAX, FLT_MIN, 0x1p-149,
    -0x1p-149, 709.78, 709.79, -745.13, -745.14, 88.72, 88.73, -103.97, -103.98, 710.47, -710.48, 89.41, 171.6,
    171.7, -171.5, -184.5, 35.04, 35.05, -42.5, 26.54, 27.3, 9.19, 10.06, 0x1p52, 0x1p53, -0x1p53, 1e22, 1e15,
    1e16, 1e154, 1.4e154, 1e200, 1.9e19, 1e38, 1 + 0x1p-52, 1 - 0x1p-53, 0x1p-27, 0x1p-54, 0x1p-13, 0x1p-25,
    1.7976e307, 3.4e37, -2.4570247382208006,
};
// clang-format on

static double pick_special(void) {
    return special_values[draw() % (sizeof special_values / sizeof *special_values)];
}

/* Arguments of one of KINDS kinds. */
enum { KINDS = 10 };

static double pick(unsigned kind, bool single) {
    switch (kind) {
    case 0: { /* any bits */
        uint64_t bits = draw();
        uint32_t half = (uint32_t)(bits >> 32);
        double value;
        float narrow;
        memcpy(&value, &bits, sizeof value);
        memcpy(&narrow, &half, sizeof narrow);
        return single ? (double)narrow : value;
    }
    case 1:
        return pick_special();
    case 2:
        return (unit() - 0.5) * 20;
    case 3:
        return (unit() - 0.5) * 2.2;
    case 4:
        return 1 + (unit() - 0.5) * 0.02;
    case 5:
        return (unit() - 0.5) * (single ? 220 : 1600);
    case 6: /* near the zeros of sines */
        return (double)((int64_t)(draw() % 2000001) - 1000000) * M_PI_2;
    case 7: /* near the poles of gamma functions */
        return -(double)(draw() % (single ? 45 : 185)) + (unit() - 0.5) * exp2(-(double)(draw() % 50));
    case 8:
        return (draw() % 2 ? 1 : -1) * exp2((unit() - 0.5) * 60);
    default: /* small and subnormal */
        return (draw() % 2 ? 1 : -1) * exp2(-(double)(draw() % (single ? 149 : 1074))) * (1 + unit());
    }
}

/* One function's arguments and results, of both types. */
struct arrays {
    double x[COUNT], y[COUNT], z[COUNT], out[COUNT];
    float xf[COUNT], yf[COUNT], zf[COUNT], outf[COUNT];
    uint8_t bytes[COUNT], bytesf[COUNT];
};

static struct arrays own, cut;

static void apply(const struct math_kernels *kernels, struct arrays *a, size_t at, size_t count) {
    const union math_double_kernel on_double = kernels->on_double;
    const union math_float_kernel on_float = kernels->on_float;
    switch (kernels->shape) {
    case MATH_UNARY:
        on_double.unary(a->x + at, a->out + at, count);
        on_float.unary(a->xf + at, a->outf + at, count);
        break;
    case MATH_BINARY:
        on_double.binary(a->x + at, a->y + at, a->out + at, count);
        on_float.binary(a->xf + at, a->yf + at, a->outf + at, count);
        break;
    case MATH_TERNARY:
        on_double.ternary(a->x + at, a->y + at, a->z + at, a->out + at, count);
        on_float.ternary(a->xf + at, a->yf + at, a->zf + at, a->outf + at, count);
        break;
    case MATH_PREDICATE:
        on_double.predicate(a->x + at, a->bytes + at, count);
        on_float.predicate(a->xf + at, a->bytesf + at, count);
        for (size_t i = at; i < at + count; i++) {
            a->out[i] = a->bytes[i];
            a->outf[i] = a->bytesf[i];
        }
        break;
    }
}

static void fill(struct arrays *arrays, unsigned kind, bool single) {
    for (size_t i = 0; i < COUNT; i++) {
        unsigned other = draw() % 2 ? kind : (unsigned)(draw() % KINDS);
        arrays->x[i] = pick(kind, single);
        arrays->y[i] = draw() % 8 == 0 ? arrays->x[i] : pick(other, single);
        arrays->z[i] = pick(other, single);
        arrays->xf[i] = (float)arrays->x[i];
        arrays->yf[i] = (float)arrays->y[i];
        arrays->zf[i] = (float)arrays->z[i];
    }
}

static bool is_numpys(enum math_function function) {
    return function == MATH_FLOOR_DIVIDE || function == MATH_REMAINDER || function == MATH_FMOD ||
           function == MATH_NEXTAFTER || function == MATH_DEGREES || function == MATH_RADIANS;
}

static long double expect_double(enum math_function function, const struct arrays *a, size_t i) {
    return is_numpys(function)    ? math_simple_double(function, a->x[i], a->y[i])
           : function == MATH_FMA ? fma(a->x[i], a->y[i], a->z[i])
                                  : math_simple(function, a->x[i], a->y[i], a->z[i]);
}

static long double expect_float(enum math_function function, const struct arrays *a, size_t i) {
    return is_numpys(function) ? (long double)math_simple_float(function, a->xf[i], a->yf[i])
           : function == MATH_FMA
               ? (long double)fmaf(a->xf[i], a->yf[i], a->zf[i])
               : math_simple(function, (long double)a->xf[i], (long double)a->yf[i], (long double)a->zf[i]);
}

/* Infinite where NaN, an infinity or the sign of a zero is wrong. */
static double error_of(double got, long double want, bool single) {
    long double rounded = single ? (long double)(float)want : (long double)(double)want;
    if (isnan(want) || isnan(got)) {
        return isnan(want) && isnan(got) ? 0 : INFINITY;
    }
    if (isinf(rounded) || isinf(got)) {
        return rounded == got ? 0 : INFINITY;
    }
    if ((want == 0 || got == 0) && (signbit(got) != 0) != (signbit(want) != 0)) {
        return INFINITY;
    }
    int exponent = -20000, digits = single ? 24 : 53, least = single ? -149 : -1074;
    if (want != 0) {
        frexpl(want, &exponent);
    }
    return (double)(fabsl(got - want) / ldexpl(1, exponent - digits < least ? least : exponent - digits));
}

static void assert_within(const struct math_kernels *kernels, unsigned level, double got, long double want,
                          double bound, bool single, const struct arrays *a, size_t i) {
    double error = error_of(got, want, single);
    if (!(error <= bound)) {
        fail_msg("%s of %s, level %u: %.17g (%.17g, %.17g) is %.17g instead of %.21Lg: %g ulp", kernels->name,
                 single ? "float" : "double", level, single ? (double)a->xf[i] : a->x[i],
                 single ? (double)a->yf[i] : a->y[i], single ? (double)a->zf[i] : a->z[i], got, want, error);
    }
}

static void each_function_is_within_its_bound(void **state) {
    (void)state;
    for (enum math_function f = 0; f < MATH_COUNT; f++) {
        for (unsigned kind = 0; kind < 2 * KINDS && f != MATH_LOGADDEXP; kind++) {
            bool single = kind >= KINDS;
            fill(&own, kind % KINDS, single);
            for (unsigned level = 0; level < LEVELS; level++) {
                const struct math_kernels *kernels = math_kernels_of_level(level, f);
                if (!kernels) {
                    continue;
                }
                apply(kernels, &own, 0, COUNT);
                for (size_t i = 0; i < COUNT; i++) {
                    double got = single ? (double)own.outf[i] : own.out[i];
                    long double want = single ? expect_float(f, &own, i) : expect_double(f, &own, i);
                    assert_within(kernels, level, got, want, bound_of(f, level), single, &own, i);
                }
            }
        }
    }
}

static const struct math_scaled_exp *scaled_exp_of_level(unsigned level) {
#if defined(__x86_64__)
    if (level > 0) {
        return level == 1 ? &math_scaled_exp_v3 : &math_scaled_exp_v4;
    }
#endif
    (void)level;
    return &math_scaled_exp_plain;
}

/* exp(x * factor) in one step has the bits of the two, in every level. */
static void scaled_exp_is_exp_of_the_product(void **state) {
    (void)state;
    static const double factors[] = {1, -0.5, 3, -1e10, 1e-300, 0x1p-1074, 0, -0.0, INFINITY, -INFINITY, 1e30};
    static double product[COUNT], scaled[COUNT];
    static float productf[COUNT], scaledf[COUNT];
    for (unsigned level = 0; level < LEVELS; level++) {
        const struct math_kernels *kernels = math_kernels_of_level(level, MATH_EXP);
        for (unsigned kind = 0; kind < KINDS && kernels; kind++) {
            fill(&own, kind, false);
            fill(&own, kind, true);
            for (size_t f = 0; f < sizeof factors / sizeof *factors; f++) {
                float factor = (float)factors[f];
                for (size_t i = 0; i < COUNT; i++) {
                    product[i] = own.x[i] * factors[f];
                    productf[i] = own.xf[i] * factor;
                }
                kernels->on_double.unary(product, product, COUNT);
                kernels->on_float.unary(productf, productf, COUNT);
                scaled_exp_of_level(level)->on_double(MATH_PRODUCT, own.x, factors[f], scaled, COUNT);
                scaled_exp_of_level(level)->on_float(MATH_PRODUCT, own.xf, factor, scaledf, COUNT);
                for (size_t i = 0; i < COUNT; i++) {
                    if ((scaled[i] != product[i] && !(isnan(scaled[i]) && isnan(product[i]))) ||
                        (scaledf[i] != productf[i] && !(isnan(scaledf[i]) && isnan(productf[i])))) {
                        fail_msg("level %u: exp(%.17g * %.17g) is %.17g, not %.17g; as float %.9g, not %.9g", level,
                                 own.x[i], factors[f], scaled[i], product[i], (double)scaledf[i], (double)productf[i]);
                    }
                }
            }
        }
    }
}

/* Added up as they are computed, they have the bits of an array's sums, in every level. */
static void added_exps_are_those_of_the_array(void **state) {
    (void)state;
    static const double factors[] = {-0.5, 1, -1e10, 0x1p-1074, -0.0, -INFINITY, 1e30};
    static double powers[COUNT];
    for (unsigned level = 0; level < LEVELS; level++) {
        const struct math_scaled_exp *exps = scaled_exp_of_level(level);
        for (unsigned kind = 0; kind < KINDS && math_kernels_of_level(level, MATH_EXP); kind++) {
            fill(&own, kind, false);
            for (size_t count = 0; count < COUNT; count += count < 70 ? 1 : 997) {
                double number = factors[count % (sizeof factors / sizeof *factors)];
                enum math_exponent exponent = (enum math_exponent)(count % 3);
                double expected[MATH_SUM_LANES] = {1, 2, 3}, found[MATH_SUM_LANES] = {1, 2, 3};
                exps->on_double(exponent, own.x, number, powers, count);
                for (size_t i = 0; i < count; i++) {
                    expected[i % MATH_SUM_LANES] += powers[i];
                }
                exps->add_double(exponent, own.x, number, found, count);
                for (size_t l = 0; l < MATH_SUM_LANES; l++) {
                    if (found[l] != expected[l] && !(isnan(found[l]) && isnan(expected[l]))) {
                        fail_msg("level %u, number %g: lane %zu of %zu is %a, not %a", level, number, l, count,
                                 found[l], expected[l]);
                    }
                }
            }
        }
    }
}

/* And so has exp(factor * (x - y)**2), where there is no factor exp(-(x - y)**2). */
static void square_exp_is_exp_of_the_square(void **state) {
    (void)state;
    static const double factors[] = {-1, 1, -0.5, -1e10, 0x1p-1074, -0.0, INFINITY, -INFINITY, NAN};
    static double square[COUNT], joined[COUNT];
    static float squaref[COUNT], joinedf[COUNT];
    for (unsigned level = 0; level < LEVELS; level++) {
        const struct math_kernels *kernels = math_kernels_of_level(level, MATH_EXP);
        for (unsigned kind = 0; kind < KINDS && kernels; kind++) {
            fill(&own, kind, false);
            fill(&own, kind, true);
            for (size_t f = 0; f < sizeof factors / sizeof *factors; f++) {
                size_t count = COUNT - f; /* what is left over, too */
                float factor = (float)factors[f];
                for (size_t i = 0; i < count; i++) {
                    square[i] = factors[f] * ((own.x[i] - own.y[i]) * (own.x[i] - own.y[i]));
                    squaref[i] = factor * ((own.xf[i] - own.yf[i]) * (own.xf[i] - own.yf[i]));
                }
                kernels->on_double.unary(square, square, count);
                kernels->on_float.unary(squaref, squaref, count);
                const struct math_scaled_exp *exps = scaled_exp_of_level(level);
                exps->of_square_double(own.x, own.y, f > 0 ? &factors[f] : NULL, joined, count);
                exps->of_square_float(own.xf, own.yf, f > 0 ? &factor : NULL, joinedf, count);
                for (size_t i = 0; i < count; i++) {
                    if ((joined[i] != square[i] && !(isnan(joined[i]) && isnan(square[i]))) ||
                        (joinedf[i] != squaref[i] && !(isnan(joinedf[i]) && isnan(squaref[i])))) {
                        fail_msg("level %u: exp(%g * (%.17g - %.17g)**2) is %.17g, not %.17g; as float %.9g, not %.9g",
                                 level, factors[f], own.x[i], own.y[i], joined[i], square[i], (double)joinedf[i],
                                 (double)squaref[i]);
                    }
                }
            }
        }
    }
}

/* Of each part: where they cancel, the sum has no ulps to speak of. */
static void logaddexp_is_numpys(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < 2 * KINDS; kind++) {
        bool single = kind >= KINDS;
        fill(&own, kind % KINDS, single);
        for (unsigned level = 0; level < LEVELS; level++) {
            const struct math_kernels *kernels = math_kernels_of_level(level, MATH_LOGADDEXP);
            if (!kernels) {
                continue;
            }
            apply(kernels, &own, 0, COUNT);
            for (size_t i = 0; i < COUNT; i++) {
                double x = single ? (double)own.xf[i] : own.x[i], y = single ? (double)own.yf[i] : own.y[i];
                double got = single ? (double)own.outf[i] : own.out[i];
                double want = single ? (double)math_simple_float(MATH_LOGADDEXP, own.xf[i], own.yf[i])
                                     : math_simple_double(MATH_LOGADDEXP, x, y);
                double part = fmax(x, y), unit_in_last = single ? 0x1p-23 : 0x1p-52;
                double bound = unit_in_last * (fabs(part) + 2 * fabs(want - part)) + (single ? 0x1p-148 : 0x1p-1073);
                bool same = want == got || (isnan(want) && isnan(got));
                if (!same && !(fabs(got - want) <= bound)) {
                    fail_msg("level %u: logaddexp(%.17g, %.17g) is %.17g instead of %.17g", level, x, y, got, want);
                }
            }
        }
    }
}

static void assert_same_bits(const struct math_kernels *kernels, unsigned level) {
    for (size_t i = 0; i < COUNT; i++) {
        if (memcmp(&own.out[i], &cut.out[i], sizeof own.out[i]) != 0 ||
            memcmp(&own.outf[i], &cut.outf[i], sizeof own.outf[i]) != 0) {
            fail_msg("%s, level %u, of %a (%a), %a (%a): %a instead of %a, %a instead of %a", kernels->name, level,
                     own.x[i], own.y[i], (double)own.xf[i], (double)own.yf[i], cut.out[i], own.out[i],
                     (double)cut.outf[i], (double)own.outf[i]);
        }
    }
}

/* Cut into pieces of random lengths at random places, and in place. */
static void bits_dont_depend_on_the_cut(void **state) {
    (void)state;
    for (enum math_function f = 0; f < MATH_COUNT; f++) {
        for (unsigned level = 0; level < LEVELS; level++) {
            const struct math_kernels *kernels = math_kernels_of_level(level, f);
            for (unsigned kind = 0; kernels && kind < KINDS; kind++) {
                fill(&own, kind, draw() % 2);
                cut = own;
                apply(kernels, &own, 0, COUNT);
                for (size_t at = 0, count; at < COUNT; at += count) {
                    count = 1 + (size_t)(draw() % (draw() % 4 ? 20 : 700));
                    count = COUNT - at < count ? COUNT - at : count;
                    apply(kernels, &cut, at, count);
                }
                assert_same_bits(kernels, level);
            }
        }
    }
}

/* Which NaN it is depends on the instructions. */
static void forget_nans(struct arrays *a) {
    for (size_t i = 0; i < COUNT; i++) {
        a->out[i] = isnan(a->out[i]) ? NAN : a->out[i];
        a->outf[i] = isnan(a->outf[i]) ? NAN : a->outf[i];
    }
}

/* AVX2's against AVX-512's, of any numbers. */
static void bits_dont_depend_on_the_width_of_vectors(void **state) {
    (void)state;
    for (enum math_function f = 0; f < MATH_COUNT; f++) {
        const struct math_kernels *narrow = math_kernels_of_level(1, f), *wide = math_kernels_of_level(2, f);
        for (unsigned kind = 0; narrow && wide && kind < KINDS; kind++) {
            fill(&own, kind, draw() % 2);
            cut = own;
            apply(wide, &own, 0, COUNT);
            apply(narrow, &cut, 0, COUNT);
            forget_nans(&own);
            forget_nans(&cut);
            assert_same_bits(narrow, 1);
        }
    }
}

static void apply_over(const struct math_kernels *kernels, struct arrays *a, unsigned which) {
    double *const out = which == 0 ? a->x : which == 1 ? a->y : a->z;
    float *const outf = which == 0 ? a->xf : which == 1 ? a->yf : a->zf;
    if (kernels->shape == MATH_UNARY) {
        kernels->on_double.unary(a->x, out, COUNT);
        kernels->on_float.unary(a->xf, outf, COUNT);
    } else if (kernels->shape == MATH_BINARY) {
        kernels->on_double.binary(a->x, a->y, out, COUNT);
        kernels->on_float.binary(a->xf, a->yf, outf, COUNT);
    } else {
        kernels->on_double.ternary(a->x, a->y, a->z, out, COUNT);
        kernels->on_float.ternary(a->xf, a->yf, a->zf, outf, COUNT);
    }
    memmove(a->out, out, sizeof a->out);
    memmove(a->outf, outf, sizeof a->outf);
}

static void the_result_may_take_an_arguments_place(void **state) {
    (void)state;
    for (enum math_function f = 0; f < MATH_COUNT; f++) {
        for (unsigned level = 0; level < LEVELS; level++) {
            const struct math_kernels *kernels = math_kernels_of_level(level, f);
            unsigned arguments = !kernels || kernels->shape == MATH_PREDICATE ? 0
                                 : kernels->shape == MATH_UNARY               ? 1
                                 : kernels->shape == MATH_BINARY              ? 2
                                                                              : 3;
            for (unsigned which = 0; which < arguments; which++) {
                for (unsigned kind = 0; kind < 3; kind++) {
                    fill(&own, kind, false);
                    cut = own;
                    apply(kernels, &own, 0, COUNT);
                    apply_over(kernels, &cut, which);
                    assert_same_bits(kernels, level);
                }
            }
        }
    }
}

/* What is left over at an array's end is read and written to its end only. */
static void arrays_end_where_they_end(void **state) {
    (void)state;
    for (enum math_function f = 0; f < MATH_COUNT; f++) {
        const struct math_kernels *kernels = math_kernels(f);
        for (size_t count = 0; count < 40 && kernels->shape == MATH_UNARY; count++) {
            double *x = malloc((count + 1) * sizeof *x), *out = malloc((count + 1) * sizeof *out);
            assert_true(x && out);
            for (size_t i = 0; i < count; i++) {
                x[i] = 0.3;
            }
            out[count] = 42;
            kernels->on_double.unary(x, out, count);
            assert_true(out[count] == 42);
            free(x);
            free(out);
        }
    }
}

static void every_function_has_a_name_and_a_cost(void **state) {
    (void)state;
    for (enum math_function f = 0; f < MATH_COUNT; f++) {
        const struct math_kernels *kernels = math_kernels(f);
        assert_non_null(kernels->name);
        assert_true(kernels->double_ns > 0 && kernels->float_ns > 0);
        for (enum math_function g = 0; g < f; g++) {
            assert_string_not_equal(kernels->name, math_kernels(g)->name);
        }
    }
    assert_null(math_kernels_of_level(LEVELS, MATH_EXP));
    assert_non_null(math_kernels_of_level(0, MATH_EXP));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_function_is_within_its_bound),
        cmocka_unit_test(logaddexp_is_numpys),
        cmocka_unit_test(scaled_exp_is_exp_of_the_product),
        cmocka_unit_test(added_exps_are_those_of_the_array),
        cmocka_unit_test(square_exp_is_exp_of_the_square),
        cmocka_unit_test(bits_dont_depend_on_the_cut),
        cmocka_unit_test(bits_dont_depend_on_the_width_of_vectors),
        cmocka_unit_test(the_result_may_take_an_arguments_place),
        cmocka_unit_test(arrays_end_where_they_end),
        cmocka_unit_test(every_function_has_a_name_and_a_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

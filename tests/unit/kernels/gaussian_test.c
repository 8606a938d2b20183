/* The Gaussian kernel against long double and against itself over all teams. */
#include "kernels/gaussian/gaussian.h"
#include "tests/reference/gaussian_simple.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The bounds gaussian.h promises: relative error (SLOPE |a| + BASE) 2^-53 for results that aren't subnormal, of which
 * the exponential alone has EXP_ULP. */
#define SLOPE 4.001L
#define BASE 8.0L
#define EXP_ULP 3.0L
#define LEAST_ARGUMENT (-708.0L)

static const struct progress nothing_watched = {0};
static const struct team alone = {.threads = 1};

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Uniform in [low, high). */
static double uniform(double low, double high) {
    return low + (high - low) * ((double)(next_random() >> 11) * 0x1p-53);
}

static struct gaussian_side array(const double *values) {
    return (struct gaussian_side){.values = values};
}

static struct gaussian_side constant(const double *value) {
    return (struct gaussian_side){.values = value, .constant = true};
}

static double one(double x, double y, double gamma) {
    double z = -1;
    assert_int_equal(gaussian(array(&x), array(&y), gamma, &z, 1, &alone, &nothing_watched), KERNEL_DONE);
    return z;
}

static void fill(double *values, size_t count, double range) {
    for (size_t i = 0; i < count; i++) {
        values[i] = uniform(-range, range);
    }
}

/* Ordinary values with all special ones strewn in. */
static void fill_special(double *values, size_t count) {
    static const double special[] = {NAN,       INFINITY, -INFINITY, 0.0,   -0.0,          DBL_MAX, -DBL_MAX, DBL_MIN,
                                     0x1p-1074, 26.7,     -27.29,    1e154, 1.3407807e154, 1e-160,  1e300,    -1e-320};
    for (size_t i = 0; i < count; i++) {
        values[i] = next_random() % 3 ? uniform(-20, 20) : special[next_random() % (sizeof special / sizeof *special)];
    }
}

static void expect_same_bits(const double *left, const double *right, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t a, b;
        memcpy(&a, left + i, sizeof a);
        memcpy(&b, right + i, sizeof b);
        if (a != b) {
            fail_msg("element %zu of %zu: %a is not %a", i, count, left[i], right[i]);
        }
    }
}

/* Element by element in calls of their own, as the yardstick for position and company. */
static void one_by_one(struct gaussian_side x, struct gaussian_side y, double gamma, double *z, size_t count) {
    for (size_t i = 0; i < count; i++) {
        z[i] = one(x.values[x.constant ? 0 : i], y.values[y.constant ? 0 : i], gamma);
    }
}

static void results_stay_within_the_promised_error(void **state) {
    (void)state;
    enum { COUNT = 200000 };
    static double x[COUNT], y[COUNT], z[COUNT];
    static const double ranges[] = {0.01, 1, 13, 1000};
    static const double gammas[] = {1e-12, 0.3, 1, 7, 1e5};
    for (size_t r = 0; r < 4; r++) {
        for (size_t g = 0; g < 5; g++) {
            fill(x, COUNT, ranges[r]);
            fill(y, COUNT, ranges[r]);
            assert_int_equal(gaussian(array(x), array(y), gammas[g], z, COUNT, &alone, &nothing_watched), KERNEL_DONE);
            for (size_t i = 0; i < COUNT; i++) {
                long double d = (long double)x[i] - y[i], a = -(long double)gammas[g] * d * d;
                long double exact = expl(a), error = fabsl((long double)z[i] - exact);
                long double bound =
                    a > LEAST_ARGUMENT ? exact * (SLOPE * fabsl(a) + BASE) * 0x1p-53L : exact * 1e-12L + 0x1p-1073L;
                if (!(error <= bound)) {
                    fail_msg("x %a y %a gamma %a: got %a, want %La, off by %Lg, allowed %Lg", x[i], y[i], gammas[g],
                             z[i], exact, error, bound);
                }
            }
        }
    }
}

static void exp_alone_stays_within_its_bound(void **state) {
    (void)state;
    enum { COUNT = 1000000 };
    double *x = malloc(COUNT * sizeof *x), *z = malloc(COUNT * sizeof *z), zero = 0;
    assert_non_null(x);
    assert_non_null(z);
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = i % 2 ? uniform(0, 26.6) : uniform(0, 2);
    }
    assert_int_equal(gaussian(array(x), constant(&zero), 1, z, COUNT, &alone, &nothing_watched), KERNEL_DONE);
    long double worst = 0;
    for (size_t i = 0; i < COUNT; i++) {
        long double exact = expl((long double)-(x[i] * x[i]));
        long double ulp = ldexpl(1, ilogbl(exact) - 52), error = fabsl((long double)z[i] - exact) / ulp;
        if (!(error <= EXP_ULP)) {
            fail_msg("exp(-(%a)^2): got %a, want %La, off by %Lg ulp", x[i], z[i], exact, error);
        }
        worst = error > worst ? error : worst;
    }
    print_message("largest error of exp: %.3Lf ulp\n", worst);
    free(x);
    free(z);
}

static void bits_do_not_depend_on_team_schedule_chunk_or_position(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 129, 1009, 4095, 4096, 4097, 20011};
    static const size_t chunks[] = {0, 1, 7, 64, 100, 4096};
    static double x[20011], y[20011], expected[20011], z[20011];
    for (unsigned threads = 1; threads <= 8; threads++) {
        for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
            fill_special(x, counts[n]);
            fill_special(y, counts[n]);
            one_by_one(array(x), array(y), 0.5, expected, counts[n]);
            for (int run = 0; run < 18; run++) {
                struct team team = {
                    .threads = threads, .schedule = (enum team_schedule)(run % 3), .chunk = chunks[run / 3]};
                memset(z, 0x55, sizeof z);
                assert_int_equal(gaussian(array(x), array(y), 0.5, z, counts[n], &team, &nothing_watched), KERNEL_DONE);
                expect_same_bits(z, expected, counts[n]);
                for (size_t i = counts[n]; i < counts[n] + 8 && i < 20011; i++) {
                    assert_memory_equal(&z[i], "\x55\x55\x55\x55\x55\x55\x55\x55", 8);
                }
            }
        }
    }
}

static void either_side_or_both_may_be_a_number(void **state) {
    (void)state;
    enum { COUNT = 1009 };
    static double values[COUNT], expected[COUNT], z[COUNT];
    double number = 1.25;
    fill_special(values, COUNT);
    struct team team = {.threads = 2, .schedule = TEAM_DYNAMIC, .chunk = 100};
    struct gaussian_side sides[3][2] = {{array(values), constant(&number)},
                                        {constant(&number), array(values)},
                                        {constant(&number), constant(values + 1)}};
    for (size_t i = 0; i < 3; i++) {
        one_by_one(sides[i][0], sides[i][1], 2, expected, COUNT);
        assert_int_equal(gaussian(sides[i][0], sides[i][1], 2, z, COUNT, &team, &nothing_watched), KERNEL_DONE);
        expect_same_bits(z, expected, COUNT);
    }
}

static void results_may_replace_either_side(void **state) {
    (void)state;
    enum { COUNT = 5003 };
    static double x[COUNT], y[COUNT], expected[COUNT], z[COUNT];
    fill_special(x, COUNT);
    fill_special(y, COUNT);
    one_by_one(array(x), array(y), 0.1, expected, COUNT);
    for (unsigned threads = 1; threads <= 3; threads++) {
        struct team team = {.threads = threads, .chunk = 333};
        memcpy(z, x, sizeof z);
        assert_int_equal(gaussian(array(z), array(y), 0.1, z, COUNT, &team, &nothing_watched), KERNEL_DONE);
        expect_same_bits(z, expected, COUNT);
        memcpy(z, y, sizeof z);
        assert_int_equal(gaussian(array(x), array(z), 0.1, z, COUNT, &team, &nothing_watched), KERNEL_DONE);
        expect_same_bits(z, expected, COUNT);
    }
}

/* Large results in memory of their own take another way there than those in place, and than those not aligned. */
static void large_results_have_the_same_bits_wherever_they_go(void **state) {
    (void)state;
    enum { COUNT = 1200007, LINE = 64 };
    double *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y), *expected = malloc(COUNT * sizeof *y);
    void *memory = NULL;
    assert_int_equal(posix_memalign(&memory, LINE, (COUNT + 1) * sizeof *x), 0);
    assert_true(x && y && expected);
    fill_special(x, COUNT);
    fill_special(y, COUNT);
    memcpy(expected, x, COUNT * sizeof *x);
    assert_int_equal(gaussian(array(expected), array(y), 0.5, expected, COUNT, &alone, &nothing_watched), KERNEL_DONE);
    for (int run = 0; run < 6; run++) {
        struct team team = {.threads = 1 + (unsigned)run % 3, .chunk = run == 5 ? 1001 : 0};
        double *z = (double *)memory + run % 2;
        memset(memory, 0x55, (COUNT + 1) * sizeof *z);
        assert_int_equal(gaussian(array(x), array(y), 0.5, z, COUNT, &team, &nothing_watched), KERNEL_DONE);
        expect_same_bits(z, expected, COUNT);
        assert_memory_equal(run % 2 ? z - 1 : z + COUNT, "\x55\x55\x55\x55\x55\x55\x55\x55", sizeof *z);
    }
    free(x);
    free(y);
    free(expected);
    free(memory);
}

static void special_values_follow_the_formula(void **state) {
    (void)state;
    assert_true(isnan(one(NAN, 1, 1)));
    assert_true(isnan(one(1, NAN, 1)));
    assert_true(isnan(one(NAN, NAN, 0)));
    assert_true(isnan(one(INFINITY, INFINITY, 1)));
    assert_true(isnan(one(INFINITY, 1, 0)));
    assert_true(isnan(one(1e200, 0, 0)));
    struct {
        double x, y, gamma, z;
    } cases[] = {
        {INFINITY, 1, 1, 0},
        {-INFINITY, INFINITY, 1, 0},
        {1, -INFINITY, 0x1p-1074, 0},
        {DBL_MAX, -DBL_MAX, 1, 0},
        {1e200, 0, 1, 0},
        {3, 3, 5, 1},
        {7, 3, 0, 1},
        {0.0, -0.0, 1, 1},
        {0x1p-1074, 0, DBL_MAX, 1},
        {28, 0, 1, 0},
        {1, 0, 745.2, 0},
        {1, 0, 745.1, 0x1p-1074},
        {1, 0, 746, 0},
        {1, 0, DBL_MAX, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double z = one(cases[i].x, cases[i].y, cases[i].gamma);
        if (z != cases[i].z || signbit(z)) {
            fail_msg("x %g y %g gamma %g: got %a, want %a", cases[i].x, cases[i].y, cases[i].gamma, z, cases[i].z);
        }
    }
}

static void agrees_with_the_simple_version(void **state) {
    (void)state;
    enum { COUNT = 100003 };
    static double x[COUNT], y[COUNT], fast[COUNT], simple[COUNT];
    fill_special(x, COUNT);
    fill_special(y, COUNT);
    assert_int_equal(gaussian(array(x), array(y), 1, fast, COUNT, &alone, &nothing_watched), KERNEL_DONE);
    gaussian_simple(array(x), array(y), 1, simple, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        bool same = isnan(simple[i])
                        ? isnan(fast[i])
                        : fabs(fast[i] - simple[i]) <= simple[i] * (double)(EXP_ULP + 1) * 0x1p-52 + 0x1p-1074;
        if (!same) {
            fail_msg("x %a y %a: fast %a, simple %a", x[i], y[i], fast[i], simple[i]);
        }
    }
}

static void a_set_flag_cancels(void **state) {
    (void)state;
    double x[200] = {0}, z[200];
    memset(z, 0x55, sizeof z);
    atomic_bool cancel = true;
    struct progress progress = {.cancel = &cancel};
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct team team = {.threads = threads, .chunk = 10};
        assert_int_equal(gaussian(array(x), array(x), 1, z, 200, &team, &progress), KERNEL_CANCELLED);
    }
    assert_memory_equal(&z[0], "\x55\x55\x55\x55\x55\x55\x55\x55", 8);
}

static void cost_grows_with_the_count(void **state) {
    (void)state;
    assert_in_range(gaussian_cost_ns(0), 1, 10000);
    assert_true(gaussian_cost_ns(1000000) > gaussian_cost_ns(1000) && gaussian_cost_ns(1000) > gaussian_cost_ns(0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_stay_within_the_promised_error),
        cmocka_unit_test(exp_alone_stays_within_its_bound),
        cmocka_unit_test(bits_do_not_depend_on_team_schedule_chunk_or_position),
        cmocka_unit_test(either_side_or_both_may_be_a_number),
        cmocka_unit_test(results_may_replace_either_side),
        cmocka_unit_test(large_results_have_the_same_bits_wherever_they_go),
        cmocka_unit_test(special_values_follow_the_formula),
        cmocka_unit_test(agrees_with_the_simple_version),
        cmocka_unit_test(a_set_flag_cancels),
        cmocka_unit_test(cost_grows_with_the_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

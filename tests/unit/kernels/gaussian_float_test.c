/* The Gaussian kernel in single precision, against double and against itself over all teams. */
#include "kernels/gaussian/gaussian.h"
#include "tests/reference/gaussian_simple.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The bounds gaussian.h promises: relative error (SLOPE |a| + BASE) 2^-24 while a > -87, SUBNORMAL more below; the
 * vector exp alone has EXP_ULP. The reference in double is off by 2^-50 of that. */
#define SLOPE 5.001
#define BASE 13.0
#define SUBNORMAL 0x1p-149
#define EXP_ULP 4.0
#define LEAST_ARGUMENT (-87.0)

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
static float uniform(double low, double high) {
    return (float)(low + (high - low) * ((double)(next_random() >> 11) * 0x1p-53));
}

static struct gaussian_float_side array(const float *values) {
    return (struct gaussian_float_side){.values = values};
}

static struct gaussian_float_side constant(const float *value) {
    return (struct gaussian_float_side){.values = value, .constant = true};
}

static float one(float x, float y, float gamma) {
    float z = -1;
    assert_int_equal(gaussian_float(array(&x), array(&y), gamma, &z, 1, &alone, &nothing_watched), KERNEL_DONE);
    return z;
}

static void fill(float *values, size_t count, double range) {
    for (size_t i = 0; i < count; i++) {
        values[i] = uniform(-range, range);
    }
}

/* Ordinary values with all special ones strewn in. */
static void fill_special(float *values, size_t count) {
    static const float special[] = {NAN,  INFINITY, -INFINITY, 0.0F,     -0.0F,     FLT_MAX, -FLT_MAX, FLT_MIN,
                                    9.3F, -10.2F,   1e18F,     1.85e19F, 0x1p-149F, -1e-40F, 1e30F,    -1e-20F};
    for (size_t i = 0; i < count; i++) {
        values[i] = next_random() % 3 ? uniform(-20, 20) : special[next_random() % (sizeof special / sizeof *special)];
    }
}

static void expect_same_bits(const float *left, const float *right, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (memcmp(left + i, right + i, sizeof *left) != 0) {
            fail_msg("element %zu of %zu: %a is not %a", i, count, (double)left[i], (double)right[i]);
        }
    }
}

/* Element by element in calls of their own, as the yardstick for position and company. */
static void one_by_one(struct gaussian_float_side x, struct gaussian_float_side y, float gamma, float *z,
                       size_t count) {
    for (size_t i = 0; i < count; i++) {
        z[i] = one(x.values[x.constant ? 0 : i], y.values[y.constant ? 0 : i], gamma);
    }
}

static void expect_within_bound(float x, float y, double gamma, float z) {
    double d = (double)x - (double)y, a = -gamma * d * d;
    double exact = exp(a), error = fabs((double)z - exact);
    double bound = exact * (SLOPE * fabs(a) + BASE) * 0x1p-24 + (a > LEAST_ARGUMENT ? 0 : SUBNORMAL);
    if (!(error <= bound)) {
        fail_msg("x %a y %a gamma %a: got %a, want %a, off by %g, allowed %g", (double)x, (double)y, gamma, (double)z,
                 exact, error, bound);
    }
}

static void results_stay_within_the_promised_error(void **state) {
    (void)state;
    enum { COUNT = 200000 };
    static float x[COUNT], y[COUNT], z[COUNT];
    static const double ranges[] = {1e-21, 0.01, 1, 5, 1000};
    static const double gammas[] = {1.2e-38, 1e-12, 0.3, 1, 7, 1e5, 3.4e38}; /* 0.3 … aren't floats */
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        for (size_t g = 0; g < sizeof gammas / sizeof *gammas; g++) {
            fill(x, COUNT, ranges[r]);
            fill(y, COUNT, ranges[r]);
            assert_int_equal(gaussian_float(array(x), array(y), (float)gammas[g], z, COUNT, &alone, &nothing_watched),
                             KERNEL_DONE);
            for (size_t i = 0; i < COUNT; i++) {
                expect_within_bound(x[i], y[i], gammas[g], z[i]);
            }
        }
    }
}

/* Here the argument is exact: y is 0 and each square is one of a float with few bits. */
static void exp_alone_stays_within_its_bound(void **state) {
    (void)state;
    enum { COUNT = 1000000 };
    float *x = malloc(COUNT * sizeof *x), *z = malloc(COUNT * sizeof *z), zero = 0;
    assert_non_null(x);
    assert_non_null(z);
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = (float)(next_random() % 4096) * (i % 2 ? 0x1p-9F : 0x1p-11F);
    }
    assert_int_equal(gaussian_float(array(x), constant(&zero), 1, z, COUNT, &alone, &nothing_watched), KERNEL_DONE);
    double worst = 0;
    for (size_t i = 0; i < COUNT; i++) {
        double exact = exp(-(double)x[i] * (double)x[i]);
        double ulp = ldexp(1, exact < (double)FLT_MIN ? -149 : ilogb(exact) - 23);
        double error = fabs((double)z[i] - exact) / ulp;
        if (!(error <= EXP_ULP)) {
            fail_msg("exp(-(%a)^2): got %a, want %a, off by %g ulp", (double)x[i], (double)z[i], exact, error);
        }
        worst = error > worst ? error : worst;
    }
    print_message("largest error of exp: %.3f ulp\n", worst);
    free(x);
    free(z);
}

static void bits_do_not_depend_on_team_schedule_chunk_or_position(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1009, 8191, 8192, 8193, 20011};
    static const size_t chunks[] = {0, 1, 7, 64, 100, 8192};
    static float x[20011], y[20011], expected[20011], z[20011];
    for (unsigned threads = 1; threads <= 8; threads++) {
        for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
            fill_special(x, counts[n]);
            fill_special(y, counts[n]);
            one_by_one(array(x), array(y), 0.5F, expected, counts[n]);
            for (int run = 0; run < 18; run++) {
                struct team team = {
                    .threads = threads, .schedule = (enum team_schedule)(run % 3), .chunk = chunks[run / 3]};
                memset(z, 0x55, sizeof z);
                assert_int_equal(gaussian_float(array(x), array(y), 0.5F, z, counts[n], &team, &nothing_watched),
                                 KERNEL_DONE);
                expect_same_bits(z, expected, counts[n]);
                for (size_t i = counts[n]; i < counts[n] + 16 && i < 20011; i++) {
                    assert_memory_equal(&z[i], "\x55\x55\x55\x55", 4);
                }
            }
        }
    }
}

static void either_side_or_both_may_be_a_number(void **state) {
    (void)state;
    enum { COUNT = 1009 };
    static float values[COUNT], expected[COUNT], z[COUNT];
    float number = 1.25;
    fill_special(values, COUNT);
    struct team team = {.threads = 2, .schedule = TEAM_DYNAMIC, .chunk = 100};
    struct gaussian_float_side sides[3][2] = {{array(values), constant(&number)},
                                              {constant(&number), array(values)},
                                              {constant(&number), constant(values + 1)}};
    for (size_t i = 0; i < 3; i++) {
        one_by_one(sides[i][0], sides[i][1], 2, expected, COUNT);
        assert_int_equal(gaussian_float(sides[i][0], sides[i][1], 2, z, COUNT, &team, &nothing_watched), KERNEL_DONE);
        expect_same_bits(z, expected, COUNT);
    }
}

static void results_may_replace_either_side(void **state) {
    (void)state;
    enum { COUNT = 20003 };
    static float x[COUNT], y[COUNT], expected[COUNT], z[COUNT];
    fill_special(x, COUNT);
    fill_special(y, COUNT);
    one_by_one(array(x), array(y), 0.1F, expected, COUNT);
    for (unsigned threads = 1; threads <= 3; threads++) {
        struct team team = {.threads = threads, .chunk = 333};
        memcpy(z, x, sizeof z);
        assert_int_equal(gaussian_float(array(z), array(y), 0.1F, z, COUNT, &team, &nothing_watched), KERNEL_DONE);
        expect_same_bits(z, expected, COUNT);
        memcpy(z, y, sizeof z);
        assert_int_equal(gaussian_float(array(x), array(z), 0.1F, z, COUNT, &team, &nothing_watched), KERNEL_DONE);
        expect_same_bits(z, expected, COUNT);
    }
}

/* Large results in memory of their own take another way there than those in place, and than those not aligned. */
static void large_results_have_the_same_bits_wherever_they_go(void **state) {
    (void)state;
    enum { COUNT = 1200007, LINE = 64 };
    float *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y), *expected = malloc(COUNT * sizeof *y);
    void *memory = NULL;
    assert_int_equal(posix_memalign(&memory, LINE, (COUNT + 1) * sizeof *x), 0);
    assert_true(x && y && expected);
    fill_special(x, COUNT);
    fill_special(y, COUNT);
    memcpy(expected, x, COUNT * sizeof *x);
    assert_int_equal(gaussian_float(array(expected), array(y), 0.5F, expected, COUNT, &alone, &nothing_watched),
                     KERNEL_DONE);
    for (int run = 0; run < 6; run++) {
        struct team team = {.threads = 1 + (unsigned)run % 3, .chunk = run == 5 ? 1001 : 0};
        float *z = (float *)memory + run % 2;
        memset(memory, 0x55, (COUNT + 1) * sizeof *z);
        assert_int_equal(gaussian_float(array(x), array(y), 0.5F, z, COUNT, &team, &nothing_watched), KERNEL_DONE);
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
    assert_true(isnan(one(1e20F, 0, 0)));
    struct {
        float x, y, gamma, z;
    } cases[] = {
        {INFINITY, 1, 1, 0},
        {-INFINITY, INFINITY, 1, 0},
        {1, -INFINITY, FLT_MIN, 0},
        {FLT_MAX, -FLT_MAX, 1, 0},
        {3, 3, 5, 1},
        {7, 3, 0, 1},
        {0.0F, -0.0F, 1, 1},
        {0x1p-149F, 0, FLT_MAX, 1},
        {11, 0, 1, 0},
        {1, 0, 103.98F, 0},
        {1, 0, 103.97F, 0x1p-149F},
        {1, 0, 105, 0},
        {1, 0, FLT_MAX, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float z = one(cases[i].x, cases[i].y, cases[i].gamma);
        if (z != cases[i].z || signbit(z)) {
            fail_msg("x %g y %g gamma %g: got %a, want %a", (double)cases[i].x, (double)cases[i].y,
                     (double)cases[i].gamma, (double)z, (double)cases[i].z);
        }
    }
}

static void agrees_with_the_simple_version(void **state) {
    (void)state;
    enum { COUNT = 100003 };
    static float x[COUNT], y[COUNT], fast[COUNT], simple[COUNT];
    fill_special(x, COUNT);
    fill_special(y, COUNT);
    assert_int_equal(gaussian_float(array(x), array(y), 1, fast, COUNT, &alone, &nothing_watched), KERNEL_DONE);
    gaussian_float_simple(array(x), array(y), 1, simple, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        double allowed = (double)simple[i] * (EXP_ULP + 1) * 0x1p-23 + SUBNORMAL;
        bool same = isnan(simple[i]) ? isnan(fast[i]) : fabs((double)fast[i] - (double)simple[i]) <= allowed;
        if (!same) {
            fail_msg("x %a y %a: fast %a, simple %a", (double)x[i], (double)y[i], (double)fast[i], (double)simple[i]);
        }
    }
}

static void a_set_flag_cancels(void **state) {
    (void)state;
    float x[200] = {0}, z[200];
    memset(z, 0x55, sizeof z);
    atomic_bool cancel = true;
    struct progress progress = {.cancel = &cancel};
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct team team = {.threads = threads, .chunk = 10};
        assert_int_equal(gaussian_float(array(x), array(x), 1, z, 200, &team, &progress), KERNEL_CANCELLED);
    }
    assert_memory_equal(&z[0], "\x55\x55\x55\x55", 4);
}

static void cost_grows_with_the_count_and_is_below_that_of_doubles(void **state) {
    (void)state;
    assert_in_range(gaussian_float_cost_ns(0), 1, 10000);
    assert_true(gaussian_float_cost_ns(1000) > gaussian_float_cost_ns(0));
    assert_true(gaussian_float_cost_ns(1000000) > gaussian_float_cost_ns(1000));
    assert_true(gaussian_float_cost_ns(1000000) < gaussian_cost_ns(1000000));
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
        cmocka_unit_test(cost_grows_with_the_count_and_is_below_that_of_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

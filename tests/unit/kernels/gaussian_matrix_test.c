/* The Gaussian matrix in double precision: against long double, and against itself over all teams.
 *
 * ctest: threads */
#include "kernels/gaussian/gaussian_matrix.h"
#include "tests/reference/gaussian_matrix_simple.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define REAL double
#define POINTS struct gaussian_points
#define MATRIX gaussian_matrix
#define MATRIX_SIMPLE gaussian_matrix_simple
#define COST gaussian_matrix_cost_ns
#define UNIT 0x1p-53L
#define SLOPE(d) ((long double)((d) < 64 ? (d) : 64) + (long double)(((d) + 63) / 64) + 4.001L)
#define BASE(d) (4 * (long double)(d) + 3)
#define PRODUCT_BLUR(d) ((d) < 64 ? (long double)INFINITY : (long double)(131 + 2 * (((d) + 63) / 64)) * UNIT)
#define LEAST 0x1p-1074L
#define NORMAL_ERROR 1e-12L
#define SPECIAL NAN, INFINITY, -INFINITY, 0.0, -0.0, DBL_MAX, -DBL_MAX, DBL_MIN, 0x1p-1074, 1e155, 1e300, -1e-310
#define GAMMAS 0, 0x1p-1022, 1e-9, 0.3, 1, 40, 700, 1e5, 1e300, 1.7e308
#define TINY 0x1p-1074
#define HUGE_ONE 1e300
#define LARGEST DBL_MAX
#include "tests/unit/kernels/gaussian_matrix_cases.inc"

/* Every third point multiplied by `factor`. */
static POINTS make_scaled(size_t count, size_t dimensions, double scale, double factor) {
    POINTS points = make_points(count, dimensions, NORMAL);
    for (size_t i = 0; i < count * dimensions; i++) {
        ((double *)points.values)[i] *= i / dimensions % 3 ? scale : scale * factor;
    }
    return points;
}

/* From all pairs by products, over tiles of both kinds, to none. */
static void many_dimensions_stay_within_the_promised_error(void **state) {
    (void)state;
    static const size_t shapes[][3] = {{50, 40, 63}, {50, 40, 64}, {50, 40, 128},  {97, 101, 129},
                                       {1, 97, 200}, {97, 1, 512}, {30, 100, 513}, {7, 25, 2000}};
    static const double scales[][2] = {{1e-170, 1}, {0.1, 1}, {1, 1}, {2, 2}, {1, 5}, {1, 100}, {1e3, 1}, {1e153, 1}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (size_t c = 0; c < sizeof scales / sizeof *scales; c++) {
            for (int wide = 0; wide < 2; wide++) {
                size_t d = shapes[s][2];
                double gamma = wide ? 1 / (double)d : 20 / (double)d;
                POINTS x = make_scaled(shapes[s][0], d, scales[c][0], scales[c][1]);
                POINTS y = make_scaled(shapes[s][1], d, scales[c][0], scales[c][1]);
                double *k = compute(x, y, d, gamma, &alone);
                expect_within_bound(x, y, d, gamma, k, NORMAL_ERROR);
                free(k);
                free_points(x);
                free_points(y);
            }
        }
    }
}

static void extreme_gammas_with_many_dimensions_stay_within_the_promised_error(void **state) {
    (void)state;
    enum { DIMENSIONS = 150 };
    static const double gammas[] = {0, 0x1p-1074, 1e-300, 1e280, 0.99e290, 1e290, 1.7e308};
    for (size_t g = 0; g < sizeof gammas / sizeof *gammas; g++) {
        for (int power = -340; power <= 300; power += 20) {
            double scale = pow(10, power);
            POINTS x = make_scaled(20, DIMENSIONS, scale, 3), y = make_scaled(19, DIMENSIONS, scale, 3);
            double *k = compute(x, y, DIMENSIONS, gammas[g], &alone);
            if (power < 150) {
                expect_within_bound(x, y, DIMENSIONS, gammas[g], k, 1);
            }
            for (size_t i = 0; power >= 160 && i < 20 * 19; i++) {
                if (gammas[g] > 0 ? k[i] != 0 : !isnan(k[i])) {
                    fail_msg("scale 1e%d, gamma %a: %a", power, gammas[g], k[i]);
                }
            }
            free(k);
            free_points(x);
            free_points(y);
        }
    }
}

static void close_points_of_many_dimensions_have_ones_if_they_are_equal(void **state) {
    (void)state;
    enum { COUNT = 120 };
    static const double gammas[] = {1e-5, 0.004, 0.03, 1e280, 1.7e308};
    for (size_t d = 60; d < 900; d += 131) {
        for (size_t g = 0; g < sizeof gammas / sizeof *gammas; g++) {
            POINTS x = make_scaled(COUNT, d, g < 3 ? 1 : 1e-160, 1);
            double *values = (double *)x.values;
            for (size_t i = 1; i < COUNT; i += 2) {
                memcpy(values + i * d, values + (i - 1) * d, d * sizeof *values);
            }
            for (size_t i = 3; i < COUNT; i += 4) {
                values[i * d + i % d] = nextafter(values[i * d + i % d], 7);
            }
            double *k = compute(x, x, d, gammas[g], &alone), *mirrored = compute(x, (POINTS){0}, d, gammas[g], &alone);
            for (size_t i = 0; i < COUNT; i++) {
                if (k[i * COUNT + i] != 1 || (i % 4 == 1 && k[i * COUNT + i - 1] != 1)) {
                    fail_msg("d %zu, gamma %a, point %zu: %a, %a", d, gammas[g], i, k[i * COUNT + i],
                             i ? k[i * COUNT + i - 1] : 0);
                }
            }
            expect_same_bits(k, mirrored, COUNT, COUNT, "x given twice");
            expect_within_bound(x, x, d, gammas[g], k, 1);
            free(mirrored);
            free(k);
            free_points(x);
        }
    }
}

/* Strewn with what isn't finite and with points too far for products: the pair alone decides its form. */
static POINTS make_mixed(size_t count, size_t dimensions) {
    static const double special[] = {NAN, INFINITY, -INFINITY, 1e154, 1e300, -DBL_MAX, 0x1p-1074};
    POINTS points = make_scaled(count, dimensions, 1, 8);
    for (size_t i = 0; i < count; i += 5) {
        ((double *)points.values)[i * dimensions + next_random() % dimensions] =
            special[next_random() % (sizeof special / sizeof *special)];
    }
    return points;
}

static void bits_of_many_dimensions_depend_on_the_pair_alone(void **state) {
    (void)state;
    enum { N = 205, M = 110 };
    for (size_t d = 64; d < 600; d += 203) {
        POINTS x = make_mixed(N, d), y = make_mixed(M, d);
        double gamma = 3 / (double)d, *k = compute(x, y, d, gamma, &alone);
        double *symmetric = compute(x, (POINTS){0}, d, gamma, &alone), *twice = compute(x, x, d, gamma, &alone);
        expect_same_bits(symmetric, twice, N, N, "x given twice");
        for (unsigned threads = 2; threads <= 16; threads = (unsigned)next_round(threads)) {
            struct team team = {
                .threads = threads, .schedule = (enum team_schedule)(threads % 3), .chunk = threads % 4};
            double *again = compute(x, y, d, gamma, &team), *again_symmetric = compute(x, (POINTS){0}, d, gamma, &team);
            expect_same_bits(again, k, N, M, "by a team");
            expect_same_bits(again_symmetric, symmetric, N, N, "symmetric, by a team");
            free(again);
            free(again_symmetric);
        }
        for (size_t i = 0; i < N; i = next_round(i)) {
            for (size_t j = next_random() % 70; j < M; j += 1 + next_random() % 70) {
                POINTS one = {.values = x.values + i * d, .count = 1}, other = {.values = y.values + j * d, .count = 1};
                double *entry = compute(one, other, d, gamma, &alone),
                       *exchanged = compute(other, one, d, gamma, &alone);
                expect_same_bits(entry, k + i * M + j, 1, 1, "alone");
                expect_same_bits(exchanged, entry, 1, 1, "exchanged");
                free(entry);
                free(exchanged);
            }
        }
        free(twice);
        free(symmetric);
        free(k);
        free_points(x);
        free_points(y);
    }
}

/* Rows without a pair that is that close take a shorter way: which one must not show. */
static void bits_do_not_depend_on_whether_a_row_has_close_pairs(void **state) {
    (void)state;
    enum { N = 50, DIMENSIONS = 64 };
    POINTS x = make_points(N, DIMENSIONS, NORMAL), y = make_points(N + 1, DIMENSIONS, NORMAL);
    double gamma = 1 / (double)DIMENSIONS, *apart = compute(x, (POINTS){y.values, N}, DIMENSIONS, gamma, &alone);
    for (size_t i = 0; i < N; i++) {
        memcpy((double *)y.values + (size_t)N * DIMENSIONS, x.values + i * DIMENSIONS, DIMENSIONS * sizeof *x.values);
        double *close = compute((POINTS){x.values + i * DIMENSIONS, 1}, y, DIMENSIONS, gamma, &alone);
        assert_true(close[N] == 1);
        expect_same_bits(close, apart + i * N, 1, N, "beside an equal point");
        free(close);
    }
    free(apart);
    free_points(x);
    free_points(y);
}

static const struct CMUnitTest product_tests[] = {
    cmocka_unit_test(many_dimensions_stay_within_the_promised_error),
    cmocka_unit_test(extreme_gammas_with_many_dimensions_stay_within_the_promised_error),
    cmocka_unit_test(close_points_of_many_dimensions_have_ones_if_they_are_equal),
    cmocka_unit_test(bits_of_many_dimensions_depend_on_the_pair_alone),
    cmocka_unit_test(bits_do_not_depend_on_whether_a_row_has_close_pairs),
};

int main(void) {
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return cmocka_run_group_tests(product_tests, NULL, NULL) + failed;
}

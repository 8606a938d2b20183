/* The Gaussian sum in double precision: against long double, and against itself over all teams.
 *
 * ctest: threads */
#include "kernels/gaussian/gaussian_sum.h"
#include "tests/reference/gaussian_sum_simple.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define REAL double
#define POINTS struct gaussian_points
#define SUM gaussian_sum
#define SUM_SIMPLE gaussian_sum_simple
#define UNIT 0x1p-53L
#define BASE 42
#define SLOPE 3.001L
#define LEAST 0x1p-1073L
#define SPECIAL NAN, INFINITY, -INFINITY, 0.0, -0.0, DBL_MAX, -DBL_MAX, DBL_MIN, 0x1p-1074, 1e154, 1e300, -1e-320
/* Below 8.2e-272 and beyond 1.246e308 exponents are not taken to the base 2. */
#define GAMMAS 0x1p-1074, 1e-310, 1e-300, 8e-272, 9e-272, 1e-9, 1, 300, 700, 1e5, 1e300, 1.24e308, 1.25e308, DBL_MAX
#define TINY 0x1p-1074
#define HUGE_ONE 1e300
#define LARGEST DBL_MAX
#include "tests/unit/kernels/gaussian_sum_cases.inc"

static void scratch_is_counted_without_overflow(void **state) {
    (void)state;
    assert_int_equal(gaussian_sum_scratch_bytes(0, 0, 3), 0);
    assert_true(gaussian_sum_scratch_bytes(1000000, 1000000, 3) < 48000000);
    assert_true(gaussian_sum_scratch_bytes(10, 1000, 3) >= 1000 * 4 * sizeof(double));
    assert_true(gaussian_sum_scratch_bytes(1, SIZE_MAX, 3) == SIZE_MAX);
    assert_true(gaussian_sum_scratch_bytes(1, 1000, SIZE_MAX) == SIZE_MAX);
    assert_true(gaussian_sum_scratch_bytes(SIZE_MAX, 1, 1) < 5000000);
}

static void cost_grows_with_each_side_and_never_wraps(void **state) {
    (void)state;
    assert_in_range(gaussian_sum_cost_ns(0, 0, 0), 1, 10000);
    assert_true(gaussian_sum_cost_ns(100, 1000, 3) > gaussian_sum_cost_ns(100, 100, 3));
    assert_true(gaussian_sum_cost_ns(1000, 100, 3) > gaussian_sum_cost_ns(100, 100, 3));
    assert_true(gaussian_sum_cost_ns(100, 100, 30) > gaussian_sum_cost_ns(100, 100, 3));
    assert_true(gaussian_sum_cost_ns(100, 100, 3) > gaussian_float_sum_cost_ns(100, 100, 3));
    assert_true(gaussian_sum_cost_ns(SIZE_MAX, SIZE_MAX, SIZE_MAX) == 1000000000000000000U);
}

int main(void) {
    const struct CMUnitTest more[] = {
        cmocka_unit_test(scratch_is_counted_without_overflow),
        cmocka_unit_test(cost_grows_with_each_side_and_never_wraps),
    };
    return cmocka_run_group_tests(more, NULL, NULL) + cmocka_run_group_tests(tests, NULL, NULL);
}

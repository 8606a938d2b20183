/* The Gaussian sum in single precision: against long double, and against itself over all teams.
 *
 * ctest: threads */
#include "kernels/gaussian/gaussian_sum.h"
#include "tests/reference/gaussian_sum_simple.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define REAL float
#define POINTS struct gaussian_float_points
#define SUM gaussian_float_sum
#define SUM_SIMPLE gaussian_float_sum_simple
#define UNIT 0x1p-24L
#define BASE 38
#define SLOPE 4.001L
#define LEAST 0x1p-148L
#define SPECIAL NAN, INFINITY, -INFINITY, 0.0F, -0.0F, FLT_MAX, -FLT_MAX, FLT_MIN, 0x1p-149F, 1e19F, 1e30F, -1e-40F
/* Beyond 2.36e38 exponents are not taken to the base 2. */
#define GAMMAS 0x1p-126, 1.3e-38, 1e-30, 1e-9, 1, 40.1, 87, 1e5, 1e30, 2.358e38, 2.359e38, FLT_MAX
#define TINY 0x1p-149F
#define HUGE_ONE 1e30F
#define LARGEST FLT_MAX
#include "tests/unit/kernels/gaussian_sum_cases.inc"

int main(void) {
    return cmocka_run_group_tests(tests, NULL, NULL);
}

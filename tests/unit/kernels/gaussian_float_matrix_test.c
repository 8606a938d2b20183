/* The Gaussian matrix in single precision: against long double, and against itself over all teams.
 *
 * ctest: threads */
#include "kernels/gaussian/gaussian_matrix.h"
#include "tests/reference/gaussian_matrix_simple.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define REAL float
#define POINTS struct gaussian_float_points
#define MATRIX gaussian_float_matrix
#define MATRIX_SIMPLE gaussian_float_matrix_simple
#define COST gaussian_float_matrix_cost_ns
#define UNIT 0x1p-24L
#define SLOPE(d) ((long double)((d) < 32 ? (d) : 32) + 5.001L)
#define BASE(d) (4 * (long double)(d) + 3)
#define PRODUCT_BLUR(d) ((void)(d), (long double)INFINITY)
#define LEAST 0x1p-149L
#define NORMAL_ERROR 1e-6L
#define SPECIAL NAN, INFINITY, -INFINITY, 0.0F, -0.0F, FLT_MAX, -FLT_MAX, FLT_MIN, 0x1p-149F, 1e19F, 1e30F, -1e-40F
#define GAMMAS 0, 0x1p-126F, 1e-9F, 0.3F, 1, 40, 87, 1e5F, 1e30F, 3e38F
#define TINY 0x1p-149F
#define HUGE_ONE 1e30F
#define LARGEST FLT_MAX
#include "tests/unit/kernels/gaussian_matrix_cases.inc"

int main(void) {
    return cmocka_run_group_tests(tests, NULL, NULL);
}

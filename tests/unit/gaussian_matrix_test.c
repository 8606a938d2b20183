/* The Gaussian matrix in double precision: against long double, and against itself over all teams.
 *
 * ctest: threads */
#include "kernels/gaussian_matrix.h"

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
#define LEAST 0x1p-1074L
#define NORMAL_ERROR 1e-12L
#define SPECIAL NAN, INFINITY, -INFINITY, 0.0, -0.0, DBL_MAX, -DBL_MAX, DBL_MIN, 0x1p-1074, 1e155, 1e300, -1e-310
#define GAMMAS 0, 0x1p-1022, 1e-9, 0.3, 1, 40, 700, 1e5, 1e300, 1.7e308
#define TINY 0x1p-1074
#define HUGE_ONE 1e300
#define LARGEST DBL_MAX
#include "gaussian_matrix_cases.h"

int main(void) {
    return cmocka_run_group_tests(tests, NULL, NULL);
}

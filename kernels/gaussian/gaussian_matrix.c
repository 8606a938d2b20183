/* The Gaussian matrix in double precision.
 *
 * Products are summed up here and not by a BLAS. On one thread with AVX-512 the loop alone did 32 to 35 G products a
 * second by tiles of 96 or 192 points with 512 dimensions, where BLIS 0.9 did 25 and OpenBLAS 0.3.21 27 to 30 (by tiles
 * of 576 27 and 35); and the order of summation, so the bits, and the number of threads stay in our hands. */
#include "kernels/gaussian/gaussian_matrix.h"

#include "kernels/gaussian/inline_exp.h"

#include <math.h>

#define REAL double
#define POINTS struct gaussian_points
#define DEPTH 64
#define EXP inline_exp
#define NEAR_EXP inline_near_exp
/* bench/matrix: products take 0.84 of the squares' time with 64 dimensions, 0.78 with 128, 0.67 with 512; 1.0 to 1.2
 * with 32, so that fewer get the smaller error. */
#define PRODUCTS_FROM 64
/* b / (gamma n) of gaussian_matrix.h; the hundredth more covers the error of computed norms, and terms in u^2. */
#define BLUR(d) (0x1p-53 * 1.01 * (131 + 2 * ceil((double)(d) / 64)))
#define MOST_BLUR 0.49e-12
#include "kernels/gaussian/gaussian_matrix_tiles.inc"

enum kernel_status gaussian_matrix(struct gaussian_points x, struct gaussian_points y, size_t dimensions, double gamma,
                                   double *k, const struct team *team, const struct progress *progress) {
    return matrix_run(x, y, dimensions, gamma, k, team, progress);
}

size_t gaussian_matrix_tiles(size_t n, size_t m, bool symmetric) {
    const size_t edge = GAUSSIAN_MATRIX_EDGE;
    size_t rows = n / edge + (n % edge != 0), columns = m / edge + (m % edge != 0);
    return symmetric ? rows * (rows + 1) / 2 : rows * columns;
}

/* 1.5 ns an entry with 3 dimensions, 3.7 with 64, 18 with 512; 23 where all points are too far for products.
 * Columns are computed WIDE at a time, and packed before, for which few rows have to wait (bench/predictions). */
uint64_t gaussian_matrix_cost_ns(size_t n, size_t m, size_t dimensions) {
    const double wide = WIDE, columns = ceil((double)m / wide) * wide, d = (double)dimensions;
    return 500 + (uint64_t)(columns * ((double)n * (1.3 + 0.033 * d) + 0.4 * d));
}

/* As gaussian_matrix.c, in single precision: half the bytes, twice the entries in a vector. */
#include "kernels/gaussian/gaussian_matrix.h"

#include "kernels/gaussian/inline_exp.h"

#include <math.h>

#define REAL float
#define POINTS struct gaussian_float_points
#define DEPTH 32
#define EXP inline_expf
#define NEAR_EXP inline_expf
/* Never: products in single precision are off by 1e-5 on standard-normal points. */
#define PRODUCTS_FROM SIZE_MAX
#define BLUR(d) INFINITY
#define MOST_BLUR 0
#include "kernels/gaussian/gaussian_matrix_tiles.inc"

enum kernel_status gaussian_float_matrix(struct gaussian_float_points x, struct gaussian_float_points y,
                                         size_t dimensions, float gamma, float *k, const struct team *team,
                                         const struct progress *progress) {
    return matrix_run(x, y, dimensions, (double)gamma, k, team, progress);
}

/* 0.9 ns an entry with 3 dimensions, 2.6 with 64, 15 with 512. */
uint64_t gaussian_float_matrix_cost_ns(size_t n, size_t m, size_t dimensions) {
    const double wide = WIDE, columns = ceil((double)m / wide) * wide,
                 d = (double)dimensions; /* as gaussian_matrix_cost_ns */
    return 500 + (uint64_t)(columns * ((double)n * (0.8 + 0.028 * d) + 0.2 * d));
}

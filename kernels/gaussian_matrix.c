/* The Gaussian matrix in double precision. */
#include "kernels/gaussian_matrix.h"

#include "kernels/vector_exp2.h"

#define REAL double
#define POINTS struct gaussian_points
#define DEPTH 64
#define EXP2 vector_exp2
#include "kernels/gaussian_matrix_tiles.h"

enum kernel_status gaussian_matrix(struct gaussian_points x, struct gaussian_points y, size_t dimensions, double gamma,
                                   double *k, const struct team *team, const struct progress *progress) {
    return run(x, y, dimensions, gamma, k, team, progress);
}

size_t gaussian_matrix_tiles(size_t n, size_t m, bool symmetric) {
    size_t rows = n / EDGE + (n % EDGE != 0), columns = m / EDGE + (m % EDGE != 0);
    return symmetric ? rows * (rows + 1) / 2 : rows * columns;
}

uint64_t gaussian_matrix_cost_ns(size_t n, size_t m, size_t dimensions) {
    return 500 + (uint64_t)(n * m) * (24 + dimensions) / 24;
}

#pragma once
/* The Gaussian (RBF) kernel matrix of two sets of points: k[i][j] = exp(-gamma |x_i - y_j|^2). Pure: no allocation, no
 * I/O; less than 600 KiB of the thread's stack.
 *
 * The bits of k[i][j] depend on x_i, y_j, gamma and the instruction set alone: not on team, schedule and chunk, nor on
 * i, j and the other points; and exchanging x_i and y_j doesn't change them.
 *
 * Error bound, with u = 2^-53, a = -gamma |x_i - y_j|^2 and n = |x_i|^2 + |y_j|^2 exact, d dimensions:
 *
 *     |k - e^a| <= e^a ((min(d, 64) + ceil(d / 64) + 4.001) |a| + 4 d + 3) u + 2^-1074
 *
 * Rounding a difference (squared: 2u), its square and the product with gamma, and adding up to 64 squares and then the
 * sums of 64, puts a off by as many u as the inner bracket has; the exponential turns this absolute error into a
 * relative one, and adds 3u (inline_exp.h). Underflowing squares add 2^-1075 gamma < 4u each. 2^-1074 is for subnormal
 * results. Nothing cancels. Since |a| e^a < 0.37, all entries are off by less than 1e-12 for up to 1,000,000 dimensions
 * and gamma < 1e290, where the 4 d vanishes, wherever the points are.
 *
 * But from 64 dimensions on, for gamma < 1e290, pairs with 2 b <= 1e-12, where b = gamma n (131 + 2 ceil(d / 64)) u,
 * may go through |x_i|^2 + |y_j|^2 - 2 x_i.y_j, with the bound
 *
 *     |k - e^a| <= e^a (2.05 b + (|a| + 4) u) + 2^-1074
 *
 * For in each of the three sums no term is rounded more often than r = 64 + ceil(d / 64) times, in whatever order
 * blocks of 64 are summed up: they are off by r u |x_i|^2, r u |y_j|^2 and r u n / 2, terms in u^2 aside. Adding the
 * norms and subtracting 2 x_i.y_j <= n adds 3 u n: (2 r + 3) u n in all. What comes out below that is taken as 0, equal
 * points among it, which moves a by b once more. For standard-normal points and gamma = 1 / d, n is about 2 d and 2 b
 * 6e-14.
 *
 * A NaN in x_i or y_j gives NaN, and so do infinities that meet each other. An infinite distance (squared: from 1.8e308
 * on) gives 0, unless gamma is 0 (NaN). Without dimensions all entries are 1. */
#include "kernels/gaussian/gaussian_points.h"
#include "kernels/team.h"

/* Rows and columns of a tile. */
enum { GAUSSIAN_MATRIX_EDGE = 96 };

/* k: x.count rows of y.count numbers, row-major, the caller's; must not overlap the points. gamma finite and >= 0.
 * y.values NULL: x against itself; y.count isn't read, k is x.count squared, symmetric to the bit, with ones on the
 * diagonal but for points with a NaN or an infinity, which have NaN there.
 *
 * The range that team.chunk divides and progress.done counts are tiles of GAUSSIAN_MATRIX_EDGE by as many entries:
 * gaussian_matrix_tiles says how many there are in all. The cancel flag is polled before each piece, and within tiles
 * of many dimensions. On KERNEL_CANCELLED k is partly written, and with anything. */
enum kernel_status gaussian_matrix(struct gaussian_points x, struct gaussian_points y, size_t dimensions, double gamma,
                                   double *k, const struct team *team, const struct progress *progress)
    __attribute__((warn_unused_result));

/* Tiles of k, n by m, float or not; with `symmetric` (y.values NULL; m isn't read) those from the diagonal on. */
size_t gaussian_matrix_tiles(size_t n, size_t m, bool symmetric);

/* Predicted time of gaussian_matrix on one thread, in nanoseconds (measured: bench/matrix). */
uint64_t gaussian_matrix_cost_ns(size_t n, size_t m, size_t dimensions);

/* The same for numbers in single precision. With u = 2^-24 and a for the exact gamma that `gamma` was rounded from (to
 * a normal float, or 0), for up to 10,000,000 dimensions:
 *
 *     |k - e^a| <= e^a ((min(d, 32) + 5.001) |a| + 4 d + 3) u + 2^-149
 *
 * for sums of 32 squares are added up, and multiplied by gamma, in double; gamma's own rounding counts 1u, and that of
 * a to single precision another. All entries are off by less than 1e-6 for gamma < 1e30. An infinite squared distance:
 * of 32 coordinates, from 3.4e38 on. */
enum kernel_status gaussian_float_matrix(struct gaussian_float_points x, struct gaussian_float_points y,
                                         size_t dimensions, float gamma, float *k, const struct team *team,
                                         const struct progress *progress) __attribute__((warn_unused_result));

uint64_t gaussian_float_matrix_cost_ns(size_t n, size_t m, size_t dimensions);

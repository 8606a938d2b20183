#pragma once
/* The Gaussian (RBF) kernel matrix of two sets of points: k[i][j] = exp(-gamma * ||x_i - y_j||^2). Pure: no allocation,
 * no I/O. */
#include "kernels/gaussian_points.h"
#include "kernels/team.h"

/* k: x.count rows of y.count numbers, row-major, the caller's; must not overlap the points. gamma finite and >= 0.
 * dimensions >= 1. y.values NULL: x against itself; y.count isn't looked at, k is x.count squared, symmetric to the
 * bitX
 *
 * The range that team.chunk divides and progress.done counts are tiles of k: gaussian_matrix_tiles says how many there
 * are in all. The cancel flag is polled before each piece of tiles. On KERNEL_CANCELLED k is partly written. */
enum kernel_status gaussian_matrix(struct gaussian_points x, struct gaussian_points y, size_t dimensions, double gamma,
                                   double *k, const struct team *team, const struct progress *progress)
    __attribute__((warn_unused_result));

/* Tiles of k, n by m; with `symmetric` (y.values NULL; m isn't looked at) of its upper triangle. */
size_t gaussian_matrix_tiles(size_t n, size_t m, bool symmetric);

/* The formula, one entry at a time: the tests' reference. */
void gaussian_matrix_simple(struct gaussian_points x, struct gaussian_points y, size_t dimensions, double gamma,
                            double *k);

/* Predicted time of gaussian_matrix on one thread, in nanoseconds (measured: bench/matrix). */
uint64_t gaussian_matrix_cost_ns(size_t n, size_t m, size_t dimensions);

/* The same for numbers in single precision. */
enum kernel_status gaussian_float_matrix(struct gaussian_float_points x, struct gaussian_float_points y,
                                         size_t dimensions, float gamma, float *k, const struct team *team,
                                         const struct progress *progress) __attribute__((warn_unused_result));

size_t gaussian_float_matrix_tiles(size_t n, size_t m, bool symmetric);

void gaussian_float_matrix_simple(struct gaussian_float_points x, struct gaussian_float_points y, size_t dimensions,
                                  float gamma, float *k);

uint64_t gaussian_float_matrix_cost_ns(size_t n, size_t m, size_t dimensions);

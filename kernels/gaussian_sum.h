#pragma once
/* Weighted sums of Gaussian (RBF) kernels: s[i] = sum over j of exp(-gamma |x_i - y_j|^2) w_j, without the matrix.
 * Pure: no allocation, no I/O.
 *
 * The bits of s[i] depend on x_i, y, w, gamma and the instruction set alone: the order of the additions follows from
 * the number of y's, so team, schedule, chunk and the other x's can't be seen. */
#include "gaussian_points.h"
#include "team.h"

/* How many y's are summed up at a time: progress.done counts x's per so many y's, so that
 * x.count * ceil(y.count / GAUSSIAN_SUM_RANGE) is the whole. team.chunk is in the same unit. */
enum { GAUSSIAN_SUM_RANGE = 16384 };

/* Bytes of scratch the sum of n x's over m y's takes, float or not; SIZE_MAX where a size_t can't hold them. */
size_t gaussian_sum_scratch_bytes(size_t n, size_t m, size_t dimensions);

/* y.values NULL: x itself (y.count isn't read then). weights: y.count of them; NULL: ones. gamma finite and >= 0.
 * s: x.count sums. scratch: gaussian_sum_scratch_bytes of 64-byte aligned memory, the caller's. Nothing may overlap
 * but x and y. On KERNEL_CANCELLED s is partly written. Without y's all sums are 0; without dimensions all distances
 * are. */
enum kernel_status gaussian_sum(struct gaussian_points x, struct gaussian_points y, size_t dimensions, double gamma,
                                const double *weights, double *s, void *scratch, const struct team *team,
                                const struct progress *progress) __attribute__((warn_unused_result));

/* The formula, one pair after the other with libm's exp: the tests' reference. */
void gaussian_sum_simple(struct gaussian_points x, struct gaussian_points y, size_t dimensions, double gamma,
                         const double *weights, double *s);

/* Predicted time on one thread, in nanoseconds (measured: bench/limits). */
uint64_t gaussian_sum_cost_ns(size_t n, size_t m, size_t dimensions);

enum kernel_status gaussian_float_sum(struct gaussian_float_points x, struct gaussian_float_points y, size_t dimensions,
                                      float gamma, const float *weights, float *s, void *scratch,
                                      const struct team *team, const struct progress *progress)
    __attribute__((warn_unused_result));

void gaussian_float_sum_simple(struct gaussian_float_points x, struct gaussian_float_points y, size_t dimensions,
                               float gamma, const float *weights, float *s);

uint64_t gaussian_float_sum_cost_ns(size_t n, size_t m, size_t dimensions);

#pragma once
/* Weighted sums of Gaussian (RBF) kernels: s[i] = sum over j of exp(-gamma |x_i - y_j|^2) w_j, without the matrix.
 * Pure: no allocation, no I/O.
 *
 * The bits of s[i] depend on x_i, y, w, gamma and the instruction set alone: the order of the additions follows from
 * the number of y's, so team, schedule, chunk and the other x's can't be seen.
 *
 * Error bound, with u = 2^-53, a_j = -gamma |x_i - y_j|^2 and e_j = |w_j| e^a_j, all exact, d dimensions:
 *
 *     |s[i] - exact| <= sum over j of e_j ((d + 3.001) |a_j| + 4 d + 42) u + |w_j| 2^-1073
 *
 * Rounding differences (squared: 2u), squares and their sum (d u in all) and the product with gamma puts a_j off by
 * (d + 3) |a_j| u; underflowing squares add 2^-1075 gamma < 4u each. (To the base 2 it is the product with gamma / ln
 * 2, which is known to twice the precision.) The exponential turns these absolute errors into relative ones and adds 3u
 * (inline_exp.h). Each product is rounded and goes through 32 additions of a lane and 4 of
 * the lanes, which are 37u; compensated addition of these (Ogita, Rump and Oishi: Accurate sum and dot product, SIAM J.
 * Sci. Comput. 26, 2005, proposition 4.5) adds one u of the result and, for m y's, (m / 512)^2 u^2 of the sum of e_j.
 * 2^-1073 is for subnormal exponentials and products.
 *
 * NaN in x_i, y_j or w_j gives NaN. An infinite distance (squared: from 1.8e308 on) counts 0 times the weight, unless
 * gamma is 0 (NaN). A weight of 0 doesn't hide a NaN. Where partial sums leave the range the result is infinite or NaN.
 */
#include "kernels/gaussian/gaussian_points.h"
#include "kernels/team.h"

/* How many y's are summed up at a time, at most: progress.done counts x's per range of y's, so that
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

/* Predicted time on one thread, in nanoseconds (measured: bench/gaussians). */
uint64_t gaussian_sum_cost_ns(size_t n, size_t m, size_t dimensions);

/* The same in single precision: each block of up to 1024 terms is added up in float, in 32 lanes of 32 terms, blocks in
 * double. gamma: 0 or from FLT_MIN to FLT_MAX. With u = 2^-24 and e_j for that gamma, of which, or of gamma / ln 2, the
 * kernel has the nearest float, which puts a_j off by |a_j| u more:
 *
 *     |s[i] - exact| <= sum over j of e_j ((d + 4.001) |a_j| + 4 d + 38) u + |w_j| 2^-148
 *
 * An infinite squared distance: from 3.4e38 on. */
enum kernel_status gaussian_float_sum(struct gaussian_float_points x, struct gaussian_float_points y, size_t dimensions,
                                      double gamma, const float *weights, float *s, void *scratch,
                                      const struct team *team, const struct progress *progress)
    __attribute__((warn_unused_result));

uint64_t gaussian_float_sum_cost_ns(size_t n, size_t m, size_t dimensions);

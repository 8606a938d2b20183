#pragma once
/* The Gaussian (RBF) kernel, element by element: z[i] = exp(-gamma * (x[i] - y[i])^2). Pure: no allocation, no I/O.
 *
 * Either side may be one number for all i. The bits of z[i] depend on x[i], y[i], gamma and the instruction set alone:
 * every element goes through the same full-width vector code, tails included, so team, schedule and chunk can't be
 * seen.
 *
 * Error bound, with a = -gamma (x-y)^2 exact and u = 2^-53: |z - e^a| <= e^a (4.001 |a| + 8) u while a > -708.
 * Rounding x - y (squared: 2u), the square and the product puts a off by at most 4.001 |a| u, an underflowing square by
 * 4u more (2^-1075 times gamma), and exp turns that absolute error of a into a relative one of z and adds 3u
 * (inline_exp.h). Below -708 results are subnormal, off by 2^-1074 in addition. NaN in -> NaN out; an infinite (x-y)^2
 * (from 1.8e308 on) gives 0, unless gamma is 0 (NaN). */
#include "kernels/team.h"

/* One side: an array of doubles, or one number (stride 0). */
struct gaussian_side {
    const double *values; /* `count` doubles, or exactly one where `constant` */
    bool constant;
};

/* z: `count` doubles; may be the same memory as an array side (then it is overwritten in place), must not overlap
 * otherwise. In place needs the least memory traffic. gamma finite and >= 0. On KERNEL_CANCELLED z is partly written.
 */
enum kernel_status gaussian(struct gaussian_side x, struct gaussian_side y, double gamma, double *z, size_t count,
                            const struct team *team, const struct progress *progress)
    __attribute__((warn_unused_result));

/* Predicted time of gaussian on one thread, in nanoseconds (measured: bench/gaussians). */
uint64_t gaussian_cost_ns(size_t count);

/* The same in single precision throughout, with all that is said above, but for the numbers in it.
 *
 * Error bound, with u = 2^-24 and a = -g (x-y)^2 for the exact g that `gamma` was rounded from (to a normal float, or
 * 0): |z - e^a| <= e^a (5.001 |a| + 8) u while a > -87: gamma's own rounding puts a off by |a| u more. Below -87
 * results are subnormal, off by 2^-149 in addition. An infinite (x-y)^2: from 1.8e19 on. */
struct gaussian_float_side {
    const float *values;
    bool constant;
};

enum kernel_status gaussian_float(struct gaussian_float_side x, struct gaussian_float_side y, float gamma, float *z,
                                  size_t count, const struct team *team, const struct progress *progress)
    __attribute__((warn_unused_result));

uint64_t gaussian_float_cost_ns(size_t count);

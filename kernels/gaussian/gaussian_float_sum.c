/* Gaussian sums in single precision: as gaussian_sum.c, with half the bytes and twice the elements in a vector. */
#include "kernels/gaussian/gaussian_sum.h"
#include "kernels/gaussian/inline_exp.h"

#include <float.h>
#include <math.h>

#define REAL float
#define POINTS struct gaussian_float_points
#define EXP inline_expf
#define EXP2(b, tail) inline_exp2f(b)
#define LEAST_SCALE FLT_MIN
#define LARGEST FLT_MAX
#include "kernels/gaussian/gaussian_sum_tiles.inc"

enum kernel_status gaussian_float_sum(struct gaussian_float_points x, struct gaussian_float_points y, size_t dimensions,
                                      double gamma, const float *weights, float *s, void *scratch,
                                      const struct team *team, const struct progress *progress) {
    return sum_up(x, y, dimensions, gamma, weights, s, scratch, team, progress);
}

uint64_t gaussian_float_sum_cost_ns(size_t n, size_t m, size_t dimensions) {
    return predict_ns(n, m, dimensions, 0.2, 0.02);
}

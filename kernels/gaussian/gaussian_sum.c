/* Gaussian sums in double precision. */
#include "kernels/gaussian/gaussian_sum.h"

#include "kernels/gaussian/inline_exp.h"

#include <float.h>
#include <math.h>

#define REAL double
#define POINTS struct gaussian_points
#define EXP inline_exp
#define EXP2 inline_exp2
#define LEAST_SCALE 0x1p-900
#define LARGEST DBL_MAX
#include "kernels/gaussian/gaussian_sum_tiles.inc"

/* The packed y's, then the partial sums; floats take no more. */
size_t gaussian_sum_scratch_bytes(size_t n, size_t m, size_t dimensions) {
    size_t ranges = count_ranges(m), tiles = m / TILE + (m % TILE != 0), rows, packed, partials, bytes;
    bool over = __builtin_add_overflow(dimensions, 1, &rows);
    over = __builtin_mul_overflow(tiles, rows, &packed) || over;
    over = __builtin_mul_overflow(packed, TILE * sizeof(double), &packed) || over;
    over = __builtin_mul_overflow(ranges, choose_width(n, ranges) * sizeof(struct sum), &partials) || over;
    over = __builtin_add_overflow(packed, partials, &bytes) || over;
    return over ? SIZE_MAX : bytes;
}

enum kernel_status gaussian_sum(struct gaussian_points x, struct gaussian_points y, size_t dimensions, double gamma,
                                const double *weights, double *s, void *scratch, const struct team *team,
                                const struct progress *progress) {
    return sum_up(x, y, dimensions, gamma, weights, s, scratch, team, progress);
}

/* bench/gaussians, AVX-512: 0.45 ns for the exponential and what goes with it, 0.04 per dimension. */
uint64_t gaussian_sum_cost_ns(size_t n, size_t m, size_t dimensions) {
    return predict_ns(n, m, dimensions, 0.45, 0.04);
}

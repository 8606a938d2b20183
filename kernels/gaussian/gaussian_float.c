/* As gaussian.c, in single precision: half the bytes, twice the elements in a vector. */
#include "kernels/gaussian/gaussian.h"

#include "kernels/gaussian/inline_exp.h"

#define REAL float
#define SIDE struct gaussian_float_side
#define EXP inline_expf
#include "kernels/gaussian/gaussian_tiles.inc"

enum kernel_status gaussian_float(struct gaussian_float_side x, struct gaussian_float_side y, float gamma, float *z,
                                  size_t count, const struct team *team, const struct progress *progress) {
    struct run run = {.x = x, .y = y, .gamma = gamma, .z = z};
    run.stream = count >= STREAM_BYTES / sizeof *z && z != x.values && z != y.values;
    return team_for(team, progress, count, PIECE, gaussian_piece, &run);
}

/* 0.2 ns per element in cache, 0.6 from memory. */
uint64_t gaussian_float_cost_ns(size_t count) {
    return 100 + (uint64_t)count / 4;
}

/* z = exp(-gamma (x - y)^2) in double precision. */
#include "kernels/gaussian/gaussian.h"

#include "kernels/gaussian/inline_exp.h"

#define REAL double
#define SIDE struct gaussian_side
#define EXP inline_exp
#include "kernels/gaussian/gaussian_tiles.inc"

enum kernel_status gaussian(struct gaussian_side x, struct gaussian_side y, double gamma, double *z, size_t count,
                            const struct team *team, const struct progress *progress) {
    struct run run = {.x = x, .y = y, .gamma = gamma, .z = z};
    run.stream = count >= STREAM_BYTES / sizeof *z && z != x.values && z != y.values;
    return team_for(team, progress, count, PIECE, gaussian_piece, &run);
}

/* 0.5 ns per element in cache, 1.5 from memory: half errs little where it matters, for small arrays. */
uint64_t gaussian_cost_ns(size_t count) {
    return 100 + (uint64_t)count / 2;
}

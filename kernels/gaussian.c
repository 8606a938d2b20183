/* z = exp(-gamma (x - y)^2) with glibc's vector exp.
 *
 * Every element goes through the same loop over full tiles: the last, short tile of a piece is copied into a padded
 * buffer and run through it too, so there is no epilogue whose exp could round differently and no result depends on
 * where pieces begin.
 *
 * glibc declares its vector functions only under -ffast-math, which would break NaN and infinities. The declaration
 * below, ahead of <math.h>, makes them known by themselves; they need -fopenmp and -fno-math-errno. */
#include <features.h>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((simd("notinbranch"))) extern double exp(double);
#endif

#include "kernels/clones.h"
#include "kernels/gaussian.h"

#include <math.h>
#include <string.h>

/* Elements per tile: a multiple of the widest vector (8 doubles). */
enum { TILE = 64 };

/* Elements per piece: 4 to 8 us of work, against about 0.1 us to hand one out (bench/kernels); a multiple of TILE. */
enum { PIECE = 64 * TILE };

/* From here on down exp is 0 in double precision: half the smallest subnormal is e^-745.13. */
#define ZERO_BELOW (-746.0)

struct run {
    struct gaussian_side x, y;
    double gamma;
    double *z;
};

/* Strides are TILE, or 0 for a side that is the same tile again and again. z may be x or y.
 *
 * The vector exp hands arguments outside its range (about +-708) one by one to the scalar one, 5 to 10 times the time.
 * Those whose result is 0 anyway are kept out of that: they are computed as exp(0) * 0. Two loops with the operands in
 * memory between them, for in one the compiler folds the two choices into one behind an exp of everything. */
KERNEL_CLONES
static void run_tiles(const double *x, size_t x_stride, const double *y, size_t y_stride, double gamma, double *z,
                      size_t tiles) {
    double argument[TILE], factor[TILE];
    for (size_t t = 0; t < tiles; t++, x += x_stride, y += y_stride, z += TILE) {
        KERNEL_SIMD
        for (size_t i = 0; i < TILE; i++) {
            double difference = x[i] - y[i];
            double exact = -gamma * (difference * difference);
            argument[i] = exact < ZERO_BELOW ? 0.0 : exact;
            factor[i] = exact < ZERO_BELOW ? 0.0 : 1.0;
        }
        KERNEL_SIMD
        for (size_t i = 0; i < TILE; i++)
            z[i] = exp(argument[i]) * factor[i];
    }
}

static void fill_tile(double *tile, struct gaussian_side side, size_t begin, size_t count) {
    for (size_t i = 0; i < TILE; i++)
        tile[i] = side.constant ? side.values[0] : i < count ? side.values[begin + i] : 0.0;
}

static void run_piece(void *context, size_t begin, size_t end) {
    const struct run *run = context;
    double x[TILE], y[TILE], z[TILE];
    size_t tiles = (end - begin) / TILE, rest = (end - begin) % TILE;
    if (tiles > 0) {
        if (run->x.constant)
            fill_tile(x, run->x, 0, TILE);
        if (run->y.constant)
            fill_tile(y, run->y, 0, TILE);
        run_tiles(run->x.constant ? x : run->x.values + begin, run->x.constant ? 0 : TILE,
                  run->y.constant ? y : run->y.values + begin, run->y.constant ? 0 : TILE, run->gamma, run->z + begin,
                  tiles);
    }
    if (rest > 0) {
        begin = end - rest;
        fill_tile(x, run->x, begin, rest);
        fill_tile(y, run->y, begin, rest);
        run_tiles(x, 0, y, 0, run->gamma, z, 1);
        memcpy(run->z + begin, z, rest * sizeof *z);
    }
}

enum kernel_status gaussian(struct gaussian_side x, struct gaussian_side y, double gamma, double *z, size_t count,
                            const struct team *team, const struct progress *progress) {
    struct run run = {.x = x, .y = y, .gamma = gamma, .z = z};
    return team_for(team, progress, count, PIECE, run_piece, &run);
}

/* 0.9 ns per element in cache, 2.2 from memory, 2.5 with many results next to underflow: 1 errs little where it
 * matters, for small arrays. */
uint64_t gaussian_cost_ns(size_t count) {
    return 100 + (uint64_t)count;
}

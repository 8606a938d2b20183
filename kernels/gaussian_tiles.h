/* The Gaussian's loops, for one type of number: no header of its own, but the body of gaussian.c and gaussian_float.c.
 * They define what differs:
 *
 *   REAL, SIDE      the type of number, and the side's struct
 *   EXP             its vector exp
 *   ZERO_BELOW      from there on down EXP is 0: below the logarithm of half the smallest subnormal
 *
 * Every element goes through the same loop over full tiles: the last, short tile of a piece is copied into a padded
 * buffer and run through it too, so there is no epilogue whose exp could round differently and no result depends on
 * where pieces begin. */
#include <string.h>

/* Elements per tile: a multiple of the widest vector (64 bytes). */
enum { TILE = 64 };

/* Elements per piece: 4 to 8 us of work, against about 0.1 us to hand one out (bench/kernels); a multiple of TILE. */
enum { PIECE = 512 / sizeof(REAL) * TILE };

struct run {
    SIDE x, y;
    REAL gamma;
    REAL *z;
};

/* Strides are TILE, or 0 for a side that is the same tile again and again. z may be x or y.
 *
 * The vector exp hands arguments outside its range one by one to the scalar one, 5 to 10 times the time. Those whose
 * result is 0 anyway are kept out of that: they are computed as exp(0) * 0. Two loops with the operands in memory
 * between them, for in one the compiler folds the two choices into one behind an exp of everything. */
KERNEL_CLONES
static void run_tiles(const REAL *x, size_t x_stride, const REAL *y, size_t y_stride, REAL gamma, REAL *z,
                      size_t tiles) {
    REAL argument[TILE], factor[TILE];
    for (size_t t = 0; t < tiles; t++, x += x_stride, y += y_stride, z += TILE) {
        KERNEL_SIMD
        for (size_t i = 0; i < TILE; i++) {
            REAL difference = x[i] - y[i];
            REAL exact = -gamma * (difference * difference);
            argument[i] = exact < ZERO_BELOW ? (REAL)0 : exact;
            factor[i] = exact < ZERO_BELOW ? (REAL)0 : (REAL)1;
        }
        KERNEL_SIMD
        for (size_t i = 0; i < TILE; i++)
            z[i] = EXP(argument[i]) * factor[i];
    }
}

static void fill_tile(REAL *tile, SIDE side, size_t begin, size_t count) {
    for (size_t i = 0; i < TILE; i++)
        tile[i] = side.constant ? side.values[0] : i < count ? side.values[begin + i] : 0;
}

static void run_piece(void *context, size_t begin, size_t end) {
    const struct run *run = context;
    REAL x[TILE], y[TILE], z[TILE];
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

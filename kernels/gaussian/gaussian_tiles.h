/* The Gaussian's loops, for one type of number: no header of its own, but the body of gaussian.c and gaussian_float.c.
 * They define what differs:
 *
 *   REAL, SIDE      the type of number, and the side's struct
 *   EXP             its inline_exp
 *
 * Every element goes through the same loop over full tiles: the last, short tile of a piece is copied into a padded
 * buffer and run through it too, so there is no epilogue whose exp could round differently and no result depends on
 * where pieces begin. */
#include "kernels/gaussian/stream_store.h"

#include <stdint.h>
#include <string.h>

/* Elements per tile: a multiple of the widest vector (64 bytes). */
enum { TILE = 64 };

/* Elements per piece, a multiple of TILE: 2 us of work in the cache. Handing one out costs 3 % of that or less; pieces
 * half as large 7 % (bench/gaussians with a chunk). */
enum { PIECE = 512 / sizeof(REAL) * TILE };

/* From there on a result in memory of its own, which no cache holds, goes past the caches: 15 % faster, down to results
 * of 2 MiB (bench/gaussians). In place, where the line to write has just been read, it would be 9 % slower. */
enum { LINE = 64, STREAM_BYTES = 4 << 20 };

struct run {
    SIDE x, y;
    REAL gamma;
    REAL *z;
    bool stream; /* past the caches */
};

/* Strides are TILE, or 0 for a side that is the same tile again and again. z may be x or y. */
KERNEL_CLONES
static void run_tiles(const REAL *x, size_t x_stride, const REAL *y, size_t y_stride, REAL gamma, REAL *z, size_t tiles,
                      bool stream) {
    REAL result[TILE];
    for (size_t t = 0; t < tiles; t++, x += x_stride, y += y_stride, z += TILE) {
        KERNEL_SIMD
        for (size_t i = 0; i < TILE; i++) {
            REAL difference = x[i] - y[i];
            result[i] = EXP(-gamma * (difference * difference));
        }
        if (stream) {
            stream_store(z, result, sizeof result);
        } else {
            memcpy(z, result, sizeof result);
        }
    }
    if (stream) {
        stream_end();
    }
}

static void fill_tile(REAL *tile, SIDE side, size_t begin, size_t count) {
    for (size_t i = 0; i < TILE; i++) {
        tile[i] = side.constant ? side.values[0] : i < count ? side.values[begin + i] : 0;
    }
}

static void run_piece(void *context, size_t begin, size_t end) {
    const struct run *run = context;
    REAL x[TILE], y[TILE], z[TILE];
    size_t tiles = (end - begin) / TILE, rest = (end - begin) % TILE;
    if (tiles > 0) {
        if (run->x.constant) {
            fill_tile(x, run->x, 0, TILE);
        }
        if (run->y.constant) {
            fill_tile(y, run->y, 0, TILE);
        }
        run_tiles(run->x.constant ? x : run->x.values + begin, run->x.constant ? 0 : TILE,
                  run->y.constant ? y : run->y.values + begin, run->y.constant ? 0 : TILE, run->gamma, run->z + begin,
                  tiles, run->stream && (uintptr_t)(run->z + begin) % LINE == 0);
    }
    if (rest > 0) {
        begin = end - rest;
        fill_tile(x, run->x, begin, rest);
        fill_tile(y, run->y, begin, rest);
        run_tiles(x, 0, y, 0, run->gamma, z, 1, false);
        memcpy(run->z + begin, z, rest * sizeof *z);
    }
}

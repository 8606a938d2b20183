/* The Gaussian matrix by tiles, for one type of number: no header of its own, but the body of gaussian_matrix.c and
 * gaussian_float_matrix.c. They define what differs:
 *
 *   REAL, POINTS    the type of number, and the struct of points
 *   DEPTH           dimensions summed up in REAL before the sum goes to a double
 *   EXP             e^a for a <= 0
 *
 * Squared distances are sums of squared differences for any number of dimensions, not ||x||^2 + ||y||^2 - 2 x.y: a
 * matrix product takes half the arithmetic, but the difference cancels where points are close or far from the origin.
 *
 * A tile is EDGE x EDGE entries of k, on the stack and in the cache: squared distances are summed up in it, DEPTH
 * dimensions after the other, turned into the entries, and copied to their place; of a symmetric matrix a second time,
 * mirrored. The y's of a tile are transposed first, LANES points side by side, so that one vector holds the same
 * coordinate of many; these meet ROWS x's at a time, whose sums stay in registers.
 *
 * Groups of LANES and ROWS points are always computed whole, with the last point repeated: each entry goes through the
 * same operations in the same order wherever it lies, so that the split can't be seen, and since (x - y)^2 = (y - x)^2
 * to the bit the mirror image is what would have been computed. */
#include "kernels/clones.h"
#include "kernels/stream_store.h"

enum {
    LANES = 64 / sizeof(REAL), /* the widest vector */
    ROWS = 6,                  /* as many sums as AVX2 has registers for, and enough to hide an addition's latency */
    EDGE = 96,
    /* bench/matrix, d = 3: with stores past the caches 0.7 MB take 0.8 to 1.1 of the time, 4 MB 0.6 to 0.7, 128 MB 0.5
     * to 0.7. */
    STREAM_BYTES = 2 << 20,
};

_Static_assert(EDGE % LANES == 0 && EDGE % ROWS == 0, "whole groups fill a tile");

struct matrix {
    POINTS x, y;
    size_t dimensions;
    double gamma;
    REAL *k;
    bool symmetric;
    bool stream;
    const atomic_bool *cancel;
};

/* Rows [x, x_end) of k, columns [y, y_end). */
struct area {
    size_t x, x_end, y, y_end;
};

/* panel[c][l]: coordinate first + c of point y + l. */
static void transpose(const struct matrix *matrix, size_t y, size_t y_end, size_t first, size_t depth, REAL *panel) {
    for (size_t l = 0; l < LANES; l++) {
        size_t point = y + l < y_end ? y + l : y_end - 1;
        const REAL *values = matrix->y.values + point * matrix->dimensions + first;
        for (size_t c = 0; c < depth; c++)
            panel[c * LANES + l] = values[c];
    }
}

/* rows[i][c]: coordinate first + c of point x + i. Copied because rows a page apart, as 512 coordinates are, would
 * share few places of the cache. */
static void gather(const struct matrix *matrix, struct area area, size_t first, size_t depth, REAL rows[EDGE][DEPTH]) {
    for (size_t i = 0; i < EDGE && area.x + i / ROWS * ROWS < area.x_end; i++) {
        size_t point = area.x + i < area.x_end ? area.x + i : area.x_end - 1;
        memcpy(rows[i], matrix->x.values + point * matrix->dimensions + first, depth * sizeof rows[i][0]);
    }
}

/* Adds to totals[ROWS][EDGE], LANES of each row, the squares of `depth` differences. The sums stay in registers. */
KERNEL_INLINE void add_squares(const REAL x[ROWS][DEPTH], const REAL *panel, size_t depth, double *totals) {
    REAL sums[ROWS][LANES];
    for (size_t r = 0; r < ROWS; r++) {
        KERNEL_SIMD
        for (size_t l = 0; l < LANES; l++)
            sums[r][l] = 0;
    }
    for (size_t c = 0; c < depth; c++)
        for (size_t r = 0; r < ROWS; r++) {
            REAL value = x[r][c];
            KERNEL_SIMD
            for (size_t l = 0; l < LANES; l++) {
                REAL difference = value - panel[c * LANES + l];
                sums[r][l] += difference * difference;
            }
        }
    for (size_t r = 0; r < ROWS; r++) {
        KERNEL_SIMD
        for (size_t l = 0; l < LANES; l++)
            totals[r * EDGE + l] += (double)sums[r][l];
    }
}

KERNEL_CLONES
static void add_panel(const REAL rows[EDGE][DEPTH], size_t count, const REAL *panel, size_t depth, double *totals) {
    for (size_t i = 0; i < count; i += ROWS)
        add_squares(rows + i, panel, depth, totals + i * EDGE);
}

KERNEL_CLONES
static void exponentiate(const double *totals, double gamma, REAL *entries, size_t count) {
    KERNEL_SIMD
    for (size_t i = 0; i < count; i++)
        entries[i] = EXP((REAL)(-gamma * totals[i]));
}

static void put_row(const struct matrix *matrix, size_t row, size_t column, const REAL *entries, size_t count) {
    REAL *to = matrix->k + row * matrix->y.count + column;
    if (matrix->stream)
        stream_store(to, entries, count * sizeof *entries);
    else
        memcpy(to, entries, count * sizeof *entries);
}

static void put(const struct matrix *matrix, struct area area, const REAL entries[EDGE][EDGE]) {
    for (size_t i = area.x; i < area.x_end; i++)
        put_row(matrix, i, area.y, entries[i - area.x], area.y_end - area.y);
}

static void put_mirrored(const struct matrix *matrix, struct area area, const REAL entries[EDGE][EDGE]) {
    for (size_t j = area.y; j < area.y_end; j++) {
        REAL row[EDGE];
        for (size_t i = 0; i < area.x_end - area.x; i++)
            row[i] = entries[i][j - area.y];
        put_row(matrix, j, area.x, row, area.x_end - area.x);
    }
}

/* Asked within a tile too: with a million dimensions it takes half a second. */
static bool cancelled(const struct matrix *matrix) {
    return matrix->cancel && atomic_load_explicit(matrix->cancel, memory_order_relaxed);
}

static void run_area(const struct matrix *matrix, struct area area) {
    _Alignas(64) double totals[EDGE][EDGE];
    _Alignas(64) REAL entries[EDGE][EDGE];
    _Alignas(64) REAL x[EDGE][DEPTH], panel[DEPTH * LANES];
    size_t rows = area.x_end - area.x, columns = area.y_end - area.y;
    memset(totals, 0, (rows + ROWS - 1) / ROWS * ROWS * sizeof *totals);
    for (size_t first = 0; first < matrix->dimensions && !cancelled(matrix); first += DEPTH) {
        size_t depth = matrix->dimensions - first < DEPTH ? matrix->dimensions - first : DEPTH;
        gather(matrix, area, first, depth, x);
        for (size_t j = 0; j < columns; j += LANES) {
            transpose(matrix, area.y + j, area.y_end, first, depth, panel);
            add_panel(x, rows, panel, depth, totals[0] + j);
        }
    }
    for (size_t i = 0; i < rows; i++)
        exponentiate(totals[i], matrix->gamma, entries[i], (columns + LANES - 1) / LANES * LANES);
    put(matrix, area, entries);
    if (matrix->symmetric && area.x != area.y)
        put_mirrored(matrix, area, entries);
    if (matrix->stream)
        stream_end();
}

/* Tile `index` of the matrix, row by row; of a symmetric one, row by row from the diagonal on. */
static struct area find_area(const struct matrix *matrix, size_t index) {
    size_t columns = matrix->y.count / EDGE + (matrix->y.count % EDGE != 0), row = 0, column;
    if (matrix->symmetric) {
        for (; index >= columns - row; row++)
            index -= columns - row;
        column = row + index;
    } else {
        row = index / columns;
        column = index % columns;
    }
    struct area area = {.x = row * EDGE, .y = column * EDGE};
    area.x_end = matrix->x.count - area.x < EDGE ? matrix->x.count : area.x + EDGE;
    area.y_end = matrix->y.count - area.y < EDGE ? matrix->y.count : area.y + EDGE;
    return area;
}

static void run_tiles(void *context, size_t begin, size_t end) {
    const struct matrix *matrix = context;
    for (size_t t = begin; t < end; t++)
        run_area(matrix, find_area(matrix, t));
}

static enum kernel_status run(POINTS x, POINTS y, size_t dimensions, double gamma, REAL *k, const struct team *team,
                              const struct progress *progress) {
    struct matrix matrix = {
        .x = x,
        .y = y.values ? y : x,
        .dimensions = dimensions,
        .gamma = gamma,
        .k = k,
        .symmetric = !y.values,
        .cancel = progress->cancel,
    };
    matrix.stream = x.count * matrix.y.count >= STREAM_BYTES / sizeof(REAL);
    size_t tiles = gaussian_matrix_tiles(x.count, matrix.y.count, matrix.symmetric);
    enum kernel_status status = team_for(team, progress, tiles, 1, run_tiles, &matrix);
    /* Set during the last tiles, the flag cut these short without team_for's noticing. */
    return cancelled(&matrix) ? KERNEL_CANCELLED : status;
}

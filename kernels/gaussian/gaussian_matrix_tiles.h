/* The Gaussian matrix by tiles, for one type of number: no header of its own, but the body of gaussian_matrix.c and
 * gaussian_float_matrix.c. They define what differs:
 *
 *   REAL, POINTS    the type of number, and the struct of points
 *   DEPTH           dimensions summed up in REAL before the sum goes to a double
 *   EXP             e^a for a <= 0
 *   PRODUCTS_FROM   dimensions from which on ||x||^2 + ||y||^2 - 2 x.y is tried
 *   BLUR(d)         how far that may be off at most, over ||x||^2 + ||y||^2
 *   MOST_BLUR       gamma times this error up to which it is kept
 *
 * A tile is EDGE x EDGE entries of k, on the stack and in the cache: squared distances are summed up in it, DEPTH
 * dimensions after the other, turned into the entries, and copied to their place; of a symmetric matrix a second time,
 * mirrored. The y's of a tile are transposed first, so that one vector holds the same coordinate of many; these meet
 * ROWS x's at a time, whose sums stay in registers: of LANES or WIDE y's, as many as the registers take.
 *
 * Squared distances are sums of squared differences, or of products, which are half the arithmetic: but there the
 * difference cancels where points are far from the origin. So the norms decide, for each pair by itself; a tile of
 * both kinds of pairs is summed up both ways.
 *
 * Groups of points are always computed whole, with the last point repeated: each entry goes through the same
 * operations in the same order wherever it lies, so that the split can't be seen, and since (x - y)^2 = (y - x)^2 and
 * x.y = y.x to the bit the mirror image is what would have been computed. Norms are summed up
 * in the same way for x and y; a distance that their rounding could account for is 0, that of equal points therefore.
 */
#include "kernels/clones.h"
#include "kernels/gaussian/stream_store.h"

#include <assert.h>
#include <float.h>

enum {
    LANES = 64 / sizeof(REAL), /* the widest vector */
    WIDE = 3 * LANES,          /* for AVX-512, which has registers for ROWS times three vectors of sums */
    ROWS = 6,                  /* as many sums as AVX2 has registers for, and enough to hide an addition's latency */
    EDGE = 96,
    /* bench/matrix, d = 3: with stores past the caches 0.7 MB take 0.8 to 1.1 of the time, 4 MB 0.6 to 0.7, 128 MB 0.5
     * to 0.7. */
    STREAM_BYTES = 2 << 20,
};

static_assert(EDGE % LANES == 0 && EDGE % WIDE == 0 && EDGE % ROWS == 0, "whole groups fill a tile");

enum form { SQUARES, PRODUCTS };

struct matrix {
    POINTS x, y;
    size_t dimensions;
    double gamma;
    REAL *k;
    bool symmetric;
    bool stream;
    bool wide;         /* the registers take WIDE */
    double blur;       /* error of a squared distance from products, over the sum of the norms */
    double most_norms; /* sum of the norms up to which products may be kept; below 0: don't try */
    const atomic_bool *cancel;
};

/* Rows [x, x_end) of k, columns [y, y_end). */
struct area {
    size_t x, x_end, y, y_end;
};

KERNEL_INLINE void transpose_group(const REAL *restrict from, size_t dimensions, size_t depth, size_t width,
                                   REAL *restrict panel) {
    for (size_t c = 0; c < depth; c++) {
        for (size_t l = 0; l < LANES; l++) {
            panel[c * width + l] = from[l * dimensions + c];
        }
    }
}

/* panel[c][l]: coordinate first + c of point y + l, for `width` points. */
static void transpose(const struct matrix *matrix, size_t y, size_t y_end, size_t first, size_t depth, size_t width,
                      REAL *panel) {
    const REAL *values = matrix->y.values + first;
    for (size_t group = y; group < y + width; group += LANES, panel += LANES) {
        if (group + LANES <= y_end) {
            transpose_group(values + group * matrix->dimensions, matrix->dimensions, depth, width, panel);
            continue;
        }
        for (size_t l = 0; l < LANES; l++) {
            const REAL *from = values + (group + l < y_end ? group + l : y_end - 1) * matrix->dimensions;
            for (size_t c = 0; c < depth; c++) {
                panel[c * width + l] = from[c];
            }
        }
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

/* Adds to totals[ROWS][EDGE], `width` of each row, `depth` squares or products. The sums stay in registers. */
KERNEL_INLINE void add_group(const REAL x[ROWS][DEPTH], const REAL *panel, size_t depth, double *totals, size_t width,
                             enum form form) {
    REAL sums[ROWS][WIDE];
    for (size_t r = 0; r < ROWS; r++) {
        KERNEL_SIMD
        for (size_t l = 0; l < width; l++) {
            sums[r][l] = 0;
        }
    }
    for (size_t c = 0; c < depth; c++) {
        for (size_t r = 0; r < ROWS; r++) {
            REAL value = x[r][c];
            KERNEL_SIMD
            for (size_t l = 0; l < width; l++) {
                REAL other = panel[c * width + l], difference = value - other;
                sums[r][l] += form == SQUARES ? difference * difference : value * other;
            }
        }
    }
    for (size_t r = 0; r < ROWS; r++) {
        KERNEL_SIMD
        for (size_t l = 0; l < width; l++) {
            totals[r * EDGE + l] += (double)sums[r][l];
        }
    }
}

KERNEL_INLINE void add_groups(const REAL rows[EDGE][DEPTH], size_t count, const REAL *panel, size_t depth,
                              double *totals, size_t width, enum form form) {
    for (size_t i = 0; i < count; i += ROWS) {
        add_group(rows + i, panel, depth, totals + i * EDGE, width, form);
    }
}

KERNEL_CLONES
static void add_panel(const REAL rows[EDGE][DEPTH], size_t count, const REAL *panel, size_t depth, double *totals,
                      size_t width, enum form form) {
    if (width == WIDE && form == SQUARES) {
        add_groups(rows, count, panel, depth, totals, WIDE, SQUARES);
    } else if (width == WIDE) {
        add_groups(rows, count, panel, depth, totals, WIDE, PRODUCTS);
    } else if (form == SQUARES) {
        add_groups(rows, count, panel, depth, totals, LANES, SQUARES);
    } else {
        add_groups(rows, count, panel, depth, totals, LANES, PRODUCTS);
    }
}

/* Adds to the norms (squared) of `count` points, `stride` apart, those of `depth` coordinates: to LANES parts of each,
 * which are added up by fold only. */
KERNEL_CLONES
static void add_norms(const REAL *values, size_t stride, size_t count, size_t depth, double parts[EDGE][LANES]) {
    for (size_t i = 0; i < count; i++, values += stride) {
        REAL sums[LANES] = {0};
        for (size_t c = 0; c + LANES <= depth; c += LANES) {
            KERNEL_SIMD
            for (size_t l = 0; l < LANES; l++) {
                sums[l] += values[c + l] * values[c + l];
            }
        }
        for (size_t c = depth / LANES * LANES; c < depth; c++) {
            sums[0] += values[c] * values[c];
        }
        KERNEL_SIMD
        for (size_t l = 0; l < LANES; l++) {
            parts[i][l] += (double)sums[l];
        }
    }
}

/* Returns the smallest. */
static double fold(const double parts[EDGE][LANES], size_t count, double *norms) {
    double least = INFINITY;
    for (size_t i = 0; i < count; i++) {
        norms[i] = 0;
        for (size_t l = 0; l < LANES; l++) {
            norms[i] += parts[i][l];
        }
        least = norms[i] < least ? norms[i] : least;
    }
    return least;
}

/* Of a row of x.y makes squared distances, -1 where the norms don't allow it. Returns how many they allow. */
KERNEL_CLONES
static size_t subtract(const struct matrix *matrix, double x_norm, const double *y_norms, double *products,
                       size_t count) {
    double most = matrix->most_norms, blur = matrix->blur;
    size_t kept = 0;
    for (size_t j = 0; j < count; j++) {
        double norms = x_norm + y_norms[j], square = norms - 2 * products[j];
        square = square <= blur * norms ? 0 : square;
        products[j] = norms <= most ? square : -1;
        kept += norms <= most;
    }
    return kept;
}

KERNEL_CLONES
static void exponentiate(const double *totals, double gamma, REAL *entries, size_t count) {
    KERNEL_SIMD
    for (size_t i = 0; i < count; i++) {
        entries[i] = EXP((REAL)(-gamma * totals[i]));
    }
}

static void put_row(const struct matrix *matrix, size_t row, size_t column, const REAL *entries, size_t count) {
    REAL *to = matrix->k + row * matrix->y.count + column;
    if (matrix->stream) {
        stream_store(to, entries, count * sizeof *entries);
    } else {
        memcpy(to, entries, count * sizeof *entries);
    }
}

static void put(const struct matrix *matrix, struct area area, const REAL entries[EDGE][EDGE]) {
    for (size_t i = area.x; i < area.x_end; i++) {
        put_row(matrix, i, area.y, entries[i - area.x], area.y_end - area.y);
    }
}

static void put_mirrored(const struct matrix *matrix, struct area area, const REAL entries[EDGE][EDGE]) {
    for (size_t j = area.y; j < area.y_end; j++) {
        REAL row[EDGE];
        for (size_t i = 0; i < area.x_end - area.x; i++) {
            row[i] = entries[i][j - area.y];
        }
        put_row(matrix, j, area.x, row, area.x_end - area.x);
    }
}

/* Asked within a tile too: with a million dimensions it takes half a second. */
static bool cancelled(const struct matrix *matrix) {
    return matrix->cancel && atomic_load_explicit(matrix->cancel, memory_order_relaxed);
}

/* How many of the `left` next points to take at once. */
static size_t choose_width(const struct matrix *matrix, size_t left) {
    return matrix->wide && left > WIDE - LANES ? WIDE : LANES;
}

static void sum_squares(const struct matrix *matrix, struct area area, double totals[EDGE][EDGE]) {
    _Alignas(64) REAL x[EDGE][DEPTH], panel[DEPTH * WIDE];
    size_t rows = area.x_end - area.x, columns = area.y_end - area.y;
    memset(totals, 0, (rows + ROWS - 1) / ROWS * ROWS * sizeof *totals);
    for (size_t first = 0; first < matrix->dimensions && !cancelled(matrix); first += DEPTH) {
        size_t depth = matrix->dimensions - first < DEPTH ? matrix->dimensions - first : DEPTH;
        gather(matrix, area, first, depth, x);
        for (size_t j = 0, width; j < columns; j += width) {
            width = choose_width(matrix, columns - j);
            transpose(matrix, area.y + j, area.y_end, first, depth, width, panel);
            add_panel(x, rows, panel, depth, totals[0] + j, width, SQUARES);
        }
    }
}

/* As sum_squares, but -1 where squares are to be summed up. Returns how many entries that spares. */
static size_t sum_products(const struct matrix *matrix, struct area area, double totals[EDGE][EDGE]) {
    _Alignas(64) REAL x[EDGE][DEPTH], panel[DEPTH * WIDE];
    _Alignas(64) double x_parts[EDGE][LANES] = {0}, y_parts[EDGE][LANES] = {0};
    double x_norms[EDGE], y_norms[EDGE];
    size_t rows = area.x_end - area.x, columns = area.y_end - area.y, kept = 0;
    memset(totals, 0, (rows + ROWS - 1) / ROWS * ROWS * sizeof *totals);
    for (size_t first = 0; first < matrix->dimensions && !cancelled(matrix); first += DEPTH) {
        size_t depth = matrix->dimensions - first < DEPTH ? matrix->dimensions - first : DEPTH;
        gather(matrix, area, first, depth, x);
        add_norms(x[0], DEPTH, rows, depth, x_parts);
        add_norms(matrix->y.values + area.y * matrix->dimensions + first, matrix->dimensions, columns, depth, y_parts);
        /* Norms only grow: points far away show here, before anything is multiplied in vain. */
        if (first == 0 && fold(x_parts, rows, x_norms) + fold(y_parts, columns, y_norms) > matrix->most_norms) {
            return 0;
        }
        for (size_t j = 0, width; j < columns; j += width) {
            width = choose_width(matrix, columns - j);
            transpose(matrix, area.y + j, area.y_end, first, depth, width, panel);
            add_panel(x, rows, panel, depth, totals[0] + j, width, PRODUCTS);
        }
    }
    fold(x_parts, rows, x_norms);
    fold(y_parts, columns, y_norms);
    for (size_t i = 0; i < rows; i++) {
        kept += subtract(matrix, x_norms[i], y_norms, totals[i], columns);
    }
    return kept;
}

/* Squared distances of a tile, in the one way or the other. */
static void find_squares(const struct matrix *matrix, struct area area, double totals[EDGE][EDGE]) {
    size_t rows = area.x_end - area.x, columns = area.y_end - area.y, kept = 0;
    if (matrix->most_norms >= 0) {
        kept = sum_products(matrix, area, totals);
    }
    if (kept == rows * columns) {
        return;
    }
    if (kept == 0) {
        sum_squares(matrix, area, totals);
        return;
    }
    _Alignas(64) double squares[EDGE][EDGE];
    sum_squares(matrix, area, squares);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            totals[i][j] = totals[i][j] < 0 ? squares[i][j] : totals[i][j];
        }
    }
}

static void run_area(const struct matrix *matrix, struct area area) {
    _Alignas(64) double totals[EDGE][EDGE];
    _Alignas(64) REAL entries[EDGE][EDGE];
    size_t columns = area.y_end - area.y;
    find_squares(matrix, area, totals);
    for (size_t i = 0; i < area.x_end - area.x; i++) {
        exponentiate(totals[i], matrix->gamma, entries[i], (columns + LANES - 1) / LANES * LANES);
    }
    put(matrix, area, entries);
    if (matrix->symmetric && area.x != area.y) {
        put_mirrored(matrix, area, entries);
    }
    if (matrix->stream) {
        stream_end();
    }
}

/* Tile `index` of the matrix, row by row; of a symmetric one, row by row from the diagonal on. */
static struct area find_area(const struct matrix *matrix, size_t index) {
    size_t columns = matrix->y.count / EDGE + (matrix->y.count % EDGE != 0), row = 0, column;
    if (matrix->symmetric) {
        for (; index >= columns - row; row++) {
            index -= columns - row;
        }
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
    for (size_t t = begin; t < end; t++) {
        run_area(matrix, find_area(matrix, t));
    }
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
        .wide = strcmp(team_instruction_set(), "x86-64-v4") == 0,
        .most_norms = -1,
        .cancel = progress->cancel,
    };
    matrix.stream = x.count * matrix.y.count >= STREAM_BYTES / sizeof(REAL);
    if (dimensions >= PRODUCTS_FROM && gamma < 1e290) {
        matrix.blur = BLUR(dimensions);
        /* Finite: or infinite norms would pass, and for gamma 0 large products overflow. */
        matrix.most_norms = fmin(MOST_BLUR / matrix.blur / gamma, DBL_MAX / 4);
    }
    size_t tiles = gaussian_matrix_tiles(x.count, matrix.y.count, matrix.symmetric);
    enum kernel_status status = team_for(team, progress, tiles, 1, run_tiles, &matrix);
    /* Set during the last tiles, the flag cut these short without team_for's noticing. */
    return cancelled(&matrix) ? KERNEL_CANCELLED : status;
}

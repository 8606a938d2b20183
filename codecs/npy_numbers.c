/* Each conversion is one loop without branches over bytes at any alignment, which the compilers turn into vector code
 * (bench/codecs has the rates). */
#include "codecs/npy_numbers.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    RUN_NUMBERS = 16384,   /* of a piece in C order: 5 to 10 us */
    SWAPPED_NUMBERS = 256, /* at a time, in the first cache */
    TILE_NUMBERS = 1024,   /* of a piece in Fortran order: 8 KiB of doubles, and as many where they are written to */
    TILE_ROWS = 128, /* at least, where there are as many: columns are read in long runs, rows written by the line */
    TILE_PADDING = 8 /* between the columns of a tile, which else would share a few sets of the cache */
};

/* Upper estimates, one thread (bench/codecs): 0.1 to 0.9 ns a number in C order, 0.5 to 4 in Fortran order, the more
 * the further from the cache. */
enum { CONVERT_NUMBERS_PER_NS = 1, TRANSPOSE_NUMBER_NS = 4 };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* --- one number -------------------------------------------------------------------------------------------------- */

static inline double double_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The exponent moves from a bias of 15 to one of 127, which for infinities and NaN is the distance once more; what has
 * no leading bit is a multiple of 2^-24. Both are made and one is masked out: a branch would keep this from being
 * vector code. */
static inline float float_of_half(uint16_t half) {
    const uint32_t rebias = (uint32_t)(127 - 15) << 23;
    uint32_t magnitude = half & 0x7FFFU;
    uint32_t is_special = 0 - (uint32_t)(magnitude >= 0x7C00);
    uint32_t is_subnormal = 0 - (uint32_t)(magnitude < 0x0400);
    uint32_t normal = (magnitude << 13) + rebias + (rebias & is_special);
    uint32_t subnormal = bits_of_float((float)(int32_t)magnitude * 0x1p-24F);
    return float_of((subnormal & is_subnormal) | (normal & ~is_subnormal) | (half & 0x8000U) << 16);
}

/* 64-bit integers are added up from two halves, both exact: the upper one is the mantissa of a double around 2^84,
 * whose last bit is worth 2^32, the lower one that of one around 2^52. So only the sum is rounded, and by how much is
 * known exactly (Dekker's fast two-sum: the upper half is 0 or the larger one). Unlike a conversion instruction this is
 * vector code everywhere. *lost is 0 as long as nothing was rounded away. */
static inline double double_of_halves(double upper, uint64_t bits, uint64_t *lost) {
    double lower = double_of((bits & 0xFFFFFFFF) | UINT64_C(0x4330000000000000)) - 0x1p52;
    double sum = upper + lower;
    *lost |= bits_of(lower - (sum - upper));
    return sum;
}

static inline double double_of_unsigned(uint64_t bits, uint64_t *lost) {
    return double_of_halves(double_of(bits >> 32 | UINT64_C(0x4530000000000000)) - 0x1p84, bits, lost);
}

static inline double double_of_signed(uint64_t bits, uint64_t *lost) {
    uint64_t upper = bits >> 32 ^ UINT64_C(0x4530000080000000);
    return double_of_halves(double_of(upper) - (0x1p84 + 0x1p63), bits, lost);
}

/* --- runs of numbers --------------------------------------------------------------------------------------------- */

/* A loop over numbers of `width` bits: `expression` makes a double of `bits`. Returns false where something was lost.
 */
#define RUN(name, width, expression)                                                                                   \
    static bool name(double *restrict out, const char *restrict in, size_t count) {                                    \
        uint64_t lost = 0;                                                                                             \
        for (size_t i = 0; i < count; i++) {                                                                           \
            uint##width##_t bits;                                                                                      \
            memcpy(&bits, in + i * sizeof bits, sizeof bits);                                                          \
            out[i] = (expression);                                                                                     \
        }                                                                                                              \
        return lost == 0;                                                                                              \
    }

RUN(run_float32, 32, (double)float_of(bits))
RUN(run_float16, 16, (double)float_of_half(bits))
RUN(run_int8, 8, (int8_t)bits)
RUN(run_int16, 16, (int16_t)bits)
RUN(run_int32, 32, (int32_t)bits)
RUN(run_int64, 64, double_of_signed(bits, &lost))
RUN(run_uint8, 8, bits)
RUN(run_uint16, 16, bits)
RUN(run_uint32, 32, bits)
RUN(run_uint64, 64, double_of_unsigned(bits, &lost))
RUN(run_bool, 8, bits != 0)

/* Turns the bytes of each number round. Of 32 and 64 bits that is an instruction for each, and no vector code: so it is
 * a loop apart. */
#define SWAP(width)                                                                                                    \
    static void swap_##width(uint##width##_t *restrict out, const char *restrict in, size_t count) {                   \
        for (size_t i = 0; i < count; i++) {                                                                           \
            uint##width##_t bits;                                                                                      \
            memcpy(&bits, in + i * sizeof bits, sizeof bits);                                                          \
            out[i] = __builtin_bswap##width(bits);                                                                     \
        }                                                                                                              \
    }

SWAP(16)
SWAP(32)
SWAP(64)

static bool (*const runs[NPY_DTYPE_COUNT])(double *restrict, const char *restrict, size_t) = {
    [NPY_FLOAT32] = run_float32, [NPY_FLOAT16] = run_float16, [NPY_INT8] = run_int8,   [NPY_INT16] = run_int16,
    [NPY_INT32] = run_int32,     [NPY_INT64] = run_int64,     [NPY_UINT8] = run_uint8, [NPY_UINT16] = run_uint16,
    [NPY_UINT32] = run_uint32,   [NPY_UINT64] = run_uint64,   [NPY_BOOL] = run_bool,
};

/* The same loops for what stays an integer, or a bool. */
#define WHOLE_RUN(name, width, RESULT, expression)                                                                     \
    static void name(__typeof__(RESULT) *restrict out, const char *restrict in, size_t count) {                        \
        for (size_t i = 0; i < count; i++) {                                                                           \
            uint##width##_t bits;                                                                                      \
            memcpy(&bits, in + i * sizeof bits, sizeof bits);                                                          \
            out[i] = (expression);                                                                                     \
        }                                                                                                              \
    }

WHOLE_RUN(widen_int8, 8, int64_t, (bits ^ 0x80) - 0x80)
WHOLE_RUN(widen_int16, 16, int64_t, (int16_t)bits)
WHOLE_RUN(widen_int32, 32, int64_t, (int32_t)bits)
WHOLE_RUN(widen_uint8, 8, int64_t, bits)
WHOLE_RUN(widen_uint16, 16, int64_t, bits)
WHOLE_RUN(widen_uint32, 32, int64_t, bits)
WHOLE_RUN(run_truth, 8, uint8_t, bits != 0)

static void (*const widenings[NPY_DTYPE_COUNT])(int64_t *restrict, const char *restrict, size_t) = {
    [NPY_INT8] = widen_int8,   [NPY_INT16] = widen_int16,   [NPY_INT32] = widen_int32,
    [NPY_UINT8] = widen_uint8, [NPY_UINT16] = widen_uint16, [NPY_UINT32] = widen_uint32,
};

static bool run(const char *in, size_t count, enum npy_dtype from, enum npy_dtype to, void *out) {
    if (to == NPY_BOOL) {
        run_truth(out, in, count);
        return true;
    }
    if (to == NPY_INT64 && from != NPY_INT64) {
        widenings[from](out, in, count);
        return true;
    }
    if (from == to) {
        memcpy(out, in, count * npy_number_bytes(to));
        return true;
    }
    return runs[from](out, in, count);
}

static void swap(const char *in, size_t count, size_t size, void *out) {
    switch (size) {
    case 8:
        swap_64(out, in, count);
        break;
    case 4:
        swap_32(out, in, count);
        break;
    default:
        swap_16(out, in, count);
    }
}

/* Numbers that lie one after the other, from the one at `index` on. */
static bool read_run(const struct npy_head *head, const char *data, size_t index, size_t count, enum npy_dtype dtype,
                     void *out) {
    size_t size = npy_number_bytes(head->dtype);
    const char *in = data + index * size;
    if (!head->big_endian) {
        return run(in, count, head->dtype, dtype, out);
    }
    if (head->dtype == dtype) {
        swap(in, count, size, out);
        return true;
    }
    bool is_exact = true;
    for (size_t done = 0; done < count; done += SWAPPED_NUMBERS) {
        uint64_t swapped[SWAPPED_NUMBERS];
        size_t some = least(count - done, SWAPPED_NUMBERS);
        swap(in + done * size, some, size, swapped);
        is_exact = run((const char *)swapped, some, head->dtype, dtype, (char *)out + done * npy_number_bytes(dtype)) &&
                   is_exact;
    }
    return is_exact;
}

void npy_doubles(double *destination, const char *source, enum npy_dtype dtype, size_t count) {
    (void)run(source, count, dtype, NPY_FLOAT64, destination);
}

/* --- tiles ------------------------------------------------------------------------------------------------------- */

/* Dimensions of 1 aside, the first one makes rows, the last one columns, and each index of those between them a plane.
 * Numbers of a column lie one after the other, and planes within what is between two columns. */
struct layout {
    size_t rows, columns;
    size_t middle[NPY_DIMENSIONS_MAX - 2];
    size_t planes;
};

static_assert(NPY_DIMENSIONS_MAX == 4, "there are two dimensions between the first and the last");

static struct layout layout_of(const struct npy_head *head) {
    size_t lengths[NPY_DIMENSIONS_MAX] = {1, 1, 1, 1};
    unsigned count = 0;
    for (unsigned i = 0; i < head->dimensions; i++) {
        lengths[count] = head->shape[i];
        count += head->shape[i] > 1;
    }
    struct layout layout = {.rows = lengths[0],
                            .columns = count > 1 ? lengths[count - 1] : 1,
                            .middle = {count > 2 ? lengths[1] : 1, count > 3 ? lengths[2] : 1}};
    layout.planes = layout.middle[0] * layout.middle[1];
    return layout;
}

/* Where a plane's columns lie, in columns: planes are counted as in C order. */
static size_t plane_at(const struct layout *layout, size_t plane) {
    return plane / layout->middle[1] + plane % layout->middle[1] * layout->middle[0];
}

struct tile {
    size_t plane;
    size_t row;
    size_t column;
    size_t rows;
    size_t columns;
};

/* How large tiles are, but for the last ones: of few columns they have more rows, and the other way round. */
static void tile_size(const struct layout *layout, size_t *rows, size_t *columns) {
    *rows = least(layout->rows, TILE_ROWS);
    *columns = least(layout->columns, TILE_NUMBERS / *rows);
    *rows = least(layout->rows, TILE_NUMBERS / *columns);
}

static size_t pieces_of(size_t count, size_t each) {
    return count / each + (count % each > 0);
}

/* Tiles are counted along the rows, so that neighbours write into the same ones. */
static struct tile tile_at(const struct layout *layout, size_t piece) {
    struct tile tile;
    tile_size(layout, &tile.rows, &tile.columns);
    size_t across = pieces_of(layout->columns, tile.columns);
    size_t down = pieces_of(layout->rows, tile.rows);
    tile.plane = piece / across / down;
    tile.row = piece / across % down * tile.rows;
    tile.column = piece % across * tile.columns;
    tile.rows = least(tile.rows, layout->rows - tile.row);
    tile.columns = least(tile.columns, layout->columns - tile.column);
    return tile;
}

/* Writes a tile's columns, `stride` numbers apart, as rows, `across` numbers apart. */
#define TURN(width)                                                                                                    \
    static void turn_##width(uint##width##_t *restrict out, size_t across, const uint##width##_t *restrict columns,    \
                             size_t stride, const struct tile *tile) {                                                 \
        for (size_t row = 0; row < tile->rows; row++) {                                                                \
            for (size_t column = 0; column < tile->columns; column++) {                                                \
                out[row * across + column] = columns[column * stride + row];                                           \
            }                                                                                                          \
        }                                                                                                              \
    }

TURN(8)
TURN(32)
TURN(64)

static bool read_tile(const struct npy_head *head, const char *data, size_t piece, enum npy_dtype dtype, void *values) {
    /* Where there are fewer rows than TILE_ROWS all of them are in the tile, which then has no padding. */
    uint64_t columns[TILE_NUMBERS + TILE_PADDING * (TILE_NUMBERS / TILE_ROWS)];
    const struct layout layout = layout_of(head);
    const struct tile tile = tile_at(&layout, piece);
    bool is_whole = tile.rows == layout.rows;
    bool is_one_run = is_whole && layout.planes == 1;
    size_t size = npy_number_bytes(dtype), across = layout.planes * layout.columns;
    size_t stride = is_whole ? tile.rows : tile.rows + TILE_PADDING;
    size_t runs_read = is_one_run ? 1 : tile.columns;
    size_t length = is_one_run ? tile.rows * tile.columns : tile.rows;
    bool is_exact = true;
    for (size_t i = 0; i < runs_read; i++) {
        size_t column = (tile.column + i) * layout.planes + plane_at(&layout, tile.plane);
        is_exact =
            read_run(head, data, column * layout.rows + tile.row, length, dtype, (char *)columns + i * stride * size) &&
            is_exact;
    }
    void *out = (char *)values + (tile.row * across + tile.plane * layout.columns + tile.column) * size;
    if (dtype == NPY_BOOL) {
        turn_8(out, across, (const uint8_t *)columns, stride, &tile);
    } else if (dtype == NPY_FLOAT32) {
        turn_32(out, across, (const uint32_t *)columns, stride, &tile);
    } else {
        turn_64(out, across, columns, stride, &tile);
    }
    return is_exact;
}

/* --- pieces ------------------------------------------------------------------------------------------------------ */

bool npy_is_plain(const struct npy_head *head, enum npy_dtype dtype) {
    return head->dtype == dtype && dtype != NPY_BOOL && !head->big_endian && !head->fortran_order;
}

size_t npy_piece_count(const struct npy_head *head) {
    if (!head->fortran_order) {
        return pieces_of(head->count, RUN_NUMBERS);
    }
    size_t rows = 0;
    size_t columns = 0;
    const struct layout layout = layout_of(head);
    tile_size(&layout, &rows, &columns);
    return layout.planes * pieces_of(layout.rows, rows) * pieces_of(layout.columns, columns);
}

bool npy_read_piece(const struct npy_head *head, const char *data, size_t piece, enum npy_dtype dtype, void *values) {
    if (head->fortran_order) {
        return read_tile(head, data, piece, dtype, values);
    }
    size_t first = piece * RUN_NUMBERS;
    size_t count = least(RUN_NUMBERS, head->count - first);
    return read_run(head, data, first, count, dtype, (char *)values + first * npy_number_bytes(dtype));
}

/* Where the number lies that is the index-th in C order. */
static size_t data_index(const struct npy_head *head, size_t index) {
    if (!head->fortran_order) {
        return index;
    }
    const struct layout layout = layout_of(head);
    size_t column = index % layout.columns, rest = index / layout.columns;
    size_t plane = plane_at(&layout, rest % layout.planes);
    return (column * layout.planes + plane) * layout.rows + rest / layout.planes;
}

/* A 64-bit integer, the index-th in C order: is it a float64? */
static bool is_exact_at(const struct npy_head *head, const char *data, size_t index, uint64_t *bits) {
    uint64_t lost = 0;
    memcpy(bits, data + data_index(head, index) * sizeof *bits, sizeof *bits);
    *bits = head->big_endian ? __builtin_bswap64(*bits) : *bits;
    double value = head->dtype == NPY_INT64 ? double_of_signed(*bits, &lost) : double_of_unsigned(*bits, &lost);
    (void)value;
    return lost == 0;
}

static enum problem_kind refuse_at(const struct npy_head *head, size_t index, uint64_t bits, const char *name,
                                   struct problem *problem) {
    char pointer[128];
    char place[NPY_INDEX_MAX], commas[NPY_INDEX_MAX];
    char element[NPY_INDEX_MAX + 16] = "";
    char text[24];
    npy_print_index(head->shape, head->dimensions, index, "/", place);
    npy_print_index(head->shape, head->dimensions, index, ", ", commas);
    (void)snprintf(pointer, sizeof pointer, head->dimensions > 0 ? "/%s/%s" : "/%s%s", name, place);
    if (head->dimensions > 0) {
        (void)snprintf(element, sizeof element, "element [%s] of ", commas);
    }
    if (head->dtype == NPY_INT64) {
        (void)snprintf(text, sizeof text, "%" PRId64, (int64_t)bits);
    } else {
        (void)snprintf(text, sizeof text, "%" PRIu64, bits);
    }
    return problem_set(problem, PROBLEM_OUT_OF_RANGE, pointer,
                       "%s\"%s\" is %s, which float64 doesn't have (it has all integers to 2^53, and fewer beyond); "
                       "%s.astype('f8') rounds",
                       element, name, text, name);
}

enum problem_kind npy_refuse_piece(const struct npy_head *head, const char *data, size_t piece, const char *name,
                                   const _Atomic bool *cancel, struct problem *problem) {
    /* The pieces before it are right; beside a tile, along its rows, there may be earlier mistakes. */
    const struct layout layout = layout_of(head);
    size_t i = !head->fortran_order ? piece * RUN_NUMBERS
               : layout.planes == 1 ? tile_at(&layout, piece).row * layout.columns
                                    : 0;
    uint64_t bits = 0;
    while (is_exact_at(head, data, i, &bits)) {
        i++;
        if (i == head->count ||
            (i % RUN_NUMBERS == 0 && cancel && atomic_load_explicit(cancel, memory_order_relaxed))) {
            return PROBLEM_NONE;
        }
    }
    return refuse_at(head, i, bits, name, problem);
}

uint64_t npy_convert_cost_ns(const struct npy_head *head) {
    return head->fortran_order ? (uint64_t)head->count * TRANSPOSE_NUMBER_NS
                               : (uint64_t)head->count / CONVERT_NUMBERS_PER_NS;
}

/* Reductions of columns: a state for each in planes, four numbers long, to which rows are added elementwise. All that
 * is done to an element depends on it and its own state, so it doesn't show how rows come. */
#include "kernels/expression/reduction_family.h"

#include <math.h>

enum { PLANE = REDUCTION_BLOCK };

static_assert(REDUCTION_COLUMNS_BYTES == 4 * PLANE * sizeof(double), "four planes");
static_assert(sizeof(double) == sizeof(int64_t), "planes hold either");

/* Flags of integer products. */
enum { NEGATIVE = 1, ZERO = 2, OVERFLOW = 4 };

void reduction_columns_init(struct reduction_columns *columns, struct reduction what, size_t width, void *memory) {
    *columns = (struct reduction_columns){.what = what, .width = width, .copies = PLANE / width, .planes = memory};
    memset(memory, 0, REDUCTION_COLUMNS_BYTES);
    for (size_t l = 0; l < PLANE && reduction_family(what) == FAMILY_PROD; l++) {
        columns->planes[l] = 1;
    }
    for (size_t l = 0; l < PLANE && reduction_family(what) == FAMILY_INTEGER_PROD; l++) {
        ((uint64_t *)memory)[l] = 1;
    }
}

KERNEL_CLONES
static void add_sums(const double *restrict x, size_t count, double *restrict high, double *restrict low) {
    KERNEL_SIMD
    for (size_t i = 0; i < count; i++) {
        reduction_two_sum(&high[i], &low[i], x[i]);
    }
}

/* Welford's steps, the mean in two parts so that its rounding doesn't add up. */
KERNEL_CLONES
static void add_vars(const double *restrict x, size_t count, uint64_t row, double *restrict planes) {
    double *high = planes, *low = planes + PLANE, *squares = planes + 2 * PLANE, *squares_low = planes + 3 * PLANE;
    double share = 1 / (double)(row + 1), rest = (double)row / (double)(row + 1);
    KERNEL_SIMD
    for (size_t i = 0; i < count; i++) {
        double delta = (x[i] - high[i]) - low[i];
        reduction_two_sum(&squares[i], &squares_low[i], delta * (delta * rest));
        reduction_two_sum(&high[i], &low[i], delta * share);
    }
}

KERNEL_CLONES
static void multiply(const double *restrict x, size_t count, double *restrict significands,
                     int64_t *restrict exponents) {
    KERNEL_SIMD
    for (size_t i = 0; i < count; i++) {
        int64_t exponent, more;
        double factor = reduction_split(x[i], &exponent);
        significands[i] = reduction_split(significands[i] * factor, &more);
        exponents[i] += exponent + more;
    }
}

KERNEL_CLONES
static void add_integers(const int64_t *restrict x, size_t count, uint64_t *restrict low, int64_t *restrict high) {
    for (size_t i = 0; i < count; i++) {
        low[i] += (uint64_t)x[i] & UINT32_MAX;
        high[i] += x[i] >> 32;
    }
}

static void multiply_integers(const int64_t *x, size_t count, uint64_t *magnitudes, uint64_t *flags) {
    for (size_t i = 0; i < count; i++) {
        uint64_t factor = x[i] < 0 ? 0 - (uint64_t)x[i] : (uint64_t)x[i], magnitude;
        bool overflow = __builtin_mul_overflow(magnitudes[i], factor, &magnitude) || magnitude > UINT64_C(1) << 63;
        flags[i] ^= x[i] < 0 ? NEGATIVE : 0;
        flags[i] |= (factor == 0 ? ZERO : 0) | (overflow ? OVERFLOW : 0);
        magnitudes[i] = factor == 0 ? magnitudes[i] : overflow ? 1 : magnitude;
    }
}

/* NaN stays, with its row. */
KERNEL_INLINE void keep_better(const double *restrict x, size_t count, uint64_t row, bool greatest,
                               double *restrict least, int64_t *restrict index) {
    KERNEL_SIMD
    for (size_t i = 0; i < count; i++) {
        bool better = greatest ? x[i] > least[i] : x[i] < least[i];
        better = row == 0 || (!isnan(least[i]) && (better || isnan(x[i])));
        least[i] = better ? x[i] : least[i];
        index[i] = better ? (int64_t)row : index[i];
    }
}

KERNEL_CLONES
static void keep_least(const double *x, size_t count, uint64_t row, double *least, int64_t *index) {
    keep_better(x, count, row, false, least, index);
}

KERNEL_CLONES
static void keep_greatest(const double *x, size_t count, uint64_t row, double *least, int64_t *index) {
    keep_better(x, count, row, true, least, index);
}

KERNEL_CLONES
static void keep_integers(const int64_t *restrict x, size_t count, uint64_t row, int64_t flip, int64_t *restrict least,
                          int64_t *restrict index) {
    KERNEL_SIMD
    for (size_t i = 0; i < count; i++) {
        bool better = row == 0 || (x[i] ^ flip) < (least[i] ^ flip); /* ~x is the order upside down */
        least[i] = better ? x[i] : least[i];
        index[i] = better ? (int64_t)row : index[i];
    }
}

KERNEL_CLONES
static void count_nonzero(const double *restrict x, size_t count, uint64_t *restrict nonzero) {
    for (size_t i = 0; i < count; i++) {
        nonzero[i] += x[i] != 0 ? 1 : 0;
    }
}

/* Up to a row of all copies; `row` is its number. */
static void add_row(struct reduction_columns *columns, size_t lane, const void *values, size_t count, uint64_t row) {
    struct reduction what = columns->what;
    double room[PLANE], *planes = columns->planes + lane;
    int64_t whole[PLANE], *integers = (int64_t *)(void *)planes;
    uint64_t *naturals = (uint64_t *)(void *)planes;
    enum reduction_family family = reduction_family(what);
    bool exact = family == FAMILY_INTEGER_SUM || family == FAMILY_INTEGER_PROD || family == FAMILY_INTEGER_EXTREME;
    const double *x = exact ? NULL : reduction_as_doubles(what, values, count, room);
    const int64_t *n = exact ? reduction_as_integers(what, values, count, whole) : NULL;
    switch (family) {
    case FAMILY_SUM:
        add_sums(x, count, planes, planes + PLANE);
        break;
    case FAMILY_INTEGER_SUM:
        add_integers(n, count, naturals, integers + PLANE);
        break;
    case FAMILY_PROD:
        multiply(x, count, planes, integers + PLANE);
        break;
    case FAMILY_INTEGER_PROD:
        multiply_integers(n, count, naturals, naturals + PLANE);
        break;
    case FAMILY_EXTREME:
        (reduction_is_greatest(what) ? keep_greatest : keep_least)(x, count, row, planes, integers + PLANE);
        break;
    case FAMILY_INTEGER_EXTREME:
        keep_integers(n, count, row, reduction_is_greatest(what) ? -1 : 0, integers, integers + PLANE);
        break;
    case FAMILY_NONZERO:
        count_nonzero(x, count, naturals);
        break;
    case FAMILY_VAR:
        add_vars(x, count, row, planes);
        break;
    }
}

static size_t element_bytes(enum reduction_type type) {
    return type == REDUCTION_BOOL ? 1 : type == REDUCTION_FLOAT ? sizeof(float) : sizeof(double);
}

void reduction_columns_add(struct reduction_columns *columns, const void *values, size_t rows) {
    const char *at = values;
    while (rows > 0) {
        size_t copy = columns->rows % columns->copies, some = columns->copies - copy;
        some = rows < some ? rows : some;
        add_row(columns, copy * columns->width, at, some * columns->width, columns->rows / columns->copies);
        at += some * columns->width * element_bytes(columns->what.type);
        columns->rows += some;
        rows -= some;
    }
}

static struct reduction_state lane_state(const struct reduction_columns *columns, size_t lane, uint64_t count) {
    struct reduction_state state = {.count = count};
    const double *planes = columns->planes + lane;
    const int64_t *integers = (const int64_t *)(const void *)planes;
    const uint64_t *naturals = (const uint64_t *)(const void *)planes;
    switch (reduction_family(columns->what)) {
    case FAMILY_VAR:
        state.squares = planes[2 * PLANE];
        state.squares_low = planes[3 * PLANE];
        state.high = planes[0];
        state.low = planes[PLANE];
        break;
    case FAMILY_SUM:
        state.high = planes[0];
        state.low = planes[PLANE];
        break;
    case FAMILY_INTEGER_SUM: {
        uint64_t shifted = naturals[PLANE] << 32;
        state.sum_low = shifted + naturals[0];
        state.sum_high = (integers[PLANE] >> 32) + (state.sum_low < shifted);
        break;
    }
    case FAMILY_PROD:
        state.significand = planes[0];
        state.exponent = integers[PLANE];
        break;
    case FAMILY_INTEGER_PROD:
        state.magnitude = naturals[0];
        state.negative = naturals[PLANE] & NEGATIVE;
        state.zero = naturals[PLANE] & ZERO;
        state.overflow = naturals[PLANE] & OVERFLOW;
        break;
    case FAMILY_EXTREME:
        state.least = planes[0];
        state.undefined = isnan(planes[0]);
        state.index = integers[PLANE];
        break;
    case FAMILY_INTEGER_EXTREME:
        state.least_integer = integers[0];
        state.index = integers[PLANE];
        break;
    case FAMILY_NONZERO:
        state.nonzero = naturals[0];
        break;
    }
    return state;
}

/* Copies have every so many'th row each: of the same values in two the one whose row is the first is taken. */
static void merge_copy(struct reduction what, struct reduction_state *state, struct reduction_state next) {
    struct reduction_state first = next.index < state->index ? next : *state;
    struct reduction_state second = next.index < state->index ? *state : next;
    int64_t index = second.index;
    uint64_t count = first.count + second.count;
    second.index = index - (int64_t)first.count; /* which merging adds */
    reduction_merge(what, &first, &second);
    first.count = count;
    *state = first;
}

struct reduction_state reduction_columns_state(const struct reduction_columns *columns, size_t column) {
    struct reduction_state state = {0};
    enum reduction_family family = reduction_family(columns->what);
    for (size_t copy = 0; copy < columns->copies && copy < columns->rows; copy++) {
        uint64_t count = columns->rows / columns->copies + (copy < columns->rows % columns->copies);
        struct reduction_state next = lane_state(columns, copy * columns->width + column, count);
        if (family == FAMILY_EXTREME || family == FAMILY_INTEGER_EXTREME) {
            next.index = next.index * (int64_t)columns->copies + (int64_t)copy;
            if (copy > 0) {
                merge_copy(columns->what, &state, next);
                continue;
            }
        }
        reduction_merge(columns->what, &state, &next);
    }
    return state;
}

/* States, their merging, and results. */
#include "kernels/expression/reduction.h"

#include "kernels/expression/reduction_family.h"

#include <math.h>

/* Fewest blocks in a range, beside which handing it out costs little, and rows. */
enum { RANGE_BLOCKS = 16, RANGE_ROWS = 64 };

enum reduction_family reduction_family(struct reduction what) {
    bool whole = what.type == REDUCTION_INT64, boolean = what.type == REDUCTION_BOOL;
    switch (what.kind) {
    case REDUCTION_SUM:
    case REDUCTION_MEAN:
        return boolean ? FAMILY_NONZERO : whole ? FAMILY_INTEGER_SUM : FAMILY_SUM;
    case REDUCTION_PROD:
        return boolean ? FAMILY_NONZERO : whole ? FAMILY_INTEGER_PROD : FAMILY_PROD;
    case REDUCTION_MIN:
    case REDUCTION_MAX:
    case REDUCTION_ARGMIN:
    case REDUCTION_ARGMAX:
        return boolean || whole ? FAMILY_INTEGER_EXTREME : FAMILY_EXTREME;
    case REDUCTION_ANY:
    case REDUCTION_ALL:
    case REDUCTION_COUNT:
        return FAMILY_NONZERO;
    case REDUCTION_VAR:
    case REDUCTION_STD:
        break;
    }
    return FAMILY_VAR;
}

enum reduction_type reduction_result_type(struct reduction what) {
    bool exact = what.type == REDUCTION_BOOL || what.type == REDUCTION_INT64;
    switch (what.kind) {
    case REDUCTION_SUM:
    case REDUCTION_PROD:
        return exact ? REDUCTION_INT64 : what.type;
    case REDUCTION_MIN:
    case REDUCTION_MAX:
        return what.type;
    case REDUCTION_ANY:
    case REDUCTION_ALL:
        return REDUCTION_BOOL;
    case REDUCTION_COUNT:
    case REDUCTION_ARGMIN:
    case REDUCTION_ARGMAX:
        return REDUCTION_INT64;
    case REDUCTION_MEAN:
    case REDUCTION_VAR:
    case REDUCTION_STD:
        break;
    }
    return what.type == REDUCTION_FLOAT ? REDUCTION_FLOAT : REDUCTION_DOUBLE;
}

static size_t whole_blocks(size_t count) {
    return count / REDUCTION_BLOCK + (count % REDUCTION_BLOCK != 0);
}

size_t reduction_ranges(size_t count) {
    size_t ranges = whole_blocks(count) / RANGE_BLOCKS;
    return ranges < 1 ? 1 : ranges > REDUCTION_RANGES ? REDUCTION_RANGES : ranges;
}

size_t reduction_begin(size_t count, size_t range) {
    size_t ranges = reduction_ranges(count);
    return range < ranges ? range * whole_blocks(count) / ranges * REDUCTION_BLOCK : count;
}

size_t reduction_row_ranges(size_t rows, size_t columns) {
    size_t room = REDUCTION_ROW_STATES / (columns > 0 ? columns : 1), ranges = rows / RANGE_ROWS;
    ranges = ranges > room ? room : ranges;
    return ranges < 1 ? 1 : ranges > REDUCTION_RANGES ? REDUCTION_RANGES : ranges;
}

size_t reduction_row_begin(size_t rows, size_t columns, size_t range) {
    size_t ranges = reduction_row_ranges(rows, columns);
    return range < ranges ? rows / ranges * range + rows % ranges * range / ranges : rows;
}

void reduction_add(struct reduction what, struct reduction_state *state, const void *values, size_t count) {
    if (count > 0) {
        struct reduction_state block;
        reduction_block(what, values, count, state, &block);
        reduction_merge(what, state, &block);
    }
}

void reduction_add_products(struct reduction what, struct reduction_state *state, const double *x, const double *y,
                            size_t count) {
    if (count > 0) {
        struct reduction_state block;
        reduction_products_block(x, y, count, &block);
        reduction_merge(what, state, &block);
    }
}

void reduction_add_powers(struct reduction what, struct reduction_state *state, enum math_exponent exponent,
                          const double *x, double number, size_t count) {
    if (count > 0) {
        struct reduction_state block;
        reduction_powers_block(exponent, x, number, count, &block);
        reduction_merge(what, state, &block);
    }
}

static void merge_integer_sums(struct reduction_state *state, const struct reduction_state *next) {
    uint64_t low = state->sum_low + next->sum_low;
    /* The high halves of fewer than 2^63 sums of 64 bits don't overflow. */
    state->sum_high += next->sum_high + (low < state->sum_low);
    state->sum_low = low;
}

static void merge_prods(struct reduction_state *state, const struct reduction_state *next) {
    int64_t exponent;
    state->significand = reduction_split(state->significand * next->significand, &exponent);
    state->exponent += next->exponent + exponent;
}

/* Factors that aren't 0 make a product no smaller, so one that doesn't fit never will; 0 makes any product fit. */
static void merge_integer_prods(struct reduction_state *state, const struct reduction_state *next) {
    state->zero |= next->zero;
    state->negative ^= next->negative;
    state->overflow |= next->overflow || __builtin_mul_overflow(state->magnitude, next->magnitude, &state->magnitude);
    state->overflow |= state->magnitude > UINT64_C(1) << 63;
    state->magnitude = state->overflow ? 1 : state->magnitude;
}

static void merge_extremes(struct reduction what, struct reduction_state *state, const struct reduction_state *next) {
    bool greatest = reduction_is_greatest(what), better;
    if (reduction_family(what) == FAMILY_EXTREME) {
        better = next->undefined || (greatest ? next->least > state->least : next->least < state->least);
        better = better && !state->undefined;
    } else {
        better = greatest ? next->least_integer > state->least_integer : next->least_integer < state->least_integer;
    }
    if (better) {
        uint64_t before = state->count;
        *state = *next;
        state->index += (int64_t)before;
        state->count = before;
    }
}

/* Chan, Golub and LeVeque: the squares' sum about the common mean. */
static void merge_vars(struct reduction_state *state, const struct reduction_state *next) {
    double count = (double)state->count, more = (double)next->count, all = count + more;
    double delta = (next->high - state->high) + (next->low - state->low);
    reduction_two_sum(&state->squares, &state->squares_low, next->squares);
    reduction_two_sum(&state->squares, &state->squares_low, delta * (delta * (count * (more / all))));
    state->squares_low += next->squares_low;
    reduction_two_sum(&state->high, &state->low, delta * (more / all));
}

void reduction_merge(struct reduction what, struct reduction_state *state, const struct reduction_state *next) {
    if (next->count == 0) {
        return;
    }
    if (state->count == 0) {
        *state = *next;
        return;
    }
    switch (reduction_family(what)) {
    case FAMILY_SUM:
        reduction_two_sum(&state->high, &state->low, next->high);
        state->low += next->low;
        break;
    case FAMILY_INTEGER_SUM:
        merge_integer_sums(state, next);
        break;
    case FAMILY_PROD:
        merge_prods(state, next);
        break;
    case FAMILY_INTEGER_PROD:
        merge_integer_prods(state, next);
        break;
    case FAMILY_EXTREME:
    case FAMILY_INTEGER_EXTREME:
        merge_extremes(what, state, next);
        break;
    case FAMILY_NONZERO:
        state->nonzero += next->nonzero;
        break;
    case FAMILY_VAR:
        merge_vars(state, next);
        break;
    }
    state->count += next->count;
}

/* An infinite or undefined sum has no rounding error, but inf - inf in low. */
static double close_pair(double high, double low) {
    return isfinite(high) ? high + low : high;
}

static bool is_int64(const struct reduction_state *state) {
    return state->sum_high == ((int64_t)state->sum_low < 0 ? -1 : 0);
}

static double integer_sum_as_double(const struct reduction_state *state) {
    return is_int64(state) ? (double)(int64_t)state->sum_low
                           : (double)state->sum_high * 0x1p64 + (double)state->sum_low;
}

static double close_number(struct reduction what, const struct reduction_state *state) {
    double count = (double)state->count;
    switch (reduction_family(what)) {
    case FAMILY_SUM: {
        double sum = close_pair(state->high, state->low);
        return what.kind == REDUCTION_MEAN ? sum / count : sum;
    }
    case FAMILY_INTEGER_SUM:
        return integer_sum_as_double(state) / count;
    case FAMILY_NONZERO:
        return (double)state->nonzero / count;
    case FAMILY_PROD: {
        int64_t exponent = state->exponent < -5000 ? -5000 : state->exponent > 5000 ? 5000 : state->exponent;
        return state->count == 0 ? 1 : scalbn(state->significand, (int)exponent);
    }
    case FAMILY_VAR: {
        double var = close_pair(state->squares, state->squares_low) / count;
        return what.kind == REDUCTION_STD ? sqrt(var) : var;
    }
    default:
        return state->undefined ? NAN : state->least;
    }
}

static enum reduction_status close_integer(struct reduction what, const struct reduction_state *state, int64_t *out) {
    switch (reduction_family(what)) {
    case FAMILY_INTEGER_SUM:
        *out = (int64_t)state->sum_low;
        return is_int64(state) ? REDUCTION_DONE : REDUCTION_OVERFLOW;
    case FAMILY_INTEGER_PROD: {
        uint64_t magnitude = state->count == 0 ? 1 : state->magnitude;
        bool fits = !state->overflow && (magnitude < UINT64_C(1) << 63 || state->negative);
        *out = state->zero ? 0 : (int64_t)(state->negative ? 0 - magnitude : magnitude);
        return state->zero || fits ? REDUCTION_DONE : REDUCTION_OVERFLOW;
    }
    case FAMILY_NONZERO:
        *out = what.kind == REDUCTION_PROD ? state->nonzero == state->count : (int64_t)state->nonzero;
        return REDUCTION_DONE;
    default:
        *out = what.kind == REDUCTION_ARGMIN || what.kind == REDUCTION_ARGMAX ? state->index : state->least_integer;
        return REDUCTION_DONE;
    }
}

static uint8_t close_bool(struct reduction what, const struct reduction_state *state) {
    return what.kind == REDUCTION_ANY   ? state->nonzero > 0
           : what.kind == REDUCTION_ALL ? state->nonzero == state->count
                                        : state->least_integer != 0;
}

enum reduction_status reduction_close(struct reduction what, const struct reduction_state *state, void *out) {
    enum reduction_family family = reduction_family(what);
    if (state->count == 0 && (family == FAMILY_EXTREME || family == FAMILY_INTEGER_EXTREME)) {
        return REDUCTION_EMPTY;
    }
    switch (reduction_result_type(what)) {
    case REDUCTION_BOOL:
        *(uint8_t *)out = close_bool(what, state);
        break;
    case REDUCTION_INT64:
        return close_integer(what, state, out);
    case REDUCTION_FLOAT:
        *(float *)out = (float)close_number(what, state);
        break;
    case REDUCTION_DOUBLE:
        *(double *)out = close_number(what, state);
        break;
    }
    return REDUCTION_DONE;
}

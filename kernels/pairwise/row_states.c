/* Weighted sums of few columns take one column after the other, in LANES, as reduction_block.c; those of many take
 * STRIP columns side by side, whose products are added up RUN by RUN. Both add what a block makes with compensation,
 * and both follow from the number of columns alone. */
#include "kernels/pairwise/row_states.h"

#include "kernels/clones.h"
#include "kernels/expression/math/vector_math.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { LANES = 32, STRIP = 32, RUN = 32 };

/* --- conversions ------------------------------------------------------------------------------------------------- */

KERNEL_CLONES
static void widen_floats(const float *values, size_t count, double *room) {
    for (size_t i = 0; i < count; i++) {
        room[i] = (double)values[i];
    }
}

KERNEL_CLONES
static void widen_integers(const int64_t *values, size_t count, double *room) {
    for (size_t i = 0; i < count; i++) {
        room[i] = (double)values[i];
    }
}

static void widen_bytes(const uint8_t *values, size_t count, double *room) {
    for (size_t i = 0; i < count; i++) {
        room[i] = values[i];
    }
}

static const double *as_doubles(enum expression_type type, const void *values, size_t count, double *room) {
    switch (type) {
    case EXPRESSION_FLOAT64:
        return values;
    case EXPRESSION_FLOAT32:
        widen_floats(values, count, room);
        break;
    case EXPRESSION_INT64:
        widen_integers(values, count, room);
        break;
    case EXPRESSION_BOOL:
        widen_bytes(values, count, room);
        break;
    }
    return room;
}

/* --- kinds ------------------------------------------------------------------------------------------------------- */

void row_reducer_init(struct row_reducer *reducer, const struct pairwise *pairwise, const atomic_bool *cancel) {
    static const enum reduction_kind kinds[] = {
        [PAIRWISE_SUM] = REDUCTION_SUM,     [PAIRWISE_MEAN] = REDUCTION_MEAN,     [PAIRWISE_MIN] = REDUCTION_MIN,
        [PAIRWISE_MAX] = REDUCTION_MAX,     [PAIRWISE_ARGMIN] = REDUCTION_ARGMIN, [PAIRWISE_ARGMAX] = REDUCTION_ARGMAX,
        [PAIRWISE_COUNT] = REDUCTION_COUNT, [PAIRWISE_LOGSUMEXP] = REDUCTION_SUM,
    };
    enum expression_type type = expression_result_type(pairwise->program, 0);
    *reducer = (struct row_reducer){
        .is_weighted = pairwise->kind == PAIRWISE_SUM && pairwise->weights,
        .is_logarithmic = pairwise->kind == PAIRWISE_LOGSUMEXP,
        .type = type,
        .what = {kinds[pairwise->kind], expression_reduced_type(type)},
        .weight_type = pairwise->type,
        .weights = pairwise->weights,
        .columns = 1,
        .cancel = cancel,
    };
    if (reducer->is_weighted || reducer->is_logarithmic) {
        reducer->what.type = type == EXPRESSION_FLOAT32 ? REDUCTION_FLOAT : REDUCTION_DOUBLE;
    }
    if (reducer->is_weighted) {
        reducer->columns = pairwise->columns;
    }
}

enum expression_type row_result_type(const struct row_reducer *reducer) {
    static const enum expression_type types[] = {[REDUCTION_BOOL] = EXPRESSION_BOOL,
                                                 [REDUCTION_INT64] = EXPRESSION_INT64,
                                                 [REDUCTION_FLOAT] = EXPRESSION_FLOAT32,
                                                 [REDUCTION_DOUBLE] = EXPRESSION_FLOAT64};
    return types[reduction_result_type(reducer->what)];
}

/* --- weights ----------------------------------------------------------------------------------------------------- */

void row_weights_load(const struct row_reducer *reducer, struct row_weights *weights, size_t begin, size_t count) {
    size_t columns = reducer->columns;
    if (!reducer->is_weighted || columns > ROW_WEIGHTS) {
        return;
    }
    for (size_t j = 0; j < count; j++) {
        for (size_t c = 0; c < columns; c++) {
            size_t at = (begin + j) * columns + c;
            weights->columns[c][j] = reducer->weight_type == EXPRESSION_FLOAT32
                                         ? (double)((const float *)reducer->weights)[at]
                                         : ((const double *)reducer->weights)[at];
        }
    }
}

KERNEL_CLONES
static double dot_block(const double *values, const double *weights, size_t count) {
    double lanes[LANES] = {0};
    size_t j = 0;
    for (; count - j >= LANES; j += LANES) {
        KERNEL_SIMD
        for (size_t l = 0; l < LANES; l++) {
            lanes[l] += values[j + l] * weights[j + l];
        }
    }
    for (size_t l = 0; l < count - j; l++) {
        lanes[l] += values[j + l] * weights[j + l];
    }
    for (size_t half = LANES / 2; half > 0; half /= 2) {
        KERNEL_SIMD
        for (size_t l = 0; l < half; l++) {
            lanes[l] += lanes[l + half];
        }
    }
    return lanes[0];
}

/* What a block makes of `width` columns, whose weights are `stride` apart. */
KERNEL_INLINE void add_run_doubles(const double *values, const double *weights, size_t stride, size_t width,
                                   size_t count, double *sums) {
    double run[STRIP] = {0};
    for (size_t j = 0; j < count; j++) {
        KERNEL_SIMD
        for (size_t c = 0; c < width; c++) {
            run[c] += values[j] * weights[j * stride + c];
        }
    }
    for (size_t c = 0; c < width; c++) {
        sums[c] += run[c];
    }
}

KERNEL_INLINE void add_run_floats(const double *values, const float *weights, size_t stride, size_t width, size_t count,
                                  double *sums) {
    double run[STRIP] = {0};
    for (size_t j = 0; j < count; j++) {
        KERNEL_SIMD
        for (size_t c = 0; c < width; c++) {
            run[c] += values[j] * (double)weights[j * stride + c];
        }
    }
    for (size_t c = 0; c < width; c++) {
        sums[c] += run[c];
    }
}

KERNEL_CLONES
static void strip_doubles(const double *values, const double *weights, size_t stride, size_t width, size_t count,
                          double *sums) {
    for (size_t j = 0; j < count; j += RUN) {
        size_t run = count - j < RUN ? count - j : RUN;
        if (width == STRIP) {
            add_run_doubles(values + j, weights + j * stride, stride, STRIP, run, sums);
        } else {
            add_run_doubles(values + j, weights + j * stride, stride, width, run, sums);
        }
    }
}

KERNEL_CLONES
static void strip_floats(const double *values, const float *weights, size_t stride, size_t width, size_t count,
                         double *sums) {
    for (size_t j = 0; j < count; j += RUN) {
        size_t run = count - j < RUN ? count - j : RUN;
        if (width == STRIP) {
            add_run_floats(values + j, weights + j * stride, stride, STRIP, run, sums);
        } else {
            add_run_floats(values + j, weights + j * stride, stride, width, run, sums);
        }
    }
}

static void merge_sum(const struct row_reducer *reducer, union row_state *state, double sum, size_t count) {
    const struct reduction_state block = {.count = count, .high = sum};
    reduction_merge(reducer->what, &state->reduction, &block);
}

static void add_weighted(const struct row_reducer *reducer, union row_state *states, const struct row_weights *weights,
                         const double *values, size_t begin, size_t count) {
    size_t columns = reducer->columns;
    if (columns <= ROW_WEIGHTS) {
        for (size_t c = 0; c < columns; c++) {
            merge_sum(reducer, &states[c], dot_block(values, weights->columns[c], count), count);
        }
        return;
    }
    for (size_t c = 0; c < columns; c += STRIP) {
        if (reducer->cancel && atomic_load_explicit(reducer->cancel, memory_order_relaxed)) {
            return;
        }
        double sums[STRIP] = {0};
        size_t width = columns - c < STRIP ? columns - c : STRIP, at = begin * columns + c;
        if (reducer->weight_type == EXPRESSION_FLOAT32) {
            strip_floats(values, (const float *)reducer->weights + at, columns, width, count, sums);
        } else {
            strip_doubles(values, (const double *)reducer->weights + at, columns, width, count, sums);
        }
        for (size_t l = 0; l < width; l++) {
            merge_sum(reducer, &states[c + l], sums[l], count);
        }
    }
}

/* --- log-sum-exp ------------------------------------------------------------------------------------------------- */

/* Of at least one; NaN where there is one. */
KERNEL_CLONES
static double find_greatest(const double *values, size_t count) {
    assert(count > 0);
    double lanes[LANES];
    for (size_t l = 0; l < LANES; l++) {
        lanes[l] = values[l < count ? l : 0];
    }
    size_t i = 0;
    for (; count - i >= LANES; i += LANES) {
        KERNEL_SIMD
        for (size_t l = 0; l < LANES; l++) {
            double value = values[i + l];
            lanes[l] = value > lanes[l] || isnan(value) ? value : lanes[l];
        }
    }
    for (size_t l = 0; l < count - i; l++) {
        double value = values[i + l];
        lanes[l] = value > lanes[l] || isnan(value) ? value : lanes[l];
    }
    double greatest = lanes[0];
    for (size_t l = 0; l < LANES; l++) {
        greatest = lanes[l] > greatest || isnan(lanes[l]) ? lanes[l] : greatest;
    }
    return greatest;
}

KERNEL_CLONES
static void subtract(const double *values, double greatest, double *out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        out[i] = values[i] - greatest;
    }
}

/* What has the lesser greatest is scaled; NaN stays. */
static void merge_exponentials(union row_state *state, const union row_state *next) {
    if (next->count == 0 || state->count == 0) {
        *state = next->count == 0 ? *state : *next;
        return;
    }
    uint64_t count = state->count + next->count;
    bool is_greater = next->greatest > state->greatest || isnan(next->greatest);
    union row_state lesser = is_greater ? *state : *next;
    if (is_greater) {
        *state = *next;
    }
    state->count = count;
    if (!isfinite(state->greatest)) {
        return;
    }
    double scale = exp(lesser.greatest - state->greatest), add = lesser.high * scale;
    double sum = state->high + add, part = sum - state->high;
    double low = state->low + ((state->high - (sum - part)) + (add - part) + lesser.low * scale);
    state->low = low;
    state->high = sum;
}

static void add_exponentials(union row_state *state, const double *values, size_t count) {
    double room[REDUCTION_BLOCK];
    union row_state block = {.count = count, .greatest = find_greatest(values, count)};
    if (isfinite(block.greatest)) {
        struct reduction_state sum = {0};
        subtract(values, block.greatest, room, count);
        math_kernels(MATH_EXP)->on_double.unary(room, room, count);
        reduction_add((struct reduction){REDUCTION_SUM, REDUCTION_DOUBLE}, &sum, room, count);
        block.high = sum.high;
    }
    merge_exponentials(state, &block);
}

static double close_exponentials(const union row_state *state) {
    return state->count == 0            ? -INFINITY
           : !isfinite(state->greatest) ? state->greatest
                                        : state->greatest + log(state->high + state->low);
}

/* --- all --------------------------------------------------------------------------------------------------------- */

void row_add(const struct row_reducer *reducer, union row_state *states, const struct row_weights *weights,
             const void *values, size_t begin, size_t count) {
    double room[REDUCTION_BLOCK];
    if (reducer->is_weighted) {
        add_weighted(reducer, states, weights, as_doubles(reducer->type, values, count, room), begin, count);
    } else if (reducer->is_logarithmic) {
        add_exponentials(states, as_doubles(reducer->type, values, count, room), count);
    } else {
        reduction_add(reducer->what, &states->reduction, values, count);
    }
}

bool row_takes_powers(const struct row_reducer *reducer) {
    bool is_sum = reducer->what.kind == REDUCTION_SUM || reducer->what.kind == REDUCTION_MEAN;
    return is_sum && reducer->type == EXPRESSION_FLOAT64 && !reducer->is_weighted && !reducer->is_logarithmic;
}

void row_add_powers(const struct row_reducer *reducer, union row_state *state, enum math_exponent exponent,
                    const double *x, double number, size_t count) {
    reduction_add_powers(reducer->what, &state->reduction, exponent, x, number, count);
}

void row_merge(const struct row_reducer *reducer, union row_state *state, const union row_state *next) {
    if (reducer->is_logarithmic) {
        merge_exponentials(state, next);
    } else {
        reduction_merge(reducer->what, &state->reduction, &next->reduction);
    }
}

enum reduction_status row_close(const struct row_reducer *reducer, const union row_state *state, void *out) {
    if (!reducer->is_logarithmic) {
        return reduction_close(reducer->what, &state->reduction, out);
    }
    double result = close_exponentials(state);
    if (reducer->what.type == REDUCTION_FLOAT) {
        *(float *)out = (float)result;
    } else {
        *(double *)out = result;
    }
    return REDUCTION_DONE;
}

double row_cost_ns(const struct row_reducer *reducer) {
    return reducer->is_logarithmic ? 1 : reducer->is_weighted ? 0.15 * (double)reducer->columns : 0.2;
}

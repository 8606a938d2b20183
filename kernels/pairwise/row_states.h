#pragma once
/* Internal to kernels/pairwise. What has been reduced of a row so far: the states of kernels/expression/reduction.h,
 * and beside them weighted sums and log-sum-exp. Those of a row are `columns` many, one a result. */
#include "kernels/pairwise/pairwise.h"

/* Zeros: nothing. */
union row_state {
    struct reduction_state reduction; /* of weights the sum alone */
    struct {
        uint64_t count;
        double greatest;  /* log-sum-exp is it plus the logarithm of … */
        double high, low; /* … their sum; of no use where `greatest` isn't finite */
    };
};

struct row_reducer {
    bool is_weighted, is_logarithmic;
    enum expression_type type; /* of the values */
    struct reduction what;     /* of log-sum-exp that of its sums */
    enum expression_type weight_type;
    const void *weights; /* row-major, `columns` to a value */
    size_t columns;
    const atomic_bool *cancel; /* looked at within many columns; NULL: never set */
};

/* Weights of a block that are shared by rows: up to ROW_WEIGHTS columns of them as doubles, one after the other. */
enum { ROW_WEIGHTS = 8 };
struct row_weights {
    _Alignas(64) double columns[ROW_WEIGHTS][REDUCTION_BLOCK];
};

/* Of a kind that is neither PAIRWISE_MATRIX nor PAIRWISE_TOPK. */
void row_reducer_init(struct row_reducer *reducer, const struct pairwise *pairwise, const atomic_bool *cancel);

enum expression_type row_result_type(const struct row_reducer *reducer);

/* Before the first of the rows that meet the values [begin, begin + count), at most REDUCTION_BLOCK. */
void row_weights_load(const struct row_reducer *reducer, struct row_weights *weights, size_t begin, size_t count);

/* Adds these values of a row to its states, not to all of them once it is cancelled. `weights` are those loaded. */
void row_add(const struct row_reducer *reducer, union row_state *states, const struct row_weights *weights,
             const void *values, size_t begin, size_t count);

/* Are they float64 and just added up, so that row_add_powers does for them? */
bool row_takes_powers(const struct row_reducer *reducer);

/* The same of what math_scaled_exp()->on_double makes of `count` x's, which isn't kept. */
void row_add_powers(const struct row_reducer *reducer, union row_state *state, enum math_exponent exponent,
                    const double *x, double number, size_t count);

/* Adds what comes behind it. */
void row_merge(const struct row_reducer *reducer, union row_state *state, const union row_state *next);

/* Puts a result into `out`, one element of row_result_type. */
enum reduction_status row_close(const struct row_reducer *reducer, const union row_state *state, void *out);

/* Time for a value and result, in nanoseconds (bench/pairwise). */
double row_cost_ns(const struct row_reducer *reducer);

#pragma once
/* Internal to kernels/expression. What reductions have in common, beside reduction.h. */
#include "kernels/clones.h"
#include "kernels/expression/reduction.h"

#include <assert.h>
#include <string.h>

/* What is kept: several kinds of results follow from the same state. */
enum reduction_family {
    FAMILY_SUM,             /* high + low */
    FAMILY_INTEGER_SUM,     /* 128 bits */
    FAMILY_PROD,            /* significand * 2^exponent */
    FAMILY_INTEGER_PROD,    /* magnitude and flags */
    FAMILY_EXTREME,         /* least (greatest), undefined, index */
    FAMILY_INTEGER_EXTREME, /* least_integer, index */
    FAMILY_NONZERO,         /* nonzero */
    FAMILY_VAR              /* mean in high + low, squares + squares_low */
};

enum reduction_family reduction_family(struct reduction what);

/* Whether it is the greatest that is looked for. */
static inline bool reduction_is_greatest(struct reduction what) {
    return what.kind == REDUCTION_MAX || what.kind == REDUCTION_ARGMAX;
}

/* Up to REDUCTION_BLOCK values as double or int64: as they lie, or converted into `room`. */
const double *reduction_as_doubles(struct reduction what, const void *values, size_t count, double *room);
const int64_t *reduction_as_integers(struct reduction what, const void *values, size_t count, int64_t *room);

/* The state of one block, 1 <= count <= REDUCTION_BLOCK: `count` is set, `index` from its begin. `before` is what has
 * been reduced so far, which the block's isn't added to yet: of var its mean is the first guess at the block's. */
void reduction_block(struct reduction what, const void *values, size_t count, const struct reduction_state *before,
                     struct reduction_state *block);

/* Of 1 <= count <= REDUCTION_BLOCK products, of sum and mean. */
void reduction_products_block(const double *x, const double *y, size_t count, struct reduction_state *block);

/* Of what math_scaled_exp()->on_double makes of as many. */
void reduction_powers_block(enum math_exponent exponent, const double *x, double number, size_t count,
                            struct reduction_state *block);

/* TwoSum: high takes the rounded sum, low what rounding lost. */
KERNEL_INLINE void reduction_two_sum(double *high, double *low, double value) {
    double sum = *high + value, part = sum - *high;
    *low += (*high - (sum - part)) + (value - part);
    *high = sum;
}

/* A number as a significand in [1, 2), or 0, infinite or NaN, and what 2 is raised to. */
KERNEL_INLINE double reduction_split(double x, int64_t *exponent) {
    const uint64_t field = UINT64_C(0x7ff) << 52;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bool small = (bits & field) == 0;
    double scaled = small ? x * 0x1p64 : x;
    memcpy(&bits, &scaled, sizeof bits);
    uint64_t biased = (bits & field) >> 52;
    bool special = biased == 0 || biased == 0x7ff;
    uint64_t normal = (bits & ~field) | UINT64_C(1023) << 52;
    bits = special ? bits : normal;
    *exponent = special ? 0 : (int64_t)biased - 1023 - (small ? 64 : 0);
    double significand;
    memcpy(&significand, &bits, sizeof significand);
    return significand;
}

#pragma once
/* Internal to kernels/pairwise. The k best of a row's values with their places: the least, or the greatest, equal ones
 * by their places, NaN behind all numbers. That order is total, so the result doesn't depend on how it was come by.
 *
 * They are kept as a heap, the worst first, in the result's own memory. */
#include "kernels/pairwise/pairwise.h"

struct nearest {
    enum expression_type type;
    bool largest;
    size_t k;
    const atomic_bool *cancel;
};

/* Of each, `values` and `indices` have room for k. */

/* Adds values whose places are first, first + 1 … , behind all that are there: `kept` of them. Returns how many are
 * kept then. */
size_t nearest_add(const struct nearest *nearest, void *values, int64_t *indices, size_t kept, const void *more,
                   size_t count, int64_t first);

/* The same of the roots of squares, of doubles: most are seen to be none of the best before a root is taken. */
void nearest_add_roots(const struct nearest *nearest, double *values, int64_t *indices, size_t kept,
                       const double *squares, size_t count, int64_t first);

/* Adds `count` values with places of their own. */
size_t nearest_merge(const struct nearest *nearest, void *values, int64_t *indices, size_t kept, const void *more,
                     const int64_t *places, size_t count);

/* Puts them in order, the best first. A set cancel flag ends it early. */
void nearest_sort(const struct nearest *nearest, void *values, int64_t *indices, size_t kept);

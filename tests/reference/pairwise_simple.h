#pragma once
/* Pairs of points one after the other, in long double: the tests' reference. */
#include "kernels/pairwise/pairwise.h"

/* The measures of two points, by enum pairwise_operand. */
void pairwise_measures_simple(enum expression_type type, const void *x, const void *y, size_t dimensions,
                              long double out[PAIRWISE_XS]);

/* A value of a type as a long double. */
long double pairwise_value_simple(enum expression_type type, const void *values, size_t at);

/* What kind, neither matrix nor topk, makes of a row of m values, with column `column` of the weights; *size gets the
 * sum of the terms' absolute values. */
long double pairwise_reduce_simple(const struct pairwise *pairwise, enum expression_type type, const void *row,
                                   size_t m, size_t column, long double *size);

/* The places of the k best of m values. */
void pairwise_topk_simple(enum expression_type type, const void *row, size_t m, size_t k, bool largest,
                          int64_t *places);

#include "tests/reference/pairwise_simple.h"

#include <math.h>

long double pairwise_value_simple(enum expression_type type, const void *values, size_t at) {
    switch (type) {
    case EXPRESSION_BOOL:
        return ((const uint8_t *)values)[at];
    case EXPRESSION_INT64:
        return (long double)((const int64_t *)values)[at];
    case EXPRESSION_FLOAT32:
        return (long double)((const float *)values)[at];
    case EXPRESSION_FLOAT64:
        break;
    }
    return (long double)((const double *)values)[at];
}

void pairwise_measures_simple(enum expression_type type, const void *x, const void *y, size_t dimensions,
                              long double out[PAIRWISE_XS]) {
    long double squares = 0, product = 0, sum = 0, greatest = 0, x_norm = 0, y_norm = 0;
    for (size_t c = 0; c < dimensions; c++) {
        long double a = pairwise_value_simple(type, x, c), b = pairwise_value_simple(type, y, c);
        long double size = fabsl(a - b);
        squares += size * size;
        product += a * b;
        sum += size;
        greatest = size > greatest || isnan(size) ? size : greatest;
        x_norm += a * a;
        y_norm += b * b;
    }
    out[PAIRWISE_D2] = squares;
    out[PAIRWISE_D] = sqrtl(squares);
    out[PAIRWISE_DOT] = product;
    out[PAIRWISE_L1] = sum;
    out[PAIRWISE_LINF] = greatest;
    out[PAIRWISE_COS] = x_norm == 0 || y_norm == 0 ? product : product / sqrtl(x_norm) / sqrtl(y_norm);
}

static bool is_better(long double a, size_t a_place, long double b, size_t b_place, bool largest) {
    if (isnan(a) || isnan(b)) {
        return isnan(a) && isnan(b) ? a_place < b_place : isnan(b);
    }
    return a == b ? a_place < b_place : largest ? a > b : a < b;
}

/* The one that comes next after the last one, over and over. */
void pairwise_topk_simple(enum expression_type type, const void *row, size_t m, size_t k, bool largest,
                          int64_t *places) {
    for (size_t i = 0; i < k; i++) {
        size_t next = m;
        for (size_t j = 0; j < m; j++) {
            long double value = pairwise_value_simple(type, row, j);
            if (i > 0 && !is_better(pairwise_value_simple(type, row, (size_t)places[i - 1]), (size_t)places[i - 1],
                                    value, j, largest)) {
                continue;
            }
            if (next == m || is_better(value, j, pairwise_value_simple(type, row, next), next, largest)) {
                next = j;
            }
        }
        places[i] = (int64_t)next;
    }
}

static long double sum_up(const struct pairwise *pairwise, enum expression_type type, const void *row, size_t m,
                          size_t column, long double *size) {
    long double sum = 0;
    for (size_t j = 0; j < m; j++) {
        long double weight =
            pairwise->weights && pairwise->kind == PAIRWISE_SUM
                ? pairwise_value_simple(pairwise->type, pairwise->weights, j * pairwise->columns + column)
                : 1;
        long double term = pairwise_value_simple(type, row, j) * weight;
        sum += term;
        *size += fabsl(term);
    }
    return sum;
}

static long double add_exponentials(enum expression_type type, const void *row, size_t m) {
    long double greatest = -INFINITY, sum = 0;
    for (size_t j = 0; j < m; j++) {
        long double value = pairwise_value_simple(type, row, j);
        greatest = value > greatest || isnan(value) ? value : greatest;
    }
    for (size_t j = 0; j < m; j++) {
        sum += expl(pairwise_value_simple(type, row, j) - greatest);
    }
    return isfinite(greatest) ? greatest + logl(sum) : greatest;
}

long double pairwise_reduce_simple(const struct pairwise *pairwise, enum expression_type type, const void *row,
                                   size_t m, size_t column, long double *size) {
    bool greatest = pairwise->kind == PAIRWISE_MAX || pairwise->kind == PAIRWISE_ARGMAX;
    size_t best = 0;
    long double count = 0;
    *size = 0;
    for (size_t j = 0; j < m; j++) {
        long double value = pairwise_value_simple(type, row, j), least = pairwise_value_simple(type, row, best);
        bool is_first_nan = isnan(value) && !isnan(least);
        best = is_first_nan || (!isnan(least) && (greatest ? value > least : value < least)) ? j : best;
        count += value != 0;
    }
    switch (pairwise->kind) {
    case PAIRWISE_SUM:
        return sum_up(pairwise, type, row, m, column, size);
    case PAIRWISE_MEAN: {
        long double sum = sum_up(pairwise, type, row, m, column, size);
        *size /= (long double)m;
        return sum / (long double)m;
    }
    case PAIRWISE_MIN:
    case PAIRWISE_MAX:
        return pairwise_value_simple(type, row, best);
    case PAIRWISE_ARGMIN:
    case PAIRWISE_ARGMAX:
        return (long double)best;
    case PAIRWISE_COUNT:
        return count;
    default:
        return add_exponentials(type, row, m);
    }
}

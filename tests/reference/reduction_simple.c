#include "tests/reference/reduction_simple.h"

#include <math.h>

__extension__ typedef __int128 wide;

static long double value_at(struct reduction what, const void *values, size_t at) {
    switch (what.type) {
    case REDUCTION_BOOL:
        return ((const uint8_t *)values)[at] != 0;
    case REDUCTION_INT64:
        return (long double)((const int64_t *)values)[at];
    case REDUCTION_FLOAT:
        return (long double)((const float *)values)[at];
    case REDUCTION_DOUBLE:
        break;
    }
    return ((const double *)values)[at];
}

/* What goes beyond 2^64 stays there, unless it is multiplied by 0. */
static wide multiply(wide product, int64_t factor) {
    const wide limit = (wide)1 << 64;
    if (factor == 0) {
        return 0;
    }
    product = product > limit ? limit : product < -limit ? -limit : product;
    wide room = ((wide)1 << 126) / (factor < 0 ? -(wide)factor : factor);
    return product > room || product < -room ? ((product < 0) == (factor < 0) ? limit : -limit) : product * factor;
}

static struct reduction_simple reduce_integers(struct reduction what, const void *values, size_t count, size_t stride) {
    wide sum = 0, product = 1;
    for (size_t i = 0; i < count; i++) {
        int64_t value = what.type == REDUCTION_BOOL ? ((const uint8_t *)values)[i * stride] != 0
                                                    : ((const int64_t *)values)[i * stride];
        sum += value;
        product = multiply(product, value);
    }
    wide result = what.kind == REDUCTION_PROD ? product : sum;
    if (what.kind == REDUCTION_MEAN) {
        return (struct reduction_simple){.number = (long double)sum / (long double)count};
    }
    return (struct reduction_simple){.status =
                                         result < INT64_MIN || result > INT64_MAX ? REDUCTION_OVERFLOW : REDUCTION_DONE,
                                     .integer = (int64_t)result};
}

static struct reduction_simple reduce_order(struct reduction what, const void *values, size_t count, size_t stride) {
    bool greatest = what.kind == REDUCTION_MAX || what.kind == REDUCTION_ARGMAX;
    if (count == 0) {
        return (struct reduction_simple){.status = REDUCTION_EMPTY};
    }
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        long double least = value_at(what, values, best * stride), value = value_at(what, values, i * stride);
        if (!isnan(least) && (isnan(value) || (greatest ? value > least : value < least))) {
            best = i;
        }
    }
    long double least = value_at(what, values, best * stride);
    bool position = what.kind == REDUCTION_ARGMIN || what.kind == REDUCTION_ARGMAX;
    return (struct reduction_simple){.number = least,
                                     .integer = position       ? (int64_t)best
                                                : isnan(least) ? 0
                                                               : (int64_t)least};
}

static struct reduction_simple reduce_truth(struct reduction what, const void *values, size_t count, size_t stride) {
    size_t nonzero = 0;
    for (size_t i = 0; i < count; i++) {
        nonzero += value_at(what, values, i * stride) != 0;
    }
    bool any = nonzero > 0, all = nonzero == count;
    return (struct reduction_simple){.integer = what.kind == REDUCTION_ANY   ? any
                                                : what.kind == REDUCTION_ALL ? all
                                                                             : (int64_t)nonzero};
}

static struct reduction_simple reduce_numbers(struct reduction what, const void *values, size_t count, size_t stride) {
    long double sum = 0, product = 1, squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += value_at(what, values, i * stride);
        product *= value_at(what, values, i * stride);
    }
    /* Seen from the first value, so that a large mean takes no digits of long double. */
    long double mean = sum / (long double)count, first = count > 0 ? value_at(what, values, 0) : 0, offset = 0;
    for (size_t i = 0; i < count; i++) {
        offset += (value_at(what, values, i * stride) - first) / (long double)count;
    }
    for (size_t i = 0; i < count; i++) {
        long double deviation = value_at(what, values, i * stride) - first - offset;
        squares += deviation * deviation;
    }
    long double var = squares / (long double)count;
    return (struct reduction_simple){.number = what.kind == REDUCTION_SUM    ? sum
                                               : what.kind == REDUCTION_MEAN ? mean
                                               : what.kind == REDUCTION_PROD ? product
                                               : what.kind == REDUCTION_VAR  ? var
                                                                             : sqrtl(var)};
}

struct reduction_simple reduction_simple(struct reduction what, const void *values, size_t count, size_t stride) {
    bool exact = what.type == REDUCTION_BOOL || what.type == REDUCTION_INT64;
    switch (what.kind) {
    case REDUCTION_MIN:
    case REDUCTION_MAX:
    case REDUCTION_ARGMIN:
    case REDUCTION_ARGMAX:
        return reduce_order(what, values, count, stride);
    case REDUCTION_ANY:
    case REDUCTION_ALL:
    case REDUCTION_COUNT:
        return reduce_truth(what, values, count, stride);
    case REDUCTION_SUM:
    case REDUCTION_MEAN:
    case REDUCTION_PROD:
        return (exact ? reduce_integers : reduce_numbers)(what, values, count, stride);
    default:
        return reduce_numbers(what, values, count, stride);
    }
}

/* Reductions of a block: LANES of them side by side, so that vectors are full whatever the machine, and a second look
 * at the block, which is in the first level cache by then, where a position or a deviation is asked for. */
#include "kernels/expression/reduction_family.h"

#include <math.h>

/* Four of the widest vectors, as many as additions are under way at once. */
enum { LANES = 32 };

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

KERNEL_CLONES
static void widen_bytes(const uint8_t *values, size_t count, int64_t *room) {
    for (size_t i = 0; i < count; i++) {
        room[i] = values[i] != 0;
    }
}

const double *reduction_as_doubles(struct reduction what, const void *values, size_t count, double *room) {
    switch (what.type) {
    case REDUCTION_DOUBLE:
        return values;
    case REDUCTION_FLOAT:
        widen_floats(values, count, room);
        break;
    case REDUCTION_INT64:
        widen_integers(values, count, room);
        break;
    case REDUCTION_BOOL:
        for (size_t i = 0; i < count; i++) {
            room[i] = ((const uint8_t *)values)[i] != 0;
        }
        break;
    }
    return room;
}

const int64_t *reduction_as_integers(struct reduction what, const void *values, size_t count, int64_t *room) {
    if (what.type == REDUCTION_INT64) {
        return values;
    }
    widen_bytes(values, count, room);
    return room;
}

KERNEL_INLINE double add_lanes(double *lanes) {
    for (size_t half = LANES / 2; half > 0; half /= 2) {
        KERNEL_SIMD
        for (size_t l = 0; l < half; l++) {
            lanes[l] += lanes[l + half];
        }
    }
    return lanes[0];
}

KERNEL_CLONES
static double sum_block(const double *x, size_t count) {
    double lanes[LANES] = {0};
    size_t i = 0;
    for (; count - i >= LANES; i += LANES) {
        KERNEL_SIMD
        for (size_t l = 0; l < LANES; l++) {
            lanes[l] += x[i + l];
        }
    }
    for (size_t l = 0; l < count - i; l++) {
        lanes[l] += x[i + l];
    }
    return add_lanes(lanes);
}

/* As sum_block, of products. */
KERNEL_CLONES
static double sum_products(const double *x, const double *y, size_t count) {
    double lanes[LANES] = {0};
    size_t i = 0;
    for (; count - i >= LANES; i += LANES) {
        KERNEL_SIMD
        for (size_t l = 0; l < LANES; l++) {
            lanes[l] += x[i + l] * y[i + l];
        }
    }
    for (size_t l = 0; l < count - i; l++) {
        lanes[l] += x[i + l] * y[i + l];
    }
    return add_lanes(lanes);
}

void reduction_products_block(const double *x, const double *y, size_t count, struct reduction_state *block) {
    assert(count > 0 && count <= REDUCTION_BLOCK);
    *block = (struct reduction_state){.count = count, .high = sum_products(x, y, count)};
}

static_assert((int)LANES == (int)MATH_SUM_LANES, "powers are added up as other values are");

void reduction_powers_block(enum math_exponent exponent, const double *x, double number, size_t count,
                            struct reduction_state *block) {
    assert(count > 0 && count <= REDUCTION_BLOCK);
    double lanes[LANES] = {0};
    math_scaled_exp()->add_double(exponent, x, number, lanes, count);
    *block = (struct reduction_state){.count = count, .high = add_lanes(lanes)};
}

/* Sum of the 2^-10th parts, which doesn't overflow. */
KERNEL_CLONES
static double sum_parts(const double *x, size_t count) {
    double lanes[LANES] = {0};
    size_t i = 0;
    for (; count - i >= LANES; i += LANES) {
        KERNEL_SIMD
        for (size_t l = 0; l < LANES; l++) {
            lanes[l] += x[i + l] * (1.0 / (double)REDUCTION_BLOCK);
        }
    }
    for (size_t l = 0; l < count - i; l++) {
        lanes[l] += x[i + l] * (1.0 / (double)REDUCTION_BLOCK);
    }
    return add_lanes(lanes);
}

KERNEL_CLONES
static void add_deviations(const double *x, size_t count, double mean, double *sum, double *squares) {
    double lanes[LANES] = {0}, square[LANES] = {0};
    size_t i = 0;
    for (; count - i >= LANES; i += LANES) {
        KERNEL_SIMD
        for (size_t l = 0; l < LANES; l++) {
            double deviation = x[i + l] - mean;
            lanes[l] += deviation;
            square[l] += deviation * deviation;
        }
    }
    for (size_t l = 0; l < count - i; l++) {
        double deviation = x[i + l] - mean;
        lanes[l] += deviation;
        square[l] += deviation * deviation;
    }
    *sum = add_lanes(lanes);
    *squares = add_lanes(square);
}

/* Deviations from the mean of what came before, which is near this block's as a rule: so the values are read once, at
 * the memory's speed (var(x) of 10,000,000 in CPU time of one thread: 4.2 ms with the block's own mean, 3.0 so, as
 * reading; bench/expressions). What they add up to puts mean and squares right. Where that is as large as what is
 * looked for, as it is for equal values, which have a variance of 0, there are up to two more turns from the better
 * mean. Without a mean before, or one so far off that deviations overflow, the block's own is taken first. */
static void var_block(const double *x, size_t count, const struct reduction_state *before,
                      struct reduction_state *block) {
    double n = (double)count, mean = before->count > 0 ? before->high : NAN, sum = NAN, squares = NAN;
    if (isfinite(mean)) {
        add_deviations(x, count, mean, &sum, &squares);
    }
    if (!isfinite(sum)) {
        mean = sum_parts(x, count) * ((double)REDUCTION_BLOCK / n);
        add_deviations(x, count, mean, &sum, &squares);
    }
    for (int turn = 0; turn < 2 && isfinite(sum) && (!isfinite(squares) || sum * (sum / n) > squares / 2); turn++) {
        mean += sum / n;
        add_deviations(x, count, mean, &sum, &squares);
    }
    double rest = squares - sum * (sum / n);
    block->high = mean;
    block->low = isfinite(sum) ? sum / n : 0;
    block->squares = !isfinite(squares) ? squares : rest > 0 ? rest : 0;
    block->squares_low = 0;
}

KERNEL_CLONES
static void sum_integers(const int64_t *x, size_t count, uint64_t *low, int64_t *high) {
    uint64_t lows = 0;
    int64_t highs = 0;
    for (size_t i = 0; i < count; i++) {
        lows += (uint64_t)x[i] & UINT32_MAX;
        highs += x[i] >> 32;
    }
    *low = lows;
    *high = highs;
}

static void integer_sum_block(const int64_t *x, size_t count, struct reduction_state *block) {
    uint64_t low;
    int64_t high;
    sum_integers(x, count, &low, &high);
    /* high * 2^32 + low, the middle 32 bits of which meet. */
    uint64_t shifted = (uint64_t)high << 32;
    block->sum_low = shifted + low;
    block->sum_high = (high >> 32) + (block->sum_low < shifted);
}

KERNEL_CLONES
static void multiply_lanes(const double *x, size_t count, double *significands, int64_t *exponents) {
    size_t i = 0;
    for (; count - i >= LANES; i += LANES) {
        KERNEL_SIMD
        for (size_t l = 0; l < LANES; l++) {
            int64_t exponent;
            significands[l] *= reduction_split(x[i + l], &exponent);
            exponents[l] += exponent;
        }
    }
    for (size_t l = 0; l < count - i; l++) {
        int64_t exponent;
        significands[l] *= reduction_split(x[i + l], &exponent);
        exponents[l] += exponent;
    }
}

/* LANES significands are less than 2^32 each. */
static void prod_block(const double *x, size_t count, struct reduction_state *block) {
    double significands[LANES];
    int64_t exponents[LANES] = {0}, exponent;
    for (size_t l = 0; l < LANES; l++) {
        significands[l] = 1;
    }
    multiply_lanes(x, count, significands, exponents);
    block->significand = 1;
    block->exponent = 0;
    for (size_t l = 0; l < LANES; l++) {
        block->significand = reduction_split(block->significand * significands[l], &exponent);
        block->exponent += exponents[l] + exponent;
    }
}

static void integer_prod_block(const int64_t *x, size_t count, struct reduction_state *block) {
    uint64_t magnitude = 1;
    for (size_t i = 0; i < count && !block->overflow; i++) {
        block->negative ^= x[i] < 0;
        uint64_t factor = x[i] < 0 ? 0 - (uint64_t)x[i] : (uint64_t)x[i];
        block->zero |= factor == 0;
        block->overflow |=
            factor != 0 && (__builtin_mul_overflow(magnitude, factor, &magnitude) || magnitude > UINT64_C(1) << 63);
    }
    for (size_t i = 0; i < count && block->overflow; i++) {
        block->zero |= x[i] == 0;
    }
    block->magnitude = block->overflow ? 1 : magnitude;
}

/* The least (greatest) of what isn't NaN, and whether there is a NaN. */
KERNEL_INLINE double find_least(const double *x, size_t count, bool greatest, bool *undefined) {
    double lanes[LANES];
    uint64_t nans[LANES] = {0}, nan = 0;
    size_t i = 0;
    for (size_t l = 0; l < LANES; l++) {
        lanes[l] = greatest ? -INFINITY : INFINITY;
    }
    for (; count - i >= LANES; i += LANES) {
        KERNEL_SIMD
        for (size_t l = 0; l < LANES; l++) {
            double value = x[i + l];
            lanes[l] = (greatest ? value > lanes[l] : value < lanes[l]) ? value : lanes[l];
            nans[l] |= isnan(value) ? 1 : 0;
        }
    }
    for (size_t l = 0; l < count - i; l++) {
        double value = x[i + l];
        lanes[l] = (greatest ? value > lanes[l] : value < lanes[l]) ? value : lanes[l];
        nans[l] |= isnan(value) ? 1 : 0;
    }
    double least = lanes[0];
    for (size_t l = 0; l < LANES; l++) {
        least = (greatest ? lanes[l] > least : lanes[l] < least) ? lanes[l] : least;
        nan |= nans[l];
    }
    *undefined = nan != 0;
    return least;
}

KERNEL_CLONES
static double find_min(const double *x, size_t count, bool *undefined) {
    return find_least(x, count, false, undefined);
}

KERNEL_CLONES
static double find_max(const double *x, size_t count, bool *undefined) {
    return find_least(x, count, true, undefined);
}

static void extreme_block(struct reduction what, const double *x, size_t count, struct reduction_state *block) {
    block->least =
        reduction_is_greatest(what) ? find_max(x, count, &block->undefined) : find_min(x, count, &block->undefined);
    block->index = 0;
    if (what.kind == REDUCTION_ARGMIN || what.kind == REDUCTION_ARGMAX) {
        size_t i = 0;
        while (i < count - 1 && (block->undefined ? !isnan(x[i]) : x[i] != block->least)) {
            i++;
        }
        block->index = (int64_t)i;
    }
}

KERNEL_CLONES
static int64_t find_least_integer(const int64_t *x, size_t count, int64_t flip) {
    int64_t least = x[0] ^ flip; /* ~x is the order upside down */
    for (size_t i = 1; i < count; i++) {
        int64_t value = x[i] ^ flip;
        least = value < least ? value : least;
    }
    return least ^ flip;
}

static void integer_extreme_block(struct reduction what, const int64_t *x, size_t count,
                                  struct reduction_state *block) {
    block->least_integer = find_least_integer(x, count, reduction_is_greatest(what) ? -1 : 0);
    size_t i = 0;
    while (i < count - 1 && x[i] != block->least_integer) {
        i++;
    }
    block->index = (int64_t)i;
}

KERNEL_CLONES
static uint64_t count_doubles(const double *x, size_t count) {
    uint64_t nonzero = 0;
    for (size_t i = 0; i < count; i++) {
        nonzero += x[i] != 0 ? 1 : 0;
    }
    return nonzero;
}

KERNEL_CLONES
static uint64_t count_integers(const int64_t *x, size_t count) {
    uint64_t nonzero = 0;
    for (size_t i = 0; i < count; i++) {
        nonzero += x[i] != 0 ? 1 : 0;
    }
    return nonzero;
}

KERNEL_CLONES
static uint32_t count_bytes(const uint8_t *x, size_t count) {
    uint32_t nonzero = 0;
    for (size_t i = 0; i < count; i++) {
        nonzero += x[i] != 0 ? 1 : 0;
    }
    return nonzero;
}

static uint64_t count_nonzero(struct reduction what, const void *values, size_t count, double *room) {
    return what.type == REDUCTION_BOOL    ? count_bytes(values, count)
           : what.type == REDUCTION_INT64 ? count_integers(values, count)
                                          : count_doubles(reduction_as_doubles(what, values, count, room), count);
}

void reduction_block(struct reduction what, const void *values, size_t count, const struct reduction_state *before,
                     struct reduction_state *block) {
    double room[REDUCTION_BLOCK];
    int64_t whole[REDUCTION_BLOCK];
    assert(count > 0 && count <= REDUCTION_BLOCK);
    *block = (struct reduction_state){.count = count};
    switch (reduction_family(what)) {
    case FAMILY_SUM:
        block->high = sum_block(reduction_as_doubles(what, values, count, room), count);
        break;
    case FAMILY_INTEGER_SUM:
        integer_sum_block(values, count, block);
        break;
    case FAMILY_PROD:
        prod_block(reduction_as_doubles(what, values, count, room), count, block);
        break;
    case FAMILY_INTEGER_PROD:
        integer_prod_block(values, count, block);
        break;
    case FAMILY_EXTREME:
        extreme_block(what, reduction_as_doubles(what, values, count, room), count, block);
        break;
    case FAMILY_INTEGER_EXTREME:
        integer_extreme_block(what, reduction_as_integers(what, values, count, whole), count, block);
        break;
    case FAMILY_NONZERO:
        block->nonzero = count_nonzero(what, values, count, room);
        break;
    case FAMILY_VAR:
        var_block(reduction_as_doubles(what, values, count, room), count, before, block);
        break;
    }
}

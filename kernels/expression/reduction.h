#pragma once
/* Reductions: sum, mean, prod, min, max, any, all, count, argmin, argmax, var, std, over everything or along an axis.
 *
 * How the same bits come out whoever computes what: all that is added to what follows from the number of elements
 * alone. The elements are cut into ranges (reduction_ranges, at most REDUCTION_RANGES of them), and a range into blocks
 * of REDUCTION_BLOCK elements, the last one shorter. A range is one thread's: it begins with a state of zeros and adds
 * its blocks in order (reduction_add), each as soon as it is computed. When all are done, one thread merges the ranges'
 * states in order (reduction_merge), and the result is taken (reduction_close). So nothing but a state a range is kept,
 * REDUCTION_RANGES * sizeof(struct reduction_state) bytes at most, and thread count, schedule and chunk (which is in
 * ranges) don't show.
 *
 *     for each range r, on any thread:
 *         struct reduction_state *state = &states[r];
 *         *state = (struct reduction_state){0};
 *         for (i = reduction_begin(count, r); i < reduction_begin(count, r + 1); i += REDUCTION_BLOCK)
 *             reduction_add(what, state, values of [i, end of block), size of block);
 *     then, on one: for r = 1 ...: reduction_merge(what, &states[0], &states[r]);
 *     status = reduction_close(what, &states[0], &result);
 *
 * Along the last axis each row is such a reduction: its result has the bits it has alone. Along another axis rows are
 * added up elementwise, in a panel of up to REDUCTION_BLOCK columns (struct reduction_columns): those don't see how the
 * rows are split into calls. What is added to what follows from the rows' ranges (reduction_row_ranges) and the panel's
 * width, which should follow from the shape.
 *
 * Values, as NumPy's with these differences, all to the better. u = 2^-53; float results are those of double, rounded.
 *   sum    of floats: |error| <= 40 u sum|x|, whatever the count, + half an ulp (32 lanes of 32 in a block, pairwise to
 *          one; blocks compensated: Sum2 of Ogita, Rump and Oishi, 2005, is off by one rounding of the result, up to
 *          second order). Of integers: exact; REDUCTION_OVERFLOW if and only if the sum itself doesn't fit
 *   mean   the sum by the count: one rounding more. Of integers by the exact sum
 *   prod   relative error <= count u (Higham, 2002, 3.1); significands and exponents are multiplied apart, so that what
 *          overflows or vanishes on the way comes back. Of integers: exact, REDUCTION_OVERFLOW as above
 *   var    relative error <= 200 u whatever the mean, of values whose squared deviations neither overflow nor vanish
 *          (deviations of a block from the mean before it, or from its own where that is far, with the correction of
 *          Chan, Golub and LeVeque, 1983, their merge for blocks and ranges, means in two parts). std its root. ddof 0
 *   min, max        NaN if there is one. Of zeros of both signs either
 *   argmin, argmax  the first NaN if there is one, else the first of the least; an index from 0 on
 *   any, all, count NaN isn't zero
 * Of nothing: sum 0, prod 1, any false, all true, count 0, mean, var and std NaN, and REDUCTION_EMPTY for the others.
 *
 * Any thread may call these, on a state of its own. Nothing is allocated. */
#include "kernels/expression/math/vector_math.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reduction_kind {
    REDUCTION_SUM,
    REDUCTION_MEAN,
    REDUCTION_PROD,
    REDUCTION_MIN,
    REDUCTION_MAX,
    REDUCTION_ANY,
    REDUCTION_ALL,
    REDUCTION_COUNT, /* of what isn't zero */
    REDUCTION_ARGMIN,
    REDUCTION_ARGMAX,
    REDUCTION_VAR,
    REDUCTION_STD
};

/* Of elements and results: a byte that is 0 or 1, int64_t, float, double. */
enum reduction_type { REDUCTION_BOOL, REDUCTION_INT64, REDUCTION_FLOAT, REDUCTION_DOUBLE };

enum reduction_status {
    REDUCTION_DONE,
    REDUCTION_EMPTY,   /* there is no least of nothing */
    REDUCTION_OVERFLOW /* the result is no int64 */
};

struct reduction {
    enum reduction_kind kind;
    enum reduction_type type; /* of the elements */
};

/* What has been reduced so far; zeros: nothing. */
struct reduction_state {
    uint64_t count; /* elements */
    union {
        struct {
            double high, low; /* the sum; of var the mean */
            double squares, squares_low;
        };
        struct {
            double significand;
            int64_t exponent;
        };
        struct {
            double least; /* or greatest */
            int64_t least_integer, index;
            bool undefined; /* least is NaN */
        };
        struct {
            uint64_t sum_low; /* 128 bits, two's complement */
            int64_t sum_high;
        };
        struct {
            uint64_t magnitude;
            bool negative, zero, overflow;
        };
        uint64_t nonzero;
    };
};

enum { REDUCTION_BLOCK = 1024, REDUCTION_RANGES = 1024 };

/* What a result is: bool for any and all, int64 for counts, indices and sums and products of bool and int64, the
 * elements' type for other sums, products, min and max, float for mean, var and std of float, else double. */
enum reduction_type reduction_result_type(struct reduction what);

/* How many ranges `count` elements make, and where each begins; that of the last plus one is `count`. Ranges have 16
 * blocks or more, but for a last one that is alone. */
size_t reduction_ranges(size_t count);
size_t reduction_begin(size_t count, size_t range);

/* Adds the next block: `count` values of what.type, REDUCTION_BLOCK but for a range's last. */
void reduction_add(struct reduction what, struct reduction_state *state, const void *values, size_t count);

/* The same of the products of x and y, each rounded, of type REDUCTION_DOUBLE, which aren't kept: of sum and mean. */
void reduction_add_products(struct reduction what, struct reduction_state *state, const double *x, const double *y,
                            size_t count);

/* The same of what math_scaled_exp()->on_double makes of x. */
void reduction_add_powers(struct reduction what, struct reduction_state *state, enum math_exponent exponent,
                          const double *x, double number, size_t count);

/* Adds what comes behind it. */
void reduction_merge(struct reduction what, struct reduction_state *state, const struct reduction_state *next);

/* Puts the result into `out`, one element of reduction_result_type. */
enum reduction_status reduction_close(struct reduction what, const struct reduction_state *state, void *out)
    __attribute__((warn_unused_result));

/* A reduction along another axis than the last: `width` columns, each reduced over the rows. Narrow ones are kept
 * several times over, one row after the other going to the next copy, so that vectors are full; copies are merged in
 * order. */
struct reduction_columns {
    struct reduction what;
    size_t width, copies;
    uint64_t rows; /* added so far */
    double *planes;
};

/* Memory that `planes` needs, whatever the width. */
enum { REDUCTION_COLUMNS_BYTES = 4 * REDUCTION_BLOCK * 8 };

/* Begins with no rows. 1 <= width <= REDUCTION_BLOCK; `memory` is REDUCTION_COLUMNS_BYTES aligned to 8, the caller's,
 * in use as long as the columns are. */
void reduction_columns_init(struct reduction_columns *columns, struct reduction what, size_t width, void *memory);

/* Adds the next rows, `rows * width` values of what.type, row by row. */
void reduction_columns_add(struct reduction_columns *columns, const void *values, size_t rows);

/* A column's state, to be merged with that of the next rows' or closed. */
struct reduction_state reduction_columns_state(const struct reduction_columns *columns, size_t column);

/* How many ranges the rows of a rows * columns array make, and where each begins: 64 rows or more to a range, and as
 * many states in all (ranges * columns) as REDUCTION_ROW_STATES, or one range. */
enum { REDUCTION_ROW_STATES = 1 << 14 };
size_t reduction_row_ranges(size_t rows, size_t columns);
size_t reduction_row_begin(size_t rows, size_t columns, size_t range);

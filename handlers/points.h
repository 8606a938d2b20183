#pragma once
/* Internal to handlers. What the endpoints that compare each point with each other take: points `x`, points `y` (x
 * itself without them), and a weight for each y where the endpoint knows `weights`; as rows of numbers in JSON, or as
 * .npy arrays one after the other. There an array of two dimensions after x is y, and one of one dimension is the
 * weights, with y before it or not. Every function that can fail returns what is in call->problem. */
#include "handlers/operand.h"

struct points {
    struct operand x;
    struct operand y;
    struct operand weights;
    size_t dimensions;    /* numbers of a row, at least 1 */
    enum npy_dtype dtype; /* in which all is computed, and of the result; float64 in JSON */
};

/* An endpoint's bulk fields, for its row's .bulk: what points_measure looks for. */
#define POINTS_BULK                                                                                                    \
    {"x", ENVELOPE_ROWS}, {                                                                                            \
        "y", ENVELOPE_ROWS                                                                                             \
    }
#define POINTS_WEIGHTS_BULK {"weights", ENVELOPE_NUMBERS}

enum points_kind {
    POINTS_BARE,
    POINTS_WEIGHTED,
    POINTS_WEIGHTED_ROWS /* the weights may be rows, one for each y; in a .npy body they have y before them then, for an
                            array of two dimensions after x is y. Their bulk field is ENVELOPE_ARRAYS' */
};

/* For decode: finds the arrays and checks that they go together; reads none of their numbers. */
MUST_CHECK enum problem_kind points_measure(struct call *call, enum points_kind kind, struct points *points);

/* How many points x has, and how many it is compared with. */
static inline size_t points_x_count(const struct points *points) {
    return points->x.shape[0];
}
static inline size_t points_y_count(const struct points *points) {
    return operand_is_given(&points->y) ? points->y.shape[0] : points->x.shape[0];
}

/* For decode: bytes that points_load takes for the numbers, beside the body. */
size_t points_bytes(const struct points *points);

/* For decode: predicted time of points_load with one thread. */
uint64_t points_load_cost_ns(const struct points *points);

/* For load: the values of all. */
MUST_CHECK enum problem_kind points_load(struct call *call, struct points *points);

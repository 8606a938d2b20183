#pragma once
/* What the endpoints that compare each point with each other take: points `x`, points `y` (x itself without them), and
 * a weight for each y where the endpoint knows `weights`; as rows of numbers in JSON, or as .npy arrays one after the
 * other. There an array of two dimensions after x is y, and one of one dimension is the weights, with y before it or
 * not. Every function that can fail returns what is in call->problem. */
#include "handlers/bulk.h"
#include "handlers/npy_array.h"

struct points_array {
    bool is_given;
    struct bulk_numbers numbers; /* in JSON: what to read */
    struct npy_array array;      /* in .npy: it is there */
    void *values;                /* points.dtype, from points_load on; rows one after the other; NULL: not given */
    size_t count;                /* rows; of the weights: numbers */
};

struct points {
    struct points_array x;
    struct points_array y;
    struct points_array weights;
    size_t dimensions;    /* numbers of a row, at least 1 */
    enum npy_dtype dtype; /* of all and of the result; float64 in JSON */
};

/* An endpoint's bulk fields, for its row's .bulk: what points_measure looks for. */
#define POINTS_BULK                                                                                                    \
    {"x", ENVELOPE_ROWS}, {                                                                                            \
        "y", ENVELOPE_ROWS                                                                                             \
    }
#define POINTS_WEIGHTS_BULK {"weights", ENVELOPE_NUMBERS}

enum points_kind { POINTS_BARE, POINTS_WEIGHTED };

/* For decode: finds the arrays and checks that they go together; reads none of their numbers. */
MUST_CHECK enum problem_kind points_measure(struct call *call, enum points_kind kind, struct points *points);

/* How many points x is compared with. */
static inline size_t points_y_count(const struct points *points) {
    return points->y.is_given ? points->y.count : points->x.count;
}

/* For decode: bytes that the numbers take from points_load on, those in the body included. */
size_t points_bytes(const struct call *call, const struct points *points);

/* For decode: predicted time of points_load with one thread. */
uint64_t points_load_cost_ns(const struct call *call, const struct points *points);

/* For load: reads the numbers, and gives a body back that isn't needed any more. */
MUST_CHECK enum problem_kind points_load(struct call *call, struct points *points);

#include "handlers/points.h"

/* Where there are no rows, there may be any number of columns in them. */
static enum problem_kind measure_json(struct call *call, enum points_kind kind, struct points *points) {
    if (operand_find(call, "x", OPERAND_TAKES_ROWS, &points->x) ||
        operand_find(call, "y", OPERAND_TAKES_ROWS | OPERAND_TAKES_NOTHING, &points->y) ||
        (kind == POINTS_WEIGHTED &&
         operand_find(call, "weights", OPERAND_TAKES_NUMBERS | OPERAND_TAKES_NOTHING, &points->weights))) {
        return call->problem.kind;
    }
    size_t x_columns = points->x.shape[1];
    size_t y_columns = points->y.shape[1];
    points->dtype = NPY_FLOAT64;
    points->dimensions = x_columns > 0 ? x_columns : y_columns > 0 ? y_columns : 1;
    if (y_columns > 0 && y_columns != points->dimensions) {
        return problem_set(&call->problem, PROBLEM_LENGTH_MISMATCH, "/y",
                           "the rows of \"x\" have %zu numbers, those of \"y\" %zu; points have one dimension",
                           x_columns, y_columns);
    }
    return PROBLEM_NONE;
}

static enum problem_kind take_weights(struct call *call, const struct operand *found, struct points *points) {
    points->weights = *found;
    points->weights.name = "weights";
    return operand_check_shape(call, OPERAND_TAKES_NUMBERS, &points->weights);
}

static enum problem_kind take_y(struct call *call, const struct operand *found, struct points *points) {
    points->y = *found;
    if (operand_check_shape(call, OPERAND_TAKES_ROWS, &points->y)) {
        return call->problem.kind;
    }
    if (found->shape[1] != points->x.shape[1]) {
        return problem_set(&call->problem, PROBLEM_LENGTH_MISMATCH, "/y",
                           "\"x\" has %zu columns, \"y\" has %zu; points have one dimension", points->x.shape[1],
                           found->shape[1]);
    }
    return PROBLEM_NONE;
}

/* The arrays after x. */
static enum problem_kind measure_others(struct call *call, size_t *offset, enum points_kind kind,
                                        struct points *points) {
    struct operand found;
    if (*offset == call->body.length) {
        return PROBLEM_NONE;
    }
    if (operand_next(call, offset, "y", &found)) {
        return call->problem.kind;
    }
    if (kind == POINTS_WEIGHTED && found.dimensions == 1) {
        return take_weights(call, &found, points);
    }
    if (take_y(call, &found, points) || kind != POINTS_WEIGHTED || *offset == call->body.length) {
        return call->problem.kind;
    }
    return operand_next(call, offset, "weights", &found) ? call->problem.kind : take_weights(call, &found, points);
}

static enum problem_kind measure_npy(struct call *call, enum points_kind kind, struct points *points) {
    size_t offset = 0;
    if (operand_next(call, &offset, "x", &points->x) || operand_check_shape(call, OPERAND_TAKES_ROWS, &points->x) ||
        measure_others(call, &offset, kind, points)) {
        return call->problem.kind;
    }
    points->dtype = operands_promote((struct operand *const[]){&points->x, &points->y, &points->weights, NULL});
    points->dimensions = points->x.shape[1];
    return operand_check_end(call, offset);
}

enum problem_kind points_measure(struct call *call, enum points_kind kind, struct points *points) {
    bool is_npy = call->order->body_media == MEDIA_NPY;
    if (is_npy ? measure_npy(call, kind, points) : measure_json(call, kind, points)) {
        return call->problem.kind;
    }
    size_t y_count = points_y_count(points);
    if (operand_is_given(&points->weights) && points->weights.count != y_count) {
        return problem_set(&call->problem, PROBLEM_LENGTH_MISMATCH, "/weights",
                           "\"weights\" has %zu numbers, \"%s\" has %zu rows; there is a weight for each row%s",
                           points->weights.count, operand_is_given(&points->y) ? "y" : "x", y_count,
                           is_npy ? " (an array of one dimension is \"weights\", \"y\" has two)" : "");
    }
    return PROBLEM_NONE;
}

size_t points_bytes(const struct points *points) {
    return operand_bytes(&points->x) + operand_bytes(&points->y) + operand_bytes(&points->weights);
}

uint64_t points_load_cost_ns(const struct points *points) {
    return operand_load_cost_ns(&points->x) + operand_load_cost_ns(&points->y) + operand_load_cost_ns(&points->weights);
}

enum problem_kind points_load(struct call *call, struct points *points) {
    return operands_load(call, (struct operand *const[OPERANDS_MAX]){&points->x, &points->y, &points->weights, NULL});
}

#include "handlers/points.h"

#include "codecs/numbers/number_rows.h"

#include <string.h>

/* They have one dimension, or two where there may be rows of them. */
static enum problem_kind check_weights(struct call *call, enum points_kind kind, struct operand *weights) {
    if (kind != POINTS_WEIGHTED_ROWS || weights->dimensions < 2) {
        return operand_check_shape(call, OPERAND_TAKES_NUMBERS, weights);
    }
    return weights->dimensions == 2
               ? PROBLEM_NONE
               : problem_set(&call->problem, PROBLEM_WRONG_TYPE, "/weights",
                             "\"weights\" has %u dimensions; one or two are expected, a number or a row for each point",
                             weights->dimensions);
}

/* Of the document, or of the bulk members. */
static enum problem_kind find_weights(struct call *call, enum points_kind kind, unsigned takes,
                                      struct operand *weights) {
    bool has_rows = false;
    for (size_t i = 0; kind == POINTS_WEIGHTED_ROWS && i < call->envelope.span_count; i++) {
        const struct envelope_field *field = envelope_span_at(&call->envelope, i)->field;
        has_rows = has_rows || (field->kind == ENVELOPE_ROWS && strcmp(field->name, "weights") == 0);
    }
    takes |= has_rows ? OPERAND_TAKES_ROWS : OPERAND_TAKES_NUMBERS;
    takes |= kind == POINTS_WEIGHTED_ROWS ? OPERAND_TAKES_ALL : 0;
    if (operand_find(call, "weights", takes, weights)) {
        return call->problem.kind;
    }
    return operand_is_given(weights) ? check_weights(call, kind, weights) : PROBLEM_NONE;
}

/* Where there are no rows, there may be any number of columns in them. */
static enum problem_kind measure_json(struct call *call, enum points_kind kind, struct points *points) {
    if (operand_find(call, "x", OPERAND_TAKES_ROWS, &points->x) ||
        operand_find(call, "y", OPERAND_TAKES_ROWS | OPERAND_TAKES_NOTHING, &points->y) ||
        (kind != POINTS_BARE && find_weights(call, kind, OPERAND_TAKES_NOTHING, &points->weights))) {
        return call->problem.kind;
    }
    size_t x_columns = points->x.shape[1];
    size_t y_columns = points->y.shape[1];
    points->dtype = operands_promote((struct operand *const[]){&points->x, &points->y, &points->weights, NULL});
    points->dimensions = x_columns > 0 ? x_columns : y_columns > 0 ? y_columns : 1;
    if (y_columns > 0 && y_columns != points->dimensions) {
        return problem_set(&call->problem, PROBLEM_LENGTH_MISMATCH, "/y",
                           "a row of \"x\" has %zu number%s, one of \"y\" has %zu; points have as many as each other",
                           x_columns, problem_plural(x_columns), y_columns);
    }
    return PROBLEM_NONE;
}

static enum problem_kind take_weights(struct call *call, const struct operand *found, enum points_kind kind,
                                      struct points *points) {
    points->weights = *found;
    points->weights.name = "weights";
    return check_weights(call, kind, &points->weights);
}

static enum problem_kind check_columns(struct call *call, const struct points *points) {
    if (!operand_is_given(&points->y) || points->y.shape[1] == points->x.shape[1] || points->y.count == 0 ||
        points->x.count == 0) {
        return PROBLEM_NONE;
    }
    return problem_set(&call->problem, PROBLEM_LENGTH_MISMATCH, "/y",
                       "\"x\" has %zu column%s, \"y\" has %zu; points have one dimension", points->x.shape[1],
                       problem_plural(points->x.shape[1]), points->y.shape[1]);
}

static enum problem_kind take_y(struct call *call, const struct operand *found, struct points *points) {
    points->y = *found;
    return operand_check_shape(call, OPERAND_TAKES_ROWS, &points->y) ? call->problem.kind : check_columns(call, points);
}

/* The arrays after x, but for those that the query has. */
static enum problem_kind measure_others(struct call *call, size_t *offset, enum points_kind kind,
                                        struct points *points) {
    struct operand found;
    bool wants_weights = kind != POINTS_BARE && !operand_is_given(&points->weights);
    if (*offset == call->body.length) {
        return PROBLEM_NONE;
    }
    if (!operand_is_given(&points->y)) {
        if (operand_next(call, offset, "y", &found)) {
            return call->problem.kind;
        }
        if (wants_weights && found.dimensions == 1) {
            return take_weights(call, &found, kind, points);
        }
        if (take_y(call, &found, points) || *offset == call->body.length) {
            return call->problem.kind;
        }
    }
    if (!wants_weights) {
        return PROBLEM_NONE;
    }
    return operand_next(call, offset, "weights", &found) ? call->problem.kind
                                                         : take_weights(call, &found, kind, points);
}

static enum problem_kind refuse_empty(struct call *call, enum points_kind kind) {
    return problem_set(
        &call->problem, PROBLEM_EMPTY_BODY, NULL,
        "\"x\" is missing: the body has \"x\", and \"y\"%s if there is one, as arrays in the .npy format, "
        "one after the other; the query has the options",
        kind != POINTS_BARE ? " or \"weights\"" : "");
}

static bool is_in_query(const struct call *call, const char *name) {
    return document_type_of(call->document, name) != DOCUMENT_ABSENT;
}

/* Named data, from the query. */
static enum problem_kind measure_named(struct call *call, enum points_kind kind, struct points *points) {
    if ((is_in_query(call, "x") && operand_find(call, "x", OPERAND_TAKES_ROWS, &points->x)) ||
        (is_in_query(call, "y") && operand_find(call, "y", OPERAND_TAKES_ROWS, &points->y))) {
        return call->problem.kind;
    }
    return kind != POINTS_BARE && is_in_query(call, "weights") ? find_weights(call, kind, 0, &points->weights)
                                                               : PROBLEM_NONE;
}

/* In the body, or in the query. */
static enum problem_kind measure_arrays(struct call *call, enum points_kind kind, struct points *points) {
    size_t offset = 0;
    if (measure_named(call, kind, points)) {
        return call->problem.kind;
    }
    if (!operand_is_given(&points->x) && call->body.length == 0) {
        return refuse_empty(call, kind);
    }
    if (!operand_is_given(&points->x) &&
        (operand_next(call, &offset, "x", &points->x) || operand_check_shape(call, OPERAND_TAKES_ROWS, &points->x))) {
        return call->problem.kind;
    }
    if (measure_others(call, &offset, kind, points) || check_columns(call, points)) {
        return call->problem.kind;
    }
    points->dtype = operands_promote((struct operand *const[]){&points->x, &points->y, &points->weights, NULL});
    points->dimensions = points->x.shape[1] > 0 ? points->x.shape[1] : 1;
    if (points->x.shape[1] == 0 && operand_is_given(&points->y) && points->y.shape[1] > 0) {
        points->dimensions = points->y.shape[1];
    }
    return operand_check_end(call, offset);
}

/* Rows whose number is what it would be if all were as long as the first may differ in length as well: then that is
 * the mistake. */
static enum problem_kind refuse_weights(struct call *call, const struct points *points) {
    const struct operand *weights = &points->weights;
    size_t y_count = points_y_count(points);
    if (weights->source == OPERAND_ROWS && !weights->is_shared &&
        number_rows_refuse(&weights->array, weights->shape[1], weights->name, call->progress.cancel, &call->problem)) {
        return call->problem.kind;
    }
    return problem_set(
        &call->problem, PROBLEM_LENGTH_MISMATCH, "/weights",
        "\"weights\" has %zu %s%s, \"%s\" has %zu row%s; there is a weight for each row%s", weights->shape[0],
        weights->dimensions == 2 ? "row" : "number", problem_plural(weights->shape[0]),
        operand_is_given(&points->y) ? "y" : "x", y_count, problem_plural(y_count),
        call->order->body_media == MEDIA_JSON ? "" : " (an array of one dimension is \"weights\", \"y\" has two)");
}

enum problem_kind points_measure(struct call *call, enum points_kind kind, struct points *points) {
    bool is_json = call->order->body_media == MEDIA_JSON;
    if (is_json ? measure_json(call, kind, points) : measure_arrays(call, kind, points)) {
        return call->problem.kind;
    }
    return operand_is_given(&points->weights) && points->weights.shape[0] != points_y_count(points)
               ? refuse_weights(call, points)
               : PROBLEM_NONE;
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

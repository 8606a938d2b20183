#include "handlers/points.h"

#include <stdio.h>
#include <string.h>

/* ---- JSON ---- */

static enum problem_kind measure_rows(struct call *call, const char *name, bool is_optional,
                                      struct points_array *array) {
    if (is_optional && document_type_of(call->document, name) == DOCUMENT_ABSENT) {
        return PROBLEM_NONE;
    }
    if (bulk_measure_rows(call, name, &array->is_given, &array->numbers)) {
        return call->problem.kind;
    }
    if (!array->is_given) {
        return document_refuse_rows(call->document, name, &call->problem);
    }
    size_t columns = array->numbers.columns;
    array->count = columns > 0 ? array->numbers.length / columns : 0;
    return PROBLEM_NONE;
}

static enum problem_kind measure_weights(struct call *call, struct points_array *weights) {
    if (document_type_of(call->document, "weights") == DOCUMENT_ABSENT) {
        return PROBLEM_NONE;
    }
    if (bulk_measure(call, "weights", &weights->is_given, &weights->numbers)) {
        return call->problem.kind;
    }
    weights->count = weights->numbers.length;
    return weights->is_given ? PROBLEM_NONE : bulk_refuse(call, "weights");
}

/* Where there are no rows, there may be any number of columns in them. */
static enum problem_kind measure_json(struct call *call, enum points_kind kind, struct points *points) {
    if (measure_rows(call, "x", false, &points->x) || measure_rows(call, "y", true, &points->y) ||
        (kind == POINTS_WEIGHTED && measure_weights(call, &points->weights))) {
        return call->problem.kind;
    }
    size_t x_columns = points->x.numbers.columns;
    size_t y_columns = points->y.numbers.columns;
    points->dtype = NPY_FLOAT64;
    points->dimensions = x_columns > 0 ? x_columns : y_columns > 0 ? y_columns : 1;
    if (y_columns > 0 && y_columns != points->dimensions) {
        return problem_set(&call->problem, PROBLEM_LENGTH_MISMATCH, "/y",
                           "the rows of \"x\" have %zu numbers, those of \"y\" %zu; points have one dimension",
                           x_columns, y_columns);
    }
    return PROBLEM_NONE;
}

/* ---- .npy ---- */

static enum problem_kind take_rows(struct call *call, const char *name, const struct npy_array *found,
                                   struct points_array *array) {
    char pointer[ENVELOPE_NAME_MAX + 2];
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    if (found->dimensions != 2) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, pointer,
                           "\"%s\" has %u dimension%s; two are expected, a row for each point: %s.reshape(-1, 1) makes "
                           "one of each number",
                           name, found->dimensions, found->dimensions == 1 ? "" : "s", name);
    }
    if (found->shape[1] == 0) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer,
                           "\"%s\" has no columns; a row has one number at least", name);
    }
    array->is_given = true;
    array->array = *found;
    array->count = found->shape[0];
    return PROBLEM_NONE;
}

static enum problem_kind take_weights(struct call *call, const struct npy_array *x, const struct npy_array *found,
                                      struct points_array *weights) {
    if (found->dimensions != 1) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, "/weights",
                           "\"weights\" has %u dimensions; one is expected: weights.ravel() makes it one",
                           found->dimensions);
    }
    weights->is_given = true;
    weights->array = *found;
    weights->count = found->count;
    return npy_array_check_dtype(call, x, "weights", found);
}

static enum problem_kind take_y(struct call *call, const struct npy_array *x, const struct npy_array *found,
                                struct points_array *y) {
    if (take_rows(call, "y", found, y) || npy_array_check_dtype(call, x, "y", found)) {
        return call->problem.kind;
    }
    if (found->shape[1] != x->shape[1]) {
        return problem_set(&call->problem, PROBLEM_LENGTH_MISMATCH, "/y",
                           "\"x\" has %zu columns, \"y\" has %zu; points have one dimension", x->shape[1],
                           found->shape[1]);
    }
    return PROBLEM_NONE;
}

/* The arrays after x. */
static enum problem_kind measure_others(struct call *call, size_t *offset, enum points_kind kind,
                                        struct points *points) {
    const struct npy_array *x = &points->x.array;
    struct npy_array found;
    if (*offset == call->body.length) {
        return PROBLEM_NONE;
    }
    if (npy_array_next(call, offset, "y", &found)) {
        return call->problem.kind;
    }
    if (kind == POINTS_WEIGHTED && found.dimensions == 1) {
        return take_weights(call, x, &found, &points->weights);
    }
    if (take_y(call, x, &found, &points->y) || kind != POINTS_WEIGHTED || *offset == call->body.length) {
        return call->problem.kind;
    }
    return npy_array_next(call, offset, "weights", &found) ? call->problem.kind
                                                           : take_weights(call, x, &found, &points->weights);
}

static enum problem_kind measure_npy(struct call *call, enum points_kind kind, struct points *points) {
    size_t offset = 0;
    struct npy_array found;
    if (npy_array_next(call, &offset, "x", &found) || take_rows(call, "x", &found, &points->x) ||
        measure_others(call, &offset, kind, points)) {
        return call->problem.kind;
    }
    points->dtype = found.dtype;
    points->dimensions = found.shape[1];
    return npy_array_end(call, offset);
}

enum problem_kind points_measure(struct call *call, enum points_kind kind, struct points *points) {
    bool is_npy = call->order->body_media == MEDIA_NPY;
    if (is_npy ? measure_npy(call, kind, points) : measure_json(call, kind, points)) {
        return call->problem.kind;
    }
    size_t y_count = points_y_count(points);
    if (points->weights.is_given && points->weights.count != y_count) {
        return problem_set(&call->problem, PROBLEM_LENGTH_MISMATCH, "/weights",
                           "\"weights\" has %zu numbers, \"%s\" has %zu rows; there is a weight for each row%s",
                           points->weights.count, points->y.is_given ? "y" : "x", y_count,
                           is_npy ? " (an array of one dimension is \"weights\", \"y\" has two)" : "");
    }
    return PROBLEM_NONE;
}

size_t points_bytes(const struct call *call, const struct points *points) {
    if (call->order->body_media == MEDIA_NPY) {
        return call->body.capacity;
    }
    return sizeof(double) * (points->x.numbers.length + points->y.numbers.length + points->weights.numbers.length);
}

uint64_t points_load_cost_ns(const struct call *call, const struct points *points) {
    if (call->order->body_media == MEDIA_NPY) {
        return 0;
    }
    return bulk_read_cost_ns(&points->x.numbers) + bulk_read_cost_ns(&points->y.numbers) +
           bulk_read_cost_ns(&points->weights.numbers);
}

static void align(struct points_array *array) {
    array->values = array->is_given ? npy_array_align(&array->array) : NULL;
}

static enum problem_kind read(struct call *call, struct points_array *array) {
    array->values = call_take(call, array->numbers.length * sizeof(double));
    return array->values ? bulk_read(call, &array->numbers, array->values) : call->problem.kind;
}

/* JSON in the body's order, so that its first mistake is named. */
enum problem_kind points_load(struct call *call, struct points *points) {
    if (call->order->body_media == MEDIA_NPY) {
        align(&points->x);
        align(&points->y);
        align(&points->weights);
        return PROBLEM_NONE;
    }
    for (size_t i = 0; i < call->envelope.span_count; i++) {
        const char *name = call->envelope.spans[i].field->name;
        struct points_array *array = name[0] == 'x' ? &points->x : name[0] == 'y' ? &points->y : &points->weights;
        if (read(call, array)) {
            return call->problem.kind;
        }
    }
    payload_drop(&call->body);
    return PROBLEM_NONE;
}

/* The result overwrites an array side: a call needs memory for its arrays and its reply, never for z. */
#include "handlers/gaussian.h"

#include "codecs/numbers/number_print.h"
#include "codecs/numbers/number_text.h"
#include "handlers/bulk.h"
#include "handlers/gaussian_options.h"
#include "handlers/npy_array.h"
#include "kernels/gaussian/gaussian.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

/* An array, or one number. */
struct side {
    struct bulk_numbers numbers; /* an array in JSON: what to read */
    struct npy_array array;      /* … in .npy: it is there */
    void *values;                /* of arguments.dtype, from load on */
    size_t length;
    double number;
    float narrow_number;
    bool constant;
};

struct arguments {
    struct side x;
    struct side y;
    enum npy_dtype dtype; /* of both and of the result */
    struct gaussian_options gaussian;
};

static_assert(sizeof(struct arguments) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct arguments *arguments_of(struct call *call) {
    return (struct arguments *)(void *)call->arguments;
}

/* Where the result goes: an array side. */
static struct side *result_of(struct arguments *arguments) {
    return arguments->x.constant ? &arguments->y : &arguments->x;
}

static struct gaussian_side kernel_side(const struct side *side) {
    return (struct gaussian_side){.values = side->constant ? &side->number : side->values, .constant = side->constant};
}

static struct gaussian_float_side kernel_float_side(const struct side *side) {
    return (struct gaussian_float_side){.values = side->constant ? &side->narrow_number : side->values,
                                        .constant = side->constant};
}

static enum problem_kind read_number(struct call *call, const char *name, struct side *side) {
    side->constant = true;
    enum document_type type = document_type_of(call->document, name);
    if (type == DOCUMENT_ARRAY) {
        return bulk_refuse(call, name);
    }
    if (type == DOCUMENT_NUMBER) {
        return document_number(call->document, name, &side->number, &call->problem);
    }
    const char *pointer = name[0] == 'x' ? "/x" : "/y";
    if (type == DOCUMENT_ABSENT) {
        return problem_set(&call->problem, PROBLEM_MISSING_FIELD, pointer,
                           "\"%s\" is missing; an array of numbers, or a number, is expected", name);
    }
    return problem_set(&call->problem, PROBLEM_WRONG_TYPE, pointer,
                       "\"%s\" is neither an array of numbers nor a number", name);
}

/* Type and length of a side; its numbers later, when all else is known to be right. */
static enum problem_kind measure(struct call *call, const char *name, struct side *side) {
    bool is_array = false;
    if (bulk_measure(call, name, &is_array, &side->numbers)) {
        return call->problem.kind;
    }
    side->length = side->numbers.length;
    return is_array ? PROBLEM_NONE : read_number(call, name, side);
}

/* A side that the query doesn't have is the next array in the body. */
static enum problem_kind find_array(struct call *call, const char *name, size_t *offset, struct side *side) {
    if (document_type_of(call->document, name) != DOCUMENT_ABSENT) {
        return read_number(call, name, side);
    }
    char pointer[] = "/x";
    pointer[1] = name[0];
    if (*offset > 0 && *offset == call->body.length) {
        return problem_set(&call->problem, PROBLEM_MISSING_FIELD, pointer,
                           "\"%s\" is missing; it is a number in the query, or one more array in the body", name);
    }
    if (npy_array_next(call, offset, name, &side->array)) {
        return call->problem.kind;
    }
    if (side->array.dimensions > 1) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, pointer,
                           "\"%s\" has %u dimensions; one is expected: x.ravel() makes it one", name,
                           side->array.dimensions);
    }
    arguments_of(call)->dtype = side->array.dtype;
    side->length = side->array.count;
    side->constant = side->array.dimensions == 0;
    if (side->constant) {
        npy_doubles(&side->number, side->array.data, side->array.dtype, 1);
    }
    return PROBLEM_NONE;
}

static enum problem_kind find_arrays(struct call *call, struct side *x, struct side *y) {
    size_t offset = 0;
    if (find_array(call, "x", &offset, x) || find_array(call, "y", &offset, y)) {
        return call->problem.kind;
    }
    if (x->array.data && y->array.data && npy_array_check_dtype(call, &x->array, "y", &y->array)) {
        return call->problem.kind;
    }
    return offset > 0 ? npy_array_end(call, offset) : PROBLEM_NONE;
}

static enum problem_kind measure_json(struct call *call, struct side *x, struct side *y) {
    return measure(call, "x", x) ? call->problem.kind : measure(call, "y", y);
}

static enum problem_kind measure_sides(struct call *call, struct side *x, struct side *y) {
    if (call->order->body_media == MEDIA_NPY ? find_arrays(call, x, y) : measure_json(call, x, y)) {
        return call->problem.kind;
    }
    if (x->constant && y->constant) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, "/x",
                           "\"x\" and \"y\" are both numbers; at least one of them is an array");
    }
    if (!x->constant && !y->constant && x->length != y->length) {
        return problem_set(&call->problem, PROBLEM_LENGTH_MISMATCH, "/y",
                           "\"x\" has %zu elements, \"y\" has %zu; they have one length, or one is a number", x->length,
                           y->length);
    }
    return PROBLEM_NONE;
}

static enum problem_kind narrow_number(struct call *call, const char *pointer, struct side *side) {
    if (isfinite(side->number) && fabs(side->number) > (double)FLT_MAX) {
        char text[NUMBER_TEXT_MAX];
        int length = (int)number_text_double(side->number, text);
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer,
                           "\"%s\" is %.*s; beside an array of float32 it is at most %.9g, as is -%s", pointer + 1,
                           length, text, (double)FLT_MAX, pointer + 1);
    }
    side->narrow_number = (float)side->number;
    return PROBLEM_NONE;
}

/* For float32 arrays: numbers beside them are rounded to float32, which they must have a place in. */
static enum problem_kind narrow(struct call *call, struct arguments *arguments) {
    if (gaussian_options_check_float(call, &arguments->gaussian) || narrow_number(call, "/x", &arguments->x)) {
        return call->problem.kind;
    }
    return narrow_number(call, "/y", &arguments->y);
}

static uint64_t predict_ns(const struct call *call, struct arguments *arguments) {
    size_t count = result_of(arguments)->length;
    bool is_float = arguments->dtype == NPY_FLOAT32;
    uint64_t ns = is_float ? gaussian_float_cost_ns(count) : gaussian_cost_ns(count);
    ns += options_chunk_cost_ns(&call->demand, count);
    if (call->order->body_media == MEDIA_JSON) {
        ns += bulk_read_cost_ns(&arguments->x.numbers) + bulk_read_cost_ns(&arguments->y.numbers);
    }
    return call->order->reply_media == MEDIA_JSON ? ns + bulk_print_cost_ns(count) : ns;
}

static enum problem_kind gaussian_decode(struct call *call) {
    static const struct field fields[] = {
        {"x", FIELD_NUMBER}, {"y", FIELD_NUMBER}, GAUSSIAN_OPTIONS, {NULL, FIELD_NUMBER}};
    struct arguments *arguments = arguments_of(call);
    if (options_decode(call, fields) || measure_sides(call, &arguments->x, &arguments->y) ||
        gaussian_options_read(call, 1, &arguments->gaussian)) {
        return options_refuse(call);
    }
    call->demand.cost_ns = predict_ns(call, arguments);
    return arguments->dtype == NPY_FLOAT32 ? narrow(call, arguments) : PROBLEM_NONE;
}

static enum problem_kind load_side(struct call *call, struct side *side) {
    if (side->constant) {
        return PROBLEM_NONE;
    }
    if (call->order->body_media == MEDIA_NPY) {
        side->values = npy_array_align(&side->array);
        return PROBLEM_NONE;
    }
    side->values = npy_array_take(call, side->length * sizeof(double));
    return side->values ? bulk_read(call, &side->numbers, side->values) : call->problem.kind;
}

static enum problem_kind gaussian_load(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    struct side *x = &arguments->x;
    struct side *y = &arguments->y;
    bool x_first = x->numbers.array.begin < y->numbers.array.begin; /* the body's order: its first mistake is named */
    if (load_side(call, x_first ? x : y) || load_side(call, x_first ? y : x)) {
        return call->problem.kind;
    }
    if (call->order->body_media == MEDIA_JSON) {
        payload_drop(&call->body); /* else the arrays are in it */
    }
    return PROBLEM_NONE;
}

static enum problem_kind check_finite(struct call *call, const double *z, size_t count) {
    char pointer[32];
    size_t i = number_print_finite(z, count);
    if (i == count) {
        return PROBLEM_NONE;
    }
    (void)snprintf(pointer, sizeof pointer, "/z/%zu", i);
    return problem_set(
        &call->problem, PROBLEM_NON_FINITE_RESULT, pointer,
        "element %zu is NaN: %sgamma is 0 and the squared difference overflows; "
        "Accept: application/x-npy gets it",
        i, call->order->body_media == MEDIA_JSON ? "" : "so is x or y there, or both are the same infinity, or ");
}

/* For an answer in JSON: doubles, all of them finite. Finite numbers give a result that isn't only where gamma is 0 and
 * a squared difference overflows (0 * inf): everywhere else exp's argument is a number, or minus infinity. */
static enum problem_kind make_printable(struct call *call, struct arguments *arguments, struct side *z) {
    z->values = npy_array_widen(call, z->values, arguments->dtype, z->length);
    if (!z->values) {
        return call->problem.kind;
    }
    bool is_surely_finite = call->order->body_media == MEDIA_JSON && arguments->gaussian.gamma != 0;
    return is_surely_finite ? PROBLEM_NONE : check_finite(call, z->values, z->length);
}

static enum kernel_status run_kernel(struct call *call, struct arguments *arguments) {
    const struct side *x = &arguments->x;
    const struct side *y = &arguments->y;
    struct side *z = result_of(arguments);
    if (arguments->dtype == NPY_FLOAT32) {
        return gaussian_float(kernel_float_side(x), kernel_float_side(y), (float)arguments->gaussian.gamma, z->values,
                              z->length, call->team, &call->progress);
    }
    return gaussian(kernel_side(x), kernel_side(y), arguments->gaussian.gamma, z->values, z->length, call->team,
                    &call->progress);
}

static enum problem_kind gaussian_compute(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    if (run_kernel(call, arguments) == KERNEL_DONE && call->order->reply_media == MEDIA_JSON) {
        return make_printable(call, arguments, result_of(arguments));
    }
    return PROBLEM_NONE; /* also when cancelled: the server knows why */
}

static enum problem_kind gaussian_encode(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    const struct side *z = result_of(arguments);
    if (call->order->reply_media == MEDIA_NPY) {
        return npy_array_reply(call, z->values, arguments->dtype, 1, &z->length);
    }
    if (bulk_print(call, "z", z->values, z->length, arguments->gaussian.precision)) {
        return call->problem.kind;
    }
    json_key(&call->reply, "gamma");
    json_double(&call->reply, arguments->gaussian.gamma);
    return PROBLEM_NONE;
}

static const struct envelope_field gaussian_bulk[] = {
    {"x", ENVELOPE_NUMBERS}, {"y", ENVELOPE_NUMBERS}, {NULL, ENVELOPE_NUMBERS}};

const struct endpoint gaussian_endpoint = {
    .path = "/v1/gaussian",
    .summary = "z[i] = exp(-gamma (x[i] - y[i])^2)",
    .method = ENDPOINT_POST,
    .consumes = MEDIA_JSON | MEDIA_NPY,
    .produces = MEDIA_JSON | MEDIA_NPY,
    .bulk = gaussian_bulk,
    .decode = gaussian_decode,
    .load = gaussian_load,
    .compute = gaussian_compute,
    .encode = gaussian_encode,
};

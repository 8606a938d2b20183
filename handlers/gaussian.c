/* The result overwrites an array where it may: then a call needs memory for its arrays and its reply, never for z. */
#include "handlers/gaussian.h"

#include "codecs/numbers/number_text.h"
#include "handlers/array_reply.h"
#include "handlers/gaussian_options.h"
#include "handlers/named.h"
#include "handlers/options.h"
#include "kernels/gaussian/gaussian.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

struct arguments {
    struct operand x; /* an array, or one number … */
    struct operand y;
    struct operand z;
    float narrow_x; /* … which beside float32 arrays is a float */
    float narrow_y;
    struct gaussian_options gaussian;
};

static_assert(sizeof(struct arguments) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct arguments *arguments_of(struct call *call) {
    return (struct arguments *)(void *)call->arguments;
}

static bool is_number(const struct operand *operand) {
    return operand->source == OPERAND_NUMBER;
}

enum { TAKEN = OPERAND_TAKES_NUMBERS | OPERAND_TAKES_NUMBER };

static bool is_in_query(const struct call *call, const char *name) {
    return document_type_of(call->document, name) != DOCUMENT_ABSENT;
}

/* The body ends where the array `name` should begin. */
static enum problem_kind refuse_missing(struct call *call, const char *name) {
    static const char where[] =
        "\"x\" and \"y\" are arrays in the body, one after the other in the .npy format, or one "
        "of them is a number in the query, or data:name for named data";
    if (call->body.length > 0) {
        return problem_set(&call->problem, PROBLEM_MISSING_FIELD, name[0] == 'x' ? "/x" : "/y", "\"%s\" is missing: %s",
                           name, where);
    }
    bool has_other = is_in_query(call, "x") || is_in_query(call, "y");
    return has_other ? problem_set(&call->problem, PROBLEM_EMPTY_BODY, NULL, "\"%s\" is missing: %s", name, where)
                     : problem_set(&call->problem, PROBLEM_EMPTY_BODY, NULL, "\"x\" and \"y\" are missing: %s", where);
}

/* A side that the query doesn't have is the next array in the body. */
static enum problem_kind find_array(struct call *call, const char *name, size_t *offset, struct operand *side) {
    if (is_in_query(call, name)) {
        return operand_find(call, name, TAKEN, side);
    }
    if (*offset == call->body.length) {
        return refuse_missing(call, name);
    }
    return operand_next(call, offset, name, side) ? call->problem.kind : operand_check_shape(call, TAKEN, side);
}

/* After the last array: a body that goes on may hold one that the query has, too. */
static enum problem_kind check_end(struct call *call, size_t offset) {
    const char *given = is_in_query(call, "x") ? "x" : is_in_query(call, "y") ? "y" : NULL;
    if (!given || offset == call->body.length) {
        return operand_check_end(call, offset);
    }
    return problem_set(
        &call->problem, PROBLEM_INVALID_NPY, NULL,
        "at byte %zu of the body: its end is expected, since \"%s\" is in the query: the body has \"%s\" "
        "alone",
        offset + 1, given, given[0] == 'x' ? "y" : "x");
}

static enum problem_kind find_arrays(struct call *call, struct operand *x, struct operand *y) {
    size_t offset = 0;
    if (find_array(call, "x", &offset, x) || find_array(call, "y", &offset, y)) {
        return call->problem.kind;
    }
    return offset > 0 ? check_end(call, offset) : PROBLEM_NONE;
}

static enum problem_kind find_members(struct call *call, struct operand *x, struct operand *y) {
    return operand_find(call, "x", TAKEN, x) ? call->problem.kind : operand_find(call, "y", TAKEN, y);
}

/* What the sides are, and so the result. */
static enum problem_kind measure_sides(struct call *call, struct arguments *arguments) {
    struct operand *x = &arguments->x;
    struct operand *y = &arguments->y;
    if (call->order->body_media == MEDIA_JSON ? find_members(call, x, y) : find_arrays(call, x, y)) {
        return call->problem.kind;
    }
    if (is_number(x) && is_number(y)) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, "/x",
                           "\"x\" and \"y\" are both numbers; at least one of them is an array%s",
                           call->order->body_media == MEDIA_JSON ? "" : ", which is sent in the body, or named data");
    }
    if (!is_number(x) && !is_number(y) && x->count != y->count) {
        return problem_set(&call->problem, PROBLEM_LENGTH_MISMATCH, "/y",
                           "\"x\" has %zu element%s, \"y\" has %zu; they have one length, or one is a number", x->count,
                           problem_plural(x->count), y->count);
    }
    size_t count = is_number(x) ? y->count : x->count;
    arguments->z = (struct operand){.dtype = operands_promote((struct operand *const[]){x, y, NULL}),
                                    .dimensions = 1,
                                    .shape = {count, 1},
                                    .count = count};
    return PROBLEM_NONE;
}

static enum problem_kind narrow(struct call *call, const char *pointer, const struct operand *side, float *narrowed) {
    if (isfinite(side->number) && fabs(side->number) > (double)FLT_MAX) {
        char text[NUMBER_TEXT_MAX];
        int length = (int)number_text_double(side->number, text);
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer,
                           "\"%s\" is %.*s; beside an array of float32 it is at most %.9g, as is -%s", side->name,
                           length, text, (double)FLT_MAX, side->name);
    }
    *narrowed = (float)side->number;
    return PROBLEM_NONE;
}

/* For float32 arrays: numbers beside them are rounded to float32, which they must have a place in. */
static enum problem_kind narrow_all(struct call *call, struct arguments *arguments) {
    if (gaussian_options_check_float(call, &arguments->gaussian) ||
        narrow(call, "/x", &arguments->x, &arguments->narrow_x)) {
        return call->problem.kind;
    }
    return narrow(call, "/y", &arguments->y, &arguments->narrow_y);
}

static uint64_t gaussian_predict_ns(const struct call *call, const struct arguments *arguments) {
    size_t count = arguments->z.count;
    bool is_float = arguments->z.dtype == NPY_FLOAT32;
    uint64_t ns = is_float ? gaussian_float_cost_ns(count) : gaussian_cost_ns(count);
    ns += options_chunk_cost_ns(&call->demand, count) + operand_load_cost_ns(&arguments->x) +
          operand_load_cost_ns(&arguments->y);
    return named_is_printed(call) ? ns + array_reply_cost_ns(count) : ns;
}

static enum problem_kind gaussian_decode(struct call *call) {
    static const struct field fields[] = {
        {"x", FIELD_NUMBER_OR_DATA}, {"y", FIELD_NUMBER_OR_DATA}, GAUSSIAN_OPTIONS, {NULL, FIELD_NUMBER}};
    struct arguments *arguments = arguments_of(call);
    if (options_decode(call, fields) || measure_sides(call, arguments) ||
        gaussian_options_read(call, 1, &arguments->gaussian) || named_check(call, &arguments->z)) {
        return options_refuse(call);
    }
    call->demand.cost_ns = gaussian_predict_ns(call, arguments);
    return arguments->z.dtype == NPY_FLOAT32 ? narrow_all(call, arguments) : PROBLEM_NONE;
}

static enum problem_kind gaussian_load(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    struct operand *const sides[OPERANDS_MAX] = {&arguments->x, &arguments->y, NULL};
    const struct operand *const over[] = {&arguments->x, &arguments->y, NULL};
    return operands_load(call, sides) ? call->problem.kind : operand_result(call, over, &arguments->z);
}

static struct gaussian_side kernel_side(const struct operand *side) {
    return (struct gaussian_side){.values = is_number(side) ? &side->number : side->values,
                                  .constant = is_number(side)};
}

static struct gaussian_float_side kernel_float_side(const struct operand *side, const float *number) {
    return (struct gaussian_float_side){.values = is_number(side) ? number : side->values, .constant = is_number(side)};
}

static enum problem_kind gaussian_compute(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    const struct operand *z = &arguments->z;
    double gamma = arguments->gaussian.gamma;
    enum kernel_status status = z->dtype == NPY_FLOAT32
                                    ? gaussian_float(kernel_float_side(&arguments->x, &arguments->narrow_x),
                                                     kernel_float_side(&arguments->y, &arguments->narrow_y),
                                                     (float)gamma, z->values, z->count, call->team, &call->progress)
                                    : gaussian(kernel_side(&arguments->x), kernel_side(&arguments->y), gamma, z->values,
                                               z->count, call->team, &call->progress);
    (void)status; /* whoever set the cancel flag knows why */
    return PROBLEM_NONE;
}

/* Finite numbers give a result that isn't only where gamma is 0 and a squared difference overflows (0 * inf):
 * everywhere else exp's argument is a number, or minus infinity. */
static enum problem_kind gaussian_refuse_number(struct call *call, const struct arguments *arguments, size_t index) {
    bool is_all_json = !arguments->x.data && !arguments->y.data;
    char pointer[32];
    (void)snprintf(pointer, sizeof pointer, "/z/%zu", index);
    return problem_set(&call->problem, PROBLEM_NON_FINITE_RESULT, pointer,
                       "element %zu is NaN: %sgamma is 0 and the squared difference overflows; "
                       "Accept: application/x-npy gets it",
                       index, is_all_json ? "" : "so is x or y there, or both are the same infinity, or ");
}

static enum problem_kind gaussian_encode(struct call *call) {
    const struct arguments *arguments = arguments_of(call);
    const struct operand *z = &arguments->z;
    size_t wrong = 0;
    if (call_answer_media(call) == MEDIA_NPY) {
        return array_reply_npy(call, z);
    }
    if (array_reply_json(call, "z", z, arguments->gaussian.precision, &wrong)) {
        return call->problem.kind;
    }
    if (wrong < z->count) {
        return gaussian_refuse_number(call, arguments, wrong);
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

/* The result overwrites an operand where it may, as the Gaussian's does. */
#include "handlers/map.h"

#include "handlers/array_reply.h"
#include "handlers/expression_text.h"
#include "handlers/map_operands.h"
#include "handlers/map_reply.h"
#include "handlers/named.h"
#include "handlers/options.h"

#include <assert.h>

struct arguments {
    struct map_operands operands;
    struct map_text *text;
    struct operand *results; /* one a text */
    bool is_reduced;
    struct expression_reduction reduction;
    void *scratch; /* of a reduction */
};

static_assert(sizeof(struct arguments) <= CALL_ARGUMENT_BYTES, "arguments fit the call");
static_assert((int)EXPRESSION_DIMENSIONS_MAX == (int)NPY_DIMENSIONS_MAX, "a shape is an array's");

static const struct field own_fields[] = {{"expr", FIELD_TEXT},    {"exprs", FIELD_BODY},
                                          {"names", FIELD_TEXT},   {"reduce", FIELD_TEXT},
                                          {"axis", FIELD_INTEGER}, {FIELD_ANY, FIELD_NUMBER_OR_DATA},
                                          {NULL, FIELD_BODY}};

static struct arguments *arguments_of(struct call *call) {
    return (struct arguments *)(void *)call->arguments;
}

/* An axis counts from the last one on where it is negative. */
static enum problem_kind map_read_axis(struct call *call, unsigned dimensions, int *axis) {
    int64_t index = 0;
    *axis = EXPRESSION_ALL;
    if (document_type_of(call->document, "axis") == DOCUMENT_ABSENT) {
        return PROBLEM_NONE;
    }
    if (dimensions == 0) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/axis",
                           "the operands are single numbers: there is no \"axis\" to reduce along");
    }
    if (document_integer(call->document, "axis", -(int64_t)dimensions, (int64_t)dimensions - 1, &index,
                         &call->problem)) {
        return call->problem.kind;
    }
    *axis = (int)(index < 0 ? index + (int64_t)dimensions : index);
    return PROBLEM_NONE;
}

static enum problem_kind map_read_reduction(struct call *call, struct arguments *arguments) {
    static const char *const names[] = {
        [REDUCTION_SUM] = "sum",       [REDUCTION_MEAN] = "mean",   [REDUCTION_PROD] = "prod",
        [REDUCTION_MIN] = "min",       [REDUCTION_MAX] = "max",     [REDUCTION_ANY] = "any",
        [REDUCTION_ALL] = "all",       [REDUCTION_COUNT] = "count", [REDUCTION_ARGMIN] = "argmin",
        [REDUCTION_ARGMAX] = "argmax", [REDUCTION_VAR] = "var",     [REDUCTION_STD] = "std",
        [REDUCTION_STD + 1] = NULL};
    size_t index = 0;
    arguments->is_reduced = document_type_of(call->document, "reduce") != DOCUMENT_ABSENT;
    if (!arguments->is_reduced) {
        return document_type_of(call->document, "axis") == DOCUMENT_ABSENT
                   ? PROBLEM_NONE
                   : problem_set(&call->problem, PROBLEM_MISSING_FIELD, "/reduce",
                                 "\"axis\" says along what \"reduce\" goes, but there is no \"reduce\"");
    }
    if (document_choice(call->document, "reduce", names, &index, &call->problem)) {
        return call->problem.kind;
    }
    arguments->reduction.kind = (enum reduction_kind)index;
    return map_read_axis(call, arguments->operands.shape.dimensions, &arguments->reduction.axis);
}

/* What a result's elements are, and in which shape. */
static struct operand map_result(const struct arguments *arguments, size_t index) {
    struct expression_shape shape = arguments->operands.shape;
    const struct expression_program *program = arguments->text->program;
    enum expression_type type = expression_result_type(program, index);
    size_t count = expression_count(&shape);
    if (arguments->is_reduced) {
        int axis = arguments->reduction.axis;
        type = expression_reduction_type(program, index, arguments->reduction.kind);
        count = expression_reduction_count(&shape, axis);
        shape.dimensions = axis == EXPRESSION_ALL ? 0 : shape.dimensions - 1;
        for (unsigned i = 0; i < shape.dimensions; i++) {
            shape.lengths[i] = shape.lengths[(int)i < axis ? i : i + 1];
        }
    }
    struct operand result = {
        .dtype = expression_text_dtype(type), .dimensions = shape.dimensions, .shape = {1, 1}, .count = count};
    for (unsigned i = 0; i < shape.dimensions; i++) {
        result.shape[i] = shape.lengths[i];
    }
    return result;
}

static enum problem_kind map_plan_results(struct call *call, struct arguments *arguments) {
    const struct map_text *text = arguments->text;
    arguments->results = call_take(call, text->count * sizeof *arguments->results);
    if (!arguments->results) {
        return call->problem.kind;
    }
    for (size_t i = 0; i < text->count; i++) {
        arguments->results[i] = map_result(arguments, i);
    }
    if (!named_is_wanted(call)) {
        return PROBLEM_NONE;
    }
    if (text->count > 1) {
        return problem_set(&call->problem, PROBLEM_CONFLICTING_FIELDS, "/store",
                           "\"store\" keeps one result, \"exprs\" makes %zu", text->count);
    }
    return named_check(call, &arguments->results[0]);
}

/* A reduction's results cost as well: there may be many of no elements. */
static uint64_t map_predict_ns(const struct call *call, const struct arguments *arguments) {
    enum { RESULT_NS = 20 };
    size_t count = expression_count(&arguments->operands.shape);
    size_t results = arguments->text->count * arguments->results[0].count;
    uint64_t ns = map_operands_cost_ns(&arguments->operands) + expression_cost_ns(arguments->text->program, count) +
                  options_chunk_cost_ns(&call->demand, count) + (arguments->is_reduced ? RESULT_NS * results : 0);
    return named_is_printed(call) ? ns + array_reply_cost_ns(results) : ns;
}

static enum problem_kind map_decode(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    arguments->text = call_take(call, sizeof *arguments->text);
    if (!arguments->text) {
        return call->problem.kind;
    }
    if (options_decode(call, own_fields) || map_text_check_given(call) ||
        map_operands_find(call, own_fields, &arguments->operands) ||
        map_text_compile(call, own_fields, &arguments->operands, arguments->text) ||
        map_read_reduction(call, arguments) || map_plan_results(call, arguments)) {
        expression_text_suggest(call, own_fields);
        return options_refuse(call);
    }
    call->demand.cost_ns = map_predict_ns(call, arguments);
    return PROBLEM_NONE;
}

static enum problem_kind map_load(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    const struct operand *over[EXPRESSION_NAMES_MAX + 1] = {NULL};
    if (map_operands_load(call, &arguments->operands)) {
        return call->problem.kind;
    }
    if (arguments->is_reduced) {
        size_t bytes = expression_reduction_scratch(arguments->text->program, &arguments->operands.shape,
                                                    arguments->reduction.axis);
        arguments->scratch = bytes > 0 ? call_take(call, bytes) : NULL;
    } else if (arguments->text->count == 1) {
        map_operands_list_whole(&arguments->operands, over);
    }
    for (size_t i = 0; i < arguments->text->count; i++) {
        if (operand_result(call, over, &arguments->results[i])) {
            return call->problem.kind;
        }
    }
    return call->problem.kind;
}

static enum problem_kind map_compute(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    const struct expression_shape *shape = &arguments->operands.shape;
    struct expression_failure failure;
    void *results[EXPRESSION_RESULTS_MAX] = {NULL};
    for (size_t i = 0; i < arguments->text->count; i++) {
        results[i] = arguments->results[i].values;
    }
    const struct expression_program *program = arguments->text->program;
    const struct expression_array *arrays = arguments->operands.arrays;
    enum kernel_status status =
        arguments->is_reduced ? expression_reduce(program, arrays, shape, &arguments->reduction, arguments->scratch,
                                                  results, call->team, &call->progress, &failure)
                              : expression_run(program, arrays, shape, results, call->team, &call->progress, &failure);
    if (status == KERNEL_DONE && failure.kind) { /* else whoever set the cancel flag knows why */
        return map_text_refuse_element(call, arguments->text, shape, &failure);
    }
    return PROBLEM_NONE;
}

static enum problem_kind map_encode(struct call *call) {
    const struct arguments *arguments = arguments_of(call);
    return map_reply(call, arguments->text, arguments->results);
}

static const struct envelope_field map_bulk[] = {
    {"cores", ENVELOPE_DOCUMENT}, {"", ENVELOPE_ARRAYS}, {NULL, ENVELOPE_ARRAYS}};

const struct endpoint map_endpoint = {
    .path = "/v1/map",
    .summary = "z = your own expression of arrays and numbers, element by element",
    .method = ENDPOINT_POST,
    .consumes = MEDIA_JSON | MEDIA_NPY,
    .produces = MEDIA_JSON | MEDIA_NPY,
    .bulk = map_bulk,
    .decode = map_decode,
    .load = map_load,
    .compute = map_compute,
    .encode = map_encode,
};

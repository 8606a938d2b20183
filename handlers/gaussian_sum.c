#include "handlers/gaussian_sum.h"

#include "handlers/array_reply.h"
#include "handlers/gaussian_options.h"
#include "handlers/named.h"
#include "handlers/options.h"
#include "handlers/points.h"
#include "kernels/gaussian/gaussian_sum.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

struct arguments {
    struct points points;
    struct gaussian_options gaussian;
    struct operand s;
    void *scratch;
};

static_assert(sizeof(struct arguments) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct arguments *arguments_of(struct call *call) {
    return (struct arguments *)(void *)call->arguments;
}

static uint64_t sum_predict_ns(const struct call *call, const struct arguments *arguments) {
    const struct points *points = &arguments->points;
    size_t n = points_x_count(points);
    size_t m = points_y_count(points);
    uint64_t ns = points->dtype == NPY_FLOAT32 ? gaussian_float_sum_cost_ns(n, m, points->dimensions)
                                               : gaussian_sum_cost_ns(n, m, points->dimensions);
    size_t ranges = n * (m / GAUSSIAN_SUM_RANGE + 1);
    ns += options_chunk_cost_ns(&call->demand, ranges) + points_load_cost_ns(points);
    return named_is_printed(call) ? ns + array_reply_cost_ns(n) : ns;
}

static enum problem_kind gaussian_sum_decode(struct call *call) {
    static const struct field fields[] = {
        {"x", FIELD_DATA}, {"y", FIELD_DATA}, {"weights", FIELD_DATA}, GAUSSIAN_OPTIONS, {NULL, FIELD_BODY}};
    struct arguments *arguments = arguments_of(call);
    struct points *points = &arguments->points;
    if (options_decode(call, fields) || points_measure(call, POINTS_WEIGHTED, points) ||
        gaussian_options_read(call, 1 / (double)points->dimensions, &arguments->gaussian) ||
        (points->dtype == NPY_FLOAT32 && gaussian_options_check_float(call, &arguments->gaussian))) {
        return options_refuse(call);
    }
    arguments->s = (struct operand){.dtype = points->dtype, .dimensions = 1, .shape = {points_x_count(points), 1}};
    if (named_check(call, &arguments->s)) {
        return options_refuse(call);
    }
    call->demand.cost_ns = sum_predict_ns(call, arguments);
    return PROBLEM_NONE;
}

static enum problem_kind gaussian_sum_load(struct call *call) {
    static const struct operand *const over[] = {NULL};
    struct arguments *arguments = arguments_of(call);
    struct points *points = &arguments->points;
    size_t scratch = gaussian_sum_scratch_bytes(points_x_count(points), points_y_count(points), points->dimensions);
    if (points_load(call, points) || operand_result(call, over, &arguments->s)) {
        return call->problem.kind;
    }
    arguments->scratch = call_take(call, scratch);
    return call->problem.kind;
}

static enum kernel_status sum_run_kernel(struct call *call, const struct arguments *arguments) {
    const struct points *points = &arguments->points;
    double gamma = arguments->gaussian.gamma;
    if (points->dtype == NPY_FLOAT32) {
        struct gaussian_float_points x = {.values = points->x.values, .count = points_x_count(points)};
        struct gaussian_float_points y = {.values = points->y.values, .count = points->y.shape[0]};
        return gaussian_float_sum(x, y, points->dimensions, gamma, points->weights.values, arguments->s.values,
                                  arguments->scratch, call->team, &call->progress);
    }
    struct gaussian_points x = {.values = points->x.values, .count = points_x_count(points)};
    struct gaussian_points y = {.values = points->y.values, .count = points->y.shape[0]};
    return gaussian_sum(x, y, points->dimensions, gamma, points->weights.values, arguments->s.values,
                        arguments->scratch, call->team, &call->progress);
}

static enum problem_kind gaussian_sum_compute(struct call *call) {
    if (sum_run_kernel(call, arguments_of(call)) == KERNEL_DONE) { /* else the server knows why it was cancelled */
        payload_drop(&call->body);
    }
    return PROBLEM_NONE;
}

static enum problem_kind sum_refuse_number(struct call *call, const struct operand *s, size_t index) {
    double value = 0;
    char pointer[32];
    npy_doubles(&value, (const char *)s->values + index * npy_number_bytes(s->dtype), s->dtype, 1);
    (void)snprintf(pointer, sizeof pointer, "/s/%zu", index);
    return problem_set(&call->problem, PROBLEM_NON_FINITE_RESULT, pointer,
                       "sum %zu is %s: a number of \"x\", \"y\" or \"weights\" isn't finite, or the sum overflows, or "
                       "gamma is 0 and a squared distance overflows; Accept: application/x-npy gets it",
                       index, isnan(value) ? "NaN" : "infinite");
}

static enum problem_kind gaussian_sum_encode(struct call *call) {
    const struct arguments *arguments = arguments_of(call);
    const struct operand *s = &arguments->s;
    size_t wrong = 0;
    if (call_answer_media(call) == MEDIA_NPY) {
        return array_reply_npy(call, s);
    }
    if (array_reply_json(call, "s", s, arguments->gaussian.precision, &wrong)) {
        return call->problem.kind;
    }
    if (wrong < s->count) {
        return sum_refuse_number(call, s, wrong);
    }
    json_key(&call->reply, "gamma");
    json_double(&call->reply, arguments->gaussian.gamma);
    return PROBLEM_NONE;
}

static const struct envelope_field gaussian_sum_bulk[] = {POINTS_BULK, POINTS_WEIGHTS_BULK, {NULL, ENVELOPE_ROWS}};

const struct endpoint gaussian_sum_endpoint = {
    .path = "/v1/gaussian/sum",
    .summary = "s[i] = sum over j of exp(-gamma |x[i] - y[j]|^2) weights[j]",
    .method = ENDPOINT_POST,
    .consumes = MEDIA_JSON | MEDIA_NPY,
    .produces = MEDIA_JSON | MEDIA_NPY,
    .bulk = gaussian_sum_bulk,
    .decode = gaussian_sum_decode,
    .load = gaussian_sum_load,
    .compute = gaussian_sum_compute,
    .encode = gaussian_sum_encode,
};

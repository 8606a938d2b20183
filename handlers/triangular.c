#include "handlers/triangular.h"

#include "handlers/options.h"
#include "kernels/triangular/triangular.h"

#include <assert.h>

/* A result is printed in about 100 ns. */
enum { RANGES_MAX = 4096, RESULT_NS = 100 };

struct arguments {
    uint64_t *ranges;
    struct triangular_result *results;
    size_t count;
};

static_assert(sizeof(struct arguments) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct arguments *arguments_of(struct call *call) {
    return (struct arguments *)(void *)call->arguments;
}

static enum problem_kind read_ranges(struct call *call, struct arguments *arguments) {
    size_t count = 0;
    if (document_array_length(call->document, "ranges", &count, &call->problem)) {
        return call->problem.kind;
    }
    if (count < 1 || count > RANGES_MAX) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/ranges",
                           "\"ranges\" has %zu elements; 1 to %d are allowed", count, RANGES_MAX);
    }
    int64_t *read = call_take(call, count * sizeof *read);
    arguments->ranges = call_take(call, count * sizeof *arguments->ranges);
    arguments->results = call_take(call, count * sizeof *arguments->results);
    if (!read || !arguments->ranges || !arguments->results ||
        document_array_integers(call->document, "ranges", 0, (int64_t)TRIANGULAR_RANGE_MAX, read, count,
                                &call->problem)) {
        return call->problem.kind;
    }
    for (size_t i = 0; i < count; i++) {
        arguments->ranges[i] = (uint64_t)read[i];
    }
    arguments->count = count;
    return PROBLEM_NONE;
}

/* Before the work is done: the formula knows the sum. No overflow goes unseen: what is added is below 2^63, and so is
 * what it is added to. */
static enum problem_kind check_sum(struct call *call, const struct arguments *arguments) {
    uint64_t sum = 0;
    for (size_t i = 0; i < arguments->count; i++) {
        sum += triangular_last(arguments->ranges[i]);
        if (sum > INT64_MAX) {
            return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/ranges",
                               "the sum of the first %zu results is over %lld, the limit", i + 1, (long long)INT64_MAX);
        }
    }
    return PROBLEM_NONE;
}

static enum problem_kind triangular_decode(struct call *call) {
    static const struct field fields[] = {{"ranges", FIELD_BODY}, {NULL, FIELD_TEXT}};
    struct arguments *arguments = arguments_of(call);
    if (options_decode(call, fields) || read_ranges(call, arguments) || check_sum(call, arguments)) {
        return options_refuse(call);
    }
    for (size_t i = 0; i < arguments->count; i++) {
        call->demand.cost_ns += triangular_cost_ns(arguments->ranges[i]) + RESULT_NS;
    }
    size_t chunk = call->demand.chunk;
    call->demand.tasks = (unsigned)(chunk > 0 ? (arguments->count - 1) / chunk + 1 : arguments->count);
    return PROBLEM_NONE;
}

static enum problem_kind triangular_compute(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    enum kernel_status status =
        triangular(arguments->ranges, arguments->results, arguments->count, call->team, &call->progress);
    (void)status; /* whoever set the cancel flag knows why: nothing to report here */
    return PROBLEM_NONE;
}

static void put_result(struct json_writer *reply, uint64_t range, const struct triangular_result *result) {
    json_begin_object(reply);
    json_key(reply, "range");
    json_unsigned(reply, range);
    json_key(reply, "last");
    json_unsigned(reply, result->last);
    json_key(reply, "core");
    json_index(reply, result->core);
    json_end_object(reply);
}

static enum problem_kind triangular_encode(struct call *call) {
    const struct arguments *arguments = arguments_of(call);
    uint64_t sum = 0;
    json_key(&call->reply, "results");
    json_begin_array(&call->reply);
    for (size_t i = 0; i < arguments->count; i++) {
        put_result(&call->reply, arguments->ranges[i], &arguments->results[i]);
        sum += arguments->results[i].last;
    }
    json_end_array(&call->reply);
    json_key(&call->reply, "sum");
    json_unsigned(&call->reply, sum);
    return PROBLEM_NONE;
}

const struct endpoint triangular_endpoint = {
    .path = "/v1/triangular",
    .summary = "a CPU load of known size: the last n(n+1)/2 of each range",
    .method = ENDPOINT_POST,
    .consumes = MEDIA_JSON,
    .produces = MEDIA_JSON,
    .decode = triangular_decode,
    .compute = triangular_compute,
    .encode = triangular_encode,
};

#include "handlers/triangular.h"

#include "handlers/named.h"
#include "handlers/options.h"
#include "kernels/triangular/triangular.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

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

static enum problem_kind check_count(struct call *call, size_t count) {
    if (count >= 1 && count <= RANGES_MAX) {
        return PROBLEM_NONE;
    }
    return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/ranges",
                       "\"ranges\" has %zu elements; 1 to %d are allowed", count, RANGES_MAX);
}

static enum problem_kind refuse_named_range(struct call *call, size_t index, double value) {
    char pointer[32];
    (void)snprintf(pointer, sizeof pointer, "/ranges/%zu", index);
    return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer,
                       "element %zu of \"ranges\" is %.17g; a whole number from 0 to %llu is expected", index, value,
                       (unsigned long long)TRIANGULAR_RANGE_MAX);
}

/* Few enough to be read right here. */
static enum problem_kind read_named_ranges(struct call *call, int64_t **read, size_t *count) {
    struct operand named;
    if (operand_find(call, "ranges", OPERAND_TAKES_NUMBERS, &named) || check_count(call, named.count)) {
        return call->problem.kind;
    }
    *count = named.count;
    *read = call_take(call, named.count * sizeof **read);
    for (size_t i = 0; *read && i < named.count; i++) {
        double value = 0;
        npy_doubles(&value, named.data + i * npy_number_bytes(named.dtype), named.dtype, 1);
        if (!(value >= 0 && value <= (double)TRIANGULAR_RANGE_MAX) || value != floor(value)) {
            return refuse_named_range(call, i, value);
        }
        (*read)[i] = (int64_t)value;
    }
    return call->problem.kind;
}

static enum problem_kind read_sent_ranges(struct call *call, int64_t **read, size_t *count) {
    if (document_type_of(call->document, "ranges") != DOCUMENT_ARRAY) {
        return document_refuse(call->document, "ranges", "an array of whole numbers, or {\"data\": \"name\"},",
                               &call->problem);
    }
    if (document_array_length(call->document, "ranges", count, &call->problem) || check_count(call, *count)) {
        return call->problem.kind;
    }
    *read = call_take(call, *count * sizeof **read);
    return *read ? document_array_integers(call->document, "ranges", 0, (int64_t)TRIANGULAR_RANGE_MAX, *read, *count,
                                           &call->problem)
                 : call->problem.kind;
}

static enum problem_kind read_ranges(struct call *call, struct arguments *arguments) {
    bool is_named = document_type_of(call->document, "ranges") == DOCUMENT_OBJECT;
    int64_t *read = NULL;
    size_t count = 0;
    if ((is_named ? read_named_ranges(call, &read, &count) : read_sent_ranges(call, &read, &count)) || !read) {
        return call->problem.kind;
    }
    arguments->ranges = call_take(call, count * sizeof *arguments->ranges);
    arguments->results = call_take(call, count * sizeof *arguments->results);
    if (!arguments->ranges || !arguments->results) {
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
    static const struct field fields[] = {{"ranges", FIELD_DATA}, {NULL, FIELD_TEXT}};
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

/* The last numbers, which are what /v1/triangular is for. */
static enum problem_kind keep_results(struct call *call, const struct arguments *arguments) {
    uint64_t *lasts = call_take(call, arguments->count * sizeof *lasts);
    for (size_t i = 0; lasts && i < arguments->count; i++) {
        lasts[i] = arguments->results[i].last;
    }
    return lasts ? named_keep_counts(call, "results", lasts, arguments->count) : call->problem.kind;
}

static enum problem_kind triangular_encode(struct call *call) {
    const struct arguments *arguments = arguments_of(call);
    uint64_t sum = 0;
    if (named_is_wanted(call)) {
        return keep_results(call, arguments);
    }
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

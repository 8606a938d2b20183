/* The matrix is by far the largest thing here: whether it fits, with its text, is known before any of it is there. */
#include "handlers/gaussian_matrix.h"

#include "handlers/array_reply.h"
#include "handlers/gaussian_options.h"
#include "handlers/named.h"
#include "handlers/options.h"
#include "handlers/points.h"
#include "kernels/gaussian/gaussian_matrix.h"
#include "server/engine/memory_budget.h"

#include <assert.h>
#include <stdio.h>

struct arguments {
    struct points points;
    struct gaussian_options gaussian;
    struct operand k;
};

static_assert(sizeof(struct arguments) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct arguments *arguments_of(struct call *call) {
    return (struct arguments *)(void *)call->arguments;
}

static size_t add(size_t a, size_t b) {
    return a < SIZE_MAX - b ? a + b : SIZE_MAX;
}

/* Of k; SIZE_MAX where a size_t can't hold them. */
static size_t matrix_bytes(const struct points *points) {
    size_t bytes = 0;
    bool fits = !__builtin_mul_overflow(points_x_count(points), points_y_count(points), &bytes) &&
                !__builtin_mul_overflow(bytes, npy_number_bytes(points->dtype), &bytes);
    return fits ? bytes : SIZE_MAX;
}

/* Bytes beside the matrix: of the numbers, and until it is computed of a body of .npy, from then on of the text. */
static size_t bytes_beside(const struct call *call, const struct points *points) {
    size_t body = call->order->body_media == MEDIA_NPY ? call->body.capacity : 0;
    size_t text = named_is_printed(call) ? array_reply_bytes(points_x_count(points), points_y_count(points)) : 0;
    return add(points_bytes(points), body > text ? body : text);
}

/* Refuses what can't fit even if it were alone. */
static enum problem_kind matrix_check_memory(struct call *call, const struct points *points) {
    size_t bytes = add(matrix_bytes(points), bytes_beside(call, points));
    if (bytes <= call->host->memory->limit_bytes) {
        return PROBLEM_NONE;
    }
    char taken[PROBLEM_BYTES_MAX];
    return problem_set(&call->problem, PROBLEM_MEMORY_LIMIT, NULL,
                       "a matrix of %zu x %zu numbers takes %s%s, the limit (--memory) is %zu; "
                       "/v1/gaussian/sum needs no matrix",
                       points_x_count(points), points_y_count(points), problem_bytes(bytes, taken),
                       named_is_printed(call) ? " with its text (less as application/x-npy)" : "",
                       call->host->memory->limit_bytes);
}

/* The kernel's time. Of a symmetric matrix the tiles from the diagonal on are computed, and the others copied: that
 * takes 0.6 to 0.9 ns an entry, 3 at worst (bench/matrix, "symmetric", 500 and 2000 points). */
static uint64_t matrix_kernel_ns(const struct points *points, size_t tiles) {
    size_t n = points_x_count(points);
    size_t m = points_y_count(points);
    uint64_t ns = points->dtype == NPY_FLOAT32 ? gaussian_float_matrix_cost_ns(n, m, points->dimensions)
                                               : gaussian_matrix_cost_ns(n, m, points->dimensions);
    if (operand_is_given(&points->y) || n == 0) {
        return ns;
    }
    double computed = (double)tiles / (double)gaussian_matrix_tiles(n, m, false);
    return (uint64_t)(computed * (double)ns + (1 - computed) * (double)n * (double)m);
}

static uint64_t matrix_predict_ns(const struct call *call, const struct arguments *arguments) {
    const struct points *points = &arguments->points;
    size_t tiles = gaussian_matrix_tiles(points_x_count(points), points_y_count(points), !operand_is_given(&points->y));
    uint64_t ns =
        matrix_kernel_ns(points, tiles) + options_chunk_cost_ns(&call->demand, tiles) + points_load_cost_ns(points);
    return named_is_printed(call) ? ns + array_reply_cost_ns(points_x_count(points) * points_y_count(points)) : ns;
}

static enum problem_kind gaussian_matrix_decode(struct call *call) {
    static const struct field fields[] = {{"x", FIELD_DATA}, {"y", FIELD_DATA}, GAUSSIAN_OPTIONS, {NULL, FIELD_BODY}};
    struct arguments *arguments = arguments_of(call);
    struct points *points = &arguments->points;
    if (options_decode(call, fields) || points_measure(call, POINTS_BARE, points) ||
        gaussian_options_read(call, 1 / (double)points->dimensions, &arguments->gaussian) ||
        (points->dtype == NPY_FLOAT32 && gaussian_options_check_float(call, &arguments->gaussian)) ||
        matrix_check_memory(call, points)) {
        return options_refuse(call);
    }
    arguments->k = (struct operand){
        .dtype = points->dtype, .dimensions = 2, .shape = {points_x_count(points), points_y_count(points)}};
    if (named_check(call, &arguments->k)) {
        return options_refuse(call);
    }
    call->demand.cost_ns = matrix_predict_ns(call, arguments);
    return PROBLEM_NONE;
}

static enum problem_kind gaussian_matrix_load(struct call *call) {
    static const struct operand *const over[] = {NULL};
    struct arguments *arguments = arguments_of(call);
    return points_load(call, &arguments->points) ? call->problem.kind : operand_result(call, over, &arguments->k);
}

static enum kernel_status matrix_run_kernel(struct call *call, const struct arguments *arguments) {
    const struct points *points = &arguments->points;
    double gamma = arguments->gaussian.gamma;
    if (points->dtype == NPY_FLOAT32) {
        struct gaussian_float_points x = {.values = points->x.values, .count = points_x_count(points)};
        struct gaussian_float_points y = {.values = points->y.values, .count = points->y.shape[0]};
        return gaussian_float_matrix(x, y, points->dimensions, (float)gamma, arguments->k.values, call->team,
                                     &call->progress);
    }
    struct gaussian_points x = {.values = points->x.values, .count = points_x_count(points)};
    struct gaussian_points y = {.values = points->y.values, .count = points->y.shape[0]};
    return gaussian_matrix(x, y, points->dimensions, gamma, arguments->k.values, call->team, &call->progress);
}

static enum problem_kind gaussian_matrix_compute(struct call *call) {
    if (matrix_run_kernel(call, arguments_of(call)) == KERNEL_DONE) { /* else the server knows why it was cancelled */
        payload_drop(&call->body);
    }
    return PROBLEM_NONE;
}

static enum problem_kind matrix_refuse_number(struct call *call, size_t row, size_t column) {
    char pointer[64];
    (void)snprintf(pointer, sizeof pointer, "/k/%zu/%zu", row, column);
    return problem_set(&call->problem, PROBLEM_NON_FINITE_RESULT, pointer,
                       "element %zu of row %zu is NaN: a number of row %zu of \"x\" or %zu of \"y\" isn't finite, or "
                       "gamma is 0 and the squared distance overflows; Accept: application/x-npy gets it",
                       column, row, row, column);
}

static enum problem_kind gaussian_matrix_encode(struct call *call) {
    const struct arguments *arguments = arguments_of(call);
    const struct operand *k = &arguments->k;
    size_t wrong = 0;
    if (call_answer_media(call) == MEDIA_NPY) {
        return array_reply_npy(call, k);
    }
    if (array_reply_json(call, "k", k, arguments->gaussian.precision, &wrong)) {
        return call->problem.kind;
    }
    if (wrong < k->count) {
        return matrix_refuse_number(call, wrong / k->shape[1], wrong % k->shape[1]);
    }
    json_key(&call->reply, "gamma");
    json_double(&call->reply, arguments->gaussian.gamma);
    return PROBLEM_NONE;
}

static const struct envelope_field gaussian_matrix_bulk[] = {POINTS_BULK, {NULL, ENVELOPE_ROWS}};

const struct endpoint gaussian_matrix_endpoint = {
    .path = "/v1/gaussian/matrix",
    .summary = "k[i][j] = exp(-gamma |x[i] - y[j]|^2)",
    .method = ENDPOINT_POST,
    .consumes = MEDIA_JSON | MEDIA_NPY,
    .produces = MEDIA_JSON | MEDIA_NPY,
    .bulk = gaussian_matrix_bulk,
    .decode = gaussian_matrix_decode,
    .load = gaussian_matrix_load,
    .compute = gaussian_matrix_compute,
    .encode = gaussian_matrix_encode,
};

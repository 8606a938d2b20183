/* Whether the result fits, with its text, is known before any of it is there: a matrix is by far the largest thing
 * here. */
#include "handlers/pairwise.h"

#include "handlers/array_reply.h"
#include "handlers/expression_text.h"
#include "handlers/named.h"
#include "handlers/options.h"
#include "handlers/pairwise_reply.h"
#include "server/engine/memory_budget.h"

#include <assert.h>
#include <stdio.h>

/* Of pairs: the kernel takes no more. */
static const size_t pairs_max = ((size_t)1 << 48) - 1;

struct arguments {
    struct pairwise_request *request; /* the call's: it is too long for here */
    void *scratch;
};

static_assert(sizeof(struct arguments) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static const struct field own_fields[] = {
    {"x", FIELD_DATA},    {"y", FIELD_DATA},          {"weights", FIELD_DATA},   {"xs", FIELD_DATA},
    {"ys", FIELD_DATA},   {"expr", FIELD_TEXT},       {"kernel", FIELD_TEXT},    {"reduce", FIELD_TEXT},
    {"k", FIELD_INTEGER}, {"largest", FIELD_BOOLEAN}, {FIELD_ANY, FIELD_NUMBER}, {NULL, FIELD_BODY}};

static struct arguments *arguments_of(struct call *call) {
    return (struct arguments *)(void *)call->arguments;
}

/* --- decode: options ---------------------------------------------------------------------------------------------- */

/* Is it the request's own, or its batch's for all items? */
static bool is_given(const struct call *call, const char *name) {
    return call->is_item ? document_has_own(call->document, name)
                         : document_type_of(call->document, name) != DOCUMENT_ABSENT;
}

/* What goes with another "reduce" only; of a batch's defaults it may be for other items. */
static enum problem_kind refuse_others(struct call *call, struct pairwise_request *request) {
    enum pairwise_kind kind = request->pairwise.kind;
    static const struct {
        const char *name;
        enum pairwise_kind kind;
        const char *reduce;
    } rows[] = {{"weights", PAIRWISE_SUM, "sum"}, {"k", PAIRWISE_TOPK, "topk"}, {"largest", PAIRWISE_TOPK, "topk"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool is_array = rows[i].kind == PAIRWISE_SUM && operand_is_given(&request->points.weights);
        if (kind != rows[i].kind && (is_given(call, rows[i].name) || (is_array && !call->is_item))) {
            char pointer[ENVELOPE_NAME_MAX + 4];
            (void)snprintf(pointer, sizeof pointer, "/%s", rows[i].name);
            return problem_set(&call->problem, PROBLEM_CONFLICTING_FIELDS, pointer,
                               "\"%s\" goes with \"reduce\": \"%s\" only", rows[i].name, rows[i].reduce);
        }
    }
    if (kind != PAIRWISE_SUM) {
        request->points.weights = (struct operand){.name = "weights"};
    }
    return PROBLEM_NONE;
}

static enum problem_kind read_top(struct call *call, struct pairwise_request *request) {
    size_t m = points_y_count(&request->points);
    int64_t k = 0;
    if (request->pairwise.kind != PAIRWISE_TOPK) {
        return PROBLEM_NONE;
    }
    if (m == 0) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/k",
                           "\"k\" rows of \"y\" are to be found for each of \"x\", but it has none");
    }
    if (document_integer(call->document, "k", 1, (int64_t)m, &k, &call->problem) ||
        (document_type_of(call->document, "largest") != DOCUMENT_ABSENT &&
         document_boolean(call->document, "largest", &request->pairwise.largest, &call->problem))) {
        return call->problem.kind;
    }
    request->pairwise.k = (size_t)k;
    return PROBLEM_NONE;
}

static enum problem_kind read_reduction(struct call *call, struct pairwise_request *request) {
    static const char *const names[] = {"sum",    "mean",  "min",       "max",  "argmin",
                                        "argmax", "count", "logsumexp", "topk", NULL};
    static const enum pairwise_kind kinds[] = {PAIRWISE_SUM,   PAIRWISE_MEAN,      PAIRWISE_MIN,
                                               PAIRWISE_MAX,   PAIRWISE_ARGMIN,    PAIRWISE_ARGMAX,
                                               PAIRWISE_COUNT, PAIRWISE_LOGSUMEXP, PAIRWISE_TOPK};
    static_assert(sizeof names / sizeof *names == sizeof kinds / sizeof *kinds + 1, "a kind for each name");
    size_t index = 0;
    request->pairwise.kind = PAIRWISE_MATRIX;
    if (document_type_of(call->document, "reduce") != DOCUMENT_ABSENT) {
        if (document_choice(call->document, "reduce", names, &index, &call->problem)) {
            return call->problem.kind;
        }
        request->pairwise.kind = kinds[index];
    }
    return refuse_others(call, request) ? call->problem.kind : read_top(call, request);
}

/* --- decode: arrays ----------------------------------------------------------------------------------------------- */

static enum problem_kind find_scalars(struct call *call, const char *name, const char *points, size_t count,
                                      struct operand *scalars) {
    char pointer[ENVELOPE_NAME_MAX + 4];
    if (operand_find(call, name, OPERAND_TAKES_NUMBERS | OPERAND_TAKES_NOTHING, scalars)) {
        return call->problem.kind;
    }
    if (!operand_is_given(scalars) || scalars->count == count) {
        return PROBLEM_NONE;
    }
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    return problem_set(&call->problem, PROBLEM_LENGTH_MISMATCH, pointer,
                       "\"%s\" has %zu number%s, \"%s\" has %zu row%s; there is a number for each row", name,
                       scalars->count, problem_plural(scalars->count), points, count, problem_plural(count));
}

static enum problem_kind measure(struct call *call, struct pairwise_request *request) {
    struct points *points = &request->points;
    if (points_measure(call, POINTS_WEIGHTED_ROWS, points)) {
        return call->problem.kind;
    }
    const char *columns = operand_is_given(&points->y) ? "y" : "x";
    if (find_scalars(call, "xs", "x", points_x_count(points), &request->xs) ||
        find_scalars(call, "ys", columns, points_y_count(points), &request->ys)) {
        return call->problem.kind;
    }
    size_t pairs = 0;
    if (__builtin_mul_overflow(points_x_count(points), points_y_count(points), &pairs) || pairs > pairs_max) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, "/x",
                           "%zu x %zu pairs are too many: 2^48 - 1 are "
                           "allowed",
                           points_x_count(points), points_y_count(points));
    }
    return PROBLEM_NONE;
}

/* Without y its scalars are those of x, if there are no others. */
static const struct operand *scalars_of_y(const struct pairwise_request *request) {
    return operand_is_given(&request->ys) || operand_is_given(&request->points.y) ? &request->ys : &request->xs;
}

/* The expression's scalars are there, and those that are there are the expression's. */
static enum problem_kind check_scalars(struct call *call, const struct pairwise_request *request) {
    const struct expression_program *program = request->text->program;
    const struct operand *ys = scalars_of_y(request);
    if ((operand_is_given(&request->xs) && !(ys == &request->xs && expression_uses(program, PAIRWISE_YS)) &&
         expression_text_check_use(call, program, PAIRWISE_XS, "xs")) ||
        (operand_is_given(&request->ys) && expression_text_check_use(call, program, PAIRWISE_YS, "ys"))) {
        return call->problem.kind;
    }
    if (expression_uses(program, PAIRWISE_XS) && !operand_is_given(&request->xs)) {
        return problem_set(&call->problem, PROBLEM_MISSING_FIELD, "/xs",
                           "\"xs\" is missing; the expression uses it: a number for each row of \"x\"");
    }
    if (expression_uses(program, PAIRWISE_YS) && !operand_is_given(ys)) {
        return problem_set(&call->problem, PROBLEM_MISSING_FIELD, "/ys",
                           "\"ys\" is missing; the expression uses it: a number for each row of \"%s\"",
                           operand_is_given(&request->points.y) ? "y" : "x");
    }
    return PROBLEM_NONE;
}

/* --- decode: what comes out --------------------------------------------------------------------------------------- */

/* All but values: where there are some this says that they are there. */
static void describe(struct pairwise_request *request) {
    struct points *points = &request->points;
    struct pairwise *pairwise = &request->pairwise;
    pairwise->program = request->text->program;
    pairwise->type = points->dtype == NPY_FLOAT32 ? EXPRESSION_FLOAT32 : EXPRESSION_FLOAT64;
    pairwise->x = (struct pairwise_points){points, points_x_count(points)};
    pairwise->y = (struct pairwise_points){operand_is_given(&points->y) ? points : NULL, points_y_count(points)};
    pairwise->dimensions = points->dimensions;
    pairwise->numbers = request->text->number_count > 0 ? request->text->arrays : NULL;
    pairwise->weights = operand_is_given(&points->weights) ? points : NULL;
    pairwise->columns = pairwise->weights && points->weights.dimensions == 2 ? points->weights.shape[1] : 1;
}

static void shape_results(struct pairwise_request *request) {
    const struct pairwise *pairwise = &request->pairwise;
    bool has_rows =
        pairwise->kind == PAIRWISE_MATRIX || pairwise->kind == PAIRWISE_TOPK || request->points.weights.dimensions == 2;
    size_t columns = pairwise->kind == PAIRWISE_MATRIX ? pairwise->y.count
                     : pairwise->kind == PAIRWISE_TOPK ? pairwise->k
                                                       : pairwise->columns;
    request->z = (struct operand){.dtype = expression_text_dtype(pairwise_result_type(pairwise)),
                                  .dimensions = has_rows ? 2 : 1,
                                  .shape = {pairwise->x.count, has_rows ? columns : 1}};
    request->indices = request->z;
    request->indices.dtype = NPY_INT64;
}

static size_t add(size_t a, size_t b) {
    return a < SIZE_MAX - b ? a + b : SIZE_MAX;
}

/* SIZE_MAX where a size_t can't hold them. */
static size_t bytes_of(const struct pairwise_request *request, size_t number_bytes) {
    size_t count = pairwise_result_count(&request->pairwise);
    size_t bytes = 0;
    return count == SIZE_MAX || __builtin_mul_overflow(count, number_bytes, &bytes) ? SIZE_MAX : bytes;
}

/* Refuses what can't fit even if it were alone. */
static enum problem_kind check_memory(struct call *call, const struct pairwise_request *request) {
    const struct points *points = &request->points;
    const size_t *shape = request->z.shape;
    bool has_indices = request->pairwise.kind == PAIRWISE_TOPK;
    size_t body = call->order->body_media == MEDIA_NPY ? call->body.capacity : 0;
    size_t text = named_is_printed(call) ? array_reply_bytes(shape[0], shape[1]) : 0;
    text = has_indices ? add(text, text) : text;
    size_t bytes = add(bytes_of(request, npy_number_bytes(request->z.dtype)),
                       has_indices ? bytes_of(request, sizeof(int64_t)) : 0);
    bytes = add(bytes, pairwise_scratch_bytes(&request->pairwise));
    bytes = add(bytes, add(points_bytes(points), operand_bytes(&request->xs) + operand_bytes(&request->ys)));
    bytes = add(bytes, body > text ? body : text);
    if (bytes <= call->host->memory->limit_bytes) {
        return PROBLEM_NONE;
    }
    char taken[PROBLEM_BYTES_MAX];
    return problem_set(&call->problem, PROBLEM_MEMORY_LIMIT, NULL,
                       "a result of %zu x %zu numbers takes %s%s, the limit (--memory) is %zu%s", shape[0], shape[1],
                       problem_bytes(bytes, taken),
                       named_is_printed(call) ? " with its text (less as application/x-npy)" : "",
                       call->host->memory->limit_bytes,
                       request->pairwise.kind == PAIRWISE_MATRIX ? "; \"reduce\" needs no matrix" : "");
}

static enum problem_kind check_store(struct call *call, const struct pairwise_request *request) {
    if (!named_is_wanted(call)) {
        return PROBLEM_NONE;
    }
    if (request->pairwise.kind == PAIRWISE_TOPK) {
        return problem_set(&call->problem, PROBLEM_CONFLICTING_FIELDS, "/store",
                           "\"store\" keeps one array, \"topk\" makes two: values and indices");
    }
    return named_check(call, &request->z);
}

static uint64_t predict_ns(const struct call *call, const struct pairwise_request *request) {
    uint64_t ns = pairwise_cost_ns(&request->pairwise) +
                  options_chunk_cost_ns(&call->demand, pairwise_tiles(&request->pairwise)) +
                  points_load_cost_ns(&request->points) + operand_load_cost_ns(&request->xs) +
                  operand_load_cost_ns(&request->ys);
    size_t printed = named_is_printed(call) ? pairwise_result_count(&request->pairwise) : 0;
    return ns + array_reply_cost_ns(request->pairwise.kind == PAIRWISE_TOPK ? 2 * printed : printed);
}

static enum problem_kind pairwise_decode(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    struct pairwise_request *request = call_take(call, sizeof *request);
    if (!request) {
        return call->problem.kind;
    }
    *request = (struct pairwise_request){0};
    arguments->request = request;
    request->text = call_take(call, sizeof *request->text);
    if (!request->text) {
        return call->problem.kind;
    }
    struct points *points = &request->points;
    if (options_decode(call, own_fields) || measure(call, request) || read_reduction(call, request)) {
        expression_text_suggest(call, own_fields);
        return options_refuse(call);
    }
    struct operand *const arrays[] = {&points->x, &points->y, &points->weights, &request->xs, &request->ys, NULL};
    points->dtype = operands_promote(arrays);
    if (pairwise_text_compile(call, own_fields, points->dtype, points->dimensions, request->text) ||
        check_scalars(call, request)) {
        expression_text_suggest(call, own_fields);
        return options_refuse(call);
    }
    describe(request);
    shape_results(request);
    if (check_store(call, request) || check_memory(call, request)) {
        return options_refuse(call);
    }
    call->demand.cost_ns = predict_ns(call, request);
    return PROBLEM_NONE;
}

/* --- load, compute ------------------------------------------------------------------------------------------------ */

/* What has no numbers may lie nowhere, and is given all the same. */
static const void *values_of(const struct operand *operand) {
    return operand->values ? operand->values : operand_is_given(operand) ? operand : NULL;
}

static enum problem_kind pairwise_load(struct call *call) {
    static const struct operand *const over[] = {NULL};
    struct arguments *arguments = arguments_of(call);
    struct pairwise_request *request = arguments->request;
    struct pairwise *pairwise = &request->pairwise;
    struct points *points = &request->points;
    struct operand *const arrays[] = {&points->x, &points->y, &points->weights, &request->xs, &request->ys, NULL};
    if (operands_load(call, arrays) || operand_result(call, over, &request->z) ||
        (pairwise->kind == PAIRWISE_TOPK && operand_result(call, over, &request->indices))) {
        return call->problem.kind;
    }
    pairwise->x.values = values_of(&points->x);
    pairwise->y.values = values_of(&points->y);
    pairwise->weights = values_of(&points->weights);
    pairwise->xs = expression_uses(pairwise->program, PAIRWISE_XS) ? values_of(&request->xs) : NULL;
    pairwise->ys = expression_uses(pairwise->program, PAIRWISE_YS) ? values_of(scalars_of_y(request)) : NULL;
    size_t scratch = pairwise_scratch_bytes(pairwise);
    arguments->scratch = scratch > 0 ? call_take(call, scratch) : NULL;
    return call->problem.kind;
}

static enum problem_kind pairwise_compute(struct call *call) {
    struct arguments *arguments = arguments_of(call);
    const struct pairwise_request *request = arguments->request;
    const struct pairwise *pairwise = &request->pairwise;
    struct expression_failure failure = {0};
    enum kernel_status status = pairwise_run(pairwise, request->z.values, request->indices.values, arguments->scratch,
                                             call->team, &call->progress, &failure);
    if (status != KERNEL_DONE) { /* whoever set the cancel flag knows why */
        return PROBLEM_NONE;
    }
    if (failure.kind) {
        const struct expression_shape shape = {.dimensions = 2, .lengths = {pairwise->x.count, pairwise->y.count}};
        return expression_text_refuse_element(call, request->text->text, pairwise_text_pointer(request->text), &shape,
                                              &failure);
    }
    payload_drop(&call->body);
    return PROBLEM_NONE;
}

static enum problem_kind pairwise_encode(struct call *call) {
    return pairwise_reply(call, arguments_of(call)->request);
}

/* Weights are numbers or rows: ENVELOPE_ARRAYS finds out. */
static const struct envelope_field pairwise_bulk[] = {
    {"x", ENVELOPE_ROWS},         {"y", ENVELOPE_ROWS},  {"xs", ENVELOPE_NUMBERS}, {"ys", ENVELOPE_NUMBERS},
    {"cores", ENVELOPE_DOCUMENT}, {"", ENVELOPE_ARRAYS}, {NULL, ENVELOPE_ARRAYS}};

const struct endpoint pairwise_endpoint = {
    .path = "/v1/pairwise",
    .summary = "z[i][j] = your own expression, or a named kernel, of the points x[i] and y[j]; or its reduction over j",
    .method = ENDPOINT_POST,
    .consumes = MEDIA_JSON | MEDIA_NPY,
    .produces = MEDIA_JSON | MEDIA_NPY,
    .bulk = pairwise_bulk,
    .decode = pairwise_decode,
    .load = pairwise_load,
    .compute = pairwise_compute,
    .encode = pairwise_encode,
};

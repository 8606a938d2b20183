/* Rows of bench/predictions over pairs of points: the Gaussian's matrix and sum, and /v1/pairwise's measures, each with
 * each way of reducing them. */
#include "bench/prediction_inputs.h"
#include "kernels/gaussian/gaussian_matrix.h"
#include "kernels/gaussian/gaussian_sum.h"
#include "kernels/pairwise/pairwise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 1000, DIMENSIONS_MAX = 512, COORDINATES = POINTS_MAX * DIMENSIONS_MAX, ENTRIES = 250000 };
enum { SCRATCH_BYTES = 16 << 20, COLUMNS = 3 };

static const struct progress nothing_watched = {0};
static const struct team alone = {.threads = 1};

static const size_t dimension_counts[] = {1, 2, 3, 4, 5, 8, 16, 63, 64, 65, 128, DIMENSIONS_MAX};
enum { DIMENSION_COUNTS = sizeof dimension_counts / sizeof *dimension_counts };

/* One pair, a row, a column, a few tiles of which most aren't full, and as many as are read on an event loop at most.
 */
static const struct shape {
    size_t n, m;
} shapes[] = {{1, 1}, {1, POINTS_MAX}, {POINTS_MAX, 1}, {10, 10}, {100, 100}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void insist(enum kernel_status status) {
    if (status) {
        abort();
    }
}

/* What a run reads and writes; filled anew for each kind of numbers. */
static struct {
    void *x, *y, *weights, *out, *scratch;
    int64_t *indices;
} memory;

static void fill_points(const struct numbers *x, const struct numbers *y, size_t dimensions, bool is_float) {
    size_t count = (dimensions > 128 ? 100 : POINTS_MAX) * dimensions;
    fill_numbers(x, is_float, memory.x, count);
    fill_numbers(y, is_float, memory.y, count);
}

/* 512 dimensions of 1,000 points aren't needed to know what one of them costs. */
static bool is_left_out(const struct shape *shape, size_t dimensions) {
    return dimensions > 128 && (shape->n > 100 || shape->m > 100);
}

/* Each kind of numbers against itself and against the first. */
static const struct numbers *other(size_t kind, bool against_first) {
    return &numbers[against_first ? 0 : kind];
}

/* ---- the Gaussian ------------------------------------------------------------------------------------------------ */

struct gaussian_case {
    size_t n, m, dimensions;
    double gamma;
    bool is_float, is_sum;
};

static void run_double(const struct gaussian_case *c) {
    const struct gaussian_points x = {memory.x, c->n}, y = {memory.y, c->m};
    if (c->is_sum) {
        insist(gaussian_sum(x, y, c->dimensions, c->gamma, memory.weights, memory.out, memory.scratch, &alone,
                            &nothing_watched));
    } else {
        insist(gaussian_matrix(x, y, c->dimensions, c->gamma, memory.out, &alone, &nothing_watched));
    }
}

static void run_float(const struct gaussian_case *c) {
    const struct gaussian_float_points x = {memory.x, c->n}, y = {memory.y, c->m};
    float gamma = c->gamma > 1e38 ? 1e38F : (float)c->gamma;
    if (c->is_sum) {
        insist(gaussian_float_sum(x, y, c->dimensions, (double)gamma, memory.weights, memory.out, memory.scratch,
                                  &alone, &nothing_watched));
    } else {
        insist(gaussian_float_matrix(x, y, c->dimensions, gamma, memory.out, &alone, &nothing_watched));
    }
}

static void run_gaussian(const void *context) {
    const struct gaussian_case *c = context;
    (c->is_float ? run_float : run_double)(c);
}

static double predict_gaussian(const struct gaussian_case *c) {
    uint64_t (*predict)(size_t n, size_t m, size_t dimensions) =
        c->is_sum ? (c->is_float ? gaussian_float_sum_cost_ns : gaussian_sum_cost_ns)
                  : (c->is_float ? gaussian_float_matrix_cost_ns : gaussian_matrix_cost_ns);
    return (double)predict(c->n, c->m, c->dimensions);
}

static void judge_gaussian(struct gaussian_case *c, const char *x_name, const char *y_name) {
    static const double gammas[] = {0, 0.01, 1e-30, 1e300}; /* with the last no products, and all underflows */
    for (size_t g = 0; g < sizeof gammas / sizeof *gammas; g++) {
        for (size_t s = 0; s < SHAPES; s++) {
            if (is_left_out(&shapes[s], c->dimensions)) {
                continue;
            }
            char input[96];
            c->n = shapes[s].n, c->m = shapes[s].m, c->gamma = gammas[g];
            snprintf(input, sizeof input, "%zu of %s, %zu of %s, gamma %g", c->n, x_name, c->m, y_name, c->gamma);
            row_judge(input, predict_gaussian(c), run_gaussian, c);
        }
    }
}

static void judge_points(struct gaussian_case *c) {
    for (size_t i = 0; i < numbers_count; i++) {
        for (int against_first = 0; against_first < 2; against_first++) {
            const struct numbers *y = other(i, against_first);
            fill_points(&numbers[i], y, c->dimensions, c->is_float);
            judge_gaussian(c, numbers[i].name, y->name);
        }
    }
}

static void predict_gaussians(bool is_float, bool is_sum) {
    for (size_t d = 0; d < DIMENSION_COUNTS; d++) {
        struct gaussian_case c = {.dimensions = dimension_counts[d], .is_float = is_float, .is_sum = is_sum};
        char name[64];
        snprintf(name, sizeof name, "gaussian_%s %s d %zu", is_sum ? "sum" : "matrix", is_float ? "float32" : "float64",
                 c.dimensions);
        fill_numbers(&numbers[0], is_float, memory.weights, POINTS_MAX);
        if (row_begin(name)) {
            judge_points(&c);
            row_end();
        }
    }
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum pairwise_kind kind;
    size_t columns, k;
} reductions[] = {{"matrix", PAIRWISE_MATRIX, 1, 0},
                  {"sum", PAIRWISE_SUM, 1, 0},
                  {"weighted sum", PAIRWISE_SUM, COLUMNS, 0},
                  {"mean", PAIRWISE_MEAN, 1, 0},
                  {"min", PAIRWISE_MIN, 1, 0},
                  {"argmin", PAIRWISE_ARGMIN, 1, 0},
                  {"argmax", PAIRWISE_ARGMAX, 1, 0},
                  {"count", PAIRWISE_COUNT, 1, 0},
                  {"logsumexp", PAIRWISE_LOGSUMEXP, 1, 0},
                  {"topk 1", PAIRWISE_TOPK, 1, 1},
                  {"topk 10", PAIRWISE_TOPK, 1, 10},
                  {"topk 100", PAIRWISE_TOPK, 1, 100},
                  {"topk 1000", PAIRWISE_TOPK, 1, POINTS_MAX}};
enum { REDUCTIONS = sizeof reductions / sizeof *reductions };

static void run_pairs(const void *context) {
    const struct pairwise *pairwise = context;
    int64_t *indices = pairwise->kind == PAIRWISE_TOPK ? memory.indices : NULL;
    struct expression_failure failure;
    insist(pairwise_run(pairwise, memory.out, indices, memory.scratch, &alone, &nothing_watched, &failure));
}

static void judge_shapes(struct pairwise *pairwise, const char *x_name, const char *y_name) {
    for (size_t s = 0; s < SHAPES; s++) {
        const struct shape *shape = &shapes[s];
        pairwise->x.count = shape->n, pairwise->y.count = shape->m;
        if (is_left_out(shape, pairwise->dimensions) || pairwise->k > shape->m ||
            pairwise_scratch_bytes(pairwise) > SCRATCH_BYTES) {
            continue;
        }
        for (int largest = 0; largest < (pairwise->kind == PAIRWISE_TOPK ? 2 : 1); largest++) {
            char input[96];
            pairwise->largest = largest;
            snprintf(input, sizeof input, "%zu of %s, %zu of %s, d %zu%s", shape->n, x_name, shape->m, y_name,
                     pairwise->dimensions, largest ? ", largest" : "");
            row_judge(input, (double)pairwise_cost_ns(pairwise), run_pairs, pairwise);
        }
    }
}

static void judge_pairs(struct pairwise *pairwise) {
    bool is_float = pairwise->type == EXPRESSION_FLOAT32;
    for (size_t d = 0; d < DIMENSION_COUNTS; d++) {
        pairwise->dimensions = dimension_counts[d];
        for (size_t i = 0; i < numbers_count; i++) {
            for (int against_first = 0; against_first < 2; against_first++) {
                const struct numbers *y = other(i, against_first);
                fill_points(&numbers[i], y, pairwise->dimensions, is_float);
                judge_shapes(pairwise, numbers[i].name, y->name);
            }
        }
    }
}

static void predict_pairs(const char *text, enum expression_type type, void *program) {
    struct expression_operand operands[PAIRWISE_OPERANDS];
    const struct expression_text texts = {text, strlen(text)};
    struct expression_error error;
    pairwise_operands(type, operands);
    if (expression_compile(&texts, 1, operands, PAIRWISE_OPERANDS, program, &error) == 0) {
        abort();
    }
    for (size_t r = 0; r < REDUCTIONS; r++) {
        char name[64];
        snprintf(name, sizeof name, "pairwise %s %s %s", expression_type_name(type), text, reductions[r].name);
        struct pairwise pairwise = {.program = program,
                                    .type = type,
                                    .x = {memory.x, 0},
                                    .y = {memory.y, 0},
                                    .kind = reductions[r].kind,
                                    .columns = reductions[r].columns,
                                    .weights = reductions[r].columns > 1 ? memory.weights : NULL,
                                    .k = reductions[r].k};
        fill_numbers(&numbers[0], type == EXPRESSION_FLOAT32, memory.weights, (size_t)POINTS_MAX * COLUMNS);
        if (row_begin(name)) {
            judge_pairs(&pairwise);
            row_end();
        }
    }
}

void predict_points(void) {
    static const char *const measures[] = {"d2", "d", "dot", "l1", "linf", "cos", "exp(-d2)"};
    void *program = take(EXPRESSION_PROGRAM_BYTES_MAX);
    memory.x = take(COORDINATES * sizeof(double));
    memory.y = take(COORDINATES * sizeof(double));
    memory.weights = take((size_t)POINTS_MAX * COLUMNS * sizeof(double));
    memory.out = take(ENTRIES * sizeof(double));
    memory.indices = take(ENTRIES * sizeof *memory.indices);
    memory.scratch = take(SCRATCH_BYTES);
    for (int is_sum = 0; is_sum < 2; is_sum++) {
        predict_gaussians(false, is_sum);
        predict_gaussians(true, is_sum);
    }
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
        predict_pairs(measures[i], EXPRESSION_FLOAT64, program);
        predict_pairs(measures[i], EXPRESSION_FLOAT32, program);
    }
    free(program);
    free(memory.x);
    free(memory.y);
    free(memory.weights);
    free(memory.out);
    free(memory.indices);
    free(memory.scratch);
}

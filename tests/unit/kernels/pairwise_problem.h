#pragma once
/* Pairwise problems for tests: points, scalars and weights at random, in memory of exactly their size, so that
 * AddressSanitizer sees each step beyond. */
#include "kernels/pairwise/pairwise.h"
#include "tests/unit/next_round.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct progress nothing_watched = {0};
static const struct team alone = {.threads = 1};
static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static size_t below(size_t limit) {
    return next_random() % limit;
}

/* Within +-1. */
static double uniform(void) {
    return (double)(int64_t)(next_random() >> 11) * 0x1p-52 - 1;
}

static void *take(size_t bytes) {
    void *memory = NULL;
    assert_int_equal(posix_memalign(&memory, 64, bytes + (bytes == 0)), 0);
    memset(memory, 0xff, bytes);
    return memory;
}

static void *random_numbers(enum expression_type type, size_t count) {
    void *values = take(count * expression_type_bytes(type));
    for (size_t i = 0; i < count; i++) {
        if (type == EXPRESSION_FLOAT32) {
            ((float *)values)[i] = (float)uniform();
        } else {
            ((double *)values)[i] = uniform();
        }
    }
    return values;
}

/* Owns what it points to. */
struct problem {
    struct pairwise pairwise;
    void *program, *x, *y, *xs, *ys, *weights;
    double gamma;
    struct expression_array number;
};

/* One more operand is the number gamma, 0.5. */
static void compile(struct problem *problem, const char *bytes) {
    struct expression_operand operands[PAIRWISE_OPERANDS + 1];
    const struct expression_text text = {bytes, strlen(bytes)};
    struct expression_error error;
    pairwise_operands(problem->pairwise.type, operands);
    operands[PAIRWISE_OPERANDS] = (struct expression_operand){"gamma", EXPRESSION_FLOAT64, true, true};
    if (expression_compile(&text, 1, operands, PAIRWISE_OPERANDS + 1, problem->program, &error) == 0) {
        fail_msg("%s: at %zu: %s", bytes, error.offset, error.message);
    }
    problem->pairwise.program = problem->program;
}

/* y is another set of points where `has_y`. */
static struct problem *make_problem(enum expression_type type, size_t n, size_t m, size_t dimensions, bool has_y) {
    struct problem *problem = calloc(1, sizeof *problem);
    assert_non_null(problem);
    m = has_y ? m : n;
    problem->program = take(EXPRESSION_PROGRAM_BYTES_MAX);
    problem->x = random_numbers(type, n * dimensions);
    problem->y = has_y ? random_numbers(type, m * dimensions) : NULL;
    problem->xs = random_numbers(type, n);
    problem->ys = random_numbers(type, m);
    problem->gamma = 0.5;
    problem->number = (struct expression_array){.values = &problem->gamma};
    problem->pairwise = (struct pairwise){.type = type,
                                          .x = {problem->x, n},
                                          .y = {problem->y, m},
                                          .dimensions = dimensions,
                                          .xs = problem->xs,
                                          .ys = problem->ys,
                                          .numbers = &problem->number,
                                          .columns = 1};
    return problem;
}

static void free_problem(struct problem *problem) {
    free(problem->program);
    free(problem->x);
    free(problem->y);
    free(problem->xs);
    free(problem->ys);
    free(problem->weights);
    free(problem);
}

struct answer {
    void *values;
    int64_t *indices;
    size_t bytes;
    struct expression_failure failure;
    enum kernel_status status;
};

static struct answer try_problem(const struct problem *problem, const struct team *team,
                                 const struct progress *progress) {
    const struct pairwise *pairwise = &problem->pairwise;
    size_t count = pairwise_result_count(pairwise), room = pairwise_scratch_bytes(pairwise);
    struct answer answer = {.bytes = count * expression_type_bytes(pairwise_result_type(pairwise))};
    void *scratch = room > 0 ? take(room) : NULL;
    answer.values = take(answer.bytes);
    answer.indices = pairwise->kind == PAIRWISE_TOPK ? take(count * sizeof(int64_t)) : NULL;
    answer.status = pairwise_run(pairwise, answer.values, answer.indices, scratch, team, progress, &answer.failure);
    free(scratch);
    return answer;
}

static struct answer run_problem(const struct problem *problem, const struct team *team) {
    struct answer answer = try_problem(problem, team, &nothing_watched);
    assert_int_equal(answer.status, KERNEL_DONE);
    assert_int_equal(answer.failure.kind, EXPRESSION_NO_FAILURE);
    return answer;
}

static void free_answer(struct answer answer) {
    free(answer.values);
    free(answer.indices);
}

/* The matrix of a text, whatever the problem asks for. */
static struct answer matrix_of(struct problem *problem, const char *text) {
    struct pairwise before = problem->pairwise;
    compile(problem, text);
    problem->pairwise.kind = PAIRWISE_MATRIX;
    struct answer answer = run_problem(problem, &alone);
    problem->pairwise = before;
    return answer;
}

/* The same bits whatever the team. */
static void expect_same_for_any_team(const struct problem *problem, const char *text) {
    struct answer expected = run_problem(problem, &alone);
    for (unsigned i = 0; i < 8; i = (unsigned)next_round(i)) {
        const struct team team = {.threads = 2 + (unsigned)below(15),
                                  .schedule = (enum team_schedule)(i % 3),
                                  .chunk = i % 2 ? 1 + below(5) : 0};
        struct answer found = run_problem(problem, &team);
        bool is_same = memcmp(found.values, expected.values, expected.bytes) == 0;
        is_same =
            is_same && (!found.indices || memcmp(found.indices, expected.indices,
                                                 pairwise_result_count(&problem->pairwise) * sizeof(int64_t)) == 0);
        if (!is_same) {
            fail_msg("%s, kind %d, %zu by %zu, %zu dimensions: others by %u threads, schedule %d, chunk %zu", text,
                     problem->pairwise.kind, problem->pairwise.x.count, problem->pairwise.y.count,
                     problem->pairwise.dimensions, team.threads, team.schedule, team.chunk);
        }
        free_answer(found);
    }
    free_answer(expected);
}

/* Rows are what they are among few others: where there are many, tiles that lie above each other share what they have
 * of the y's. The problem is compiled already. */
static void expect_same_in_slices(struct problem *problem, const char *text) {
    enum { SLICE = 29 };
    const struct pairwise whole = problem->pairwise;
    size_t bytes = expression_type_bytes(whole.type), n = whole.x.count;
    struct answer all = run_problem(problem, &alone);
    size_t of_a_row = all.bytes / n, indices_of_a_row = pairwise_result_count(&whole) / n * sizeof(int64_t);
    problem->pairwise.y = whole.y.values ? whole.y : whole.x;
    for (size_t row = 0, count; row < n; row += count) {
        count = n - row < SLICE ? n - row : SLICE;
        problem->pairwise.x = (struct pairwise_points){(char *)problem->x + row * whole.dimensions * bytes, count};
        problem->pairwise.xs = (char *)problem->xs + row * bytes;
        struct answer some = run_problem(problem, &alone);
        bool is_same = memcmp(some.values, (char *)all.values + row * of_a_row, count * of_a_row) == 0;
        is_same = is_same && (!some.indices || memcmp(some.indices, (char *)all.indices + row * indices_of_a_row,
                                                      count * indices_of_a_row) == 0);
        if (!is_same) {
            fail_msg("%s of %s, kind %d, %zu by %zu, %zu dimensions: others in the rows from %zu on", text,
                     expression_type_name(whole.type), whole.kind, n, problem->pairwise.y.count, whole.dimensions, row);
        }
        free_answer(some);
    }
    problem->pairwise = whole;
    free_answer(all);
}

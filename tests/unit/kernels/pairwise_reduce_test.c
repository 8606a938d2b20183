/* Reductions of pairs over the columns against those of the matrix's rows, which another test is about.
 * ctest: threads */
#include "tests/reference/pairwise_simple.h"
#include "tests/unit/kernels/pairwise_problem.h"

#include <math.h>

enum { KINDS = PAIRWISE_LOGSUMEXP + 1 };

/* Relative to what is added up; a float result's own rounding. */
#define SUM_BOUND (66 * 0x1p-53L)
#define FLOAT_ROUNDING 0x1p-24L
#define LOGARITHM_BOUND (300 * 0x1p-53L)

static const enum expression_type types[] = {EXPRESSION_FLOAT64, EXPRESSION_FLOAT32};
static const char *const texts[] = {"exp(-gamma*d2)", "d2 - 1",  "d2 < 0.5",  "where(l1 < 1, 1, -2)",
                                    "1.25",           "ys - xs", "sqrt(dot)", "where(linf < 0.5, dot/0, d)"};

static void weigh(struct problem *problem, size_t columns) {
    size_t m = problem->pairwise.y.values ? problem->pairwise.y.count : problem->pairwise.x.count;
    free(problem->weights);
    problem->weights = random_numbers(problem->pairwise.type, m * columns);
    problem->pairwise.weights = problem->weights;
    problem->pairwise.columns = columns;
}

static void expect_row(const struct problem *problem, const char *text, enum expression_type type, const void *row,
                       size_t i, size_t column, long double found) {
    const struct pairwise *pairwise = &problem->pairwise;
    size_t m = pairwise->y.values ? pairwise->y.count : pairwise->x.count;
    long double size, expected = pairwise_reduce_simple(pairwise, type, row, m, column, &size), bound = 0;
    enum expression_type result = pairwise_result_type(pairwise);
    if (pairwise->kind == PAIRWISE_SUM || pairwise->kind == PAIRWISE_MEAN) {
        bound = SUM_BOUND * size;
    } else if (pairwise->kind == PAIRWISE_LOGSUMEXP) {
        bound = LOGARITHM_BOUND * (1 + fabsl(expected));
    }
    if (result == EXPRESSION_FLOAT32) {
        bound += FLOAT_ROUNDING * fabsl(expected);
    }
    bool is_same = found == expected || (isnan(found) && isnan(expected));
    if (!is_same && !(fabsl(found - expected) <= bound)) {
        fail_msg("%s of %s, kind %d, %zu by %zu, %zu dimensions, row %zu, column %zu: %.20Lg, not %.20Lg", text,
                 expression_type_name(pairwise->type), pairwise->kind, pairwise->x.count, m, pairwise->dimensions, i,
                 column, found, expected);
    }
}

static void expect_rows(struct problem *problem, const char *text) {
    const struct pairwise *pairwise = &problem->pairwise;
    size_t m = pairwise->y.values ? pairwise->y.count : pairwise->x.count;
    struct answer matrix = matrix_of(problem, text);
    compile(problem, text);
    enum expression_type type = expression_result_type(pairwise->program, 0), result = pairwise_result_type(pairwise);
    struct answer answer = run_problem(problem, &alone);
    size_t columns = pairwise->kind == PAIRWISE_SUM ? pairwise->columns : 1;
    assert_int_equal(pairwise_result_count(pairwise), pairwise->x.count * columns);
    for (size_t at = 0; at < pairwise->x.count * columns; at++) {
        const char *row = (char *)matrix.values + at / columns * m * expression_type_bytes(type);
        expect_row(problem, text, type, row, at / columns, at % columns,
                   pairwise_value_simple(result, answer.values, at));
    }
    free_answer(matrix);
    free_answer(answer);
}

static void reductions_are_those_of_the_rows(void **state) {
    (void)state;
    static const size_t counts[] = {1, 2, 33, 255, 256, 257, 1023, 1024, 1025, 3001};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (int kind = PAIRWISE_SUM; kind < KINDS; kind++) {
            for (size_t k = 0; k < 2; k++) {
                size_t m = counts[below(10)], d = (size_t[]){1, 3, 17, 40, 65}[below(5)];
                struct problem *problem = make_problem(types[k], 1 + below(40), m, d, below(4));
                problem->pairwise.kind = (enum pairwise_kind)kind;
                expect_rows(problem, texts[i]);
                free_problem(problem);
            }
        }
    }
}

static void weighted_sums_are_those_of_the_rows(void **state) {
    (void)state;
    static const size_t columns[] = {1, 2, 7, 8, 9, 31, 32, 33, 100};
    for (size_t i = 0; i < 9; i++) {
        for (size_t k = 0; k < 4; k++) {
            struct problem *problem = make_problem(types[k % 2], 1 + below(40), 1 + below(2500), 1 + below(70), true);
            problem->pairwise.kind = PAIRWISE_SUM;
            weigh(problem, columns[i]);
            expect_rows(problem, texts[below(6)]);
            expect_same_for_any_team(problem, "weighted");
            free_problem(problem);
        }
    }
}

/* Many y's, in several ranges. */
static void reductions_are_the_same_for_any_team(void **state) {
    (void)state;
    for (int kind = PAIRWISE_SUM; kind <= PAIRWISE_TOPK; kind++) {
        for (size_t k = 0; k < 4; k++) {
            struct problem *problem =
                make_problem(types[k % 2], 1 + below(70), k < 2 ? 50000 + below(9) : 1 + below(3000), 2, true);
            const char *text = texts[below(6)];
            compile(problem, text);
            problem->pairwise.kind = (enum pairwise_kind)kind;
            problem->pairwise.k = 1 + below(problem->pairwise.y.count < 300 ? problem->pairwise.y.count : 300);
            problem->pairwise.largest = below(2);
            expect_same_for_any_team(problem, text);
            if (kind != PAIRWISE_TOPK && problem->pairwise.x.count < 8) {
                expect_rows(problem, text);
            }
            free_problem(problem);
        }
    }
}

/* A row's bits don't follow from the others, as many as they are: of so many states lots are made. */
static void a_row_has_the_bits_that_it_has_alone(void **state) {
    (void)state;
    enum { N = 700, COLUMNS = 300 };
    struct problem *problem = make_problem(EXPRESSION_FLOAT64, N, 900, 2, true);
    compile(problem, "exp(-gamma*d2)");
    weigh(problem, COLUMNS);
    problem->pairwise.kind = PAIRWISE_SUM;
    struct answer all = run_problem(problem, &alone);
    for (size_t row = 0; row < N; row += 67) {
        problem->pairwise.x = (struct pairwise_points){(double *)problem->x + 2 * row, 1};
        struct answer one = run_problem(problem, &alone);
        assert_memory_equal(one.values, (double *)all.values + row * COLUMNS, one.bytes);
        free_answer(one);
    }
    free_answer(all);
    free_problem(problem);
}

/* As many tiles as share what they have of the y's, weights and cosines' norms as well. */
static void rows_have_the_bits_that_they_have_among_few(void **state) {
    (void)state;
    static const enum pairwise_kind kinds[] = {PAIRWISE_SUM, PAIRWISE_TOPK, PAIRWISE_LOGSUMEXP, PAIRWISE_ARGMIN};
    static const char *const measures[] = {"cos", "d", "exp(-gamma*d2)", "xs*l1"};
    for (size_t i = 0; i < 32; i = next_round(i)) {
        size_t d = (size_t[]){1, 3, 17, 40, 64, 70}[below(6)], m = 1 + below(i % 8 == 0 ? 1100 : 300);
        struct problem *problem = make_problem(types[i / 16], 2080 + below(200), m, d, true);
        problem->pairwise.kind = kinds[i % 4];
        problem->pairwise.k = 1 + below(m < 9 ? m : 9);
        if (problem->pairwise.kind == PAIRWISE_SUM) {
            weigh(problem, 1 + below(4));
        }
        compile(problem, measures[i / 4 % 4]);
        expect_same_in_slices(problem, measures[i / 4 % 4]);
        free_problem(problem);
    }
}

/* What the short cuts are for, and the same as another operation's result, for which there is none. */
static const char *const short_cuts[][2] = {
    {"exp(-gamma*d2)", "copysign(exp(-gamma*d2), 1.0)"},
    {"exp(d2*gamma)", "copysign(exp(d2*gamma), 1.0)"},
    {"exp(-d2/(2*gamma*gamma))", "copysign(exp(-d2/(2*gamma*gamma)), 1.0)"},
    {"exp(d2/gamma)", "copysign(exp(d2/gamma), 1.0)"},
    {"exp(-l1/gamma)", "copysign(exp(-l1/gamma), 1.0)"},
    {"exp(gamma*l1)", "copysign(exp(gamma*l1), 1.0)"},
    {"exp(-gamma*ys)", "copysign(exp(-gamma*ys), 1.0)"},
    {"exp(xs*gamma)", "copysign(exp(xs*gamma), 1.0)"},
    {"exp(1.5 - gamma*d2)", "copysign(exp(1.5 - gamma*d2), 1.0)"},
    {"d2", "copysign(d2, 1.0)"},
    {"d", "copysign(d, 1.0)"},
    {"dot", "maximum(dot, dot)"},
    {"cos", "maximum(cos, cos)"},
    {"ys", "maximum(ys, ys)"},
    {"xs", "maximum(xs, xs)"},
};

static void expect_same_as(struct problem *problem, const char *text, const char *detour) {
    compile(problem, detour);
    struct answer expected = run_problem(problem, &alone);
    compile(problem, text);
    struct answer found = run_problem(problem, &alone);
    size_t bytes = expression_type_bytes(pairwise_result_type(&problem->pairwise));
    for (size_t i = 0; i < expected.bytes / bytes; i++) {
        const char *left = (char *)found.values + i * bytes, *right = (char *)expected.values + i * bytes;
        bool are_nan = bytes == 8
                           ? isnan(*(const double *)(const void *)left) && isnan(*(const double *)(const void *)right)
                           : isnan(*(const float *)(const void *)left) && isnan(*(const float *)(const void *)right);
        if (memcmp(left, right, bytes) != 0 && !are_nan) {
            fail_msg("%s, gamma %g, kind %d, %zu by %zu, %zu dimensions: result %zu isn't that of %s", text,
                     problem->gamma, problem->pairwise.kind, problem->pairwise.x.count, problem->pairwise.y.count,
                     problem->pairwise.dimensions, i, detour);
        }
    }
    free_answer(expected);
    free_answer(found);
    expect_same_for_any_team(problem, text);
}

static void short_cuts_have_the_bits_of_the_long_way(void **state) {
    (void)state;
    static const double gammas[] = {0.5, 2, -3, 0, 1e300, NAN, INFINITY};
    static const size_t columns[] = {1, 31, 32, 33, 500, 1023, 1024, 1025, 2500, 40000};
    static const enum pairwise_kind kinds[] = {PAIRWISE_SUM,  PAIRWISE_SUM, PAIRWISE_MEAN,   PAIRWISE_MAX,
                                               PAIRWISE_TOPK, PAIRWISE_SUM, PAIRWISE_MATRIX, PAIRWISE_LOGSUMEXP};
    for (size_t i = 0; i < 320; i = next_round(i)) {
        size_t dimensions = (size_t[]){1, 2, 3, 4, 5, 17, 70}[below(7)];
        struct problem *problem = make_problem(types[i % 8 == 7], 1 + below(40), columns[i % 10], dimensions, i % 5);
        const char *const *cut = short_cuts[i / 3 % (sizeof short_cuts / sizeof *short_cuts)];
        problem->pairwise.kind = kinds[below(8)];
        problem->pairwise.k = 1;
        problem->gamma = gammas[below(7)];
        if (problem->pairwise.kind == PAIRWISE_SUM && below(4) == 0) {
            weigh(problem, 1 + below(3));
        }
        if (below(8) == 0) {
            memcpy(problem->x,
                   problem->pairwise.type == EXPRESSION_FLOAT64 ? (void *)&(double){NAN} : (void *)&(float){NAN},
                   expression_type_bytes(problem->pairwise.type));
        }
        expect_same_as(problem, cut[0], cut[1]);
        free_problem(problem);
    }
}

/* --- topk -------------------------------------------------------------------------------------------------------- */

static void expect_best(struct problem *problem, const char *text) {
    const struct pairwise *pairwise = &problem->pairwise;
    size_t m = pairwise->y.values ? pairwise->y.count : pairwise->x.count, k = pairwise->k;
    struct answer matrix = matrix_of(problem, text);
    compile(problem, text);
    enum expression_type type = expression_result_type(pairwise->program, 0);
    size_t bytes = expression_type_bytes(type);
    struct answer answer = run_problem(problem, &alone);
    int64_t *places = take(k * sizeof *places);
    for (size_t i = 0; i < pairwise->x.count; i++) {
        const char *row = (char *)matrix.values + i * m * bytes;
        pairwise_topk_simple(type, row, m, k, pairwise->largest, places);
        for (size_t l = 0; l < k; l++) {
            if (answer.indices[i * k + l] != places[l]) {
                fail_msg("%s, k %zu of %zu, largest %d, row %zu: place %zu is %lld, not %lld", text, k, m,
                         pairwise->largest, i, l, (long long)answer.indices[i * k + l], (long long)places[l]);
            }
            assert_memory_equal((char *)answer.values + (i * k + l) * bytes, row + (size_t)places[l] * bytes, bytes);
        }
    }
    free(places);
    free_answer(matrix);
    free_answer(answer);
}

/* Texts with many equal values, with NaN and with both zeros. */
static void the_best_are_those_of_sorting(void **state) {
    (void)state;
    static const char *const ties[] = {"d2",        "floor(4*d2)",
                                       "d2 < 0.5",  "where(l1 < 1, 1, -2)",
                                       "sqrt(dot)", "where(linf < 0.5, sqrt(-1.0 - d), -d)",
                                       "1.5",       "copysign(0.0*d, dot)"};
    for (size_t i = 0; i < 64; i = next_round(i)) {
        size_t m = (size_t[]){1, 2, 63, 64, 65, 500, 1024, 1025, 2100}[below(9)];
        struct problem *problem = make_problem(types[i % 2], 1 + below(40), m, 1 + below(20), true);
        problem->pairwise.kind = PAIRWISE_TOPK;
        problem->pairwise.largest = i / 2 % 2;
        problem->pairwise.k = i / 4 % 4 == 0 ? 1 : below(m < 40 ? m + 1 : 40);
        expect_best(problem, ties[i / 2 % 8]);
        free_problem(problem);
    }
    struct problem *problem = make_problem(EXPRESSION_FLOAT64, 3, 400, 2, true); /* all of them, in order */
    problem->pairwise.kind = PAIRWISE_TOPK;
    problem->pairwise.k = 400;
    expect_best(problem, "floor(20*d2)");
    free_problem(problem);
    problem = make_problem(EXPRESSION_FLOAT64, 2, 70000, 1, true); /* several ranges' best are merged */
    problem->pairwise.kind = PAIRWISE_TOPK;
    problem->pairwise.k = 25;
    assert_true(pairwise_scratch_bytes(&problem->pairwise) > 0);
    expect_best(problem, "floor(1000*d2)");
    free_problem(problem);
}

/* Distances whose squares overflow, vanish or are subnormal, that are equal or differ in the last bit, are infinite or
 * no number: their roots are computed for few of them. */
static void the_nearest_are_those_of_sorting(void **state) {
    (void)state;
    static const double scales[] = {1, 1e155, 1e160, 1e-155, 1e-160, 1e-163, 0};
    for (size_t i = 0; i < 70; i = next_round(i)) {
        size_t m = (size_t[]){1, 63, 64, 65, 500, 1024, 1025, 2100}[below(8)], n = 1 + below(40), d = 1 + below(3);
        struct problem *problem = make_problem(types[i % 8 == 7], n, m, d, true);
        double scale = scales[i % 7];
        for (size_t j = 0; j < n * d && problem->pairwise.type == EXPRESSION_FLOAT64; j++) {
            ((double *)problem->x)[j] *= scale;
        }
        for (size_t j = 0; j < m * d && problem->pairwise.type == EXPRESSION_FLOAT64; j++) {
            double *y = (double *)problem->y + j;
            *y = (i / 7 % 2 ? *y : floor(4 * *y) + (double)below(3) * 0x1p-52) * scale;
            *y = below(50) == 0 ? (double[]){NAN, INFINITY, -INFINITY, 0, -0.0, 1e-323}[below(6)] : *y;
        }
        problem->pairwise.kind = PAIRWISE_TOPK;
        problem->pairwise.largest = i / 14 % 2;
        problem->pairwise.k = 1 + below(m < 20 ? m : 20);
        expect_best(problem, "d");
        if (below(8) == 0) {
            expect_same_for_any_team(problem, "d");
        }
        free_problem(problem);
    }
}

/* --- edges ------------------------------------------------------------------------------------------------------- */

static struct problem *of_nothing(enum pairwise_kind kind, const char *text) {
    struct problem *problem = make_problem(EXPRESSION_FLOAT64, 3, 0, 2, true);
    compile(problem, text);
    problem->pairwise.kind = kind;
    return problem;
}

static void of_no_columns_sums_are_zero_and_extremes_fail(void **state) {
    (void)state;
    static const struct {
        enum pairwise_kind kind;
        double expected;
    } numbers[] = {{PAIRWISE_SUM, 0}, {PAIRWISE_MEAN, NAN}, {PAIRWISE_LOGSUMEXP, -INFINITY}};
    for (size_t i = 0; i < 3; i++) {
        struct problem *problem = of_nothing(numbers[i].kind, "d2");
        struct answer answer = run_problem(problem, &alone);
        for (size_t row = 0; row < 3; row++) {
            double found = ((double *)answer.values)[row];
            assert_true(found == numbers[i].expected || (isnan(found) && isnan(numbers[i].expected)));
        }
        free_answer(answer);
        free_problem(problem);
    }
    for (int kind = PAIRWISE_MIN; kind <= PAIRWISE_ARGMAX; kind++) {
        struct problem *problem = of_nothing((enum pairwise_kind)kind, "d2");
        struct answer answer = try_problem(problem, &alone, &nothing_watched);
        assert_int_equal(answer.failure.kind, EXPRESSION_NOTHING);
        assert_true(answer.failure.is_reduced);
        assert_int_equal(answer.failure.element, 0);
        free_answer(answer);
        free_problem(problem);
    }
    struct problem *problem = of_nothing(PAIRWISE_COUNT, "d2");
    struct answer answer = run_problem(problem, &alone);
    assert_int_equal(((int64_t *)answer.values)[2], 0);
    free_answer(answer);
    free_problem(problem);
}

static void weights_of_no_columns_make_no_results(void **state) {
    (void)state;
    struct problem *problem = make_problem(EXPRESSION_FLOAT64, 3, 5, 2, true);
    compile(problem, "d2");
    weigh(problem, 0);
    problem->pairwise.kind = PAIRWISE_SUM;
    assert_int_equal(pairwise_result_count(&problem->pairwise), 0);
    free_answer(run_problem(problem, &alone));
    free_problem(problem);
}

static void an_overflowing_sum_names_its_row(void **state) {
    (void)state;
    struct problem *problem = make_problem(EXPRESSION_FLOAT64, 90, 10, 1, true);
    compile(problem, "where(d2 < 100, 9, 1 << 62)");
    problem->pairwise.kind = PAIRWISE_SUM;
    ((double *)problem->x)[44] = ((double *)problem->x)[45] = 50;
    struct answer answer = try_problem(problem, &alone, &nothing_watched);
    assert_int_equal(answer.failure.kind, EXPRESSION_OVERFLOW);
    assert_true(answer.failure.is_reduced);
    assert_int_equal(answer.failure.element, 44);
    assert_string_equal(answer.failure.what, "sum");
    free_answer(answer);
    free_problem(problem);
}

static void logarithms_of_sums_dont_overflow(void **state) {
    (void)state;
    static const double points[][3] = {
        {1000, 1000, 1000},       {-1000, -1001, -5000}, {-INFINITY, 3, -INFINITY}, {-INFINITY, -INFINITY, -INFINITY},
        {INFINITY, 3, -INFINITY}, {NAN, 3, INFINITY},    {1e308, 1e308, -1e308}};
    const double expected[] = {1000 + log(3), -1000 + log1p(exp(-1)), 3, -INFINITY, INFINITY, NAN, 1e308};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct problem *problem = make_problem(EXPRESSION_FLOAT64, 1, 3, 1, true);
        compile(problem, "ys");
        problem->pairwise.kind = PAIRWISE_LOGSUMEXP;
        memcpy(problem->ys, points[i], sizeof points[i]);
        struct answer answer = run_problem(problem, &alone);
        double found = *(double *)answer.values;
        bool is_near = fabs(found - expected[i]) <= 4e-16 * fabs(expected[i]);
        assert_true(is_near || found == expected[i] || (isnan(found) && isnan(expected[i])));
        free_answer(answer);
        free_problem(problem);
    }
    struct problem *problem = make_problem(EXPRESSION_FLOAT64, 1, 5000, 1, true); /* each block has a new greatest */
    compile(problem, "ys");
    problem->pairwise.kind = PAIRWISE_LOGSUMEXP;
    for (size_t j = 0; j < 5000; j++) {
        ((double *)problem->ys)[j] = j < 2000 ? -INFINITY : (double)j / 50;
    }
    expect_rows(problem, "ys");
    free_problem(problem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reductions_are_those_of_the_rows),
        cmocka_unit_test(weighted_sums_are_those_of_the_rows),
        cmocka_unit_test(reductions_are_the_same_for_any_team),
        cmocka_unit_test(short_cuts_have_the_bits_of_the_long_way),
        cmocka_unit_test(a_row_has_the_bits_that_it_has_alone),
        cmocka_unit_test(rows_have_the_bits_that_they_have_among_few),
        cmocka_unit_test(the_best_are_those_of_sorting),
        cmocka_unit_test(the_nearest_are_those_of_sorting),
        cmocka_unit_test(of_no_columns_sums_are_zero_and_extremes_fail),
        cmocka_unit_test(weights_of_no_columns_make_no_results),
        cmocka_unit_test(an_overflowing_sum_names_its_row),
        cmocka_unit_test(logarithms_of_sums_dont_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Matrices of pairs: measures against long double within pairwise.h's bounds, expressions against the same run over the
 * measures' own bits, symmetry, special values, failures and cancelling.
 * ctest: threads */
#include "kernels/pairwise/measures.h"
#include "tests/reference/pairwise_simple.h"
#include "tests/unit/kernels/pairwise_problem.h"

#include <float.h>
#include <math.h>

static const char *const measures[] = {"d2", "d", "dot", "l1", "linf", "cos"};
static const enum expression_type types[] = {EXPRESSION_FLOAT64, EXPRESSION_FLOAT32};

/* pairwise.h's bound on a measure whose exact value is `exact`. */
static long double allowed(const struct problem *problem, size_t measure, long double exact, size_t i, size_t j) {
    const struct pairwise *pairwise = &problem->pairwise;
    bool is_float = pairwise->type == EXPRESSION_FLOAT32;
    size_t d = pairwise->dimensions, depth = is_float ? 32 : 64;
    size_t roundings = (d < depth ? d : depth) + (d + depth - 1) / depth;
    long double u = is_float ? 0x1p-24L : 0x1p-53L, r = (long double)roundings;
    long double products = 0;
    for (size_t c = 0; c < d; c++) {
        products += fabsl(pairwise_value_simple(pairwise->type, pairwise->x.values, i * d + c) *
                          pairwise_value_simple(pairwise->type, pairwise->y.values, j * d + c));
    }
    const long double bounds[] = {(r + 2) * u * exact, (r / 2 + 2) * u * exact, r * u * products, (r + 1) * u * exact,
                                  u * exact,           (2 * r + 4) * u};
    return bounds[measure] * 1.0001L + (is_float ? 0x1p-149L : 0x1p-1074L);
}

static void expect_measures(struct problem *problem) {
    const struct pairwise *pairwise = &problem->pairwise;
    size_t d = pairwise->dimensions, bytes = expression_type_bytes(pairwise->type);
    for (size_t measure = 0; measure < 6; measure++) {
        struct answer answer = matrix_of(problem, measures[measure]);
        for (size_t at = 0; at < pairwise->x.count * pairwise->y.count; at++) {
            size_t i = at / pairwise->y.count, j = at % pairwise->y.count;
            long double exact[PAIRWISE_XS], found = pairwise_value_simple(pairwise->type, answer.values, at);
            pairwise_measures_simple(pairwise->type, (const char *)pairwise->x.values + i * d * bytes,
                                     (const char *)pairwise->y.values + j * d * bytes, d, exact);
            if (!(fabsl(found - exact[measure]) <= allowed(problem, measure, exact[measure], i, j))) {
                fail_msg("%s %s, %zu by %zu, %zu dimensions, %zu, %zu: %.17Lg, not %.17Lg",
                         expression_type_name(pairwise->type), measures[measure], pairwise->x.count, pairwise->y.count,
                         d, i, j, found, exact[measure]);
            }
        }
        free_answer(answer);
    }
}

static void measures_are_within_their_bounds(void **state) {
    (void)state;
    static const size_t dimensions[] = {1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 600};
    static const size_t counts[] = {1, 2, 3, 7, 31, 33, 65, 127};
    for (size_t i = 0; i < 2 * sizeof dimensions / sizeof *dimensions; i++) {
        size_t n = counts[below(8)], m = counts[below(8)];
        struct problem *problem = make_problem(types[i % 2], n, m, dimensions[i / 2], true);
        expect_measures(problem);
        free_problem(problem);
    }
    for (size_t d = 0; d < 70; d += 23) { /* more columns than a block has */
        struct problem *problem = make_problem(types[d % 2], 2, MEASURE_COLUMNS * 2 + 1, d, true);
        expect_measures(problem);
        free_problem(problem);
    }
}

/* Of far and tiny points: nothing cancels, cosines neither overflow nor vanish. */
static void measures_have_the_accuracy_wherever_points_are(void **state) {
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (int exponent = i ? -40 : -480; exponent <= (i ? 40 : 480); exponent += i ? 20 : 240) {
            struct problem *problem = make_problem(types[i], 5, 9, 70, true);
            for (size_t k = 0; k < 9 * 70; k++) {
                double x = k < 350 ? 100 + uniform() : 0, y = 100 + uniform();
                if (i) {
                    ((float *)problem->x)[k < 350 ? k : 0] = (float)ldexp(k < 350 ? x : 100, exponent);
                    ((float *)problem->y)[k] = (float)ldexp(y, exponent);
                } else {
                    ((double *)problem->x)[k < 350 ? k : 0] = ldexp(k < 350 ? x : 100, exponent);
                    ((double *)problem->y)[k] = ldexp(y, exponent);
                }
            }
            expect_measures(problem);
            free_problem(problem);
        }
    }
    struct problem *problem = make_problem(EXPRESSION_FLOAT64, 3, 3, 2, true);
    const double x[] = {1e300, 1e300, 5e-324, 0, DBL_MAX, -DBL_MAX}, y[] = {1e300, -1e300, 5e-324, 5e-324, -1e-300, 0};
    memcpy(problem->x, x, sizeof x);
    memcpy(problem->y, y, sizeof y);
    struct answer answer = matrix_of(problem, "cos");
    const double *found = answer.values;
    const double expected[] = {0, 1, -M_SQRT1_2, M_SQRT1_2, M_SQRT1_2, -1, 1, 0, -M_SQRT1_2};
    for (size_t k = 0; k < 9; k++) {
        assert_true(fabs(found[k] - expected[k]) < 1e-15);
    }
    free_answer(answer);
    free_problem(problem);
}

/* --- expressions ------------------------------------------------------------------------------------------------- */

static void expect_expression(struct problem *problem, const char *text) {
    const struct pairwise *pairwise = &problem->pairwise;
    size_t n = pairwise->x.count, m = pairwise->y.values ? pairwise->y.count : n;
    const struct expression_shape shape = {2, {n, m}};
    struct answer own[6], answer = matrix_of(problem, text);
    struct expression_array arrays[PAIRWISE_OPERANDS + 1];
    struct expression_failure failure;
    for (size_t i = 0; i < 6; i++) {
        own[i] = matrix_of(problem, measures[i]);
        arrays[i] = (struct expression_array){own[i].values, {m, 1}};
    }
    arrays[PAIRWISE_XS] = (struct expression_array){pairwise->xs, {1, 0}};
    arrays[PAIRWISE_YS] = (struct expression_array){pairwise->ys, {0, 1}};
    arrays[PAIRWISE_OPERANDS] = pairwise->numbers[0];
    void *expected = take(answer.bytes);
    void *const results[] = {expected};
    compile(problem, text);
    assert_int_equal(expression_run(pairwise->program, arrays, &shape, results, &alone, &nothing_watched, &failure),
                     KERNEL_DONE);
    if (memcmp(answer.values, expected, answer.bytes) != 0) {
        fail_msg("%s: other bits than from its operands, %zu by %zu, %zu dimensions", text, n, m, pairwise->dimensions);
    }
    for (size_t i = 0; i < 6; i++) {
        free_answer(own[i]);
    }
    free_answer(answer);
    free(expected);
}

static void expressions_are_those_of_their_operands(void **state) {
    (void)state;
    static const char *const texts[] = {"exp(-gamma*d2)",
                                        "d2",
                                        "1.5",
                                        "d2 < 1",
                                        "where(l1 < 1, 1, 2)",
                                        "(gamma*dot + 1)**3",
                                        "xs*ys + cos",
                                        "(1 + d)*exp(-d) + linf",
                                        "xs - ys",
                                        "ys",
                                        "xs",
                                        "d2*d + dot*l1 + linf*cos + xs*ys*gamma"};
    static const size_t counts[] = {1, 4, 31, 33, 64, 257, 1023, 1024, 1025, 2111};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t k = 0; k < 4; k++) {
            size_t d = (size_t[]){1, 3, 17, 40, 64, 65, 100}[below(7)];
            struct problem *problem =
                make_problem(types[k % 2], 1 + below(70), counts[below(10)], d, k < 2 || below(2));
            expect_expression(problem, texts[i]);
            free_problem(problem);
        }
    }
}

static void matrices_are_the_same_for_any_team(void **state) {
    (void)state;
    static const char *const texts[] = {"exp(-gamma*d2)", "d2 < 0.5", "xs*l1", "dot"};
    for (size_t i = 0; i < 12; i = next_round(i)) {
        struct problem *problem = make_problem(types[i % 2], 1 + below(300), 1 + below(1500), 1 + below(80), below(2));
        compile(problem, texts[i % 4]);
        expect_same_for_any_team(problem, texts[i % 4]);
        free_problem(problem);
    }
    /* So large that it goes past the caches. */
    struct problem *problem = make_problem(EXPRESSION_FLOAT64, 517, 1031, 3, true);
    compile(problem, "exp(-gamma*d2)");
    expect_same_for_any_team(problem, "exp(-gamma*d2)");
    free_problem(problem);
}

/* Wherever it lies in a tile. */
static void a_pair_has_the_bits_that_it_has_alone(void **state) {
    (void)state;
    for (size_t k = 0; k < 36; k++) {
        size_t n = 1 + below(40), m = 1 + below(1100), d = (size_t[]){2, 3, 5, 17, 33, 64, 65, 130}[below(8)];
        struct problem *problem = make_problem(types[k / 6 % 2], n, m, d, true);
        size_t bytes = expression_type_bytes(problem->pairwise.type);
        struct answer all = matrix_of(problem, measures[k % 6]);
        for (size_t l = 0; l < 60; l = next_round(l)) {
            size_t i = below(n), j = l < 30 ? m - 1 - below(m < 40 ? m : 40) : below(m);
            problem->pairwise.x = (struct pairwise_points){(char *)problem->x + i * d * bytes, 1};
            problem->pairwise.y = (struct pairwise_points){(char *)problem->y + j * d * bytes, 1};
            struct answer one = matrix_of(problem, measures[k % 6]);
            if (memcmp(one.values, (char *)all.values + (i * m + j) * bytes, bytes) != 0) {
                fail_msg("%s %s, %zu dimensions: other bits alone than as %zu, %zu of %zu by %zu",
                         expression_type_name(problem->pairwise.type), measures[k % 6], d, i, j, n, m);
            }
            free_answer(one);
        }
        free_answer(all);
        free_problem(problem);
    }
}

/* Also from one range of columns to the next. */
static void tiles_that_share_their_columns_have_the_bits_of_others(void **state) {
    (void)state;
    static const char *const texts[] = {"d2", "d", "dot", "l1", "linf", "cos", "cos*d2 + l1*dot", "xs*ys + gamma*cos"};
    for (size_t i = 0; i < 32; i = next_round(i)) {
        size_t d = (size_t[]){1, 3, 17, 31, 40, 64, 70}[below(7)], m = (size_t[]){1, 40, 257, 300, 1030}[below(5)];
        struct problem *problem = make_problem(types[i / 8 % 2], 2080 + below(300), m, d, true);
        compile(problem, texts[i % 8]);
        expect_same_in_slices(problem, texts[i % 8]);
        free_problem(problem);
    }
    for (size_t i = 0; i < 4; i++) { /* whole lines, and others */
        struct problem *problem = make_problem(EXPRESSION_FLOAT64, 1536 + i % 2, 0, 3 + 30 * i, false);
        compile(problem, texts[i + 2]);
        expect_same_in_slices(problem, texts[i + 2]);
        expect_same_for_any_team(problem, texts[i + 2]);
        free_problem(problem);
    }
}

static bool is_symmetric(const char *values, size_t n, size_t bytes) {
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (memcmp(values + (i * n + j) * bytes, values + (j * n + i) * bytes, bytes) != 0) {
                return false;
            }
        }
    }
    return true;
}

/* Mirrored by whole lines past the caches, or by others; of each type. */
static void a_set_with_itself_is_symmetric_to_the_bit(void **state) {
    (void)state;
    static const char *const texts[] = {"d2",  "d",   "dot", "l1", "linf", "cos", "d2 < 0.5", "where(l1 < 1, 1, 2)",
                                        "1.5", "-d2", "2"};
    for (size_t i = 0; i < 33; i = next_round(i)) {
        size_t n = i % 3 == 0 ? 592 : (size_t[]){1, 8, 31, 32, 33, 255, 256, 257, 597}[below(9)], d = 1 + below(70);
        struct problem *problem = make_problem(types[i / 11 % 2], n, n, d, false);
        const char *text = texts[i % 11];
        struct answer own = matrix_of(problem, text);
        size_t bytes = own.bytes / (n * n);
        problem->pairwise.y = problem->pairwise.x;
        struct answer whole = matrix_of(problem, text);
        assert_memory_equal(own.values, whole.values, own.bytes);
        assert_true(is_symmetric(own.values, n, bytes));
        free_answer(own);
        free_answer(whole);
        free_problem(problem);
    }
}

/* --- special values ---------------------------------------------------------------------------------------------- */

static void expect_same_number(double found, double expected, const char *text, size_t d) {
    if (!(found == expected || (isnan(found) && isnan(expected)))) {
        fail_msg("%s in %zu dimensions: %.17g, not %.17g", text, d, found, expected);
    }
}

static void nan_and_infinity_reach_each_measure(void **state) {
    (void)state;
    static const double expected[6][4] = {/* d2 */ {NAN, INFINITY, NAN, 0},
                                          /* d */ {NAN, INFINITY, NAN, 0},
                                          /* dot */ {NAN, INFINITY, INFINITY, 0},
                                          /* l1 */ {NAN, INFINITY, NAN, 0},
                                          /* linf */ {NAN, INFINITY, NAN, 0},
                                          /* cos */ {NAN, NAN, NAN, 0}};
    for (size_t k = 0; k < 12; k++) {
        size_t measure = k / 2, d = k % 2 ? 70 : 3;
        struct problem *problem = make_problem(EXPRESSION_FLOAT64, 4, 1, d, true);
        double *x = problem->x, *y = problem->y;
        for (size_t c = 0; c < d; c++) {
            y[c] = 1;
            x[c] = x[d + c] = x[2 * d + c] = 2;
            x[3 * d + c] = 0;
        }
        x[1] = NAN;
        x[d + 2] = INFINITY;
        x[2 * d + 2] = INFINITY;
        struct answer answer = matrix_of(problem, measures[measure]);
        const double *found = answer.values;
        expect_same_number(found[0], expected[measure][0], measures[measure], d);
        expect_same_number(found[1], expected[measure][1], measures[measure], d);
        free_answer(answer);
        y[2] = INFINITY;
        answer = matrix_of(problem, measures[measure]);
        expect_same_number(((double *)answer.values)[2], expected[measure][2], measures[measure], d);
        free_answer(answer);
        memset(y, 0, d * sizeof *y);
        answer = matrix_of(problem, measures[measure]);
        expect_same_number(((double *)answer.values)[3], expected[measure][3], measures[measure], d);
        free_answer(answer);
        free_problem(problem);
    }
}

static void nothing_makes_an_empty_matrix(void **state) {
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        struct problem *problem = make_problem(EXPRESSION_FLOAT64, k % 2 * 5, k / 2 * 7, 3, true);
        size_t count = pairwise_result_count(&problem->pairwise);
        assert_int_equal(count, k == 3 ? 35 : 0);
        free_answer(matrix_of(problem, "d2"));
        free_problem(problem);
    }
}

/* --- failures and cancelling ------------------------------------------------------------------------------------- */

static void the_first_pair_without_a_result_is_told(void **state) {
    (void)state;
    static const unsigned threads[] = {1, 2, 5, 16};
    for (size_t i = 0; i < 16; i++) {
        struct problem *problem = make_problem(EXPRESSION_FLOAT64, 300, 1100, 1, i % 2);
        size_t m = i % 2 ? 1100 : 300;
        double *x = problem->x, *y = i % 2 ? problem->y : problem->x;
        compile(problem, "1 // where(d2 > 100, 0, 1)");
        x[217] = 50; /* with a y of itself, row 0 meets it first */
        y[m - 3] = 90;
        const struct team team = {.threads = threads[i / 4], .schedule = (enum team_schedule)(i % 3)};
        problem->pairwise.kind = i % 8 < 4 ? PAIRWISE_MATRIX : PAIRWISE_SUM;
        struct answer answer = try_problem(problem, &team, &nothing_watched);
        assert_int_equal(answer.status, KERNEL_DONE);
        assert_int_equal(answer.failure.kind, EXPRESSION_DIVISION_BY_ZERO);
        assert_int_equal(answer.failure.element, i % 2 ? m - 3 : 217);
        assert_int_equal(answer.failure.byte, 2);
        assert_false(answer.failure.is_reduced);
        free_answer(answer);
        free_problem(problem);
    }
}

static void a_set_flag_cancels_and_progress_counts_tiles(void **state) {
    (void)state;
    const enum pairwise_kind kinds[] = {PAIRWISE_MATRIX, PAIRWISE_SUM, PAIRWISE_LOGSUMEXP, PAIRWISE_TOPK};
    for (size_t i = 0; i < 8; i++) {
        struct problem *problem = make_problem(EXPRESSION_FLOAT64, 100, 40000, 2, i % 2);
        compile(problem, "d2");
        problem->pairwise.kind = kinds[i / 2];
        problem->pairwise.k = 3;
        atomic_bool cancel = true;
        atomic_uint_fast64_t done = 0, total = 0;
        const struct team team = {.threads = 3};
        struct progress progress = {.cancel = &cancel, .done = &done, .total = &total};
        struct answer answer = try_problem(problem, &team, &progress);
        assert_int_equal(answer.status, KERNEL_CANCELLED);
        free_answer(answer);
        total = 0;
        cancel = false;
        answer = try_problem(problem, &team, &progress);
        assert_int_equal(answer.status, KERNEL_DONE);
        assert_int_equal(total, pairwise_tiles(&problem->pairwise));
        assert_int_equal(done, total);
        assert_true(pairwise_cost_ns(&problem->pairwise) > 1000);
        free_answer(answer);
        free_problem(problem);
    }
}

static void sizes_that_no_memory_holds_are_told(void **state) {
    (void)state;
    struct problem *problem = make_problem(EXPRESSION_FLOAT64, 1, 1, 1, true);
    compile(problem, "d2");
    problem->pairwise.x.count = problem->pairwise.y.count = SIZE_MAX / 2;
    assert_int_equal(pairwise_result_count(&problem->pairwise), SIZE_MAX);
    assert_int_equal(pairwise_scratch_bytes(&problem->pairwise), SIZE_MAX);
    problem->pairwise.kind = PAIRWISE_SUM;
    assert_int_equal(pairwise_result_count(&problem->pairwise), SIZE_MAX);
    problem->pairwise.x.count = problem->pairwise.y.count = (size_t)1 << 24;
    assert_int_equal(pairwise_scratch_bytes(&problem->pairwise), SIZE_MAX);
    problem->pairwise.x.count--;
    assert_in_range(pairwise_scratch_bytes(&problem->pairwise), 1, 8 << 20);
    assert_true(pairwise_cost_ns(&problem->pairwise) <= UINT64_C(1000000000000000000));
    free_problem(problem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_are_within_their_bounds),
        cmocka_unit_test(measures_have_the_accuracy_wherever_points_are),
        cmocka_unit_test(expressions_are_those_of_their_operands),
        cmocka_unit_test(matrices_are_the_same_for_any_team),
        cmocka_unit_test(a_pair_has_the_bits_that_it_has_alone),
        cmocka_unit_test(tiles_that_share_their_columns_have_the_bits_of_others),
        cmocka_unit_test(a_set_with_itself_is_symmetric_to_the_bit),
        cmocka_unit_test(nan_and_infinity_reach_each_measure),
        cmocka_unit_test(nothing_makes_an_empty_matrix),
        cmocka_unit_test(the_first_pair_without_a_result_is_told),
        cmocka_unit_test(a_set_flag_cancels_and_progress_counts_tiles),
        cmocka_unit_test(sizes_that_no_memory_holds_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

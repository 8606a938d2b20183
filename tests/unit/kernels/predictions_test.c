/* A prediction holds for few points and for numbers that a function is slow on, too: at least a third of what
 * bench/predictions has measured. */
#include "kernels/gaussian/gaussian_matrix.h"
#include "kernels/gaussian/gaussian_sum.h"
#include "kernels/pairwise/pairwise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *compile(const char *text, const struct expression_operand *operands, size_t count) {
    void *program = malloc(EXPRESSION_PROGRAM_BYTES_MAX);
    const struct expression_text texts = {text, strlen(text)};
    struct expression_error error;
    assert_non_null(program);
    assert_true(expression_compile(&texts, 1, operands, count, program, &error) > 0);
    return program;
}

static void functions_are_predicted_by_their_slowest_numbers(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    static const struct {
        const char *text;
        enum expression_type type;
        uint64_t measured_ns; /* an element */
    } cases[] = {{"x % y", EXPRESSION_FLOAT64, 139},      {"x % y", EXPRESSION_FLOAT32, 115},
                 {"x // y", EXPRESSION_FLOAT64, 134},     {"x // y", EXPRESSION_FLOAT32, 115},
                 {"fmod(x, y)", EXPRESSION_FLOAT64, 145}, {"fmod(x, y)", EXPRESSION_FLOAT32, 119},
                 {"x ** y", EXPRESSION_FLOAT32, 19},      {"sin(x)", EXPRESSION_FLOAT64, 7},
                 {"cos(x)", EXPRESSION_FLOAT64, 8},       {"tan(x)", EXPRESSION_FLOAT64, 9},
                 {"erf(x)", EXPRESSION_FLOAT64, 22},      {"log1p(x)", EXPRESSION_FLOAT64, 27},
                 {"log1p(x)", EXPRESSION_FLOAT32, 6},     {"asinh(x)", EXPRESSION_FLOAT64, 76},
                 {"acosh(x)", EXPRESSION_FLOAT64, 62},    {"lgamma(x)", EXPRESSION_FLOAT64, 403},
                 {"tgamma(x)", EXPRESSION_INT64, 218},    {"lgamma(x)", EXPRESSION_FLOAT32, 69},
                 {"tgamma(x)", EXPRESSION_FLOAT64, 864},  {"tgamma(x)", EXPRESSION_FLOAT32, 118}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct expression_operand operands[] = {{"x", cases[i].type, false, false},
                                                      {"y", cases[i].type, false, false}};
        void *program = compile(cases[i].text, operands, 2);
        assert_in_range(expression_cost_ns(program, COUNT), cases[i].measured_ns * COUNT / 3,
                        cases[i].measured_ns * COUNT * 15);
        free(program);
    }
}

static void few_points_are_predicted(void **state) {
    (void)state;
    assert_true(gaussian_matrix_cost_ns(1000, 1, 3) > 22000 / 3);
    assert_true(gaussian_matrix_cost_ns(1, 1000, 128) > 84000 / 3);
    assert_true(gaussian_matrix_cost_ns(1, 1, 512) > 5800 / 3);
    assert_true(gaussian_float_matrix_cost_ns(1000, 1, 3) > 27000 / 3);
    assert_true(gaussian_float_matrix_cost_ns(1, 1000, 128) > 35000 / 3);
    assert_true(gaussian_float_matrix_cost_ns(1, 1, 512) > 14700 / 3);
    assert_true(gaussian_sum_cost_ns(1000, 1, 3) > 40000 / 3);
    assert_true(gaussian_sum_cost_ns(1, 1000, 128) > 105000 / 3);
    assert_true(gaussian_float_sum_cost_ns(1, 1000, 64) > 65000 / 3);
    assert_true(gaussian_float_sum_cost_ns(1, 1, 512) > 12600 / 3);
}

static void few_pairs_and_the_nearest_are_predicted(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum pairwise_kind kind;
        size_t n, m, dimensions, k;
        uint64_t measured_ns;
    } cases[] = {{"d2", PAIRWISE_MATRIX, 1000, 1, 63, 0, 89000}, {"d2", PAIRWISE_SUM, 1000, 1, 4, 0, 77000},
                 {"cos", PAIRWISE_ARGMIN, 1, 1000, 5, 0, 29000}, {"d2", PAIRWISE_MATRIX, 1, 1, 512, 0, 7500},
                 {"d2", PAIRWISE_TOPK, 1, 1000, 1, 10, 16200},   {"d2", PAIRWISE_TOPK, 1, 1000, 1, 1000, 47000}};
    struct expression_operand operands[PAIRWISE_OPERANDS];
    pairwise_operands(EXPRESSION_FLOAT64, operands);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const double point;
        void *program = compile(cases[i].text, operands, PAIRWISE_OPERANDS);
        const struct pairwise pairwise = {.program = program,
                                          .type = EXPRESSION_FLOAT64,
                                          .x = {&point, cases[i].n},
                                          .y = {&point + 1, cases[i].m},
                                          .dimensions = cases[i].dimensions,
                                          .kind = cases[i].kind,
                                          .columns = 1,
                                          .k = cases[i].k};
        assert_in_range(pairwise_cost_ns(&pairwise), cases[i].measured_ns / 3, cases[i].measured_ns * 3);
        free(program);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(functions_are_predicted_by_their_slowest_numbers),
                                       cmocka_unit_test(few_points_are_predicted),
                                       cmocka_unit_test(few_pairs_and_the_nearest_are_predicted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

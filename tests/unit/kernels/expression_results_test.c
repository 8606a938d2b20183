/* Where an expression's results go: over operands, past the caches, several in one pass; and what is cancelled. ctest:
 * threads */
#include "kernels/expression/expression.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct progress nothing_watched = {0};
static uint64_t seed = 0x9e3779b97f4a7c15;

static size_t below(size_t limit) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

static double special_double(void) {
    static const double special[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1e308, -1e308, 5e-324, 1, -1, 0.5, 2};
    return below(3) ? (double)below(1000000) / 1000 - 500 : special[below(sizeof special / sizeof *special)];
}

static const struct expression_operand operands[] = {{"x", EXPRESSION_FLOAT64, false, false},
                                                     {"y", EXPRESSION_FLOAT64, false, false}};
static uint64_t program[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];

static const struct expression_program *compiled(void) {
    return (const struct expression_program *)(const void *)program;
}

enum { LONG = 700001 }; /* past the caches */

static const struct expression_program *compile(const char *const *list, size_t count) {
    struct expression_text texts[EXPRESSION_RESULTS_MAX];
    struct expression_error error;
    for (size_t i = 0; i < count; i++) {
        texts[i] = (struct expression_text){list[i], strlen(list[i])};
    }
    if (expression_compile(texts, count, operands, 2, program, &error) == 0) {
        fail_msg("%s: at %zu: %s", list[error.text], error.offset, error.message);
    }
    return compiled();
}

static void run_long(const double *x, const double *y, void *const *results, unsigned threads) {
    const struct expression_array views[] = {{x, {1}}, {y, {1}}};
    const struct expression_shape shape = {1, {LONG}};
    const struct team team = {.threads = threads};
    struct expression_failure failure;
    assert_int_equal(expression_run(compiled(), views, &shape, results, &team, &nothing_watched, &failure),
                     KERNEL_DONE);
    assert_int_equal(failure.kind, EXPRESSION_NO_FAILURE);
}

static double *long_array(void) {
    double *array = malloc(LONG * sizeof *array);
    assert_non_null(array);
    for (size_t i = 0; i < LONG; i++) {
        array[i] = special_double();
    }
    return array;
}

/* The result in memory of its own, and over each of the operands. */
static void a_result_may_overwrite_an_operand(void **state) {
    (void)state;
    static const char *const texts[] = {"x*y - x", "where(x > y, x, 2)", "d = y - x; exp(-d*d) + y", "-x", "x"};
    double *x = long_array(), *y = long_array(), *z = long_array(), *copy = long_array();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        compile(&texts[i], 1);
        run_long(x, y, (void *const[]){z}, 1);
        memcpy(copy, x, LONG * sizeof *x);
        run_long(copy, y, (void *const[]){copy}, 2);
        assert_memory_equal(copy, z, LONG * sizeof *z);
        memcpy(copy, y, LONG * sizeof *y);
        run_long(x, copy, (void *const[]){copy}, 3);
        assert_memory_equal(copy, z, LONG * sizeof *z);
    }
    free(x);
    free(y);
    free(z);
    free(copy);
}

/* Each has the bits that it has alone, whatever they have in common. */
static void several_results_are_those_of_one_each(void **state) {
    (void)state;
    static const char *const texts[] = {"x - y",     "(x - y)*(x - y)", "exp(-(x - y)**2)", "x", "2.5",
                                        "x - y > 0", "x - y",           "x + 3*y"};
    enum { COUNT = sizeof texts / sizeof *texts };
    double *x = long_array(), *y = long_array(), *alone_z = long_array();
    void *results[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        results[i] = long_array();
    }
    compile(texts, COUNT);
    run_long(x, y, results, 2);
    for (size_t i = 0; i < COUNT; i++) {
        size_t bytes = expression_type_bytes(expression_result_type(compile(texts, COUNT), i));
        compile(&texts[i], 1);
        run_long(x, y, (void *const[]){alone_z}, 1);
        assert_memory_equal(results[i], alone_z, LONG * bytes);
        free(results[i]);
    }
    free(x);
    free(y);
    free(alone_z);
}

/* Operators and calls count over all texts together, whichever has them, and the text that has one too many is named.
 */
static void the_limit_of_operations_is_that_of_all_texts(void **state) {
    (void)state;
    enum { MOST = EXPRESSION_OPERATIONS_MAX };
    static char plus[2 * MOST + 2];
    for (size_t i = 0; i <= MOST; i++) {
        memcpy(plus + 2 * i, i < MOST ? "x+" : "x", i < MOST ? 2 : 1);
    }
    for (size_t first = 0; first <= MOST; first += MOST / 4) {
        struct expression_text texts[] = {
            {plus + 2 * (MOST - first), 2 * first + 1}, {plus + 2 * first, 2 * (MOST - first) + 1}, {"x", 1}};
        struct expression_error error;
        assert_true(expression_compile(texts, 3, operands, 2, program, &error) > 0);
        texts[2] = (struct expression_text){"-x", 2};
        assert_int_equal(expression_compile(texts, 3, operands, 2, program, &error), 0);
        assert_int_equal(error.text, 2);
        assert_non_null(strstr(error.message, "there are more than 1024 operations"));
    }
}

static void a_run_that_is_cancelled_stops(void **state) {
    (void)state;
    static const char *const texts[] = {"x**y + x**(y + 1) + x**(y + 2)"};
    const atomic_bool cancel = true;
    atomic_uint_fast64_t done = 0;
    const struct progress progress = {.cancel = &cancel, .done = &done};
    const struct team alone = {.threads = 1};
    const struct expression_shape shape = {1, {LONG}};
    struct expression_failure failure;
    double *x = long_array();
    const struct expression_array views[] = {{x, {1}}, {x, {1}}};
    compile(texts, 1);
    assert_int_equal(expression_run(compiled(), views, &shape, (void *const[]){x}, &alone, &progress, &failure),
                     KERNEL_CANCELLED);
    assert_int_equal(done, 0);
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_result_may_overwrite_an_operand),
                                       cmocka_unit_test(several_results_are_those_of_one_each),
                                       cmocka_unit_test(the_limit_of_operations_is_that_of_all_texts),
                                       cmocka_unit_test(a_run_that_is_cancelled_stops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

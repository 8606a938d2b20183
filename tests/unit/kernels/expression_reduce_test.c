/* Reductions of expressions against those of the arrays that they stand for, for random shapes, axes and teams.
 * ctest: threads */
#include "kernels/expression/expression.h"
#include "tests/unit/next_round.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ELEMENTS_MAX = 60000, CASES = 400, SCRATCH_BYTES = 16 << 20, THREADS_MAX = 16 };

/* Of sums of up to ELEMENTS_MAX values, whose order columns choose as they like. */
#define TOLERANCE 1e-11

static const struct progress nothing_watched = {0};
static uint64_t seed = 0x9e3779b97f4a7c15;

static size_t below(size_t limit) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

static const struct expression_operand operands[] = {{"x", EXPRESSION_FLOAT64, false, false},
                                                     {"i", EXPRESSION_INT64, false, false},
                                                     {"y", EXPRESSION_FLOAT64, false, false}};
static double x[ELEMENTS_MAX], y[ELEMENTS_MAX], out[ELEMENTS_MAX], again[ELEMENTS_MAX], values[ELEMENTS_MAX],
    row[ELEMENTS_MAX];
static int64_t integers[ELEMENTS_MAX];
static void *const to_out[] = {out}, *const to_again[] = {again};
static uint64_t memory[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];
static uint64_t scratch[SCRATCH_BYTES / sizeof(uint64_t)];

static const struct expression_program *compile_all(const char *const *bytes, size_t count) {
    struct expression_text texts[EXPRESSION_RESULTS_MAX];
    struct expression_error error;
    for (size_t i = 0; i < count; i++) {
        texts[i] = (struct expression_text){bytes[i], strlen(bytes[i])};
    }
    if (expression_compile(texts, count, operands, 3, memory, &error) == 0) {
        fail_msg("%s: at %zu: %s", bytes[error.text], error.offset, error.message);
    }
    return (const struct expression_program *)(const void *)memory;
}

static const struct expression_program *compile(const char *bytes) {
    return compile_all(&bytes, 1);
}

static struct expression_shape random_shape(void) {
    static const size_t lengths[] = {1, 2, 3, 17, 900, 1024, 1025, 2300, 40000};
    struct expression_shape shape = {.dimensions = 1 + (unsigned)below(EXPRESSION_DIMENSIONS_MAX)};
    size_t count = 1;
    for (unsigned i = 0; i < shape.dimensions; i++) {
        do {
            shape.lengths[i] = lengths[below(sizeof lengths / sizeof *lengths)];
        } while (shape.lengths[i] * count > ELEMENTS_MAX);
        count *= shape.lengths[i];
    }
    return shape;
}

static struct expression_array whole(const void *at, const struct expression_shape *shape) {
    struct expression_array array = {.values = at};
    size_t stride = 1;
    for (unsigned i = shape->dimensions; i-- > 0;) {
        array.strides[i] = stride;
        stride *= shape->lengths[i];
    }
    return array;
}

static struct expression_failure reduce(const struct expression_program *program, const struct expression_shape *shape,
                                        const struct expression_reduction *reduction, const struct team *team,
                                        void *const *to) {
    const struct expression_array arrays[] = {whole(x, shape), whole(integers, shape), whole(y, shape)};
    struct expression_failure failure;
    assert_in_range(expression_reduction_scratch(program, shape, reduction->axis), 0, SCRATCH_BYTES);
    assert_int_equal(
        expression_reduce(program, arrays, shape, reduction, scratch, to, team, &nothing_watched, &failure),
        KERNEL_DONE);
    return failure;
}

/* One result: that of a row of values, all of them added in the row's ranges. */
static void expect(struct reduction what, const void *from, size_t count, void *to) {
    size_t bytes = what.type == REDUCTION_BOOL ? 1 : 8;
    struct reduction_state all = {0};
    for (size_t range = 0; range < reduction_ranges(count); range++) {
        struct reduction_state state = {0};
        for (size_t i = reduction_begin(count, range); i < reduction_begin(count, range + 1); i += REDUCTION_BLOCK) {
            size_t left = reduction_begin(count, range + 1) - i;
            reduction_add(what, &state, (const char *)from + i * bytes,
                          left < REDUCTION_BLOCK ? left : REDUCTION_BLOCK);
        }
        if (range == 0) {
            all = state;
        } else {
            reduction_merge(what, &all, &state);
        }
    }
    assert_int_equal(reduction_close(what, &all, to), REDUCTION_DONE);
}

static bool is_near(enum expression_type type, const void *found, const void *expected, bool is_exact) {
    double a, b;
    if (type != EXPRESSION_FLOAT64 || is_exact) {
        return memcmp(found, expected, expression_type_bytes(type)) == 0;
    }
    memcpy(&a, found, sizeof a);
    memcpy(&b, expected, sizeof b);
    return fabs(a - b) <= TOLERANCE * (1 + fabs(b)) || (isinf(a) && a == b);
}

/* Every result against its row, whose elements lie `inner` apart. */
static void compare(const char *text, const struct expression_program *program, const struct expression_shape *shape,
                    const struct expression_reduction *reduction) {
    static const enum reduction_type types[] = {REDUCTION_BOOL, REDUCTION_INT64, REDUCTION_FLOAT, REDUCTION_DOUBLE};
    const struct expression_array arrays[] = {whole(x, shape), whole(integers, shape), whole(y, shape)};
    const struct team alone = {.threads = 1};
    struct expression_failure failure;
    void *const results[] = {values};
    struct reduction what = {reduction->kind, types[expression_result_type(program, 0)]};
    enum expression_type type = expression_reduction_type(program, 0, reduction->kind);
    size_t bytes = expression_type_bytes(expression_result_type(program, 0)), inner = 1, length = 1;
    for (int i = 0; i < (int)shape->dimensions; i++) {
        inner *= reduction->axis != EXPRESSION_ALL && i > reduction->axis ? shape->lengths[i] : 1;
        length *= reduction->axis == EXPRESSION_ALL || i == reduction->axis ? shape->lengths[i] : 1;
    }
    assert_int_equal(expression_run(program, arrays, shape, results, &alone, &nothing_watched, &failure), KERNEL_DONE);
    for (size_t i = 0; i < expression_reduction_count(shape, reduction->axis); i++) {
        double expected = 0;
        for (size_t k = 0; k < length; k++) {
            size_t from = (i / inner * length + k) * inner + i % inner;
            memcpy((char *)row + k * bytes, (const char *)values + from * bytes, bytes);
        }
        expect(what, row, length, &expected);
        const char *found = (const char *)out + i * expression_type_bytes(type);
        if (!is_near(type, found, &expected, inner == 1)) {
            double value;
            memcpy(&value, found, sizeof value);
            fail_msg("%s: reduction %d along %d, result %zu of rows of %zu: %.17g, not %.17g", text, reduction->kind,
                     reduction->axis, i, length, value, expected);
        }
    }
}

static void reductions_are_those_of_their_rows_for_any_team(void **state) {
    (void)state;
    static const char *const texts[] = {"x", "x*x", "x*y", "x*x - 1", "i", "i*3 + 1", "x > 0", "exp(x)", "2.5"};
    for (size_t i = 0; i < ELEMENTS_MAX; i++) {
        x[i] = (double)(int64_t)below(1000000) / 500000 - 1;
        y[i] = (double)(int64_t)below(1000000) / 250000 - 2;
        integers[i] = (int64_t)below(100) - 50;
    }
    for (size_t i = 0; i < CASES; i = next_round(i)) {
        const char *text = texts[below(sizeof texts / sizeof *texts)];
        const struct expression_program *program = compile(text);
        struct expression_shape shape = random_shape();
        struct expression_reduction reduction = {.kind = (enum reduction_kind)below(REDUCTION_STD + 1),
                                                 .axis = (int)below(shape.dimensions + 1) - 1};
        reduction.kind = reduction.kind == REDUCTION_PROD && text[0] != 'x' ? REDUCTION_SUM : reduction.kind;
        struct team team = {.threads = 1};
        struct expression_failure failure = reduce(program, &shape, &reduction, &team, to_out);
        assert_int_equal(failure.kind, EXPRESSION_NO_FAILURE);
        compare(text, program, &shape, &reduction);
        size_t bytes = expression_reduction_count(&shape, reduction.axis) *
                       expression_type_bytes(expression_reduction_type(program, 0, reduction.kind));
        for (unsigned tries = 0; tries < 3; tries++) {
            team = (struct team){2 + (unsigned)below(THREADS_MAX - 1), (enum team_schedule)below(3),
                                 below(2) ? 0 : 1 + below(5)};
            (void)reduce(program, &shape, &reduction, &team, to_again);
            assert_memory_equal(out, again, bytes);
        }
    }
}

/* Products that are added up as they are made, beside those that are stored first, as they are where there are several
 * texts. Of NaN the sign and payload aren't looked at. */
static void sums_of_products_are_those_of_stored_ones(void **state) {
    (void)state;
    enum { SPECIALS = 4 };
    static const double special[] = {(double)NAN, INFINITY, -INFINITY, 1e308, -1e308, 0x1p-1074, -0.0, 1e-200};
    static const char *const both[] = {"x*y", "x"};
    for (size_t i = 0; i < CASES; i = next_round(i)) {
        struct expression_shape shape = random_shape();
        struct expression_reduction reduction = {below(2) ? REDUCTION_SUM : REDUCTION_MEAN,
                                                 (int)below(shape.dimensions + 1) - 1};
        double kept_x[SPECIALS], kept_y[SPECIALS];
        size_t places[SPECIALS], count = expression_count(&shape);
        for (size_t k = 0; k < SPECIALS; k++) {
            places[k] = below(count);
            kept_x[k] = x[places[k]];
            kept_y[k] = y[places[k]];
            x[places[k]] = special[below(sizeof special / sizeof *special)];
            y[places[k]] = below(2) ? special[below(sizeof special / sizeof *special)] : kept_y[k];
        }
        const struct team team = {1 + (unsigned)below(THREADS_MAX), (enum team_schedule)below(3), 0};
        void *const to_both[] = {again, values};
        (void)reduce(compile("x*y"), &shape, &reduction, &team, to_out);
        (void)reduce(compile_all(both, 2), &shape, &reduction, &team, to_both);
        for (size_t k = 0; k < expression_reduction_count(&shape, reduction.axis); k++) {
            if (memcmp(&out[k], &again[k], sizeof *out) != 0 && !(isnan(out[k]) && isnan(again[k]))) {
                fail_msg("result %zu: %.17g, not %.17g", k, out[k], again[k]);
            }
        }
        for (size_t k = SPECIALS; k-- > 0;) {
            x[places[k]] = kept_x[k];
            y[places[k]] = kept_y[k];
        }
    }
}

/* In one pass, with the bits that each has alone. */
static void several_reductions_are_those_of_each(void **state) {
    (void)state;
    static const char *const texts[] = {"x",
                                        "x*x",
                                        "x*y",
                                        "i",
                                        "x > 0",
                                        "exp(x)",
                                        "i*3 + 1",
                                        "2.5",
                                        "i>0",
                                        "x*x + 1",
                                        "x*x - exp(x)",
                                        "7",
                                        "where(x>0, x, 0)",
                                        "-x",
                                        "-i"};
    enum { TEXTS = sizeof texts / sizeof *texts, RESULTS_MAX = ELEMENTS_MAX / 8 };
    static double found[EXPRESSION_RESULTS_MAX][RESULTS_MAX];
    for (size_t i = 0; i < CASES / 4; i = next_round(i)) {
        const char *chosen[EXPRESSION_RESULTS_MAX];
        void *to[EXPRESSION_RESULTS_MAX];
        size_t count = 1 + below(EXPRESSION_RESULTS_MAX);
        struct expression_shape shape = random_shape();
        struct expression_reduction reduction = {(enum reduction_kind)below(REDUCTION_STD + 1),
                                                 (int)below(shape.dimensions + 1) - 1};
        reduction.kind = reduction.kind == REDUCTION_PROD ? REDUCTION_SUM : reduction.kind;
        size_t results = expression_reduction_count(&shape, reduction.axis);
        if (results > RESULTS_MAX) {
            continue;
        }
        for (size_t k = 0; k < count; k++) {
            chosen[k] = texts[below(TEXTS)];
            to[k] = found[k];
        }
        struct team team = {1 + (unsigned)below(THREADS_MAX), (enum team_schedule)below(3), below(2) ? 0 : below(9)};
        struct expression_failure failure = reduce(compile_all(chosen, count), &shape, &reduction, &team, to);
        assert_int_equal(failure.kind, EXPRESSION_NO_FAILURE);
        team = (struct team){.threads = 1};
        for (size_t k = 0; k < count; k++) {
            const struct expression_program *program = compile(chosen[k]);
            (void)reduce(program, &shape, &reduction, &team, to_out);
            assert_memory_equal(found[k], out,
                                results * expression_type_bytes(expression_reduction_type(program, 0, reduction.kind)));
        }
    }
}

static void the_text_without_a_result_is_said(void **state) {
    (void)state;
    static const char *const texts[] = {"i", "i * 4611686018427387904", "i * 4611686018427387904 + 1"};
    const struct team team = {.threads = 2};
    const struct expression_shape rows = {2, {3, 4}};
    const struct expression_reduction sum = {REDUCTION_SUM, 1};
    void *const to[] = {out, again, row};
    memset(integers, 0, 12 * sizeof *integers);
    integers[6] = integers[7] = 1;
    struct expression_failure failure = reduce(compile_all(texts, 3), &rows, &sum, &team, to);
    assert_true(failure.is_reduced && failure.kind == EXPRESSION_OVERFLOW && failure.text == 1 && failure.element == 1);
}

static void what_has_no_result_is_said(void **state) {
    (void)state;
    const struct team team = {.threads = 2};
    const struct expression_shape rows = {2, {3, 4}}, nothing = {2, {3, 0}}, none = {2, {0, 3}};
    const struct expression_program *program = compile("i * 4611686018427387904");
    const struct expression_reduction sum = {REDUCTION_SUM, 1}, least = {REDUCTION_MIN, 1}, all = {REDUCTION_ALL, 0};
    memset(integers, 0, 12 * sizeof *integers);
    integers[6] = integers[7] = 1;
    struct expression_failure failure = reduce(program, &rows, &sum, &team, to_out);
    assert_true(failure.is_reduced && failure.kind == EXPRESSION_OVERFLOW && failure.element == 1);
    integers[9] = 2;
    failure = reduce(program, &rows, &sum, &team, to_out);
    assert_true(!failure.is_reduced && failure.kind == EXPRESSION_OVERFLOW && failure.element == 9);
    failure = reduce(program, &nothing, &least, &team, to_out);
    assert_true(failure.is_reduced && failure.kind == EXPRESSION_NOTHING && failure.element == 0);
    failure = reduce(program, &nothing, &sum, &team, to_out);
    assert_true(failure.kind == EXPRESSION_NO_FAILURE && out[0] == 0 && out[2] == 0);
    failure = reduce(program, &none, &all, &team, to_out);
    assert_int_equal(failure.kind, EXPRESSION_NO_FAILURE);
    assert_memory_equal(out, "\1\1\1", 3);
    failure = reduce(program, &none, &sum, &team, to_out);
    assert_int_equal(failure.kind, EXPRESSION_NO_FAILURE);
}

static void a_cancelled_reduction_ends(void **state) {
    (void)state;
    const atomic_bool cancel = true;
    const struct progress progress = {.cancel = &cancel};
    const struct team team = {.threads = 2};
    const struct expression_shape shape = {1, {ELEMENTS_MAX}};
    const struct expression_array arrays[] = {whole(x, &shape), whole(integers, &shape), whole(y, &shape)};
    const struct expression_reduction sum = {REDUCTION_SUM, EXPRESSION_ALL};
    struct expression_failure failure;
    const struct expression_program *program = compile("exp(x) + i");
    assert_int_equal(expression_reduce(program, arrays, &shape, &sum, scratch, to_out, &team, &progress, &failure),
                     KERNEL_CANCELLED);
    assert_int_equal(expression_run(program, arrays, &shape, to_out, &team, &progress, &failure), KERNEL_CANCELLED);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(reductions_are_those_of_their_rows_for_any_team),
                                       cmocka_unit_test(several_reductions_are_those_of_each),
                                       cmocka_unit_test(sums_of_products_are_those_of_stored_ones),
                                       cmocka_unit_test(the_text_without_a_result_is_said),
                                       cmocka_unit_test(what_has_no_result_is_said),
                                       cmocka_unit_test(a_cancelled_reduction_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Expressions against the evaluator of single elements: random texts, shapes, types, values, teams. ctest: threads */
#include "kernels/expression/expression.h"
#include "tests/reference/expression_simple.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXTS = 3000, TEXT_MAX = 2048, ELEMENTS_MAX = 6000, OPERANDS = 10, DEPTH = 4 };

static const struct progress nothing_watched = {0};
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

static const struct expression_operand operands[OPERANDS] = {
    {"x", EXPRESSION_FLOAT64, false, false}, {"y", EXPRESSION_FLOAT64, false, false},
    {"f", EXPRESSION_FLOAT32, false, false}, {"h", EXPRESSION_FLOAT32, false, false},
    {"i", EXPRESSION_INT64, false, false},   {"j", EXPRESSION_INT64, false, false},
    {"b", EXPRESSION_BOOL, false, false},    {"g", EXPRESSION_FLOAT64, true, true},
    {"s", EXPRESSION_FLOAT32, false, true},  {"n", EXPRESSION_INT64, false, true}};

/* --- texts ------------------------------------------------------------------------------------------------------- */

struct writer {
    char *out;
    size_t used;
};

static void put(struct writer *writer, const char *text) {
    size_t length = strlen(text);
    memcpy(writer->out + writer->used, text, length + 1);
    writer->used += length;
}

static const char *any(const char *const *list, size_t count) {
    return list[below(count)];
}

#define ANY(...)                                                                                                       \
    any((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void write_float(struct writer *writer, unsigned depth);

static void write_integer(struct writer *writer, unsigned depth) {
    if (depth == 0) {
        put(writer, ANY("i", "j", "n", "b", "1", "2", "3", "7", "0", "100"));
        return;
    }
    switch (below(5)) {
    case 0:
        put(writer, ANY("-", "~", "+"));
        write_integer(writer, depth - 1);
        break;
    case 1:
        put(writer, ANY("abs(", "sign(", "floor(", "round(", "square(", "ones_like("));
        write_integer(writer, depth - 1);
        put(writer, ")");
        break;
    case 2:
        put(writer, ANY("minimum(", "maximum(", "fmod("));
        write_integer(writer, depth - 1);
        put(writer, ", ");
        write_integer(writer, depth - 1);
        put(writer, ")");
        break;
    default:
        put(writer, "(");
        write_integer(writer, depth - 1);
        put(writer, ANY(" + ", " - ", " * ", "//", "%", " & ", " | ", " ^ ", "<<", ">>", "**"));
        write_integer(writer, depth - 1);
        put(writer, ")");
        break;
    }
}

static void write_condition(struct writer *writer, unsigned depth) {
    if (depth == 0) {
        put(writer, ANY("b", "(x > y)", "(f <= h)", "(i != j)", "True", "False"));
        return;
    }
    switch (below(4)) {
    case 0:
        put(writer, "(");
        write_condition(writer, depth - 1);
        put(writer, ANY(" & ", " | ", " ^ ", "=="));
        write_condition(writer, depth - 1);
        put(writer, ")");
        break;
    case 1:
        put(writer, ANY("isnan(", "isinf(", "isfinite("));
        write_float(writer, depth - 1);
        put(writer, ")");
        break;
    case 2:
        put(writer, "~");
        write_condition(writer, depth - 1);
        break;
    default:
        put(writer, "(");
        write_float(writer, depth - 1);
        put(writer, ANY("<", "<=", ">", ">=", "==", "!="));
        write_float(writer, depth - 1);
        put(writer, ")");
        break;
    }
}

static void write_call(struct writer *writer, unsigned depth) {
    switch (below(4)) {
    case 0:
        put(writer, "where(");
        write_condition(writer, depth - 1);
        put(writer, ", ");
        break;
    case 1:
        put(writer, ANY("minimum(", "maximum(", "hypot(", "arctan2(", "nextafter(", "logaddexp(", "fmod("));
        break;
    case 2:
        put(writer, ANY("clip(", "fma("));
        write_float(writer, depth - 1);
        put(writer, ", ");
        break;
    default:
        put(writer, ANY("exp(", "log(", "sin(", "sqrt(", "abs(", "floor(", "rint(", "sign(", "erf(", "square(", "cbrt(",
                        "ones_like("));
        write_float(writer, depth - 1);
        put(writer, ")");
        return;
    }
    write_float(writer, depth - 1);
    put(writer, ", ");
    write_float(writer, depth - 1);
    put(writer, ")");
}

static void write_float(struct writer *writer, unsigned depth) {
    if (depth == 0) {
        put(writer, ANY("x", "y", "f", "h", "g", "s", "i", "j", "b", "1.5", ".25", "2", "pi", "e", "inf", "3e-2"));
        return;
    }
    switch (below(6)) {
    case 0:
        put(writer, ANY("-", "+"));
        write_float(writer, depth - 1);
        break;
    case 1:
    case 2:
        write_call(writer, depth);
        break;
    case 3:
        write_float(writer, 0);
        put(writer, ANY("**", "**-"));
        write_float(writer, 0);
        break;
    default:
        put(writer, "(");
        write_float(writer, depth - 1);
        put(writer, ANY(" + ", " - ", "*", " / ", "//", "%", "**"));
        write_float(writer, depth - 1);
        put(writer, ")");
        break;
    }
}

static void write_text(char *out) {
    struct writer writer = {.out = out};
    unsigned depth = (unsigned)below(DEPTH + 1);
    bool has_local = below(3) == 0;
    if (has_local) {
        put(&writer, "d = ");
        write_float(&writer, depth);
        put(&writer, "; ");
    }
    switch (below(3)) {
    case 0:
        write_integer(&writer, depth);
        break;
    case 1:
        write_condition(&writer, depth);
        break;
    default:
        write_float(&writer, depth);
        break;
    }
    if (has_local) {
        put(&writer, " == d*d");
    }
}

/* --- values ------------------------------------------------------------------------------------------------------ */

struct arrays {
    double x[OPERANDS][ELEMENTS_MAX];
    struct expression_array views[OPERANDS];
};

static double special_double(void) {
    static const double special[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1e308, -1e308, 5e-324, 1, -1, 0.5, 2};
    return below(3) ? (double)(int64_t)next_random() * 0x1p-60 : special[below(sizeof special / sizeof *special)];
}

static int64_t special_integer(void) {
    static const int64_t special[] = {0, 1, -1, 2, INT64_MAX, INT64_MIN, 63, 64, -2, INT64_C(1) << 32};
    return below(8) ? (int64_t)below(40) - 10 : special[below(sizeof special / sizeof *special)];
}

static void set_value(void *at, enum expression_type type, size_t i) {
    switch (type) {
    case EXPRESSION_BOOL:
        ((uint8_t *)at)[i] = (uint8_t)below(2);
        break;
    case EXPRESSION_INT64:
        ((int64_t *)at)[i] = special_integer();
        break;
    case EXPRESSION_FLOAT32:
        ((float *)at)[i] = (float)special_double();
        break;
    case EXPRESSION_FLOAT64:
        ((double *)at)[i] = special_double();
        break;
    }
}

static struct simple_value get_value(const void *at, enum expression_type type, size_t i) {
    struct simple_value value = {.type = type};
    switch (type) {
    case EXPRESSION_BOOL:
        value.integer = ((const uint8_t *)at)[i];
        break;
    case EXPRESSION_INT64:
        value.integer = ((const int64_t *)at)[i];
        break;
    case EXPRESSION_FLOAT32:
        value.number = (double)((const float *)at)[i];
        break;
    case EXPRESSION_FLOAT64:
        value.number = ((const double *)at)[i];
        break;
    }
    return value;
}

static struct expression_shape random_shape(void) {
    struct expression_shape shape = {.dimensions = (unsigned)below(EXPRESSION_DIMENSIONS_MAX + 1)};
    if (below(4) == 0) {
        shape.dimensions = 1;
        shape.lengths[0] = below(ELEMENTS_MAX);
        return shape;
    }
    for (unsigned i = 0; i < shape.dimensions; i++) {
        shape.lengths[i] = 1 + below(8);
    }
    return shape;
}

/* Each operand has all elements, or is repeated along some of the dimensions. */
static void fill(struct arrays *arrays, const struct expression_shape *shape) {
    for (size_t k = 0; k < OPERANDS; k++) {
        size_t stride = 1;
        arrays->views[k].values = arrays->x[k];
        for (unsigned i = shape->dimensions; i-- > 0;) {
            bool is_repeated = below(4) == 0;
            arrays->views[k].strides[i] = is_repeated ? 0 : stride;
            stride *= is_repeated ? 1 : shape->lengths[i];
        }
        stride = operands[k].is_single || stride == 0 ? 1 : stride;
        for (size_t i = 0; i < stride; i++) {
            set_value(arrays->x[k], operands[k].type, i);
        }
    }
    arrays->x[7][0] = below(2) ? 0.75 : -3; /* weak: no 2, which would be one of the text's */
}

static size_t offset_of(const struct expression_array *array, const struct expression_shape *shape, size_t element) {
    size_t offset = 0;
    for (unsigned i = shape->dimensions; i-- > 0;) {
        offset += element % shape->lengths[i] * array->strides[i];
        element /= shape->lengths[i];
    }
    return offset;
}

static bool simple_element(const char *text, const struct arrays *arrays, const struct expression_shape *shape,
                           size_t element, struct simple_value *out) {
    struct simple_operand simple[OPERANDS];
    for (size_t k = 0; k < OPERANDS; k++) {
        size_t offset = operands[k].is_single ? 0 : offset_of(&arrays->views[k], shape, element);
        simple[k] = (struct simple_operand){operands[k].name, get_value(arrays->x[k], operands[k].type, offset)};
        simple[k].value.is_weak = operands[k].is_weak;
    }
    return expression_simple(text, simple, OPERANDS, out);
}

static bool same(struct simple_value a, struct simple_value b) {
    bool both_nan = isnan(a.number) && isnan(b.number);
    return a.type == b.type && a.integer == b.integer &&
           (both_nan || memcmp(&a.number, &b.number, sizeof a.number) == 0);
}

/* --- the comparison ---------------------------------------------------------------------------------------------- */

static uint64_t program[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];
static struct arrays arrays;
static double result[ELEMENTS_MAX], again[ELEMENTS_MAX];

static const struct expression_program *compiled(void) {
    return (const struct expression_program *)(const void *)program;
}

static struct team random_team(void) {
    return (struct team){.threads = 1 + (unsigned)below(below(8) == 0 ? 16 : 4),
                         .schedule = (enum team_schedule)below(3),
                         .chunk = below(2) ? 0 : 1 + below(700)};
}

static struct expression_failure run(const struct expression_shape *shape, const struct team *team, void *out) {
    struct expression_failure failure;
    void *const results[] = {out};
    assert_int_equal(expression_run(compiled(), arrays.views, shape, results, team, &nothing_watched, &failure),
                     KERNEL_DONE);
    return failure;
}

/* Is the result that of the evaluator? Of many elements some are looked at, and that which fails. The sign of a NaN is
 * nobody's, so texts don't ask for it. */
static void compare(const char *text, const struct expression_shape *shape, const struct expression_failure *failure) {
    size_t count = expression_count(shape);
    enum expression_type type = expression_result_type(compiled(), 0);
    size_t end = failure->kind ? failure->element + 1 : count;
    size_t step = count > 300 ? count / 100 : 1;
    for (size_t i = 0, next; i < end; i = next) {
        struct simple_value expected, found = get_value(result, type, i);
        next = i + 1 + below(step);
        next = i + 1 < end && next >= end ? end - 1 : next;
        bool has_value = simple_element(text, &arrays, shape, i, &expected);
        if (failure->kind && failure->element == i) {
            if (has_value) {
                fail_msg("%s: element %zu has a value, but the %s %s", text, i, failure->what, failure->problem);
            }
        } else if (!has_value) {
            fail_msg("%s: element %zu of %zu has no value, which isn't said", text, i, count);
        }
        if (!failure->kind && !same(expected, found)) {
            fail_msg("%s: element %zu of %zu: %s %a %lld, not %s %a %lld", text, i, count,
                     expression_type_name(found.type), found.number, (long long)found.integer,
                     expression_type_name(expected.type), expected.number, (long long)expected.integer);
        }
    }
}

static void expect_the_same_again(const char *text, const struct expression_shape *shape,
                                  const struct expression_failure *failure) {
    size_t bytes = expression_count(shape) * expression_type_bytes(expression_result_type(compiled(), 0));
    for (unsigned i = 0; i < 3; i++) {
        struct team team = random_team();
        struct expression_failure other = run(shape, &team, again);
        if (other.kind != failure->kind || other.element != failure->element || other.byte != failure->byte) {
            fail_msg("%s: fails at element %zu, byte %zu, then at element %zu, byte %zu", text, failure->element,
                     failure->byte, other.element, other.byte);
        }
        if (!failure->kind && memcmp(result, again, bytes) != 0) {
            fail_msg("%s: not the same bits with %u threads, schedule %d, chunk %zu", text, team.threads, team.schedule,
                     team.chunk);
        }
    }
}

static void random_expressions_have_the_evaluators_bits(void **state) {
    (void)state;
    size_t failures = 0, refusals = 0;
    for (size_t i = 0; i < TEXTS; i++) {
        char bytes[TEXT_MAX];
        struct expression_error error;
        struct simple_value unused;
        struct expression_shape shape = random_shape();
        write_text(bytes);
        fill(&arrays, &shape);
        const struct expression_text text = {bytes, strlen(bytes)};
        if (expression_compile(&text, 1, operands, OPERANDS, program, &error) == 0) {
            refusals++;
            if (expression_count(&shape) > 0 && simple_element(bytes, &arrays, &shape, 0, &unused)) {
                fail_msg("%s: has a value, but at %zu: %s", bytes, error.offset, error.message);
            }
            continue;
        }
        struct team alone = {.threads = 1};
        struct expression_failure failure = run(&shape, &alone, result);
        failures += failure.kind != EXPRESSION_NO_FAILURE;
        compare(bytes, &shape, &failure);
        expect_the_same_again(bytes, &shape, &failure);
    }
    assert_in_range(failures, TEXTS / 100, TEXTS / 2);
    assert_in_range(refusals, TEXTS / 1000, TEXTS / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_expressions_have_the_evaluators_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

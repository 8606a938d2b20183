/* Rows of bench/predictions over arrays: the Gaussian, the triangular loop, and the language of expressions, each
 * operator and function alone on each type. */
#include "bench/prediction_inputs.h"
#include "kernels/expression/expression.h"
#include "kernels/gaussian/gaussian.h"
#include "kernels/triangular/triangular.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 4096, OPERANDS = 3 };

static const size_t counts[] = {1, 64, COUNT};
enum { COUNTS = sizeof counts / sizeof *counts };

static const struct progress nothing_watched = {0};
static const struct team alone = {.threads = 1};

static void insist(enum kernel_status status) {
    if (status) {
        abort();
    }
}

/* ---- the Gaussian ------------------------------------------------------------------------------------------------ */

static const double gammas[] = {0, 1e-300, 1, 700, 1e300};
enum { GAMMAS = sizeof gammas / sizeof *gammas };

struct gaussian_case {
    const void *x, *y;
    void *z;
    double gamma;
    size_t count;
    bool is_float;
};

static void run_gaussian(const void *context) {
    const struct gaussian_case *c = context;
    enum kernel_status status;
    if (c->is_float) {
        const struct gaussian_float_side x = {c->x, false}, y = {c->y, false};
        float gamma = c->gamma > 1e38 ? 1e38F : c->gamma < 1e-38 ? 0 : (float)c->gamma;
        status = gaussian_float(x, y, gamma, c->z, c->count, &alone, &nothing_watched);
    } else {
        const struct gaussian_side x = {c->x, false}, y = {c->y, false};
        status = gaussian(x, y, c->gamma, c->z, c->count, &alone, &nothing_watched);
    }
    insist(status);
}

static void judge_gaussian(struct gaussian_case *c, const char *x_name, const char *y_name) {
    char input[96];
    for (size_t g = 0; g < GAMMAS; g++) {
        for (size_t n = 0; n < COUNTS; n++) {
            c->gamma = gammas[g];
            c->count = counts[n];
            uint64_t ns = c->is_float ? gaussian_float_cost_ns(c->count) : gaussian_cost_ns(c->count);
            snprintf(input, sizeof input, "%s, %s, gamma %g, %zu", x_name, y_name, c->gamma, c->count);
            row_judge(input, (double)ns, run_gaussian, c);
        }
    }
}

static void predict_gaussian(bool is_float, double *const arrays[]) {
    if (!row_begin(is_float ? "gaussian float32" : "gaussian float64")) {
        return;
    }
    struct gaussian_case c = {.x = arrays[0], .y = arrays[1], .z = arrays[2], .is_float = is_float};
    for (size_t x = 0; x < numbers_count; x++) {
        for (size_t y = 0; y < numbers_count; y++) {
            fill_numbers(&numbers[x], is_float, arrays[0], COUNT);
            fill_numbers(&numbers[y], is_float, arrays[1], COUNT);
            judge_gaussian(&c, numbers[x].name, numbers[y].name);
        }
    }
    row_end();
}

/* ---- the triangular loop ----------------------------------------------------------------------------------------- */

static void run_triangular(const void *context) {
    struct triangular_result result;
    insist(triangular(context, &result, 1, &alone, &nothing_watched));
}

static void predict_triangular(void) {
    if (!row_begin("triangular")) {
        return;
    }
    for (uint64_t range = 1000; range <= 10000000; range *= 10) {
        char input[32];
        snprintf(input, sizeof input, "%llu", (unsigned long long)range);
        row_judge(input, (double)triangular_cost_ns(range), run_triangular, &range);
    }
    row_end();
}

/* ---- expressions ------------------------------------------------------------------------------------------------- */

struct map_case {
    const struct expression_program *program;
    struct expression_array operands[OPERANDS];
    struct expression_shape shape;
    void *result;
};

/* An int64 without a result ends a run early, which is cheap. */
static void run_map(const void *context) {
    const struct map_case *c = context;
    struct expression_failure failure;
    insist(expression_run(c->program, c->operands, &c->shape, &c->result, &alone, &nothing_watched, &failure));
}

/* Of int64: counts, exponents and divisors, and what makes a division long. */
static const struct {
    const char *name;
    int64_t low, step;
} integers[] = {{"0 to 7", 0, 1},
                {"1 to 8", 1, 1},
                {"60 to 67", 60, 1},
                {"-4 to 3", -4, 1},
                {"3000000000", 3000000000, 12345},
                {"near the end", INT64_MAX - 8, 1},
                {"near the other end", INT64_MIN, 1}};
enum { INTEGERS = sizeof integers / sizeof *integers };

static size_t kinds_of(enum expression_type type) {
    return type == EXPRESSION_INT64 ? (size_t)INTEGERS : numbers_count;
}

static const char *fill_operand(enum expression_type type, size_t kind, void *out) {
    if (type != EXPRESSION_INT64) {
        fill_numbers(&numbers[kind], type == EXPRESSION_FLOAT32, out, COUNT);
        return numbers[kind].name;
    }
    int64_t *values = out;
    for (int64_t i = 0; i < COUNT; i++) {
        values[i] = integers[kind].low + i % 8 * integers[kind].step;
    }
    return integers[kind].name;
}

static bool compile(const char *text, enum expression_type type, void *program) {
    const struct expression_operand operands[OPERANDS] = {
        {"x", type, false, false}, {"y", type, false, false}, {"z", type, false, false}};
    const struct expression_text texts = {text, strlen(text)};
    struct expression_error error;
    return expression_compile(&texts, 1, operands, OPERANDS, program, &error) > 0;
}

/* x and y of all kinds of numbers, z of the first. A text that this type has no meaning for is left out. */
static void predict_map(const char *text, enum expression_type type, void *program, double *const arrays[]) {
    char name[64], input[96];
    snprintf(name, sizeof name, "map %s %s", expression_type_name(type), text);
    if (!compile(text, type, program) || !row_begin(name)) {
        return;
    }
    struct map_case c = {.program = program, .shape = {.dimensions = 1}, .result = arrays[OPERANDS]};
    for (size_t i = 0; i < OPERANDS; i++) {
        c.operands[i] = (struct expression_array){.values = arrays[i], .strides = {1}};
    }
    fill_operand(type, 0, arrays[2]);
    for (size_t x = 0; x < kinds_of(type); x++) {
        for (size_t y = 0; y < (expression_uses(program, 1) ? kinds_of(type) : 1); y++) {
            const char *x_name = fill_operand(type, x, arrays[0]), *y_name = fill_operand(type, y, arrays[1]);
            for (size_t n = 0; n < COUNTS; n++) {
                c.shape.lengths[0] = counts[n];
                snprintf(input, sizeof input, "%s, %s, %zu", x_name, y_name, counts[n]);
                row_judge(input, (double)expression_cost_ns(program, counts[n]), run_map, &c);
            }
        }
    }
    row_end();
}

static void predict_maps(enum expression_type type, void *program, double *const arrays[]) {
    static const char *const operators[] = {"x + y",
                                            "x - y",
                                            "x * y",
                                            "x / y",
                                            "x // y",
                                            "x % y",
                                            "x ** y",
                                            "x ** 2",
                                            "x ** 3",
                                            "x ** 7",
                                            "x ** -2",
                                            "x ** .5",
                                            "2 ** x",
                                            "-x",
                                            "x < y",
                                            "x == y",
                                            "x & y",
                                            "x | y",
                                            "x ^ y",
                                            "~x",
                                            "x << y",
                                            "x >> y",
                                            "(x < y) & (y < z)",
                                            "x * y + z",
                                            "exp(-x)",
                                            "x % 3",
                                            "x // 3",
                                            "x + .5",
                                            "exp(2 * x)",
                                            "exp(-x / 3)",
                                            "exp(-(x - y)**2)",
                                            "exp(-3*(x - y)**2)"};
    static const char *const calls[] = {"", "(x)", "(x, y)", "(x, y, z)"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        predict_map(operators[i], type, program, arrays);
    }
    const struct expression_function_row *function;
    for (size_t i = 0; (function = expression_function(i)); i++) {
        char text[64] = "where(x < y, x, y)";
        if (strcmp(function->name, "where") != 0) {
            snprintf(text, sizeof text, "%s%s", function->name, calls[function->arguments]);
        }
        predict_map(text, type, program, arrays);
    }
}

void predict_elements(void) {
    double *arrays[OPERANDS + 1];
    void *program = take(EXPRESSION_PROGRAM_BYTES_MAX);
    for (size_t i = 0; i <= OPERANDS; i++) {
        arrays[i] = take(COUNT * sizeof(double));
    }
    predict_triangular();
    predict_gaussian(false, arrays);
    predict_gaussian(true, arrays);
    for (enum expression_type type = EXPRESSION_INT64; type <= EXPRESSION_FLOAT64; type++) {
        predict_maps(type, program, arrays);
    }
    for (size_t i = 0; i <= OPERANDS; i++) {
        free(arrays[i]);
    }
    free(program);
}

/* libFuzzer target: a text as an expression. What compiles is run, in one piece and in single elements by a team of its
 * own, which must have the same bits and fail at the same element; what doesn't says why, and where in the text. */
#include "tests/fuzz/target.h"

#include "kernels/expression/expression.h"

#include <math.h>

enum { ELEMENTS = 70, OPERANDS = 5 };

static const struct expression_operand operands[OPERANDS] = {{"x", EXPRESSION_FLOAT64, false, false},
                                                             {"f", EXPRESSION_FLOAT32, false, false},
                                                             {"i", EXPRESSION_INT64, false, false},
                                                             {"b", EXPRESSION_BOOL, false, false},
                                                             {"g", EXPRESSION_FLOAT64, true, true}};
static const struct progress nothing_watched = {0};

static struct values {
    double x[ELEMENTS];
    float f[ELEMENTS];
    int64_t i[ELEMENTS];
    uint8_t b[ELEMENTS];
    double g;
} values;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    static const double special[] = {0, -0.0, 1, -1, 2, 0.5, 1e308, 5e-324, 63, 1e-3};
    values.g = 0.75;
    for (size_t k = 0; k < ELEMENTS; k++) {
        values.x[k] = k % 11 == 10 ? (double)NAN : k % 13 == 12 ? (double)-INFINITY : special[k % 10];
        values.f[k] = (float)special[(k + 3) % 10];
        values.i[k] = k % 17 == 16 ? INT64_MIN : k % 19 == 18 ? INT64_MAX : (int64_t)k - 9;
        values.b[k] = k % 3 == 0;
    }
    return 0;
}

static struct expression_failure run(const struct expression_program *program, size_t first, size_t count, void *out) {
    const struct expression_array arrays[OPERANDS] = {{values.x + first, {1}},
                                                      {values.f + first, {1}},
                                                      {values.i + first, {1}},
                                                      {values.b + first, {1}},
                                                      {&values.g, {0}}};
    const struct expression_shape shape = {1, {count}};
    const struct team alone = {.threads = 1};
    void *const results[] = {out};
    struct expression_failure failure;
    require(expression_run(program, arrays, &shape, results, &alone, &nothing_watched, &failure) == KERNEL_DONE,
            "a run that nobody cancels");
    return failure;
}

static bool same(enum expression_type type, const char *a, const char *b) {
    double x, y;
    float f, g;
    memcpy(&f, a, sizeof f);
    memcpy(&g, b, sizeof g);
    if (type == EXPRESSION_FLOAT32 && isnan(f) && isnan(g)) {
        return true; /* of a NaN's bits there are several */
    }
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (type == EXPRESSION_FLOAT64 && isnan(x) && isnan(y)) || memcmp(a, b, expression_type_bytes(type)) == 0;
}

static void run_both(const struct expression_program *program) {
    char whole[(ELEMENTS + 1) * sizeof(double)] = {0}, single[2 * sizeof(double)] = {0};
    enum expression_type type = expression_result_type(program, 0);
    size_t bytes = expression_type_bytes(type);
    const struct expression_failure failure = run(program, 0, ELEMENTS, whole);
    require(!failure.kind || failure.element < ELEMENTS, "the element that fails");
    for (size_t k = 0; k < ELEMENTS; k++) {
        const struct expression_failure own = run(program, k, 1, single);
        require((own.kind != EXPRESSION_NO_FAILURE) == (failure.kind && failure.element == k), "which element fails");
        if (own.kind) {
            require(own.kind == failure.kind && own.byte == failure.byte, "why and where it fails");
            break;
        }
        require(failure.kind || same(type, whole + k * bytes, single), "an element's bits");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint64_t memory[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];
    struct expression_error error;
    char *bytes = copy(data, size);
    const struct expression_text text = {bytes, size};
    size_t used = expression_compile(&text, 1, operands, OPERANDS, memory, &error);
    if (used > 0) {
        require(used <= sizeof memory, "the program's length");
        run_both((const struct expression_program *)(const void *)memory);
    } else {
        require(error.message[0] != '\0' && error.offset <= error.byte && error.byte <= size, "an error and its place");
    }
    free(bytes);
    return 0;
}

/* libFuzzer target: a text as an expression. What compiles is run, in one piece and in single elements by a team of its
 * own, which must have the same bits and fail at the same element; what doesn't says why, and where in the text.
 *
 * A zero byte ends a text. Behind the first there may be others, and what is behind the last chooses a shape, how the
 * operands lie in memory, a team and a reduction: all texts are computed together so, and each alone, of operands that
 * lie in a row, by one thread. */
#include "tests/fuzz/target.h"

#include "kernels/expression/expression.h"

#include <math.h>

enum { ELEMENTS = 70, ELEMENTS_MAX = 3072, OPERANDS = 5, ARRAYS = OPERANDS - 1, TEXTS_MAX = 4, CHOICES = 8 };

static const struct expression_operand operands[OPERANDS] = {{"x", EXPRESSION_FLOAT64, false, false},
                                                             {"f", EXPRESSION_FLOAT32, false, false},
                                                             {"i", EXPRESSION_INT64, false, false},
                                                             {"b", EXPRESSION_BOOL, false, false},
                                                             {"g", EXPRESSION_FLOAT64, true, true}};
static const struct progress nothing_watched = {0};
static const struct team alone = {.threads = 1};

/* Twice as many as a shape has, for operands of which every other one is left out. */
static struct values {
    double x[2 * ELEMENTS_MAX];
    float f[2 * ELEMENTS_MAX];
    int64_t i[2 * ELEMENTS_MAX];
    uint8_t b[2 * ELEMENTS_MAX];
    double g;
} values;

static const void *const bases[ARRAYS] = {values.x, values.f, values.i, values.b};

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    static const double special[] = {0, -0.0, 1, -1, 2, 0.5, 1e308, 5e-324, 63, 1e-3};
    values.g = 0.75;
    for (size_t k = 0; k < (size_t)2 * ELEMENTS_MAX; k++) {
        values.x[k] = k % 11 == 10 ? (double)NAN : k % 13 == 12 ? (double)-INFINITY : special[k % 10];
        values.f[k] = (float)special[(k + 3) % 10];
        values.i[k] = k % 17 == 16 ? INT64_MIN : k % 19 == 18 ? INT64_MAX : (int64_t)(k % ELEMENTS) - 9;
        values.b[k] = k % 3 == 0;
    }
    return 0;
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

static void require_same(enum expression_type type, const char *a, const char *b, size_t count, const char *what) {
    size_t bytes = expression_type_bytes(type);
    for (size_t k = 0; k < count; k++) {
        require(same(type, a + k * bytes, b + k * bytes), what);
    }
}

/* --- one text, whole and in single elements ---------------------------------------------------------------------- */

static struct expression_failure run(const struct expression_program *program, size_t first, size_t count, void *out) {
    const struct expression_array arrays[OPERANDS] = {{values.x + first, {1}},
                                                      {values.f + first, {1}},
                                                      {values.i + first, {1}},
                                                      {values.b + first, {1}},
                                                      {&values.g, {0}}};
    const struct expression_shape shape = {1, {count}};
    void *const results[] = {out};
    struct expression_failure failure;
    require(expression_run(program, arrays, &shape, results, &alone, &nothing_watched, &failure) == KERNEL_DONE,
            "a run that nobody cancels");
    return failure;
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

/* --- several texts, of a shape ----------------------------------------------------------------------------------- */

/* What the input's last bytes choose. */
struct choice {
    struct expression_shape shape;
    uint8_t layouts; /* two bits an operand */
    struct team team;
    bool is_reduced;
    struct expression_reduction reduction;
};

static struct choice choose(const uint8_t *bytes, size_t length) {
    size_t c[CHOICES] = {0};
    for (size_t k = 0; k < CHOICES && k < length; k++) {
        c[k] = bytes[k];
    }
    const struct expression_shape shapes[] = {{1, {1 + c[1] * 12}},
                                              {2, {1 + c[1] % 64, 1 + c[2] % 48}},
                                              {2, {1 + c[1] % 2, 1 + c[2] * 6}},
                                              {2, {1 + c[2] * 6, 1 + c[1] % 2}},
                                              {3, {1 + c[1] % 16, 1 + c[1] / 16, 1 + c[2] % 12}}};
    struct choice choice = {.shape = shapes[c[0] % (sizeof shapes / sizeof *shapes)],
                            .layouts = (uint8_t)c[3],
                            .team = {.threads = 1 + (unsigned)c[4] % 3,
                                     .schedule = (enum team_schedule)(c[4] / 3 % (TEAM_GUIDED + 1)),
                                     .chunk = c[5] * 3},
                            .is_reduced = c[6] > 0,
                            .reduction = {.kind = (enum reduction_kind)(c[6] % (REDUCTION_STD + 1))}};
    choice.reduction.axis = (int)(c[7] % (choice.shape.dimensions + 1)) + EXPRESSION_ALL;
    return choice;
}

enum layout { IN_A_ROW, REPEATED, COLUMNS_FIRST, EVERY_OTHER };

/* An operand's strides, and how many elements it has from the first to the last. */
static size_t lay_out(const struct expression_shape *shape, enum layout layout, size_t *strides) {
    size_t stride = layout == EVERY_OTHER ? 2 : 1, extent = 1;
    for (unsigned k = 0; k < shape->dimensions; k++) {
        unsigned dimension = layout == COLUMNS_FIRST ? k : shape->dimensions - 1 - k;
        bool is_repeated = layout == REPEATED && dimension == 0;
        strides[dimension] = is_repeated ? 0 : stride;
        extent += (shape->lengths[dimension] - 1) * strides[dimension];
        stride *= shape->lengths[dimension];
    }
    return extent;
}

/* The operand's elements in a row. */
static void gather(const struct expression_shape *shape, const struct expression_array *from, size_t bytes, char *out) {
    size_t count = expression_count(shape);
    for (size_t k = 0; k < count; k++) {
        size_t rest = k, offset = 0;
        for (unsigned d = shape->dimensions; d-- > 0; rest /= shape->lengths[d]) {
            offset += rest % shape->lengths[d] * from->strides[d];
        }
        memcpy(out + k * bytes, (const char *)from->values + offset * bytes, bytes);
    }
}

struct operand_arrays {
    struct expression_array arrays[OPERANDS];
    void *blocks[ARRAYS]; /* of exactly the elements that there are */
};

static void lay_out_all(const struct choice *choice, struct operand_arrays *laid, struct operand_arrays *in_a_row) {
    for (size_t k = 0; k < ARRAYS; k++) {
        struct expression_array *from = &laid->arrays[k], *to = &in_a_row->arrays[k];
        size_t bytes = expression_type_bytes(operands[k].type);
        size_t extent = lay_out(&choice->shape, (enum layout)(choice->layouts >> 2 * k & 3), from->strides);
        from->values = laid->blocks[k] = copy(bases[k], extent * bytes);
        (void)lay_out(&choice->shape, IN_A_ROW, to->strides);
        to->values = in_a_row->blocks[k] = take(expression_count(&choice->shape) * bytes);
        gather(&choice->shape, from, bytes, in_a_row->blocks[k]);
    }
    laid->arrays[ARRAYS] = in_a_row->arrays[ARRAYS] = (struct expression_array){&values.g, {0}};
}

static struct expression_failure compute(const struct expression_program *program, const struct choice *choice,
                                         const struct operand_arrays *of, const struct team *team,
                                         void *const *results) {
    struct expression_failure failure;
    void *scratch = take(expression_reduction_scratch(program, &choice->shape, choice->reduction.axis));
    enum kernel_status status =
        choice->is_reduced
            ? expression_reduce(program, of->arrays, &choice->shape, &choice->reduction, scratch, results, team,
                                &nothing_watched, &failure)
            : expression_run(program, of->arrays, &choice->shape, results, team, &nothing_watched, &failure);
    require(status == KERNEL_DONE, "a run that nobody cancels");
    free(scratch);
    return failure;
}

static enum expression_type result_type(const struct expression_program *program, size_t text,
                                        const struct choice *choice) {
    return choice->is_reduced ? expression_reduction_type(program, text, choice->reduction.kind)
                              : expression_result_type(program, text);
}

/* Each text alone against what it is among the others. */
static void compare_alone(const struct expression_text *texts, size_t text_count, const struct choice *choice,
                          const struct operand_arrays *in_a_row, const struct expression_failure *joint,
                          char *const *results) {
    static uint64_t memory[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];
    const struct expression_program *program = (const struct expression_program *)(const void *)memory;
    size_t count = choice->is_reduced ? expression_reduction_count(&choice->shape, choice->reduction.axis)
                                      : expression_count(&choice->shape);
    bool any_fails = false;
    size_t least = SIZE_MAX;
    for (size_t k = 0; k < text_count; k++) {
        struct expression_error error;
        require(expression_compile(&texts[k], 1, operands, OPERANDS, memory, &error) > 0, "a text alone");
        char *own = take((count + 1) * sizeof(double));
        const struct expression_failure failure = compute(program, choice, in_a_row, &alone, (void *const[]){own});
        if (failure.kind) {
            any_fails = true;
            least = failure.element < least ? failure.element : least;
        } else if (!joint->kind) {
            require_same(result_type(program, 0, choice), results[k], own, count, "a text's bits, alone or not");
        }
        free(own);
    }
    require(any_fails == (joint->kind != EXPRESSION_NO_FAILURE),
            "what fails among others fails alone, and the reverse");
    require(!any_fails || choice->is_reduced || joint->element == least, "the first element that fails");
}

static void run_laid_out(const struct expression_program *program, const struct expression_text *texts,
                         size_t text_count, const struct choice *choice) {
    struct operand_arrays laid = {0}, in_a_row = {0};
    char *results[TEXTS_MAX] = {NULL};
    size_t bytes = (expression_count(&choice->shape) + 1) * sizeof(double);
    lay_out_all(choice, &laid, &in_a_row);
    for (size_t k = 0; k < text_count; k++) {
        results[k] = take(bytes);
    }
    const struct expression_failure failure = compute(program, choice, &laid, &choice->team, (void *const *)results);
    compare_alone(texts, text_count, choice, &in_a_row, &failure, results);
    for (size_t k = 0; k < text_count; k++) {
        free(results[k]);
    }
    for (size_t k = 0; k < ARRAYS; k++) {
        free(laid.blocks[k]);
        free(in_a_row.blocks[k]);
    }
}

/* The texts that zeros end, or the input's end; returns what is behind the last. */
static const char *split(const char *bytes, const char *end, struct expression_text texts[TEXTS_MAX], size_t *count) {
    for (*count = 0; *count < TEXTS_MAX; (*count)++) {
        const char *zero = memchr(bytes, '\0', (size_t)(end - bytes));
        if (!zero && *count > 0) {
            break;
        }
        texts[*count] = (struct expression_text){bytes, (size_t)((zero ? zero : end) - bytes)};
        bytes = zero ? zero + 1 : end;
    }
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint64_t memory[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];
    const struct expression_program *program = (const struct expression_program *)(const void *)memory;
    struct expression_error error;
    struct expression_text texts[TEXTS_MAX];
    size_t text_count;
    char *bytes = copy(data, size);
    const char *rest = split(bytes, bytes + size, texts, &text_count);
    size_t used = expression_compile(texts, text_count, operands, OPERANDS, memory, &error);
    if (used > 0) {
        require(used <= sizeof memory, "the program's length");
    } else {
        require(error.message[0] != '\0' && error.text < text_count && error.offset <= error.byte &&
                    error.byte <= texts[error.text].length,
                "an error and its place");
    }
    if (used > 0 && rest == bytes + size && text_count == 1) {
        run_both(program);
    } else if (used > 0) {
        const struct choice choice = choose((const uint8_t *)rest, (size_t)(bytes + size - rest));
        run_laid_out(program, texts, text_count, &choice);
    }
    free(bytes);
    return 0;
}

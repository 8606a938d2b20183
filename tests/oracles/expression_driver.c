/* Computes expressions that come on standard input, for expression_oracle.py, until it ends. A case is
 *
 *   TEXT_BYTES OPERANDS DIMENSIONS LENGTH …    a line, then the text, then for each operand
 *   NAME TYPE BYTES STRIDE …                   a line (a stride for each dimension), then its values
 *
 * and its answer a line, "done TYPE" with the values behind it, "refused OFFSET MESSAGE" or "failed ELEMENT". A team of
 * two that takes the elements in pieces of 7 computes them. */
#include "kernels/expression/expression.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASE_OPERANDS_MAX = 8 };

struct operands {
    size_t count;
    char names[CASE_OPERANDS_MAX][EXPRESSION_NAME_MAX + 1];
    struct expression_operand known[CASE_OPERANDS_MAX];
    struct expression_array arrays[CASE_OPERANDS_MAX];
};

static void *take(size_t bytes) {
    void *memory = malloc(bytes + 1);
    if (!memory || fread(memory, 1, bytes, stdin) != bytes) {
        abort();
    }
    return memory;
}

static size_t take_number(void) {
    size_t number;
    if (scanf("%zu", &number) != 1) {
        abort();
    }
    return number;
}

static void take_line_end(void) {
    if (getchar() != '\n') {
        abort();
    }
}

static enum expression_type type_named(const char *name) {
    enum expression_type type = EXPRESSION_BOOL;
    while (strcmp(expression_type_name(type), name) != 0) {
        type++;
    }
    return type;
}

static void take_operand(struct operands *operands, unsigned dimensions) {
    char *name = operands->names[operands->count], type[9];
    struct expression_array *array = &operands->arrays[operands->count];
    if (scanf("%31s %8s", name, type) != 2) {
        abort();
    }
    operands->known[operands->count++] = (struct expression_operand){.name = name, .type = type_named(type)};
    size_t bytes = take_number();
    for (unsigned i = 0; i < dimensions; i++) {
        array->strides[i] = take_number();
    }
    take_line_end();
    array->values = take(bytes);
}

static void compute(struct expression_text text, const struct operands *operands,
                    const struct expression_shape *shape) {
    static uint64_t memory[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];
    static const struct team team = {.threads = 2, .schedule = TEAM_DYNAMIC, .chunk = 7};
    static const struct progress nothing_watched = {0};
    struct expression_error error;
    struct expression_failure failure;
    if (expression_compile(&text, 1, operands->known, operands->count, memory, &error) == 0) {
        printf("refused %zu %s\n", error.offset, error.message);
        return;
    }
    const struct expression_program *program = (const struct expression_program *)(const void *)memory;
    size_t size = expression_type_bytes(expression_result_type(program, 0)), count = expression_count(shape);
    void *values = malloc(count * size + 1), *results[] = {values};
    if (!values ||
        expression_run(program, operands->arrays, shape, results, &team, &nothing_watched, &failure) != KERNEL_DONE) {
        abort();
    }
    if (failure.kind) {
        printf("failed %zu\n", failure.element);
    } else {
        printf("done %s\n", expression_type_name(expression_result_type(program, 0)));
        fwrite(values, size, count, stdout);
    }
    free(values);
}

int main(void) {
    for (struct expression_text text; scanf("%zu", &text.length) == 1;) {
        struct operands operands = {0};
        struct expression_shape shape = {0};
        size_t operand_count = take_number();
        shape.dimensions = (unsigned)take_number();
        if (operand_count > CASE_OPERANDS_MAX || shape.dimensions > EXPRESSION_DIMENSIONS_MAX) {
            abort();
        }
        for (unsigned i = 0; i < shape.dimensions; i++) {
            shape.lengths[i] = take_number();
        }
        take_line_end();
        char *bytes = take(text.length);
        text.bytes = bytes;
        for (size_t i = 0; i < operand_count; i++) {
            take_operand(&operands, shape.dimensions);
        }
        compute(text, &operands, &shape);
        for (size_t i = 0; i < operand_count; i++) {
            free((void *)(uintptr_t)operands.arrays[i].values);
        }
        free(bytes);
    }
    return ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Applies a function or a reduction to what comes on standard input, for vector_math_oracle.py.
 *
 *   vector_math_driver list                      names and numbers of arguments, one function a line
 *   vector_math_driver f64|f32 NAME COUNT        COUNT numbers for each argument in turn -> COUNT numbers, or bytes
 *   vector_math_driver reduce KIND TYPE COUNT    numbers of enum reduction_kind and _type -> the status, a byte, and
 * the result */
#include "kernels/expression/math/vector_math.h"
#include "kernels/expression/reduction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS_MAX = 3 };

static size_t arguments_of(enum math_shape shape) {
    return shape == MATH_TERNARY ? 3 : shape == MATH_BINARY ? 2 : 1;
}

static void *take(size_t bytes) {
    void *memory = malloc(bytes + 1);
    if (!memory || fread(memory, 1, bytes, stdin) != bytes) {
        abort();
    }
    return memory;
}

static void apply_double(const struct math_kernels *kernels, double *const x[ARGUMENTS_MAX], void *out, size_t count) {
    switch (kernels->shape) {
    case MATH_UNARY:
        kernels->on_double.unary(x[0], out, count);
        break;
    case MATH_BINARY:
        kernels->on_double.binary(x[0], x[1], out, count);
        break;
    case MATH_TERNARY:
        kernels->on_double.ternary(x[0], x[1], x[2], out, count);
        break;
    case MATH_PREDICATE:
        kernels->on_double.predicate(x[0], out, count);
        break;
    }
}

static void apply_float(const struct math_kernels *kernels, float *const x[ARGUMENTS_MAX], void *out, size_t count) {
    switch (kernels->shape) {
    case MATH_UNARY:
        kernels->on_float.unary(x[0], out, count);
        break;
    case MATH_BINARY:
        kernels->on_float.binary(x[0], x[1], out, count);
        break;
    case MATH_TERNARY:
        kernels->on_float.ternary(x[0], x[1], x[2], out, count);
        break;
    case MATH_PREDICATE:
        kernels->on_float.predicate(x[0], out, count);
        break;
    }
}

static void apply(const struct math_kernels *kernels, size_t size, size_t count) {
    void *x[ARGUMENTS_MAX] = {0}, *out = malloc(count * size + 1);
    size_t arguments = arguments_of(kernels->shape);
    for (size_t a = 0; a < arguments; a++) {
        x[a] = take(count * size);
    }
    if (!out) {
        abort();
    }
    if (size == sizeof(double)) {
        apply_double(kernels, (double *const[]){x[0], x[1], x[2]}, out, count);
    } else {
        apply_float(kernels, (float *const[]){x[0], x[1], x[2]}, out, count);
    }
    fwrite(out, kernels->shape == MATH_PREDICATE ? 1 : size, count, stdout);
    for (size_t a = 0; a < arguments; a++) {
        free(x[a]);
    }
    free(out);
}

static void reduce(struct reduction what, size_t count) {
    static const size_t sizes[] = {1, 8, 4, 8};
    size_t size = sizes[what.type];
    char *values = take(count * size);
    struct reduction_state total = {0};
    for (size_t r = 0; r < reduction_ranges(count); r++) {
        struct reduction_state state = {0};
        size_t end = reduction_begin(count, r + 1);
        for (size_t i = reduction_begin(count, r); i < end; i += REDUCTION_BLOCK) {
            reduction_add(what, &state, values + i * size, end - i < REDUCTION_BLOCK ? end - i : REDUCTION_BLOCK);
        }
        reduction_merge(what, &total, &state);
    }
    int64_t result = 0;
    putchar((int)reduction_close(what, &total, &result));
    fwrite(&result, sizes[reduction_result_type(what)], 1, stdout);
    free(values);
}

int main(int count, char **arguments) {
    if (count == 5 && strcmp(arguments[1], "reduce") == 0) {
        reduce((struct reduction){(enum reduction_kind)strtoul(arguments[2], NULL, 10),
                                  (enum reduction_type)strtoul(arguments[3], NULL, 10)},
               strtoul(arguments[4], NULL, 10));
        return EXIT_SUCCESS;
    }
    for (enum math_function f = 0; f < MATH_COUNT; f++) {
        const struct math_kernels *kernels = math_kernels(f);
        if (count == 2) {
            printf("%s %zu\n", kernels->name, arguments_of(kernels->shape));
        } else if (count == 4 && strcmp(arguments[2], kernels->name) == 0) {
            apply(kernels, strcmp(arguments[1], "f64") == 0 ? sizeof(double) : sizeof(float),
                  strtoul(arguments[3], NULL, 10));
        }
    }
    return EXIT_SUCCESS;
}

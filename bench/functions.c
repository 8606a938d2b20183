/* The functions and the reductions that expressions are made of, in cache: CPU nanoseconds for an element, the least of
 * several runs. The costs in kernels/expression/math/vector_math.h come from here.
 *
 *   functions [NAME]
 *
 * Arguments lie between 0.1 and 0.9 (of arccosh 1.1 and 5). */
#include "kernels/expression/math/vector_math.h"
#include "kernels/expression/reduction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COUNT = 1024, RUNS = 200, TIMES = 20 };

struct arrays {
    double x[COUNT], y[COUNT], z[COUNT], out[COUNT];
    float xf[COUNT], yf[COUNT], zf[COUNT], outf[COUNT];
    uint8_t bytes[COUNT];
};

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void run_double(const struct math_kernels *kernels, struct arrays *a) {
    switch (kernels->shape) {
    case MATH_UNARY:
        kernels->on_double.unary(a->x, a->out, COUNT);
        break;
    case MATH_BINARY:
        kernels->on_double.binary(a->x, a->y, a->out, COUNT);
        break;
    case MATH_TERNARY:
        kernels->on_double.ternary(a->x, a->y, a->z, a->out, COUNT);
        break;
    case MATH_PREDICATE:
        kernels->on_double.predicate(a->x, a->bytes, COUNT);
        break;
    }
}

static void run_float(const struct math_kernels *kernels, struct arrays *a) {
    switch (kernels->shape) {
    case MATH_UNARY:
        kernels->on_float.unary(a->xf, a->outf, COUNT);
        break;
    case MATH_BINARY:
        kernels->on_float.binary(a->xf, a->yf, a->outf, COUNT);
        break;
    case MATH_TERNARY:
        kernels->on_float.ternary(a->xf, a->yf, a->zf, a->outf, COUNT);
        break;
    case MATH_PREDICATE:
        kernels->on_float.predicate(a->xf, a->bytes, COUNT);
        break;
    }
}

static double best_of(void (*run)(const struct math_kernels *, struct arrays *), const struct math_kernels *kernels,
                      struct arrays *arrays) {
    double best = 1e30;
    for (int r = 0; r < RUNS; r++) {
        double start = now_ns();
        for (int t = 0; t < TIMES; t++) {
            run(kernels, arrays);
        }
        double taken = (now_ns() - start) / (double)(TIMES * COUNT);
        best = taken < best ? taken : best;
    }
    return best;
}

static void fill(struct arrays *arrays, double low, double high) {
    for (size_t i = 0; i < COUNT; i++) {
        double step = (double)(i * 2654435761U % COUNT) / (double)COUNT;
        arrays->x[i] = low + (high - low) * step;
        arrays->y[i] = low + (high - low) * (1 - step);
        arrays->z[i] = high;
        arrays->xf[i] = (float)arrays->x[i];
        arrays->yf[i] = (float)arrays->y[i];
        arrays->zf[i] = (float)arrays->z[i];
    }
}

static void compare_functions(struct arrays *arrays, const char *name) {
    printf("function      double ns per level     float ns per level      (plain, AVX2, AVX-512)\n");
    for (enum math_function f = 0; f < MATH_COUNT; f++) {
        if (name && strcmp(name, math_kernels(f)->name) != 0) {
            continue;
        }
        fill(arrays, f == MATH_ARCCOSH ? 1.1 : 0.1, f == MATH_ARCCOSH ? 5 : 0.9);
        printf("%-13s", math_kernels(f)->name);
        for (int type = 0; type < 2; type++) {
            for (unsigned level = 0; level < 3; level++) {
                const struct math_kernels *kernels = math_kernels_of_level(level, f);
                double ns = kernels ? best_of(type ? run_float : run_double, kernels, arrays) : 0;
                printf(" %7.3f", ns);
            }
        }
        printf("\n");
    }
}

static const char *const kinds[] = {"sum", "mean",  "prod",   "min",    "max", "any",
                                    "all", "count", "argmin", "argmax", "var", "std"};
static const char *const types[] = {"bool", "int64", "float", "double"};

static double best_reduction(struct reduction what, const void *values, struct reduction_columns *columns) {
    double best = 1e30;
    for (int r = 0; r < RUNS; r++) {
        struct reduction_state state = {0};
        double start = now_ns();
        for (int t = 0; t < TIMES; t++) {
            if (columns) {
                reduction_columns_add(columns, values, COUNT / columns->width);
            } else {
                reduction_add(what, &state, values, COUNT);
            }
        }
        double taken = (now_ns() - start) / (double)(TIMES * COUNT);
        best = taken < best ? taken : best;
    }
    return best;
}

static void compare_reductions(struct arrays *arrays, const char *name) {
    static double memory[REDUCTION_COLUMNS_BYTES / sizeof(double)];
    printf("reduction     ns of blocks      ns of columns (1,024 and 4 of them)\n");
    fill(arrays, 0.1, 0.9);
    for (enum reduction_kind kind = 0; kind <= REDUCTION_STD; kind++) {
        for (enum reduction_type type = 0; type <= REDUCTION_DOUBLE; type++) {
            struct reduction what = {kind, type};
            struct reduction_columns wide, narrow;
            if (name && strcmp(name, kinds[kind]) != 0) {
                continue;
            }
            const void *values = type == REDUCTION_FLOAT ? (const void *)arrays->xf : arrays->x;
            reduction_columns_init(&wide, what, COUNT, memory);
            double block = best_reduction(what, values, NULL), one = best_reduction(what, values, &wide);
            reduction_columns_init(&narrow, what, 4, memory);
            printf("%-6s %-6s %7.3f          %7.3f %7.3f\n", kinds[kind], types[type], block, one,
                   best_reduction(what, values, &narrow));
        }
    }
}

int main(int count, char **arguments) {
    struct arrays *arrays = aligned_alloc(64, (sizeof *arrays + 63) / 64 * 64);
    if (!arrays) {
        return EXIT_FAILURE;
    }
    compare_functions(arrays, count > 1 ? arguments[1] : NULL);
    compare_reductions(arrays, count > 1 ? arguments[1] : NULL);
    free(arrays);
    return EXIT_SUCCESS;
}

#include "bench/prediction_inputs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Each has hurt some library's functions: long reductions of arguments, slow paths of the processor for numbers or
 * results that are subnormal, branches for what is special, and vectors of which one element is. */
const struct numbers numbers[] = {
    {"ordinary", 0.1, 0.9, 0.1F, 0.9F, SCATTERED, 0},
    {"tens", 1, 100, 1, 100, SCATTERED, 0},
    {"negative", -100.3, -0.1, -30.3F, -0.1F, SCATTERED, 0},
    {"both signs", -5, 5, -5, 5, SCATTERED, 0},
    {"near one", 0.999, 1.001, 0.999F, 1.001F, SCATTERED, 0},
    {"large", 1e15, 1e17, 1e6F, 1e8F, SCATTERED, 0},
    {"huge", 1e300, 1e308, 1e30F, 1e38F, SCATTERED, 0},
    {"tiny", 1e-308, 1e-300, 1.2e-38F, 1e-30F, SCATTERED, 0},
    {"subnormal", 5e-324, 2e-308, 1e-45F, 1e-38F, SCATTERED, 0},
    {"to subnormal", -745, -709, -103, -88, SCATTERED, 0}, /* for exp */
    {"zero", 0, 0, 0, 0, SCATTERED, 0},
    {"infinite", (double)INFINITY, (double)INFINITY, INFINITY, INFINITY, SCATTERED, 0},
    {"NaN", (double)NAN, (double)NAN, NAN, NAN, SCATTERED, 0},
    {"some NaN", 0.1, 0.9, 0.1F, 0.9F, SOME_ODD, (double)NAN},
    {"some huge", 0.1, 0.9, 0.1F, 0.9F, SOME_ODD, 1e37},
    {"some subnormal", 0.1, 0.9, 0.1F, 0.9F, SOME_ODD, 1e-39},
    {"rising", 0.1, 30, 0.1F, 30, RISING, 0},
    {"falling", 0.1, 30, 0.1F, 30, FALLING, 0},
};
const size_t numbers_count = sizeof numbers / sizeof *numbers;

/* Where number i lies between low (0) and high (1). */
static double place(const struct numbers *of, size_t i, size_t count) {
    switch (of->order) {
    case RISING:
        return (double)i / (double)count;
    case FALLING:
        return 1 - (double)i / (double)count;
    default:
        return (double)(i * 2654435761U % 4093) / 4093;
    }
}

static bool is_odd(const struct numbers *of, size_t i) {
    return of->order == SOME_ODD && i % 8 == 5;
}

void fill_doubles(const struct numbers *of, double *out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double inner = of->low < of->high ? of->low + (of->high - of->low) * place(of, i, count) : of->low;
        out[i] = is_odd(of, i) ? of->odd : inner;
    }
}

void fill_floats(const struct numbers *of, float *out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        float step = (float)place(of, i, count);
        float inner =
            of->float_low < of->float_high ? of->float_low + (of->float_high - of->float_low) * step : of->float_low;
        out[i] = is_odd(of, i) ? (float)of->odd : inner;
    }
}

void fill_numbers(const struct numbers *of, bool is_float, void *out, size_t count) {
    if (is_float) {
        fill_floats(of, out, count);
    } else {
        fill_doubles(of, out, count);
    }
}

void *take(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (!memory) {
        abort();
    }
    memset(memory, 0, bytes);
    return memory;
}

/* The k best by heaps: most blocks have nothing that is better than the worst of them, and are done with one look. */
#include "kernels/pairwise/nearest.h"

#include "kernels/clones.h"

#include <math.h>

/* Values that are looked at together, and those sorted between two looks at the cancel flag. */
enum { SCAN = 64, PAUSE = 1024 };

static bool is_cancelled(const struct nearest *nearest) {
    return nearest->cancel && atomic_load_explicit(nearest->cancel, memory_order_relaxed);
}

#define VALUE double
#define FLAG uint64_t
#define IS_NAN(x) (isnan(x))
#define NAME(name) name##_doubles
#include "kernels/pairwise/nearest.inc"

#define VALUE float
#define FLAG uint32_t
#define IS_NAN(x) (isnan(x))
#define NAME(name) name##_floats
#include "kernels/pairwise/nearest.inc"

#define VALUE int64_t
#define FLAG uint64_t
#define IS_NAN(x) ((void)(x), false)
#define NAME(name) name##_integers
#include "kernels/pairwise/nearest.inc"

#define VALUE uint8_t
#define FLAG uint8_t
#define IS_NAN(x) ((void)(x), false)
#define NAME(name) name##_bytes
#include "kernels/pairwise/nearest.inc"

size_t nearest_add(const struct nearest *nearest, void *values, int64_t *indices, size_t kept, const void *more,
                   size_t count, int64_t first) {
    switch (nearest->type) {
    case EXPRESSION_FLOAT64:
        return add_doubles(nearest, values, indices, kept, more, count, first);
    case EXPRESSION_FLOAT32:
        return add_floats(nearest, values, indices, kept, more, count, first);
    case EXPRESSION_INT64:
        return add_integers(nearest, values, indices, kept, more, count, first);
    case EXPRESSION_BOOL:
        break;
    }
    return add_bytes(nearest, values, indices, kept, more, count, first);
}

size_t nearest_merge(const struct nearest *nearest, void *values, int64_t *indices, size_t kept, const void *more,
                     const int64_t *places, size_t count) {
    switch (nearest->type) {
    case EXPRESSION_FLOAT64:
        return merge_doubles(nearest, values, indices, kept, more, places, count);
    case EXPRESSION_FLOAT32:
        return merge_floats(nearest, values, indices, kept, more, places, count);
    case EXPRESSION_INT64:
        return merge_integers(nearest, values, indices, kept, more, places, count);
    case EXPRESSION_BOOL:
        break;
    }
    return merge_bytes(nearest, values, indices, kept, more, places, count);
}

void nearest_sort(const struct nearest *nearest, void *values, int64_t *indices, size_t kept) {
    switch (nearest->type) {
    case EXPRESSION_FLOAT64:
        sort_doubles(nearest, values, indices, kept);
        break;
    case EXPRESSION_FLOAT32:
        sort_floats(nearest, values, indices, kept);
        break;
    case EXPRESSION_INT64:
        sort_integers(nearest, values, indices, kept);
        break;
    case EXPRESSION_BOOL:
        sort_bytes(nearest, values, indices, kept);
        break;
    }
}

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

/* Roots of squares that are as great (of the greatest as small) as this are no better than the worst, w: what is less
 * than w^2 is w^2 rounded, or less than that; and where a root is less than w, rounded or not, its square is less than
 * w^2. */
static double square_bound(double worst, bool largest) {
    return nextafter(worst * worst, largest ? -INFINITY : INFINITY);
}

void nearest_add_roots(const struct nearest *nearest, double *values, int64_t *indices, size_t kept,
                       const double *squares, size_t count, int64_t first) {
    double worst = NAN, bound = NAN; /* of a part; what is no better than NaN isn't told by it */
    for (size_t i = 0; i < count;) {
        bool is_full = kept == nearest->k;
        if (is_full && values[0] != worst) {
            worst = values[0];
            bound = square_bound(worst, nearest->largest);
        }
        if (is_full && count - i >= SCAN && !any_better_doubles(squares + i, bound, nearest->largest)) {
            i += SCAN;
            continue;
        }
        for (size_t end = count - i < SCAN ? count : i + SCAN; i < end; i++) {
            if (kept == nearest->k && (nearest->largest ? squares[i] <= bound : squares[i] >= bound)) {
                continue;
            }
            kept = push_doubles(nearest, values, indices, kept, sqrt(squares[i]), first + (int64_t)i);
        }
    }
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

/* The reference: the formula, with libm's scalar exp. */
#include "tests/reference/gaussian_simple.h"

#include <math.h>

void gaussian_simple(struct gaussian_side x, struct gaussian_side y, double gamma, double *z, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double difference = x.values[x.constant ? 0 : i] - y.values[y.constant ? 0 : i];
        z[i] = exp(-gamma * (difference * difference));
    }
}

void gaussian_float_simple(struct gaussian_float_side x, struct gaussian_float_side y, float gamma, float *z,
                           size_t count) {
    for (size_t i = 0; i < count; i++) {
        float difference = x.values[x.constant ? 0 : i] - y.values[y.constant ? 0 : i];
        z[i] = expf(-gamma * (difference * difference));
    }
}

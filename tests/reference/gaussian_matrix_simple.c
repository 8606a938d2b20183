/* The reference: the formula, with libm's scalar exp. */
#include "tests/reference/gaussian_matrix_simple.h"

#include <math.h>

void gaussian_matrix_simple(struct gaussian_points x, struct gaussian_points y, size_t dimensions, double gamma,
                            double *k) {
    if (!y.values) {
        y = x;
    }
    for (size_t i = 0; i < x.count; i++) {
        for (size_t j = 0; j < y.count; j++) {
            double sum = 0;
            for (size_t c = 0; c < dimensions; c++) {
                double difference = x.values[i * dimensions + c] - y.values[j * dimensions + c];
                sum += difference * difference;
            }
            k[i * y.count + j] = exp(-gamma * sum);
        }
    }
}

void gaussian_float_matrix_simple(struct gaussian_float_points x, struct gaussian_float_points y, size_t dimensions,
                                  float gamma, float *k) {
    if (!y.values) {
        y = x;
    }
    for (size_t i = 0; i < x.count; i++) {
        for (size_t j = 0; j < y.count; j++) {
            float sum = 0;
            for (size_t c = 0; c < dimensions; c++) {
                float difference = x.values[i * dimensions + c] - y.values[j * dimensions + c];
                sum += difference * difference;
            }
            k[i * y.count + j] = expf(-gamma * sum);
        }
    }
}

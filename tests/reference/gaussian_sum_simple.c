/* The reference: the formula, with libm's scalar exp, added up from left to right. */
#include "tests/reference/gaussian_sum_simple.h"

#include <math.h>

void gaussian_sum_simple(struct gaussian_points x, struct gaussian_points y, size_t dimensions, double gamma,
                         const double *weights, double *s) {
    y = y.values ? y : x;
    for (size_t i = 0; i < x.count; i++) {
        s[i] = 0;
        for (size_t j = 0; j < y.count; j++) {
            double square = 0;
            for (size_t k = 0; k < dimensions; k++) {
                double difference = x.values[i * dimensions + k] - y.values[j * dimensions + k];
                square += difference * difference;
            }
            s[i] += exp(-gamma * square) * (weights ? weights[j] : 1);
        }
    }
}

void gaussian_float_sum_simple(struct gaussian_float_points x, struct gaussian_float_points y, size_t dimensions,
                               double gamma, const float *weights, float *s) {
    y = y.values ? y : x;
    for (size_t i = 0; i < x.count; i++) {
        s[i] = 0;
        for (size_t j = 0; j < y.count; j++) {
            float square = 0;
            for (size_t k = 0; k < dimensions; k++) {
                float difference = x.values[i * dimensions + k] - y.values[j * dimensions + k];
                square += difference * difference;
            }
            s[i] += expf((float)-gamma * square) * (weights ? weights[j] : 1);
        }
    }
}

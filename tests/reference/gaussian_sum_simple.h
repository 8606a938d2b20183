#pragma once
/* Gaussian sums by their formula, one pair after the other with libm's exp: the tests' reference. */
#include "kernels/gaussian/gaussian_sum.h"

void gaussian_sum_simple(struct gaussian_points x, struct gaussian_points y, size_t dimensions, double gamma,
                         const double *weights, double *s);

void gaussian_float_sum_simple(struct gaussian_float_points x, struct gaussian_float_points y, size_t dimensions,
                               double gamma, const float *weights, float *s);

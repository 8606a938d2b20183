#pragma once
/* The Gaussian matrix by its formula, one entry at a time: the tests' reference. */
#include "kernels/gaussian/gaussian_matrix.h"

void gaussian_matrix_simple(struct gaussian_points x, struct gaussian_points y, size_t dimensions, double gamma,
                            double *k);

void gaussian_float_matrix_simple(struct gaussian_float_points x, struct gaussian_float_points y, size_t dimensions,
                                  float gamma, float *k);

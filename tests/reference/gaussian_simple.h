#pragma once
/* gaussian and gaussian_float with libm's exp, one element at a time: the tests' reference. */
#include "kernels/gaussian/gaussian.h"

void gaussian_simple(struct gaussian_side x, struct gaussian_side y, double gamma, double *z, size_t count);

void gaussian_float_simple(struct gaussian_float_side x, struct gaussian_float_side y, float gamma, float *z,
                           size_t count);

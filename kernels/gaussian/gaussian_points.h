#pragma once
/* Points of d-dimensional space, as the kernels that compare each point with each other take them. */
#include <stddef.h>

struct gaussian_points {
    const double *values; /* row-major: `count` rows of as many numbers as there are dimensions */
    size_t count;
};

struct gaussian_float_points {
    const float *values;
    size_t count;
};

#pragma once
/* Reductions one element after the other, in long double and 128-bit integers: the tests' reference. */
#include "kernels/expression/reduction.h"

struct reduction_simple {
    enum reduction_status status;
    long double number; /* where the result is float or double */
    int64_t integer;    /* where it is int64 or bool */
};

/* Of values[0], values[stride], …, `count` of them. */
struct reduction_simple reduction_simple(struct reduction what, const void *values, size_t count, size_t stride);

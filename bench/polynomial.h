#pragma once
/* A polynomial of degree 10 in 30 operations, as an expression's text and as loops that gcc -O3 makes of the same. */
#include <stddef.h>

/* Of x. */
#define POLYNOMIAL_TEXT                                                                                                \
    "t = x - 0.5; t2 = t*t; t3 = t2*t; t4 = t3*t; t5 = t4*t; t6 = t5*t; t7 = t6*t; t8 = t7*t; t9 = t8*t; t10 = t9*t; " \
    "1 + 0.5*t + 0.25*t2 + 0.125*t3 + 0.75*t4 + 0.375*t5 + 0.3*t6 + 0.15*t7 + 0.7*t8 + 0.35*t9 + 0.1*t10"

enum polynomial_loop {
    POLYNOMIAL_PLAIN, /* for any x86-64 */
    POLYNOMIAL_WIDE   /* for the instructions that there are; products and sums may be one operation */
};

void polynomial_double(enum polynomial_loop loop, const double *x, double *z, size_t count, unsigned threads);
void polynomial_float(enum polynomial_loop loop, const float *x, float *z, size_t count, unsigned threads);

#pragma once
/* What the machine can do at most: loops that do nothing but read, copy or call exp, to put figures of kernels next to,
 * measured in the same run. */
#include <stdbool.h>
#include <stddef.h>

/* Reads `count` doubles; returns their sum, so that it must. */
double limit_read(const double *x, size_t count, unsigned threads);

/* z = x + 3 y; `stream`: past the caches, which need not read the lines of z first. All 64-byte aligned. */
void limit_triad(const double *x, const double *y, double *z, size_t count, bool stream, unsigned threads);

enum limit_exp {
    LIMIT_GLIBC_EXP, /* glibc's vector exp, with gcc on x86-64; its scalar exp elsewhere */
    LIMIT_GLIBC_EXPF,
    LIMIT_INLINE_EXP, /* kernels/gaussian/inline_exp.h */
    LIMIT_INLINE_EXPF
};

/* `count` exponentials (rounded up to a few thousand per thread), from the first level cache into it. */
void limit_exp(enum limit_exp kind, size_t count, unsigned threads);

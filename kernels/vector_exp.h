#pragma once
/* glibc's vector exp and expf, for loops under KERNEL_SIMD. To be included before anything else.
 *
 * glibc declares its vector functions only under -ffast-math, which would break NaN and infinities. The declarations
 * below, ahead of <math.h>, make them known by themselves; they need -fopenmp and -fno-math-errno. */
#include <features.h>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
__attribute__((simd("notinbranch"))) extern double exp(double);
__attribute__((simd("notinbranch"))) extern float expf(float);
#endif

#include <math.h>

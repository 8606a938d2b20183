#pragma once
/* Internal to kernels/expression/math. The tables of vector_math.h, one for each x86-64 level that there is a file for
 * (each compiled with that level's instructions, CMakeLists.txt), and the plain one. */
#include "kernels/expression/math/vector_math.h"

#if defined(__x86_64__)
extern const struct math_kernels math_kernels_v4[MATH_COUNT];
extern const struct math_scaled_exp math_scaled_exp_v4;
extern const struct math_kernels math_kernels_v3[MATH_COUNT];
extern const struct math_scaled_exp math_scaled_exp_v3;
#endif
extern const struct math_kernels math_kernels_plain[MATH_COUNT];
extern const struct math_scaled_exp math_scaled_exp_plain;

/* vector_math.h with AVX2 and FMA. */
#if defined(__x86_64__)
#include <sleef.h>

#define TABLE math_kernels_v3
#define SCALED_EXP math_scaled_exp_v3
#define MATH_HAS_FMA 1
#define DOUBLE_VECTOR __m256d
#define FLOAT_VECTOR __m256
#define SLEEF_DOUBLE(name, bound) Sleef_finz_##name##d4_##bound##avx2
#define SLEEF_FLOAT(name, bound) Sleef_finz_##name##f8_##bound##avx2
#include "kernels/expression/math/level.inc"
#endif

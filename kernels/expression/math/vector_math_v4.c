/* vector_math.h with AVX-512. */
#if defined(__x86_64__)
#include <sleef.h>

#define TABLE math_kernels_v4
#define SCALED_EXP math_scaled_exp_v4
#define MATH_HAS_FMA 1
#define DOUBLE_VECTOR __m512d
#define FLOAT_VECTOR __m512
#define SLEEF_DOUBLE(name, bound) Sleef_finz_##name##d8_##bound##avx512f
#define SLEEF_FLOAT(name, bound) Sleef_finz_##name##f16_##bound##avx512f
#include "kernels/expression/math/level.inc"
#endif

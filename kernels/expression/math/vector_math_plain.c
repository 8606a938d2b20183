/* vector_math.h with what every machine has: SSE2, NEON, or no vectors. */
#include <sleef.h>

#define TABLE math_kernels_plain
#define SCALED_EXP math_scaled_exp_plain
#if defined(__x86_64__)
#define MATH_HAS_FMA 0
#define DOUBLE_VECTOR __m128d
#define FLOAT_VECTOR __m128
#define SLEEF_DOUBLE(name, bound) Sleef_cinz_##name##d2_##bound##sse2
#define SLEEF_FLOAT(name, bound) Sleef_cinz_##name##f4_##bound##sse2
#elif defined(__aarch64__)
#define MATH_HAS_FMA 1
#define DOUBLE_VECTOR float64x2_t
#define FLOAT_VECTOR float32x4_t
#define SLEEF_DOUBLE(name, bound) Sleef_finz_##name##d2_##bound##advsimd
#define SLEEF_FLOAT(name, bound) Sleef_finz_##name##f4_##bound##advsimd
#else
#define MATH_HAS_FMA 0
#define DOUBLE_VECTOR double
#define FLOAT_VECTOR float
#define SLEEF_DOUBLE(name, bound) Sleef_cinz_##name##d1_##bound##purec
#define SLEEF_FLOAT(name, bound) Sleef_cinz_##name##f1_##bound##purec
#endif
#include "kernels/expression/math/level.inc"

#pragma once
/* Functions over arrays of double and float, element by element: what the names in an expression mean.
 *
 * Every function is given by math_kernels as one that works on arrays: `count` elements from each input to `out`, which
 * may be one of the inputs (the same address, not a shifted one), but for predicates. There is no alignment to keep.
 * Each element of the result has the same bits wherever it stands and however the arrays are cut: what is left over at
 * the end goes through the same vector code as the rest. Nothing is allocated, no global state is touched, errno and
 * rounding mode included; any thread may call them.
 *
 * Values. Errors are in ulps of the exact result of the given arguments; ulps of subnormal results are the smallest
 * subnormal. "0" is exact or correctly rounded. Special values (NaN, infinities, signed zeros, poles, domain errors)
 * are C's of Annex F, which are NumPy's, and where NumPy has a rule of its own, it is NumPy's:
 *
 *   0     abs negative sqrt square reciprocal floor ceil trunc round sign copysign nextafter minimum maximum clip fma
 *         isnan isinf isfinite signbit remainder, and floor_divide as NumPy computes it (npy_divmod)
 *   1     all others but these: exp expm1 log log1p log2 log10 sin … tanh, arcsin … arctanh, arctan2 hypot cbrt power
 * erf, and degrees and radians as NumPy computes them (one multiplication) 1.5   erfc 2     sigmoid, 1 / (1 + e^-x),
 * down to the smallest subnormal more  logaddexp: as NumPy computes it, that is 2 ulp of the larger of the result's
 * parts (x or y, and log1p); lgamma, tgamma: see vector_math_test.c, which holds the bounds
 *
 *   round is to even; sign of +-0 is 0, of NaN NaN; minimum and maximum give the first NaN there is, and x where x == y
 *   (zeros of both signs), clip(x, low, high) is minimum(maximum(x, low), high) that takes the bound where they are
 * equal; nextafter(x, x) is x's equal y; remainder has the sign of the divisor, remainder(x, 0) is NaN, floor_divide(x,
 * 0) is x / 0; remainder(x, +-inf) is x where the signs agree, else that infinity.
 *
 * Where they come from: SLEEF's functions whose lanes don't influence each other (finz with, cinz without FMA; the
 * ordinary ones let one lane change another's last bit, sleef issue 444), libm for what these don't hold, plain C for
 * the rest. With FMA the bits are the same on AVX2 and AVX-512; without it they are others. */
#include <stddef.h>
#include <stdint.h>

/* X(constant, name, shape) */
#define MATH_FUNCTIONS(X)                                                                                              \
    X(ABS, abs, UNARY)                                                                                                 \
    X(NEGATIVE, negative, UNARY)                                                                                       \
    X(SQRT, sqrt, UNARY)                                                                                               \
    X(CBRT, cbrt, UNARY)                                                                                               \
    X(SQUARE, square, UNARY)                                                                                           \
    X(RECIPROCAL, reciprocal, UNARY)                                                                                   \
    X(EXP, exp, UNARY)                                                                                                 \
    X(EXPM1, expm1, UNARY)                                                                                             \
    X(LOG, log, UNARY)                                                                                                 \
    X(LOG10, log10, UNARY)                                                                                             \
    X(LOG1P, log1p, UNARY)                                                                                             \
    X(LOG2, log2, UNARY)                                                                                               \
    X(SIN, sin, UNARY)                                                                                                 \
    X(COS, cos, UNARY)                                                                                                 \
    X(TAN, tan, UNARY)                                                                                                 \
    X(ARCSIN, arcsin, UNARY)                                                                                           \
    X(ARCCOS, arccos, UNARY)                                                                                           \
    X(ARCTAN, arctan, UNARY)                                                                                           \
    X(SINH, sinh, UNARY)                                                                                               \
    X(COSH, cosh, UNARY)                                                                                               \
    X(TANH, tanh, UNARY)                                                                                               \
    X(ARCSINH, arcsinh, UNARY)                                                                                         \
    X(ARCCOSH, arccosh, UNARY)                                                                                         \
    X(ARCTANH, arctanh, UNARY)                                                                                         \
    X(ERF, erf, UNARY)                                                                                                 \
    X(ERFC, erfc, UNARY)                                                                                               \
    X(LGAMMA, lgamma, UNARY)                                                                                           \
    X(TGAMMA, tgamma, UNARY)                                                                                           \
    X(SIGMOID, sigmoid, UNARY)                                                                                         \
    X(FLOOR, floor, UNARY)                                                                                             \
    X(CEIL, ceil, UNARY)                                                                                               \
    X(TRUNC, trunc, UNARY)                                                                                             \
    X(ROUND, round, UNARY)                                                                                             \
    X(SIGN, sign, UNARY)                                                                                               \
    X(DEGREES, degrees, UNARY)                                                                                         \
    X(RADIANS, radians, UNARY)                                                                                         \
    X(ARCTAN2, arctan2, BINARY)                                                                                        \
    X(HYPOT, hypot, BINARY)                                                                                            \
    X(POWER, power, BINARY)                                                                                            \
    X(LOGADDEXP, logaddexp, BINARY)                                                                                    \
    X(COPYSIGN, copysign, BINARY)                                                                                      \
    X(NEXTAFTER, nextafter, BINARY)                                                                                    \
    X(MINIMUM, minimum, BINARY)                                                                                        \
    X(MAXIMUM, maximum, BINARY)                                                                                        \
    X(FLOOR_DIVIDE, floor_divide, BINARY)                                                                              \
    X(REMAINDER, remainder, BINARY)                                                                                    \
    X(CLIP, clip, TERNARY)                                                                                             \
    X(FMA, fma, TERNARY)                                                                                               \
    X(ISNAN, isnan, PREDICATE)                                                                                         \
    X(ISFINITE, isfinite, PREDICATE)                                                                                   \
    X(ISINF, isinf, PREDICATE)                                                                                         \
    X(SIGNBIT, signbit, PREDICATE)

#define MATH_ENUM(constant, name, shape) MATH_##constant,
enum math_function { MATH_FUNCTIONS(MATH_ENUM) MATH_COUNT };
#undef MATH_ENUM

enum math_shape {
    MATH_UNARY,    /* f(x) */
    MATH_BINARY,   /* f(x, y) */
    MATH_TERNARY,  /* f(x, y, z) */
    MATH_PREDICATE /* f(x) is 0 or 1, a byte; out overlaps no input */
};

/* One function; the member that its shape says. */
union math_double_kernel {
    void (*unary)(const double *x, double *out, size_t count);
    void (*binary)(const double *x, const double *y, double *out, size_t count);
    void (*ternary)(const double *x, const double *y, const double *z, double *out, size_t count);
    void (*predicate)(const double *x, uint8_t *out, size_t count);
};

union math_float_kernel {
    void (*unary)(const float *x, float *out, size_t count);
    void (*binary)(const float *x, const float *y, float *out, size_t count);
    void (*ternary)(const float *x, const float *y, const float *z, float *out, size_t count);
    void (*predicate)(const float *x, uint8_t *out, size_t count);
};

struct math_kernels {
    const char *name; /* NumPy's, or SciPy's */
    enum math_shape shape;
    union math_double_kernel on_double;
    union math_float_kernel on_float;
    float double_ns, float_ns; /* time for an element that is in cache, about (AVX-512; bench/functions) */
};

/* The functions as built for this machine's vectors. Static memory. */
const struct math_kernels *math_kernels(enum math_function function);

/* For tests: the same of each level there is, 0 the plainest; NULL where this machine can't run it, or beyond the last.
 */
const struct math_kernels *math_kernels_of_level(unsigned level, enum math_function function);

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

/* X(constant, name, shape, double_ns, float_ns) */
#define MATH_FUNCTIONS(X)                                                                                              \
    X(ABS, abs, UNARY, 1, 1)                                                                                           \
    X(NEGATIVE, negative, UNARY, 1, 1)                                                                                 \
    X(SQRT, sqrt, UNARY, 1, 1)                                                                                         \
    X(CBRT, cbrt, UNARY, 1, 1)                                                                                         \
    X(SQUARE, square, UNARY, 1, 1)                                                                                     \
    X(RECIPROCAL, reciprocal, UNARY, 1, 1)                                                                             \
    X(EXP, exp, UNARY, 1, 1)                                                                                           \
    X(EXPM1, expm1, UNARY, 1, 1)                                                                                       \
    X(LOG, log, UNARY, 1, 1)                                                                                           \
    X(LOG10, log10, UNARY, 1, 1)                                                                                       \
    X(LOG1P, log1p, UNARY, 1, 1)                                                                                       \
    X(LOG2, log2, UNARY, 1, 1)                                                                                         \
    X(SIN, sin, UNARY, 1, 1)                                                                                           \
    X(COS, cos, UNARY, 1, 1)                                                                                           \
    X(TAN, tan, UNARY, 1, 1)                                                                                           \
    X(ARCSIN, arcsin, UNARY, 1, 1)                                                                                     \
    X(ARCCOS, arccos, UNARY, 1, 1)                                                                                     \
    X(ARCTAN, arctan, UNARY, 1, 1)                                                                                     \
    X(SINH, sinh, UNARY, 1, 1)                                                                                         \
    X(COSH, cosh, UNARY, 1, 1)                                                                                         \
    X(TANH, tanh, UNARY, 1, 1)                                                                                         \
    X(ARCSINH, arcsinh, UNARY, 1, 1)                                                                                   \
    X(ARCCOSH, arccosh, UNARY, 1, 1)                                                                                   \
    X(ARCTANH, arctanh, UNARY, 1, 1)                                                                                   \
    X(ERF, erf, UNARY, 1, 1)                                                                                           \
    X(ERFC, erfc, UNARY, 1, 1)                                                                                         \
    X(LGAMMA, lgamma, UNARY, 1, 1)                                                                                     \
    X(TGAMMA, tgamma, UNARY, 1, 1)                                                                                     \
    X(SIGMOID, sigmoid, UNARY, 1, 1)                                                                                   \
    X(FLOOR, floor, UNARY, 1, 1)                                                                                       \
    X(CEIL, ceil, UNARY, 1, 1)                                                                                         \
    X(TRUNC, trunc, UNARY, 1, 1)                                                                                       \
    X(ROUND, round, UNARY, 1, 1)                                                                                       \
    X(SIGN, sign, UNARY, 1, 1)                                                                                         \
    X(DEGREES, degrees, UNARY, 1, 1)                                                                                   \
    X(RADIANS, radians, UNARY, 1, 1)                                                                                   \
    X(ARCTAN2, arctan2, BINARY, 1, 1)                                                                                  \
    X(HYPOT, hypot, BINARY, 1, 1)                                                                                      \
    X(POWER, power, BINARY, 1, 1)                                                                                      \
    X(LOGADDEXP, logaddexp, BINARY, 1, 1)                                                                              \
    X(COPYSIGN, copysign, BINARY, 1, 1)                                                                                \
    X(NEXTAFTER, nextafter, BINARY, 1, 1)                                                                              \
    X(MINIMUM, minimum, BINARY, 1, 1)                                                                                  \
    X(MAXIMUM, maximum, BINARY, 1, 1)                                                                                  \
    X(FLOOR_DIVIDE, floor_divide, BINARY, 1, 1)                                                                        \
    X(REMAINDER, remainder, BINARY, 1, 1)                                                                              \
    X(CLIP, clip, TERNARY, 1, 1)                                                                                       \
    X(FMA, fma, TERNARY, 1, 1)                                                                                         \
    X(ISNAN, isnan, PREDICATE, 1, 1)                                                                                   \
    X(ISFINITE, isfinite, PREDICATE, 1, 1)                                                                             \
    X(ISINF, isinf, PREDICATE, 1, 1)                                                                                   \
    X(SIGNBIT, signbit, PREDICATE, 1, 1)

#define MATH_ENUM(constant, name, shape, double_ns, float_ns) MATH_##constant,
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

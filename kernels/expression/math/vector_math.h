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
 * subnormal. "0" is exact or correctly rounded.
 *
 *   0     abs negative sqrt square reciprocal floor ceil trunc round sign copysign nextafter minimum maximum clip fma
 *         isnan isinf isfinite signbit remainder fmod
 *   NumPy's own arithmetic, step by step: floor_divide (npy_divmod), and degrees and radians, a product by a rounded
 *         constant (seen are 1.42, of degrees of floats, and 0.82 of the others)
 *   1     all others but these. Seen are 0.999 (expm1) at most, and less than 0.9 of most. With FMA on x86, of doubles,
 *         power is within 0.9 (seen of 47 million: 0.70, of subnormal results 0.80) and arctan2 within 0.52 (0.511)
 *   1.5   erfc
 *   2.5   sigmoid, 1 / (1 + e^-x), down to the smallest subnormal
 *   more  logaddexp, as NumPy computes it: 1 ulp of the larger argument, and 2 of what log1p adds, which may cancel
 * Without FMA (x86 before AVX2) arctan and hypot are held to 1.5, arctan2 to 2.
 *
 * With FMA the bits are the same for vectors of any width (AVX2 and AVX-512), but for those of NaN; without, they
 * differ within these bounds.
 *
 * Time. What math_kernels tells holds for arguments of usual size; where libm has to help, an element takes up to 1.3
 * us (tgamma between -169 and -178), 0.5 us (lgamma below 0) or 0.2 us (any other).
 *
 * Special values (NaN, infinities, signed zeros, poles, domain errors) are C's of Annex F, which are NumPy's. And
 * NumPy's: round is to even; sign of +-0 is 0, of NaN NaN; minimum and maximum give the first NaN there is, and x where
 * x == y (zeros of both signs); clip(x, low, high) is minimum(maximum(x, low), high) that takes the bound where they
 * are equal; remainder has the sign of the divisor, remainder(x, 0) is NaN, floor_divide(x, 0) is x / 0; remainder(x,
 * +-inf) is x where the signs agree, else that infinity.
 *
 * Where they come from: SLEEF's functions whose lanes don't influence each other (finz with, cinz without FMA; the
 * ordinary ones let one lane change another's last bit, sleef issue 444), of the error bound 1.0 (u10); what SLEEF
 * doesn't hold, or ends before the numbers do, is libm's of the wider type (composed.inc says where), exp and, of
 * doubles, log, power and arctan2 with FMA our own on x86, the rest plain C. */
#include <stddef.h>
#include <stdint.h>

/* X(constant, name, shape, double_ns, float_ns) */
#define MATH_FUNCTIONS(X)                                                                                              \
    X(ABS, abs, UNARY, 0.12F, 0.07F)                                                                                   \
    X(NEGATIVE, negative, UNARY, 0.1F, 0.07F)                                                                          \
    X(SQRT, sqrt, UNARY, 0.57F, 0.2F)                                                                                  \
    X(CBRT, cbrt, UNARY, 3.2F, 1.4F)                                                                                   \
    X(SQUARE, square, UNARY, 0.13F, 0.07F)                                                                             \
    X(RECIPROCAL, reciprocal, UNARY, 0.33F, 0.13F)                                                                     \
    X(EXP, exp, UNARY, 0.67F, 0.25F)                                                                                   \
    X(EXPM1, expm1, UNARY, 2.3F, 1.2F)                                                                                 \
    X(LOG, log, UNARY, 0.69F, 0.59F)                                                                                   \
    X(LOG10, log10, UNARY, 1.4F, 0.38F)                                                                                \
    X(LOG1P, log1p, UNARY, 2.3F, 1)                                                                                    \
    X(LOG2, log2, UNARY, 1.4F, 0.6F)                                                                                   \
    X(SIN, sin, UNARY, 1.3F, 0.62F)                                                                                    \
    X(COS, cos, UNARY, 1.6F, 0.72F)                                                                                    \
    X(TAN, tan, UNARY, 2.6F, 1.1F)                                                                                     \
    X(ARCSIN, arcsin, UNARY, 1.8F, 0.8F)                                                                               \
    X(ARCCOS, arccos, UNARY, 2.2F, 0.95F)                                                                              \
    X(ARCTAN, arctan, UNARY, 2.2F, 0.93F)                                                                              \
    X(SINH, sinh, UNARY, 3.5F, 1.6F)                                                                                   \
    X(COSH, cosh, UNARY, 3.1F, 1.7F)                                                                                   \
    X(TANH, tanh, UNARY, 4.2F, 1.9F)                                                                                   \
    X(ARCSINH, arcsinh, UNARY, 6.6F, 2.7F)                                                                             \
    X(ARCCOSH, arccosh, UNARY, 6.1F, 2.5F)                                                                             \
    X(ARCTANH, arctanh, UNARY, 3.2F, 1.5F)                                                                             \
    X(ERF, erf, UNARY, 6.8F, 2.6F)                                                                                     \
    X(ERFC, erfc, UNARY, 7.7F, 2.9F)                                                                                   \
    X(LGAMMA, lgamma, UNARY, 17, 6.5F)                                                                                 \
    X(TGAMMA, tgamma, UNARY, 15, 6.1F)                                                                                 \
    X(SIGMOID, sigmoid, UNARY, 1, 0.35F)                                                                               \
    X(FLOOR, floor, UNARY, 0.1F, 0.07F)                                                                                \
    X(CEIL, ceil, UNARY, 0.1F, 0.06F)                                                                                  \
    X(TRUNC, trunc, UNARY, 0.1F, 0.08F)                                                                                \
    X(ROUND, round, UNARY, 0.11F, 0.07F)                                                                               \
    X(SIGN, sign, UNARY, 0.27F, 0.14F)                                                                                 \
    X(DEGREES, degrees, UNARY, 0.1F, 0.06F)                                                                            \
    X(RADIANS, radians, UNARY, 0.1F, 0.06F)                                                                            \
    X(ARCTAN2, arctan2, BINARY, 1.5F, 1.4F)                                                                            \
    X(HYPOT, hypot, BINARY, 2.2F, 1)                                                                                   \
    X(POWER, power, BINARY, 2.2F, 2.4F)                                                                                \
    X(LOGADDEXP, logaddexp, BINARY, 2.7F, 1.3F)                                                                        \
    X(COPYSIGN, copysign, BINARY, 0.11F, 0.07F)                                                                        \
    X(NEXTAFTER, nextafter, BINARY, 0.33F, 0.18F)                                                                      \
    X(MINIMUM, minimum, BINARY, 0.15F, 0.09F)                                                                          \
    X(MAXIMUM, maximum, BINARY, 0.15F, 0.09F)                                                                          \
    X(FLOOR_DIVIDE, floor_divide, BINARY, 1, 0.49F)                                                                    \
    X(REMAINDER, remainder, BINARY, 0.68F, 0.31F)                                                                      \
    X(FMOD, fmod, BINARY, 0.54F, 0.26F)                                                                                \
    X(CLIP, clip, TERNARY, 0.42F, 0.22F)                                                                               \
    X(FMA, fma, TERNARY, 0.14F, 0.08F)                                                                                 \
    X(ISNAN, isnan, PREDICATE, 0.09F, 0.06F)                                                                           \
    X(ISFINITE, isfinite, PREDICATE, 0.12F, 0.07F)                                                                     \
    X(ISINF, isinf, PREDICATE, 0.12F, 0.07F)                                                                           \
    X(SIGNBIT, signbit, PREDICATE, 0.12F, 0.08F)

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
    float double_ns, float_ns; /* CPU time for an element that is in cache, about (AVX-512; bench/functions) */
};

/* The functions as built for this machine's vectors. Static memory. */
const struct math_kernels *math_kernels(enum math_function function);

enum { MATH_SUM_LANES = 32 };

/* What is an exponent: x times a number that is no NaN, or x or -x divided by any. */
enum math_exponent { MATH_PRODUCT, MATH_QUOTIENT, MATH_MINUS_QUOTIENT };

/* e^exponent, the exponent rounded: the bits of all steps, one after the other. out may be x. */
struct math_scaled_exp {
    void (*on_double)(enum math_exponent exponent, const double *x, double number, double *out, size_t count);
    void (*on_float)(enum math_exponent exponent, const float *x, float number, float *out, size_t count);
    /* exp(factor * (x - y)**2), each step rounded, with the factor's NaN where it is one; without a factor (NULL)
     * exp(-(x - y)**2). out may be x or y. */
    void (*of_square_double)(const double *x, const double *y, const double *factor, double *out, size_t count);
    void (*of_square_float)(const float *x, const float *y, const float *factor, float *out, size_t count);
    /* Adds what on_double makes of x[i] to lanes[i % MATH_SUM_LANES], in ascending order. */
    void (*add_double)(enum math_exponent exponent, const double *x, double number, double *lanes, size_t count);
};

/* As built for this machine's vectors. Static memory. */
const struct math_scaled_exp *math_scaled_exp(void);

/* For tests: the same of each level there is, 0 the plainest; NULL where this machine can't run it, or beyond the last.
 */
const struct math_kernels *math_kernels_of_level(unsigned level, enum math_function function);

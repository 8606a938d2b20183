#include "tests/reference/vector_math_simple.h"

#include <math.h>
#include <stdlib.h>

static long double exact_unary(enum math_function function, long double x) {
    switch (function) {
    case MATH_ABS:
        return fabsl(x);
    case MATH_NEGATIVE:
        return -x;
    case MATH_SQRT:
        return sqrtl(x);
    case MATH_CBRT:
        return cbrtl(x);
    case MATH_SQUARE:
        return x * x;
    case MATH_RECIPROCAL:
        return 1 / x;
    case MATH_FLOOR:
        return floorl(x);
    case MATH_CEIL:
        return ceill(x);
    case MATH_TRUNC:
        return truncl(x);
    case MATH_ROUND:
        return rintl(x);
    case MATH_SIGN:
        return isnan(x) ? x : (x > 0) - (x < 0);
    case MATH_ISNAN:
        return isnan(x);
    case MATH_ISINF:
        return isinf(x) != 0;
    case MATH_ISFINITE:
        return isfinite(x);
    case MATH_SIGNBIT:
        return signbit(x) != 0;
    default:
        abort();
    }
}

static long double exact_transcendental(enum math_function function, long double x) {
    switch (function) {
    case MATH_EXP:
        return expl(x);
    case MATH_EXPM1:
        return expm1l(x);
    case MATH_LOG:
        return logl(x);
    case MATH_LOG10:
        return log10l(x);
    case MATH_LOG1P:
        return log1pl(x);
    case MATH_LOG2:
        return log2l(x);
    case MATH_SIN:
        return sinl(x);
    case MATH_COS:
        return cosl(x);
    case MATH_TAN:
        return tanl(x);
    case MATH_ARCSIN:
        return asinl(x);
    case MATH_ARCCOS:
        return acosl(x);
    case MATH_ARCTAN:
        return atanl(x);
    case MATH_SINH:
        return sinhl(x);
    case MATH_COSH:
        return coshl(x);
    case MATH_TANH:
        return tanhl(x);
    case MATH_ARCSINH:
        return asinhl(x);
    case MATH_ARCCOSH:
        return acoshl(x);
    case MATH_ARCTANH:
        return atanhl(x);
    case MATH_ERF:
        return erfl(x);
    case MATH_ERFC:
        return erfcl(x);
    case MATH_LGAMMA:
        return lgammal(x);
    case MATH_TGAMMA:
        return tgammal(x);
    case MATH_SIGMOID:
        return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
    default:
        return exact_unary(function, x);
    }
}

static long double first_nan_or(long double x, long double y, long double value) {
    return isnan(x) ? x : isnan(y) ? y : value;
}

long double math_simple(enum math_function function, long double x, long double y, long double z) {
    switch (function) {
    case MATH_ARCTAN2:
        return atan2l(x, y);
    case MATH_HYPOT:
        return hypotl(x, y);
    case MATH_POWER:
        return powl(x, y);
    case MATH_COPYSIGN:
        return copysignl(x, y);
    case MATH_MINIMUM:
        return first_nan_or(x, y, x <= y ? x : y);
    case MATH_MAXIMUM:
        return first_nan_or(x, y, x >= y ? x : y);
    case MATH_CLIP:
        x = first_nan_or(x, y, x > y ? x : y);
        return first_nan_or(x, z, x < z ? x : z);
    case MATH_FMA:
        return fmal(x, y, z);
    default:
        return exact_transcendental(function, x);
    }
}

#define REAL double
#define LIBM(name) name
#define NAME(name) name##_double
#include "tests/reference/vector_math_simple.inc"
#undef REAL
#undef LIBM
#undef NAME

#define REAL float
#define LIBM(name) name##f
#define NAME(name) name##_float
#include "tests/reference/vector_math_simple.inc"

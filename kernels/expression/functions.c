#include "kernels/expression/functions.h"

#include <math.h>
#include <string.h>

#define FLOATING(name, arguments, math) {{name, arguments}, FUNCTION_FLOATING, MATH_##math, OPERATION_FILL}
#define PREDICATE(name, math) {{name, 1}, FUNCTION_PREDICATE, MATH_##math, OPERATION_FILL}
#define ROUNDING(name, math) {{name, 1}, FUNCTION_ROUNDING, MATH_##math, OPERATION_FILL}
#define NUMERIC(name, arguments, math, operation)                                                                      \
    {{name, arguments}, FUNCTION_NUMERIC, MATH_##math, OPERATION_##operation}
#define OPERATOR(name, operation) {{name, 2}, FUNCTION_OPERATOR, MATH_COUNT, OPERATION_##operation}

static const struct function functions[] = {
    {{"where", 3}, FUNCTION_WHERE, MATH_COUNT, OPERATION_SELECT},
    NUMERIC("abs", 1, ABS, ABSOLUTE),
    NUMERIC("absolute", 1, ABS, ABSOLUTE),
    FLOATING("fabs", 1, ABS),
    NUMERIC("sign", 1, SIGN, SIGN),
    NUMERIC("minimum", 2, MINIMUM, MINIMUM),
    NUMERIC("maximum", 2, MAXIMUM, MAXIMUM),
    {{"clip", 3}, FUNCTION_CLIP, MATH_CLIP, OPERATION_MAXIMUM},
    ROUNDING("floor", FLOOR),
    ROUNDING("ceil", CEIL),
    ROUNDING("trunc", TRUNC),
    ROUNDING("round", ROUND),
    FLOATING("rint", 1, ROUND),
    FLOATING("sqrt", 1, SQRT),
    FLOATING("cbrt", 1, CBRT),
    {{"square", 1}, FUNCTION_SQUARE, MATH_COUNT, OPERATION_MULTIPLY},
    {{"reciprocal", 1}, FUNCTION_RECIPROCAL, MATH_COUNT, OPERATION_DIVIDE},
    FLOATING("hypot", 2, HYPOT),
    FLOATING("fma", 3, FMA),
    FLOATING("exp", 1, EXP),
    FLOATING("expm1", 1, EXPM1),
    FLOATING("log", 1, LOG),
    FLOATING("log2", 1, LOG2),
    FLOATING("log10", 1, LOG10),
    FLOATING("log1p", 1, LOG1P),
    FLOATING("logaddexp", 2, LOGADDEXP),
    FLOATING("sigmoid", 1, SIGMOID),
    FLOATING("expit", 1, SIGMOID),
    FLOATING("sin", 1, SIN),
    FLOATING("cos", 1, COS),
    FLOATING("tan", 1, TAN),
    FLOATING("arcsin", 1, ARCSIN),
    FLOATING("asin", 1, ARCSIN),
    FLOATING("arccos", 1, ARCCOS),
    FLOATING("acos", 1, ARCCOS),
    FLOATING("arctan", 1, ARCTAN),
    FLOATING("atan", 1, ARCTAN),
    FLOATING("arctan2", 2, ARCTAN2),
    FLOATING("atan2", 2, ARCTAN2),
    FLOATING("sinh", 1, SINH),
    FLOATING("cosh", 1, COSH),
    FLOATING("tanh", 1, TANH),
    FLOATING("arcsinh", 1, ARCSINH),
    FLOATING("asinh", 1, ARCSINH),
    FLOATING("arccosh", 1, ARCCOSH),
    FLOATING("acosh", 1, ARCCOSH),
    FLOATING("arctanh", 1, ARCTANH),
    FLOATING("atanh", 1, ARCTANH),
    FLOATING("degrees", 1, DEGREES),
    FLOATING("rad2deg", 1, DEGREES),
    FLOATING("radians", 1, RADIANS),
    FLOATING("deg2rad", 1, RADIANS),
    FLOATING("erf", 1, ERF),
    FLOATING("erfc", 1, ERFC),
    FLOATING("lgamma", 1, LGAMMA),
    FLOATING("gammaln", 1, LGAMMA),
    FLOATING("tgamma", 1, TGAMMA),
    FLOATING("copysign", 2, COPYSIGN),
    FLOATING("nextafter", 2, NEXTAFTER),
    PREDICATE("isnan", ISNAN),
    PREDICATE("isfinite", ISFINITE),
    PREDICATE("isinf", ISINF),
    PREDICATE("signbit", SIGNBIT),
    OPERATOR("power", POWER),
    OPERATOR("pow", POWER),
    OPERATOR("floor_divide", FLOOR_DIVIDE),
    OPERATOR("remainder", REMAINDER),
    OPERATOR("mod", REMAINDER),
    NUMERIC("fmod", 2, FMOD, FMOD),
    {{"ones_like", 1}, FUNCTION_ONES_LIKE, MATH_COUNT, OPERATION_SELECT},
};

static const struct {
    const char *name;
    double value;
} constants[] = {{"pi", 0x1.921fb54442d18p1}, {"e", 0x1.5bf0a8b145769p1}, {"inf", INFINITY}, {"nan", (double)NAN}};

enum { FUNCTION_COUNT = sizeof functions / sizeof *functions, CONSTANT_COUNT = sizeof constants / sizeof *constants };

static bool is_name(const char *known, const char *name, size_t length) {
    return known[0] == name[0] && strlen(known) == length && memcmp(known, name, length) == 0;
}

const struct function *function_find(const char *name, size_t length) {
    for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        if (is_name(functions[i].row.name, name, length)) {
            return &functions[i];
        }
    }
    return NULL;
}

const double *function_constant(const char *name, size_t length) {
    for (size_t i = 0; i < CONSTANT_COUNT; i++) {
        if (is_name(constants[i].name, name, length)) {
            return &constants[i].value;
        }
    }
    return NULL;
}

const struct expression_function_row *expression_function(size_t index) {
    return index < FUNCTION_COUNT ? &functions[index].row : NULL;
}

/* Insertions, deletions and replacements that make one of the other (Levenshtein's distance, row by row). */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    unsigned row[EXPRESSION_NAME_MAX + 1];
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned replaced = diagonal + (a[i - 1] != b[j - 1]);
            unsigned shorter = row[j - 1] < row[j] ? row[j - 1] : row[j];
            diagonal = row[j];
            row[j] = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return row[b_length];
}

const char *function_near(const char *name, size_t length, const char *candidate, unsigned *best, const char *nearest) {
    unsigned apart = distance(name, length, candidate, strlen(candidate));
    if (apart >= *best) {
        return nearest;
    }
    *best = apart;
    return candidate;
}

const char *function_near_any(const char *name, size_t length, unsigned *best, const char *nearest) {
    for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        nearest = function_near(name, length, functions[i].row.name, best, nearest);
    }
    return nearest;
}

const char *function_near_constant(const char *name, size_t length, unsigned *best, const char *nearest) {
    for (size_t i = 0; i < CONSTANT_COUNT; i++) {
        nearest = function_near(name, length, constants[i].name, best, nearest);
    }
    return nearest;
}

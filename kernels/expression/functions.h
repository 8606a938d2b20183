#pragma once
/* Internal to kernels/expression. The functions and the constants by name. */
#include "kernels/expression/operation.h"

enum function_class {
    FUNCTION_FLOATING,  /* of floats; others become float64 */
    FUNCTION_PREDICATE, /* of floats too, and makes bool */
    FUNCTION_ROUNDING,  /* leaves integers as they are */
    FUNCTION_NUMERIC,   /* of int64 too: `operation` */
    FUNCTION_CLIP,
    FUNCTION_SQUARE,
    FUNCTION_RECIPROCAL,
    FUNCTION_OPERATOR, /* what an operator does: `operation` */
    FUNCTION_ONES_LIKE,
    FUNCTION_WHERE
};

struct function {
    struct expression_function_row row;
    enum function_class class;
    enum math_function math;             /* of floats */
    enum expression_operation operation; /* of int64, or an operator's */
};

/* NULL: there is none of that name. */
const struct function *function_find(const char *name, size_t length);

/* pi, e, inf or nan. NULL: none of them. Static memory. */
const double *function_constant(const char *name, size_t length);

/* `candidate`, if the name may rather have been meant to be that than `nearest`, which is *best changes away; *best
 * becomes that of what is returned. Names have EXPRESSION_NAME_MAX bytes at most. */
const char *function_near(const char *name, size_t length, const char *candidate, unsigned *best, const char *nearest);

/* The function whose name is nearest, if it is nearer than *best. */
const char *function_near_any(const char *name, size_t length, unsigned *best, const char *nearest);
/* Likewise the constant. */
const char *function_near_constant(const char *name, size_t length, unsigned *best, const char *nearest);

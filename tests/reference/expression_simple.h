#pragma once
/* Expressions by evaluating the text for one element at a time: the tests' reference. */
#include "kernels/expression/expression.h"

struct simple_value {
    enum expression_type type;
    bool is_weak;
    int64_t integer; /* of bool and int64 */
    double number;   /* of float32 and float64 */
};

struct simple_operand {
    const char *name;
    struct simple_value value;
};

/* The text's value for operands of these values. False where it has none: it is wrong, or an integer has no result.
 * Nothing is limited. Functions are vector_math.h's, of one element. */
bool expression_simple(const char *text, const struct simple_operand *operands, size_t operand_count,
                       struct simple_value *out);

#pragma once
/* Internal to kernels. The machine's operations, each on one type of operands. */
#include "kernels/expression/expression.h"
#include "kernels/expression/math/vector_math.h"

/* X(name, inputs, words for failures, nanoseconds for 8 elements). For floating point there are vector_math.h's
 * functions as well. */
#define EXPRESSION_OPERATIONS(X)                                                                                       \
    X(TO_BOOL, 1, "conversion", 2)                                                                                     \
    X(TO_INT64, 1, "conversion", 2)                                                                                    \
    X(TO_FLOAT32, 1, "conversion", 2)                                                                                  \
    X(TO_FLOAT64, 1, "conversion", 2)                                                                                  \
    X(FILL, 1, "copy", 1)                                                                                              \
    X(ADD, 2, "addition", 1)                                                                                           \
    X(SUBTRACT, 2, "subtraction", 1)                                                                                   \
    X(MULTIPLY, 2, "multiplication", 1)                                                                                \
    X(DIVIDE, 2, "division", 2)                                                                                        \
    X(FLOOR_DIVIDE, 2, "division (//)", 30)                                                                            \
    X(REMAINDER, 2, "remainder (%)", 30)                                                                               \
    X(FMOD, 2, "remainder (fmod)", 30)                                                                                 \
    X(POWER, 2, "power", 60)                                                                                           \
    X(NEGATE, 1, "negation", 2)                                                                                        \
    X(ABSOLUTE, 1, "absolute value", 2)                                                                                \
    X(SIGN, 1, "sign", 2)                                                                                              \
    X(MINIMUM, 2, "minimum", 2)                                                                                        \
    X(MAXIMUM, 2, "maximum", 2)                                                                                        \
    X(LESS, 2, "comparison", 1)                                                                                        \
    X(LESS_EQUAL, 2, "comparison", 1)                                                                                  \
    X(EQUAL, 2, "comparison", 1)                                                                                       \
    X(NOT_EQUAL, 2, "comparison", 1)                                                                                   \
    X(AND, 2, "&", 1)                                                                                                  \
    X(OR, 2, "|", 1)                                                                                                   \
    X(XOR, 2, "^", 1)                                                                                                  \
    X(INVERT, 1, "~", 1)                                                                                               \
    X(SHIFT_LEFT, 2, "shift (<<)", 8)                                                                                  \
    X(SHIFT_RIGHT, 2, "shift (>>)", 4)                                                                                 \
    X(SELECT, 3, "choice", 2)                                                                                          \
    X(PRODUCT_PLUS, 3, "sum", 1)                                                                                       \
    X(PLUS_PRODUCT, 3, "sum", 1)                                                                                       \
    X(PRODUCT_MINUS, 3, "difference", 1)                                                                               \
    X(MINUS_PRODUCT, 3, "difference", 1)                                                                               \
    X(SQUARED_DIFFERENCE, 2, "square", 1)                                                                              \
    X(MINUS_SQUARED_DIFFERENCE, 2, "square", 1)                                                                        \
    X(EXP_PRODUCT, 2, "exponential", 7)                                                                                \
    X(EXP_QUOTIENT, 2, "exponential", 8)                                                                               \
    X(EXP_MINUS_QUOTIENT, 2, "exponential", 8)                                                                         \
    X(EXP_MINUS_SQUARE, 2, "exponential", 7)                                                                           \
    X(EXP_SCALED_SQUARE, 3, "exponential", 7)

enum expression_operation {
#define X(name, inputs, words, cost) OPERATION_##name,
    EXPRESSION_OPERATIONS(X)
#undef X
        OPERATION_MATH, /* and each enum math_function added to it */
    OPERATION_COUNT = OPERATION_MATH + MATH_COUNT
};

enum { OPERATION_INPUTS_MAX = 3 };

/* The last eleven are several operations of floating point in one pass, each rounded: a*b + c, c + a*b, a*b - c and
 * c - a*b of inputs a, b and c, one or two of which are single but not a and b, (a - b)**2, -(a - b)**2, exp(a*b) where
 * one of both is single, exp(a/b) and exp(-a/b) where b is, exp(-(a - b)**2), and exp(c * (a - b)**2) of inputs c, a
 * and b, where c alone is single. fuser.c makes them of the others. */

/* The first element of a block that has no result; `kind` is EXPRESSION_NO_FAILURE where all have one. */
struct block_fault {
    size_t element;
    enum expression_failure_kind kind;
};

/* Runs an operation on `count` elements of `type`. Bit i of `singles` says that inputs[i] is one value for all; of
 * vector_math.h's functions none is. `out` is where an input of the same element size lies, or apart from all; apart
 * from all where the operation may fail. An element without a result is noted in *fault where none before it is, and
 * becomes any value. */
void block_run(unsigned operation, enum expression_type type, void *out, const void *const *inputs, unsigned singles,
               size_t count, struct block_fault *fault);

/* The same for one type each, without FILL, SELECT, exponentials and vector_math.h. */
void block_bool(unsigned operation, void *out, const void *const *inputs, unsigned singles, size_t count);
void block_int64(unsigned operation, void *out, const void *const *inputs, unsigned singles, size_t count);
void block_float32(unsigned operation, void *out, const void *const *inputs, unsigned singles, size_t count);
void block_float64(unsigned operation, void *out, const void *const *inputs, unsigned singles, size_t count);
/* And those of int64 that may fail. */
void block_checked(unsigned operation, int64_t *out, const void *const *inputs, unsigned singles, size_t count,
                   struct block_fault *fault);

/* Of what the operation makes of operands of the type. */
enum expression_type operation_result(unsigned operation, enum expression_type type);

bool operation_may_fail(unsigned operation, enum expression_type type);

extern const uint8_t operation_input_counts[OPERATION_COUNT];

static inline unsigned operation_inputs(unsigned operation) {
    return operation_input_counts[operation];
}

/* Nanoseconds for 8 elements. */
uint32_t operation_cost(unsigned operation, enum expression_type type);

/* The same for predictions: at least a third of what it takes on the slowest elements. */
uint32_t operation_predicted(unsigned operation, enum expression_type type);

/* Static strings: "addition", and what is wrong with one, "overflows". */
const char *operation_problem(enum expression_failure_kind kind);
const char *operation_words(unsigned operation);

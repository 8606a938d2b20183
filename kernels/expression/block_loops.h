#pragma once
/* Internal to kernels/expression. Cases of a switch over operations: each a loop over blocks of ELEMENT, which the
 * including file defines, and RESULT. `a` and `b` are what the expression calls its elements. */
#include "kernels/clones.h"
#include "kernels/expression/operation.h"

#define UNARY(name, RESULT, expression) UNARY_CASE(OPERATION_##name, RESULT, expression)
#define UNARY_CASE(operation, RESULT, expression)                                                                      \
    case operation: {                                                                                                  \
        const ELEMENT *x = inputs[0];                                                                                  \
        __typeof__(RESULT) *z = out;                                                                                   \
        KERNEL_SIMD                                                                                                    \
        for (size_t i = 0; i < count; i++) {                                                                           \
            ELEMENT a = x[i];                                                                                          \
            z[i] = (RESULT)(expression);                                                                               \
        }                                                                                                              \
        break;                                                                                                         \
    }

#define BINARY(name, RESULT, expression)                                                                               \
    case OPERATION_##name: {                                                                                           \
        const ELEMENT *x = inputs[0], *y = inputs[1];                                                                  \
        __typeof__(RESULT) *z = out;                                                                                   \
        if (singles == 1) {                                                                                            \
            ELEMENT a = *x;                                                                                            \
            KERNEL_SIMD                                                                                                \
            for (size_t i = 0; i < count; i++) {                                                                       \
                ELEMENT b = y[i];                                                                                      \
                z[i] = (RESULT)(expression);                                                                           \
            }                                                                                                          \
        } else if (singles == 2) {                                                                                     \
            ELEMENT b = *y;                                                                                            \
            KERNEL_SIMD                                                                                                \
            for (size_t i = 0; i < count; i++) {                                                                       \
                ELEMENT a = x[i];                                                                                      \
                z[i] = (RESULT)(expression);                                                                           \
            }                                                                                                          \
        } else {                                                                                                       \
            KERNEL_SIMD                                                                                                \
            for (size_t i = 0; i < count; i++) {                                                                       \
                ELEMENT a = x[i], b = y[i];                                                                            \
                z[i] = (RESULT)(expression);                                                                           \
            }                                                                                                          \
        }                                                                                                              \
        break;                                                                                                         \
    }

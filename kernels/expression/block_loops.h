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

/* A sum or a product, `symbol`. Of two NaNs it is the first, and quiet: compilers exchange the operands, in vectors or
 * in what is left over, which only matters where both may be NaN. */
#define COMMUTATIVE(name, symbol)                                                                                      \
    case OPERATION_##name: {                                                                                           \
        const ELEMENT *x = inputs[0], *y = inputs[1], *array = singles == 1 ? y : x;                                   \
        ELEMENT *z = out, single = singles == 1 ? *x : *y;                                                             \
        if (singles == 0) {                                                                                            \
            KERNEL_SIMD                                                                                                \
            for (size_t i = 0; i < count; i++) {                                                                       \
                ELEMENT a = x[i], b = y[i];                                                                            \
                z[i] = FIRST_NAN(a, symbol, b);                                                                        \
            }                                                                                                          \
        } else if (single == single) {                                                                                 \
            KERNEL_SIMD                                                                                                \
            for (size_t i = 0; i < count; i++) {                                                                       \
                z[i] = array[i] symbol single;                                                                         \
            }                                                                                                          \
        } else {                                                                                                       \
            for (size_t i = 0; i < count; i++) {                                                                       \
                ELEMENT a = array[i];                                                                                  \
                z[i] = singles == 1 || a == a ? single symbol single : a symbol a;                                     \
            }                                                                                                          \
        }                                                                                                              \
        break;                                                                                                         \
    }

/* b is loaded whatever a is. In `a != a ? a : a symbol b`, or where b stands first here, gcc loads it under a mask of
 * AVX-512's, and on a Zen 5 such loads are slow between stores past the caches: x*y of 10,000,000 took 7.5 ms on two
 * threads, not 4.4 as the triad (bench/expressions). */
#define FIRST_NAN(a, symbol, b) ((a)symbol((a) != (a) ? (a) : (b)))

/* m = a * b and c added or subtracted, in one pass: `all` whatever is NaN; `with_factor` where a or b is a single
 * number and no NaN, `with_addend` where c is, or both. */
#define PRODUCT(name, all, with_factor, with_addend)                                                                   \
    case OPERATION_##name: {                                                                                           \
        const ELEMENT *x = inputs[0], *y = inputs[1], *w = inputs[2], *array = singles & 1 ? y : x;                    \
        ELEMENT *z = out, single = singles & 1 ? *x : *y, addend = *w;                                                 \
        if ((singles & 3 && single != single) || (singles & 4 && addend != addend)) {                                  \
            size_t x_step = !(singles & 1), y_step = !(singles & 2), w_step = !(singles & 4);                          \
            for (size_t i = 0; i < count; i++) {                                                                       \
                ELEMENT a = x[i * x_step], b = y[i * y_step], c = w[i * w_step], m = FIRST_NAN(a, *, b);               \
                z[i] = (all);                                                                                          \
            }                                                                                                          \
        } else if (singles == 4) {                                                                                     \
            KERNEL_SIMD                                                                                                \
            for (size_t i = 0; i < count; i++) {                                                                       \
                ELEMENT a = x[i], b = y[i], c = addend, m = FIRST_NAN(a, *, b);                                        \
                z[i] = (with_addend);                                                                                  \
            }                                                                                                          \
        } else if (singles & 4) {                                                                                      \
            KERNEL_SIMD                                                                                                \
            for (size_t i = 0; i < count; i++) {                                                                       \
                ELEMENT m = array[i] * single, c = addend;                                                             \
                z[i] = (with_addend);                                                                                  \
            }                                                                                                          \
        } else {                                                                                                       \
            KERNEL_SIMD                                                                                                \
            for (size_t i = 0; i < count; i++) {                                                                       \
                ELEMENT m = array[i] * single, c = w[i];                                                               \
                z[i] = (with_factor);                                                                                  \
            }                                                                                                          \
        }                                                                                                              \
        break;                                                                                                         \
    }

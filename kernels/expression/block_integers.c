/* Operations on blocks of int64 and bool that have a result for all values. Integers that wrap are unsigned. */
#define ELEMENT int64_t
#include "kernels/expression/block_loops.h"

KERNEL_CLONES
void block_int64(unsigned operation, void *out, const void *const *inputs, unsigned singles, size_t count) {
    switch (operation) {
        UNARY(TO_BOOL, uint8_t, a != 0)
        UNARY(TO_FLOAT32, float, a)
        UNARY(TO_FLOAT64, double, a)
        UNARY(SIGN, int64_t, (a > 0) - (a < 0))
        BINARY(MINIMUM, int64_t, a < b ? a : b)
        BINARY(MAXIMUM, int64_t, a > b ? a : b)
        BINARY(LESS, uint8_t, a < b)
        BINARY(LESS_EQUAL, uint8_t, a <= b)
        BINARY(EQUAL, uint8_t, a == b)
        BINARY(NOT_EQUAL, uint8_t, a != b)
        BINARY(AND, int64_t, a &b)
        BINARY(OR, int64_t, a | b)
        BINARY(XOR, int64_t, a ^ b)
        UNARY(INVERT, int64_t, ~a)
    default:
        break;
    }
}

#undef ELEMENT
#define ELEMENT uint8_t

KERNEL_CLONES
void block_bool(unsigned operation, void *out, const void *const *inputs, unsigned singles, size_t count) {
    switch (operation) {
        UNARY(TO_INT64, int64_t, a)
        UNARY(TO_FLOAT32, float, a)
        UNARY(TO_FLOAT64, double, a)
        BINARY(LESS, uint8_t, a < b)
        BINARY(LESS_EQUAL, uint8_t, a <= b)
        BINARY(EQUAL, uint8_t, a == b)
        BINARY(NOT_EQUAL, uint8_t, a != b)
        BINARY(AND, uint8_t, a &b)
        BINARY(OR, uint8_t, a | b)
        BINARY(XOR, uint8_t, a ^ b)
        UNARY(INVERT, uint8_t, a ^ 1)
    default:
        break;
    }
}

#include "tests/reference/npy_simple.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static uint64_t read_bits(const unsigned char *bytes, size_t count, bool big_endian) {
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        bits = bits << 8 | bytes[big_endian ? i : count - 1 - i];
    }
    return bits;
}

/* IEEE 754: a sign, `exponent_bits` of exponent, `mantissa_bits` of mantissa. */
static double read_float(uint64_t bits, int exponent_bits, int mantissa_bits) {
    int64_t largest = ((int64_t)1 << exponent_bits) - 1;
    int64_t exponent = (int64_t)(bits >> mantissa_bits) & largest;
    uint64_t mantissa = bits & (((uint64_t)1 << mantissa_bits) - 1);
    bool negative = bits >> (exponent_bits + mantissa_bits) & 1;
    double value = 0;
    if (exponent == largest && mantissa != 0) {
        uint64_t wide = (uint64_t)negative << 63 | UINT64_C(0x7FF) << 52 | mantissa << (52 - mantissa_bits);
        memcpy(&value, &wide, sizeof value);
        return value;
    }
    if (exponent == largest) {
        value = INFINITY;
    } else if (exponent == 0) {
        value = ldexp((double)mantissa, (int)(2 - largest / 2 - 1) - mantissa_bits);
    } else {
        uint64_t leading = (uint64_t)1 << mantissa_bits;
        value = ldexp((double)(leading + mantissa), (int)(exponent - largest / 2) - mantissa_bits);
    }
    return negative ? -value : value;
}

__extension__ typedef __int128 wide;

static bool read_integer(wide integer, double *value) {
    *value = (double)integer;
    return (wide)*value == integer;
}

bool npy_number_simple(const unsigned char *bytes, enum npy_dtype dtype, bool big_endian, double *value) {
    size_t size = npy_number_bytes(dtype);
    uint64_t bits = read_bits(bytes, size, big_endian);
    switch (dtype) {
    case NPY_FLOAT64:
        *value = read_float(bits, 11, 52);
        return true;
    case NPY_FLOAT32:
        *value = read_float(bits, 8, 23);
        return true;
    case NPY_FLOAT16:
        *value = read_float(bits, 5, 10);
        return true;
    case NPY_BOOL:
        *value = bits != 0;
        return true;
    case NPY_INT8:
    case NPY_INT16:
    case NPY_INT32:
    case NPY_INT64: {
        uint64_t sign = UINT64_C(1) << (8 * size - 1);
        return read_integer((int64_t)((bits ^ sign) - sign), value);
    }
    default:
        return read_integer(bits, value);
    }
}

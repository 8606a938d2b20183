#pragma once
/* 2^a for a <= 0, written so that compilers vectorise it on any instruction set, inlined: a loop that does more than
 * the exponential runs faster so than with calls of glibc's vector exp, which hold up everything around them and hand
 * arguments beyond -708 (-87) to the scalar exp one by one (bench/limits).
 *
 * a = k + f, k the nearest integer, got from the low bits of a + 1.5 * 2^52, so f is exact. 2^f = 1 + f p(f) with p the
 * polynomial through (2^f - 1) / f at the Chebyshev nodes of [-1/2, 1/2]; off by 0.2 u with the coefficients rounded.
 * 2^k is the product of 2^(k + BIAS), put together from bits, and 2^-BIAS, so that results become subnormal gradually.
 *
 * Error bound, u = 2^-53 (2^-24): 3 u of the result: the rounding of p's value and of f p(f), each less than 1.5 u of
 * |f p(f)| <= 0.42 2^f, one u for adding 1 and 0.2 u for the polynomial; in addition 2^-1075 (2^-150) where the result
 * is subnormal. 2^0 is 1, 2^-inf is 0, NaN gives NaN. */
#include "clones.h"

#include <stdint.h>
#include <string.h>

KERNEL_INLINE double vector_exp2(double a) {
    enum { BIAS = 540 };
    const double shift = 0x1.8p52 + 1023 + BIAS;
    a = a < -1076 ? -1076 : a;
    double shifted = a + shift;
    double f = a - (shifted - shift);
    double p = 0x1.e9d3fe3952179p-572;
    p = p * f + 0x1.e6063f7217bc6p-568;
    p = p * f + 0x1.b524fae627834p-564;
    p = p * f + 0x1.62bfd47773353p-560;
    p = p * f + 0x1.ffcbfc670dcd4p-557;
    p = p * f + 0x1.430913096fd9fp-553;
    p = p * f + 0x1.5d87fe78a5276p-550;
    p = p * f + 0x1.3b2ab6fba1ddap-547;
    p = p * f + 0x1.c6b08d704a0c2p-545;
    p = p * f + 0x1.ebfbdff82c598p-543;
    p = p * f + 0x1.62e42fefa39efp-541;
    p = p * f + 0x1p-540;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits <<= 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

KERNEL_INLINE float vector_exp2f(float a) {
    enum { BIAS = 75 };
    const float shift = 0x1.8p23F + 127 + BIAS;
    a = a < -151 ? -151 : a;
    float shifted = a + shift;
    float f = a - (shifted - shift);
    float p = 0x1.44138ap-88F;
    p = p * f + 0x1.5f0890p-85F;
    p = p * f + 0x1.3b2a54p-82F;
    p = p * f + 0x1.c6af6cp-80F;
    p = p * f + 0x1.ebfbe0p-78F;
    p = p * f + 0x1.62e430p-76F;
    p = p * f + 0x1p-75F;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits <<= 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

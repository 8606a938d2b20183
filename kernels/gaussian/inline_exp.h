#pragma once
/* Internal to kernels/gaussian. E^a for a <= 0, written so that compilers vectorise it for any instruction set, and
 * inlined: a loop around it runs 1.3 to 1.7 times as fast as one that calls glibc's vector exp, which hands arguments
 * beyond -708 (-87) to the scalar exp one by one besides (bench/gaussians).
 *
 * a = k ln 2 + rest: k is the nearest integer to a / ln 2, got by adding 1.5 * 2^52 (2^23), which leaves k in the
 * lowest bits too. ln 2 is taken in two parts, the first short enough that k times it, and the difference from a, are
 * exact. e^rest = 1 + rest q(rest), q the polynomial through (e^r - 1) / r at the Chebyshev nodes of +-ln 2 / 2 (degree
 * 10 and 5). 2^k is 2^(k + bias), put together from bits, times 2^-bias, which is in the coefficients: so one rounding
 * makes results subnormal.
 *
 * Error bound: 3 u of the result, u = 2^-53 (2^-24), and half the smallest subnormal. rest is off by 0.35 u, q by 1.5 u
 * of itself, rest q (at most 0.42 e^rest) by 1 u more, adding 1 by 1 u, and the polynomial by 0.1 u (0.2 u): 2.6 u.
 * Seen are 1.8 u at most. e^0 is 1, e^-inf is 0, NaN gives NaN. */
#include "kernels/clones.h"

#include <stdint.h>
#include <string.h>

/* e^rest times `unit`, and shift + k, of which `bits` are. */
KERNEL_INLINE double exp_of_rest(double a, double shift, double unit, uint64_t *bits) {
    const double log2_e = 0x1.71547652b82fep0, ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45;
    double shifted = a * log2_e + shift, k = shifted - shift;
    double rest = a - k * ln2_high - k * ln2_low;
    double p = 0x1.af4de97ca4194p-26 * unit;
    p = p * rest + 0x1.28a2ca617b969p-22 * unit;
    p = p * rest + 0x1.71de0231960ebp-19 * unit;
    p = p * rest + 0x1.a019a6611cad5p-16 * unit;
    p = p * rest + 0x1.a01a01abe7fe1p-13 * unit;
    p = p * rest + 0x1.6c16c17f46982p-10 * unit;
    p = p * rest + 0x1.11111111100dcp-7 * unit;
    p = p * rest + 0x1.55555555520a4p-5 * unit;
    p = p * rest + 0x1.5555555555557p-3 * unit;
    p = p * rest + 0x1.0000000000005p-1 * unit;
    p = p * rest + unit;
    memcpy(bits, &shifted, sizeof shifted);
    return p * rest + unit;
}

KERNEL_INLINE double inline_exp(double a) {
    const double bias = 540;
    uint64_t bits;
    a = a < -746 ? -746 : a; /* half the smallest subnormal is e^-745.13 */
    double p = exp_of_rest(a, 0x1.8p52 + 1023 + bias, 0x1p-540, &bits), power;
    bits <<= 52;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

/* The same, to the bit, for -700 <= a <= 0 alone, where nothing is subnormal: k is added to the exponent, which no
 * multiplier has to do. The unit of 1/2 takes back what makes the shift odd, as inline_exp's is: halves go the same
 * way. */
KERNEL_INLINE double inline_near_exp(double a) {
    uint64_t bits, power;
    double p = exp_of_rest(a, 0x1.8p52 + 1, 0.5, &power);
    memcpy(&bits, &p, sizeof bits);
    bits += power << 52;
    memcpy(&p, &bits, sizeof p);
    return p;
}

KERNEL_INLINE float inline_expf(float a) {
    const float bias = 75, shift = 0x1.8p23F + 127 + bias, log2_e = 0x1.715476p0F;
    const float ln2_high = 0x1.62e4p-1F, ln2_low = 0x1.7f7d1cp-20F;
    a = a < -104 ? -104 : a; /* half the smallest subnormal is e^-103.98 */
    float shifted = a * log2_e + shift, k = shifted - shift;
    float rest = a - k * ln2_high - k * ln2_low;
    float p = 0x1.6d4324p-85F;
    p = p * rest + 0x1.123d9p-82F;
    p = p * rest + 0x1.5554eap-80F;
    p = p * rest + 0x1.55547cp-78F;
    p = p * rest + 0x1p-76F;
    p = p * rest + 0x1p-75F;
    p = p * rest + 0x1p-75F;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits <<= 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

/* 2^(b + b tail) for b <= 0 and a tail of no more than u, which is what b's factor lost: E^a for a = b ln 2, without
 * the reduction above, since b - k is exact. The polynomial goes through (2^f - 1) / f at the Chebyshev nodes of +-1/2
 * (degree 10). Error bound: 3 u of the result and half the smallest subnormal, as above: adding the tail to the
 * fraction puts the result off by 0.35 u, and its coefficients, of which ln 2 was the exact 1, by 0.2 u. 2^0 is 1,
 * 2^-inf is 0, NaN gives NaN. Seen are 1.8 u at most. */
KERNEL_INLINE double inline_exp2(double b, double tail) {
    const double bias = 540, shift = 0x1.8p52 + 1023 + bias;
    b = b < -1076 ? -1076 : b; /* half the smallest subnormal is 2^-1075 */
    double shifted = b + shift, fraction = b * tail + (b - (shifted - shift));
    double p = 0x1.e9d3fe3952179p-572;
    p = p * fraction + 0x1.e6063f7217bc6p-568;
    p = p * fraction + 0x1.b524fae627834p-564;
    p = p * fraction + 0x1.62bfd47773353p-560;
    p = p * fraction + 0x1.ffcbfc670dcd4p-557;
    p = p * fraction + 0x1.430913096fd9fp-553;
    p = p * fraction + 0x1.5d87fe78a5276p-550;
    p = p * fraction + 0x1.3b2ab6fba1ddap-547;
    p = p * fraction + 0x1.c6b08d704a0c2p-545;
    p = p * fraction + 0x1.ebfbdff82c598p-543;
    p = p * fraction + 0x1.62e42fefa39efp-541;
    p = p * fraction + 0x1p-540;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits <<= 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

/* 2^b, where b's factor is precise enough (degree 5). Error bound: as above. */
KERNEL_INLINE float inline_exp2f(float b) {
    const float bias = 75, shift = 0x1.8p23F + 127 + bias;
    b = b < -151 ? -151 : b; /* half the smallest subnormal is 2^-150 */
    float shifted = b + shift, fraction = b - (shifted - shift);
    float p = 0x1.44138ap-88F;
    p = p * fraction + 0x1.5f089p-85F;
    p = p * fraction + 0x1.3b2a54p-82F;
    p = p * fraction + 0x1.c6af6cp-80F;
    p = p * fraction + 0x1.ebfbep-78F;
    p = p * fraction + 0x1.62e43p-76F;
    p = p * fraction + 0x1p-75F;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits <<= 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

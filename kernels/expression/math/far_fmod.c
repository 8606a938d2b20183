#include "kernels/expression/math/far_fmod.h"

#include <math.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 wide;

/* |x| as an integer of up to 53 bits and what 2 is raised to. */
static uint64_t split(double x, int *exponent) {
    uint64_t integer = (uint64_t)scalbn(frexp(fabs(x), exponent), 53);
    *exponent -= 53;
    return integer;
}

/* 2^power modulo `divisor`, by squaring. */
static uint64_t power_of_two(unsigned power, uint64_t divisor) {
    uint64_t result = 1 % divisor;
    for (unsigned bit = 1U << 11; bit > 0; bit >>= 1) {
        result = (uint64_t)((wide)result * result % divisor);
        result = power & bit ? result * 2 % divisor : result;
    }
    return result;
}

double far_fmod(double x, double y) {
    if (!isfinite(x) || !isfinite(y) || y == 0 || fabs(x) <= fabs(y)) {
        return fmod(x, y);
    }
    int exponent, least;
    uint64_t integer = split(x, &exponent), divisor = split(y, &least);
    uint64_t rest = (uint64_t)((wide)integer * power_of_two((unsigned)(exponent - least), divisor) % divisor);
    return copysign(scalbn((double)rest, least), x);
}

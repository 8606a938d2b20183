#pragma once
/* Internal to kernels/expression/math. C's fmod, exact, in a time that doesn't grow with the quotient as libm's does,
 * which takes a step for each of its up to 2,098 bits (4 us; this takes 0.3 us). Special values as C's. */
double far_fmod(double x, double y);

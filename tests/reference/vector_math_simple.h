#pragma once
/* The vector functions one number at a time: the tests' reference. */
#include "kernels/expression/math/vector_math.h"

/* The exact result but for long double's rounding, by libm's long double functions: of functions whose value is a
 * mathematical one. `y` and `z` are read where the function has such arguments. Predicates give 0 or 1. */
long double math_simple(enum math_function function, long double x, long double y, long double z);

/* Of functions that are defined by what NumPy computes in the type itself: floor_divide, remainder, fmod, logaddexp,
 * degrees, radians. */
double math_simple_double(enum math_function function, double x, double y);
float math_simple_float(enum math_function function, float x, float y);

#pragma once
/* One number of a .npy array from its bytes, by arithmetic alone: the tests' reference. */
#include "codecs/npy_dtype.h"

/* The number whose first byte is *bytes, as float64. Returns whether that is exact; else it is the nearest. A NaN has
 * the sign and, as its upper bits, the mantissa of the one it comes from. */
bool npy_number_simple(const unsigned char *bytes, enum npy_dtype dtype, bool big_endian, double *value);

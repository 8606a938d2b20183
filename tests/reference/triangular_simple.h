#pragma once
/* The last triangular number of one range by the plain loop, which the compiler may well make a formula of: the tests'
 * reference. */
#include "kernels/triangular/triangular.h"

uint64_t triangular_simple(uint64_t range);

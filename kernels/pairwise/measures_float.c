/* Measures in single precision. */
#define REAL float
#define BITS uint32_t
#define INFINITE (UINT32_C(0xff) << 23)
#define EXPONENT_BITS 23
#define DEPTH 32
#define IS_DOUBLE false
#define FUNCTIONS measures_of_floats
#include "kernels/pairwise/measures.inc"

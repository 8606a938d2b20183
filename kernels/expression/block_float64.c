/* Operations on blocks of float64. */
#define REAL double
#define OTHER float
#define TO_OTHER OPERATION_TO_FLOAT32
#define BLOCK block_float64
#include "kernels/expression/real_blocks.inc"

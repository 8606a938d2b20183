/* Operations on blocks of float32. */
#define REAL float
#define OTHER double
#define TO_OTHER OPERATION_TO_FLOAT64
#define BLOCK block_float32
#include "kernels/expression/real_blocks.inc"

#pragma once
/* Internal to kernels/expression. Joins operations of floating point that have one of their own together
 * (kernels/expression/operation.h): a block is read and written once for both. No bit changes. */
#include "kernels/expression/builder.h"

/* Values that were joined stay behind; none of the results needs them any more. */
void fuser_join(struct builder *builder, const uint16_t *results, size_t result_count);

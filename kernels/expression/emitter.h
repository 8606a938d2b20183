#pragma once
/* Internal to kernels/expression. Values as a program. */
#include "kernels/expression/builder.h"

/* Writes the program that computes the values `results` and nothing else, and returns its bytes; 0: it needs more
 * registers or room than there is, and the error is recorded. */
size_t emitter_write(struct builder *builder, const uint16_t *results, size_t result_count, void *memory);

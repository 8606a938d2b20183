#pragma once
/* Internal to kernels/expression. */
#include "kernels/expression/builder.h"

/* Reads the text, whose lexer and number the builder has, and returns its result: VALUE_NONE where an error has been
 * recorded. Recursion is as deep as EXPRESSION_DEPTH_MAX allows. */
uint16_t parser_read(struct builder *builder);

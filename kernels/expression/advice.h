#pragma once
/* Internal to kernels/expression. What is said to whoever writes something of another language, or of mathematics.
 * Pure; static strings. */
#include <stddef.h>

/* What stands for a function that isn't there, by its name elsewhere. NULL: nothing is known of it. */
const char *advice_function(const char *name, size_t length);

/* What stands for the character at `bytes`, of which `length` follow: UTF-8, at least one byte, none of a token's. "":
 * nothing is known of it. */
const char *advice_character(const char *bytes, size_t length);

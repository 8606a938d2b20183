#pragma once
/* Internal to server/system. Lists of an operator's: elements separated by commas, with blanks around them if liked.
 * Pure. */
#include <stddef.h>

/* The element at `at` without the blanks around it, and its length (0: it is empty); *next is where to go on, NULL
 * after the last. */
const char *comma_list_take(const char *at, size_t *length, const char **next);

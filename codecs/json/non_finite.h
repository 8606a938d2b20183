#pragma once
/* Internal to codecs/json. What programs write where JSON has nothing: NaN and infinity, as JavaScript, Python and C
 * name them, in any case. Pure. */
#include <stdbool.h>
#include <stddef.h>

/* Whether a parser that stopped behind bytes[stop - 1] stopped in such a word (NaN, Infinity, inf), with its sign:
 * bytes[*begin … *end - 1] then. stop >= 1. */
bool non_finite_find(const char *bytes, size_t length, size_t stop, size_t *begin, size_t *end);

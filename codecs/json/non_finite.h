#pragma once
/* Internal to codecs/json. What programs write where JSON has nothing: NaN and infinity, as JavaScript, Python and C
 * name them, in any case. Pure. */
#include <stdbool.h>
#include <stddef.h>

/* Whether bytes[at], at <= length, which can't be where it is in JSON, is in such a word (NaN, Infinity, inf), or its
 * sign: bytes[*begin … *end - 1] then. */
bool non_finite_find(const char *bytes, size_t length, size_t at, size_t *begin, size_t *end);

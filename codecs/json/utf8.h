#pragma once
/* UTF-8, one character at a time, as strict as RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#include <stddef.h>

/* Bytes (1 to 4) of the well-formed character that `bytes` starts with, 0 if there is none. length >= 1. */
size_t utf8_length(const char *bytes, size_t length);

/* The largest count <= limit_bytes at which text that continues after it can be cut without splitting a character. Text
 * that is not UTF-8 there is cut at the limit. `bytes` has at least limit_bytes bytes. */
size_t utf8_cut(const char *bytes, size_t limit_bytes);

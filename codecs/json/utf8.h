#pragma once
/* UTF-8, one character at a time, as strict as RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#include <stdbool.h>
#include <stddef.h>

/* Bytes (1 to 4) of the well-formed character that `bytes` starts with, 0 if there is none. length >= 1. */
size_t utf8_length(const char *bytes, size_t length);

/* Whether a terminal or an editor obeys the character instead of showing it: C0, DEL, C1, line and paragraph
 * separators, and what reorders text (Unicode's Bidi_Control). bytes: one well-formed character of `count` bytes. */
bool utf8_is_control(const char *bytes, size_t count);

/* The code point of a well-formed character of `count` bytes. */
unsigned utf8_code_point(const char *bytes, size_t count);

/* The largest count <= limit_bytes at which text that continues after it can be cut without splitting a character. Text
 * that is not UTF-8 there is cut at the limit. `bytes` has at least limit_bytes bytes. */
size_t utf8_cut(const char *bytes, size_t limit_bytes);

#pragma once
/* The inside of a JSON string, one character at a time. */
#include <stddef.h>

enum { JSON_ESCAPE_MAX = 6 }; /* bytes one character needs at most: \u001f */

/* Prints the character that `bytes` (length >= 1) starts with as it stands in a JSON string, into out (JSON_ESCAPE_MAX
 * bytes of room): itself where it may, an escape where it must or a terminal would obey it (utf8_is_control), U+FFFD
 * for a byte that is not UTF-8. Returns the bytes consumed; *written is the count of bytes printed. */
size_t json_escape(const char *bytes, size_t length, char *out, size_t *written);

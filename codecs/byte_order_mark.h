#pragma once
/* What a body's first bytes tell of its encoding. Bodies are UTF-8: its byte order mark, which editors and other
 * people's libraries put before it, is no part of the text. A text in another encoding is told by name, not by the
 * first byte that makes no sense. Pure functions. */
#include <stddef.h>

enum { BYTE_ORDER_MARK_BYTES_MAX = 4 }; /* so many bytes, or all that there are, tell everything below */

/* Bytes of UTF-8's mark (EF BB BF) that the text starts with: 3 or 0. */
size_t byte_order_mark_length(const char *bytes, size_t length);

/* The name of the encoding whose mark the text starts with, where that is UTF-16 or UTF-32; else NULL. Neither mark is
 * UTF-8. Static string. */
const char *byte_order_mark_foreign(const char *bytes, size_t length);

/* The same for JSON, which is told without a mark as well: its first two characters are ASCII, so the zero bytes among
 * its first four say how wide a character is (RFC 4627, section 3). And no JSON begins as a compressed body does. */
const char *byte_order_mark_foreign_json(const char *bytes, size_t length);

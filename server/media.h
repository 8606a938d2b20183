#pragma once
/* Media types in HTTP headers: what a client accepts and what it sends (RFC 9110, 8.3 and 12.5.1). Pure functions. */
#include <stdbool.h>

/* May an answer of `type` ("application/json") be sent to a client with this Accept header? NULL or empty: anything
 * may. The most specific matching range decides; q=0 refuses. */
bool media_accepts(const char *accept, const char *type);

/* Does this Content-Type header (may be NULL) name `type`, in UTF-8 if it names a charset at all? */
bool media_type_is(const char *content_type, const char *type);

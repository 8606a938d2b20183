#pragma once
/* The inside of a JSON string in a body, as text: without copying where there is no escape, else unescaped in place.
 * Refused are, with the offset in the body: bytes that aren't UTF-8, escapes that JSON doesn't have, surrogates without
 * their other half. Control characters json_scan_text has already refused; \u0000 is allowed. */
#include "document.h"
#include "json_scan.h"

/* Checks the string and gives its text, which lies in `body`. With escapes it overwrites the span, which must then not
 * be read again. A set *cancel (may be NULL) ends it early: with PROBLEM_NONE, and no more than a part of the text. */
MUST_CHECK enum problem_kind json_text_read(char *body, const struct json_span *span, const _Atomic bool *cancel,
                                            struct text_view *out, struct problem *problem);

/* As json_text_read, without changing anything. */
MUST_CHECK enum problem_kind json_text_check(const char *body, const struct json_span *span, const _Atomic bool *cancel,
                                             struct problem *problem);

#pragma once
/* The inside of a JSON string in a body, as text: without copying where there is no escape, else unescaped in place.
 * Refused are, with the place in the body: bytes that aren't UTF-8, escapes that JSON doesn't have, surrogates without
 * their other half. Control characters json_scan_text has already refused; \u0000 is allowed. */
#include "codecs/json/json_scan.h"
#include "codecs/problem.h"
#include "codecs/text.h"

/* Cuts the string into `count` >= 1 pieces of about one length for so many threads, in order and without gaps: no
 * character and no escape lies in two of them. Where there is no place for a cut, as in a long run of backslashes, the
 * pieces after it are empty. */
void json_text_cut(const char *body, const struct json_span *span, size_t count, struct json_span *pieces);

/* Checks the string and gives its text, which lies in `body`. With escapes it overwrites the span, which must then not
 * be read again. A set *cancel (may be NULL) ends it early: with PROBLEM_NONE, and no more than a part of the text.
 * Pieces of a string may be read at once, in any order: the string's problem is that of the first piece that has one.
 */
MUST_CHECK enum problem_kind json_text_read(char *body, const struct json_span *span, const _Atomic bool *cancel,
                                            struct text_view *out, struct problem *problem);

/* As json_text_read, without changing anything. */
MUST_CHECK enum problem_kind json_text_check(const char *body, const struct json_span *span, const _Atomic bool *cancel,
                                             struct problem *problem);

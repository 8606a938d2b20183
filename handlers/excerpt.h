#pragma once
/* Internal to handlers. The part of a text that a place lies in, to be shown with a caret below the place. */
#include "server/engine/call.h"

/* Bytes shown before and behind the place, at most, and those of a mark that the line goes on there. */
enum { EXCERPT_BEFORE = 24, EXCERPT_AFTER = 16, EXCERPT_MARK = sizeof "…" - 1 };

struct excerpt {
    char line[EXCERPT_MARK + EXCERPT_BEFORE + EXCERPT_AFTER + EXCERPT_MARK + 1];
    char indent[1 + EXCERPT_BEFORE + 1]; /* what stands below what is before the place: blanks, and its tabs */
};

/* Of a text in UTF-8: the line that has byte `at`, at most the text's length, or as much of it as is shown. What a
 * terminal would obey is an escape there, but for tabs. */
void excerpt_make(struct text_view text, size_t at, struct excerpt *out);

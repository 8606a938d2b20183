#pragma once
/* Internal to kernels/wordcount/totals. Counting a stretch of a text whose surroundings are known. */
#include "kernels/team.h"
#include "kernels/wordcount/totals/wordcount_totals_counts.h"

struct totals_text {
    const uint8_t *bytes;
    size_t length;
    bool in_word; /* what came before the text ends inside a word */
};

/* Adds lines, word starts and characters that begin in [begin, end), and the bytes of it. Reads only the text. */
void totals_scan(const struct totals_text *text, size_t begin, size_t end, struct wordcount_totals *totals);

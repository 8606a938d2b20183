#pragma once
/* Internal to kernels/wordcount/top. Counts the words that start in a part of a text. */
#include "kernels/wordcount/top/wordcount_top_state.h"

struct top_text {
    struct wordcount_top *top;
    const uint8_t *bytes; /* a space, or nothing, stands before and behind them */
    size_t length;
};

/* A team_body for a struct top_text. What stops it is noted in the count. */
void top_count_piece(void *text, size_t begin, size_t end);

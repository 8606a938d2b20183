#pragma once
/* Internal to kernels/wordcount/top. The k best of many words: by descending count, then by ascending bytes. */
#include "kernels/wordcount/top/wordcount_top_table.h"

/* A word with what mostly decides, so that few comparisons go and look at it. */
struct top_order_word {
    uint64_t count;
    uint64_t prefix; /* the first eight bytes, zeros behind a shorter word; the first byte on top */
    struct top_table_text text;
};

struct top_order_word top_order_word(struct top_table_text text, uint64_t count);

/* Whether a comes before b. */
bool top_order_before(const struct top_order_word *a, const struct top_order_word *b);

/* Moves the best `first` (<= count) of `words` to the front; in order where `sorted`. `random`, any number but 0, is
 * the state of a generator: pivots that nobody can foresee. */
void top_order_first(struct top_order_word *words, size_t count, size_t first, bool sorted, uint64_t *random);

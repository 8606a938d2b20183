#pragma once
/* The k best of many words: by descending count, then by ascending bytes. Internal to kernels/wordcount_top*. */
#include "wordcount_top_table.h"

/* A word with what mostly decides, so that few comparisons go and look at it. */
struct order_word {
    uint64_t count;
    uint64_t prefix; /* the first eight bytes, zeros behind a shorter word; the first byte on top */
    struct table_text text;
};

struct order_word order_word(struct table_text text, uint64_t count);

/* Whether a comes before b. */
bool order_before(const struct order_word *a, const struct order_word *b);

/* Moves the best `first` (<= count) of `words` to the front; in order where `sorted`. `random`, any number but 0, is
 * the state of a generator: pivots that nobody can foresee. */
void order_first(struct order_word *words, size_t count, size_t first, bool sorted, uint64_t *random);

#pragma once
/* Internal to kernels/wordcount/top. The k best of many words: by descending count, then by ascending bytes. */
#include "kernels/wordcount/top/wordcount_top_table.h"

/* Words of an order between two looks at the cancel flag: 0.1 ms where the first bytes decide. */
enum { ORDER_PAUSE_WORDS = 4096 };

/* A word with what mostly decides, so that few comparisons go and look at it. */
struct top_order_word {
    uint64_t count;
    uint64_t prefix; /* the first eight bytes, zeros behind a shorter word; the first byte on top */
    struct top_table_text text;
};

struct top_order_word top_order_word(struct top_table_text text, uint64_t count);

/* Whether a comes before b; anything once cancelled. */
bool top_order_before(const struct top_order_word *a, const struct top_order_word *b, const atomic_bool *cancel);

/* Moves the best `first` (<= count) of `words` to the front; in order where `sorted`. `random`, any number but 0, is
 * the state of a generator: pivots that nobody can foresee. Once cancelled the order is any. */
void top_order_first(struct top_order_word *words, size_t count, size_t first, bool sorted, uint64_t *random,
                     const atomic_bool *cancel);

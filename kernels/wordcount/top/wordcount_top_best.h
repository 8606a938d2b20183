#pragma once
/* Internal to kernels/wordcount/top. The best k words that a thread has been offered. It collects up to twice as many,
 * then drops the worse half, and from then on takes only words that come before the worst one kept. */
#include "kernels/wordcount/top/wordcount_top_order.h"

struct top_best {
    struct top_order_word *words;
    size_t count, capacity;
    size_t k;
    struct top_order_word bar; /* words behind it aren't among the best; no text: there is none yet */
    uint64_t random;           /* the state of a generator, any number but 0 */
    const atomic_bool *cancel; /* may be NULL */
};

/* A word that must outlive `best`, whose memory is the arena's. False: memory was refused, or cancelled. */
bool top_best_offer(struct top_best *best, struct top_arena *arena, struct top_table_text text, uint64_t count);

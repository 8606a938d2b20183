#pragma once
/* Word frequencies: how many words a text has, how many different ones, and the k most frequent. Parallel over pieces
 * of the text, which may come in windows; exact, and the same for every split, team, schedule and chunk.
 *
 * A word is a maximal run of characters that aren't Unicode White_Space, lowercased by the Unicode full lower-case
 * mapping without its conditions on context or language: U+0130 becomes "i" U+0307, a final sigma is a sigma like any
 * other. Bytes that are no UTF-8 belong to the word they stand in and stay as they are. */
#include "kernels/team.h"
#include "kernels/wordcount/top/wordcount_top_memory.h"

struct wordcount_top; /* lives in the memory */

/* A count for teams of at most `threads`. NULL: memory was refused. `memory` must outlive the count. */
struct wordcount_top *wordcount_top_new(struct wordcount_memory *memory, unsigned threads);

/* Counts the next window of the text, `last` after which nothing follows (may be empty; window may be NULL if length is
 * 0). One window at a time; the window isn't needed any more afterwards. Memory grows with the distinct words' bytes
 * and with a word that windows cut. KERNEL_NO_MEMORY: it was refused. After any result but KERNEL_DONE the count is of
 * no more use. */
enum kernel_status wordcount_top_feed(struct wordcount_top *top, const char *window, size_t length, bool last,
                                      const struct team *team, const struct progress *progress)
    __attribute__((warn_unused_result));

/* The answer, once, after the last window. entries: room for k (may be NULL if k is 0), filled by descending count,
 * then by ascending bytes; *entry_count is the lesser of k and *distinct. What the outputs hold after any result but
 * KERNEL_DONE means nothing. progress->done stays as it is. */
enum kernel_status wordcount_top_finish(struct wordcount_top *top, size_t k, const struct team *team,
                                        const struct progress *progress, struct wordcount_top_entry *entries,
                                        size_t *entry_count, uint64_t *distinct, uint64_t *words)
    __attribute__((warn_unused_result));

/* Predicted time of a count on one thread, in nanoseconds, with few entries; no text takes more than three times of it
 * (measured: bench/frequencies, bench/hostile). */
uint64_t wordcount_top_cost_ns(size_t length);

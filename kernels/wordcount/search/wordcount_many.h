#pragma once
/* Counts how often each of several words occurs in a text, in one pass: each count is what wordcount (wordcount.h) says
 * for that word alone. Parallel over pieces of the text. Pure: no allocation, no I/O. The text must stay unchanged
 * during the call. Results are exact and the same for every team, schedule, chunk and cut into windows. */
#include "kernels/team.h"
#include "kernels/wordcount/search/wordcount_carry.h"
#include "kernels/wordcount/search/wordcount_needle.h"

/* text: as for wordcount. needles: 1 to WORDCOUNT_MANY_MAX; the same one may be given more than once. counts[i] is the
 * number of words that match needles[i]; with WORDCOUNT_LETTERS one word may match several ("it's": "it" and "it's").
 * On KERNEL_CANCELLED the counts are meaningless. */
enum kernel_status wordcount_many(const char *text, size_t length, const struct wordcount_needle *needles,
                                  size_t needle_count, enum wordcount_match match, const struct team *team,
                                  const struct progress *progress, uint64_t *counts)
    __attribute__((warn_unused_result));

/* A text that arrives in windows. */
struct wordcount_many_stream {
    const struct wordcount_needle *needles; /* borrowed, as long as the stream is in use, and the bytes as well */
    size_t needle_count;
    enum wordcount_match match;
    uint64_t *counts;  /* needle_count of them, given by the caller; right after the last window */
    struct many *many; /* the needles as they are searched for, set up with the first window */
    bool set_up;
    struct wordcount_carry carry;
};

/* Bytes that wordcount_many_init's memory has to have for these needles: 24 KiB, and eight times the longest. */
size_t wordcount_many_memory_bytes(const struct wordcount_needle *needles, size_t needle_count);

/* Sets the counts to 0. memory: aligned for any type, the caller's, as long as the stream is in use. */
void wordcount_many_init(struct wordcount_many_stream *stream, const struct wordcount_needle *needles,
                         size_t needle_count, enum wordcount_match match, void *memory, uint64_t *counts);

/* Counts the next window of the text, `last` after which nothing follows (may be empty). On KERNEL_CANCELLED the stream
 * is of no more use. One window at a time. */
enum kernel_status wordcount_many_feed(struct wordcount_many_stream *stream, const char *window, size_t length,
                                       bool last, const struct team *team, const struct progress *progress)
    __attribute__((warn_unused_result));

/* Predicted time of wordcount_many on one thread, in nanoseconds, setting up included; no text takes more than three
 * times of it (measured: bench/texts, bench/hostile). */
uint64_t wordcount_many_cost_ns(size_t length, const struct wordcount_needle *needles, size_t needle_count,
                                enum wordcount_match match);

#pragma once
/* Counts how often a word occurs in a text: parallel over pieces of the text, where a piece counts the words that start
 * in it. Pure: no allocation, no I/O. The text must stay unchanged during the call. Results are exact and the same for
 * every team, schedule and chunk. */
#include "kernels/team.h"
#include "kernels/wordcount/search/wordcount_match.h"

/* text: `length` bytes (may be NULL if 0), UTF-8; bytes that are not are treated as U+FFFD by WORDCOUNT_LETTERS,
 * and as part of the word they stand in by the others.
 * word: `word_length` >= 1 bytes. *count is the number of matching words; on KERNEL_CANCELLED it is meaningless. */
enum kernel_status wordcount(const char *text, size_t length, const char *word, size_t word_length,
                             enum wordcount_match match, const struct team *team, const struct progress *progress,
                             uint64_t *count) __attribute__((warn_unused_result));

/* Predicted time of wordcount on one thread, in nanoseconds; no text takes more than three times of it (measured:
 * bench/kernels, bench/hostile). */
uint64_t wordcount_cost_ns(size_t length, size_t word_length, enum wordcount_match match);

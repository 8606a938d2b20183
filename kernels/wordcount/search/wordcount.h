#pragma once
/* Counts how often a word occurs in a text: parallel over pieces of the text, where a piece counts the words that start
 * in it. Pure: no allocation, no I/O. The text must stay unchanged during the call. Results are exact and the same for
 * every team, schedule and chunk. */
#include "kernels/team.h"

enum wordcount_match {
    /* PyO3's word-count example today: lines end at '\n' and lose one '\r' just before it; words are split at single
     * spaces (U+0020) and nothing else, so a tab is part of a word; a word counts if its bytes equal the needle's. */
    WORDCOUNT_EXACT,
    /* Its earlier form: leading characters of a word that are not alphabetic (Unicode's Alphabetic) are skipped; the
     * rest is compared character by character, each lowercased (the first character of its Unicode lowercase mapping),
     * with the needle's as given; the word must end where the needle ends, or go on with a character that is not
     * alphabetic. */
    WORDCOUNT_LETTERS,
    /* Words are runs of anything but white space, and a word counts if its bytes equal the needle's; a needle that has
     * white space in it equals none. White space is Unicode's White_Space, as in word frequencies (wordcount_top.h):
     * U+0009 to U+000D, U+0020, U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F and U+3000.
     * Totals (wordcount_totals.h), which are wc's, differ from that in U+0085 and U+2060. */
    WORDCOUNT_WORDS
};

/* text: `length` bytes (may be NULL if 0), UTF-8; bytes that are not are treated as U+FFFD by WORDCOUNT_LETTERS,
 * and as part of the word they stand in by the others.
 * word: `word_length` >= 1 bytes. *count is the number of matching words; on KERNEL_CANCELLED it is meaningless. */
enum kernel_status wordcount(const char *text, size_t length, const char *word, size_t word_length,
                             enum wordcount_match match, const struct team *team, const struct progress *progress,
                             uint64_t *count) __attribute__((warn_unused_result));

/* Predicted time of wordcount on one thread, in nanoseconds; no text takes more than three times of it (measured:
 * bench/kernels, bench/hostile). */
uint64_t wordcount_cost_ns(size_t length, size_t word_length, enum wordcount_match match);

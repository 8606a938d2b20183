#pragma once
/* wordcount for a text that arrives in windows: the count after the last window is that of the whole text, however it
 * was cut – inside words, characters or line ends.
 *
 * Words that lie within a window are counted in place. What a window begins of a word and doesn't end is carried over
 * to the next, at most WORDCOUNT_CARRY_BYTES and a few times the needle's length: a longer beginning either decides
 * already, or is nothing but characters that don't count (see carry_more). */
#include "wordcount.h"

enum { WORDCOUNT_CARRY_BYTES = 4096 };

struct wordcount_stream {
    const char *word; /* borrowed, as long as the stream is in use */
    size_t word_length;
    enum wordcount_match match;
    uint64_t count;
    char *carry; /* wordcount_stream_carry_bytes(word_length) bytes, given by the caller */
    size_t carry_capacity;
    size_t carry_length; /* the beginning of a word that has not ended */
    bool skipping;       /* the rest of that word doesn't matter any more */
};

/* Bytes that `carry` has to have for a word of that length. */
size_t wordcount_stream_carry_bytes(size_t word_length);

void wordcount_stream_init(struct wordcount_stream *stream, const char *word, size_t word_length,
                           enum wordcount_match match, char *carry);

/* Counts the next window of the text, `last` after which nothing follows (may be empty). On KERNEL_CANCELLED the stream
 * is of no more use. One window at a time. */
enum kernel_status wordcount_stream_feed(struct wordcount_stream *stream, const char *window, size_t length, bool last,
                                         const struct team *team, const struct progress *progress)
    __attribute__((warn_unused_result));

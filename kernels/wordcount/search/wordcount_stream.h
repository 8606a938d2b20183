#pragma once
/* wordcount for a text that arrives in windows: the count after the last window is that of the whole text, however it
 * was cut – inside words, characters or line ends. */
#include "kernels/wordcount/search/wordcount.h"
#include "kernels/wordcount/search/wordcount_carry.h"

struct wordcount_stream {
    const char *word; /* borrowed, as long as the stream is in use */
    size_t word_length;
    enum wordcount_match match;
    uint64_t count;
    struct wordcount_carry carry;
};

/* Bytes that wordcount_stream_init's `carry` has to have for a word of that length. */
size_t wordcount_stream_carry_bytes(size_t word_length);

void wordcount_stream_init(struct wordcount_stream *stream, const char *word, size_t word_length,
                           enum wordcount_match match, char *carry);

/* Counts the next window of the text, `last` after which nothing follows (may be empty). On KERNEL_CANCELLED the stream
 * is of no more use. One window at a time. */
enum kernel_status wordcount_stream_feed(struct wordcount_stream *stream, const char *window, size_t length, bool last,
                                         const struct team *team, const struct progress *progress)
    __attribute__((warn_unused_result));

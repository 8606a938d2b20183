#include "kernels/wordcount_stream.h"

#include "kernels/wordcount_scan.h"

#include <string.h>

size_t wordcount_stream_carry_bytes(size_t word_length) {
    return WORDCOUNT_CARRY_BYTES + 8 * word_length;
}

void wordcount_stream_init(struct wordcount_stream *stream, const char *word, size_t word_length,
                           enum wordcount_match match, char *carry) {
    *stream = (struct wordcount_stream){
        .word = word,
        .word_length = word_length,
        .match = match,
        .carry = carry,
        .carry_capacity = wordcount_stream_carry_bytes(word_length),
    };
}

/* Where the first word of the window ends: just after its space or line feed, 0 if it doesn't end here. */
static size_t first_end(const char *window, size_t length) {
    const char *space = memchr(window, ' ', length);
    size_t before = space != NULL ? (size_t)(space - window) : length;
    const char *line = memchr(window, '\n', before);
    if (line != NULL)
        return (size_t)(line - window) + 1;
    return space != NULL ? before + 1 : 0;
}

/* Where the last word that ends in the window ends, 0 if none does. */
static size_t last_end(const char *window, size_t length) {
    const char *line = memrchr(window, '\n', length);
    size_t after_line = line != NULL ? (size_t)(line - window) + 1 : 0;
    const char *space = memrchr(window + after_line, ' ', length - after_line);
    return space != NULL ? (size_t)(space - window) + 1 : after_line;
}

static enum kernel_status count(struct wordcount_stream *stream, const char *text, size_t length,
                                const struct team *team, const struct progress *progress) {
    uint64_t found = 0;
    enum kernel_status status =
        wordcount(text, length, stream->word, stream->word_length, stream->match, team, progress, &found);
    stream->count += found;
    return status;
}

/* The carry is full. Exact: a word this long doesn't match. Letters: what comes before the first alphabetic character
 * is skipped anyway; from there on so many bytes are more characters than the needle has, so they decide alone. */
static enum kernel_status decide(struct wordcount_stream *stream, const struct team *team,
                                 const struct progress *progress) {
    size_t skipped = stream->match == WORDCOUNT_LETTERS
                         ? scan_letters_start((const uint8_t *)stream->carry, stream->carry_length)
                         : 0;
    if (skipped > 0) {
        stream->carry_length -= skipped;
        memmove(stream->carry, stream->carry + skipped, stream->carry_length);
        return KERNEL_DONE;
    }
    stream->skipping = true;
    if (stream->match == WORDCOUNT_EXACT)
        return KERNEL_DONE;
    return count(stream, stream->carry, stream->carry_length, team, progress);
}

/* Adds to the word that has begun. */
static enum kernel_status carry_more(struct wordcount_stream *stream, const char *bytes, size_t length,
                                     const struct team *team, const struct progress *progress) {
    while (length > 0 && !stream->skipping) {
        size_t room = stream->carry_capacity - stream->carry_length;
        size_t taken = length < room ? length : room;
        memcpy(stream->carry + stream->carry_length, bytes, taken);
        stream->carry_length += taken;
        bytes += taken;
        length -= taken;
        if (length > 0 && decide(stream, team, progress) == KERNEL_CANCELLED)
            return KERNEL_CANCELLED;
    }
    return KERNEL_DONE;
}

/* The word that has begun ends with the carry. */
static enum kernel_status end_word(struct wordcount_stream *stream, const struct team *team,
                                   const struct progress *progress) {
    enum kernel_status status = KERNEL_DONE;
    if (!stream->skipping)
        status = count(stream, stream->carry, stream->carry_length, team, progress);
    stream->carry_length = 0;
    stream->skipping = false;
    return status;
}

enum kernel_status wordcount_stream_feed(struct wordcount_stream *stream, const char *window, size_t length, bool last,
                                         const struct team *team, const struct progress *progress) {
    size_t begin = 0;
    enum kernel_status status = KERNEL_DONE;
    if (stream->carry_length > 0 || stream->skipping) {
        begin = first_end(window, length);
        status = carry_more(stream, window, begin > 0 ? begin : length, team, progress);
        if (status == KERNEL_DONE && (begin > 0 || last))
            status = end_word(stream, team, progress);
        if (begin == 0 || status == KERNEL_CANCELLED)
            return status;
    }
    size_t end = last ? length : begin + last_end(window + begin, length - begin);
    status = count(stream, window + begin, end - begin, team, progress);
    if (status == KERNEL_DONE)
        status = carry_more(stream, window + end, length - end, team, progress);
    return status;
}

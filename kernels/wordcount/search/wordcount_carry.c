#include "kernels/wordcount/search/wordcount_carry.h"

#include "kernels/wordcount/search/wordcount_scan.h"

#include <string.h>

size_t wordcount_carry_capacity(size_t word_length) {
    return WORDCOUNT_CARRY_BYTES + 8 * word_length;
}

/* Bytes that are looked through or moved between two looks at the cancel flag: 0.1 ms. */
enum { CARRY_PAUSE_BYTES = 1 << 20 };

/* Where the first word of the window ends: just after its space or line feed, 0 if it doesn't end here, or if
 * cancelled. */
static size_t first_end(const char *window, size_t length, const atomic_bool *cancel) {
    for (size_t at = 0; at < length && !scan_cancelled(cancel); at += CARRY_PAUSE_BYTES) {
        size_t slice = length - at < CARRY_PAUSE_BYTES ? length - at : CARRY_PAUSE_BYTES;
        const char *space = memchr(window + at, ' ', slice);
        const char *line = memchr(window + at, '\n', space ? (size_t)(space - window) - at : slice);
        if (line || space) {
            return (size_t)((line ? line : space) - window) + 1;
        }
    }
    return 0;
}

/* Where the last word that ends in the window ends, 0 if none does, or if cancelled. */
static size_t last_end(const char *window, size_t length, const atomic_bool *cancel) {
    while (length > 0 && !scan_cancelled(cancel)) {
        size_t slice = length < CARRY_PAUSE_BYTES ? length : CARRY_PAUSE_BYTES;
        const char *from = window + length - slice, *line = memrchr(from, '\n', slice);
        const char *after_line = line ? line + 1 : from;
        const char *space = memrchr(after_line, ' ', (size_t)(window + length - after_line));
        if (line || space) {
            return (size_t)((space ? space : line) - window) + 1;
        }
        length -= slice;
    }
    return 0;
}

static size_t first_end_of(const struct wordcount_counter *counter, const char *window, size_t length) {
    return counter->match == WORDCOUNT_WORDS ? scan_words_first((const uint8_t *)window, length, counter->cancel)
                                             : first_end(window, length, counter->cancel);
}

static size_t last_end_of(const struct wordcount_counter *counter, const char *window, size_t length) {
    return counter->match == WORDCOUNT_WORDS ? scan_words_last((const uint8_t *)window, length, counter->cancel)
                                             : last_end(window, length, counter->cancel);
}

static enum kernel_status carry_count(const struct wordcount_counter *counter, const char *text, size_t length) {
    return counter->count(counter->context, text, length);
}

/* Drops the carry's first bytes. */
static void drop(struct wordcount_carry *carry, size_t bytes, const atomic_bool *cancel) {
    carry->length -= bytes;
    for (size_t at = 0; at < carry->length && !scan_cancelled(cancel); at += CARRY_PAUSE_BYTES) {
        size_t slice = carry->length - at < CARRY_PAUSE_BYTES ? carry->length - at : CARRY_PAUSE_BYTES;
        memmove(carry->bytes + at, carry->bytes + at + bytes, slice);
    }
}

/* The carry is full. Exact, words: a word this long doesn't match. Letters: what comes before the first alphabetic
 * character is skipped anyway; from there on so many bytes are more characters than the needle has, so they decide
 * alone. */
static enum kernel_status decide(struct wordcount_carry *carry, const struct wordcount_counter *counter) {
    size_t skipped = counter->match == WORDCOUNT_LETTERS
                         ? scan_letters_start((const uint8_t *)carry->bytes, carry->length, counter->cancel)
                         : 0;
    if (skipped > 0) {
        drop(carry, skipped, counter->cancel);
        return KERNEL_DONE;
    }
    carry->skipping = true;
    if (counter->match != WORDCOUNT_LETTERS) {
        return KERNEL_DONE;
    }
    return carry_count(counter, carry->bytes, carry->length);
}

/* Adds to the word that has begun. */
static enum kernel_status carry_more(struct wordcount_carry *carry, const struct wordcount_counter *counter,
                                     const char *bytes, size_t length) {
    while (length > 0 && !carry->skipping) {
        size_t room = carry->capacity - carry->length;
        size_t taken = length < room ? length : room;
        taken = taken < CARRY_PAUSE_BYTES ? taken : CARRY_PAUSE_BYTES;
        memcpy(carry->bytes + carry->length, bytes, taken);
        carry->length += taken;
        bytes += taken;
        length -= taken;
        if (scan_cancelled(counter->cancel)) {
            return KERNEL_CANCELLED;
        }
        if (length > 0 && carry->length == carry->capacity && decide(carry, counter) == KERNEL_CANCELLED) {
            return KERNEL_CANCELLED;
        }
    }
    return KERNEL_DONE;
}

/* The word that has begun ends with the carry. */
static enum kernel_status end_word(struct wordcount_carry *carry, const struct wordcount_counter *counter) {
    enum kernel_status status = KERNEL_DONE;
    if (!carry->skipping) {
        status = carry_count(counter, carry->bytes, carry->length);
    }
    carry->length = 0;
    carry->skipping = false;
    return status;
}

/* Words: bytes of the window that are the end of white space which began before it, 0 if there is none; *before: those
 * that were there. */
static size_t cut_space(const struct wordcount_carry *carry, const char *window, size_t length, size_t *before) {
    uint8_t joint[2 * (SPACE_BYTES - 1)];
    size_t had = carry->tail_length, more = length < SPACE_BYTES - 1 ? length : SPACE_BYTES - 1;
    if (had == 0 || more == 0) {
        return 0;
    }
    memcpy(joint, carry->tail, had);
    memcpy(joint + had, window, more);
    for (size_t at = 0; at < had; at++) {
        size_t bytes = space_bytes(joint + at, had + more - at);
        if (bytes > had - at) {
            *before = had - at;
            return bytes - *before;
        }
    }
    return 0;
}

static void keep_tail(struct wordcount_carry *carry, const char *window, size_t length) {
    const size_t most = sizeof carry->tail;
    size_t more = length < most ? length : most, kept = most - more;
    kept = kept < carry->tail_length ? kept : carry->tail_length;
    memmove(carry->tail, carry->tail + carry->tail_length - kept, kept);
    if (more > 0) {
        memcpy(carry->tail + kept, window + length - more, more);
    }
    carry->tail_length = (unsigned char)(kept + more);
}

/* Adds what the window has of the word that has begun, and counts it if it ends; *begin is moved behind it. */
static enum kernel_status end_begun(struct wordcount_carry *carry, const struct wordcount_counter *counter,
                                    const char *window, size_t length, bool last, size_t *begin) {
    size_t before = 0;
    *begin = counter->match == WORDCOUNT_WORDS ? cut_space(carry, window, length, &before) : 0;
    if (*begin > 0) {
        carry->length -= carry->skipping ? 0 : before;
        return end_word(carry, counter);
    }
    *begin = first_end_of(counter, window, length);
    bool ends = *begin > 0 || last;
    *begin = *begin > 0 ? *begin : length;
    enum kernel_status status = carry_more(carry, counter, window, *begin);
    return status == KERNEL_DONE && ends ? end_word(carry, counter) : status;
}

enum kernel_status wordcount_carry_feed(struct wordcount_carry *carry, const struct wordcount_counter *counter,
                                        const char *window, size_t length, bool last) {
    size_t begin = 0, end = length;
    enum kernel_status status = KERNEL_DONE;
    if (carry->length > 0 || carry->skipping) {
        status = end_begun(carry, counter, window, length, last, &begin);
    }
    if (status == KERNEL_DONE && begin < length && !last) {
        end = begin + last_end_of(counter, window + begin, length - begin);
    }
    if (status == KERNEL_DONE && begin < end) {
        status = carry_count(counter, window + begin, end - begin);
    }
    if (status == KERNEL_DONE) {
        status = carry_more(carry, counter, window + end, length - end);
    }
    keep_tail(carry, window, length);
    /* Looking for a word's end may have been cut short, so that what came after it was wrong. */
    return scan_cancelled(counter->cancel) ? KERNEL_CANCELLED : status;
}

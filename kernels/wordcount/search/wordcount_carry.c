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

/* The carry is full. Exact: a word this long doesn't match. Letters: what comes before the first alphabetic character
 * is skipped anyway; from there on so many bytes are more characters than the needle has, so they decide alone. */
static enum kernel_status decide(struct wordcount_carry *carry, const struct wordcount_counter *counter) {
    size_t skipped = counter->match == WORDCOUNT_LETTERS
                         ? scan_letters_start((const uint8_t *)carry->bytes, carry->length, counter->cancel)
                         : 0;
    if (skipped > 0) {
        drop(carry, skipped, counter->cancel);
        return KERNEL_DONE;
    }
    carry->skipping = true;
    if (counter->match == WORDCOUNT_EXACT) {
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

enum kernel_status wordcount_carry_feed(struct wordcount_carry *carry, const struct wordcount_counter *counter,
                                        const char *window, size_t length, bool last) {
    size_t begin = 0, end = length;
    enum kernel_status status = KERNEL_DONE;
    if (carry->length > 0 || carry->skipping) {
        begin = first_end(window, length, counter->cancel);
        bool ends = begin > 0 || last;
        begin = begin > 0 ? begin : length;
        status = carry_more(carry, counter, window, begin);
        if (status == KERNEL_DONE && ends) {
            status = end_word(carry, counter);
        }
    }
    if (status == KERNEL_DONE && begin < length && !last) {
        end = begin + last_end(window + begin, length - begin, counter->cancel);
    }
    if (status == KERNEL_DONE && begin < end) {
        status = carry_count(counter, window + begin, end - begin);
    }
    if (status == KERNEL_DONE) {
        status = carry_more(carry, counter, window + end, length - end);
    }
    /* Looking for a word's end may have been cut short, so that what came after it was wrong. */
    return scan_cancelled(counter->cancel) ? KERNEL_CANCELLED : status;
}

#include "kernels/wordcount/search/wordcount_carry.h"

#include "kernels/wordcount/search/wordcount_scan.h"

#include <string.h>

size_t wordcount_carry_capacity(size_t word_length) {
    return WORDCOUNT_CARRY_BYTES + 8 * word_length;
}

/* Where the first word of the window ends: just after its space or line feed, 0 if it doesn't end here. */
static size_t first_end(const char *window, size_t length) {
    const char *space = memchr(window, ' ', length);
    size_t before = space ? (size_t)(space - window) : length;
    const char *line = memchr(window, '\n', before);
    if (line) {
        return (size_t)(line - window) + 1;
    }
    return space ? before + 1 : 0;
}

/* Where the last word that ends in the window ends, 0 if none does. */
static size_t last_end(const char *window, size_t length) {
    const char *line = memrchr(window, '\n', length);
    size_t after_line = line ? (size_t)(line - window) + 1 : 0;
    const char *space = memrchr(window + after_line, ' ', length - after_line);
    return space ? (size_t)(space - window) + 1 : after_line;
}

static enum kernel_status carry_count(const struct wordcount_counter *counter, const char *text, size_t length) {
    return counter->count(counter->context, text, length);
}

/* The carry is full. Exact: a word this long doesn't match. Letters: what comes before the first alphabetic character
 * is skipped anyway; from there on so many bytes are more characters than the needle has, so they decide alone. */
static enum kernel_status decide(struct wordcount_carry *carry, const struct wordcount_counter *counter) {
    size_t skipped =
        counter->match == WORDCOUNT_LETTERS ? scan_letters_start((const uint8_t *)carry->bytes, carry->length) : 0;
    if (skipped > 0) {
        carry->length -= skipped;
        memmove(carry->bytes, carry->bytes + skipped, carry->length);
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
        memcpy(carry->bytes + carry->length, bytes, taken);
        carry->length += taken;
        bytes += taken;
        length -= taken;
        if (length > 0 && decide(carry, counter) == KERNEL_CANCELLED) {
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
    size_t begin = 0;
    enum kernel_status status = KERNEL_DONE;
    if (carry->length > 0 || carry->skipping) {
        begin = first_end(window, length);
        status = carry_more(carry, counter, window, begin > 0 ? begin : length);
        if (status == KERNEL_DONE && (begin > 0 || last)) {
            status = end_word(carry, counter);
        }
        if (begin == 0 || status == KERNEL_CANCELLED) {
            return status;
        }
    }
    size_t end = last ? length : begin + last_end(window + begin, length - begin);
    status = carry_count(counter, window + begin, end - begin);
    if (status == KERNEL_DONE) {
        status = carry_more(carry, counter, window + end, length - end);
    }
    return status;
}

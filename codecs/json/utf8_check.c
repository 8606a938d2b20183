/* Whether a byte is right follows from it and the three before it, by comparisons alone: no table, no shuffle, so that
 * plain SSE2 does it sixteen bytes at a time. ASCII is passed four vectors at a time. */
#include "codecs/json/utf8_check.h"

#include "codecs/json/byte_vector.h"
#include "codecs/json/utf8.h"

enum { REACH = 3, STRIDE = 4 * VECTOR_BYTES }; /* a character's last byte is at most REACH after its first */

/* bytes[-3 … 15] can be read. Not 0 where a byte is wrong, given that those before bytes are right; a character that
 * is cut off is found wrong at the byte after it. */
static inline byte_vector wrong(const char *bytes) {
    byte_vector here = vector_load(bytes);
    byte_vector before = vector_load(bytes - 1);
    byte_vector continues = (byte_vector)((here & 0xC0) == vector_of(0x80));
    byte_vector due = vector_at_least(before, 0xC0) | vector_at_least(vector_load(bytes - 2), 0xE0) |
                      vector_at_least(vector_load(bytes - 3), 0xF0);
    byte_vector low = vector_below(here, 0xA0);
    byte_vector lowest = vector_below(here, 0x90);
    return (continues ^ due) | vector_equal(here & 0xFE, 0xC0) | vector_at_least(here, 0xF5) |
           (vector_equal(before, 0xE0) & low) | (vector_equal(before, 0xED) & ~low) |
           (vector_equal(before, 0xF0) & lowest) | (vector_equal(before, 0xF4) & ~lowest);
}

/* wrong() for the first bytes: nothing before them, ASCII after the last of fewer than 16. */
static byte_vector wrong_at_start(const char *bytes, size_t length) {
    char padded[REACH + VECTOR_BYTES] = {0};
    memcpy(padded + REACH, bytes, length < VECTOR_BYTES ? length : VECTOR_BYTES);
    return wrong(padded + REACH);
}

static bool is_ascii_vector(byte_vector vector) {
    return !vector_any(vector_at_least(vector, 0x80));
}

static bool is_ascii(const char *bytes) {
    byte_vector all = vector_load(bytes) | vector_load(bytes + VECTOR_BYTES) |
                      vector_load(bytes + 2 * (size_t)VECTOR_BYTES) | vector_load(bytes + 3 * (size_t)VECTOR_BYTES);
    return is_ascii_vector(all);
}

/* One character after the other, from `at`, where one starts. */
static size_t walk(const char *bytes, size_t length, size_t at) {
    while (at < length) {
        size_t count = utf8_length(bytes + at, length - at);
        if (count == 0) {
            break;
        }
        at += count;
    }
    return at;
}

/* Where the character that `at` is in starts, or at - REACH: what is before `at` is right as far as one can see. */
static size_t back_up(const char *bytes, size_t at) {
    size_t start = at;
    while (start > 0 && at - start < REACH && ((unsigned char)bytes[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    return start > 0 && (unsigned char)bytes[start - 1] >= 0xC0 ? start - 1 : start;
}

size_t utf8_check(const char *bytes, size_t length) {
    if (length == 0) {
        return 0;
    }
    if (vector_any(wrong_at_start(bytes, length))) {
        return walk(bytes, length, 0);
    }
    if (length < VECTOR_BYTES) {
        return length;
    }
    size_t at = VECTOR_BYTES;
    while (length - at >= VECTOR_BYTES) {
        bool whole = length - at >= STRIDE;
        if (whole && is_ascii(bytes + at) && is_ascii_vector(vector_load(bytes + at - VECTOR_BYTES))) {
            at += STRIDE;
            continue;
        }
        byte_vector found = wrong(bytes + at);
        if (whole) {
            found |= wrong(bytes + at + VECTOR_BYTES) | wrong(bytes + at + 2 * (size_t)VECTOR_BYTES) |
                     wrong(bytes + at + 3 * (size_t)VECTOR_BYTES);
        }
        if (vector_any(found)) {
            return walk(bytes, length, back_up(bytes, at));
        }
        at += whole ? (size_t)STRIDE : (size_t)VECTOR_BYTES;
    }
    return walk(bytes, length, back_up(bytes, at));
}

#include "kernels/wordcount/search/wordcount_marks.h"

#include "kernels/clones.h"
#include "kernels/wordcount/search/wordcount_bits.h"

#include <string.h>

KERNEL_CLONES
static void mark_exact(const uint8_t *at, size_t seen, uint8_t *separates) {
    for (size_t i = 0; i < seen; i++) {
        separates[i] = (at[i] == ' ') | (at[i] == '\n') | ((at[i] == '\r') & (at[i + 1] == '\n'));
    }
}

void marks_exact_portable(struct marks *marks, size_t groups, const uint8_t *at) {
    uint8_t separates[MARKS_BYTES];
    const size_t seen = marks_seen(groups);
    mark_exact(at, seen, separates);
    memset(separates + seen, 1, 64 - MARKS_MORE);
    bits_gather(separates, 0, groups, marks->separators);
}

/* White space of several bytes is asked for only where there may be some; text holds the byte at[-2] and all behind it.
 */
KERNEL_CLONES
static void mark_words(const uint8_t *text, size_t seen, uint8_t *separates) {
    const uint8_t *at = text + SPACE_BYTES - 1;
    uint8_t wide = space_may_begin(text[0]) | space_may_begin(text[1]);
    for (size_t i = 0; i < seen; i++) {
        separates[i] = space_one(at[i]);
        wide |= space_may_begin(at[i]);
    }
    if (wide) {
        for (size_t i = 0; i < seen; i++) {
            uint8_t two = space_two(at[i], at[i + 1]) | space_two(at[i - 1], at[i]);
            uint8_t three = space_three(at[i], at[i + 1], at[i + 2]) | space_three(at[i - 1], at[i], at[i + 1]) |
                            space_three(at[i - 2], at[i - 1], at[i]);
            separates[i] = space_one(at[i]) | two | three;
        }
    }
}

void marks_words_portable(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at) {
    uint8_t separates[MARKS_BYTES], text[SPACE_BYTES - 1 + MARKS_BYTES];
    const size_t seen = marks_seen(groups);
    memcpy(text, left - 1, SPACE_BYTES - 1);
    memcpy(text + SPACE_BYTES - 1, at, seen + SPACE_BYTES - 1);
    mark_words(text, seen, separates);
    memset(separates + seen, 1, 64 - MARKS_MORE);
    bits_gather(separates, 0, groups, marks->separators);
}

/* ---- letters ---------------------------------------------------------------------------------------------------- */

/* What a byte is, a bit each: part of a letter that is known, a separator, or of what isn't known. None: it is part of
 * a character that is known to be no letter. */
enum { KIND_LETTER, KIND_SEPARATOR, KIND_UNKNOWN };

KERNEL_INLINE uint8_t within(uint8_t byte, uint8_t low, uint8_t high) {
    return (uint8_t)(byte - low) <= high - low;
}

/* Of a character of U+0080 to U+00BF other than U+00AA, U+00B5 and U+00BA; of U+2000 to U+203F: no letters. */
KERNEL_INLINE uint8_t sign_two(uint8_t a, uint8_t b) {
    return (a == 0xc2) & within(b, 0x80, 0xbf) & ((b != 0xaa) & (b != 0xb5) & (b != 0xba));
}

KERNEL_INLINE uint8_t sign_three(uint8_t a, uint8_t b, uint8_t c) {
    return (a == 0xe2) & (b == 0x80) & within(c, 0x80, 0xbf);
}

KERNEL_INLINE uint8_t ascii_kind(uint8_t b, uint8_t next) {
    uint8_t separates = (b == ' ') | (b == '\n') | ((b == '\r') & (next == '\n'));
    return (uint8_t)(within((uint8_t)(b | 0x20), 'a', 'z') << KIND_LETTER | separates << KIND_SEPARATOR);
}

/* Returns whether there is anything but ASCII. */
KERNEL_CLONES
static bool mark_ascii(const uint8_t *at, size_t seen, uint8_t *kinds, uint8_t *lower) {
    uint8_t any = 0;
    for (size_t i = 0; i < seen; i++) {
        kinds[i] = ascii_kind(at[i], at[i + 1]);
        lower[i] = (uint8_t)(at[i] + (within(at[i], 'A', 'Z') << 5));
        any |= at[i];
    }
    return any >= 0x80;
}

/* Small letters: U+0410 to U+042F are 20 below them, U+0400 to U+040F 50. */
KERNEL_CLONES
static void mark_any(const uint8_t *at, size_t seen, uint8_t *restrict kinds, uint8_t *restrict lower) {
    for (size_t i = 0; i < seen; i++) {
        uint8_t b = at[i], next = at[i + 1], last = at[i - 1];
        uint8_t first = marks_cyrillic(b, next), letter = first | marks_cyrillic(last, b);
        uint8_t sign = sign_two(b, next) | sign_two(last, b) | sign_three(b, next, at[i + 2]) |
                       sign_three(last, b, next) | sign_three(at[i - 2], last, b);
        uint8_t unknown = (b >= 0x80) & ((letter | sign) ^ 1);
        kinds[i] = (uint8_t)(ascii_kind(b, next) | letter << KIND_LETTER | unknown << KIND_UNKNOWN);
        uint8_t behind = last == 0xd0;
        uint8_t moved = (uint8_t)((within(b, 'A', 'Z') << 5) | (uint8_t)((behind & within(b, 0x80, 0x8f)) << 4) |
                                  (uint8_t)((behind & within(b, 0x90, 0x9f)) << 5));
        uint8_t back = (uint8_t)((behind & within(b, 0xa0, 0xaf)) << 5 | (first & (b == 0xd1)));
        lower[i] = (uint8_t)(b + moved - back);
    }
}

void marks_letters_portable(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at) {
    uint8_t kinds[MARKS_BYTES];
    const size_t seen = marks_seen(groups);
    if (left[0] >= 0x80 || left[-1] >= 0x80 || mark_ascii(at, seen, kinds, marks->lower)) {
        uint8_t text[2 + MARKS_BYTES];
        memcpy(text, left - 1, 2);
        memcpy(text + 2, at, seen + 2);
        mark_any(text + 2, seen, kinds, marks->lower);
    }
    memset(kinds + seen, 1 << KIND_UNKNOWN, 64 - MARKS_MORE);
    memset(marks->lower + seen, 0, 64 - MARKS_MORE);
    bits_gather(kinds, KIND_LETTER, groups, marks->letters);
    bits_gather(kinds, KIND_SEPARATOR, groups, marks->separators);
    bits_gather(kinds, KIND_UNKNOWN, groups, marks->unknown);
}

/* ---- which ------------------------------------------------------------------------------------------------------ */

#if HAS_AVX512
#define CHOOSE(name) (avx512_can() ? name##_avx512 : name##_portable)
#else
#define CHOOSE(name) name##_portable
#endif

void marks_exact(struct marks *marks, size_t groups, const uint8_t *at) {
    CHOOSE(marks_exact)(marks, groups, at);
}

void marks_words(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at) {
    CHOOSE(marks_words)(marks, groups, left, at);
}

void marks_letters(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at) {
    CHOOSE(marks_letters)(marks, groups, left, at);
}

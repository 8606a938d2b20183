#pragma once
/* Internal to kernels/wordcount/search. What the bytes of a block are, a bit each, from the vector code: for all ways
 * of matching what separates words, for letters what they are made of as well.
 *
 * Marked are `groups` - 1 times 64 bytes, and MARKS_MORE more; what is behind them isn't known. left[0] is the byte
 * before the block and left[-1] the one before that; MARKS_AHEAD bytes behind its groups are readable. */
#include "kernels/wordcount/search/wordcount_avx512.h"
#include "kernels/wordcount/search/wordcount_scan.h"

enum {
    MARKS_BLOCK = 2048, /* with 448 all takes a fifth longer, for lists are read that have just been written */
    MARKS_GROUPS = MARKS_BLOCK / 64 + 1,
    MARKS_BYTES = 64 * MARKS_GROUPS,
    MARKS_MORE = 16,
    MARKS_AHEAD = MARKS_MORE + SPACE_BYTES - 1
};

/* Bytes that are marked. */
static inline size_t marks_seen(size_t groups) {
    return 64 * (groups - 1) + MARKS_MORE;
}

struct marks {
    uint64_t separators[MARKS_GROUPS];
    /* For letters. Of letters that are known at once, in ASCII and of U+0400 to U+045F, all bytes. What is neither that
     * nor a separator nor unknown is part of a character that is known to be no letter: ASCII, U+0080 to U+00BF but for
     * three, U+2000 to U+203F. */
    uint64_t letters[MARKS_GROUPS], unknown[MARKS_GROUPS];
    uint8_t lower[MARKS_BYTES]; /* the bytes, known letters as marks_small has them */
};

/* Separators alone; those behind what is marked are set. */
void marks_exact(struct marks *marks, size_t groups, const uint8_t *at);
void marks_words(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at);
/* All; what is behind is unknown. */
void marks_letters(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at);

/* The same with AVX-512, where the processor has it; the above ask. */
#if HAS_AVX512
void marks_exact_avx512(struct marks *marks, size_t groups, const uint8_t *at);
void marks_words_avx512(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at);
void marks_letters_avx512(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at);
#endif

/* The same in portable C. */
void marks_exact_portable(struct marks *marks, size_t groups, const uint8_t *at);
void marks_words_portable(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at);
void marks_letters_portable(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at);

/* Whether these are the two bytes of a letter of U+0400 to U+045F. */
KERNEL_INLINE uint8_t marks_cyrillic(uint8_t a, uint8_t b) {
    return ((a == 0xd0) & ((uint8_t)(b - 0x80) < 0x40)) | ((a == 0xd1) & ((uint8_t)(b - 0x80) < 0x20));
}

/* A small letter of these as it stands for capital and small ones: its first byte is D0. Small ones have second bytes
 * of their own. Whether there is one. */
KERNEL_INLINE bool marks_small(uint8_t a, uint8_t b) {
    return a == 0xd0 ? (uint8_t)(b - 0xb0) < 0x10 : a == 0xd1 && (uint8_t)(b - 0x80) < 0x20;
}

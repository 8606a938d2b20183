#pragma once
/* Internal to kernels/wordcount/search. What separates words in WORDCOUNT_WORDS: Unicode's White_Space, as in word
 * frequencies (wordcount_top.h). In UTF-8 these are
 *   one byte     U+0009 to U+000D, U+0020
 *   two bytes    U+0085, U+00A0                            C2 (85, A0)
 *   three bytes  U+1680                                    E1 9A 80
 *                U+2000 to U+200A, U+2028, U+2029, U+202F  E2 80 (80 to 8A, A8, A9, AF)
 *                U+205F                                    E2 81 9F
 *                U+3000                                    E3 80 80
 * All of them are whole characters wherever their bytes stand, in text that is no UTF-8 too: so they are found without
 * decoding. Truth values are uint8_t and combined without short cuts: the compilers vectorise that. */
#include "kernels/clones.h"

#include <stddef.h>
#include <stdint.h>

enum { SPACE_BYTES = 3 /* of the longest */ };

KERNEL_INLINE uint8_t space_one(uint8_t a) {
    return (a == ' ') | ((uint8_t)(a - '\t') < 5);
}

KERNEL_INLINE uint8_t space_two(uint8_t a, uint8_t b) {
    return (a == 0xc2) & ((b == 0x85) | (b == 0xa0));
}

KERNEL_INLINE uint8_t space_three(uint8_t a, uint8_t b, uint8_t c) {
    uint8_t general = (b == 0x80) & (((uint8_t)(c - 0x80) <= 0x0a) | ((c & 0xfe) == 0xa8) | (c == 0xaf));
    uint8_t medium = (b == 0x81) & (c == 0x9f);
    uint8_t first = (a == 0xe2) & (general | medium);
    return first | ((c == 0x80) & (((a == 0xe3) & (b == 0x80)) | ((a == 0xe1) & (b == 0x9a))));
}

/* Whether this byte may be the first of several that are white space, or the last. */
KERNEL_INLINE uint8_t space_may_begin(uint8_t a) {
    return (a == 0xc2) | ((uint8_t)(a - 0xe1) < 3);
}

KERNEL_INLINE uint8_t space_may_end(uint8_t c) {
    return (uint8_t)(c - 0x80) < 0x30;
}

/* Whether white space begins at at[0], or ends with it; two more bytes on that side are read. */
KERNEL_INLINE uint8_t space_begins(const uint8_t *at) {
    return space_one(at[0]) | space_two(at[0], at[1]) | space_three(at[0], at[1], at[2]);
}

KERNEL_INLINE uint8_t space_ends(const uint8_t *at) {
    return space_one(at[0]) | space_two(at[-1], at[0]) | space_three(at[-2], at[-1], at[0]);
}

/* Bytes of the white space that starts the text, 0 if none does. */
static inline size_t space_bytes(const uint8_t *text, size_t length) {
    if (length > 0 && space_one(text[0])) {
        return 1;
    }
    if (length > 1 && space_two(text[0], text[1])) {
        return 2;
    }
    return length > 2 && space_three(text[0], text[1], text[2]) ? 3 : 0;
}

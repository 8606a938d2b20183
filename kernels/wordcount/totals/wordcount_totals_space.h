#pragma once
/* Internal to kernels/wordcount/totals. What separates words in totals: the characters that glibc's iswspace or wc's
 * rule of no-break spaces names (Unicode's White_Space, which word frequencies go by, has U+0085 besides, and not
 * U+2060). In UTF-8 these are one byte     U+0009 to U+000D, U+0020 two bytes    U+00A0 C2 A0 three bytes  U+1680 E1 9A
 * 80 U+2000 to U+200A, U+2028, U+2029, U+202F E2 80 (80 to 8A, A8, A9, AF) U+205F, U+2060                           E2
 * 81 (9F, A0) U+3000                                   E3 80 80 All of them are whole characters wherever their bytes
 * stand, in text that is no UTF-8 too: so spaces are found without decoding. Truth values are uint8_t and combined
 * without short cuts: the compilers vectorise that. */
#include "kernels/clones.h"

#include <stddef.h>
#include <stdint.h>

KERNEL_INLINE uint8_t totals_space_one(uint8_t a) {
    return (a == ' ') | ((uint8_t)(a - '\t') < 5);
}

KERNEL_INLINE uint8_t totals_space_two(uint8_t a, uint8_t b) {
    return (a == 0xc2) & (b == 0xa0);
}

KERNEL_INLINE uint8_t totals_space_three(uint8_t a, uint8_t b, uint8_t c) {
    uint8_t general = (b == 0x80) & (((uint8_t)(c - 0x80) <= 0x0a) | ((c & 0xfe) == 0xa8) | (c == 0xaf));
    uint8_t medium = (b == 0x81) & ((c == 0x9f) | (c == 0xa0));
    uint8_t first = (a == 0xe2) & (general | medium);
    return first | ((c == 0x80) & (((a == 0xe3) & (b == 0x80)) | ((a == 0xe1) & (b == 0x9a))));
}

/* Bytes of the space that starts the text, 0 if none does. */
static inline size_t totals_space_bytes(const uint8_t *text, size_t length) {
    if (length > 0 && totals_space_one(text[0])) {
        return 1;
    }
    if (length > 1 && totals_space_two(text[0], text[1])) {
        return 2;
    }
    return length > 2 && totals_space_three(text[0], text[1], text[2]) ? 3 : 0;
}

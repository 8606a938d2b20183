/* Which characters are told from their bytes by vector code. A byte's neighbours decide, and never what comes before
 * them: continuation bytes after C3, D0 or D1 belong to these whatever stands in front. */
#include "kernels/wordcount/top/wordcount_top_split.h"

#include "kernels/clones.h"

#include <string.h>

enum { BEFORE = 1, BEHIND = 2 };

KERNEL_CLONES
bool top_split_beyond_ascii(const uint8_t *lower, size_t length) {
    uint8_t all = 0;
    for (size_t i = 0; i < length; i++) {
        all |= lower[i];
    }
    return all >= 0x80;
}

KERNEL_INLINE uint8_t between(uint8_t byte, uint8_t first, uint8_t last) {
    return (uint8_t)(byte - first) <= (uint8_t)(last - first);
}

/* U+0400 to 040F are D0 80 to 8F, in lower case D1 90 to 9F; U+0410 to 042F are D0 90 to AF, in lower case D0 B0 to BF
 * and D1 80 to 8F. U+00C0 to 00DE but for the multiplication sign are C3 80 to 9E, in lower case A0 to BE. */
KERNEL_INLINE uint8_t lower_letter(uint8_t before, uint8_t byte, uint8_t next) {
    uint8_t row = (uint8_t)((byte == 0xd0) & (between(next, 0x80, 0x8f) | between(next, 0xa0, 0xaf)));
    uint8_t sixteen = (uint8_t)((before == 0xd0) & between(byte, 0x80, 0x8f));
    uint8_t latin = (uint8_t)((before == 0xc3) & between(byte, 0x80, 0x9e) & (byte != 0x97));
    uint8_t half = (uint8_t)(((before == 0xd0) & between(byte, 0x90, 0xaf)) | latin);
    return (uint8_t)((byte + row) ^ sixteen << 4 ^ half << 5);
}

/* As top_split_kinds, but for what the neighbours tell: no space begins with C2 but U+0085 and U+00A0, none with E3 but
 * U+3000, and U+200B to 2027, dashes and quotes, are neither spaces nor capitals. From U+0460 on Cyrillic letters have
 * their small one next to them. */
KERNEL_INLINE uint8_t is_odd(uint8_t byte, uint8_t next, uint8_t third) {
    uint8_t space = (uint8_t)((byte == 0xc2) & ((next == 0x85) | (next == 0xa0)));
    uint8_t wide = (uint8_t)((byte == 0xe3) & (next == 0x80) & (third == 0x80));
    uint8_t marks = (uint8_t)((next == 0x80) & between(third, 0x8b, 0xa7));
    uint8_t letter =
        (uint8_t)(between(byte, 0xc4, 0xcf) | between(byte, 0xd2, 0xdf) | ((byte == 0xd1) & between(next, 0xa0, 0xbf)));
    uint8_t others = (uint8_t)((byte == 0xe1) | (byte == 0xea) | (byte == 0xef) | (byte == 0xf0));
    return (uint8_t)(space | wide | letter | others | ((byte == 0xe2) & (marks ^ 1)));
}

KERNEL_CLONES
void top_split_letters(uint8_t *restrict lower, size_t length, uint8_t *restrict odd) {
    uint8_t bytes[BEFORE + SPLIT_BLOCK + BEHIND];
    bytes[0] = ' ';
    memcpy(bytes + BEFORE, lower, length + BEHIND);
    KERNEL_SIMD
    for (size_t i = 0; i < length; i++) {
        lower[i] = lower_letter(bytes[i], bytes[i + 1], bytes[i + 2]);
        odd[i] = is_odd(bytes[i + 1], bytes[i + 2], bytes[i + 3]);
    }
}

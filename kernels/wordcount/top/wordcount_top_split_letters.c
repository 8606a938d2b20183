/* Which characters are told from their bytes by vector code. A byte's neighbours decide, and never what comes before
 * them: continuation bytes after C3 or D0 belong to these whatever stands in front.
 *
 * The vectors are gcc's own, which clang knows too: of plain loops over so many comparisons neither makes any. */
#include "kernels/wordcount/top/wordcount_top_split.h"

#include "kernels/clones.h"

#include <string.h>

enum { BEFORE = 1 };

typedef uint8_t vector __attribute__((vector_size(16)));

KERNEL_CLONES
bool top_split_beyond_ascii(const uint8_t *lower, size_t length) {
    uint8_t all = 0;
    for (size_t i = 0; i < length; i++) {
        all |= lower[i];
    }
    return all >= 0x80;
}

KERNEL_INLINE vector vector_load(const uint8_t *bytes) {
    vector loaded;
    memcpy(&loaded, bytes, sizeof loaded);
    return loaded;
}

/* All bits of a byte where it is true. */
KERNEL_INLINE vector between(vector bytes, uint8_t first, uint8_t last) {
    return (vector)(bytes - first <= (vector){} + (uint8_t)(last - first));
}

KERNEL_INLINE vector same(vector bytes, uint8_t byte) {
    return (vector)(bytes == (vector){} + byte);
}

/* U+0400 to 040F are D0 80 to 8F, in lower case D1 90 to 9F; U+0410 to 042F are D0 90 to AF, in lower case D0 B0 to BF
 * and D1 80 to 8F. U+00C0 to 00DE but for the multiplication sign are C3 80 to 9E, in lower case A0 to BE. */
KERNEL_INLINE vector lower_letters(vector before, vector byte, vector next) {
    vector row = same(byte, 0xd0) & (between(next, 0x80, 0x8f) | between(next, 0xa0, 0xaf));
    vector sixteen = same(before, 0xd0) & between(byte, 0x80, 0x8f);
    vector latin = same(before, 0xc3) & between(byte, 0x80, 0x9e) & ~same(byte, 0x97);
    vector half = (same(before, 0xd0) & between(byte, 0x90, 0xaf)) | latin;
    return (byte + (row & 1)) ^ (sixteen & 0x10) ^ (half & 0x20);
}

/* As top_split_kinds, but for what the neighbours tell: no space begins with C2 but U+0085 and U+00A0, none with E3 but
 * U+3000, and U+200B to 2027, dashes and quotes among them, are neither spaces nor capitals. From U+0460 on Cyrillic
 * letters have their small ones next to them. */
KERNEL_INLINE vector odd_characters(vector byte, vector next, vector third) {
    vector space = same(byte, 0xc2) & (same(next, 0x85) | same(next, 0xa0));
    vector wide = same(byte, 0xe3) & same(next, 0x80) & same(third, 0x80);
    vector mark = same(next, 0x80) & between(third, 0x8b, 0xa7);
    vector two = between(byte, 0xc4, 0xcf) | between(byte, 0xd2, 0xdf) | (same(byte, 0xd1) & between(next, 0xa0, 0xbf));
    vector more =
        same(byte, 0xe1) | (same(byte, 0xe2) & ~mark) | same(byte, 0xea) | same(byte, 0xef) | same(byte, 0xf0);
    return (space | wide | two | more) & 1;
}

KERNEL_CLONES
void top_split_letters(uint8_t *lower, size_t length, uint8_t *odd) {
    uint8_t bytes[BEFORE + SPLIT_BLOCK + SPLIT_AHEAD];
    bytes[0] = ' ';
    memcpy(bytes + BEFORE, lower, length + SPLIT_AHEAD);
    for (size_t i = 0; i < length; i += sizeof(vector)) {
        vector before = vector_load(bytes + i), byte = vector_load(bytes + i + 1);
        vector next = vector_load(bytes + i + 2), third = vector_load(bytes + i + 3);
        vector lowered = lower_letters(before, byte, next), odds = odd_characters(byte, next, third);
        memcpy(lower + i, &lowered, sizeof lowered);
        memcpy(odd + i, &odds, sizeof odds);
    }
}

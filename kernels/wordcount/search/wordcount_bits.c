#include "kernels/wordcount/search/wordcount_bits.h"

#include "kernels/clones.h"

#include <string.h>

/* Vector code can't gather truth values into the bits of a word; a multiplication does, eight at a time: it moves bit
 * 8j to bit 56 + j. The products' ones meet nowhere, so nothing is carried. */
KERNEL_CLONES
void bits_gather_portable(const uint8_t *flags, unsigned which, size_t groups, uint64_t *bits) {
    for (size_t g = 0; g < groups; g++) {
        uint64_t word = 0;
        for (size_t k = 0; k < 64; k += 8) {
            uint64_t eight;
            memcpy(&eight, flags + 64 * g + k, sizeof eight);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
            eight = __builtin_bswap64(eight);
#endif
            eight = eight >> which & UINT64_C(0x0101010101010101);
            word |= (eight * UINT64_C(0x0102040810204080) >> 56) << k;
        }
        bits[g] = word;
    }
}

/* Eight at a time, and more than there are: how many there are in 64 is what the processor can't foresee. */
KERNEL_CLONES
size_t bits_list_portable(const uint64_t *bits, size_t groups, uint16_t *places) {
    size_t count = 0;
    for (size_t g = 0; g < groups; g++) {
        uint64_t word = bits[g];
        size_t end = count + (size_t)__builtin_popcountll(word);
        for (size_t n = count; n < end; n += 8) {
            for (size_t k = 0; k < 8; k++) {
                places[n + k] = (uint16_t)(64 * g + (size_t)__builtin_ctzll(word | UINT64_C(1) << 63));
                word &= word - 1;
            }
        }
        count = end;
    }
    return count;
}

void bits_gather(const uint8_t *flags, unsigned which, size_t groups, uint64_t *bits) {
#if HAS_AVX512
    if (avx512_can()) {
        bits_gather_avx512(flags, which, groups, bits);
        return;
    }
#endif
    bits_gather_portable(flags, which, groups, bits);
}

size_t bits_list(const uint64_t *bits, size_t groups, uint16_t *places) {
#if HAS_AVX512
    if (avx512_can()) {
        return bits_list_avx512(bits, groups, places);
    }
#endif
    return bits_list_portable(bits, groups, places);
}

/* Bytes are tested into a mask, and the numbers of a mask's bits packed into a vector: a quarter to a half of the
 * portable version's time (bench/texts). */
#include "kernels/wordcount/search/wordcount_bits.h"

#if HAS_AVX512
static const uint8_t numbers[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                    32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                    48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

TARGET void bits_gather_avx512(const uint8_t *flags, unsigned which, size_t groups, uint64_t *bits) {
    const __m512i wanted = _mm512_set1_epi8((char)(1U << which));
    for (size_t g = 0; g < groups; g++) {
        bits[g] = _mm512_test_epi8_mask(_mm512_loadu_si512(flags + 64 * g), wanted);
    }
}

TARGET size_t bits_list_avx512(const uint64_t *bits, size_t groups, uint16_t *places) {
    const __m512i all = _mm512_loadu_si512(numbers);
    size_t count = 0;
    for (size_t g = 0; g < groups; g++) {
        __m512i packed = _mm512_maskz_compress_epi8(bits[g], all), base = _mm512_set1_epi16((short)(64 * g));
        __m512i first = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(packed));
        _mm512_storeu_si512(places + count, _mm512_add_epi16(first, base));
        size_t found = (size_t)_mm_popcnt_u64(bits[g]);
        if (found > 32) {
            __m512i second = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(packed, 1));
            _mm512_storeu_si512(places + count + 32, _mm512_add_epi16(second, base));
        }
        count += found;
    }
    return count;
}
#endif

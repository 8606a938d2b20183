/* top_split_block for processors that can pack the numbers of a mask's bits into a vector, which is most of its work: a
 * third of the portable version's time (bench/frequencies). */
#include "kernels/wordcount/top/wordcount_top_split.h"

#if SPLIT_HAS_VBMI2
#include <immintrin.h>

enum { GROUP = 64 };

static const uint8_t numbers[GROUP] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                       16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                       32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                       48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

__attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt"))) size_t top_split_block_vbmi2(const uint8_t *text,
                                                                                            size_t length,
                                                                                            uint8_t *lower,
                                                                                            uint16_t *edges) {
    const __m512i spaces = _mm512_set1_epi8(' '), places = _mm512_loadu_si512(numbers);
    size_t count = 0, at = 0;
    uint64_t before = 1;
    /* One group more than the text fills: its spaces end the last run. */
    for (; at <= length; at += GROUP) {
        size_t rest = length - at;
        __mmask64 there = rest >= GROUP ? ~UINT64_C(0) : (UINT64_C(1) << rest) - 1;
        __m512i bytes = _mm512_mask_loadu_epi8(spaces, there, text + at);
        __mmask64 capital = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8('A')), _mm512_set1_epi8(26));
        _mm512_storeu_si512(lower + at, _mm512_mask_add_epi8(bytes, capital, bytes, _mm512_set1_epi8('a' - 'A')));
        uint64_t space = _mm512_cmpeq_epi8_mask(bytes, spaces) |
                         _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8('\t')), _mm512_set1_epi8(5));
        uint64_t bits = space ^ (space << 1 | before);
        __m512i packed = _mm512_maskz_compress_epi8(bits, places), base = _mm512_set1_epi16((short)at);
        __m512i first = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(packed));
        _mm512_storeu_si512(edges + count, _mm512_add_epi16(first, base));
        size_t found = (size_t)_mm_popcnt_u64(bits);
        if (found > GROUP / 2) {
            __m512i second = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(packed, 1));
            _mm512_storeu_si512(edges + count + GROUP / 2, _mm512_add_epi16(second, base));
        }
        count += found;
        before = space >> 63;
    }
    _mm512_storeu_si512(lower + at, spaces);
    return count / 2;
}
#endif

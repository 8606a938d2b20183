/* A word's bytes are fetched one word after the other, for the processor's gathering takes longer; what is computed
 * from them is computed of eight words at once. */
#include "kernels/wordcount/search/wordcount_brief.h"

#if HAS_AVX512
TARGET_INLINE __m256i load_four(const uint8_t *bytes, const uint16_t *edges) {
    __m128d low = _mm_load_sd((const void *)(bytes + edges[0])), high = _mm_load_sd((const void *)(bytes + edges[4]));
    low = _mm_loadh_pd(low, (const void *)(bytes + edges[2]));
    high = _mm_loadh_pd(high, (const void *)(bytes + edges[6]));
    return _mm256_castpd_si256(_mm256_set_m128d(high, low));
}

TARGET void brief_keys_avx512(uint64_t multiplier, const uint8_t *bytes, const uint16_t *edges, size_t count,
                              uint64_t *keys, uint16_t *places) {
    const __m512i multipliers = _mm512_set1_epi64((long long)multiplier);
    for (size_t r = 0; r < count; r += BRIEF_WORDS, edges += 2 * BRIEF_WORDS) {
        __m256i pairs = _mm256_loadu_si256((const void *)edges); /* where a run begins below where it ends */
        __m256i begins = _mm256_and_si256(pairs, _mm256_set1_epi32(UINT16_MAX));
        __m256i lengths = _mm256_sub_epi32(_mm256_srli_epi32(pairs, 16), begins);
        __m256i missing = _mm256_subs_epu16(_mm256_set1_epi32(BRIEF_BYTES), lengths); /* bytes of eight */
        __m512i mask = _mm512_srlv_epi64(_mm512_set1_epi64(-1), _mm512_cvtepu32_epi64(_mm256_slli_epi32(missing, 3)));
        __m512i text = _mm512_inserti64x4(_mm512_castsi256_si512(load_four(bytes, edges)),
                                          load_four(bytes, edges + BRIEF_WORDS), 1);
        __m512i key = _mm512_and_si512(_mm512_xor_si512(text, _mm512_set1_epi64(TABLE_SPACES)), mask);
        __m512i place = _mm512_srli_epi64(_mm512_mullo_epi64(key, multipliers), 64 - TABLE_BITS);
        _mm512_storeu_si512(keys + r, key);
        _mm_storeu_si128((void *)(places + r), _mm512_cvtepi64_epi16(place));
    }
}
#endif

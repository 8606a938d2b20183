/* A run's bytes are fetched one run after the other, for the processor's gathering takes longer; what is computed from
 * them is computed of eight runs at once. */
#include "kernels/wordcount/search/wordcount_keys.h"

#if HAS_AVX512
#include <string.h>

enum { HALF = sizeof(uint64_t) };

TARGET_INLINE long long load(const uint8_t *bytes) {
    long long eight;
    memcpy(&eight, bytes, sizeof eight);
    return eight;
}

TARGET_INLINE __m256i load_four(const uint8_t *bytes, const uint16_t *edges) {
    return _mm256_set_epi64x(load(bytes + edges[6]), load(bytes + edges[4]), load(bytes + edges[2]),
                             load(bytes + edges[0]));
}

/* Half of a key of each, of which so many bytes, or all, are the run's. */
TARGET_INLINE __m512i half_keys(const uint8_t *bytes, const uint16_t *edges, __m256i lengths) {
    __m256i missing = _mm256_slli_epi32(_mm256_subs_epu16(_mm256_set1_epi32(HALF), lengths), 3);
    __m512i mask = _mm512_srlv_epi64(_mm512_set1_epi64(-1), _mm512_cvtepu32_epi64(missing));
    __m512i text =
        _mm512_inserti64x4(_mm512_castsi256_si512(load_four(bytes, edges)), load_four(bytes, edges + KEYS_WORDS), 1);
    return _mm512_and_si512(_mm512_xor_si512(text, _mm512_set1_epi64(KEYS_SPACES)), mask);
}

/* Where runs begin is below where they end. */
TARGET_INLINE __m256i run_lengths(__m256i pairs) {
    return _mm256_sub_epi32(_mm256_srli_epi32(pairs, 16), _mm256_and_si256(pairs, _mm256_set1_epi32(UINT16_MAX)));
}

TARGET_INLINE void store_places(uint16_t *places, __m512i products) {
    _mm_storeu_si128((void *)places, _mm512_cvtepi64_epi16(_mm512_srli_epi64(products, 64 - KEYS_PLACE_BITS)));
}

TARGET void keys_avx512(uint64_t multiplier, const uint8_t *bytes, const uint16_t *edges, size_t count, uint64_t *low,
                        uint64_t *high, uint16_t *places) {
    const __m512i multipliers = _mm512_set1_epi64((long long)multiplier);
    for (size_t r = 0; r < count; r += KEYS_WORDS, edges += 2 * KEYS_WORDS) {
        __m256i lengths = run_lengths(_mm256_loadu_si256((const void *)edges));
        __m512i first = half_keys(bytes, edges, lengths);
        __m512i second = half_keys(bytes + HALF, edges, _mm256_subs_epu16(lengths, _mm256_set1_epi32(HALF)));
        __m512i products = _mm512_mullo_epi64(_mm512_add_epi64(first, second), multipliers);
        _mm512_storeu_si512(low + r, first);
        _mm512_storeu_si512(high + r, second);
        store_places(places + r, products);
    }
}

TARGET void keys_brief_avx512(uint64_t multiplier, const uint8_t *bytes, const uint16_t *edges, size_t count,
                              uint64_t *low, uint16_t *places) {
    const __m512i multipliers = _mm512_set1_epi64((long long)multiplier);
    for (size_t r = 0; r < count; r += KEYS_WORDS, edges += 2 * KEYS_WORDS) {
        __m512i keys = half_keys(bytes, edges, run_lengths(_mm256_loadu_si256((const void *)edges)));
        _mm512_storeu_si512(low + r, keys);
        store_places(places + r, _mm512_mullo_epi64(keys, multipliers));
    }
}

/* Of each product the sieve's word that its first three bits say, turned until the bit that the next six say is its
 * first. */
TARGET_INLINE __mmask8 pass_sieve(__m512i sieve, __m512i products) {
    __m512i words = _mm512_permutexvar_epi64(_mm512_srli_epi64(products, 61), sieve);
    __m512i turned = _mm512_rorv_epi64(words, _mm512_srli_epi64(products, 55));
    return _mm512_test_epi64_mask(turned, _mm512_set1_epi64(1));
}

TARGET void keys_sift_avx512(uint64_t multiplier, const uint64_t sieve[KEYS_SIEVE_WORDS], const uint8_t *bytes,
                             const uint16_t *edges, size_t count, uint64_t *low, uint64_t *pass) {
    const __m512i multipliers = _mm512_set1_epi64((long long)multiplier), words = _mm512_loadu_si512(sieve);
    uint64_t passed = 0;
    for (size_t r = 0; r < count; r += KEYS_WORDS, edges += 2 * KEYS_WORDS) {
        __m512i keys = half_keys(bytes, edges, run_lengths(_mm256_loadu_si256((const void *)edges)));
        _mm512_storeu_si512(low + r, keys);
        passed = r % 64 ? passed : 0;
        passed |= (uint64_t)pass_sieve(words, _mm512_mullo_epi64(keys, multipliers)) << r % 64;
        pass[r / 64] = passed;
    }
}
#endif

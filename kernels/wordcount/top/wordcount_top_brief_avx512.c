/* top_brief_count by sixteen runs, eight words and four slots at a time: 44 MB of English in 21 ms on one thread, which
 * the portable version needs 35 for (bench/frequencies without longer words). What it saves are wrong guesses, whether
 * a run is longer and in which slot a word stands. Words are hashed a batch ahead of being counted, so that the
 * counting loop is short and misses in caches overlap. */
#include "kernels/wordcount/top/wordcount_top_brief.h"

#if BRIEF_HAS_AVX512
#include "kernels/wordcount/top/wordcount_top_split.h"

#include <immintrin.h>

#define BRIEF_TARGET __attribute__((target("arch=x86-64-v3,avx512f,avx512bw,avx512dq,avx512vl")))

enum { RUNS = 16, WORDS = 8, BATCH = 256 };

struct batch {
    alignas(64) uint64_t words[BATCH];
    alignas(64) uint32_t hashes[BATCH];
};

/* Parts the runs by their length; behind the brief ones come zeros. */
BRIEF_TARGET static size_t brief_part(const uint16_t *edges, size_t runs, uint16_t *brief, uint16_t *longer,
                                      size_t *longer_runs) {
    size_t briefs = 0, left = 0;
    for (size_t i = 0; i < runs; i += RUNS) {
        __mmask16 there = (__mmask16)(runs - i < RUNS ? (1U << (runs - i)) - 1 : 0xffff);
        __m512i pairs = _mm512_maskz_loadu_epi32(there, edges + 2 * i);
        __m512i start = _mm512_and_si512(pairs, _mm512_set1_epi32(0xffff)), end = _mm512_srli_epi32(pairs, 16);
        __mmask16 few =
            _mm512_mask_cmple_epu32_mask(there, _mm512_sub_epi32(end, start), _mm512_set1_epi32(BRIEF_BYTES));
        __mmask16 many = (__mmask16)(there & ~few);
        _mm512_storeu_si512(brief + 2 * briefs, _mm512_maskz_compress_epi32(few, pairs));
        _mm512_storeu_si512(longer + 2 * left, _mm512_maskz_compress_epi32(many, pairs));
        briefs += (size_t)__builtin_popcount(few);
        left += (size_t)__builtin_popcount(many);
    }
    _mm512_storeu_si512(brief + 2 * briefs, _mm512_setzero_si512());
    *longer_runs = left;
    return briefs;
}

BRIEF_TARGET static inline __m128i brief_load_two(const uint8_t *lower, const uint16_t *edges) {
    __m128i low = _mm_loadl_epi64((const __m128i *)(const void *)(lower + edges[0]));
    __m128i high = _mm_loadl_epi64((const __m128i *)(const void *)(lower + edges[2]));
    return _mm_unpacklo_epi64(low, high);
}

/* top_brief_word and top_brief_hash of WORDS runs. A gather would take longer than eight loads. */
BRIEF_TARGET static inline void brief_hash_some(const struct top_table_key *key, const uint8_t *lower,
                                                const uint16_t *edges, uint64_t *words, uint32_t *hashes) {
    __m512i pairs = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(const void *)edges));
    __m512i start = _mm512_and_si512(pairs, _mm512_set1_epi64(0xffff));
    __m512i length = _mm512_sub_epi64(_mm512_srli_epi64(pairs, 16), start);
    __m256i first = _mm256_inserti128_si256(_mm256_castsi128_si256(brief_load_two(lower, edges)),
                                            brief_load_two(lower, edges + 4), 1);
    __m256i second = _mm256_inserti128_si256(_mm256_castsi128_si256(brief_load_two(lower, edges + 8)),
                                             brief_load_two(lower, edges + 12), 1);
    __m512i word = _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
    __m512i spare = _mm512_sub_epi64(_mm512_set1_epi64(64), _mm512_slli_epi64(length, 3));
    word = _mm512_srlv_epi64(_mm512_sllv_epi64(word, spare), spare);
    word = _mm512_or_si512(word, _mm512_slli_epi64(length, 56));
    _mm512_store_si512(words, word);
    __m512i hash = _mm512_xor_si512(word, _mm512_set1_epi64((long long)key->secrets[0]));
    hash = _mm512_mullo_epi64(hash, _mm512_set1_epi64((long long)key->secrets[2]));
    hash = _mm512_xor_si512(hash, _mm512_srli_epi64(hash, 32));
    hash = _mm512_mullo_epi64(hash, _mm512_set1_epi64((long long)(key->secrets[1] | 1)));
    _mm256_store_si256((__m256i *)(void *)hashes, _mm512_cvtepi64_epi32(_mm512_srli_epi64(hash, 32)));
}

/* Counts the words from `at` on that are in their bucket; returns the first one that isn't, or the count. The slot that
 * has the word counts one more, the others 0 more: no branch. A table of a single segment is nearly all tables, and
 * looking for the segment takes a twentieth of the time. */
BRIEF_TARGET __attribute__((always_inline)) static inline size_t
brief_count_found(const struct top_brief *brief, const struct batch *batch, size_t at, size_t count, bool single) {
    struct top_brief_bucket *const buckets = brief->segments[0];
    for (; at < count; at++) {
        size_t place = batch->hashes[at] >> (BRIEF_HASH_BITS - brief->bits);
        uint64_t *cells = single ? buckets[place].cells : top_brief_cells(brief, place);
        __m256i *keys = (__m256i *)(void *)cells, *counts = (__m256i *)(void *)(cells + BRIEF_SLOTS);
        __m256i same = _mm256_cmpeq_epi64(_mm256_load_si256(keys), _mm256_set1_epi64x((long long)batch->words[at]));
        _mm256_store_si256(counts, _mm256_sub_epi64(_mm256_load_si256(counts), same));
        if (__builtin_expect(_mm256_testz_si256(same, same), 0)) {
            break;
        }
    }
    return at;
}

BRIEF_TARGET static bool brief_count_batch(struct top_brief *brief, const struct batch *batch, size_t count) {
    for (size_t at = 0; at < count; at++) {
        at = brief->bits <= BRIEF_SEGMENT_BITS ? brief_count_found(brief, batch, at, count, true)
                                               : brief_count_found(brief, batch, at, count, false);
        if (at < count && !top_brief_add(brief, batch->hashes[at], batch->words[at])) {
            return false;
        }
    }
    return true;
}

BRIEF_TARGET bool top_brief_count_avx512(struct top_brief *brief, const uint8_t *lower, const uint16_t *edges,
                                         size_t runs, uint16_t *longer, size_t *longer_runs) {
    const struct top_table_key key = brief->key;
    uint16_t pairs[SPLIT_BLOCK + BRIEF_AHEAD];
    struct batch batch;
    size_t briefs = brief_part(edges, runs, pairs, longer, longer_runs);
    for (size_t begin = 0; begin < briefs; begin += BATCH) {
        size_t count = briefs - begin < BATCH ? briefs - begin : BATCH;
        for (size_t i = 0; i < count; i += WORDS) {
            brief_hash_some(&key, lower, pairs + 2 * (begin + i), batch.words + i, batch.hashes + i);
        }
        if (!brief_count_batch(brief, &batch, count)) {
            return false;
        }
    }
    return true;
}
#endif

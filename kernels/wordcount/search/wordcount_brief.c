#include "kernels/wordcount/search/wordcount_brief.h"

void brief_init(struct brief *brief, unsigned tries) {
    memset(brief, 0, sizeof *brief);
    brief->usable = brief_can();
    brief->multiplier = table_multiplier(tries);
    brief->keys[0] = UINT64_MAX << BRIEF_BYTES; /* no run's: the first byte is zero, but not all are */
}

void brief_add(struct brief *brief, size_t needle, const uint8_t *run, size_t length, bool whole) {
    uint8_t first[RUNS_AHEAD] = {0};
    memcpy(first, run, length < BRIEF_BYTES ? length : BRIEF_BYTES);
    uint64_t key = table_key_of(first, length < BRIEF_BYTES ? length : BRIEF_BYTES)[0];
    uint8_t *place = &brief->places[key * brief->multiplier >> (64 - KEYS_PLACE_BITS)];
    if (*place == 0) {
        *place = ++brief->count;
        brief->keys[*place] = key;
        brief->needles[*place] = (uint8_t)needle;
    }
    if (brief->keys[*place] != key) {
        brief->usable = false;
    }
    if (!whole || length >= BRIEF_BYTES) { /* of a word as long as the key the end isn't seen */
        brief->ask[*place] = brief->asks = true;
    }
}

#if HAS_AVX512
/* Without a branch, as in the table. */
KERNEL_INLINE size_t brief_look_up(const struct brief *brief, const uint64_t *keys, const uint16_t *places,
                                   const uint16_t *edges, size_t runs, uint64_t tallies[][TABLE_TALLIES],
                                   uint16_t *asked, bool asks) {
    uint16_t which[KEYS_AHEAD];
    size_t count = 0;
    for (size_t r = 0; r < runs; r += TABLE_TALLIES) {
        for (size_t t = 0; t < TABLE_TALLIES; t++) {
            size_t entry = brief->places[places[r + t]];
            bool same = keys[r + t] == brief->keys[entry];
            tallies[entry][t] += same;
            if (asks) {
                which[count] = (uint16_t)(r + t);
                count += same & brief->ask[entry];
            }
        }
    }
    for (size_t a = 0; a < count; a++) {
        memcpy(asked + 2 * a, edges + 2 * which[a], 2 * sizeof *edges);
    }
    return count;
}

size_t brief_meet(const struct brief *brief, struct runs *runs, uint64_t tallies[][TABLE_TALLIES], uint16_t *asked) {
    uint64_t keys[KEYS_AHEAD];
    uint16_t places[KEYS_AHEAD];
    size_t count = 0;
    memset(runs->edges + 2 * runs->count, 0, 2 * (KEYS_WORDS - 1) * sizeof *runs->edges); /* of no length */
    for (size_t r = 0; r < runs->count; r += KEYS_AHEAD) {
        size_t rest = (runs->count - r + KEYS_WORDS - 1) / KEYS_WORDS * KEYS_WORDS,
               some = rest < KEYS_AHEAD ? rest : KEYS_AHEAD;
        const uint16_t *edges = runs->edges + 2 * r;
        keys_brief_avx512(brief->multiplier, runs->bytes, edges, some, keys, places);
        count += brief->asks ? brief_look_up(brief, keys, places, edges, some, tallies, asked + 2 * count, true)
                             : brief_look_up(brief, keys, places, edges, some, tallies, asked + 2 * count, false);
    }
    return count;
}
#else
size_t brief_meet(const struct brief *brief, struct runs *runs, uint64_t tallies[][TABLE_TALLIES], uint16_t *asked) {
    (void)brief, (void)tallies, (void)asked;
    return runs->count;
}
#endif

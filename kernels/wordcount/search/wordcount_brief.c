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
    uint64_t product = key * brief->multiplier;
    uint8_t *place = &brief->places[product >> (64 - KEYS_PLACE_BITS)];
    if (*place == 0) {
        *place = ++brief->count;
        brief->keys[*place] = key;
        brief->needles[*place] = (uint8_t)needle;
        keys_sieve_add(brief->sieve, product);
    }
    if (brief->keys[*place] != key) {
        brief->usable = false;
    }
    if (!whole || length >= BRIEF_BYTES) { /* of a word as long as the key the end isn't seen */
        brief->ask[*place] = brief->asks = true;
    }
}

#if HAS_AVX512
/* Runs at a time where all are looked up: with more of them 2 % longer (bench/texts, 64 frequent words). */
enum { ALL_AHEAD = 32 * KEYS_WORDS };

/* A batch of runs that begins at `edges`. */
struct batch {
    const uint16_t *edges;
    size_t runs, count;                         /* all, and those to look up */
    _Alignas(64) uint64_t keys[KEYS_AHEAD + 1]; /* behind the last one zeros, which are no run's */
    uint16_t places[KEYS_AHEAD];                /* of all, */
    uint16_t which[BITS_ROOM(KEYS_AHEAD)];      /* or the numbers of those that the sieve lets through */
};

static void sift(const struct brief *brief, const uint8_t *bytes, struct batch *batch) {
    uint64_t pass[KEYS_AHEAD / 64];
    keys_sift_avx512(brief->multiplier, brief->sieve, bytes, batch->edges, batch->runs, batch->keys, pass);
    batch->count = bits_list(pass, (batch->runs + 63) / 64, batch->which);
    batch->keys[batch->runs] = 0;
    for (size_t t = 0; t < TABLE_TALLIES; t++) {
        batch->which[batch->count + t] = (uint16_t)batch->runs;
    }
}

/* Without a branch, as in the table. To multiply again is faster for a few than to keep the places of all. */
KERNEL_INLINE size_t look_up(const struct brief *brief, const struct batch *batch, uint64_t tallies[][TABLE_ENTRIES],
                             uint16_t *asked, bool sifted, bool asks) {
    const uint64_t multiplier = brief->multiplier;
    size_t count = 0;
    for (size_t r = 0; r < batch->count; r += TABLE_TALLIES) {
        for (size_t t = 0; t < TABLE_TALLIES; t++) {
            size_t run = sifted ? batch->which[r + t] : r + t;
            uint64_t key = batch->keys[run];
            size_t place = sifted ? key * multiplier >> (64 - KEYS_PLACE_BITS) : batch->places[run];
            size_t entry = brief->places[place];
            bool same = key == brief->keys[entry];
            tallies[t][entry] += same;
            if (asks) {
                memcpy(asked + 2 * count, batch->edges + 2 * run, 2 * sizeof *batch->edges);
                count += same & brief->ask[entry];
            }
        }
    }
    return count;
}

size_t brief_meet(const struct brief *brief, struct runs *runs, uint64_t tallies[][TABLE_ENTRIES], uint16_t *asked,
                  bool *dense) {
    struct batch batch;
    size_t count = 0, passed = 0;
    const bool sifts = !*dense;
    memset(runs->edges + 2 * runs->count, 0, 2 * (KEYS_WORDS - 1) * sizeof *runs->edges); /* of no length */
    const size_t ahead = sifts ? KEYS_AHEAD : ALL_AHEAD;
    for (size_t r = 0; r < runs->count; r += ahead) {
        size_t rest = (runs->count - r + KEYS_WORDS - 1) / KEYS_WORDS * KEYS_WORDS;
        batch.edges = runs->edges + 2 * r;
        batch.runs = batch.count = rest < ahead ? rest : ahead;
        if (sifts) {
            sift(brief, runs->bytes, &batch);
            passed += batch.count;
            count += brief->asks ? look_up(brief, &batch, tallies, asked + 2 * count, true, true)
                                 : look_up(brief, &batch, tallies, asked + 2 * count, true, false);
        } else {
            keys_brief_avx512(brief->multiplier, runs->bytes, batch.edges, batch.runs, batch.keys, batch.places);
            count += look_up(brief, &batch, tallies, asked + 2 * count, false, false);
        }
    }
    /* Where half of the runs are looked up after all, sifting takes 3 % longer (bench/texts, 64 frequent words); not
     * where the large table is asked, too. */
    *dense = *dense || (!brief->asks && passed > runs->count / 2);
    return count;
}
#else
size_t brief_meet(const struct brief *brief, struct runs *runs, uint64_t tallies[][TABLE_ENTRIES], uint16_t *asked,
                  bool *dense) {
    (void)brief, (void)tallies, (void)asked, (void)dense;
    return runs->count;
}
#endif

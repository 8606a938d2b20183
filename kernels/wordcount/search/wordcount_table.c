#include "kernels/wordcount/search/wordcount_table.h"

#define ONES(bytes) (UINT64_MAX >> (64 - 8 * (bytes)))
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define FIRST(bytes) (ONES(bytes) << (64 - 8 * (bytes)))
#else
#define FIRST(bytes) ONES(bytes)
#endif

const table_key table_masks[] = {
    {0},
    {FIRST(1)},
    {FIRST(2)},
    {FIRST(3)},
    {FIRST(4)},
    {FIRST(5)},
    {FIRST(6)},
    {FIRST(7)},
    {UINT64_MAX},
    {UINT64_MAX, FIRST(1)},
    {UINT64_MAX, FIRST(2)},
    {UINT64_MAX, FIRST(3)},
    {UINT64_MAX, FIRST(4)},
    {UINT64_MAX, FIRST(5)},
    {UINT64_MAX, FIRST(6)},
    {UINT64_MAX, FIRST(7)},
    {UINT64_MAX, UINT64_MAX},
};

uint64_t table_multiplier(unsigned tries) {
    static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t multiplier = golden;
    for (unsigned i = 0; i < tries; i++) {
        multiplier *= golden + 2; /* odd, as the product is */
    }
    return multiplier;
}

void table_init(struct table *table, unsigned tries) {
    table->multiplier = table_multiplier(tries);
    memset(table->places, 0, sizeof table->places);
    table->keys[0] = (table_key){0}; /* a run of no length */
    table->asks[0] = TABLE_DECIDES;
    table->count = 0;
    table->most = TABLE_DECIDES;
}

static void ask(struct table *table, size_t entry, enum table_ask what) {
    table->asks[entry] = table->asks[entry] < what ? (uint8_t)what : table->asks[entry];
    table->most = table->most < what ? what : table->most;
}

void table_add(struct table *table, size_t needle, const uint8_t *run, size_t length, bool whole) {
    uint8_t first[RUNS_AHEAD] = {0};
    memcpy(first, run, length < RUNS_AHEAD ? length : RUNS_AHEAD);
    table_key key = table_key_of(first, length);
    uint8_t *place = &table->places[table_place(key, table->multiplier)];
    if (*place == 0) {
        *place = ++table->count;
        table->keys[*place] = key;
        table->needles[*place] = (uint8_t)needle;
        table->asks[*place] = TABLE_DECIDES;
        ask(table, *place, whole && length <= TABLE_RUN ? TABLE_DECIDES : TABLE_ASK_SAME);
    } else {
        ask(table, *place, table_same(table->keys[*place], key) ? TABLE_ASK_SAME : TABLE_ASK_ANY);
    }
}

/* ---- looking up ------------------------------------------------------------------------------------------------- */

enum { AT_A_TIME = 8 /* runs, or TABLE_TALLIES */ };

/* Without a branch: whether a word is one of the needles is what the processor can't foresee. */
KERNEL_INLINE size_t meet(const struct table *table, const uint8_t *bytes, const uint16_t *edges, size_t runs,
                          uint64_t tallies[][TABLE_ENTRIES], uint16_t *asked, bool asks) {
    const uint64_t multiplier = table->multiplier;
    size_t count = 0;
    for (size_t r = 0; r < runs; r += TABLE_TALLIES) {
        for (size_t t = 0; t < TABLE_TALLIES; t++) {
            size_t at = edges[2 * (r + t)], end = edges[2 * (r + t) + 1];
            table_key key = table_key_of(bytes + at, end - at);
            size_t entry = table->places[table_place(key, multiplier)];
            bool same = table_same(table->keys[entry], key);
            tallies[t][entry] += same;
            if (asks) {
                asked[count] = (uint16_t)(r + t);
                count += (size_t)same + table->asks[entry] > TABLE_ASK_SAME;
            }
        }
    }
    return count;
}

KERNEL_CLONES
static size_t meet_portable(const struct table *table, const uint8_t *bytes, const uint16_t *edges, size_t runs,
                            uint64_t tallies[][TABLE_ENTRIES], uint16_t *asked) {
    return table->most == TABLE_DECIDES ? meet(table, bytes, edges, runs, tallies, asked, false)
                                        : meet(table, bytes, edges, runs, tallies, asked, true);
}

#if HAS_AVX512
/* Keys, and their places. */
struct met {
    uint64_t low[KEYS_AHEAD], high[KEYS_AHEAD];
    uint16_t places[KEYS_AHEAD];
};

/* The same for runs [first, first + runs), whose keys are known. */
KERNEL_INLINE size_t meet_keys(const struct table *table, const struct met *met, size_t first, size_t runs,
                               uint64_t tallies[][TABLE_ENTRIES], uint16_t *asked, bool asks) {
    size_t count = 0;
    for (size_t r = 0; r < runs; r += TABLE_TALLIES) {
        for (size_t t = 0; t < TABLE_TALLIES; t++) {
            size_t entry = table->places[met->places[r + t]];
            const table_key *key = &table->keys[entry];
            bool same = ((met->low[r + t] ^ (*key)[0]) | (met->high[r + t] ^ (*key)[1])) == 0;
            tallies[t][entry] += same;
            if (asks) {
                asked[count] = (uint16_t)(first + r + t);
                count += (size_t)same + table->asks[entry] > TABLE_ASK_SAME;
            }
        }
    }
    return count;
}

static size_t meet_ahead(const struct table *table, const uint8_t *bytes, const uint16_t *edges, size_t runs,
                         uint64_t tallies[][TABLE_ENTRIES], uint16_t *asked) {
    struct met met;
    size_t count = 0;
    for (size_t r = 0; r < runs; r += KEYS_AHEAD) {
        size_t rest = (runs - r + KEYS_WORDS - 1) / KEYS_WORDS * KEYS_WORDS;
        size_t some = rest < KEYS_AHEAD ? rest : KEYS_AHEAD;
        keys_avx512(table->multiplier, bytes, edges + 2 * r, some, met.low, met.high, met.places);
        count += table->most == TABLE_DECIDES ? meet_keys(table, &met, r, some, tallies, asked + count, false)
                                              : meet_keys(table, &met, r, some, tallies, asked + count, true);
    }
    return count;
}
#endif

size_t table_meet(const struct table *table, const uint8_t *bytes, uint16_t *edges, size_t count,
                  uint64_t tallies[][TABLE_ENTRIES], uint16_t *asked) {
    memset(edges + 2 * count, 0, 2 * AT_A_TIME * sizeof *edges); /* of no length */
#if HAS_AVX512
    if (avx512_can()) {
        return meet_ahead(table, bytes, edges, count, tallies, asked);
    }
#endif
    return meet_portable(table, bytes, edges, count, tallies, asked);
}

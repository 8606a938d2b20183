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

#include "kernels/wordcount/search/wordcount_table.h"

#define ONES(bytes) (UINT64_MAX >> (64 - 8 * (bytes)))
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define FIRST(bytes) (ONES(bytes) << (64 - 8 * (bytes)))
#else
#define FIRST(bytes) ONES(bytes)
#endif

const uint64_t table_masks[RUNS_SEEN + 1] = {
    0, FIRST(1), FIRST(2), FIRST(3), FIRST(4), FIRST(5), FIRST(6), FIRST(7), [8 ... RUNS_SEEN] = UINT64_MAX};

void table_init(struct table *table, unsigned tries) {
    static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
    table->multiplier = golden;
    for (unsigned i = 0; i < tries; i++) {
        table->multiplier *= golden + 2; /* odd, as the product is */
    }
    memset(table->places, 0, sizeof table->places);
    table->keys[0] = 0; /* a key all the same, but the length is none that a run has */
    table->entries[0] = (struct table_entry){.length = UINT16_MAX};
    table->count = 0;
    table->shared = false;
}

void table_add(struct table *table, size_t needle, const uint8_t *run, size_t length, bool whole) {
    uint8_t first[SCAN_PREFIX] = {0};
    memcpy(first, run, length < SCAN_PREFIX ? length : SCAN_PREFIX);
    uint64_t key;
    memcpy(&key, first, sizeof key);
    uint8_t *place = &table->places[table_place(key, table->multiplier)];
    if (*place == 0) {
        *place = ++table->count;
        table->keys[*place] = key;
        table->entries[*place] =
            (struct table_entry){.length = (uint16_t)(length <= SCAN_PREFIX ? length : SCAN_PREFIX + 1),
                                 .needle = (uint8_t)needle,
                                 .tree = !whole || length > SCAN_PREFIX};
        return;
    }
    table->entries[*place].tree = true;
    if (table->keys[*place] != key) {
        table->entries[*place].shared = table->shared = true;
    }
}

#include "kernels/wordcount/search/wordcount_table.h"

#define ONES(bytes) (UINT64_MAX >> (64 - 8 * (bytes)))
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define FIRST(bytes) (ONES(bytes) << (64 - 8 * (bytes)))
#else
#define FIRST(bytes) ONES(bytes)
#endif

const uint64_t table_masks[TABLE_LONG + 1] = {0,        FIRST(1), FIRST(2), FIRST(3), FIRST(4),
                                              FIRST(5), FIRST(6), FIRST(7), FIRST(8), FIRST(8)};

void table_init(struct table *table, unsigned tries) {
    static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
    table->multiplier = golden;
    for (unsigned i = 0; i < tries; i++) {
        table->multiplier *= golden | 2; /* odd, as the product is */
    }
    memset(table->places, 0, sizeof table->places);
    table->count = 0;
}

bool table_add(struct table *table, size_t needle, const uint8_t *bytes, size_t length, bool whole) {
    uint8_t first[SCAN_PREFIX] = {0};
    memcpy(first, bytes, length < SCAN_PREFIX ? length : SCAN_PREFIX);
    struct table_run run = table_run(first, length);
    uint8_t *place = &table->places[table_place(run, table->multiplier)];
    if (*place == 0) {
        *place = ++table->count;
        table->entries[*place] =
            (struct table_entry){.run = run, .needle = (uint8_t)needle, .tree = !whole || run.length == TABLE_LONG};
        return true;
    }
    struct table_entry *entry = &table->entries[*place];
    entry->tree = true;
    if (entry->run.key == run.key && entry->run.length == run.length) {
        return true;
    }
    entry->shared = true;
    return false;
}

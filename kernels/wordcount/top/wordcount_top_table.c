#include "kernels/wordcount/top/wordcount_top_table.h"

/* Slots are filled to 3/4 at most. Less is no faster (bench/frequencies): what shorter searches gain, more misses in
 * caches lose. */
enum { FIRST_BITS = 9, LAST_BITS = 31, SLAB_BYTES = TABLE_UNIT << TABLE_SLAB_BITS, SMALLEST_SLAB_BYTES = 4 << 10 };
enum {
    PAUSE_SLOTS = 16 << 10
}; /* moved between two looks at the cancel flag: 0.2 ms where all of them miss the caches */
enum { FIRST_SLABS = 8, LAST_SLABS = 1 << (32 - TABLE_SLAB_BITS) };

const uint8_t top_table_masks[2 * TABLE_SHORT_BYTES] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                        255, 255, 255, 255, 255, 255, 255, 255};

static bool add_slots(struct top_table *table, unsigned bits) {
    size_t bytes = sizeof *table->slots << bits;
    uint64_t *slots = top_arena_take(table->arena, bytes);
    if (!slots) {
        return false;
    }
    if (!top_long_clear(slots, bytes, table->cancel)) {
        return false;
    }
    table->slots = slots;
    table->bits = bits;
    table->limit = (uint32_t)(((uint64_t)3 << bits) / 4);
    return true;
}

bool top_table_init(struct top_table *table, struct top_arena *arena, struct top_table_key key) {
    *table = (struct top_table){.arena = arena, .key = key};
    return add_slots(table, FIRST_BITS);
}

static void table_put(struct top_table *table, uint64_t slot) {
    size_t mask = ((size_t)1 << table->bits) - 1;
    size_t i = (size_t)(slot >> 32) >> (TABLE_TAG_BITS - table->bits);
    while (table->slots[i] != 0) {
        i = (i + 1) & mask;
    }
    table->slots[i] = slot;
}

static bool table_grow(struct top_table *table) {
    uint64_t *old = table->slots;
    size_t count = (size_t)1 << table->bits;
    if (table->bits == LAST_BITS || !add_slots(table, table->bits + 1)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (i % PAUSE_SLOTS == 0 && top_cancelled(table->cancel)) {
            return false;
        }
        if (old[i] != 0) {
            table_put(table, old[i]);
        }
    }
    top_arena_give(table->arena, old, count * sizeof *old);
    return true;
}

static bool add_slab(struct top_table *table, uint8_t *slab) {
    if (table->slab_count == LAST_SLABS) {
        return false;
    }
    if (table->slab_count == table->slab_capacity) {
        uint32_t capacity = table->slab_capacity ? 2 * table->slab_capacity : FIRST_SLABS;
        uint8_t **slabs = top_arena_take(table->arena, capacity * sizeof *slabs);
        if (!slabs) {
            return false;
        }
        if (table->slab_count > 0) {
            memcpy(slabs, table->slabs, table->slab_count * sizeof *slabs);
            top_arena_give(table->arena, table->slabs, table->slab_capacity * sizeof *slabs);
        }
        table->slabs = slabs;
        table->slab_capacity = capacity;
    }
    table->slabs[table->slab_count++] = slab;
    return true;
}

/* Room for a word of `bytes`, header included, and what may be read behind it. A word that fills much of a slab gets
 * one of its own, and the open one stays open. Nothing stands at place 0, which means a free slot. */
static bool table_make_room(struct top_table *table, size_t bytes, uint32_t *place) {
    size_t units = (bytes + TABLE_UNIT - 1) / TABLE_UNIT, need = (1 + units) * TABLE_UNIT + TABLE_SHORT_BYTES;
    bool own = need > SLAB_BYTES / 4;
    if (own || table->fill * (size_t)TABLE_UNIT + need > table->open_bytes) {
        size_t least = need > SMALLEST_SLAB_BYTES ? need : SMALLEST_SLAB_BYTES, taken;
        uint8_t *slab = top_arena_take_some(table->arena, least, own ? least : SLAB_BYTES, &taken);
        if (!slab || !add_slab(table, slab)) {
            return false;
        }
        if (own) {
            *place = ((table->slab_count - 1) << TABLE_SLAB_BITS) + 1;
            return true;
        }
        table->open = table->slab_count - 1;
        table->open_bytes = taken;
        table->fill = 1;
    }
    *place = (table->open << TABLE_SLAB_BITS) + table->fill;
    table->fill += (uint32_t)units;
    return true;
}

/* A new word with room for `bytes`, counted once. */
static struct top_table_word *table_insert(struct top_table *table, uint32_t tag, size_t bytes) {
    uint32_t place;
    if ((table->used == table->limit && !table_grow(table)) ||
        !table_make_room(table, sizeof(struct top_table_word) + bytes, &place)) {
        return NULL;
    }
    table_put(table, (uint64_t)tag << 32 | place);
    table->used++;
    struct top_table_word *word = top_table_at(table, place);
    word->count = 1;
    return word;
}

bool top_table_insert_short(struct top_table *table, uint32_t tag, const uint8_t *bytes, size_t length) {
    struct top_table_word *word = table_insert(table, tag, length);
    if (word) {
        memcpy(word->bytes, bytes, length);
    }
    return word;
}

static bool insert_long(struct top_table *table, uint32_t tag, struct top_table_text text) {
    const uint64_t length = text.length;
    struct top_table_word *word = table_insert(table, tag, sizeof length + text.length);
    if (!word) {
        return false;
    }
    memcpy(word->bytes, &length, sizeof length);
    return top_long_copy(word->bytes + sizeof length, text.bytes, text.length, table->cancel);
}

struct top_table_text top_table_text(const struct top_table_word *word, uint32_t tag) {
    uint64_t length = tag & TABLE_LENGTH_MASK;
    if (length != TABLE_LONG) {
        return (struct top_table_text){.bytes = word->bytes, .length = length};
    }
    memcpy(&length, word->bytes, sizeof length);
    return (struct top_table_text){.bytes = word->bytes + sizeof length, .length = length};
}

bool top_table_same(struct top_table_text a, struct top_table_text b, const atomic_bool *cancel) {
    return a.length == b.length && top_long_compare(a.bytes, b.bytes, a.length, cancel) == 0;
}

/* Each block is mixed with what came before, under secrets; the last one may overlap its neighbour. Anything once
 * cancelled. */
static uint32_t tag_long(const struct top_table_key *key, struct top_table_text text, const atomic_bool *cancel) {
    uint64_t low = key->secrets[3], high = 0;
    for (size_t at = 0; at < text.length; at += TABLE_SHORT_BYTES) {
        if (at % TOP_PAUSE_BYTES == 0 && at > 0 && top_cancelled(cancel)) {
            break;
        }
        size_t begin = text.length - at < TABLE_SHORT_BYTES ? text.length - TABLE_SHORT_BYTES : at;
        uint64_t a, b;
        memcpy(&a, text.bytes + begin, 8);
        memcpy(&b, text.bytes + begin + 8, 8);
        a ^= low;
        b ^= high ^ key->secrets[2];
        top_table_multiply(&a, &b);
        low = a ^ key->secrets[1];
        high = b ^ key->secrets[0];
    }
    return top_table_tag(key, low, high, text.length);
}

static bool add_long(struct top_table *table, struct top_table_text text) {
    uint32_t tag = tag_long(&table->key, text, table->cancel);
    size_t mask = ((size_t)1 << table->bits) - 1;
    for (size_t i = tag >> (TABLE_TAG_BITS - table->bits); table->slots[i] != 0; i = (i + 1) & mask) {
        struct top_table_word *met = top_table_at(table, (uint32_t)table->slots[i]);
        if (table->slots[i] >> 32 == tag && top_table_same(top_table_text(met, tag), text, table->cancel)) {
            met->count++;
            return true;
        }
    }
    return insert_long(table, tag, text);
}

bool top_table_add(struct top_table *table, const uint8_t *bytes, size_t length) {
    if (length > TABLE_SHORT_BYTES) {
        return add_long(table, (struct top_table_text){.bytes = bytes, .length = length});
    }
    struct top_table_short word = top_table_load_short(bytes, length);
    uint32_t tag = top_table_tag(&table->key, word.low, word.high, length);
    return top_table_bump_short(table, tag, word) || top_table_insert_short(table, tag, bytes, length);
}

#pragma once
/* Internal to kernels/wordcount/top. The longer words that one thread has met, and how often (the others are counted in
 * wordcount_top_brief.h, but nothing here depends on that).
 *
 * Words stand one behind the other in slabs and never move; open addressing finds them by slots of eight bytes, which
 * hold the word's tag and say where it stands. A tag is 27 bits of hash, then the length, where that is at most 16. A
 * slot's place is the tag's topmost bits, or the next free one behind: so growing needs no look at a word, and slots
 * lie in the order of their tags but for a few places, which is what merging tables range by range lives on
 * (wordcount_top_finish.c).
 *
 * The hash is keyed with random numbers for each count: whoever writes a text can't know which words collide. */
#include "kernels/clones.h"
#include "kernels/wordcount/top/wordcount_top_arena.h"
#include "kernels/wordcount/top/wordcount_top_long.h"

#include <string.h>

enum { TABLE_UNIT = 8, TABLE_SLAB_BITS = 13, TABLE_SHORT_BYTES = 16, TABLE_TAG_BITS = 32 };
enum { TABLE_LENGTH_MASK = 31, TABLE_LONG = 31 /* instead of the length of a longer word */ };

struct top_table_word {
    uint64_t count;
    uint8_t bytes[]; /* of a long word: first its length, as a uint64_t. TABLE_SHORT_BYTES bytes may be read always */
};

struct top_table_text {
    const uint8_t *bytes;
    size_t length;
};

struct top_table_key {
    uint64_t secrets[4]; /* random; the third is odd */
};

struct top_table {
    uint64_t *slots; /* tag << 32 | place of the word; 0: free */
    unsigned bits;   /* of the number of slots */
    uint32_t used;
    uint32_t limit;  /* of used, then the table grows */
    uint8_t **slabs; /* a place is slab << TABLE_SLAB_BITS | units from its beginning */
    uint32_t slab_count, slab_capacity;
    uint32_t open, fill; /* the slab that takes words, and its units in use */
    size_t open_bytes;
    struct top_table_key key;
    struct top_arena *arena;
    const atomic_bool *cancel; /* may be NULL, and another one from call to call */
};

/* What is compared of a short word: its bytes, then zeros. */
struct top_table_short {
    uint64_t low, high, low_mask, high_mask;
};

extern const uint8_t top_table_masks[2 * TABLE_SHORT_BYTES];

/* False: memory was refused. `arena` must outlive the table. */
bool top_table_init(struct top_table *table, struct top_arena *arena, struct top_table_key key);

/* Counts one more of a word of any length; TABLE_SHORT_BYTES bytes must be readable. False: memory was refused, or
 * cancelled; the table is of no more use then. */
bool top_table_add(struct top_table *table, const uint8_t *bytes, size_t length);

/* Adds a word of at most TABLE_SHORT_BYTES that isn't there yet, counted once. False as above. */
bool top_table_insert_short(struct top_table *table, uint32_t tag, const uint8_t *bytes, size_t length);

/* A word of that tag. */
struct top_table_text top_table_text(const struct top_table_word *word, uint32_t tag);

/* Anything once cancelled. */
bool top_table_same(struct top_table_text a, struct top_table_text b, const atomic_bool *cancel);

KERNEL_INLINE struct top_table_word *top_table_at(const struct top_table *table, uint32_t place) {
    uint8_t *slab = table->slabs[place >> TABLE_SLAB_BITS];
    return (struct top_table_word *)(void *)(slab + (size_t)(place & ((1U << TABLE_SLAB_BITS) - 1)) * TABLE_UNIT);
}

/* Both halves of the 128-bit product. */
KERNEL_INLINE void top_table_multiply(uint64_t *a, uint64_t *b) {
    __extension__ unsigned __int128 product = (unsigned __int128)*a * *b;
    *a = (uint64_t)product;
    *b = (uint64_t)(product >> 64);
}

/* The second multiplication spreads over the upper half what the first one left below. */
KERNEL_INLINE uint32_t top_table_tag(const struct top_table_key *key, uint64_t low, uint64_t high, size_t length) {
    uint64_t a = low ^ key->secrets[0], b = high ^ (key->secrets[1] + length);
    top_table_multiply(&a, &b);
    uint32_t hash = (uint32_t)((a ^ b) * key->secrets[2] >> 32);
    return (hash & ~(uint32_t)TABLE_LENGTH_MASK) | (uint32_t)(length <= TABLE_SHORT_BYTES ? length : TABLE_LONG);
}

KERNEL_INLINE struct top_table_short top_table_load_short(const uint8_t *bytes, size_t length) {
    struct top_table_short word;
    memcpy(&word.low, bytes, 8);
    memcpy(&word.high, bytes + 8, 8);
    memcpy(&word.low_mask, top_table_masks + TABLE_SHORT_BYTES - length, 8);
    memcpy(&word.high_mask, top_table_masks + TABLE_SHORT_BYTES + 8 - length, 8);
    word.low &= word.low_mask;
    word.high &= word.high_mask;
    return word;
}

/* Counts one more of a word of at most TABLE_SHORT_BYTES that is there already; false if it isn't. */
KERNEL_INLINE bool top_table_bump_short(struct top_table *table, uint32_t tag, struct top_table_short word) {
    const uint64_t *slots = table->slots;
    const unsigned shift = TABLE_TAG_BITS - table->bits;
    uint64_t slot;
    for (size_t i = tag >> shift; (slot = slots[i]) != 0; i = (i + 1) & (UINT32_MAX >> shift)) {
        if (slot >> 32 != tag) {
            continue;
        }
        struct top_table_word *met = top_table_at(table, (uint32_t)slot);
        uint64_t low, high;
        memcpy(&low, met->bytes, 8);
        memcpy(&high, met->bytes + 8, 8);
        if ((((low ^ word.low) & word.low_mask) | ((high ^ word.high) & word.high_mask)) == 0) {
            met->count++;
            return true;
        }
    }
    return false;
}

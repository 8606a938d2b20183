#include "kernels/wordcount/top/wordcount_top_brief.h"

/* Slots are filled to 3/4 at most, as in the other table. */
enum { FIRST_BITS = 6, LAST_BITS = 29 };
enum { PAUSE_BUCKETS = 4 << 10 }; /* moved between two looks at the cancel flag: 0.2 ms */

static bool brief_add_buckets(struct top_brief *brief, unsigned bits) {
    size_t bytes = sizeof *brief->buckets << bits;
    struct top_brief_bucket *buckets = top_arena_take(brief->arena, bytes);
    if (!buckets || !top_long_clear(buckets, bytes, brief->cancel)) {
        return false;
    }
    brief->buckets = buckets;
    brief->bits = bits;
    brief->limit = (uint32_t)(((uint64_t)3 * BRIEF_SLOTS << bits) / 4);
    return true;
}

bool top_brief_init(struct top_brief *brief, struct top_arena *arena, struct top_table_key key) {
    *brief = (struct top_brief){.arena = arena, .key = key};
    return brief_add_buckets(brief, FIRST_BITS);
}

/* The cell of a word, or the free one where it belongs. */
static uint64_t *brief_find(struct top_brief *brief, uint32_t hash, uint64_t word) {
    size_t mask = ((size_t)1 << brief->bits) - 1;
    for (size_t i = hash >> (BRIEF_HASH_BITS - brief->bits);; i = (i + 1) & mask) {
        uint64_t *cells = brief->buckets[i].cells;
        for (unsigned slot = 0; slot < BRIEF_SLOTS; slot++) {
            if (cells[slot] == word || cells[slot] == 0) {
                return &cells[slot];
            }
        }
    }
}

static bool brief_grow(struct top_brief *brief) {
    struct top_brief_bucket *old = brief->buckets;
    size_t count = (size_t)1 << brief->bits;
    if (brief->bits == LAST_BITS || !brief_add_buckets(brief, brief->bits + 1)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (i % PAUSE_BUCKETS == 0 && top_cancelled(brief->cancel)) {
            return false;
        }
        const uint64_t *cells = old[i].cells;
        for (unsigned slot = 0; slot < BRIEF_SLOTS && cells[slot] != 0; slot++) {
            uint64_t *cell = brief_find(brief, top_brief_hash(&brief->key, cells[slot]), cells[slot]);
            cell[0] = cells[slot];
            cell[BRIEF_SLOTS] = cells[slot + BRIEF_SLOTS];
        }
    }
    top_arena_give(brief->arena, old, count * sizeof *old);
    return true;
}

bool top_brief_add(struct top_brief *brief, uint32_t hash, uint64_t word) {
    uint64_t *cell = brief_find(brief, hash, word);
    if (*cell == 0) {
        if (brief->used == brief->limit) {
            if (!brief_grow(brief)) {
                return false;
            }
            cell = brief_find(brief, hash, word);
        }
        *cell = word;
        brief->used++;
    }
    cell[BRIEF_SLOTS]++;
    return true;
}

/* Which slot has the word is computed, not searched for: a search would guess wrong. */
KERNEL_CLONES
bool top_brief_count_portable(struct top_brief *brief, const uint8_t *lower, const uint16_t *edges, size_t runs,
                              uint16_t *longer, size_t *longer_runs) {
    const struct top_table_key key = brief->key;
    size_t left = 0;
    for (const uint16_t *edge = edges; edge < edges + 2 * runs; edge += 2) {
        size_t start = edge[0], length = edge[1] - start;
        if (length > BRIEF_BYTES) {
            memcpy(longer + 2 * left++, edge, 2 * sizeof *edge);
            continue;
        }
        uint64_t word = top_brief_word(lower + start, length);
        uint32_t hash = top_brief_hash(&key, word);
        uint64_t *cells = brief->buckets[hash >> (BRIEF_HASH_BITS - brief->bits)].cells;
        size_t slot = (cells[1] == word) + 2U * (cells[2] == word) + 3U * (cells[3] == word);
        if (cells[slot] == word) {
            cells[slot + BRIEF_SLOTS]++;
        } else if (!top_brief_add(brief, hash, word)) {
            return false;
        }
    }
    *longer_runs = left;
    return true;
}

bool top_brief_count(struct top_brief *brief, const uint8_t *lower, const uint16_t *edges, size_t runs,
                     uint16_t *longer, size_t *longer_runs) {
#if BRIEF_HAS_AVX512
    if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq")) {
        return top_brief_count_avx512(brief, lower, edges, runs, longer, longer_runs);
    }
#endif
    return top_brief_count_portable(brief, lower, edges, runs, longer, longer_runs);
}

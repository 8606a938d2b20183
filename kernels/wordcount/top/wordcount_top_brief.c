#include "kernels/wordcount/top/wordcount_top_brief.h"

/* Slots are filled to 3/4 at most, as in the other table. */
enum { FIRST_BITS = 6, LAST_BITS = 29 };
enum { PAUSE_BUCKETS = 4 << 10 }; /* moved between two looks at the cancel flag: 0.2 ms */

static size_t segment_bytes(unsigned bits) {
    return sizeof(struct top_brief_bucket) << (bits < BRIEF_SEGMENT_BITS ? bits : BRIEF_SEGMENT_BITS);
}

static size_t segment_count(unsigned bits) {
    return ((((size_t)1 << bits) - 1) >> BRIEF_SEGMENT_BITS) + 1;
}

/* A table of so many buckets, but without its segments. */
static bool brief_resize(struct top_brief *brief, unsigned bits) {
    struct top_brief_bucket **segments = top_arena_take(brief->arena, segment_count(bits) * sizeof *segments);
    if (!segments) {
        return false;
    }
    brief->segments = segments;
    brief->bits = bits;
    brief->limit = (uint32_t)(((uint64_t)3 * BRIEF_SLOTS << bits) / 4);
    return true;
}

static bool brief_add_segment(struct top_brief *brief, size_t place) {
    brief->segments[place] = top_arena_take(brief->arena, segment_bytes(brief->bits));
    return brief->segments[place] && top_long_clear(brief->segments[place], segment_bytes(brief->bits), brief->cancel);
}

bool top_brief_init(struct top_brief *brief, struct top_arena *arena, struct top_table_key key) {
    *brief = (struct top_brief){.arena = arena, .key = key};
    return brief_resize(brief, FIRST_BITS) && brief_add_segment(brief, 0);
}

/* The cell of a word, or the free one where it belongs. */
static uint64_t *brief_find(struct top_brief *brief, uint32_t hash, uint64_t word) {
    size_t mask = ((size_t)1 << brief->bits) - 1;
    for (size_t i = hash >> (BRIEF_HASH_BITS - brief->bits);; i = (i + 1) & mask) {
        uint64_t *cells = top_brief_cells(brief, i);
        for (unsigned slot = 0; slot < BRIEF_SLOTS; slot++) {
            if (cells[slot] == word || cells[slot] == 0) {
                return &cells[slot];
            }
        }
    }
}

static bool brief_move(struct top_brief *brief, const struct top_brief_bucket *buckets, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (i % PAUSE_BUCKETS == 0 && top_cancelled(brief->cancel)) {
            return false;
        }
        const uint64_t *cells = buckets[i].cells;
        for (unsigned slot = 0; slot < BRIEF_SLOTS && cells[slot] != 0; slot++) {
            uint64_t *cell = brief_find(brief, top_brief_hash(&brief->key, cells[slot]), cells[slot]);
            cell[0] = cells[slot];
            cell[BRIEF_SLOTS] = cells[slot + BRIEF_SLOTS];
        }
    }
    return true;
}

/* A segment's words go to the two that take its place. Some find their bucket full and go to the next one behind these,
 * so that one is there as well (never further: a segment is not full, nor nearly), and so is the last one, where words
 * may have come from. */
static bool brief_grow(struct top_brief *brief) {
    const struct top_brief old = *brief;
    size_t added = 0, last = segment_count(old.bits + 1) - 1;
    if (old.bits == LAST_BITS || !brief_resize(brief, old.bits + 1) || !brief_add_segment(brief, last)) {
        return false;
    }
    for (size_t i = 0; i < segment_count(old.bits); i++) {
        for (; added < last && added < 2 * i + 3; added++) {
            if (!brief_add_segment(brief, added)) {
                return false;
            }
        }
        if (!brief_move(brief, old.segments[i], segment_bytes(old.bits) / sizeof **old.segments)) {
            return false;
        }
        top_arena_give(brief->arena, old.segments[i], segment_bytes(old.bits));
    }
    top_arena_give(brief->arena, old.segments, segment_count(old.bits) * sizeof *old.segments);
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
        uint64_t *cells = top_brief_cells(brief, hash >> (BRIEF_HASH_BITS - brief->bits));
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

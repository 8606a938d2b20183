/* Adds up what the workers have met, and finds the most frequent.
 *
 * The range of hashes is cut into partitions of a few thousand words. In every table a partition's words are
 * neighbours, so a thread collects it by walking a short stretch of each, into a small table that stays in its cache
 * and serves one partition after the other: first the brief words, then the longer ones. Of a word met by several
 * workers the first one's entry gets the sum, so the merged words need no memory of their own. Where a single worker
 * has words of a kind there is nothing to add up. */
#include "kernels/wordcount/top/wordcount_top_best.h"
#include "kernels/wordcount/top/wordcount_top_state.h"

/* Words per partition: 128 KiB of the small table, which a second-level cache holds. */
enum { PARTITION_WORDS = 2048, LAST_PARTITION_BITS = 20 };

struct merged {
    void *entry;  /* a struct top_table_word, or the cell of a brief word; NULL: free */
    uint64_t tag; /* of the one, and the other's word */
};

/* What a thread has for merging. */
struct merger {
    alignas(64) struct top_arena arena; /* a worker's, which counts no more */
    struct merged *slots;
    unsigned bits;
    struct top_best best;
};

struct merging {
    struct wordcount_top *top;
    unsigned tables, briefs; /* with words in them */
    unsigned partition_bits;
    atomic_uint_fast64_t distinct;
    struct merger *mergers;
};

/* The hashes of one partition. */
struct range {
    uint64_t first, last;
};

static struct range partition_range(const struct merging *merging, size_t partition) {
    unsigned below = TABLE_TAG_BITS - merging->partition_bits;
    return (struct range){.first = (uint64_t)partition << below, .last = ((uint64_t)(partition + 1) << below) - 1};
}

/* Walks the slots of one partition. */
struct walk {
    const struct top_table *table;
    struct range range;
    size_t at, steps, least_steps;
};

static struct walk start_walk(const struct top_table *table, struct range range) {
    struct walk walk = {.table = table, .range = range};
    walk.at = range.first >> (TABLE_TAG_BITS - table->bits);
    walk.least_steps = (range.last >> (TABLE_TAG_BITS - table->bits)) - walk.at + 1;
    return walk;
}

/* The next slot, 0 at the end. Words may stand behind their range, where it was full, but behind no free slot; at the
 * end of the table that goes on at its beginning. No table is full, so it ends before it meets itself. */
static uint64_t next_slot(struct walk *walk) {
    size_t count = (size_t)1 << walk->table->bits;
    while (walk->steps < count) {
        uint64_t slot = walk->table->slots[walk->at];
        walk->at = (walk->at + 1) & (count - 1);
        if (slot == 0 && walk->steps >= walk->least_steps) {
            break;
        }
        walk->steps++;
        if (slot != 0 && slot >> 32 >= walk->range.first && slot >> 32 <= walk->range.last) {
            return slot;
        }
    }
    walk->steps = count;
    return 0;
}

/* The same of brief words, slot by slot. */
struct brief_walk {
    struct top_brief *brief;
    struct range range;
    size_t at, steps, least_steps;
};

static struct brief_walk start_brief_walk(struct top_brief *brief, struct range range) {
    struct brief_walk walk = {.brief = brief, .range = range};
    size_t first = range.first >> (BRIEF_HASH_BITS - brief->bits), last = range.last >> (BRIEF_HASH_BITS - brief->bits);
    walk.at = first * BRIEF_SLOTS;
    walk.least_steps = (last - first + 1) * BRIEF_SLOTS;
    return walk;
}

/* The cell of the next word, NULL at the end; as next_slot, since within a bucket free slots are the last. */
static uint64_t *next_brief(struct brief_walk *walk, uint32_t *hash) {
    size_t count = (size_t)BRIEF_SLOTS << walk->brief->bits;
    while (walk->steps < count) {
        uint64_t *cell = &top_brief_cells(walk->brief, walk->at / BRIEF_SLOTS)[walk->at % BRIEF_SLOTS];
        walk->at = (walk->at + 1) & (count - 1);
        if (*cell == 0 && walk->steps >= walk->least_steps) {
            break;
        }
        walk->steps++;
        if (*cell != 0) {
            *hash = top_brief_hash(&walk->brief->key, *cell);
            if (*hash >= walk->range.first && *hash <= walk->range.last) {
                return cell;
            }
        }
    }
    walk->steps = count;
    return NULL;
}

/* An empty small table that the partition's words fill to at most one half. */
static bool merger_clear(struct merger *merger, size_t words) {
    if (merger->bits == 0 || (words << 1) >> merger->bits > 0) {
        unsigned bits = merger->bits > 0 ? merger->bits : 1;
        while ((words << 1) >> bits > 0) {
            bits++;
        }
        struct merged *slots = top_arena_take(&merger->arena, sizeof *slots << bits);
        if (!slots) {
            return false;
        }
        if (merger->slots) {
            top_arena_give(&merger->arena, merger->slots, sizeof *slots << merger->bits);
        }
        merger->slots = slots;
        merger->bits = bits;
    }
    memset(merger->slots, 0, sizeof *merger->slots << merger->bits);
    return true;
}

/* The hash's bits below the partition's are the place in the small table. */
static size_t merger_place(const struct merging *merging, const struct merger *merger, uint64_t hash) {
    return (hash << merging->partition_bits & UINT32_MAX) >> (TABLE_TAG_BITS - merger->bits);
}

/* Adds a word's count to that of its like; true if it is the first. */
static bool merger_add(const struct merging *merging, struct merger *merger, struct top_table_word *word,
                       uint64_t tag) {
    size_t mask = ((size_t)1 << merger->bits) - 1, at = merger_place(merging, merger, tag);
    struct top_table_text text = top_table_text(word, (uint32_t)tag);
    for (; merger->slots[at].entry; at = (at + 1) & mask) {
        struct top_table_word *met = merger->slots[at].entry;
        if (merger->slots[at].tag == tag &&
            top_table_same(top_table_text(met, (uint32_t)tag), text, merging->top->cancel)) {
            met->count += word->count;
            return false;
        }
    }
    merger->slots[at] = (struct merged){.entry = word, .tag = tag};
    return true;
}

static bool merger_add_brief(const struct merging *merging, struct merger *merger, uint64_t *cell, uint32_t hash) {
    size_t mask = ((size_t)1 << merger->bits) - 1, at = merger_place(merging, merger, hash);
    for (; merger->slots[at].entry; at = (at + 1) & mask) {
        if (merger->slots[at].tag == *cell) {
            uint64_t *met = merger->slots[at].entry;
            met[BRIEF_SLOTS] += cell[BRIEF_SLOTS];
            return false;
        }
    }
    merger->slots[at] = (struct merged){.entry = cell, .tag = *cell};
    return true;
}

static bool offer_word(struct merger *merger, const struct top_table_word *word, uint64_t tag) {
    return top_best_offer(&merger->best, &merger->arena, top_table_text(word, (uint32_t)tag), word->count);
}

static bool offer_brief(struct merger *merger, const uint64_t *cell) {
    return top_best_offer(&merger->best, &merger->arena, top_brief_text(cell), cell[BRIEF_SLOTS]);
}

static bool merge_words(struct merging *merging, struct merger *merger, struct range range, uint64_t *distinct) {
    struct wordcount_top *top = merging->top;
    size_t words = 0;
    for (unsigned i = 0; i < top->threads; i++) {
        if (top->workers[i].table.used > 0) {
            struct walk walk = start_walk(&top->workers[i].table, range);
            while (next_slot(&walk) != 0) {
                words++;
            }
        }
    }
    if (!merger_clear(merger, words)) {
        return false;
    }
    for (unsigned i = 0; i < top->threads; i++) {
        const struct top_table *table = &top->workers[i].table;
        if (table->used > 0) {
            struct walk walk = start_walk(table, range);
            for (uint64_t slot; (slot = next_slot(&walk)) != 0;) {
                *distinct += merger_add(merging, merger, top_table_at(table, (uint32_t)slot), slot >> 32);
            }
        }
    }
    for (size_t i = 0; i < (size_t)1 << merger->bits; i++) {
        if (merger->slots[i].entry && !offer_word(merger, merger->slots[i].entry, merger->slots[i].tag)) {
            return false;
        }
    }
    return true;
}

static bool merge_briefs(struct merging *merging, struct merger *merger, struct range range, uint64_t *distinct) {
    struct wordcount_top *top = merging->top;
    size_t words = 0;
    uint32_t hash;
    for (unsigned i = 0; i < top->threads; i++) {
        if (top->workers[i].brief.used > 0) {
            struct brief_walk walk = start_brief_walk(&top->workers[i].brief, range);
            while (next_brief(&walk, &hash)) {
                words++;
            }
        }
    }
    if (!merger_clear(merger, words)) {
        return false;
    }
    for (unsigned i = 0; i < top->threads; i++) {
        if (top->workers[i].brief.used > 0) {
            struct brief_walk walk = start_brief_walk(&top->workers[i].brief, range);
            for (uint64_t *cell; (cell = next_brief(&walk, &hash));) {
                *distinct += merger_add_brief(merging, merger, cell, hash);
            }
        }
    }
    for (size_t i = 0; i < (size_t)1 << merger->bits; i++) {
        if (merger->slots[i].entry && !offer_brief(merger, merger->slots[i].entry)) {
            return false;
        }
    }
    return true;
}

/* Of tables whose words are all different. */
static bool collect_words(struct merging *merging, struct merger *merger, struct range range, uint64_t *distinct) {
    struct wordcount_top *top = merging->top;
    for (unsigned i = 0; i < top->threads; i++) {
        const struct top_table *table = &top->workers[i].table;
        if (table->used > 0) {
            struct walk walk = start_walk(table, range);
            for (uint64_t slot; (slot = next_slot(&walk)) != 0; (*distinct)++) {
                if (!offer_word(merger, top_table_at(table, (uint32_t)slot), slot >> 32)) {
                    return false;
                }
            }
        }
    }
    return true;
}

static bool collect_briefs(struct merging *merging, struct merger *merger, struct range range, uint64_t *distinct) {
    struct wordcount_top *top = merging->top;
    uint32_t hash;
    for (unsigned i = 0; i < top->threads; i++) {
        if (top->workers[i].brief.used > 0) {
            struct brief_walk walk = start_brief_walk(&top->workers[i].brief, range);
            for (const uint64_t *cell; (cell = next_brief(&walk, &hash)); (*distinct)++) {
                if (!offer_brief(merger, cell)) {
                    return false;
                }
            }
        }
    }
    return true;
}

static void merge_partitions(void *context, size_t begin, size_t end) {
    struct merging *merging = context;
    struct merger *merger = &merging->mergers[team_thread()];
    uint64_t distinct = 0;
    for (size_t i = begin; i < end && !top_stopped(merging->top); i++) {
        struct range range = partition_range(merging, i);
        bool done = merging->briefs > 1 ? merge_briefs(merging, merger, range, &distinct)
                                        : collect_briefs(merging, merger, range, &distinct);
        done = done && (merging->tables > 1 ? merge_words(merging, merger, range, &distinct)
                                            : collect_words(merging, merger, range, &distinct));
        if (!done) {
            top_stop(merging->top, KERNEL_NO_MEMORY);
        }
    }
    atomic_fetch_add_explicit(&merging->distinct, distinct, memory_order_relaxed);
}

/* The best of all threads' best, in order. */
static bool finish_gather(struct merging *merging, size_t count, struct wordcount_top_entry *entries) {
    struct wordcount_top *top = merging->top;
    struct merger *mergers = merging->mergers;
    size_t total = 0;
    for (unsigned i = 0; i < top->threads; i++) {
        total += mergers[i].best.count;
    }
    struct top_order_word *words = top_arena_take(&top->arena, total * sizeof *words);
    if (!words) {
        return false;
    }
    total = 0;
    for (unsigned i = 0; i < top->threads; i++) {
        if (mergers[i].best.count > 0 &&
            !top_long_copy(words + total, mergers[i].best.words, mergers[i].best.count * sizeof *words, top->cancel)) {
            return false;
        }
        total += mergers[i].best.count;
    }
    top_order_first(words, total, count, true, &mergers[0].best.random, top->cancel);
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct wordcount_top_entry){
            .bytes = (const char *)words[i].text.bytes,
            .length = words[i].text.length,
            .count = words[i].count,
        };
    }
    return true;
}

static bool finish_start(struct merging *merging, size_t k) {
    struct wordcount_top *top = merging->top;
    merging->mergers = top_arena_take(&top->arena, top->threads * sizeof *merging->mergers);
    if (!merging->mergers) {
        return false;
    }
    uint64_t words = 0;
    for (unsigned i = 0; i < top->threads; i++) {
        const struct top_worker *worker = &top->workers[i];
        const struct top_best best = {.k = k, .random = top->key.secrets[i % 4] | 1, .cancel = top->cancel};
        merging->mergers[i] = (struct merger){.arena = worker->arena, .best = best};
        merging->tables += worker->table.used > 0;
        merging->briefs += worker->brief.used > 0;
        words += worker->table.used + (uint64_t)worker->brief.used;
    }
    while (words >> merging->partition_bits > PARTITION_WORDS && merging->partition_bits < LAST_PARTITION_BITS) {
        merging->partition_bits++;
    }
    return true;
}

enum kernel_status wordcount_top_finish(struct wordcount_top *top, size_t k, const struct team *team,
                                        const struct progress *progress, struct wordcount_top_entry *entries,
                                        size_t *entry_count, uint64_t *distinct, uint64_t *words) {
    struct merging merging = {.top = top};
    top->cancel = progress->cancel;
    if (!finish_start(&merging, k)) {
        return KERNEL_NO_MEMORY;
    }
    const struct team whole = {.threads = team->threads, .schedule = team->schedule};
    const struct progress quiet = {.cancel = progress->cancel, .cpu_ns = progress->cpu_ns};
    enum kernel_status status =
        team_for(&whole, &quiet, (size_t)1 << merging.partition_bits, 1, merge_partitions, &merging);
    if (status != KERNEL_DONE || top_stopped(top)) {
        return top_status(top, status);
    }
    *words = 0;
    for (unsigned i = 0; i < top->threads; i++) {
        *words += top->workers[i].words;
    }
    *distinct = atomic_load_explicit(&merging.distinct, memory_order_relaxed);
    *entry_count = k < *distinct ? k : (size_t)*distinct;
    bool gathered = *entry_count == 0 || finish_gather(&merging, *entry_count, entries);
    return top_status(top, gathered ? KERNEL_DONE : KERNEL_NO_MEMORY);
}

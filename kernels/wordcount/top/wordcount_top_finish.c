/* Adds up what the workers have met, and finds the most frequent.
 *
 * The range of tags is cut into partitions of a few thousand words. In every table a partition's slots are
 * neighbours, so a thread collects it by walking a short stretch of each, into a small table that stays in its cache
 * and serves one partition after the other. Of a word met by several workers the first one's entry gets the sum, so the
 * merged words need no memory of their own.
 *
 * Each thread keeps its best k: it collects up to twice as many, then drops the worse half, and from then on takes only
 * words that come before the worst one kept. */
#include "kernels/wordcount/top/wordcount_top_order.h"
#include "kernels/wordcount/top/wordcount_top_state.h"

#include <omp.h>

/* Words per partition: 128 KiB of the small table, which a second-level cache holds. */
enum { PARTITION_WORDS = 2048, LAST_PARTITION_BITS = 20, LEAST_KEPT = 512 };

struct merged {
    struct top_table_word *word;
    uint64_t tag;
};

/* What a thread has for merging. */
struct merger {
    alignas(64) struct top_arena arena; /* a worker's, which counts no more */
    struct merged *slots;
    unsigned bits;
    struct top_order_word *best;
    size_t best_count, best_capacity;
    struct top_order_word bar; /* words behind it aren't among the best; no text: there is none yet */
    uint64_t random;
};

struct merging {
    struct wordcount_top *top;
    const struct top_table **tables; /* with words in them */
    unsigned top_table_count;
    unsigned partition_bits;
    size_t k;
    atomic_uint_fast64_t distinct;
    struct merger *mergers;
};

/* Walks the slots of one partition. */
struct walk {
    const struct top_table *table;
    uint64_t first_tag, last_tag;
    size_t at, steps, least_steps;
};

static struct walk start_walk(const struct top_table *table, size_t partition, unsigned partition_bits) {
    struct walk walk = {.table = table};
    walk.first_tag = (uint64_t)partition << (TABLE_TAG_BITS - partition_bits);
    walk.last_tag = ((uint64_t)(partition + 1) << (TABLE_TAG_BITS - partition_bits)) - 1;
    walk.at = walk.first_tag >> (TABLE_TAG_BITS - table->bits);
    walk.least_steps = (walk.last_tag >> (TABLE_TAG_BITS - table->bits)) - walk.at + 1;
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
        if (slot != 0 && slot >> 32 >= walk->first_tag && slot >> 32 <= walk->last_tag) {
            return slot;
        }
    }
    walk->steps = count;
    return 0;
}

/* Keeps the best k if there is no room for more than twice that, and else makes room. */
static bool merger_make_room(struct merger *merger, size_t k, const atomic_bool *cancel) {
    size_t most = (k > LEAST_KEPT ? k : LEAST_KEPT) * 2;
    if (merger->best_capacity >= most) {
        top_order_first(merger->best, merger->best_count, k, false, &merger->random, cancel);
        merger->best_count = k;
        merger->bar = merger->best[0];
        for (size_t i = 1; i < k && !(i % ORDER_PAUSE_WORDS == 0 && top_cancelled(cancel)); i++) {
            if (top_order_before(&merger->bar, &merger->best[i], cancel)) {
                merger->bar = merger->best[i];
            }
        }
        return true;
    }
    size_t capacity = merger->best_capacity > 0 ? merger->best_capacity * 2 : LEAST_KEPT;
    capacity = capacity < most ? capacity : most;
    struct top_order_word *best = top_arena_take(&merger->arena, capacity * sizeof *best);
    if (!best) {
        return false;
    }
    if (merger->best) {
        if (!top_long_copy(best, merger->best, merger->best_count * sizeof *best, cancel)) {
            return false;
        }
        top_arena_give(&merger->arena, merger->best, merger->best_capacity * sizeof *best);
    }
    merger->best = best;
    merger->best_capacity = capacity;
    return true;
}

static bool merger_offer(struct merger *merger, const struct top_table_word *word, uint64_t tag, size_t k,
                         const atomic_bool *cancel) {
    if (k == 0 || word->count < merger->bar.count) {
        return true;
    }
    struct top_order_word order = top_order_word(top_table_text(word, (uint32_t)tag), word->count);
    if (merger->bar.text.bytes && top_order_before(&merger->bar, &order, cancel)) {
        return true;
    }
    if (merger->best_count == merger->best_capacity && !merger_make_room(merger, k, cancel)) {
        return false;
    }
    merger->best[merger->best_count++] = order;
    return true;
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

/* Adds a word's count to that of its like; true if it is the first. */
static bool merger_add(struct merger *merger, unsigned partition_bits, struct top_table_word *word, uint64_t tag,
                       const atomic_bool *cancel) {
    size_t mask = ((size_t)1 << merger->bits) - 1;
    size_t at = (tag << partition_bits & UINT32_MAX) >> (TABLE_TAG_BITS - merger->bits);
    for (; merger->slots[at].word; at = (at + 1) & mask) {
        struct merged *met = &merger->slots[at];
        if (met->tag == tag &&
            top_table_same(top_table_text(met->word, (uint32_t)tag), top_table_text(word, (uint32_t)tag), cancel)) {
            met->word->count += word->count;
            return false;
        }
    }
    merger->slots[at] = (struct merged){.word = word, .tag = tag};
    return true;
}

static bool finish_merge(struct merging *merging, struct merger *merger, size_t partition, uint64_t *distinct) {
    size_t words = 0;
    for (unsigned i = 0; i < merging->top_table_count; i++) {
        struct walk walk = start_walk(merging->tables[i], partition, merging->partition_bits);
        while (next_slot(&walk) != 0) {
            words++;
        }
    }
    if (!merger_clear(merger, words)) {
        return false;
    }
    for (unsigned i = 0; i < merging->top_table_count; i++) {
        const struct top_table *table = merging->tables[i];
        struct walk walk = start_walk(table, partition, merging->partition_bits);
        for (uint64_t slot; (slot = next_slot(&walk)) != 0;) {
            *distinct += merger_add(merger, merging->partition_bits, top_table_at(table, (uint32_t)slot), slot >> 32,
                                    merging->top->cancel);
        }
    }
    for (size_t i = 0; i < (size_t)1 << merger->bits; i++) {
        if (merger->slots[i].word &&
            !merger_offer(merger, merger->slots[i].word, merger->slots[i].tag, merging->k, merging->top->cancel)) {
            return false;
        }
    }
    return true;
}

/* Of the only table, whose words are all different. */
static bool finish_collect(struct merging *merging, struct merger *merger, size_t partition, uint64_t *distinct) {
    const struct top_table *table = merging->tables[0];
    struct walk walk = start_walk(table, partition, merging->partition_bits);
    for (uint64_t slot; (slot = next_slot(&walk)) != 0; (*distinct)++) {
        if (!merger_offer(merger, top_table_at(table, (uint32_t)slot), slot >> 32, merging->k, merging->top->cancel)) {
            return false;
        }
    }
    return true;
}

static void merge_partitions(void *context, size_t begin, size_t end) {
    struct merging *merging = context;
    struct merger *merger = &merging->mergers[omp_get_thread_num()];
    uint64_t distinct = 0;
    for (size_t i = begin; i < end && !top_stopped(merging->top); i++) {
        bool done = merging->top_table_count == 1 ? finish_collect(merging, merger, i, &distinct)
                                                  : finish_merge(merging, merger, i, &distinct);
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
        total += mergers[i].best_count;
    }
    struct top_order_word *words = top_arena_take(&top->arena, total * sizeof *words);
    if (!words) {
        return false;
    }
    total = 0;
    for (unsigned i = 0; i < top->threads; i++) {
        if (mergers[i].best_count > 0 &&
            !top_long_copy(words + total, mergers[i].best, mergers[i].best_count * sizeof *words, top->cancel)) {
            return false;
        }
        total += mergers[i].best_count;
    }
    top_order_first(words, total, count, true, &mergers[0].random, top->cancel);
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct wordcount_top_entry){
            .bytes = (const char *)words[i].text.bytes,
            .length = words[i].text.length,
            .count = words[i].count,
        };
    }
    return true;
}

static bool finish_start(struct merging *merging) {
    struct wordcount_top *top = merging->top;
    merging->mergers = top_arena_take(&top->arena, top->threads * sizeof *merging->mergers);
    merging->tables = top_arena_take(&top->arena, top->threads * sizeof *merging->tables);
    if (!merging->mergers || !merging->tables) {
        return false;
    }
    uint64_t words = 0;
    for (unsigned i = 0; i < top->threads; i++) {
        struct top_worker *worker = &top->workers[i];
        merging->mergers[i] = (struct merger){.arena = worker->arena, .random = top->key.secrets[i % 4] | 1};
        if (worker->table.used > 0) {
            merging->tables[merging->top_table_count++] = &worker->table;
        }
        words += worker->table.used;
    }
    while (words >> merging->partition_bits > PARTITION_WORDS && merging->partition_bits < LAST_PARTITION_BITS) {
        merging->partition_bits++;
    }
    return true;
}

enum kernel_status wordcount_top_finish(struct wordcount_top *top, size_t k, const struct team *team,
                                        const struct progress *progress, struct wordcount_top_entry *entries,
                                        size_t *entry_count, uint64_t *distinct, uint64_t *words) {
    struct merging merging = {.top = top, .k = k};
    top->cancel = progress->cancel;
    if (!finish_start(&merging)) {
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

/* Texts and words made to cost as much as they can, against what the kernels predict: the prediction decides what runs
 * on an event loop, so nothing may cost many times of it. Every text meets every set of words, all ways of matching,
 * totals and frequencies; for each way of counting the text that exceeds its prediction most is printed. Of a WAY that
 * is named every pair is, and nothing else is run.
 *
 *   hostile [KILOBYTES [WAY]]
 *
 * One thread, the best of some runs; memory is in place before. Exit status 1 where anything exceeds its prediction
 * LIMIT times or more. */
#include "bench/hostile_inputs.h"
#include "kernels/wordcount/search/wordcount_stream.h"
#include "kernels/wordcount/top/wordcount_top.h"
#include "kernels/wordcount/totals/wordcount_totals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What the handler adds for an entry that is sorted and printed. */
#define ENTRY_NS 100.0

#define LIMIT 3.0
enum { ROUNDS = 30, TOP_MOST = 100000 };

static const struct progress nothing_watched = {0};
static const struct team alone = {.threads = 1};

/* The thread's own time: other programs may run. */
static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void insist(enum kernel_status status) {
    if (status) {
        abort();
    }
}

/* ---- counting --------------------------------------------------------------------------------------------------- */

struct pool {
    struct wordcount_memory memory;
    char *bytes;
    size_t used, size;
};

static void *pool_take(struct wordcount_memory *memory, size_t bytes) {
    struct pool *pool = (struct pool *)(void *)memory;
    char *block = pool->bytes + pool->used;
    pool->used += bytes;
    return pool->used <= pool->size ? block : NULL;
}

static struct pool pool = {.memory = {.take = pool_take}};
static struct wordcount_top_entry *entries;
static size_t top_limit;

/* The matches first for one word, then for several. */
enum way { WORD_EXACT, WORD_LETTERS, WORD_WORDS, WORDS_EXACT, WORDS_LETTERS, WORDS_WORDS, TOTALS, TOP, WAYS };
static const char *const way_names[WAYS] = {"word exact",    "word letters", "word words", "words exact",
                                            "words letters", "words words",  "totals",     "top"};

/* Through the windows' interface, as handlers do, words set up included. */
static void count_word(const char *text, const struct wordcount_needle *needle, enum wordcount_match match) {
    static char *carry;
    struct wordcount_stream stream;
    carry = realloc(carry, wordcount_stream_carry_bytes(needle->length));
    wordcount_stream_init(&stream, needle->bytes, needle->length, match, carry);
    insist(wordcount_stream_feed(&stream, text, length, true, &alone, &nothing_watched));
}

static void count_words(const char *text, const struct set *set, enum wordcount_match match) {
    static void *memory;
    struct wordcount_many_stream stream;
    uint64_t counts[WORDCOUNT_MANY_MAX];
    memory = realloc(memory, wordcount_many_memory_bytes(set->needles, set->count));
    wordcount_many_init(&stream, set->needles, set->count, match, memory, counts);
    insist(wordcount_many_feed(&stream, text, length, true, &alone, &nothing_watched));
}

static void count_top(const char *text) {
    size_t count;
    uint64_t distinct, words;
    pool.used = 0;
    struct wordcount_top *top = wordcount_top_new(&pool.memory, 1);
    insist(wordcount_top_feed(top, text, length, true, &alone, &nothing_watched));
    insist(wordcount_top_finish(top, top_limit, &alone, &nothing_watched, entries, &count, &distinct, &words));
}

static enum wordcount_match match_of(enum way way) {
    return (enum wordcount_match)(way < WORDS_EXACT ? way - WORD_EXACT : way - WORDS_EXACT);
}

static void run(enum way way, const char *text, const struct set *set) {
    struct wordcount_totals totals;
    if (way < WORDS_EXACT) {
        count_word(text, &set->needles[0], match_of(way));
    } else if (way < TOTALS) {
        count_words(text, set, match_of(way));
    } else if (way == TOTALS) {
        insist(wordcount_totals(text, length, &alone, &nothing_watched, &totals));
    } else {
        count_top(text);
    }
}

static double predict(enum way way, const struct set *set) {
    if (way < WORDS_EXACT) {
        return (double)wordcount_cost_ns(length, set->needles[0].length, match_of(way));
    }
    if (way < TOTALS) {
        return (double)wordcount_many_cost_ns(length, set->needles, set->count, match_of(way));
    }
    if (way == TOTALS) {
        return (double)wordcount_totals_cost_ns(length);
    }
    return (double)wordcount_top_cost_ns(length) + ENTRY_NS * (double)(length / 2 < top_limit ? length / 2 : top_limit);
}

/* One way of counting, with one set of words, of all texts. */
struct row {
    enum way way;
    const struct set *set; /* NULL: no words */
    size_t top_limit;
    double best_ns[TEXTS_MAX];
};

static struct row rows[WAYS * SETS_MAX];
static size_t row_count;

static void add_row(enum way way, const struct set *set, size_t limit, const char *only) {
    if (only && strcmp(only, way_names[way]) != 0) {
        return;
    }
    struct row *row = &rows[row_count++];
    *row = (struct row){.way = way, .set = set, .top_limit = limit};
    for (size_t t = 0; t < text_count; t++) {
        row->best_ns[t] = 1e30;
    }
}

/* Rows are run in turn, so that a machine that is busy for a while spoils none of them. */
static void measure(void) {
    for (size_t r = 0; r < row_count; r++) {
        struct row *row = &rows[r];
        top_limit = row->top_limit;
        for (size_t t = 0; t < text_count; t++) {
            for (int time = 0; time < 2; time++) { /* the second one finds the text in the cache */
                double start = now_ns();
                run(row->way, texts[t].bytes, row->set);
                double taken = now_ns() - start;
                row->best_ns[t] = taken < row->best_ns[t] ? taken : row->best_ns[t];
            }
        }
    }
}

/* Prints the worst text, or all; returns how many times the prediction it takes. */
static double print(const struct row *row, bool print_all) {
    top_limit = row->top_limit;
    double predicted = predict(row->way, row->set);
    const char *words = row->set ? row->set->name : "";
    size_t worst = 0;
    for (size_t t = 0; t < text_count; t++) {
        if (print_all) {
            printf("  %-13s %-16s %-20s %7.3f %6.2f\n", way_names[row->way], words, texts[t].name,
                   row->best_ns[t] / (double)length, row->best_ns[t] / predicted);
        }
        worst = row->best_ns[t] > row->best_ns[worst] ? t : worst;
    }
    double ratio = row->best_ns[worst] / predicted;
    printf("%-13s %-16s %-20s %7.3f ns a byte, predicted %6.3f: %5.2f times%s\n", way_names[row->way], words,
           texts[worst].name, row->best_ns[worst] / (double)length, predicted / (double)length, ratio,
           ratio > LIMIT ? " !" : "");
    return ratio;
}

static void plan(const char *only) {
    for (enum way way = WORD_EXACT; way < TOTALS; way++) {
        for (size_t s = 0; s < set_count; s++) {
            if (way >= WORDS_EXACT || sets[s].count == 1) {
                add_row(way, &sets[s], 0, only);
            }
        }
    }
    add_row(TOTALS, NULL, 0, only);
    add_row(TOP, NULL, 10, only);
    add_row(TOP, NULL, TOP_MOST, only);
}

int main(int argc, char **argv) {
    unsigned long kilobytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
    const char *only = argc > 2 ? argv[2] : NULL;
    if (argc > 3 || kilobytes < 1 || kilobytes > 1000000) {
        fprintf(stderr, "usage: %s [KILOBYTES [WAY]]\n", argv[0]);
        return 2;
    }
    length = kilobytes * 1000;
    write_texts();
    write_sets();
    pool.size = (size_t)1 << 20 | 64 * length;
    pool.bytes = aligned_alloc(64, pool.size);
    entries = take(TOP_MOST * sizeof *entries);
    memset(pool.bytes, 0, pool.size);
    memset(entries, 0, TOP_MOST * sizeof *entries);
    plan(only);
    for (size_t round = 0; round < ROUNDS; round++) {
        measure();
    }
    double worst = 0;
    for (size_t r = 0; r < row_count; r++) {
        double ratio = print(&rows[r], only);
        worst = ratio > worst ? ratio : worst;
    }
    return worst > LIMIT;
}

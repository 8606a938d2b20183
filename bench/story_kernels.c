/* The kernels over threads and over schedules, next to the machine's limits: what bench/stories.py draws. All in one
 * process and in turn, several rounds of it, so that a busy machine slows all down alike. One JSON object a line.
 *
 *   story-kernels scaling   ROUNDS THREADS[,THREADS ...] ZEN ASCII MIXED
 *   story-kernels schedules ROUNDS THREADS CHUNK[,CHUNK ...]
 *   story-kernels words     ROUNDS THREADS ZEN
 *   story-kernels sums      ROUNDS THREADS
 *   story-kernels forks     ROUNDS THREADS
 *
 * ZEN, ASCII and MIXED are files of UTF-8 text. Before a team of another size is measured it runs once, for the OpenMP
 * runtime ends and starts threads then. To be run with the service's OMP_WAIT_POLICY and GOMP_SPINCOUNT. */
#include "bench/story_kernels.h"
#include "bench/limits.h"

#include "kernels/gaussian/gaussian.h"
#include "kernels/gaussian/gaussian_sum.h"
#include "kernels/wordcount/search/wordcount.h"
#include "kernels/wordcount/totals/wordcount_totals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the sum's points SOME meet all: the same rate in less time. */
enum { ELEMENTS = 10000000, POINTS = 50000, SOME = 2000, DIMENSIONS = 3, CALLS = 10000000 };
/* Of exponentials alone as many as take about as long as all sums: what interrupts one must be able to meet the other.
 */
enum { MANY_CALLS = 400000000 };
enum { SEARCH_TIMES = 300000, WORDS_TIMES = 1000, GAP_NS = 2000000 };

static const struct team alone = {.threads = 1};
static const struct progress nothing_watched = {0};
static const char word[] = "is";

static double *x, *y, *z;
static float *single_x, *single_y, *single_z;
static void *scratch;
static struct story_text search_text, ascii, mixed;
static volatile double sink;
static size_t calls = CALLS;
static uint64_t found;

static void expect_done(enum kernel_status status) {
    if (status != KERNEL_DONE) {
        abort();
    }
}

static void run_nothing(void *context, size_t begin, size_t end) {
    (void)context;
    (void)begin;
    (void)end;
}

static void fork_join(const struct team *team) {
    expect_done(team_for(team, &nothing_watched, team->threads, 1, run_nothing, NULL));
}

static void read_memory(const struct team *team) {
    sink = limit_read(x, search_text.length / sizeof *x, team->threads);
}

static void triad(const struct team *team) {
    limit_triad(x, y, z, ELEMENTS, true, team->threads);
}

static void glibc_exp(const struct team *team) {
    limit_exp(LIMIT_GLIBC_EXP, calls, team->threads);
}

static void glibc_expf(const struct team *team) {
    limit_exp(LIMIT_GLIBC_EXPF, calls, team->threads);
}

static void own_exp(const struct team *team) {
    limit_exp(LIMIT_INLINE_EXP, calls, team->threads);
}

static void own_expf(const struct team *team) {
    limit_exp(LIMIT_INLINE_EXPF, calls, team->threads);
}

static void count_words(const struct story_text *text, const struct team *team) {
    expect_done(
        wordcount(text->bytes, text->length, word, strlen(word), WORDCOUNT_EXACT, team, &nothing_watched, &found));
}

static void search(const struct team *team) {
    count_words(&search_text, team);
}

static void count_totals(const struct story_text *text, const struct team *team) {
    struct wordcount_totals totals;
    expect_done(wordcount_totals(text->bytes, text->length, team, &nothing_watched, &totals));
    found = totals.words;
}

static void totals_ascii(const struct team *team) {
    count_totals(&ascii, team);
}

static void totals_mixed(const struct team *team) {
    count_totals(&mixed, team);
}

static void elements(const struct team *team) {
    struct gaussian_side left = {.values = x}, right = {.values = y};
    expect_done(gaussian(left, right, 1, z, ELEMENTS, team, &nothing_watched));
}

static void sum_of(size_t count, const struct team *team) {
    struct gaussian_points left = {x, count}, right = {y, POINTS};
    expect_done(gaussian_sum(left, right, DIMENSIONS, 0.5, NULL, z, scratch, team, &nothing_watched));
}

static void single_sum_of(size_t count, const struct team *team) {
    struct gaussian_float_points left = {single_x, count}, right = {single_y, POINTS};
    expect_done(gaussian_float_sum(left, right, DIMENSIONS, 0.5F, NULL, single_z, scratch, team, &nothing_watched));
}

static void some_sums(const struct team *team) {
    sum_of(SOME, team);
}

static void some_single_sums(const struct team *team) {
    single_sum_of(SOME, team);
}

static void all_sums(const struct team *team) {
    sum_of(POINTS, team);
}

static void all_single_sums(const struct team *team) {
    single_sum_of(POINTS, team);
}

/* Each thread searches the whole text alone: two callers at once, if the team is of two. */
static void search_alone(void *context, size_t begin, size_t end) {
    const struct story_text *text = context;
    for (size_t i = begin; i < end; i++) {
        uint64_t count;
        expect_done(wordcount(text->bytes, text->length, word, strlen(word), WORDCOUNT_EXACT, &alone, &nothing_watched,
                              &count));
    }
}

static void search_twice(const struct team *team) {
    expect_done(team_for(team, &nothing_watched, 2, 1, search_alone, &search_text));
}

static void scaling(unsigned rounds, char **arguments) {
    struct story_list threads = story_list(arguments[0], 1024);
    search_text = story_text_load(arguments[1], SEARCH_TIMES);
    ascii = story_text_load(arguments[2], 1);
    mixed = story_text_load(arguments[3], 1);
    double bytes = (double)search_text.length, pairs = (double)SOME * (double)POINTS;
    const struct story_row rows[] = {
        {"read", "bytes", read_memory, bytes},
        {"search", "bytes", search, bytes},
        {"triad", "bytes", triad, 24.0 * (double)ELEMENTS},
        {"elementwise", "bytes", elements, 24.0 * (double)ELEMENTS},
        {"totals ASCII", "bytes", totals_ascii, (double)ascii.length},
        {"totals mixed", "bytes", totals_mixed, (double)mixed.length},
        {"exp float64", "calls", glibc_exp, CALLS},
        {"own exp float64", "calls", own_exp, CALLS},
        {"sum float64", "calls", some_sums, pairs},
        {"exp float32", "calls", glibc_expf, CALLS},
        {"own exp float32", "calls", own_expf, CALLS},
        {"sum float32", "calls", some_single_sums, pairs},
    };
    for (size_t t = 0; t < threads.count; t++) {
        struct team team = {.threads = (unsigned)threads.numbers[t]};
        story_measure(rows, sizeof rows / sizeof *rows, &team, fork_join, rounds);
    }
    free(search_text.bytes);
    free(ascii.bytes);
    free(mixed.bytes);
}

/* Every schedule and chunk must give the bits that one thread gives. */
static void expect_same(const double *expected) {
    if (memcmp(z, expected, ELEMENTS * sizeof *z) != 0) {
        fprintf(stderr, "story-kernels: a schedule changed the result\n");
        exit(1);
    }
}

static void schedules(unsigned rounds, char **arguments) {
    static const char *const names[] = {"static", "dynamic", "guided"};
    struct story_list threads = story_list(arguments[0], 1024), chunks = story_list(arguments[1], ELEMENTS);
    double *expected = story_take(ELEMENTS * sizeof *expected);
    elements(&alone);
    memcpy(expected, z, ELEMENTS * sizeof *z);
    for (size_t c = 0; c < chunks.count; c++) {
        for (int s = 0; s < 3; s++) {
            struct team team = {(unsigned)threads.numbers[0], (enum team_schedule)s, chunks.numbers[c]};
            memset(z, 0, ELEMENTS * sizeof *z);
            char name[64];
            snprintf(name, sizeof name, "%s,%zu", names[s], chunks.numbers[c]);
            const struct story_row row = {name, "bytes", elements, 24.0 * (double)ELEMENTS};
            story_measure(&row, 1, &team, fork_join, rounds);
            expect_same(expected);
        }
    }
    free(expected);
}

static void words(unsigned rounds, char **arguments) {
    struct team team = {.threads = (unsigned)story_list(arguments[0], 1024).numbers[0]};
    search_text = story_text_load(arguments[1], WORDS_TIMES);
    const struct story_row rows[] = {{"search", "bytes", search, (double)search_text.length}},
                           two = {"twice", "bytes", search_twice, 2 * (double)search_text.length};
    story_measure(rows, 1, &alone, fork_join, rounds);
    printf("{\"what\": \"count\", \"count\": %" PRIu64 "}\n", found);
    story_measure(rows, 1, &team, fork_join, rounds);
    story_measure(&two, 1, &team, fork_join, rounds);
    free(search_text.bytes);
}

static void sums(unsigned rounds, char **arguments) {
    struct team team = {.threads = (unsigned)story_list(arguments[0], 1024).numbers[0]};
    double pairs = (double)POINTS * (double)POINTS;
    calls = MANY_CALLS;
    const struct story_row rows[] = {
        {"exp float64", "calls", glibc_exp, MANY_CALLS},    {"own exp float64", "calls", own_exp, MANY_CALLS},
        {"sum float64", "calls", all_sums, pairs},          {"exp float32", "calls", glibc_expf, MANY_CALLS},
        {"own exp float32", "calls", own_expf, MANY_CALLS}, {"sum float32", "calls", all_single_sums, pairs}};
    story_measure(rows, sizeof rows / sizeof *rows, &team, fork_join, rounds);
}

static void forks(unsigned rounds, char **arguments) {
    struct team team = {.threads = (unsigned)story_list(arguments[0], 1024).numbers[0]};
    const struct story_row together = {"back to back", "regions", fork_join, 1},
                           apart = {"after idle", "regions", fork_join, 1};
    story_measure(&together, 1, &team, fork_join, rounds);
    story_measure_apart(&apart, &team, rounds / 10 + 1, GAP_NS);
}

static void fill(void) {
    size_t count = (size_t)SEARCH_TIMES * 858 / sizeof *x + 1; /* as many bytes as the text that is searched */
    x = story_take(count * sizeof *x);
    y = story_take(ELEMENTS * sizeof *y);
    z = story_take(ELEMENTS * sizeof *z);
    single_x = story_take((size_t)POINTS * DIMENSIONS * sizeof *single_x);
    single_y = story_take((size_t)POINTS * DIMENSIONS * sizeof *single_y);
    single_z = story_take(POINTS * sizeof *single_z);
    scratch = story_take(gaussian_sum_scratch_bytes(POINTS, POINTS, DIMENSIONS));
    uint32_t random = 1;
    for (size_t i = 0; i < count; i++) {
        random = random * 1664525U + 1013904223U;
        x[i] = random * 0x1p-31;
    }
    for (size_t i = 0; i < ELEMENTS; i++) {
        random = random * 1664525U + 1013904223U;
        y[i] = random * 0x1p-31;
    }
    for (size_t i = 0; i < (size_t)POINTS * DIMENSIONS; i++) {
        single_x[i] = (float)x[i];
        single_y[i] = (float)y[i];
    }
}

static void release(void) {
    void *const all[] = {x, y, z, single_x, single_y, single_z, scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

static const struct mode {
    const char *name;
    int argument_count;
    void (*run)(unsigned rounds, char **arguments);
} modes[] = {
    {"scaling", 4, scaling}, {"schedules", 2, schedules}, {"words", 2, words}, {"sums", 1, sums}, {"forks", 1, forks}};

int main(int argc, char **argv) {
    for (size_t m = 0; argc > 2 && m < sizeof modes / sizeof *modes; m++) {
        if (strcmp(argv[1], modes[m].name) == 0 && argc == 3 + modes[m].argument_count) {
            fill();
            modes[m].run((unsigned)story_list(argv[2], STORY_ROUNDS_MAX).numbers[0], argv + 3);
            release();
            return 0;
        }
    }
    fprintf(stderr, "usage: %s scaling|schedules|words|sums|forks ROUNDS ... (see the file's head)\n", argv[0]);
    return 2;
}

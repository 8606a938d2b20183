/* Counting in large texts: totals and searches for several words, next to what the memory can deliver, to a search for
 * one word, and to GNU wc. Everything is run in turn, several rounds of it, and the best of each is kept.
 *
 *   texts [THREADS [MEGABYTES]]
 *
 * The texts are words drawn at random – real text is no more foreseeable to the processor –, in ASCII, in Cyrillic with
 * capitals and punctuation, and in nine scripts; and random bytes. The needles are the most frequent words, and words
 * that don't occur; words between white space are looked for in text that has tabs instead of some spaces. */
#include "kernels/wordcount/search/wordcount.h"
#include "kernels/wordcount/search/wordcount_many.h"
#include "kernels/wordcount/totals/wordcount_totals.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WC_BYTES = 16 << 20, VOCABULARY = 4096 };

/* Short texts are counted more often: so much is read for each row, at least. */
#define ROUNDS_BYTES ((size_t)500 * 1000 * 1000)

static const struct progress nothing_watched = {0};

struct text {
    const char *name;
    char *bytes;
    size_t length;
};

static uint64_t seed = 0x9e3779b97f4a7c15;

static size_t below(size_t limit) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed >> 11) % limit;
}

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *take(size_t bytes) {
    void *memory = malloc(bytes);
    if (!memory) {
        abort();
    }
    return memory;
}

enum { WORD_BYTES = 24 };
typedef char vocabulary[VOCABULARY][WORD_BYTES];
static vocabulary words, cyrillic_words;

/* Letters are of `size` bytes. */
static void invent_words(vocabulary list, const char *frequent, size_t size) {
    size_t letters = strlen(frequent) / size;
    for (size_t i = 0; i < VOCABULARY; i++) {
        for (size_t k = 0, length = 1 + below(i < 64 ? 5 : 10); k < length; k++) {
            memcpy(list[i] + k * size, frequent + below(letters) * size, size);
        }
    }
}

static void invent_all_words(void) {
    invent_words(words, "eeeeeetttttaaaaooooiiiinnnnsssshhhhrrrddlluucmfywgpbvkjxqz", 1);
    invent_words(cyrillic_words,
                 "\u043e\u043e\u043e\u043e\u0435\u0435\u0435\u0430\u0430\u0430\u0438\u0438\u0438\u043d\u043d\u043d"
                 "\u0442\u0442\u0442"
                 "\u0441\u0441\u0440\u0440\u0432\u0432\u043b\u043b\u043a\u043c\u0434\u043f\u0443\u044f\u044b\u044c"
                 "\u0433\u0437\u0431"
                 "\u0447\u0439\u0445\u0436\u0448\u044e\u0446\u0449\u044d\u0444\u0451",
                 2);
}

/* Half of the words are among the first 64, as they are in English. */
static size_t draw_rank(void) {
    return below(2) == 0 ? below(8) * below(8) : below(VOCABULARY);
}

static const char *ascii_word(void) {
    return words[draw_rank()];
}

/* One in twelve begins with a capital, one in eight is followed by a sign. */
static const char *cyrillic_word(void) {
    static const char *const signs[] = {",", ".", ",", "\u00bb", " \u2014", "\u2026"};
    static char word[2 * WORD_BYTES];
    snprintf(word, sizeof word, "%s%s", cyrillic_words[draw_rank()],
             below(8) == 0 ? signs[below(sizeof signs / sizeof *signs)] : "");
    uint8_t *second = (uint8_t *)word + 1;
    if (below(12) == 0 && (uint8_t)word[0] == 0xd0 && *second >= 0xb0) {
        *second = (uint8_t)(*second - 0x20);
    }
    return word;
}

static const char *script_word(void) {
    static const char *const list[] = {"\u044d\u0442\u043e",
                                       "\u043c\u0438\u0440\u0430,",
                                       "\u65e5\u672c\u8a9e\u306e",
                                       "\u6587\u7ae0\u3067\u3059\u3002\u3000",
                                       "\u00e9t\u00e9",
                                       "l\u2019ann\u00e9e\u00a0:",
                                       "\u0645\u0631\u062d\u0628\u0627",
                                       "\u0928\u092e\u0938\u094d\u0924\u0947",
                                       "plain",
                                       "\U0001f600",
                                       "\ud55c\uad6d\uc5b4",
                                       "\u03ba\u03b5\u03af\u03bc\u03b5\u03bd\u03b1",
                                       "\u2014",
                                       "\u05e9\u05dc\u05d5\u05dd"};
    return list[below(sizeof list / sizeof *list)];
}

static struct text write_text(const char *name, size_t length, const char *(*word)(void)) {
    struct text text = {name, take(length), length};
    for (size_t at = 0, column = 0; at < length;) {
        const char *next = word();
        size_t size = strlen(next);
        size = size < length - at ? size : length - at;
        memcpy(text.bytes + at, next, size);
        at += size;
        column += size + 1;
        if (at < length) {
            text.bytes[at++] = column > 70 ? '\n' : ' ';
        }
        column = column > 70 ? 0 : column;
    }
    return text;
}

static struct text write_bytes(size_t length) {
    struct text text = {"random bytes", take(length), length};
    for (size_t at = 0; at < length; at++) {
        text.bytes[at] = (char)below(256);
    }
    return text;
}

struct job {
    const struct text *text;
    const struct wordcount_needle *needles;
    size_t needle_count;
    enum wordcount_match match;
    uint64_t found; /* so that nothing is left out as unused */
};

typedef void job_run(struct job *job, const struct team *team);

static void read_piece(void *context, size_t begin, size_t end) {
    struct job *job = context;
    uint64_t sums[8] = {0};
    for (size_t at = begin; at + sizeof sums <= end; at += sizeof sums) {
        uint64_t eight[8];
        memcpy(eight, job->text->bytes + at, sizeof eight);
        for (size_t i = 0; i < 8; i++) {
            sums[i] |= eight[i];
        }
    }
    if ((sums[0] | sums[1] | sums[2] | sums[3] | sums[4] | sums[5] | sums[6] | sums[7]) == 0) {
        abort();
    }
}

static void run_read(struct job *job, const struct team *team) {
    if (team_for(team, &nothing_watched, job->text->length, 1 << 16, read_piece, job)) {
        abort();
    }
}

static void run_totals(struct job *job, const struct team *team) {
    struct wordcount_totals totals;
    if (wordcount_totals(job->text->bytes, job->text->length, team, &nothing_watched, &totals)) {
        abort();
    }
    job->found = totals.words;
}

static void run_search(struct job *job, const struct team *team) {
    if (wordcount(job->text->bytes, job->text->length, job->needles[0].bytes, job->needles[0].length, job->match, team,
                  &nothing_watched, &job->found)) {
        abort();
    }
}

static void run_many(struct job *job, const struct team *team) {
    uint64_t counts[WORDCOUNT_MANY_MAX];
    if (wordcount_many(job->text->bytes, job->text->length, job->needles, job->needle_count, job->match, team,
                       &nothing_watched, counts)) {
        abort();
    }
    job->found = 0;
    for (size_t i = 0; i < job->needle_count; i++) {
        job->found += counts[i];
    }
}

struct row {
    const char *what;
    job_run *run;
    struct job job;
    double best_ns[2]; /* alone, team */
};

/* Rows of one text, the first of which is reading it. */
static void measure(struct row *rows, size_t count, const struct team *team) {
    const struct team alone = {.threads = 1};
    for (size_t r = 0; r < count; r++) {
        rows[r].best_ns[0] = rows[r].best_ns[1] = 1e30;
    }
    size_t rounds = 5 + ROUNDS_BYTES / rows[0].job.text->length;
    for (size_t round = 0; round < rounds; round++) {
        for (size_t r = 0; r < count; r++) {
            for (int t = 0; t < 2; t++) {
                double start = now_ns();
                rows[r].run(&rows[r].job, t ? team : &alone);
                double taken = now_ns() - start;
                rows[r].best_ns[t] = taken < rows[r].best_ns[t] ? taken : rows[r].best_ns[t];
            }
        }
    }
    for (size_t r = 0; r < count; r++) {
        double length = (double)rows[r].job.text->length;
        printf("%-13s %-26s %10llu %6.2f %6.2f GB/s %5.2f\n", rows[r].job.text->name, rows[r].what,
               (unsigned long long)rows[r].job.found, length / rows[r].best_ns[0], length / rows[r].best_ns[1],
               rows[0].best_ns[1] / rows[r].best_ns[1]);
    }
}

static void measure_totals(const struct text *text, const struct team *team) {
    struct row rows[] = {{.what = "read", .run = run_read, .job = {.text = text}},
                         {.what = "totals", .run = run_totals, .job = {.text = text}}};
    measure(rows, sizeof rows / sizeof *rows, team);
}

static void measure_searches(const struct text *text, vocabulary list, const struct team *team,
                             enum wordcount_match match) {
    static const char *const names[][2] = {[WORDCOUNT_EXACT] = {"exact, search", "exact, long word"},
                                           [WORDCOUNT_LETTERS] = {"letters, search", "letters, long word"},
                                           [WORDCOUNT_WORDS] = {"words, search", "words, long word"}};
    struct wordcount_needle one_long = {list[0], strlen(list[0])};
    struct wordcount_needle frequent[WORDCOUNT_MANY_MAX], missing[WORDCOUNT_MANY_MAX];
    static char absent[WORDCOUNT_MANY_MAX][8];
    for (size_t i = 0; i < WORDCOUNT_MANY_MAX; i++) {
        snprintf(absent[i], sizeof absent[i], "%c%c%cqqx", 'a' + (int)(i % 26), 'a' + (int)(7 * i % 26),
                 'a' + (int)(5 * i % 26));
        frequent[i] = (struct wordcount_needle){list[i], strlen(list[i])};
        missing[i] = (struct wordcount_needle){absent[i], strlen(absent[i])};
    }
    for (size_t i = 64; i < VOCABULARY && one_long.length <= 10; i++) {
        one_long = (struct wordcount_needle){list[i], strlen(list[i])};
    }
    struct row rows[] = {{.what = "read", .run = run_read, .job = {text, NULL, 0, match, 0}},
                         {.what = names[match][0], .run = run_search, .job = {text, frequent, 1, match, 0}},
                         {.what = names[match][1], .run = run_search, .job = {text, &one_long, 1, match, 0}},
                         {.what = "2 needles", .run = run_many, .job = {text, frequent, 2, match, 0}},
                         {.what = "4 needles", .run = run_many, .job = {text, frequent, 4, match, 0}},
                         {.what = "8 needles", .run = run_many, .job = {text, frequent, 8, match, 0}},
                         {.what = "64 needles", .run = run_many, .job = {text, frequent, 64, match, 0}},
                         {.what = "8 that don't occur", .run = run_many, .job = {text, missing, 8, match, 0}},
                         {.what = "64 that don't occur", .run = run_many, .job = {text, missing, 64, match, 0}}};
    measure(rows, sizeof rows / sizeof *rows, team);
}

/* Nanoseconds of `wc -lwmc` with the file as its input. */
static double time_wc(const char *path) {
    char program[] = "wc", option[] = "-lwmc", locale[] = "LC_ALL=C.UTF-8", search_path[] = "PATH=/usr/bin:/bin";
    char *arguments[] = {program, option, NULL}, *environment[] = {locale, search_path, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    if (posix_spawn_file_actions_init(&actions) ||
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, path, O_RDONLY, 0) ||
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)) {
        abort();
    }
    double start = now_ns();
    if (posix_spawnp(&pid, program, &actions, NULL, arguments, environment) || waitpid(pid, &status, 0) != pid) {
        abort();
    }
    double taken = now_ns() - start;
    posix_spawn_file_actions_destroy(&actions);
    return status == 0 ? taken : 1e30;
}

static void measure_wc(const struct text *text) {
    char path[] = "/tmp/texts-XXXXXX";
    int file = mkstemp(path);
    size_t length = text->length < WC_BYTES ? text->length : WC_BYTES;
    if (file < 0 || write(file, text->bytes, length) != (ssize_t)length || close(file)) {
        abort();
    }
    double best_ns = 1e30;
    for (int round = 0; round < 2; round++) {
        double taken = time_wc(path);
        best_ns = taken < best_ns ? taken : best_ns;
    }
    unlink(path);
    printf("%-13s %-26s %10s %6.2f\n", text->name, "GNU wc -lwmc", "", (double)length / best_ns);
}

int main(int argc, char **argv) {
    unsigned long threads = argc > 1 ? strtoul(argv[1], NULL, 10) : 2;
    unsigned long megabytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 128;
    if (argc > 3 || threads < 1 || threads > 1024 || megabytes < 1 || megabytes > 4096) {
        fprintf(stderr, "usage: %s [THREADS [MEGABYTES]]\n", argv[0]);
        return 2;
    }
    struct team team = {.threads = (unsigned)threads};
    size_t length = megabytes * 1000000;
    invent_all_words();
    printf("instruction set %s, texts of %lu MB\ntext          what               words or found 1 thread, %lu, "
           "of reading\n",
           team_instruction_set(), megabytes, threads);
    struct text texts[] = {write_text("ASCII", length, ascii_word), write_text("nine scripts", length, script_word),
                           write_bytes(length), write_text("Cyrillic", length, cyrillic_word)};
    for (size_t i = 0; i < 3; i++) {
        measure_totals(&texts[i], &team);
        measure_wc(&texts[i]);
    }
    for (int m = 0; m < 3; m++) {
        measure_searches(&texts[0], words, &team, (enum wordcount_match)m);
        measure_searches(&texts[3], cyrillic_words, &team, (enum wordcount_match)m);
    }
    for (size_t i = 0; i < 4; i++) {
        free(texts[i].bytes);
    }
    return 0;
}

/* The kernels alone, without HTTP: best of several runs, side by side with their simple versions. The cost functions
 * and the pieces' sizes in kernels/ come from here.
 *
 *   kernels ZEN_TXT [THREADS]
 *
 * Word count runs on the Zen of Python times 1000 (858,000 bytes: in cache), the Gaussian on three sizes, the
 * load loop on four. */
#include "kernels/gaussian/gaussian.h"
#include "kernels/triangular/triangular.h"
#include "kernels/wordcount/search/wordcount.h"
#include "tests/reference/gaussian_simple.h"
#include "tests/reference/wordcount_simple.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ZEN_BYTES = 858, TIMES = 1000, TEXT_BYTES = ZEN_BYTES * TIMES, SHORT_BYTES = 70 };

static const struct progress nothing_watched = {0};
static const struct team alone = {.threads = 1};

struct text_job {
    const char *text;
    size_t length;
    const char *word;
    enum wordcount_match match;
    uint64_t count;
};

struct gaussian_job {
    const double *x, *y;
    double *z, gamma;
    size_t count;
};

/* One run; without a team the simple version. */
typedef void job_run(void *job, const struct team *team);

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Shortest time of one run, in a good 100 ms of runs. */
static double best_ns(job_run *run, void *job, const struct team *team) {
    double best = 1e30, end = now_ns() + 1e8;
    for (double start = now_ns(); start < end; start = now_ns()) {
        run(job, team);
        double taken = now_ns() - start;
        best = taken < best ? taken : best;
    }
    return best;
}

static void run_text(void *context, const struct team *team) {
    struct text_job *job = context;
    size_t word_length = strlen(job->word);
    if (!team) {
        job->count = wordcount_simple(job->text, job->length, job->word, word_length, job->match);
    } else if (wordcount(job->text, job->length, job->word, word_length, job->match, team, &nothing_watched,
                         &job->count)) {
        abort();
    }
}

static void run_gaussian(void *context, const struct team *team) {
    struct gaussian_job *job = context;
    struct gaussian_side x = {.values = job->x}, y = {.values = job->y};
    if (!team) {
        gaussian_simple(x, y, job->gamma, job->z, job->count);
    } else if (gaussian(x, y, job->gamma, job->z, job->count, team, &nothing_watched)) {
        abort();
    }
}

struct gaussian_float_job {
    const float *x, *y;
    float *z, gamma;
    size_t count;
};

static void run_gaussian_float(void *context, const struct team *team) {
    struct gaussian_float_job *job = context;
    struct gaussian_float_side x = {.values = job->x}, y = {.values = job->y};
    if (!team) {
        gaussian_float_simple(x, y, job->gamma, job->z, job->count);
    } else if (gaussian_float(x, y, job->gamma, job->z, job->count, team, &nothing_watched)) {
        abort();
    }
}

static void print_text(struct text_job job, const struct team *team, const char *what) {
    double length = (double)job.length;
    double serial = best_ns(run_text, &job, &alone), parallel = best_ns(run_text, &job, team);
    double simple = best_ns(run_text, &job, NULL);
    struct text_job shorter = job;
    shorter.length = SHORT_BYTES;
    printf("%-8s %-16s %7llu %7.2f %7.2f %7.2f GB/s %6.0f ns\n", job.match == WORDCOUNT_EXACT ? "exact" : "letters",
           what, (unsigned long long)job.count, length / serial, length / parallel, length / simple,
           best_ns(run_text, &shorter, &alone));
}

static void compare_texts(const char *zen, const struct team *team) {
    static const char *const words[] = {"a", "is", "never", "namespac", "namespaces", "implementation"};
    static const char *const hard[][2] = {{"\u042d\u0442\u043e \u043c\u0438\u0440 ", "\u044d\u0442\u043e"},
                                          {"\u0130 ", "i"},
                                          {"implementations ", "implementations"}};
    printf("word count       needle             found  1 thread  team  simple        %d bytes\n", SHORT_BYTES);
    char *text = malloc(TEXT_BYTES);
    if (!text) {
        abort();
    }
    for (int m = 0; m < 2; m++) {
        enum wordcount_match match = m ? WORDCOUNT_LETTERS : WORDCOUNT_EXACT;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            print_text((struct text_job){.text = zen, .length = TEXT_BYTES, .word = words[i], .match = match}, team,
                       words[i]);
        }
        for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) {
            for (size_t at = 0, size = strlen(hard[i][0]); at < TEXT_BYTES; at++) {
                text[at] = hard[i][0][at % size];
            }
            print_text((struct text_job){.text = text, .length = TEXT_BYTES, .word = hard[i][1], .match = match}, team,
                       i == 0   ? "(Cyrillic)"
                       : i == 1 ? "(U+0130)"
                                : "(long, each)");
        }
    }
    free(text);
}

static const size_t counts[] = {1000, 100000, 10000000};

static void print_gaussian(job_run *run, void *job, const struct team *team, const char *type, size_t count,
                           double gamma) {
    double n = (double)count;
    printf("%-8s %9zu %7g %9.3f %7.3f %7.3f\n", type, count, gamma, best_ns(run, job, &alone) / n,
           best_ns(run, job, team) / n, best_ns(run, job, NULL) / n);
}

static void compare_gaussians(const struct team *team) {
    static const double gammas[] = {0.7, 100, 1e6}; /* all results normal, some below 1e-308, nearly all 0 */
    printf("Gaussian  elements   gamma  1 thread    team  simple ns/element\n");
    double *x = calloc(3 * counts[2], sizeof *x);
    if (!x) {
        abort();
    }
    struct gaussian_job job = {.x = x, .y = x + counts[2], .z = x + 2 * counts[2]};
    uint32_t random = 1;
    for (size_t i = 0; i < 2 * counts[2]; i++) {
        random = random * 1664525U + 1013904223U;
        x[i] = random * 0x1p-30;
    }
    for (size_t c = 0; c < 3; c++) {
        for (size_t g = 0; g < 3; g++) {
            job.count = counts[c];
            job.gamma = gammas[g];
            print_gaussian(run_gaussian, &job, team, "float64", job.count, job.gamma);
        }
    }
    free(x);
}

static void compare_float_gaussians(const struct team *team) {
    static const float gammas[] = {0.7F, 10, 1e6F}; /* all results normal, most below 1e-38, nearly all 0 */
    float *x = calloc(3 * counts[2], sizeof *x);
    if (!x) {
        abort();
    }
    struct gaussian_float_job job = {.x = x, .y = x + counts[2], .z = x + 2 * counts[2]};
    uint32_t random = 1;
    for (size_t i = 0; i < 2 * counts[2]; i++) {
        random = random * 1664525U + 1013904223U;
        x[i] = (float)(random >> 8) * 0x1p-22F;
    }
    for (size_t c = 0; c < 3; c++) {
        for (size_t g = 0; g < 3; g++) {
            job.count = counts[c];
            job.gamma = gammas[g];
            print_gaussian(run_gaussian_float, &job, team, "float32", job.count, (double)job.gamma);
        }
    }
    free(x);
}

struct triangular_job {
    const uint64_t *ranges;
    struct triangular_result *results;
    size_t count;
};

static void run_triangular(void *context, const struct team *team) {
    struct triangular_job *job = context;
    if (triangular(job->ranges, job->results, job->count, team, &nothing_watched)) {
        abort();
    }
}

/* The simple version is a formula to the compiler: there is nothing to compare with. A range per thread of the team. */
static void compare_triangulars(const struct team *team) {
    static const uint64_t sizes[] = {1000, 100000, 10000000, 300000000};
    uint64_t *ranges = calloc(team->threads, sizeof *ranges);
    struct triangular_result *results = calloc(team->threads, sizeof *results);
    if (!ranges || !results) {
        abort();
    }
    printf("triangular   range  1 thread    team  ns/number\n");
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (unsigned t = 0; t < team->threads; t++) {
            ranges[t] = sizes[s];
        }
        struct triangular_job one = {ranges, results, 1}, all = {ranges, results, team->threads};
        double numbers = (double)sizes[s];
        printf("%18llu %9.3f %7.3f\n", (unsigned long long)sizes[s], best_ns(run_triangular, &one, &alone) / numbers,
               best_ns(run_triangular, &all, team) / (numbers * team->threads));
    }
    free(ranges);
    free(results);
}

int main(int argc, char **argv) {
    char *end = NULL;
    unsigned long threads = argc > 2 ? strtoul(argv[2], &end, 10) : 2;
    if (argc < 2 || argc > 3 || threads < 1 || threads > 1024 || (end && *end)) {
        fprintf(stderr, "usage: %s ZEN_TXT [THREADS]\n", argv[0]);
        return 2;
    }
    struct team team = {.threads = (unsigned)threads};
    char *zen = malloc(TEXT_BYTES);
    FILE *file = fopen(argv[1], "rb");
    if (!zen || !file || fread(zen, 1, ZEN_BYTES, file) != ZEN_BYTES) {
        fprintf(stderr, "%s: %s\n", argv[1], errno ? strerror(errno) : "too short");
        return 1;
    }
    fclose(file);
    for (size_t i = 1; i < TIMES; i++) {
        memcpy(zen + i * ZEN_BYTES, zen, ZEN_BYTES);
    }
    printf("instruction set %s, team of %u\n", team_instruction_set(), team.threads);
    compare_texts(zen, &team);
    compare_gaussians(&team);
    compare_float_gaussians(&team);
    compare_triangulars(&team);
    free(zen);
    return 0;
}

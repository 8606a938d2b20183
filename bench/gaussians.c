/* The Gaussian kernels next to the limits they run against, all in one process, in turn, so that a busy machine slows
 * them down alike: best of several rounds each.
 *
 *   gaussians [THREADS [ROUNDS]]
 *
 * Prints one "name value unit" a line; names end in the number of threads. Ratios are of the limit's time to the
 * kernel's, so 1 is the limit: of memory for elements (the triad past the caches, which moves the same bytes), and for
 * sums of glibc's vector exp and of the kernels' own (kernels/gaussian/inline_exp.h) that do nothing else. */
#include "bench/limits.h"

#include "kernels/gaussian/gaussian.h"
#include "kernels/gaussian/gaussian_sum.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* SOME of the POINTS meet all: the same rate as of all, in a time that is rarely interrupted. */
enum { ELEMENTS = 10000000, POINTS = 50000, SOME = 200, DIMENSIONS = 3, CALLS = 1000000, MOST_ROUNDS = 100000 };

static const struct progress nothing_watched = {0};

static double *x, *y, *z;
static float *single_x, *single_y, *single_z;
static void *scratch;
static volatile double sink;

/* One thing to measure, with so many threads; `units` of work each time. */
struct row {
    const char *name, *unit;
    void (*run)(const struct team *team);
    double units;
    const char *limits[2]; /* names of rows without the threads, or NULL */
};

static void read_memory(const struct team *team) {
    sink = limit_read(x, ELEMENTS, team->threads);
}

static void triad(const struct team *team) {
    limit_triad(x, y, z, ELEMENTS, false, team->threads);
}

static void triad_streamed(const struct team *team) {
    limit_triad(x, y, z, ELEMENTS, true, team->threads);
}

static void glibc_exp(const struct team *team) {
    limit_exp(LIMIT_GLIBC_EXP, CALLS, team->threads);
}

static void glibc_expf(const struct team *team) {
    limit_exp(LIMIT_GLIBC_EXPF, CALLS, team->threads);
}

static void own_exp(const struct team *team) {
    limit_exp(LIMIT_INLINE_EXP, CALLS, team->threads);
}

static void own_expf(const struct team *team) {
    limit_exp(LIMIT_INLINE_EXPF, CALLS, team->threads);
}

static void expect_done(enum kernel_status status) {
    if (status != KERNEL_DONE) {
        abort();
    }
}

static void elements(const struct team *team) {
    struct gaussian_side left = {.values = x}, right = {.values = y};
    expect_done(gaussian(left, right, 0.7, z, ELEMENTS, team, &nothing_watched));
}

/* z is worn down to 1 by being both sides of its own successor, but the work stays the same. */
static void elements_in_place(const struct team *team) {
    struct gaussian_side left = {.values = x}, right = {.values = z};
    expect_done(gaussian(left, right, 0.7, z, ELEMENTS, team, &nothing_watched));
}

static void single_elements(const struct team *team) {
    struct gaussian_float_side left = {.values = single_x}, right = {.values = single_y};
    expect_done(gaussian_float(left, right, 0.7F, single_z, ELEMENTS, team, &nothing_watched));
}

static void single_elements_in_place(const struct team *team) {
    struct gaussian_float_side left = {.values = single_x}, right = {.values = single_z};
    expect_done(gaussian_float(left, right, 0.7F, single_z, ELEMENTS, team, &nothing_watched));
}

static void sum(const struct team *team) {
    struct gaussian_points left = {x, SOME}, right = {y, POINTS};
    expect_done(gaussian_sum(left, right, DIMENSIONS, 0.5, NULL, z, scratch, team, &nothing_watched));
}

static void single_sum(const struct team *team) {
    struct gaussian_float_points left = {single_x, SOME}, right = {single_y, POINTS};
    expect_done(gaussian_float_sum(left, right, DIMENSIONS, 0.5F, NULL, single_z, scratch, team, &nothing_watched));
}

static const struct row rows[] = {
    {"read", "GB/s", read_memory, 8 * (double)ELEMENTS, {NULL}},
    {"triad", "GB/s", triad, 24 * (double)ELEMENTS, {NULL}},
    {"triad_streamed", "GB/s", triad_streamed, 24 * (double)ELEMENTS, {NULL}},
    {"glibc_exp.float64", "ns", glibc_exp, CALLS, {NULL}},
    {"glibc_exp.float32", "ns", glibc_expf, CALLS, {NULL}},
    {"own_exp.float64", "ns", own_exp, CALLS, {NULL}},
    {"own_exp.float32", "ns", own_expf, CALLS, {NULL}},
    {"gaussian.float64", "ns", elements, ELEMENTS, {"triad_streamed"}},
    {"gaussian.float64.in_place", "ns", elements_in_place, ELEMENTS, {"triad_streamed"}},
    {"gaussian.float32", "ns", single_elements, ELEMENTS, {NULL}},
    {"gaussian.float32.in_place", "ns", single_elements_in_place, ELEMENTS, {NULL}},
    {"sum.float64", "ns", sum, (double)SOME *(double)POINTS, {"glibc_exp.float64", "own_exp.float64"}},
    {"sum.float32", "ns", single_sum, (double)SOME *(double)POINTS, {"glibc_exp.float32", "own_exp.float32"}},
};
enum { ROWS = sizeof rows / sizeof *rows };

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* best: ns per unit. */
static void measure(const struct team *team, int rounds, double best[ROWS]) {
    for (int r = 0; r < ROWS; r++) {
        best[r] = 1e30;
    }
    for (int round = 0; round < rounds; round++) {
        for (int r = 0; r < ROWS; r++) {
            double start = now_ns();
            rows[r].run(team);
            double ns = (now_ns() - start) / rows[r].units;
            best[r] = ns < best[r] ? ns : best[r];
        }
    }
}

static int find(const char *name) {
    int r = 0;
    while (strcmp(rows[r].name, name) != 0) {
        r++;
    }
    return r;
}

static void print(unsigned threads, const double best[ROWS]) {
    for (int r = 0; r < ROWS; r++) {
        bool rate = strcmp(rows[r].unit, "GB/s") == 0;
        printf("%s.%u %.4f %s\n", rows[r].name, threads, rate ? 1 / best[r] : best[r], rows[r].unit);
        for (int l = 0; l < 2 && rows[r].limits[l]; l++) {
            int limit = find(rows[r].limits[l]);
            double units = rows[limit].units / (strcmp(rows[limit].unit, "GB/s") == 0 ? ELEMENTS : CALLS);
            printf("%s.of_%s.%u %.3f ratio\n", rows[r].name, rows[limit].name, threads, best[limit] * units / best[r]);
        }
    }
}

static void *allocate(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!memory) {
        abort();
    }
    memset(memory, 0, bytes);
    return memory;
}

static void fill(void) {
    uint32_t random = 1;
    for (size_t i = 0; i < ELEMENTS; i++) {
        random = random * 1664525U + 1013904223U;
        x[i] = random * 0x1p-31;
        single_x[i] = (float)(random >> 8) * 0x1p-23F;
        random = random * 1664525U + 1013904223U;
        y[i] = random * 0x1p-31;
        single_y[i] = (float)(random >> 8) * 0x1p-23F;
    }
}

static bool parse(const char *text, unsigned long most, unsigned *number) {
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    *number = (unsigned)value;
    return *text >= '0' && *text <= '9' && !*end && value >= 1 && value <= most;
}

int main(int argc, char **argv) {
    unsigned threads = 2, rounds = 20;
    if (argc > 3 || (argc > 1 && !parse(argv[1], 1024, &threads)) ||
        (argc > 2 && !parse(argv[2], MOST_ROUNDS, &rounds))) {
        fprintf(stderr, "usage: %s [THREADS [ROUNDS]]\n", argv[0]);
        return 2;
    }
    x = allocate(ELEMENTS * sizeof *x);
    y = allocate(ELEMENTS * sizeof *y);
    z = allocate(ELEMENTS * sizeof *z);
    single_x = allocate(ELEMENTS * sizeof *single_x);
    single_y = allocate(ELEMENTS * sizeof *single_y);
    single_z = allocate(ELEMENTS * sizeof *single_z);
    scratch = allocate(gaussian_sum_scratch_bytes(SOME, POINTS, DIMENSIONS));
    fill();
    printf("instruction_set %s -\n", team_instruction_set());
    double best[ROWS];
    for (unsigned t = 1; t <= threads; t += threads > 1 ? threads - 1 : 1) {
        struct team team = {.threads = t};
        measure(&team, (int)rounds, best);
        print(t, best);
    }
    free(x);
    free(y);
    free(z);
    free(single_x);
    free(single_y);
    free(single_z);
    free(scratch);
    return 0;
}

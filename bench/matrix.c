/* The Gaussian matrix, 4000 x 4000, against itself, and the limits it runs against; one JSON object a line.
 *
 *   matrix [--threads N] [--points N] [--rounds N] [--single] [DIMENSIONS ...]
 *
 * Each round computes every matrix once, so that what else the machine does meets all alike; medians and minima of the
 * rounds are printed. "exp" evaluates as many exponentials in cache, "write" writes as many bytes: no matrix is quicker
 * than either, half of the exponentials for one that is symmetric. bench/peers/rbf_kernel.py is scikit-learn's side. */
#include "kernels/gaussian/gaussian.h"
#include "kernels/gaussian/gaussian_matrix.h"
#include "kernels/stream_store.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { MOST_ROUNDS = 1000, MOST_SHAPES = 16, LIMIT_TILE = 4096 };

static const struct progress nothing_watched = {0};

/* No zeros, of which an EPYC 9004 writes 88 GB/s instead of 28. */
static double written[LIMIT_TILE];

struct setting {
    struct team team;
    size_t points, rounds, shape_count, dimensions[MOST_SHAPES];
    bool single;
};

struct arrays {
    double *x, *k;
    float *narrow_x;
};

/* What is timed. */
typedef enum kernel_status measured(const struct setting *setting, const struct arrays *arrays, size_t dimensions);

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static enum kernel_status run_matrix(const struct setting *setting, const struct arrays *arrays, size_t dimensions,
                                     bool symmetric) {
    if (setting->single) {
        struct gaussian_float_points x = {arrays->narrow_x, setting->points}, none = {0};
        return gaussian_float_matrix(x, symmetric ? none : x, dimensions, 1 / (float)dimensions,
                                     (float *)(void *)arrays->k, &setting->team, &nothing_watched);
    }
    struct gaussian_points x = {arrays->x, setting->points}, none = {0};
    return gaussian_matrix(x, symmetric ? none : x, dimensions, 1 / (double)dimensions, arrays->k, &setting->team,
                           &nothing_watched);
}

static enum kernel_status run_symmetric(const struct setting *setting, const struct arrays *arrays, size_t dimensions) {
    return run_matrix(setting, arrays, dimensions, true);
}

static enum kernel_status run_general(const struct setting *setting, const struct arrays *arrays, size_t dimensions) {
    return run_matrix(setting, arrays, dimensions, false);
}

static void exponentiate_tile(void *context, size_t begin, size_t end) {
    const struct setting *setting = context;
    static const struct team alone = {.threads = 1};
    static const double x[LIMIT_TILE], y = 1;
    static const float narrow_x[LIMIT_TILE], narrow_y = 1;
    double z[LIMIT_TILE];
    (void)begin;
    (void)end;
    struct gaussian_side left = {.values = x}, right = {.values = &y, .constant = true};
    struct gaussian_float_side narrow_left = {.values = narrow_x},
                               narrow_right = {.values = &narrow_y, .constant = true};
    enum kernel_status status = KERNEL_DONE;
    if (setting->single) {
        status = gaussian_float(narrow_left, narrow_right, 1, (float *)(void *)z, LIMIT_TILE, &alone, &nothing_watched);
    } else {
        status = gaussian(left, right, 1, z, LIMIT_TILE, &alone, &nothing_watched);
    }
    if (status) {
        abort();
    }
}

static enum kernel_status run_exp(const struct setting *setting, const struct arrays *arrays, size_t dimensions) {
    (void)arrays;
    (void)dimensions;
    struct setting copy = *setting;
    return team_for(&setting->team, &nothing_watched, setting->points * setting->points / LIMIT_TILE, 1,
                    exponentiate_tile, &copy);
}

static void write_piece(void *context, size_t begin, size_t end) {
    char *k = context;
    for (size_t i = begin; i < end; i++) {
        stream_store(k + i * sizeof written, written, sizeof written);
    }
    stream_end();
}

static enum kernel_status run_write(const struct setting *setting, const struct arrays *arrays, size_t dimensions) {
    (void)dimensions;
    size_t bytes = setting->points * setting->points * (setting->single ? sizeof(float) : sizeof(double));
    return team_for(&setting->team, &nothing_watched, bytes / (LIMIT_TILE * sizeof(double)), 1, write_piece, arrays->k);
}

struct row {
    const char *name;
    measured *run;
    size_t dimensions; /* 0: doesn't depend on them */
    double ms[MOST_ROUNDS];
};

static int compare(const void *left, const void *right) {
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void print_row(struct row *row, const struct setting *setting) {
    qsort(row->ms, setting->rounds, sizeof *row->ms, compare);
    printf("{\"what\": \"%s\", \"dtype\": \"%s\", \"points\": %zu, \"dimensions\": %zu, \"threads\": %u, "
           "\"median_ms\": %.3f, \"min_ms\": %.3f}\n",
           row->name, setting->single ? "float32" : "float64", setting->points, row->dimensions, setting->team.threads,
           row->ms[setting->rounds / 2], row->ms[0]);
}

static void measure(const struct setting *setting, const struct arrays *arrays) {
    static struct row rows[2 * MOST_SHAPES + 2];
    size_t count = 0;
    rows[count++] = (struct row){.name = "exp", .run = run_exp};
    rows[count++] = (struct row){.name = "write", .run = run_write};
    for (size_t s = 0; s < setting->shape_count; s++) {
        size_t dimensions = setting->dimensions[s];
        rows[count++] = (struct row){.name = "symmetric", .run = run_symmetric, .dimensions = dimensions};
        rows[count++] = (struct row){.name = "general", .run = run_general, .dimensions = dimensions};
    }
    for (size_t round = 0; round < setting->rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            double start = now_ms();
            if (rows[i].run(setting, arrays, rows[i].dimensions)) {
                abort();
            }
            rows[i].ms[round] = now_ms() - start;
        }
    }
    for (size_t i = 0; i < count; i++) {
        print_row(&rows[i], setting);
    }
}

static size_t number(const char *text, size_t most) {
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || value < 1 || value > most) {
        fprintf(stderr, "matrix: %s is no number from 1 to %zu\n", text, most);
        exit(2);
    }
    return value;
}

static struct setting read_setting(int argc, char **argv) {
    static const struct option options[] = {{"threads", required_argument, NULL, 't'},
                                            {"points", required_argument, NULL, 'p'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {"single", no_argument, NULL, 's'},
                                            {0}};
    struct setting setting = {
        .team = {.threads = 2}, .points = 4000, .rounds = 7, .shape_count = 3, .dimensions = {3, 64, 512}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 't') {
            setting.team.threads = (unsigned)number(optarg, 1024);
        } else if (option == 'p') {
            setting.points = number(optarg, 1 << 16);
        } else if (option == 'r') {
            setting.rounds = number(optarg, MOST_ROUNDS);
        } else if (option == 's') {
            setting.single = true;
        } else {
            exit(2);
        }
    }
    if (optind < argc) {
        setting.shape_count = 0;
    }
    for (int i = optind; i < argc && setting.shape_count < MOST_SHAPES; i++) {
        setting.dimensions[setting.shape_count++] = number(argv[i], 1 << 16);
    }
    return setting;
}

/* Twelve uniform numbers added up are as good as normal here. */
static double next_normal(uint32_t *random) {
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        *random = *random * 1664525U + 1013904223U;
        sum += *random * 0x1p-32;
    }
    return sum;
}

/* In huge pages where the kernel agrees, as the service's large buffers are; zeros. */
static void *allocate(size_t bytes) {
    enum { HUGE_PAGE = 2 << 20 };
    bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *block = aligned_alloc(HUGE_PAGE, bytes);
    if (block) {
        (void)madvise(block, bytes, MADV_HUGEPAGE);
        memset(block, 0, bytes);
    }
    return block;
}

int main(int argc, char **argv) {
    struct setting setting = read_setting(argc, argv);
    size_t most = 1;
    for (size_t s = 0; s < setting.shape_count; s++) {
        most = setting.dimensions[s] > most ? setting.dimensions[s] : most;
    }
    size_t numbers = setting.points * most;
    struct arrays arrays = {.x = allocate(numbers * sizeof *arrays.x),
                            .k = allocate(setting.points * setting.points * sizeof *arrays.k),
                            .narrow_x = allocate(numbers * sizeof *arrays.narrow_x)};
    if (!arrays.x || !arrays.k || !arrays.narrow_x) {
        fprintf(stderr, "matrix: out of memory\n");
        return 1;
    }
    uint32_t random = 1;
    for (size_t i = 0; i < numbers; i++) {
        arrays.x[i] = next_normal(&random);
        arrays.narrow_x[i] = (float)arrays.x[i];
    }
    for (size_t i = 0; i < LIMIT_TILE; i++) {
        written[i] = 1 / (double)(i + 2);
    }
    measure(&setting, &arrays);
    free(arrays.x);
    free(arrays.k);
    free(arrays.narrow_x);
    return 0;
}

/* Expressions of pairs next to the Gaussian kernels, which are written for one: all in one process, in turn, so that a
 * busy machine slows them down alike: best of several rounds each, in CPU time of all threads.
 *
 *   pairwise [THREADS [ROUNDS]]
 *
 * Prints one "name ns" a line: nanoseconds of a pair; names end in the number of dimensions. */
#include "kernels/pairwise/pairwise.h"
#include "kernels/gaussian/gaussian_matrix.h"
#include "kernels/gaussian/gaussian_sum.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* SOME of the POINTS meet all: the same rate as of all, in a time that is rarely interrupted. */
enum { POINTS = 50000, SOME = 128, EDGE = 1000, NEIGHBOURS = 20000, MOST_DIMENSIONS = 64, MOST_ROUNDS = 100000 };

static const struct progress nothing_watched = {0};
static const double gamma_value = 0.5;
static const struct expression_array gamma_array = {.values = &gamma_value};

static double *x, *y, *z;
static int64_t *places;
static void *scratch, *memory;

struct row {
    const char *name;
    const char *text; /* NULL: the Gaussian's own kernel */
    enum pairwise_kind kind;
    size_t n, m, dimensions;
};

static const struct row rows[] = {
    {"gaussian_sum", NULL, PAIRWISE_SUM, SOME, POINTS, 3},
    {"sum.gaussian", "exp(-gamma*d2)", PAIRWISE_SUM, SOME, POINTS, 3},
    {"sum.bandwidth", "exp(-d2/(2*gamma*gamma))", PAIRWISE_SUM, SOME, POINTS, 3},
    {"sum.laplacian", "exp(-gamma*d)", PAIRWISE_SUM, SOME, POINTS, 3},
    {"sum.d2", "d2", PAIRWISE_SUM, SOME, POINTS, 3},
    {"logsumexp.gaussian", "-gamma*d2", PAIRWISE_LOGSUMEXP, SOME, POINTS, 3},
    {"argmin.d2", "d2", PAIRWISE_ARGMIN, SOME, POINTS, 3},
    {"gaussian_matrix", NULL, PAIRWISE_MATRIX, EDGE, EDGE, 3},
    {"matrix.gaussian", "exp(-gamma*d2)", PAIRWISE_MATRIX, EDGE, EDGE, 3},
    {"matrix.laplacian", "exp(-gamma*l1)", PAIRWISE_MATRIX, EDGE, EDGE, 3},
    {"matrix.matern32", "(1 + 1.7320508075688772*d)*exp(-1.7320508075688772*d)", PAIRWISE_MATRIX, EDGE, EDGE, 3},
    {"matrix.polynomial", "t = gamma*dot + 1; t*t*t", PAIRWISE_MATRIX, EDGE, EDGE, 3},
    {"matrix.cosine", "cos", PAIRWISE_MATRIX, EDGE, EDGE, 3},
    {"gaussian_matrix", NULL, PAIRWISE_MATRIX, EDGE, EDGE, 64},
    {"matrix.gaussian", "exp(-gamma*d2)", PAIRWISE_MATRIX, EDGE, EDGE, 64},
    {"matrix.laplacian", "exp(-gamma*l1)", PAIRWISE_MATRIX, EDGE, EDGE, 64},
    {"matrix.polynomial", "t = gamma*dot + 1; t*t*t", PAIRWISE_MATRIX, EDGE, EDGE, 64},
    {"matrix.chebyshev", "linf", PAIRWISE_MATRIX, EDGE, EDGE, 64},
    {"topk10.d2", "d2", PAIRWISE_TOPK, SOME, NEIGHBOURS, 16},
};
enum { ROWS = sizeof rows / sizeof *rows };

static void expect_done(enum kernel_status status) {
    if (status != KERNEL_DONE) {
        abort();
    }
}

static struct pairwise make_pairwise(const struct row *row) {
    struct expression_operand operands[PAIRWISE_OPERANDS + 1];
    const struct expression_text text = {row->text, strlen(row->text)};
    struct expression_error error;
    pairwise_operands(EXPRESSION_FLOAT64, operands);
    operands[PAIRWISE_OPERANDS] = (struct expression_operand){"gamma", EXPRESSION_FLOAT64, true, true};
    if (expression_compile(&text, 1, operands, PAIRWISE_OPERANDS + 1, memory, &error) == 0) {
        abort();
    }
    return (struct pairwise){.program = memory,
                             .type = EXPRESSION_FLOAT64,
                             .x = {x, row->n},
                             .y = {y, row->m},
                             .dimensions = row->dimensions,
                             .numbers = &gamma_array,
                             .kind = row->kind,
                             .columns = 1,
                             .k = 10};
}

static void run_row(const struct row *row, const struct team *team) {
    const struct gaussian_points left = {x, row->n}, right = {y, row->m};
    struct expression_failure failure;
    if (row->text) {
        struct pairwise pairwise = make_pairwise(row);
        expect_done(pairwise_run(&pairwise, z, places, scratch, team, &nothing_watched, &failure));
    } else if (row->kind == PAIRWISE_SUM) {
        expect_done(gaussian_sum(left, right, row->dimensions, gamma_value, NULL, z, scratch, team, &nothing_watched));
    } else {
        expect_done(gaussian_matrix(left, right, row->dimensions, gamma_value, z, team, &nothing_watched));
    }
}

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* best: ns per pair. */
static void measure(const struct team *team, int rounds, double best[ROWS]) {
    for (int r = 0; r < ROWS; r++) {
        best[r] = 1e30;
    }
    for (int round = 0; round < rounds; round++) {
        for (int r = 0; r < ROWS; r++) {
            double start = now_ns();
            run_row(&rows[r], team);
            double ns = (now_ns() - start) / ((double)rows[r].n * (double)rows[r].m);
            best[r] = ns < best[r] ? ns : best[r];
        }
    }
}

static void *allocate(size_t bytes) {
    void *block = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!block) {
        abort();
    }
    memset(block, 0, bytes);
    return block;
}

static bool parse(const char *text, unsigned long most, unsigned *number) {
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    *number = (unsigned)value;
    return *text >= '0' && *text <= '9' && !*end && value >= 1 && value <= most;
}

int main(int argc, char **argv) {
    unsigned threads = 1, rounds = 10;
    if (argc > 3 || (argc > 1 && !parse(argv[1], 1024, &threads)) ||
        (argc > 2 && !parse(argv[2], MOST_ROUNDS, &rounds))) {
        fprintf(stderr, "usage: %s [THREADS [ROUNDS]]\n", argv[0]);
        return 2;
    }
    size_t numbers = (size_t)POINTS * MOST_DIMENSIONS;
    x = allocate(numbers * sizeof *x);
    y = allocate(numbers * sizeof *y);
    z = allocate((size_t)EDGE * EDGE * sizeof *z);
    places = allocate((size_t)EDGE * EDGE * sizeof *places);
    memory = allocate(EXPRESSION_PROGRAM_BYTES_MAX);
    scratch = allocate(16 << 20);
    uint32_t random = 1;
    for (size_t i = 0; i < numbers; i++) {
        random = random * 1664525U + 1013904223U;
        x[i] = random * 0x1p-31;
        random = random * 1664525U + 1013904223U;
        y[i] = random * 0x1p-31;
    }
    const struct team team = {.threads = threads};
    double best[ROWS];
    measure(&team, (int)rounds, best);
    for (int r = 0; r < ROWS; r++) {
        printf("%s.%zu %.3f\n", rows[r].name, rows[r].dimensions, best[r]);
    }
    free(x);
    free(y);
    free(z);
    free(places);
    free(memory);
    free(scratch);
}

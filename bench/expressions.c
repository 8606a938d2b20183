/* Expressions over arrays that no cache holds, and the limits they run against; one JSON object a line.
 *
 *   expressions [--threads N] [--rounds N] [--elements N] [NAME ...]
 *
 * Each round runs every row once (of NAMEs, those alone), so that what else the machine does meets all alike; medians
 * and minima of the rounds are printed, in milliseconds by the clock and, with one thread, of CPU time.
 * bench/peers/numexpr_expressions.py is the side of numexpr and SciPy, bench/expressions.py compares. */
#include "bench/limits.h"
#include "bench/polynomial.h"

#include "kernels/expression/expression.h"
#include "kernels/gaussian/gaussian.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

enum { MOST_ROUNDS = 1000, OPERANDS = 3, COMPILATIONS = 1000 };

static const struct progress nothing_watched = {0};
static const char gaussian_text[] = "exp(-gamma*(x-y)**2)";

struct setting {
    struct team team;
    size_t elements, rounds;
};

/* x lies in [-2, 2), y in (0, 2). */
static double *x, *y, *z;
static float *single_x, *single_y;
static void *scratch;
static volatile double sink;

static const struct expression_operand operands[] = {
    {.name = "x", .type = EXPRESSION_FLOAT64},
    {.name = "y", .type = EXPRESSION_FLOAT64},
    {.name = "gamma", .type = EXPRESSION_FLOAT64, .is_weak = true, .is_single = true}};
static const struct expression_operand single_operands[] = {
    {.name = "x", .type = EXPRESSION_FLOAT32},
    {.name = "y", .type = EXPRESSION_FLOAT32},
    {.name = "gamma", .type = EXPRESSION_FLOAT64, .is_weak = true, .is_single = true}};

enum reduces { MAP = -1 };

struct row {
    const char *name;
    const char *text;                             /* an expression, or … */
    void (*limit)(const struct setting *setting); /* … what it runs against */
    int reduce;                                   /* enum reduction_kind, or MAP */
    bool is_single;                               /* of float32 */
};

static void expect(bool holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "expressions: %s\n", what);
        exit(EXIT_FAILURE);
    }
}

static void read_memory(const struct setting *setting) {
    sink = limit_read(x, setting->elements, setting->team.threads);
}

static void read_both(const struct setting *setting) {
    sink = limit_read(x, setting->elements, setting->team.threads) +
           limit_read(y, setting->elements, setting->team.threads);
}

static void triad(const struct setting *setting) {
    limit_triad(x, y, z, setting->elements, true, setting->team.threads);
}

static void gaussian_kernel(const struct setting *setting) {
    struct gaussian_side left = {.values = x}, right = {.values = y};
    expect(!gaussian(left, right, 1, z, setting->elements, &setting->team, &nothing_watched), "gaussian failed");
}

static void plain_double(const struct setting *setting) {
    polynomial_double(POLYNOMIAL_PLAIN, x, z, setting->elements, setting->team.threads);
}

static void wide_double(const struct setting *setting) {
    polynomial_double(POLYNOMIAL_WIDE, x, z, setting->elements, setting->team.threads);
}

static void plain_float(const struct setting *setting) {
    polynomial_float(POLYNOMIAL_PLAIN, single_x, (float *)(void *)z, setting->elements, setting->team.threads);
}

static void wide_float(const struct setting *setting) {
    polynomial_float(POLYNOMIAL_WIDE, single_x, (float *)(void *)z, setting->elements, setting->team.threads);
}

static const struct row rows[] = {
    {"triad", NULL, triad, MAP, false},
    {"x + 3*y", "x + 3*y", NULL, MAP, false},
    {"x*y", "x*y", NULL, MAP, false},
    {"where", "where(x>0,x,y)", NULL, MAP, false},
    {"gaussian kernel", NULL, gaussian_kernel, MAP, false},
    {"gaussian", "exp(-(x-y)**2)", NULL, MAP, false},
    {"sin", "sin(x)", NULL, MAP, false},
    {"log", "log(y)", NULL, MAP, false},
    {"arctan2", "arctan2(x,y)", NULL, MAP, false},
    {"erf", "erf(x)", NULL, MAP, false},
    {"power", "y**x", NULL, MAP, false},
    {"polynomial float64, gcc -O3", NULL, plain_double, MAP, false},
    {"polynomial float64, gcc -O3 for this machine", NULL, wide_double, MAP, false},
    {"polynomial float64", POLYNOMIAL_TEXT, NULL, MAP, false},
    {"polynomial float32, gcc -O3", NULL, plain_float, MAP, true},
    {"polynomial float32, gcc -O3 for this machine", NULL, wide_float, MAP, true},
    {"polynomial float32", POLYNOMIAL_TEXT, NULL, MAP, true},
    {"read both", NULL, read_both, MAP, false},
    {"sum(x*y)", "x*y", NULL, REDUCTION_SUM, false},
    {"read", NULL, read_memory, MAP, false},
    {"var(x)", "x", NULL, REDUCTION_VAR, false},
};
enum { ROWS = sizeof rows / sizeof *rows };

static double seconds_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static struct expression_program *compiled(const char *text, const struct expression_operand *of) {
    static uint64_t memory[ROWS][EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];
    static size_t used;
    const struct expression_text one = {text, strlen(text)};
    struct expression_error error;
    expect(expression_compile(&one, 1, of, OPERANDS, memory[used], &error) > 0, error.message);
    return (struct expression_program *)(void *)memory[used++];
}

static void run(const struct row *row, const struct expression_program *program, const struct setting *setting) {
    static const double gamma = 1;
    const struct expression_array arrays[OPERANDS] = {{row->is_single ? (void *)single_x : (void *)x, {1}},
                                                      {row->is_single ? (void *)single_y : (void *)y, {1}},
                                                      {&gamma, {0}}};
    const struct expression_shape shape = {1, {setting->elements}};
    struct expression_failure failure;
    void *results[] = {z};
    enum kernel_status status;
    if (row->limit) {
        row->limit(setting);
        return;
    }
    if (row->reduce == MAP) {
        status = expression_run(program, arrays, &shape, results, &setting->team, &nothing_watched, &failure);
    } else {
        const struct expression_reduction reduction = {(enum reduction_kind)row->reduce, EXPRESSION_ALL};
        status = expression_reduce(program, arrays, &shape, &reduction, scratch, results, &setting->team,
                                   &nothing_watched, &failure);
    }
    expect(!status && !failure.kind, "an expression failed");
}

static int by_size(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void print(const char *what, const struct setting *setting, double *clock, double *cpu) {
    qsort(clock, setting->rounds, sizeof *clock, by_size);
    qsort(cpu, setting->rounds, sizeof *cpu, by_size);
    printf("{\"what\": \"%s\", \"threads\": %u, \"median_ms\": %.6f, \"min_ms\": %.6f, \"median_cpu_ms\": %.6f}\n",
           what, setting->team.threads, clock[setting->rounds / 2] * 1e3, clock[0] * 1e3,
           cpu[setting->rounds / 2] * 1e3);
}

static void measure(const struct setting *setting, char **names, int name_count) {
    static double clock[ROWS][MOST_ROUNDS], cpu[ROWS][MOST_ROUNDS];
    const struct expression_program *programs[ROWS] = {NULL};
    bool is_wanted[ROWS] = {false};
    for (size_t r = 0; r < ROWS; r++) {
        is_wanted[r] = name_count == 0;
        for (int n = 0; n < name_count; n++) {
            is_wanted[r] = is_wanted[r] || strcmp(rows[r].name, names[n]) == 0;
        }
        programs[r] = rows[r].text ? compiled(rows[r].text, rows[r].is_single ? single_operands : operands) : NULL;
    }
    for (size_t round = 0; round < setting->rounds; round++) {
        for (size_t r = 0; r < ROWS; r++) {
            if (is_wanted[r]) {
                double clock_start = seconds_of(CLOCK_MONOTONIC), cpu_start = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
                run(&rows[r], programs[r], setting);
                clock[r][round] = seconds_of(CLOCK_MONOTONIC) - clock_start;
                cpu[r][round] = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
            }
        }
    }
    for (size_t r = 0; r < ROWS; r++) {
        if (is_wanted[r]) {
            print(rows[r].name, setting, clock[r], cpu[r]);
        }
    }
}

static void measure_compiler(struct setting setting) {
    static uint64_t memory[EXPRESSION_PROGRAM_BYTES_MAX / sizeof(uint64_t)];
    static double clock[COMPILATIONS], cpu[COMPILATIONS];
    const struct expression_text text = {gaussian_text, sizeof gaussian_text - 1};
    struct expression_error error;
    for (size_t i = 0; i < COMPILATIONS; i++) {
        double start = seconds_of(CLOCK_MONOTONIC);
        expect(expression_compile(&text, 1, operands, OPERANDS, memory, &error) > 0, error.message);
        clock[i] = seconds_of(CLOCK_MONOTONIC) - start;
        cpu[i] = clock[i];
    }
    setting.rounds = COMPILATIONS;
    print("compile", &setting, clock, cpu);
}

/* In huge pages, as the service's large blocks and NumPy's are. */
static void *allocate(size_t bytes) {
    enum { PAGE = 2 << 20 };
    size_t room = (bytes + PAGE - 1) / PAGE * PAGE;
    void *memory = aligned_alloc(PAGE, room);
    expect(memory, "no memory");
    (void)madvise(memory, room, MADV_HUGEPAGE);
    memset(memory, 0, bytes);
    return memory;
}

static void fill(size_t elements) {
    uint32_t random = 1;
    for (size_t i = 0; i < elements; i++) {
        random = random * 1664525U + 1013904223U;
        x[i] = random * 0x1p-30 - 2;
        single_x[i] = (float)x[i];
        random = random * 1664525U + 1013904223U;
        y[i] = (random | 1) * 0x1p-31;
        single_y[i] = (float)y[i];
    }
}

static size_t number(const char *text, size_t most) {
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    expect(*text >= '1' && *text <= '9' && !*end && value <= most,
           "usage: [--threads N] [--rounds N] [--elements N] [NAME ...]");
    return value;
}

static struct setting options(int argc, char **argv) {
    static const struct option known[] = {{"threads", required_argument, NULL, 't'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"elements", required_argument, NULL, 'e'},
                                          {NULL, 0, NULL, 0}};
    struct setting setting = {.team = {.threads = 2}, .elements = 10000000, .rounds = 9};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 't') {
            setting.team.threads = (unsigned)number(optarg, 1024);
        } else if (option == 'r') {
            setting.rounds = number(optarg, MOST_ROUNDS);
        } else if (option == 'e') {
            setting.elements = number(optarg, 1000000000);
        } else {
            exit(2);
        }
    }
    return setting;
}

/* KiB that have ever been resident. */
static long peak_kib(void) {
    struct rusage usage;
    expect(!getrusage(RUSAGE_SELF, &usage), "getrusage failed");
    return usage.ru_maxrss;
}

int main(int argc, char **argv) {
    const struct setting setting = options(argc, argv);
    const struct expression_shape shape = {1, {setting.elements}};
    x = allocate(setting.elements * sizeof *x);
    y = allocate(setting.elements * sizeof *y);
    z = allocate(setting.elements * sizeof *z);
    single_x = allocate(setting.elements * sizeof *single_x);
    single_y = allocate(setting.elements * sizeof *single_y);
    scratch = allocate(expression_reduction_scratch(compiled("x", operands), &shape, EXPRESSION_ALL) + 1);
    fill(setting.elements);
    triad(&setting); /* the threads are there */
    long before = peak_kib();
    measure(&setting, argv + optind, argc - optind);
    printf("{\"what\": \"memory\", \"threads\": %u, \"kib\": %ld}\n", setting.team.threads, peak_kib() - before);
    measure_compiler(setting);
    free(x);
    free(y);
    free(z);
    free(single_x);
    free(single_y);
    free(scratch);
    return EXIT_SUCCESS;
}

/* What kernels over numbers predict, against inputs that are meant to exceed it: the prediction decides what runs on an
 * event loop, so nothing may cost many times of it. bench/hostile does the same for texts. Each kernel, function and
 * measure is a row, which meets all kinds of numbers (prediction_inputs.c) in all its shapes; the input that exceeds
 * its prediction most is printed.
 *
 *   predictions [NAME]
 *
 * A NAME runs only the rows that have it in their names. One thread, its own time, the best of some runs; what seems to
 * exceed the limit is run more often, since other programs may have slowed it down. Exit status 1 where anything
 * exceeds its prediction LIMIT times. */
#include "bench/prediction_inputs.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LIMIT 3.0
/* A reading of the clock is a system call, 0.4 us: what is shorter than BATCH_NS is run several times between two. */
enum { RUNS = 3, MORE_RUNS = 40 };
#define BATCH_NS 20000.0

static const char *only;
static double worst_of_all;

static struct {
    char name[64];
    char input[96];
    double taken_ns, predicted_ns;
} row;

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

bool row_begin(const char *name) {
    snprintf(row.name, sizeof row.name, "%s", name);
    row.taken_ns = 0;
    row.predicted_ns = 1;
    return !only || strstr(name, only);
}

static double excess(double taken_ns, double predicted_ns) {
    return taken_ns / (predicted_ns > 0 ? predicted_ns : 1);
}

void row_judge(const char *input, double predicted_ns, void (*run)(const void *context), const void *context) {
    double best = 1e30;
    int batch = predicted_ns < BATCH_NS ? 1 + (int)(BATCH_NS / (predicted_ns + 100)) : 1;
    for (int i = 0; i < RUNS || (i < MORE_RUNS && excess(best, predicted_ns) > LIMIT); i++) {
        double start = now_ns();
        for (int time = 0; time < batch; time++) {
            run(context);
        }
        double taken = (now_ns() - start) / batch;
        best = taken < best ? taken : best;
    }
    if (excess(best, predicted_ns) > excess(row.taken_ns, row.predicted_ns)) {
        snprintf(row.input, sizeof row.input, "%s", input);
        row.taken_ns = best;
        row.predicted_ns = predicted_ns;
    }
}

void row_end(void) {
    double times = excess(row.taken_ns, row.predicted_ns);
    printf("%-34s %-44s %10.2f us, predicted %10.2f: %5.2f times%s\n", row.name, row.input, row.taken_ns / 1e3,
           row.predicted_ns / 1e3, times, times > LIMIT ? " !" : "");
    worst_of_all = times > worst_of_all ? times : worst_of_all;
}

int main(int argc, char **argv) {
    if (argc > 2) {
        fprintf(stderr, "usage: %s [NAME]\n", argv[0]);
        return 2;
    }
    only = argc > 1 ? argv[1] : NULL;
    predict_elements();
    predict_points();
    printf("worst: %.2f times\n", worst_of_all);
    return worst_of_all > LIMIT;
}

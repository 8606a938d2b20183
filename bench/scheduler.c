/* The scheduler alone, with works that do nothing: what it costs to have one run, how many it starts a second while
 * others wait, how long a work waits for its lane when team sizes change all the time, and what a wide work waits for
 * among narrow ones.
 *
 *   scheduler [WORKS [quick]]
 *
 * Nothing here needs more cores than there are: a budget of 64 cores on a machine of two is 64 threads that take turns.
 */
#include "server/engine/scheduler.h"

#include "server/system/clock.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUEUE = 1000000, WORKS_MOST = 1000, PASSES = 20, SWEEP_CORES = 64, CYCLE_CORES = 8, CYCLE_WORKS = 40000 };

struct item {
    struct work work;
    struct demand demand;
    uint64_t submitted_ns;
    uint64_t begun_ns;
    uint64_t lasts_ns;
    atomic_bool is_out;
};

static struct item items[WORKS_MOST];
static uint64_t *samples;
static size_t sample_count;

static struct item *item_of(struct work *work) {
    return RING_OWNER(work, struct item, work);
}

static void run(struct work *work, const struct team *team) {
    struct item *item = item_of(work);
    (void)team;
    item->begun_ns = clock_now_ns();
    while (clock_now_ns() - item->begun_ns < item->lasts_ns) {
    }
}

static void done(struct work *work) {
    atomic_store_explicit(&item_of(work)->is_out, false, memory_order_release);
}

static bool is_out(const struct item *item) {
    return atomic_load_explicit(&item->is_out, memory_order_acquire);
}

static void submit(struct scheduler *scheduler, struct item *item, unsigned threads, uint64_t principal) {
    item->work =
        (struct work){.demand = &item->demand, .threads = threads, .principal = principal, .run = run, .done = done};
    atomic_store_explicit(&item->is_out, true, memory_order_relaxed);
    item->submitted_ns = clock_now_ns();
    if (!scheduler_submit(scheduler, &item->work, &(struct shortage){0})) {
        abort();
    }
}

static void await(const struct item *item) {
    while (is_out(item)) {
        sched_yield();
    }
}

static int compare(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void report(const char *what) {
    qsort(samples, sample_count, sizeof *samples, compare);
    printf("%-58s median %9.1f us, p99 %9.1f us\n", what, (double)samples[sample_count / 2] / 1e3,
           (double)samples[sample_count * 99 / 100] / 1e3);
    sample_count = 0;
}

static struct scheduler *open_scheduler(unsigned cores, unsigned cap) {
    struct scheduler *scheduler = scheduler_new(cores, QUEUE, cap, cores);
    if (!scheduler) {
        abort();
    }
    return scheduler;
}

/* One at a time, there and back. */
static void measure_round_trips(unsigned threads, size_t count) {
    struct scheduler *scheduler = open_scheduler(2, 64);
    char what[80];
    for (size_t i = 0; i < count; i++) {
        submit(scheduler, &items[0], threads, 0);
        await(&items[0]);
        samples[sample_count++] = clock_now_ns() - items[0].submitted_ns;
    }
    snprintf(what, sizeof what, "an empty work of %u thread%s, submit to done", threads, threads == 1 ? "" : "s");
    report(what);
    scheduler_free(scheduler);
}

static double cpu_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Of all threads but this one, which spins while it waits. */
static double lanes_cpu_ns(void) {
    return cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* `waiting` are kept in the queue, of so many principals; every `wide_each`th is of two threads (0: none). */
static void measure_throughput(unsigned waiting, unsigned principals, unsigned wide_each, size_t count) {
    struct scheduler *scheduler = open_scheduler(2, 64);
    uint64_t begun_ns = clock_now_ns();
    double cpu_begun_ns = lanes_cpu_ns();
    uint64_t in_submit_ns = 0;
    size_t submitted = 0;
    while (submitted < count) {
        for (unsigned i = 0; i < waiting && submitted < count; i++) {
            if (is_out(&items[i])) {
                continue;
            }
            unsigned threads = wide_each && submitted % wide_each == 0 ? 2 : 1;
            submit(scheduler, &items[i], threads, submitted % principals);
            in_submit_ns += clock_now_ns() - items[i].submitted_ns;
            submitted++;
        }
    }
    for (unsigned i = 0; i < waiting; i++) {
        await(&items[i]);
    }
    double ns = (double)(clock_now_ns() - begun_ns);
    printf("%4u waiting, %4u principals, %-28s %9.0f works/s, %6.2f us each in submit, %6.2f us CPU on lanes\n",
           waiting, principals, wide_each ? "every 16th of two threads" : "of one thread", (double)count / ns * 1e9,
           (double)in_submit_ns / (double)count / 1e3, (lanes_cpu_ns() - cpu_begun_ns) / (double)count / 1e3);
    scheduler_free(scheduler);
}

static void measure_sweep(void) {
    struct scheduler *scheduler = open_scheduler(SWEEP_CORES, 1024);
    for (int pass = 0; pass < PASSES; pass++) {
        for (unsigned threads = 2; threads <= SWEEP_CORES; threads++) {
            submit(scheduler, &items[0], threads, 0);
            uint64_t returned_ns = clock_now_ns();
            await(&items[0]);
            uint64_t waited_ns = items[0].begun_ns - items[0].submitted_ns;
            samples[sample_count++] = pass == 0 ? returned_ns - items[0].submitted_ns : waited_ns;
        }
        if (pass == 0) {
            report("2 to 64 threads of 64 cores, first pass: in submit");
        }
    }
    report("2 to 64 threads of 64 cores, later passes: until it runs");
    scheduler_free(scheduler);
}

/* Several at once, of one to eight threads in turn: is a thread begun once all sizes were used? */
static void measure_cycles(void) {
    struct scheduler *scheduler = open_scheduler(CYCLE_CORES, 64);
    uint64_t warm_begun = 0;
    for (unsigned i = 0; i < CYCLE_WORKS; i++) {
        struct item *item = &items[i % 6];
        await(item);
        submit(scheduler, item, i * 5 % CYCLE_CORES + 1, i % 6);
        if (i == CYCLE_WORKS / 10) {
            warm_begun = scheduler_state(scheduler).lane_threads_begun;
        }
    }
    for (unsigned i = 0; i < 6; i++) {
        await(&items[i]);
    }
    struct scheduler_state end = scheduler_state(scheduler);
    printf(
        "1 to 8 threads in turn, 6 works at once: %llu threads begun for the first %u works, %llu for the other %u\n",
        (unsigned long long)warm_begun, CYCLE_WORKS / 10, (unsigned long long)(end.lane_threads_begun - warm_begun),
        CYCLE_WORKS - CYCLE_WORKS / 10);
    scheduler_free(scheduler);
}

/* A work of two threads now and then beside so many narrow ones of 1 ms that are always there. */
static void measure_wide(unsigned narrow, bool wide) {
    struct scheduler *scheduler = open_scheduler(2, 64);
    uint64_t begun_ns = clock_now_ns();
    unsigned long narrow_done = 0;
    uint64_t next_wide_ns = begun_ns;
    struct item *wide_item = &items[WORKS_MOST - 1];
    bool wide_was_out = false;
    while (clock_now_ns() - begun_ns < 2 * NS_PER_S) {
        for (unsigned i = 0; i < narrow; i++) {
            if (is_out(&items[i])) {
                continue;
            }
            narrow_done++;
            items[i].lasts_ns = NS_PER_MS;
            submit(scheduler, &items[i], 1, i);
        }
        if (wide_was_out && !is_out(wide_item)) {
            samples[sample_count++] = wide_item->begun_ns - wide_item->submitted_ns;
            wide_was_out = false;
            next_wide_ns = clock_now_ns() + 20 * NS_PER_MS;
        }
        if (wide && !wide_was_out && clock_now_ns() >= next_wide_ns) {
            submit(scheduler, wide_item, 2, 1000);
            wide_was_out = true;
        }
        sched_yield();
    }
    char what[80];
    snprintf(what, sizeof what, "%u narrow works of 1 ms: %lu in 2 s%s", narrow, narrow_done,
             wide ? "; a wide one waits" : "");
    if (wide) {
        report(what);
    } else {
        printf("%s\n", what);
    }
    for (unsigned i = 0; i < WORKS_MOST; i++) {
        await(&items[i]);
        items[i].lasts_ns = 0;
    }
    scheduler_free(scheduler);
}

int main(int argc, char **argv) {
    size_t count = argc > 1 ? (size_t)strtoull(argv[1], NULL, 10) : 200000;
    samples = calloc(count + (size_t)PASSES * SWEEP_CORES, sizeof *samples);
    if (!samples || count < 1) {
        return 1;
    }
    measure_round_trips(1, count);
    measure_round_trips(2, count);
    static const unsigned waiting[][3] = {{1, 1, 0}, {1000, 1, 0}, {1000, 10, 0}, {1000, 1000, 0}, {1000, 10, 16}};
    for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
        measure_throughput(waiting[i][0], waiting[i][1], waiting[i][2], count);
    }
    measure_sweep();
    measure_cycles();
    for (unsigned narrow = argc > 2 ? 257 : 4; narrow <= 256; narrow *= 8) {
        measure_wide(narrow, false);
        measure_wide(narrow, true);
    }
    free(samples);
    return 0;
}

/* What it costs to count a request for /metrics: counting [THREADS [REQUESTS]].
 *
 * Each thread, one of THREADS (2) loops, counts REQUESTS (4,000,000) in a block of its own: of 16 paths in turn, mostly
 * answered well, of times that are never the same. Prints the least time of a round for a request, in nanoseconds, with
 * one thread and with all: they are the same where threads share no cache line. */
#include "server/engine/metrics.h"
#include "server/system/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 2, THREADS_MAX = 256, REQUESTS = 4000000, ROUNDS = 5, ROUTES = 16 };

static long request_count = REQUESTS;

struct loop {
    pthread_t thread;
    struct metrics_block *block;
    double request_ns;
};

static void fail(const char *what) {
    (void)fprintf(stderr, "counting: %s\n", what);
    exit(1);
}

static void *count(void *context) {
    struct loop *loop = context;
    uint64_t state = 1, start_ns = clock_now_ns();
    for (long i = 0; i < request_count; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t some_ns = state >> 44; /* up to a millisecond */
        const struct times times = {.receive = some_ns / 8,
                                    .decode = some_ns / 4,
                                    .compute = some_ns / 2,
                                    .encode = some_ns / 8,
                                    .total = some_ns,
                                    .cpu = some_ns};
        const struct metrics_request request = {.route = (size_t)(i % ROUTES),
                                                .method = 2,
                                                .status = i % 64 == 0 ? 422 : 200,
                                                .problem = i % 64 == 0 ? PROBLEM_WRONG_TYPE : PROBLEM_NONE,
                                                .id = "0123456789abcdef",
                                                .times = &times,
                                                .send_ns = some_ns / 16,
                                                .now_ns = start_ns + (uint64_t)i * 10000,
                                                .threads = {.requested = 2, .granted = 1},
                                                .received_bytes = 100,
                                                .sent_bytes = 200};
        metrics_count_request(loop->block, &request);
    }
    loop->request_ns = (double)(clock_now_ns() - start_ns) / (double)request_count;
    return NULL;
}

/* The slowest of the threads, in the best of the rounds. */
static double measure(struct loop *loops, unsigned threads) {
    double least_ns = 1e300;
    for (int round = 0; round < ROUNDS; round++) {
        double slowest_ns = 0;
        for (unsigned i = 0; i < threads; i++) {
            if (pthread_create(&loops[i].thread, NULL, count, &loops[i]) != 0) {
                fail("a thread can't be started");
            }
        }
        for (unsigned i = 0; i < threads; i++) {
            pthread_join(loops[i].thread, NULL);
            slowest_ns = loops[i].request_ns > slowest_ns ? loops[i].request_ns : slowest_ns;
        }
        least_ns = slowest_ns < least_ns ? slowest_ns : least_ns;
    }
    return least_ns;
}

int main(int argument_count, char **arguments) {
    long threads = argument_count > 1 ? strtol(arguments[1], NULL, 10) : THREADS;
    request_count = argument_count > 2 ? strtol(arguments[2], NULL, 10) : REQUESTS;
    if (threads < 1 || threads > THREADS_MAX || request_count < 1) {
        fail("usage: counting [THREADS [REQUESTS]]");
    }
    static struct loop loops[THREADS_MAX];
    struct metrics *metrics = metrics_new(ROUTES, (unsigned)threads);
    for (long i = 0; i < threads; i++) {
        loops[i].block = metrics_take_block(metrics);
        if (!loops[i].block) {
            fail("no memory");
        }
    }
    double alone_ns = measure(loops, 1);
    printf("{\"threads\": %ld, \"alone_ns\": %.1f, \"together_ns\": %.1f}\n", threads, alone_ns,
           measure(loops, (unsigned)threads));
    metrics_free(metrics);
}

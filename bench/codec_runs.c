#include "bench/codec_runs.h"

#include "server/system/clock.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void insist(bool holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "codecs: %s failed\n", what);
        exit(1);
    }
}

void *take(size_t bytes) {
    void *block = malloc(bytes);
    insist(block, "malloc");
    return block;
}

double next_random(void) {
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(state >> 11) * 0x1p-53;
}

double best_ns(job_run *run, job_run *prepare, void *context) {
    uint64_t best = UINT64_MAX, end = clock_now_ns() + 100 * NS_PER_MS;
    for (int runs = 0; runs < 3 || clock_now_ns() < end; runs++) {
        if (prepare) {
            prepare(context);
        }
        uint64_t start = clock_now_ns();
        run(context);
        uint64_t taken = clock_now_ns() - start;
        best = taken < best ? taken : best;
    }
    return (double)best;
}

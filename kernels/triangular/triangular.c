#include "kernels/triangular/triangular.h"

#include <sched.h>

/* Numbers between two looks at the cancel flag: a quarter of a millisecond. One takes a cycle (bench/kernels). */
enum { BLOCK = 1 << 20, NUMBER_PS = 250 };

struct run {
    const uint64_t *ranges;
    struct triangular_result *results;
    const atomic_bool *cancel;
    atomic_bool cut; /* a range was left before its end, which team_for can't know */
};

/* To the compiler the empty statement may change both values, so it can neither leave a number out nor foresee the next
 * one: no formula, no vectors, no steps skipped, at any level of optimisation. */
static uint64_t triangular_loop(uint64_t begin, uint64_t end) {
    uint64_t last = 0;
    for (uint64_t n = begin; n < end; n++) {
        last = n * (n + 1) / 2;
        __asm__ volatile("" : "+r"(n), "+r"(last));
    }
    return last;
}

static bool is_cancelled(const struct run *run) {
    return run->cancel && atomic_load_explicit(run->cancel, memory_order_relaxed);
}

static void triangular_range(struct run *run, uint64_t range, struct triangular_result *result) {
    result->last = 0;
    for (uint64_t begin = 0; begin < range; begin += BLOCK) {
        if (begin > 0 && is_cancelled(run)) {
            atomic_store_explicit(&run->cut, true, memory_order_relaxed);
            break;
        }
        result->last = triangular_loop(begin, range - begin < BLOCK ? range : begin + BLOCK);
    }
    result->core = sched_getcpu();
}

static void triangular_piece(void *context, size_t begin, size_t end) {
    struct run *run = context;
    for (size_t i = begin; i < end; i++) {
        triangular_range(run, run->ranges[i], &run->results[i]);
    }
}

enum kernel_status triangular(const uint64_t *ranges, struct triangular_result *results, size_t count,
                              const struct team *team, const struct progress *progress) {
    struct run run = {.ranges = ranges, .results = results, .cancel = progress->cancel};
    enum kernel_status status = team_for(team, progress, count, 1, triangular_piece, &run);
    return atomic_load_explicit(&run.cut, memory_order_relaxed) ? KERNEL_CANCELLED : status;
}

uint64_t triangular_last(uint64_t range) {
    return range > 0 ? (range - 1) * range / 2 : 0;
}

uint64_t triangular_cost_ns(uint64_t range) {
    return range * NUMBER_PS / 1000;
}

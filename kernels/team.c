/* One parallel loop for all kernels.
 *
 * The loop runs over piece numbers, not elements, so OpenMP's schedules deal out whole pieces: in contiguous runs with
 * static and no chunk given, one by one otherwise. `schedule(runtime)` with omp_set_schedule keeps it a single loop;
 * that setting belongs to the calling thread, so lanes don't disturb each other. `omp cancel` would need
 * OMP_CANCELLATION set before main, so a flag is polled instead: between slices as long as the kernel would choose
 * pieces, whatever the chunk: a large one doesn't delay a cancel, and a small one, which can make millions of pieces,
 * costs little. */
#include "kernels/team.h"

#include "kernels/clones.h"

#include <omp.h>
#include <time.h>

struct pieces {
    size_t count; /* elements in all */
    size_t step;  /* elements per piece */
    size_t slice; /* elements between two looks at the cancel flag; the last slice of a turn: less than twice that */
    size_t total; /* pieces */
    const struct progress *progress;
    team_body *body;
    void *context;
};

/* OpenMP's own number is that of the region, whatever runs within it. */
static _Thread_local unsigned own_thread;

static uint64_t thread_cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Works on the pieces [first, last) as one range, in slices: where pieces end doesn't show in results, and small ones
 * would cost more than what is in them. Relaxed throughout: the flag and the counters order no other data; the end of
 * the region does. */
static bool run_pieces(const struct pieces *pieces, size_t first, size_t last) {
    const struct progress *progress = pieces->progress;
    size_t begin = first * pieces->step;
    size_t end = last == pieces->total ? pieces->count : last * pieces->step;
    while (begin < end) {
        if (progress->cancel && atomic_load_explicit(progress->cancel, memory_order_relaxed)) {
            return false;
        }
        size_t stop = (end - begin) / 2 < pieces->slice ? end : begin + pieces->slice;
        pieces->body(pieces->context, begin, stop);
        if (progress->done) {
            atomic_fetch_add_explicit(progress->done, stop - begin, memory_order_relaxed);
        }
        begin = stop;
    }
    return true;
}

static void set_schedule(const struct team *team) {
    static const omp_sched_t kinds[] = {
        [TEAM_STATIC] = omp_sched_static, [TEAM_DYNAMIC] = omp_sched_dynamic, [TEAM_GUIDED] = omp_sched_guided};
    /* 0 asks static for equal contiguous runs. */
    omp_set_schedule(kinds[team->schedule], team->schedule == TEAM_STATIC && team->chunk == 0 ? 0 : 1);
}

static bool run_parallel(const struct team *team, const struct pieces *pieces) {
    atomic_uint_fast64_t *cpu_ns = pieces->progress->cpu_ns;
    size_t turn = pieces->total / TEAM_TURNS_MAX + 1; /* pieces per turn */
    int turns = (int)((pieces->total - 1) / turn + 1);
    bool skipped = false;
    set_schedule(team);
#pragma omp parallel num_threads((int)team->threads) reduction(|| : skipped)
    {
        own_thread = (unsigned)omp_get_thread_num();
        bool metered = cpu_ns && own_thread != 0;
        uint64_t start_ns = metered ? thread_cpu_ns() : 0;
#pragma omp for schedule(runtime) nowait
        for (int i = 0; i < turns; i++) {
            size_t begin = (size_t)i * turn;
            size_t end = pieces->total - begin < turn ? pieces->total : begin + turn;
            skipped = !run_pieces(pieces, begin, end) || skipped;
        }
        own_thread = 0;
        /* Before the closing barrier, so that waiting there isn't counted as work. */
        if (metered) {
            atomic_fetch_add_explicit(cpu_ns, thread_cpu_ns() - start_ns, memory_order_relaxed);
        }
    }
    return !skipped;
}

enum kernel_status team_for(const struct team *team, const struct progress *progress, size_t count, size_t piece,
                            team_body *body, void *context) {
    size_t step = team->chunk ? team->chunk : piece;
    struct pieces pieces = {
        .count = count,
        .step = step,
        .slice = piece,
        .total = count / step + (count % step != 0),
        .progress = progress,
        .body = body,
        .context = context,
    };
    if (progress->total) {
        atomic_fetch_add_explicit(progress->total, count, memory_order_relaxed);
    }
    bool alone = team->threads == 1 || pieces.total <= 1;
    bool finished = alone ? run_pieces(&pieces, 0, pieces.total) : run_parallel(team, &pieces);
    return finished ? KERNEL_DONE : KERNEL_CANCELLED;
}

unsigned team_thread(void) {
    return own_thread;
}

unsigned team_begin_alone(void) {
    unsigned thread = own_thread;
    own_thread = 0;
    return thread;
}

void team_end_alone(unsigned thread) {
    own_thread = thread;
}

const char *team_instruction_set(void) {
#if KERNEL_HAS_CLONES
    if (__builtin_cpu_supports("x86-64-v4")) {
        return "x86-64-v4";
    }
    if (__builtin_cpu_supports("x86-64-v3")) {
        return "x86-64-v3";
    }
#endif
#if defined(__x86_64__)
    return "x86-64";
#elif defined(__aarch64__)
    return "aarch64";
#elif defined(__riscv)
    return "riscv";
#elif defined(__powerpc64__)
    return "ppc64";
#elif defined(__s390x__)
    return "s390x";
#else
    return "generic";
#endif
}

/* What is left to do: of a job that runs, and until one that waits is done. Asked from any thread. */
#include "server/jobs/attempt.h"
#include "server/system/clock.h"

static void look_at_run(const struct attempt *attempt, uint64_t now_ns, struct runner_progress *progress) {
    struct run *run = attempt->run;
    uint64_t since_ns = atomic_load_explicit(&run->live.computing_ns, memory_order_relaxed);
    progress->threads = atomic_load_explicit(&run->live.granted, memory_order_relaxed);
    bool is_stream = run_is_stream(run);
    if (is_stream) {
        progress->done = atomic_load_explicit(&attempt->worked, memory_order_relaxed);
        progress->total = attempt->body.length;
    } else {
        progress->done = atomic_load_explicit(&run->call.done, memory_order_relaxed);
        progress->total = atomic_load_explicit(&run->call.total, memory_order_relaxed);
    }
    if (progress->done > progress->total) { /* a kernel counts what it does between its parts as well */
        progress->done = progress->total;
    }
    if (since_ns == 0 || since_ns >= now_ns) {
        return;
    }
    if (!is_stream && progress->times.compute == 0) {
        progress->times.compute = now_ns - since_ns;
    }
    if (progress->done > 0 && progress->done < progress->total) {
        double left_ns =
            (double)(now_ns - since_ns) / (double)progress->done * (double)(progress->total - progress->done);
        progress->left_ns = left_ns < (double)INT64_MAX ? (uint64_t)left_ns : UINT64_MAX;
    }
}

bool runner_progress(struct runner *runner, struct text_view id, struct runner_progress *progress) {
    uint64_t now_ns = clock_now_ns();
    pthread_mutex_lock(&runner->lock);
    const struct attempt *attempt = runner_find(runner, id);
    if (attempt) {
        *progress = (struct runner_progress){
            .left_ns = UINT64_MAX, .times = attempt->times, .elapsed_ns = now_ns - attempt->taken_ns};
        progress->times.total = progress->elapsed_ns;
        if (attempt->run) {
            look_at_run(attempt, now_ns, progress);
        }
    }
    pthread_mutex_unlock(&runner->lock);
    return attempt;
}

/* --- how long a job waits ---------------------------------------------------------------------------------------- */

/* One whose rate says nothing may take as long again. */
static uint64_t left_of(const struct attempt *attempt, uint64_t now_ns) {
    struct runner_progress progress = {.left_ns = UINT64_MAX};
    look_at_run(attempt, now_ns, &progress);
    bool is_computed = progress.total > 0 && progress.done == progress.total;
    if (is_computed || atomic_load_explicit(&attempt->run->call.cancel, memory_order_relaxed)) {
        return 0;
    }
    uint64_t begun_ns = atomic_load_explicit(&attempt->run->live.begun_ns, memory_order_relaxed);
    uint64_t elapsed_ns = begun_ns > 0 && begun_ns < now_ns ? now_ns - begun_ns : 0;
    return progress.left_ns != UINT64_MAX ? progress.left_ns : elapsed_ns;
}

/* Until the first of those that have all cores ends, which leaves its own: *cores. */
static uint64_t await_cores(struct runner *runner, uint64_t *cores) {
    uint64_t now_ns = clock_now_ns(), least_ns = UINT64_MAX;
    *cores = 1;
    pthread_mutex_lock(&runner->lock);
    for (const struct ring *node = runner->attempts.next; node != &runner->attempts; node = node->next) {
        const struct attempt *attempt = RING_OWNER(node, struct attempt, place);
        unsigned granted = attempt->run ? atomic_load_explicit(&attempt->run->live.granted, memory_order_relaxed) : 0;
        uint64_t left_ns = granted > 0 ? left_of(attempt, now_ns) : UINT64_MAX;
        if (left_ns < least_ns) {
            least_ns = left_ns;
            *cores = granted;
        }
    }
    pthread_mutex_unlock(&runner->lock);
    return least_ns != UINT64_MAX ? least_ns : 0;
}

uint64_t runner_wait_ns(struct runner *runner, uint64_t before) {
    uint64_t cores = atomic_load_explicit(&runner->free_cores, memory_order_relaxed);
    uint64_t mean_ns = atomic_load_explicit(&runner->mean_core_ns, memory_order_relaxed);
    uint64_t first_ns = cores == 0 ? await_cores(runner, &cores) : 0;
    double wait_ns = (double)first_ns + ((double)before + 1) * (double)mean_ns / (double)cores;
    return wait_ns < (double)INT64_MAX ? (uint64_t)wait_ns : UINT64_MAX;
}

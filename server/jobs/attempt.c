#include "server/jobs/attempt.h"

#include "server/engine/endpoint.h"
#include "server/jobs/watches.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What is read ahead of a text in a file. */
enum { AHEAD_BYTES = 8 * STREAM_WINDOW_BYTES };

/* What the thread of jobs does itself at most, predicted: as much as a loop (EXCHANGE_INLINE_COST_NS).
 * One after the other: 20,000 a second of the longest. */
#define INLINE_NS UINT64_C(50000)

/* How often is looked whether a job computes that was allowed less than this, but waits for its cores. */
#define CHECK_LEAST_NS UINT64_C(10000000)

static void go_on(struct attempt *attempt, enum run_state state);

/* --- its run, as others see it ----------------------------------------------------------------------------------- */

static void set_run(struct attempt *attempt, struct run *run) {
    pthread_mutex_lock(&attempt->runner->lock);
    attempt->run = run;
    pthread_mutex_unlock(&attempt->runner->lock);
}

static void note_times(struct attempt *attempt) {
    pthread_mutex_lock(&attempt->runner->lock);
    attempt->times = attempt->run->times;
    pthread_mutex_unlock(&attempt->runner->lock);
}

static void leave_run(struct attempt *attempt) {
    struct run *run = attempt->run;
    if (run) {
        set_run(attempt, NULL);
        run_abandon(run); /* frees it, but for a block that the next one gets */
    }
}

/* --- life -------------------------------------------------------------------------------------------------------- */

bool attempt_reserve(struct runner *runner) {
    struct attempt *attempt = malloc(sizeof *attempt);
    if (!attempt) {
        return false;
    }
    ring_insert(&runner->spare, &attempt->place);
    runner->spare_count++;
    /* cppcheck-suppress memleak ; the ring has it */
    return true;
}

void attempt_take(struct runner *runner, struct attempt *attempt, struct job *job, bool is_awaited) {
    *attempt = (struct attempt){.runner = runner, .job = job, .is_awaited = is_awaited};
    attempt->taken_ns = clock_now_ns();
    attempt->check_ns = UINT64_MAX;
    attempt->end.runner = attempt->renewal.runner = runner;
    job->next = NULL;
    pthread_mutex_lock(&runner->lock);
    ring_insert(&runner->attempts, &attempt->place);
    pthread_mutex_unlock(&runner->lock);
    runner->attempt_count++;
    if (runner->ahead_ns == UINT64_MAX) {
        runner->ahead_ns = attempt->taken_ns + RUNNER_AHEAD_NS;
    }
    bool has_body =
        job->body.in_file || job->body.length == 0 || job->body.bytes.owner; /* else there was no memory for it */
    if (!has_body || atomic_load(&runner->is_draining)) {
        attempt_release(attempt);
    } else {
        watches_tell(runner, job->id, JOB_RUNNING);
        attempt_begin(attempt);
    }
}

static void free_contents(struct attempt *attempt) {
    free(attempt->fields);
    free(attempt->joined);
    payload_drop(&attempt->body);
    jobs_free(attempt->job);
}

static void free_mapped(struct disk_task *task) {
    struct attempt *attempt = RING_OWNER(task, struct attempt, task);
    free_contents(attempt);
    free(attempt);
}

static void put_away(struct attempt *attempt) {
    struct runner *runner = attempt->runner;
    if ((attempt->is_mapped || attempt->is_restored) && !runner->is_closed) {
        disk_thread_do(runner->files, &attempt->task, free_mapped); /* unmapping may take long */
        return;
    }
    free_contents(attempt);
    if (runner->spare_count < RUNNER_PLACES_MAX) {
        ring_insert(&runner->spare, &attempt->place);
        runner->spare_count++;
    } else {
        free(attempt); /* submissions have brought it */
    }
}

void attempt_end(struct attempt *attempt) {
    struct runner *runner = attempt->runner;
    attempt_tell(attempt);
    pthread_mutex_lock(&runner->lock);
    ring_remove(&attempt->place); /* first: nobody shall see it without its run, and take it for one that begins */
    pthread_mutex_unlock(&runner->lock);
    leave_run(attempt);
    runner->attempt_count--;
    if (runner->long_count > 0) {
        runner->ahead_ns = 0; /* it may have been one of them */
    }
    if (attempt->is_renewing) {
        attempt->state = ATTEMPT_IS_OVER;
        ring_insert(&runner->leaving, &attempt->place);
    } else {
        put_away(attempt);
    }
}

void attempt_abandon(struct attempt *attempt) {
    leave_run(attempt);
    ring_remove(&attempt->place);
    put_away(attempt);
}

void attempt_pause(struct attempt *attempt, void (*next)(struct attempt *attempt)) {
    if (attempt->runner->is_cut && next != attempt_release) {
        attempt_release(attempt);
        return;
    }
    attempt->state = ATTEMPT_PAUSES;
    attempt->next = next;
    attempt->wake_ns = clock_now_ns() + runner_backoff_ns(++attempt->failures);
}

/* --- giving back ------------------------------------------------------------------------------------------------- */

static void released(struct runner *runner, struct runner_post *post) {
    struct attempt *attempt = RING_OWNER(runner_asked_of(post), struct attempt, end);
    enum journal_outcome outcome = attempt->end.request.outcome;
    if (runner->is_closed) {
        return;
    }
    if (journal_is_out(outcome) && !attempt->is_lost) {
        attempt_pause(attempt, attempt_release);
        return;
    }
    if (outcome == JOURNAL_DONE) {
        watches_tell(runner, attempt->job->id, JOB_ACCEPTED);
    } else {
        watches_look(runner, attempt->job->id);
    }
    attempt_end(attempt);
}

void attempt_release(struct attempt *attempt) {
    leave_run(attempt);
    attempt->state = ATTEMPT_RELEASES;
    attempt->end.request = (struct journal_request){
        .verb = JOURNAL_RELEASE, .lease = {.id = attempt->job->id, .attempt = attempt->job->attempts}};
    runner_ask(attempt->runner, &attempt->end, released);
}

/* Somebody else has it, or it is finished. */
static void lose(struct attempt *attempt) {
    watches_look(attempt->runner, attempt->job->id);
    attempt_end(attempt);
}

bool attempt_is_unwanted(struct attempt *attempt) {
    if (attempt->is_lost) {
        lose(attempt);
    } else if (attempt->is_cancelled || attempt->runner->is_cut) {
        attempt_release(attempt);
    } else {
        return false;
    }
    return true;
}

/* --- the lease --------------------------------------------------------------------------------------------------- */

static void stop(struct attempt *attempt) {
    if (attempt->state == ATTEMPT_RUNS) {
        go_on(attempt, run_cut(attempt->run, PROBLEM_CLIENT_GONE));
    } else if (attempt->state == ATTEMPT_PAUSES) {
        (void)attempt_is_unwanted(attempt);
    } /* else it comes back soon */
}

static void renewed(struct runner *runner, struct runner_post *post) {
    struct attempt *attempt = RING_OWNER(runner_asked_of(post), struct attempt, renewal);
    enum journal_outcome outcome = attempt->renewal.request.outcome;
    attempt->is_renewing = false;
    if (runner->is_closed) {
        return;
    }
    if (attempt->state == ATTEMPT_IS_OVER) {
        ring_remove(&attempt->place);
        put_away(attempt);
    } else if (outcome == JOURNAL_STALE || outcome == JOURNAL_MISSING) {
        attempt->is_lost = true;
        stop(attempt);
    }
}

void attempt_renew(struct attempt *attempt) {
    if (attempt->is_renewing || attempt->is_lost || attempt->state == ATTEMPT_RELEASES) {
        return;
    }
    attempt->is_renewing = true;
    attempt->renewal.request = (struct journal_request){.verb = JOURNAL_RENEW,
                                                        .lease = {.id = attempt->job->id,
                                                                  .attempt = attempt->job->attempts,
                                                                  .lease_ms = attempt->runner->settings.lease_ms}};
    runner_ask(attempt->runner, &attempt->renewal, renewed);
}

void attempt_cancel(struct attempt *attempt) {
    attempt->is_cancelled = true;
    stop(attempt);
}

void attempt_cut(struct attempt *attempt) {
    if (attempt->state == ATTEMPT_RUNS) {
        go_on(attempt, run_cut(attempt->run, PROBLEM_SHUTTING_DOWN));
    } else if (attempt->state == ATTEMPT_PAUSES) {
        (void)attempt_is_unwanted(attempt);
    }
}

/* --- the run ----------------------------------------------------------------------------------------------------- */

/* What was asked, as the run keeps it: a lane may have it when the job isn't here any more. */
static enum problem_kind fill_order(struct run *run, const struct job *job) {
    struct order *order = &run->order;
    size_t id_length = job->id.length < ORDER_ID_MAX ? job->id.length : ORDER_ID_MAX;
    memcpy(order->id, job->id.bytes, id_length);
    order->id[id_length] = '\0';
    order->endpoint = attempt_find_endpoint(run->host->facts, job->op);
    order->body_media = job->body_media;
    order->reply_media = job->reply_media;
    order->body_coding = job->body_coding;
    order->reply_coding = job->reply_coding;
    order->reply_must_be_coded = job->reply_must_be_coded;
    order->class = WORK_JOB;
    order->principal = job->principal;
    order->pins = payload_hold(&job->pinned);
    if (!order->endpoint) { /* it was accepted by an earlier version */
        return problem_set(&run->call.problem, PROBLEM_NOT_FOUND, NULL, "there is no %.*s any more",
                           (int)(job->op.length < 100 ? job->op.length : 100), job->op.bytes);
    }
    if (job->query.length > 0) {
        order->query = (struct text_view){run_keep(run, job->query.bytes, job->query.length), job->query.length};
    }
    return run->call.problem.kind;
}

/* Its answer says nothing of what was asked; it may be another one after a moment. */
static bool is_passing(const struct answer *answer) {
    return problem_status(answer_problem_kind(answer)) == 503;
}

static void note_cost(struct runner *runner, uint64_t core_ns) {
    uint64_t mean_ns = atomic_load_explicit(&runner->mean_core_ns, memory_order_relaxed); /* only here it changes */
    atomic_store_explicit(&runner->mean_core_ns, mean_ns - mean_ns / 8 + core_ns / 8, memory_order_relaxed);
}

static void settle(struct attempt *attempt) {
    struct runner *runner = attempt->runner;
    const struct answer *answer = &attempt->run->answer;
    const struct times *times = &attempt->run->times;
    attempt->check_ns = UINT64_MAX;
    note_times(attempt);
    if (attempt->is_lost) {
        lose(attempt);
    } else if (attempt->is_cancelled || answer_problem_kind(answer) == PROBLEM_CLIENT_GONE) {
        attempt_release(attempt);
    } else if (answer->problem && is_passing(answer)) {
        leave_run(attempt);
        attempt_pause(attempt, attempt_begin);
    } else {
        uint64_t took_ns = times->decode + times->compute + times->encode;
        runner->mean_ns = runner->mean_ns - runner->mean_ns / 8 + took_ns / 8;
        note_cost(runner, took_ns * (answer->threads.granted > 0 ? answer->threads.granted : 1));
        attempt->failures = 0;
        attempt_store(attempt);
    }
}

static void watch_limit(struct attempt *attempt) {
    const struct run *run = attempt->run;
    if (run->limit_ns != UINT64_MAX && attempt->check_ns == UINT64_MAX && !run->cut) {
        attempt->check_ns = clock_now_ns() + run->limit_ns;
    }
}

/* All of its body is there. What somebody waits for is worked on here if it is little, instead of waking a lane
 * that wakes this thread again. */
static void start(struct attempt *attempt) {
    static const struct run_policy nothing_here = {0},
                                   little = {.decode_bytes = JOURNAL_INLINE_BYTES, .compute_ns = INLINE_NS};
    attempt->is_fed = true;
    go_on(attempt, run_start(attempt->run, attempt->is_awaited ? &little : &nothing_here));
}

/* As much of a stream's body as fits, and when all of it has, its end. */
static void feed(struct attempt *attempt) {
    const struct payload *body = &attempt->body;
    size_t fed = attempt->fed, taken = 0;
    if (attempt->is_mapped && fed < body->length) {
        size_t page = fed - fed % BUFFER_POOL_PAGE_BYTES;
        size_t ahead = body->length - page < AHEAD_BYTES ? body->length - page : AHEAD_BYTES;
        (void)posix_madvise(body->bytes + page, ahead, POSIX_MADV_WILLNEED);
    }
    enum run_feeding feeding =
        body->length > 0 ? run_feed(attempt->run, body->bytes + fed, body->length - fed, &taken) : RUN_FED;
    attempt->fed = fed + taken;
    if (feeding == RUN_REFUSES) {
        go_on(attempt, RUN_DONE);
    } else if (feeding == RUN_FED) {
        start(attempt);
    } else {
        watch_limit(attempt);
    }
}

static void go_on(struct attempt *attempt, enum run_state state) {
    if (state == RUN_DONE) {
        settle(attempt);
    } else if (state == RUN_RECEIVES && !attempt->is_fed) {
        feed(attempt);
    } else {
        watch_limit(attempt);
    }
}

static void hand_body(struct attempt *attempt) {
    struct run *run = attempt->run;
    if (run_is_stream(run)) {
        feed(attempt);
    } else if (run_lend(run, &attempt->body) == RUN_REFUSES) {
        go_on(attempt, RUN_DONE);
    } else {
        start(attempt);
    }
}

void attempt_begin(struct attempt *attempt) {
    struct runner *runner = attempt->runner;
    const struct job_content *body = &attempt->job->body;
    if (attempt_load(attempt)) {
        return;
    }
    if (!attempt->body.owner) {
        attempt->body = payload_hold(&body->bytes);
    }
    struct run *run = run_new(runner->host, &runner->runs, attempt);
    if (!run) {
        attempt_pause(attempt, attempt_begin);
        return;
    }
    attempt->state = ATTEMPT_RUNS;
    attempt->is_fed = false;
    attempt->fed = 0;
    atomic_store_explicit(&attempt->worked, 0, memory_order_relaxed);
    bool is_refused = fill_order(run, attempt->job) || run_open(run);
    set_run(attempt, run);
    if (is_refused) {
        run_refuse(run);
        go_on(attempt, RUN_DONE);
    } else {
        hand_body(attempt);
    }
}

void attempt_resume(struct attempt *attempt) {
    struct run *run = attempt->run;
    enum run_state state = run_resume(run);
    size_t worked = (size_t)(run->window_count - run->is_working) * STREAM_WINDOW_BYTES;
    atomic_store_explicit(&attempt->worked, worked < attempt->fed ? worked : attempt->fed, memory_order_relaxed);
    note_times(attempt);
    go_on(attempt, state);
}

/* --- timers ------------------------------------------------------------------------------------------------------ */

uint64_t attempt_due_ns(const struct attempt *attempt) {
    return attempt->state == ATTEMPT_PAUSES ? attempt->wake_ns
           : attempt->state == ATTEMPT_RUNS ? attempt->check_ns
                                            : UINT64_MAX;
}

/* Its time begins when a lane has it, which nobody reports: it can't be over before that much has passed. */
static void check_limit(struct attempt *attempt, uint64_t now_ns) {
    struct run *run = attempt->run;
    uint64_t begun_ns = atomic_load_explicit(&run->live.begun_ns, memory_order_relaxed);
    if (begun_ns == 0) {
        attempt->check_ns = now_ns + (run->limit_ns > CHECK_LEAST_NS ? run->limit_ns : CHECK_LEAST_NS);
    } else if (now_ns < begun_ns + run->limit_ns) {
        attempt->check_ns = begun_ns + run->limit_ns;
    } else {
        attempt->check_ns = UINT64_MAX;
        go_on(attempt, run_cut(run, PROBLEM_DEADLINE_EXCEEDED));
    }
}

void attempt_look(struct attempt *attempt, uint64_t now_ns) {
    if (attempt->state == ATTEMPT_PAUSES) {
        attempt->next(attempt);
    } else {
        check_limit(attempt, now_ns);
    }
}

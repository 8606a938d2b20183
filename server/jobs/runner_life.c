/* Everything that happens is posted to the runner's thread: runs that lanes bring back to `runs`, all else to `posts`:
 * what the journal has done, what the files' thread has, who watches and who cancels. One turn of the thread takes all
 * of it, then looks at the timers, then claims; then it sleeps. So a group of tiny jobs costs a few wake-ups, and one
 * claim and one commit. */
#include "server/jobs/runner.h"

#include "server/engine/metrics.h"
#include "server/jobs/attempt.h"
#include "server/jobs/job_index.h"
#include "server/jobs/runner_claims.h"
#include "server/jobs/watches.h"
#include "server/system/clock.h"
#include "server/system/thread.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* What is refused is tried again after 20 ms, then twice as long each time, up to 5 s: a full disk or a busy memory may
 * last, and a job waits no longer than it has to. */
#define BACKOFF_LEAST_NS UINT64_C(20000000)
enum { BACKOFF_DOUBLINGS = 8 };

enum { RENEWALS_PER_LEASE = 3 };

/* With more attempts than that the journal finds a job sooner. */
enum { LOOKED_THROUGH_MAX = 64 };

uint64_t runner_backoff_ns(unsigned failures) {
    unsigned doublings = failures - 1 < BACKOFF_DOUBLINGS ? failures - 1 : BACKOFF_DOUBLINGS;
    return BACKOFF_LEAST_NS << doublings;
}

/* --- what comes to the thread ------------------------------------------------------------------------------------ */

static void wake(void *context) {
    struct runner *runner = context;
    if (!atomic_exchange(&runner->is_woken, true)) {
        (void)sem_post(&runner->wake);
    }
}

void runner_send(struct runner *runner, struct runner_post *post, void (*act)(struct runner *, struct runner_post *)) {
    post->act = act;
    mailbox_post(&runner->posts, &post->link);
}

static void journal_done(struct journal_request *request) {
    struct runner_asked *asked = RING_OWNER(request, struct runner_asked, request);
    mailbox_post(&asked->runner->posts, &asked->post.link);
}

void runner_ask(struct runner *runner, struct runner_asked *asked, void (*act)(struct runner *, struct runner_post *)) {
    asked->post.act = act;
    asked->request.done = journal_done;
    journal_ask(runner->journal, &asked->request);
}

void runner_wake(struct runner *runner) {
    wake(runner);
}

void runner_ready(void *runner) {
    atomic_store(&((struct runner *)runner)->is_ready, true);
    wake(runner);
}

/* --- what others tell ------------------------------------------------------------------------------------------- */

struct message {
    struct runner_post post;
    enum job_status status;
    size_t length;
    char id[];
};

static void send_message(struct runner *runner, struct text_view id, enum job_status status,
                         void (*act)(struct runner *, struct runner_post *)) {
    struct message *message = malloc(sizeof *message + id.length);
    if (message) { /* else: the next renewal of the lease tells, and the watch's own end */
        message->status = status;
        message->length = id.length;
        memcpy(message->id, id.bytes, id.length);
        runner_send(runner, &message->post, act);
    }
}

struct attempt *runner_find(const struct runner *runner, struct text_view id) {
    for (struct ring *node = runner->attempts.next; node != &runner->attempts; node = node->next) {
        struct attempt *attempt = RING_OWNER(node, struct attempt, place);
        if (attempt->job->id.length == id.length && memcmp(attempt->job->id.bytes, id.bytes, id.length) == 0) {
            return attempt;
        }
    }
    return NULL;
}

bool runner_has(const struct runner *runner, struct text_view id) {
    const struct attempt *attempt = runner->attempt_count <= LOOKED_THROUGH_MAX ? runner_find(runner, id) : NULL;
    return attempt && !attempt->is_cancelled;
}

/* What isn't here is perhaps just being claimed, and was dismissed after that: take looks for it. */
static void cancelled(struct runner *runner, struct runner_post *post) {
    struct message *message = RING_OWNER(post, struct message, post);
    struct text_view id = {message->id, message->length};
    struct attempt *attempt = runner_find(runner, id);
    if (attempt && !runner->is_closed) {
        if (attempt->state == ATTEMPT_RUNS && !attempt->is_cancelled) {
            metrics_count_cancellation(runner->metrics, METRICS_DISMISSED);
        }
        attempt_cancel(attempt);
    } else if (!runner->is_claiming && atomic_load(&runner->offered) == 0) {
        runner->recent_count = 0;
    } else {
        runner->recent[runner->recent_count++ % RECENT_MAX] = job_index_hash(id, 0);
    }
    free(message);
}

static void noted(struct runner *runner, struct runner_post *post) {
    struct message *message = RING_OWNER(post, struct message, post);
    watches_tell(runner, (struct text_view){message->id, message->length}, message->status);
    free(message);
}

void runner_cancel(struct runner *runner, struct text_view id) {
    send_message(runner, id, JOB_DISMISSED, cancelled);
}

void runner_note(struct runner *runner, struct text_view id, enum job_status status) {
    send_message(runner, id, status, noted);
}

void runner_do(struct runner *runner, struct disk_task *task, void (*work)(struct disk_task *task)) {
    disk_thread_do(runner->files, task, work);
}

struct open_keys *runner_keys(struct runner *runner) {
    return &runner->keys;
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

static void take_runs(struct runner *runner) {
    for (struct mailbox_link *link = mailbox_take(&runner->runs), *next; link; link = next) {
        next = link->next;
        struct run *run = run_of_link(link);
        if (run) {
            attempt_resume(run->owner);
        }
    }
}

static void take_posts(struct runner *runner) {
    for (struct mailbox_link *link = mailbox_take(&runner->posts), *next; link; link = next) {
        next = link->next;
        struct runner_post *post = RING_OWNER(link, struct runner_post, link);
        post->act(runner, post);
    }
}

static void tidied(struct runner *runner, struct runner_post *post) {
    const struct journal_request *request = &runner_asked_of(post)->request;
    uint64_t now_ns = clock_now_ns(), pause_ns = runner->settings.tidy_ms * NS_PER_MS;
    runner->is_tidying = false;
    runner->tidy_ns = request->outcome != JOURNAL_DONE ? now_ns + (pause_ns > 0 ? pause_ns : NS_PER_S)
                      : request->has_more              ? now_ns
                      : pause_ns > 0                   ? now_ns + pause_ns
                                                       : UINT64_MAX;
}

static void tidy(struct runner *runner, uint64_t now_ns) {
    if (now_ns >= runner->tidy_ns && !runner->is_tidying && !runner->is_cut) {
        runner->is_tidying = true;
        runner->tidy_ns = UINT64_MAX;
        runner->tidy.request = (struct journal_request){.verb = JOURNAL_TIDY};
        runner_ask(runner, &runner->tidy, tidied);
    }
}

static uint64_t renewal_pause_ns(const struct runner *runner) {
    return runner->settings.lease_ms * NS_PER_MS / RENEWALS_PER_LEASE;
}

static void for_attempts(struct runner *runner, void (*act)(struct attempt *attempt)) {
    for (struct ring *node = runner->attempts.next, *next; node != &runner->attempts; node = next) {
        next = node->next;
        act(RING_OWNER(node, struct attempt, place));
    }
}

static void renew(struct runner *runner, uint64_t now_ns) {
    if (runner->attempt_count == 0) {
        runner->renew_ns = UINT64_MAX;
    } else if (runner->renew_ns == UINT64_MAX) {
        runner->renew_ns = now_ns + renewal_pause_ns(runner);
    } else if (now_ns >= runner->renew_ns) {
        runner->renew_ns = now_ns + renewal_pause_ns(runner);
        for_attempts(runner, attempt_renew);
    }
}

static void look_at_attempts(struct runner *runner, uint64_t now_ns) {
    for (struct ring *node = runner->attempts.next, *next; node != &runner->attempts; node = next) {
        next = node->next;
        struct attempt *attempt = RING_OWNER(node, struct attempt, place);
        if (attempt_due_ns(attempt) <= now_ns) {
            attempt_look(attempt, now_ns);
        }
    }
}

static void cut(struct runner *runner, uint64_t now_ns) {
    runner->is_cut = true;
    runner->leave_ns = now_ns + RUNNER_RELEASE_NS;
    atomic_store(&runner->hurries, true);
    for_attempts(runner, attempt_cut);
    watches_end(runner);
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t next_due_ns(const struct runner *runner) {
    uint64_t due_ns = earlier(earlier(runner->renew_ns, runner->ahead_ns), watches_due_ns(&runner->watches));
    due_ns = runner->is_cut ? earlier(due_ns, runner->leave_ns) : earlier(due_ns, runner->tidy_ns);
    if (atomic_load(&runner->is_stopping) && !runner->is_cut) {
        due_ns = earlier(due_ns, runner->cut_ns);
    }
    if (runner_may_claim(runner)) {
        due_ns = earlier(due_ns, runner->claim_ns);
    }
    for (struct ring *node = runner->attempts.next; node != &runner->attempts; node = node->next) {
        due_ns = earlier(due_ns, attempt_due_ns(RING_OWNER(node, struct attempt, place)));
    }
    return due_ns;
}

static void sleep_until(struct runner *runner, uint64_t due_ns) {
    if (due_ns == UINT64_MAX) {
        (void)sem_wait(&runner->wake);
    } else {
        uint64_t until_ns = clock_read(CLOCK_MONOTONIC) + clock_left_ns(due_ns);
        struct timespec until = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};
        (void)sem_clockwait(&runner->wake, CLOCK_MONOTONIC, &until);
    }
    (void)atomic_exchange(&runner->is_woken, false); /* before looking: who wakes after that posts once more */
}

static bool is_done(const struct runner *runner) {
    return runner->attempt_count == 0 && ring_is_empty(&runner->leaving) && !runner->is_claiming && !runner->is_tidying;
}

static void *serve(void *context) {
    struct runner *runner = context;
    for (;;) {
        take_runs(runner);
        take_posts(runner);
        uint64_t now_ns = clock_now_ns();
        bool is_stopping = atomic_load(&runner->is_stopping);
        if (is_stopping && !runner->is_cut && (now_ns >= runner->cut_ns || is_done(runner))) {
            cut(runner, now_ns);
        }
        if (runner->is_cut && ((is_done(runner) && runner->watches.asking_count == 0) || now_ns >= runner->leave_ns)) {
            return NULL;
        }
        if (atomic_load(&runner->ends_watches)) {
            watches_end(runner);
        }
        watches_expire(runner, now_ns);
        look_at_attempts(runner, now_ns);
        renew(runner, now_ns);
        tidy(runner, now_ns);
        runner_look_ahead(runner, now_ns);
        runner_claim(runner, now_ns);
        runner_publish_places(runner);
        sleep_until(runner, next_due_ns(runner));
    }
}

/* --- life -------------------------------------------------------------------------------------------------------- */

struct runner *runner_new(const struct host *host, const struct runner_settings *settings) {
    struct runner *runner = calloc(1, sizeof *runner);
    if (!runner || !watches_init(&runner->watches)) {
        free(runner);
        return NULL;
    }
    runner->host = host;
    runner->metrics = metrics_take_block(host->metrics);
    runner->settings = *settings;
    runner->claim.runner = runner->tidy.runner = runner;
    runner->renew_ns = runner->ahead_ns = UINT64_MAX;
    runner->mean_ns = RUNNER_AHEAD_NS;
    atomic_init(&runner->mean_core_ns, RUNNER_AHEAD_NS);
    atomic_init(&runner->free_cores, 1);
    ring_init(&runner->attempts);
    ring_init(&runner->leaving);
    ring_init(&runner->spare);
    open_keys_init(&runner->keys);
    pthread_mutex_init(&runner->lock, NULL);
    (void)sem_init(&runner->wake, 0, 0);
    mailbox_init(&runner->runs, wake, runner);
    mailbox_init(&runner->posts, wake, runner);
    return runner;
}

bool runner_start(struct runner *runner, struct journal *journal) {
    runner->files = disk_thread_new();
    if (!runner->files) {
        return false;
    }
    runner->journal = journal;
    atomic_store(&runner->is_ready, true); /* what an earlier process has left */
    int error = thread_start(&runner->thread, "jobs", serve, runner);
    if (error) {
        runner->journal = NULL;
        disk_thread_free(runner->files);
        runner->files = NULL;
        errno = error;
    }
    return !error;
}

void runner_drain(struct runner *runner) {
    atomic_store(&runner->is_draining, true);
}

void runner_end_watches(struct runner *runner) {
    atomic_store(&runner->ends_watches, true);
    wake(runner);
}

void runner_stop(struct runner *runner, uint64_t until_ns) {
    if (!runner || !runner->journal || runner->is_closed) {
        return;
    }
    runner_drain(runner);
    runner->cut_ns = until_ns;
    atomic_store(&runner->is_stopping, true);
    wake(runner);
    pthread_join(runner->thread, NULL);
    disk_thread_free(runner->files);
    runner->files = NULL;
    runner->is_closed = true;
}

static void free_spare(const struct ring *spare) {
    for (struct ring *node = spare->next, *next; node != spare; node = next) {
        next = node->next;
        free(RING_OWNER(node, struct attempt, place));
    }
}

void runner_free(struct runner *runner) {
    if (!runner) {
        return;
    }
    runner->is_closed = true;
    runner->is_cut = true;
    take_posts(runner);
    watches_end(runner);
    for_attempts(runner, attempt_abandon);
    while (!ring_is_empty(&runner->leaving)) {
        attempt_abandon(RING_OWNER(runner->leaving.next, struct attempt, place));
    }
    while (runner->runs.awaited > 0) { /* what was just about to be brought back when it was abandoned */
        take_runs(runner);
        (void)sched_yield();
    }
    free_spare(&runner->spare);
    mailbox_deinit(&runner->runs);
    mailbox_deinit(&runner->posts);
    watches_deinit(&runner->watches);
    (void)sem_destroy(&runner->wake);
    pthread_mutex_destroy(&runner->lock);
    open_keys_deinit(&runner->keys);
    free(runner);
}

#pragma once
/* Runs the jobs of a journal as runs of the engine, and tells who waits what became of them. No HTTP.
 *
 * A thread of its own, "jobs", claims jobs as long as it has places for them, renews their leases, and brings back what
 * their runs answer; it never waits for the disk, and computes only what a loop would, of jobs whose submission waits
 * for them. A second one, "disk", does wait for it: it maps bodies that are in files and what jobs were given of named
 * data, and writes results that are too long for a row, and what others bring (runner_do).
 *
 * A job's answer is its result: JOB_SUCCESSFUL, or JOB_FAILED where it is a problem. What says nothing of the job isn't
 * stored: where the server was busy or had no memory the job is run again after a moment, where it was stopped it is
 * released. Where the journal is full or out of order what was computed is kept, and brought again later and later.
 *
 * Life: runner_new -> the journal is opened with runner_ready -> runner_start -> runner_drain -> runner_stop ->
 * journal_close -> runner_free. Everything between runner_start and runner_stop may be called from any thread, event
 * loops too: nothing waits. Idle, it costs nothing: no timer runs while nothing is claimed and nobody watches. */
#include "server/engine/disk_thread.h"
#include "server/engine/host.h"
#include "server/engine/ring.h"
#include "server/engine/times.h"
#include "server/jobs/heap.h"
#include "server/jobs/journal.h"

/* Jobs that are claimed at once, at most. Tiny ones are claimed and finished in groups, one commit each, and a group
 * has to keep the cores busy during the commit of another: 128 of 50 µs last 3 ms on two cores, an fsync 0.5 to 5. How
 * many it really is follows from how long jobs take (RUNNER_AHEAD_NS). */
enum { RUNNER_PLACES_MAX = 128 };

/* So long what is claimed should keep the cores busy: what is claimed has its turn, so that an urgent job that comes
 * later waits for it. Where a job has computed for longer, none is claimed for the cores that it has, and what was
 * claimed before it turned out so is given back: it would be called running, and a crash of the process be counted as
 * its own. */
#define RUNNER_AHEAD_NS UINT64_C(20000000)

struct runner;
struct open_keys;

struct runner_settings {
    uint64_t lease_ms; /* of what is claimed, renewed three times as often; at least 3 */
    uint64_t tidy_ms;  /* how often the journal is asked to tidy; 0: only at the start */
    bool is_careful;   /* nothing is claimed ahead of its turn: the first crash is the last */
    /* Makes of a job's pin_notes, and contents of the folder `files`, what order.pins shall be: a reference of the
     * caller's, where it is DURABLE_GOOD. It may wait for the disk, as may dropping that. NULL: no job has any. */
    enum durable_outcome (*restore)(void *context, struct text_view pin_notes, int files, struct payload *pinned);
    void *context;
};

/* NULL without memory. *host outlives it. */
struct runner *runner_new(const struct host *host, const struct runner_settings *settings);

/* For journal_settings.ready; `runner` is the context. Before runner_start, too. */
void runner_ready(void *runner);

/* The journal outlives runner_stop, but not runner_free. False: the system has no threads (errno); as if it had not
 * been called then. */
bool runner_start(struct runner *runner, struct journal *journal) __attribute__((warn_unused_result));

/* Nothing is claimed from now on. */
void runner_drain(struct runner *runner);

/* From now on nobody watches: those who do, or begin to, are told RUNNER_ENDED. */
void runner_end_watches(struct runner *runner);

/* Ends the threads. What runs may be done until `until_ns` of clock_now_ns; then it is cut, and released, for which the
 * journal has RUNNER_RELEASE_NS. Watches are told. Afterwards nothing may be asked of the runner. NULL is fine, as is
 * one that wasn't started or has stopped. */
void runner_stop(struct runner *runner, uint64_t until_ns);
#define RUNNER_RELEASE_NS UINT64_C(3000000000)

/* After journal_close; or when runner_start was never called. NULL is fine. */
void runner_free(struct runner *runner);

/* A submission may claim its job at once, which saves a commit, and so the time of an fsync:
 *
 *   place = runner_offer(runner) -> JOURNAL_SUBMIT with lease_ms = place ? runner_lease_ms(runner) : 0 -> if that was
 *   JOURNAL_DONE and its job is JOB_RUNNING runner_take(place, job, …), else runner_decline(place)
 *
 * NULL: there is no place for it now, or no memory; it will be claimed in its turn. */
struct attempt *runner_offer(struct runner *runner);
uint64_t runner_lease_ms(const struct runner *runner);
/* `job`, one alone, is the runner's from here on. Its body is copied, unless it is in a file (job->body.in_file): offer
 * no place to bodies of more than JOURNAL_INLINE_BYTES that aren't. job->pinned, where it is set, spares making it of
 * the notes. is_awaited: a watch of it comes soon, which shall be told all of it. */
void runner_take(struct attempt *place, struct job *job, const char *body, size_t length, bool is_awaited);
/* NULL is fine. */
void runner_decline(struct attempt *place);

/* The keys of submissions that are still being received (open_keys.h). */
struct open_keys *runner_keys(struct runner *runner);

/* Has the second thread do what waits for the disk, or takes long: `work` is called there. */
void runner_do(struct runner *runner, struct disk_task *task, void (*work)(struct disk_task *task));

/* After a JOURNAL_DISMISS was asked for, whose commit needn't be waited for: the job's computing stops within 20 ms, if
 * it runs here. A job that doesn't: nothing. One that isn't dismissed after all runs again. */
void runner_cancel(struct runner *runner, struct text_view id);

/* Somebody else than the runner has changed the job's status, which the journal has stored: whoever watches is told. */
void runner_note(struct runner *runner, struct text_view id, enum job_status status);

/* How far a job has come that runs here. */
struct runner_progress {
    uint64_t done;      /* elements of the kernel's range, or bytes of a text; loading and printing are no part of it */
    uint64_t total;     /* 0: not known yet */
    uint64_t left_ns;   /* by the rate until now; UINT64_MAX: can't be said */
    unsigned threads;   /* granted last; 0: it waits for its first */
    struct times times; /* of the stages that are over, and of a kernel that computes until now; total: elapsed_ns */
    uint64_t elapsed_ns; /* since it was taken up here */
};

/* False: it doesn't run here. A microsecond or so. */
bool runner_progress(struct runner *runner, struct text_view id, struct runner_progress *progress);

/* How long it takes, about, until a job that waits, and that `before` others come before, is over: by what jobs took
 * lately, and the cores that they may have. Those that have computed for RUNNER_AHEAD_NS count by the cores that they
 * have; where these are all, the first of them has to end before, which is estimated by its rate. Costs a few loads;
 * and where jobs have all cores for long, a look at each of these under a lock. Before the first job it is as if they
 * took RUNNER_AHEAD_NS. */
uint64_t runner_wait_ns(struct runner *runner, uint64_t before);

/* What is posted to the runner's thread, and what is done there with it. Internal to server/jobs, but for its size. */
struct runner_post {
    struct mailbox_link link;
    void (*act)(struct runner *runner, struct runner_post *post);
};

/* What the runner has asked the journal: posted when that is done. Likewise. */
struct runner_asked {
    struct journal_request request;
    struct runner_post post;
    struct runner *runner;
};

enum runner_news {
    RUNNER_CHANGED, /* watch->status is the job's, which is another than what was known, or it is finished */
    RUNNER_MISSING, /* there is no such job (any more) */
    RUNNER_OVER,    /* until_ns has passed */
    RUNNER_ENDED,   /* runner_unwatch, or the runner has stopped */
    RUNNER_UNKNOWN  /* the journal can't tell, or there is no memory */
};

/* Somebody waits for a job: a long-poll, an event stream. The owner's memory, but the runner's from runner_watch until
 * `told` is called, once, on the runner's thread: it must not wait, and may free or reuse the watch. The runner looks
 * the job up itself, so that no change is missed between the owner's look and the watch. */
struct runner_watch {
    struct text_view id;   /* its bytes stay until `told` */
    enum job_status known; /* tell when it isn't this one any more */
    uint64_t until_ns;     /* or when clock_now_ns has reached this; UINT64_MAX: never */
    void (*told)(struct runner_watch *watch);
    /* What came of it. */
    enum runner_news news;
    enum job_status status; /* of RUNNER_CHANGED */
    struct job *job;        /* likewise, where it is over and was run here: as JOURNAL_LOOKUP gives it, the owner's to
                               free; NULL: to be looked up */
    /* The runner's own (server/jobs/watches.c). */
    struct {
        uint64_t hash;
        struct ring place; /* in its bucket */
        struct heap_item timer;
        struct runner_post coming, leaving;
        struct runner_asked lookup;
        _Atomic int state;
        bool is_in, is_asking, asks_again, has_left;
    } own;
};

void runner_watch(struct runner *runner, struct runner_watch *watch);

/* The watch was given to runner_watch and its owner has not learned yet that it was told: it is told soon, now or as it
 * is already. */
void runner_unwatch(struct runner_watch *watch);

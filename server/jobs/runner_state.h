#pragma once
/* Internal to server/jobs. The runner from within: what its thread has, and how others reach it.
 *
 * All is the thread's own but for what is posted to it, and `lock`, which guards what runner_progress looks at: the
 * list of attempts, each one's run and its times. */
#include "server/engine/run.h"
#include "server/jobs/open_keys.h"
#include "server/jobs/runner.h"

#include <pthread.h>
#include <semaphore.h>

/* Who waits for which job (watches.h). */
struct watches {
    struct ring *buckets;
    struct heap timers;
    unsigned count;
    unsigned asking_count; /* whose job the journal is looking up */
    uint64_t next_number;
};

enum { RECENT_MAX = 64 };

struct runner {
    const struct host *host;
    struct open_keys keys;
    struct runner_settings settings;
    struct journal *journal;
    struct disk_thread *files;
    struct metrics_block *metrics;
    pthread_t thread;
    /* How it is woken. */
    sem_t wake;
    atomic_bool is_woken; /* since it last slept */
    struct mailbox runs;  /* that lanes have brought back */
    struct mailbox posts; /* of runner_post */
    atomic_bool is_ready; /* there may be something to claim */
    atomic_bool is_draining;
    atomic_bool ends_watches;
    atomic_bool is_stopping;
    uint64_t cut_ns; /* when what runs is cut; set before is_stopping */
    /* The thread's. */
    pthread_mutex_t lock;
    struct ring attempts;
    unsigned attempt_count;
    struct ring leaving; /* ended, but something of them is still with the journal */
    struct ring spare;   /* attempts for the next claim */
    unsigned spare_count;
    struct watches watches;
    struct runner_asked claim, tidy;
    uint64_t recent[RECENT_MAX]; /* hashes of what was cancelled and isn't here, but is perhaps just being claimed */
    unsigned recent_count;
    atomic_uint offered;               /* places that submissions have */
    atomic_uint taken, places;         /* for others' eyes: what is claimed, or is just being; and how many may be */
    atomic_uint_fast64_t mean_core_ns; /* likewise: what jobs take lately, about, times the cores that they have */
    atomic_uint free_cores;            /* likewise: of those that jobs may have, which no long one has */
    bool is_claiming, is_tidying;
    bool is_cut;          /* nothing is begun any more */
    bool is_closed;       /* the journal is; what comes now is put away */
    atomic_bool hurries;  /* the files' thread: it leaves what isn't done */
    unsigned claim_tries; /* that failed, one after the other */
    uint64_t claim_ns;    /* not before */
    uint64_t renew_ns;    /* when the leases are renewed next; UINT64_MAX: nothing is claimed */
    uint64_t tidy_ns;     /* UINT64_MAX: not any more */
    uint64_t leave_ns;    /* when it ends, whatever is left */
    uint64_t mean_ns;     /* what jobs take, about */
    /* Of attempts that have computed for RUNNER_AHEAD_NS, when it was looked last. */
    unsigned long_count, long_cores, long_suspects;
    uint64_t ahead_ns; /* when to look again; UINT64_MAX: nothing changes before an attempt begins or ends */
};

/* Any thread. */
void runner_wake(struct runner *runner);

/* NULL: it isn't run here. The runner's thread, or under `lock`. */
struct attempt *runner_find(const struct runner *runner, struct text_view id);

/* Is the job run here, so that its end will be told to who watches it? False where that would take long to find out. */
bool runner_has(const struct runner *runner, struct text_view id);
void runner_send(struct runner *runner, struct runner_post *post, void (*act)(struct runner *, struct runner_post *));

/* Asks the journal; `act` is called on the runner's thread when it is done. `asked->request` is filled in but for
 * `done`. The thread that has what is asked about. */
void runner_ask(struct runner *runner, struct runner_asked *asked, void (*act)(struct runner *, struct runner_post *));

static inline struct runner_asked *runner_asked_of(struct runner_post *post) {
    return RING_OWNER(post, struct runner_asked, post);
}

/* How long to wait after so many failures in a row, 1 and more. */
uint64_t runner_backoff_ns(unsigned failures);

/* Has the journal said that it is no place to write to just now, or at all? What was asked is asked again later. */
static inline bool journal_is_out(enum journal_outcome outcome) {
    return outcome == JOURNAL_FULL || outcome == JOURNAL_UNAVAILABLE;
}

#pragma once
/* One piece of work for the scheduler. Owned by the submitter; must stay where it is from scheduler_submit until `done`
 * was called or scheduler_withdraw returned true. */
#include "server/engine/demand.h"
#include "server/engine/ring.h"

#include <stdbool.h>

enum work_class { WORK_INTERACTIVE, WORK_STREAM, WORK_JOB };
enum { WORK_CLASSES = 3 };

/* Why a team is smaller than the work wanted it. */
enum work_narrowing {
    WORK_AS_ASKED,
    WORK_LANE_STARTING, /* a lane of its size was still being made, and waiting for it would have taken longer */
    WORK_NO_THREADS,    /* the cap on threads, or the system, stood against a larger team just then */
    WORK_SIZE_ROUNDED,  /* there are more team sizes than the cap on threads allows: the next smaller one */
    WORK_BESIDE_JOBS    /* jobs and other works share the cores: jobs have no more than their share, and others no more
                           than jobs leave while those run */
};

/* The works of one principal and class that wait (work_queue.h). */
struct work_line {
    enum work_class class;
    uint64_t principal;
    unsigned length;
    struct ring ones;      /* that want one thread, in order */
    struct ring wides;     /* that want more */
    struct ring turn;      /* among the lines of its class */
    struct ring wide_turn; /* among those with wide works, while there are any */
    struct ring chain;     /* in its bucket */
};

struct work {
    /* The submitter's to set. */
    const struct demand *demand; /* schedule, chunk, cores: how the team is set up; NULL: as {0} */
    unsigned threads;            /* wanted: 1 … budget */
    enum work_class class;
    uint64_t principal; /* whose it is: fairness is between principals */
    bool admitted;      /* a further stage or window of what was let in: never refused for a full queue; or a job */
    bool keeps_place;   /* with `admitted`, a further stage of the same work: is not queued behind others anew. A
                           stream's windows don't: each takes its turn anew. */
    bool again;         /* set by `run`, with new `threads` and `demand`: that was a first stage, and the work waits,
                           keeping its place, to be run once more on another lane; `done` is for the last time */
    void (*run)(struct work *work, const struct team *team); /* on a lane's thread; `team` is the lane's, valid for
                                                                this call */
    void (*done)(struct work *work); /* on the same thread, when the cores are free again; the scheduler's last touch;
                                        must not call the scheduler */
    /* Set by the scheduler before `run`: why team->threads < threads. */
    enum work_narrowing narrowing;
    /* The scheduler's own. */
    enum { WORK_IDLE, WORK_WAITS, WORK_BOARDS, WORK_RUNS } state; /* boards: has its cores and waits for its lane */
    bool withdrawn;                                               /* while it ran */
    bool is_kept;
    unsigned size;  /* of the team that it may have at most */
    unsigned holds; /* cores */
    uint64_t order;
    uint64_t starts_before; /* of a wide one: how many works had been started … */
    uint64_t since_ns;      /* … and when, since it waits */
    struct ring place;
    struct ring arrival;   /* among all that wait of its class, in order of arrival … */
    uint64_t arrived_ns;   /* … which was then */
    struct work_line line; /* lives here only while this work hosts it */
};

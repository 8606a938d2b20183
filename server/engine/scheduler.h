#pragma once
/* Decides which work runs when, and with how many cores.
 *
 * The core budget is a number of cores that may compute at once. A work gets all its cores at once or waits;
 * work_queue.h says whose turn it is: classes take turns, and within one the principals. Cores count as free only when
 * the work has really stopped.
 *
 * Jobs have no more than `job_cores` together, also while nothing else is there: what runs isn't stopped for what
 * comes, and they may be long. A work that wants more than it could have beside jobs (a job: more than `job_cores`;
 * another: more than the running jobs leave) starts with that many: neither may starve. Where the running jobs have
 * all cores, which is where there is only one, works other than jobs share one with them: one work at a time, on one
 * thread, and the operating system divides the core. So the budget may be exceeded by one thread.
 *
 * A work whose cores are free has its lane at once, or waits for it to be made (each size once), or starts on a smaller
 * one: where the client left the number of threads to us and the prediction (demand.cost_ns) says that it's done sooner
 * so, or where the lane would take longer than a moment. work.narrowing tells. No call here waits for a thread to be
 * made or ended, nor for anything that takes longer than a few list operations.
 *
 * The queue is bounded, but for jobs, which don't count (whoever runs them submits as `admitted` what it bounds
 * itself): what finds it full is refused at once. Of a principal (in a class) it also refuses what comes when his share
 * is larger than SCHEDULER_PLACES_PER_FREE times the places that are left: so one principal never has all of them, and
 * the next one finds a place. (With a limit of up to 5 he may: there is nothing to share.) */
#include "server/engine/shortage.h"
#include "server/engine/work.h"

#include <stdbool.h>
#include <stdint.h>

/* One principal alone can hold 4/5 of the queue and one more, two 4/9 each, ten 4/41 each: what is left for the others
 * is small but never gone. */
enum { SCHEDULER_PLACES_PER_FREE = 4 };

/* So long a work that was announced counts as if it waited: what has neither been submitted by then nor announced again
 * comes slowly, and may never come. (4 MB of body take 1 to 10 ms over loopback, 40 over a network of 1 Gbit/s.) */
#define SCHEDULER_ANNOUNCED_NS UINT64_C(200000000)

struct scheduler;

/* A work that will be submitted when its body has come. Owned by who announces it. */
struct announcement {
    enum work_class class;
    uint64_t principal;
    /* The scheduler's own. */
    struct ring place; /* zeroed: it doesn't count any more */
    uint64_t since_ns;
};

struct scheduler_state {
    unsigned waiting;
    unsigned running; /* works that have their cores */
    unsigned cores_busy;
    unsigned lane_threads;       /* of all lanes */
    uint64_t lane_threads_begun; /* so many there have ever been */
};

/* What an operator wants to see besides. */
struct scheduler_report {
    struct scheduler_state state;
    unsigned waiting[WORK_CLASSES];
    uint64_t oldest_ns[WORK_CLASSES]; /* how long the one that came first waits; 0: none does */
    unsigned lanes;
};

/* `job_cores`: 1 … core_budget. NULL when there is no memory or no thread can be started. */
struct scheduler *scheduler_new(unsigned core_budget, unsigned queue_limit, unsigned thread_cap, unsigned job_cores);
/* Waits until nothing waits or runs any more: works whose owner has gone away may still be running. NULL is fine. */
void scheduler_free(struct scheduler *scheduler);

/* Starts the work or puts it into the queue; false when there is no place, for which `shortage` is the reason (nothing
 * was kept then). Otherwise that holds nothing of use, here and below. Any thread. */
bool scheduler_submit(struct scheduler *scheduler, struct work *work, struct shortage *shortage)
    __attribute__((warn_unused_result));
/* Takes a waiting work back: true, and its `done` will never be called. False when it is running or done; what is
 * running then isn't queued again if it asks for that (`again`): its `done` is called. Any thread. */
bool scheduler_withdraw(struct scheduler *scheduler, struct work *work) __attribute__((warn_unused_result));
/* Before the body of a work comes, so that bodies aren't received in vain: would the queue have a place for it when all
 * that are announced have come? Any thread. */
bool scheduler_has_place(struct scheduler *scheduler, const struct announcement *announcement,
                         struct shortage *shortage);
/* Some of the work's body has come: it counts for scheduler_has_place, and for that alone, until it is taken back or
 * SCHEDULER_ANNOUNCED_NS have passed. Said again, it counts from now. Any thread. */
void scheduler_announce(struct scheduler *scheduler, struct announcement *announcement);
/* The work is about to be submitted, or won't be. Before its memory goes; once more is fine, too. Any thread. */
void scheduler_unannounce(struct scheduler *scheduler, struct announcement *announcement);
/* Would a new work of this class and principal be refused now? A snapshot. Any thread. */
bool scheduler_is_full(struct scheduler *scheduler, enum work_class class, uint64_t principal,
                       struct shortage *shortage);
struct scheduler_state scheduler_state(struct scheduler *scheduler);
void scheduler_report(struct scheduler *scheduler, struct scheduler_report *report);

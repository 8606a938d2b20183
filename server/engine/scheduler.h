#pragma once
/* Decides which work runs when, and with how many cores.
 *
 * The core budget is a number of cores that may compute at once. A work gets all its threads at once or waits. Waiting
 * is first in, first out with backfill: a narrow work may pass a wide one that doesn't fit yet, but only
 * SCHEDULER_OVERTAKE_LIMIT times; then nobody passes any more until the wide one has started. The queue is bounded; a
 * work that finds it full is refused at once. Cores count as free only when the work has really stopped. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How often the work at the head of the queue may be passed. Enough to fill the gaps while a wide work waits, small
 * enough that it starts within a few works' time. */
enum { SCHEDULER_OVERTAKE_LIMIT = 8 };

/* One piece of work. Owned by the submitter; must stay where it is from scheduler_submit until `done` was called or
 * scheduler_withdraw returned true. */
struct work {
    /* The submitter's to set. */
    unsigned threads;      /* 1 … budget; lowered to 1 by the scheduler when the system has no threads left for more */
    const uint16_t *cores; /* pin the team to these, NULL: not pinned */
    size_t core_count;
    bool continued; /* a further stage of admitted work: keeps its place, is never refused */
    bool again;     /* set by `run`, with new `threads` and `cores`: that was a first stage, and the work
                       waits, keeping its place, to be run once more; `done` is for the last time */
    void (*run)(struct work *work);  /* on a lane's thread, whose team has `threads` threads */
    void (*done)(struct work *work); /* on the same thread, when the cores are free again; the scheduler's last touch;
                                        must not call the scheduler */
    /* The scheduler's own. */
    struct work *next;
    struct work *previous;
    uint64_t order;
    unsigned overtaken;
    bool waiting;
};

struct scheduler;

struct scheduler_state {
    unsigned waiting;
    unsigned running;
    unsigned cores_busy;
    unsigned lane_threads;
};

/* NULL when no thread can be started. */
struct scheduler *scheduler_new(unsigned core_budget, unsigned queue_limit, unsigned thread_cap);
/* No work may be waiting or running. */
void scheduler_free(struct scheduler *scheduler);

/* Starts the work or puts it into the queue; false when the queue is full (nothing was kept then). Any thread. */
bool scheduler_submit(struct scheduler *scheduler, struct work *work) __attribute__((warn_unused_result));
/* Takes a waiting work back: true, and its `done` will never be called. False when it is running or done. Any thread.
 */
bool scheduler_withdraw(struct scheduler *scheduler, struct work *work) __attribute__((warn_unused_result));
/* Would a new work be refused now? A snapshot. Any thread. */
bool scheduler_is_full(struct scheduler *scheduler);
struct scheduler_state scheduler_state(struct scheduler *scheduler);

#pragma once
/* Decides which work runs when, and with how many cores.
 *
 * The core budget is a number of cores that may compute at once. A work gets all its threads at once or waits. Waiting
 * is first in, first out with backfill: a narrow work may pass a wide one that doesn't fit yet, but only
 * SCHEDULER_OVERTAKE_LIMIT times; then nobody passes any more until the wide one has started. The queue is bounded; a
 * work that finds it full is refused at once. Cores count as free only when the work has really stopped. */
#include "server/engine/work.h"

#include <stdbool.h>
#include <stdint.h>

/* How often the work at the head of the queue may be passed. Enough to fill the gaps while a wide work waits, small
 * enough that it starts within a few works' time. */
enum { SCHEDULER_OVERTAKE_LIMIT = 8 };

struct scheduler;

struct scheduler_state {
    unsigned waiting;
    unsigned running;
    unsigned cores_busy;
    unsigned lane_threads;
};

/* `job_cores`, 1 … core_budget: how many cores jobs may use while anything else waits. NULL when no thread can be
 * started. */
struct scheduler *scheduler_new(unsigned core_budget, unsigned queue_limit, unsigned thread_cap, unsigned job_cores);
/* Waits until no work waits or runs any more: works whose owner has gone away may still be running. */
void scheduler_free(struct scheduler *scheduler);

/* Starts the work or puts it into the queue; false when the queue is full (nothing was kept then). Any thread. */
bool scheduler_submit(struct scheduler *scheduler, struct work *work) __attribute__((warn_unused_result));
/* Takes a waiting work back: true, and its `done` will never be called. False when it is running or done; what is
 * running then isn't queued again if it asks for that (`again`): its `done` is called. Any thread. */
bool scheduler_withdraw(struct scheduler *scheduler, struct work *work) __attribute__((warn_unused_result));
/* Would a new work of this class and principal be refused now? A snapshot. Any thread. */
bool scheduler_is_full(struct scheduler *scheduler, enum work_class class, uint64_t principal);
struct scheduler_state scheduler_state(struct scheduler *scheduler);

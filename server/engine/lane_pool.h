#pragma once
/* Sleeping lanes, kept per team size, under a hard cap on threads in all.
 *
 * A lane wanted that isn't there is created; where that would pass the cap, the least recently used sleeping lanes are
 * ended first. The last lane of one thread is never ended: it is what makes progress certain when the system refuses
 * new threads. Not thread-safe: the scheduler calls it under its lock. Ending a lane waits for it to fall asleep, so a
 * lane that was put back must not need that lock any more before it does. */
#include "server/engine/lane.h"

struct lane_pool;

/* thread_cap >= 1. NULL when not even one lane of one thread can be started. */
struct lane_pool *lane_pool_new(unsigned thread_cap, lane_serve *serve, void *context);
/* All lanes must have been put back. Not from a lane's thread. */
void lane_pool_free(struct lane_pool *pool);

/* A sleeping lane of exactly `threads`, now the caller's; NULL when the cap or the system stands against it for now.
 * May be called from the thread of a lane that has just been put back. */
struct lane *lane_pool_take(struct lane_pool *pool, unsigned threads);
void lane_pool_put(struct lane_pool *pool, struct lane *lane);

/* Threads of all lanes, those taken included. */
unsigned lane_pool_threads(const struct lane_pool *pool);

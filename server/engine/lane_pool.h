#pragma once
/* Internal to server/engine. Sleeping lanes, kept per team size, under a hard cap on threads in all.
 *
 * To make a lane takes from 0.1 ms to many, and so does to end one: a thread of the pool's own does both, the keeper.
 * Who finds no lane of his size orders one and is told (`changed`) when it is there, or when the system has refused it.
 * Where an order would pass the cap, the least recently used sleeping lanes are ended first. The last lane of one
 * thread never is: it is what makes progress certain when the system refuses new threads.
 *
 * There is a lane for each size of a ladder: all sizes where the cap has room for a lane of each and for as many
 * threads again as there are cores; else every size up to some, from there on so few that it has, though never fewer
 * than every doubling. Where the cap has room for all lanes that could ever be busy at once, the keeper makes those of
 * a size as soon as one of it was ordered: once every size has been used, no thread is begun any more.
 *
 * Lock rule: the owner's lock guards the pool. Callers hold it, and so does `changed` when it is called; the keeper
 * lets it go while it makes and ends lanes. */
#include "server/engine/lane.h"

#include <pthread.h>

struct lane_pool;

/* What a pool needs of its owner. `serve` and `changed` get `context`. */
struct lane_pool_owner {
    pthread_mutex_t *lock;
    lane_serve *serve;
    void (*changed)(void *context); /* on the keeper's thread: an order was carried out or refused */
    void *context;
};

/* thread_cap >= 1, core_budget >= 1. NULL when the keeper, or a lane of one thread, can't be started. Not under the
 * lock. */
struct lane_pool *lane_pool_new(unsigned thread_cap, unsigned core_budget, const struct lane_pool_owner *owner);
/* All lanes must have been put back. Not under the lock, not from a lane's thread. */
void lane_pool_free(struct lane_pool *pool);

/* The largest size of the ladder that is no larger than `threads`, which is 1 … core_budget. */
unsigned lane_pool_size(const struct lane_pool *pool, unsigned threads);

/* A sleeping lane of exactly `threads`, a size of the ladder, now the caller's; NULL when there is none. */
struct lane *lane_pool_take(struct lane_pool *pool, unsigned threads);
/* The size of the largest sleeping lane with fewer than `threads`; 0 when there is none. */
unsigned lane_pool_smaller(const struct lane_pool *pool, unsigned threads);
/* Sees to it that a lane of `threads` is being made. False when the cap stands against it as long as lanes that are out
 * don't come back, or the system has refused a lane of that size or a smaller one within the last second. */
bool lane_pool_order(struct lane_pool *pool, unsigned threads);
/* How long it will be until what has been ordered is there, judging by the lanes made so far. */
uint64_t lane_pool_wait_ns(const struct lane_pool *pool);
void lane_pool_put(struct lane_pool *pool, struct lane *lane);

/* All lanes; those that are being ended not. */
unsigned lane_pool_lanes(const struct lane_pool *pool);

/* Threads of all lanes, and how many there have ever been. */
unsigned lane_pool_threads(const struct lane_pool *pool);
uint64_t lane_pool_threads_begun(const struct lane_pool *pool);

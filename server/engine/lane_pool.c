#include "server/engine/lane_pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct lane_pool {
    unsigned thread_cap;
    unsigned threads; /* of all living lanes */
    unsigned singles; /* living lanes of one thread */
    lane_serve *serve;
    void *context;
    struct lane **sleeping; /* oldest first; at most one lane a thread: thread_cap slots */
    size_t sleeping_count;
    struct lane *leaving; /* ended on its own thread and not yet freed; NULL: none */
};

static struct lane *start(struct lane_pool *pool, unsigned threads) {
    struct lane *lane = lane_new(threads, pool->serve, pool->context);
    if (!lane) {
        return NULL;
    }
    pool->threads += threads;
    pool->singles += threads == 1;
    return lane;
}

static struct lane *remove_at(struct lane_pool *pool, size_t index) {
    struct lane *lane = pool->sleeping[index];
    pool->sleeping_count--;
    memmove(&pool->sleeping[index], &pool->sleeping[index + 1], (pool->sleeping_count - index) * sizeof lane);
    return lane;
}

/* A lane that has just put itself back may be the one that has to go. It can't wait for its own end, so the next one to
 * come here does. One such lane at most: no other lane gets to end itself without freeing this one first. */
static void free_leaving(struct lane_pool *pool) {
    if (!pool->leaving || lane_is_own(pool->leaving)) {
        return;
    }
    lane_free(pool->leaving);
    pool->leaving = NULL;
}

static void end(struct lane_pool *pool, size_t index) {
    struct lane *lane = remove_at(pool, index);
    pool->threads -= lane_threads(lane);
    pool->singles -= lane_threads(lane) == 1;
    if (lane_is_own(lane)) {
        lane_end(lane);
        pool->leaving = lane;
    } else {
        lane_free(lane);
    }
}

struct lane_pool *lane_pool_new(unsigned thread_cap, lane_serve *serve, void *context) {
    struct lane_pool *pool = calloc(1, sizeof *pool);
    if (!pool) {
        return NULL;
    }
    pool->thread_cap = thread_cap;
    pool->serve = serve;
    pool->context = context;
    pool->sleeping = calloc(thread_cap, sizeof(struct lane *));
    struct lane *first = pool->sleeping ? start(pool, 1) : NULL;
    if (!first) {
        free(pool->sleeping);
        free(pool);
        return NULL;
    }
    lane_pool_put(pool, first);
    return pool;
}

void lane_pool_free(struct lane_pool *pool) {
    if (!pool) {
        return;
    }
    while (pool->sleeping_count > 0) {
        end(pool, pool->sleeping_count - 1);
    }
    free_leaving(pool);
    free(pool->sleeping);
    free(pool);
}

/* How many threads would be left if every sleeping lane that may be ended were. */
static unsigned threads_at_least(const struct lane_pool *pool) {
    unsigned threads = pool->threads;
    unsigned singles = pool->singles;
    for (size_t i = 0; i < pool->sleeping_count; i++) {
        unsigned size = lane_threads(pool->sleeping[i]);
        if (size == 1 && singles-- == 1) {
            threads++;
        }
        threads -= size;
    }
    return threads;
}

/* Ends sleeping lanes, oldest first, until `threads` more fit under the cap; none if that can't be reached. */
static bool make_room(struct lane_pool *pool, unsigned threads) {
    if (threads_at_least(pool) + threads > pool->thread_cap) {
        return false;
    }
    free_leaving(pool);
    size_t index = 0;
    while (pool->threads + threads > pool->thread_cap) {
        if (lane_threads(pool->sleeping[index]) == 1 && pool->singles == 1) {
            index++;
        } else {
            end(pool, index);
        }
    }
    return true;
}

struct lane *lane_pool_take(struct lane_pool *pool, unsigned threads) {
    for (size_t i = pool->sleeping_count; i-- > 0;) {
        if (lane_threads(pool->sleeping[i]) == threads) {
            return remove_at(pool, i);
        }
    }
    return make_room(pool, threads) ? start(pool, threads) : NULL;
}

void lane_pool_put(struct lane_pool *pool, struct lane *lane) {
    pool->sleeping[pool->sleeping_count] = lane;
    pool->sleeping_count++;
}

unsigned lane_pool_threads(const struct lane_pool *pool) {
    return pool->threads;
}

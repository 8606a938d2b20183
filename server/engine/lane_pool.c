#include "server/engine/lane_pool.h"

#include "server/system/clock.h"
#include "server/system/thread.h"

#include <stdlib.h>

/* For the first lane; then the lanes made tell. */
#define THREAD_START_NS UINT64_C(50000)
/* So long the system isn't asked again for what it has refused. */
#define REFUSAL_NS NS_PER_S

struct size {
    bool is_in_ladder;
    enum { NOT_ORDERED, ORDERED_AHEAD, ORDERED } order; /* ahead: nobody has asked for it yet */
    unsigned lanes;                                     /* leaving ones not */
    unsigned asleep;
    struct ring sleeping; /* the least recently used first */
    struct ring turn;     /* among the orders */
};

struct lane_pool {
    struct lane_pool_owner owner;
    unsigned thread_cap;
    unsigned core_budget;
    bool makes_ahead; /* all lanes that could be busy at once fit under the cap */
    bool ends;
    unsigned threads;         /* of all lanes that there are or that are being made */
    unsigned threads_planned; /* when all orders are carried out and all that leave are gone */
    unsigned threads_ordered;
    unsigned threads_asleep;
    uint64_t threads_begun;
    uint64_t thread_start_ns; /* per thread, of late */
    unsigned refused_size;    /* 0: none was */
    uint64_t refused_ns;      /* when */
    struct ring sleeping;     /* the least recently used first */
    struct ring leaving;      /* to be ended */
    struct ring orders;
    struct ring orders_ahead;
    struct size *sizes; /* by threads, up to core_budget */
    pthread_t keeper;
    pthread_cond_t work;
};

/* --- the ladder -------------------------------------------------------------------------------------------------- */

static unsigned next_size(const struct lane_pool *pool, unsigned size, unsigned fineness) {
    unsigned step = size / fineness > 0 ? size / fineness : 1;
    return size < pool->core_budget && size + step > pool->core_budget ? pool->core_budget : size + step;
}

/* Threads of one lane of each size when a size is followed by one that is larger by a `fineness`th of it. */
static size_t ladder_threads(const struct lane_pool *pool, unsigned fineness) {
    size_t threads = 0;
    for (unsigned size = 1; size <= pool->core_budget; size = next_size(pool, size, fineness)) {
        threads += size;
    }
    return threads;
}

static void choose_sizes(struct lane_pool *pool) {
    unsigned fineness = pool->core_budget;
    while (fineness > 1 && ladder_threads(pool, fineness) + pool->core_budget > pool->thread_cap) {
        fineness /= 2;
    }
    size_t busy_at_once = 0;
    for (unsigned size = 1; size <= pool->core_budget; size = next_size(pool, size, fineness)) {
        pool->sizes[size].is_in_ladder = true;
        busy_at_once += pool->core_budget / size * size;
    }
    pool->makes_ahead = busy_at_once <= pool->thread_cap;
}

unsigned lane_pool_size(const struct lane_pool *pool, unsigned threads) {
    while (!pool->sizes[threads].is_in_ladder) {
        threads--;
    }
    return threads;
}

/* --- orders ------------------------------------------------------------------------------------------------------ */

static void withdraw_from_sleep(struct lane_pool *pool, struct lane *lane) {
    ring_remove(&lane_berth(lane)->by_age);
    ring_remove(&lane_berth(lane)->by_size);
    pool->threads_asleep -= lane_threads(lane);
    pool->sizes[lane_threads(lane)].asleep--;
}

/* How many threads there would be if every sleeping lane that may be ended were. */
static unsigned threads_at_least(const struct lane_pool *pool) {
    const struct size *single = &pool->sizes[1];
    bool keeps_last = single->asleep == single->lanes; /* there is always one */
    return pool->threads_planned - pool->threads_asleep + keeps_last;
}

static void make_room(struct lane_pool *pool, unsigned threads) {
    struct ring *node = pool->sleeping.next;
    while (pool->threads_planned + threads > pool->thread_cap) {
        struct lane *lane = RING_OWNER(node, struct lane_berth, by_age)->lane;
        node = node->next;
        unsigned size = lane_threads(lane);
        if (size > 1 || pool->sizes[1].lanes > 1) {
            withdraw_from_sleep(pool, lane);
            pool->threads_planned -= size;
            pool->sizes[size].lanes--;
            ring_insert(&pool->leaving, &lane_berth(lane)->by_age);
        }
    }
}

static bool was_refused(const struct lane_pool *pool, unsigned threads) {
    return pool->refused_size != 0 && threads >= pool->refused_size && clock_now_ns() - pool->refused_ns < REFUSAL_NS;
}

static void plan(struct lane_pool *pool, unsigned threads, bool ahead) {
    struct size *size = &pool->sizes[threads];
    size->order = ahead ? ORDERED_AHEAD : ORDERED;
    pool->threads_planned += threads;
    pool->threads_ordered += threads;
    ring_insert(ahead ? &pool->orders_ahead : &pool->orders, &size->turn);
    pthread_cond_signal(&pool->work);
}

bool lane_pool_order(struct lane_pool *pool, unsigned threads) {
    struct size *size = &pool->sizes[threads];
    if (size->order == ORDERED_AHEAD) {
        size->order = ORDERED;
        ring_remove(&size->turn);
        ring_insert(&pool->orders, &size->turn);
    }
    if (size->order == ORDERED) {
        return true;
    }
    if (threads_at_least(pool) + threads > pool->thread_cap || was_refused(pool, threads)) {
        return false;
    }
    make_room(pool, threads);
    plan(pool, threads, false);
    return true;
}

uint64_t lane_pool_wait_ns(const struct lane_pool *pool) {
    return pool->threads_ordered * pool->thread_start_ns;
}

/* --- lanes that sleep -------------------------------------------------------------------------------------------- */

struct lane *lane_pool_take(struct lane_pool *pool, unsigned threads) {
    struct ring *sleeping = &pool->sizes[threads].sleeping;
    if (ring_is_empty(sleeping)) {
        return NULL;
    }
    struct lane *lane = RING_OWNER(sleeping->previous, struct lane_berth, by_size)->lane;
    withdraw_from_sleep(pool, lane);
    return lane;
}

unsigned lane_pool_smaller(const struct lane_pool *pool, unsigned threads) {
    do {
        threads--;
    } while (threads > 0 && ring_is_empty(&pool->sizes[threads].sleeping));
    return threads;
}

static void lay_down(struct lane_pool *pool, struct lane *lane, struct ring *by_age, struct ring *by_size) {
    struct size *size = &pool->sizes[lane_threads(lane)];
    ring_insert(by_age, &lane_berth(lane)->by_age);
    ring_insert(by_size, &lane_berth(lane)->by_size);
    pool->threads_asleep += lane_threads(lane);
    size->asleep++;
}

void lane_pool_put(struct lane_pool *pool, struct lane *lane) {
    lay_down(pool, lane, &pool->sleeping, &pool->sizes[lane_threads(lane)].sleeping);
}

unsigned lane_pool_lanes(const struct lane_pool *pool) {
    unsigned lanes = 0;
    for (unsigned size = 1; size <= pool->core_budget; size++) {
        lanes += pool->sizes[size].lanes;
    }
    return lanes;
}

unsigned lane_pool_threads(const struct lane_pool *pool) {
    return pool->threads;
}

uint64_t lane_pool_threads_begun(const struct lane_pool *pool) {
    return pool->threads_begun;
}

/* --- the keeper -------------------------------------------------------------------------------------------------- */

/* What this does has been planned for; what it takes away comes first, so that the cap holds. */
static void end_one(struct lane_pool *pool) {
    struct lane *lane = RING_OWNER(pool->leaving.next, struct lane_berth, by_age)->lane;
    unsigned threads = lane_threads(lane);
    ring_remove(&lane_berth(lane)->by_age);
    pthread_mutex_unlock(pool->owner.lock);
    lane_free(lane);
    pthread_mutex_lock(pool->owner.lock);
    pool->threads -= threads;
}

/* One that was made ahead is the last to be used, and the first to go. */
static void welcome(struct lane_pool *pool, struct lane *lane, bool ahead) {
    struct size *size = &pool->sizes[lane_threads(lane)];
    size->lanes++;
    pool->threads_begun += lane_threads(lane);
    lay_down(pool, lane, ahead ? pool->sleeping.next : &pool->sleeping, ahead ? size->sleeping.next : &size->sleeping);
    if (pool->makes_ahead && size->lanes < pool->core_budget / lane_threads(lane)) {
        plan(pool, lane_threads(lane), true);
    }
}

static void lane_pool_refuse(struct lane_pool *pool, unsigned threads) {
    pool->threads -= threads;
    pool->threads_planned -= threads;
    pool->refused_size = threads;
    pool->refused_ns = clock_now_ns();
}

/* The faster of the last two, nearly: a thread that had to wait for its core once says little about the next. */
static void learn(struct lane_pool *pool, uint64_t thread_ns) {
    uint64_t most_ns = pool->thread_start_ns + pool->thread_start_ns / 4;
    pool->thread_start_ns = thread_ns < most_ns ? thread_ns : most_ns;
}

static void make_one(struct lane_pool *pool) {
    struct ring *orders = ring_is_empty(&pool->orders) ? &pool->orders_ahead : &pool->orders;
    struct size *size = RING_OWNER(orders->next, struct size, turn);
    unsigned threads = (unsigned)(size - pool->sizes);
    ring_remove(&size->turn);
    bool ahead = size->order == ORDERED_AHEAD;
    size->order = ORDERED; /* whoever asks for one now gets this */
    pool->threads += threads;
    pthread_mutex_unlock(pool->owner.lock);
    uint64_t begun_ns = clock_now_ns();
    struct lane *lane = lane_new(threads, pool->owner.serve, pool->owner.context);
    uint64_t took_ns = clock_now_ns() - begun_ns;
    pthread_mutex_lock(pool->owner.lock);
    size->order = NOT_ORDERED;
    pool->threads_ordered -= threads;
    if (lane) {
        learn(pool, took_ns / threads);
        welcome(pool, lane, ahead);
    } else {
        lane_pool_refuse(pool, threads);
    }
    pool->owner.changed(pool->owner.context);
}

static void *keep(void *argument) {
    struct lane_pool *pool = argument;
    pthread_mutex_lock(pool->owner.lock);
    while (!pool->ends) {
        if (!ring_is_empty(&pool->leaving)) {
            end_one(pool);
        } else if (!ring_is_empty(&pool->orders) || !ring_is_empty(&pool->orders_ahead)) {
            make_one(pool);
        } else {
            pthread_cond_wait(&pool->work, pool->owner.lock);
        }
    }
    pthread_mutex_unlock(pool->owner.lock);
    return NULL;
}

static void end_lanes(struct ring *lanes) {
    while (!ring_is_empty(lanes)) {
        struct lane_berth *berth = RING_OWNER(lanes->next, struct lane_berth, by_age);
        ring_remove(&berth->by_age);
        lane_free(berth->lane);
    }
}

static void lane_pool_destroy(struct lane_pool *pool) {
    end_lanes(&pool->leaving);
    end_lanes(&pool->sleeping);
    pthread_cond_destroy(&pool->work);
    free(pool->sizes);
    free(pool);
}

/* The first lane is made here: without it there is no pool. */
static bool begin(struct lane_pool *pool) {
    struct lane *lane = lane_new(1, pool->owner.serve, pool->owner.context);
    if (!lane) {
        return false;
    }
    pool->threads = 1;
    pool->threads_planned = 1;
    welcome(pool, lane, false);
    return thread_start(&pool->keeper, "keeper", keep, pool) == 0;
}

struct lane_pool *lane_pool_new(unsigned thread_cap, unsigned core_budget, const struct lane_pool_owner *owner) {
    struct lane_pool *pool = calloc(1, sizeof *pool);
    if (!pool) {
        return NULL;
    }
    *pool = (struct lane_pool){
        .owner = *owner, .thread_cap = thread_cap, .core_budget = core_budget, .thread_start_ns = THREAD_START_NS};
    pthread_cond_init(&pool->work, NULL);
    ring_init(&pool->sleeping);
    ring_init(&pool->leaving);
    ring_init(&pool->orders);
    ring_init(&pool->orders_ahead);
    pool->sizes = calloc((size_t)core_budget + 1, sizeof *pool->sizes);
    for (unsigned i = 0; pool->sizes && i <= core_budget; i++) {
        ring_init(&pool->sizes[i].sleeping);
    }
    if (pool->sizes) {
        choose_sizes(pool);
    }
    if (!pool->sizes || !begin(pool)) {
        lane_pool_destroy(pool);
        return NULL;
    }
    return pool;
}

void lane_pool_free(struct lane_pool *pool) {
    if (!pool) {
        return;
    }
    pthread_mutex_lock(pool->owner.lock);
    pool->ends = true;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(pool->owner.lock);
    pthread_join(pool->keeper, NULL);
    lane_pool_destroy(pool);
}

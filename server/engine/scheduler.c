/* Lock rule: one mutex guards everything here and the lane pool. It is never held while a work runs or reports. Lanes
 * have locks of their own, taken inside this one (lane_give), never around it. */
#include "server/engine/scheduler.h"

#include "server/engine/lane_pool.h"

#include <pthread.h>
#include <stdlib.h>

struct scheduler {
    pthread_mutex_t mutex;
    pthread_cond_t idle;
    unsigned core_budget;
    unsigned cores_free;
    unsigned queue_limit;
    unsigned waiting;
    unsigned running;
    uint64_t next_order;
    struct work *head; /* by `order`: a continued work goes back to where it was */
    struct work *tail;
    struct lane_pool *lanes;
};

static void serve(void *context, struct lane *lane, void *job);

struct scheduler *scheduler_new(unsigned core_budget, unsigned queue_limit, unsigned thread_cap, unsigned job_cores) {
    (void)job_cores;
    struct scheduler *scheduler = calloc(1, sizeof *scheduler);
    if (!scheduler) {
        return NULL;
    }
    scheduler->core_budget = core_budget;
    scheduler->cores_free = core_budget;
    scheduler->queue_limit = queue_limit;
    pthread_mutex_init(&scheduler->mutex, NULL);
    pthread_cond_init(&scheduler->idle, NULL);
    scheduler->lanes = lane_pool_new(thread_cap, serve, scheduler);
    if (!scheduler->lanes) {
        pthread_mutex_destroy(&scheduler->mutex);
        free(scheduler);
        return NULL;
    }
    return scheduler;
}

void scheduler_free(struct scheduler *scheduler) {
    if (!scheduler) {
        return;
    }
    pthread_mutex_lock(&scheduler->mutex);
    while (scheduler->running > 0 || scheduler->waiting > 0) {
        pthread_cond_wait(&scheduler->idle, &scheduler->mutex);
    }
    pthread_mutex_unlock(&scheduler->mutex);
    lane_pool_free(scheduler->lanes);
    pthread_cond_destroy(&scheduler->idle);
    pthread_mutex_destroy(&scheduler->mutex);
    free(scheduler);
}

static void enqueue(struct scheduler *scheduler, struct work *work) {
    struct work *before = scheduler->tail;
    while (before && before->order > work->order) {
        before = before->previous;
    }
    work->previous = before;
    work->next = before ? before->next : scheduler->head;
    *(before ? &before->next : &scheduler->head) = work;
    *(work->next ? &work->next->previous : &scheduler->tail) = work;
    work->waiting = true;
    work->withdrawn = false;
    work->narrowing = WORK_AS_ASKED;
    scheduler->waiting++;
}

static void dequeue(struct scheduler *scheduler, struct work *work) {
    *(work->previous ? &work->previous->next : &scheduler->head) = work->next;
    *(work->next ? &work->next->previous : &scheduler->tail) = work->previous;
    work->waiting = false;
    scheduler->waiting--;
}

/* The next work that may start now, taken out of the queue; NULL if none. */
static struct work *pick(struct scheduler *scheduler) {
    if (scheduler->cores_free == 0) {
        return NULL;
    }
    struct work *head = scheduler->head;
    for (struct work *work = head; work; work = work->next) {
        if (work->threads <= scheduler->cores_free) {
            if (work != head) {
                head->overtaken++;
            }
            dequeue(scheduler, work);
            return work;
        }
        if (head->overtaken >= SCHEDULER_OVERTAKE_LIMIT) {
            return NULL;
        }
    }
    return NULL;
}

/* A lane for the work. When the system or the cap refuses one of the wanted size, a single thread must do; when even
 * that is busy, something is running, and its end will bring us back here. */
static struct lane *find_lane(struct scheduler *scheduler, struct work *work) {
    struct lane *lane = lane_pool_take(scheduler->lanes, work->threads);
    if (lane || work->threads == 1) {
        return lane;
    }
    lane = lane_pool_take(scheduler->lanes, 1);
    if (lane) {
        work->narrowing = WORK_NO_THREADS;
    }
    return lane;
}

static void dispatch(struct scheduler *scheduler) {
    struct work *work;
    while ((work = pick(scheduler))) {
        struct lane *lane = find_lane(scheduler, work);
        if (!lane) {
            enqueue(scheduler, work);
            return;
        }
        work->running = true;
        scheduler->cores_free -= lane_threads(lane);
        scheduler->running++;
        lane_give(lane, work);
    }
}

/* A lane that goes back to the pool here is the first to be taken for the next work of its size, and finds it as soon
 * as `serve` returns: under load lanes never sleep. */
static void serve(void *context, struct lane *lane, void *job) {
    struct scheduler *scheduler = context;
    struct work *work = job;
    work->run(work, lane_begin_work(lane, work->demand));
    lane_end_work(lane);

    pthread_mutex_lock(&scheduler->mutex);
    bool again = work->again && !work->withdrawn;
    work->again = false;
    work->running = false;
    scheduler->cores_free += lane_threads(lane);
    scheduler->running--;
    lane_pool_put(scheduler->lanes, lane);
    if (again) {
        work->overtaken = 0;
        enqueue(scheduler, work);
    }
    dispatch(scheduler);
    if (scheduler->running == 0) {
        pthread_cond_broadcast(&scheduler->idle);
    }
    pthread_mutex_unlock(&scheduler->mutex);
    if (!again) { /* otherwise it is another lane's already, or withdrawn */
        work->done(work);
    }
}

bool scheduler_submit(struct scheduler *scheduler, struct work *work) {
    pthread_mutex_lock(&scheduler->mutex);
    bool accepted = work->admitted || scheduler->waiting < scheduler->queue_limit ||
                    (scheduler->waiting == 0 && scheduler->cores_free >= work->threads);
    if (accepted) {
        if (!(work->admitted && work->keeps_place)) {
            work->order = scheduler->next_order++;
        }
        work->overtaken = 0;
        enqueue(scheduler, work);
        dispatch(scheduler);
    }
    pthread_mutex_unlock(&scheduler->mutex);
    return accepted;
}

bool scheduler_withdraw(struct scheduler *scheduler, struct work *work) {
    pthread_mutex_lock(&scheduler->mutex);
    bool waiting = work->waiting;
    if (waiting) {
        dequeue(scheduler, work);
        dispatch(scheduler); /* it may have been what the others were not allowed to pass */
    }
    work->withdrawn = work->running;
    pthread_mutex_unlock(&scheduler->mutex);
    return waiting;
}

bool scheduler_is_full(struct scheduler *scheduler, enum work_class class, uint64_t principal) {
    (void)class;
    (void)principal;
    pthread_mutex_lock(&scheduler->mutex);
    bool full = scheduler->waiting >= scheduler->queue_limit && (scheduler->waiting > 0 || scheduler->cores_free == 0);
    pthread_mutex_unlock(&scheduler->mutex);
    return full;
}

struct scheduler_state scheduler_state(struct scheduler *scheduler) {
    pthread_mutex_lock(&scheduler->mutex);
    struct scheduler_state state = {scheduler->waiting, scheduler->running,
                                    scheduler->core_budget - scheduler->cores_free,
                                    lane_pool_threads(scheduler->lanes)};
    pthread_mutex_unlock(&scheduler->mutex);
    return state;
}

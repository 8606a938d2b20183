/* Lock rule: one mutex guards everything here, the queue and the lane pool. It is never held while a work runs or
 * reports, nor while a thread is made or ended (the pool's keeper does that). Lanes have locks of their own, taken
 * inside this one (lane_give), never around it. */
#include "server/engine/scheduler.h"

#include "server/engine/lane_pool.h"
#include "server/engine/work_queue.h"
#include "server/system/clock.h"

#include <pthread.h>
#include <stdlib.h>

/* A lane of 64 threads is made in 1 to 4 ms on two cores that have little else to do (bench/scheduler.c, first pass),
 * so this is a queue of orders, or a machine that is very busy. Each size is waited for once. */
#define LANE_MOMENT_NS NS_PER_S

struct scheduler {
    pthread_mutex_t mutex;
    pthread_cond_t idle;
    unsigned core_budget;
    unsigned job_cores;
    unsigned queue_limit;
    unsigned cores_of_jobs;
    unsigned cores_of_others;
    unsigned running;
    struct work_queue *queue;
    struct ring announced; /* works whose bodies are on their way, the oldest first */
    unsigned announced_count;
    struct ring boarding; /* works that have their cores and wait for their lanes */
    struct lane_pool *lanes;
};

static void serve(void *context, struct lane *lane, void *job);
static void lanes_changed(void *context);

struct scheduler *scheduler_new(unsigned core_budget, unsigned queue_limit, unsigned thread_cap, unsigned job_cores) {
    struct scheduler *scheduler = calloc(1, sizeof *scheduler);
    if (!scheduler) {
        return NULL;
    }
    scheduler->core_budget = core_budget;
    scheduler->job_cores = job_cores;
    scheduler->queue_limit = queue_limit;
    ring_init(&scheduler->announced);
    ring_init(&scheduler->boarding);
    pthread_mutex_init(&scheduler->mutex, NULL);
    pthread_cond_init(&scheduler->idle, NULL);
    const struct lane_pool_owner owner = {&scheduler->mutex, serve, lanes_changed, scheduler};
    scheduler->queue = work_queue_new(core_budget, queue_limit, WORK_QUEUE_WAIT_NS);
    scheduler->lanes = scheduler->queue ? lane_pool_new(thread_cap, core_budget, &owner) : NULL;
    if (!scheduler->lanes) {
        work_queue_free(scheduler->queue);
        pthread_cond_destroy(&scheduler->idle);
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
    while (scheduler->running > 0 || work_queue_length(scheduler->queue) > 0) {
        pthread_cond_wait(&scheduler->idle, &scheduler->mutex);
    }
    pthread_mutex_unlock(&scheduler->mutex);
    lane_pool_free(scheduler->lanes);
    work_queue_free(scheduler->queue);
    pthread_cond_destroy(&scheduler->idle);
    pthread_mutex_destroy(&scheduler->mutex);
    free(scheduler);
}

/* --- cores and lanes --------------------------------------------------------------------------------------------- */

static void hold_cores(struct scheduler *scheduler, struct work *work, unsigned cores) {
    unsigned *held = work->class == WORK_JOB ? &scheduler->cores_of_jobs : &scheduler->cores_of_others;
    *held = *held + cores - work->holds;
    work->holds = cores;
}

/* What works other than jobs may have together: a core that they share with a job where jobs have all. */
static unsigned cores_for_others(const struct scheduler *scheduler) {
    return scheduler->core_budget > scheduler->cores_of_jobs ? scheduler->core_budget - scheduler->cores_of_jobs : 1;
}

/* Where jobs have all these are the others' alone, as job_cores says. */
static unsigned cores_free(const struct scheduler *scheduler) {
    return cores_for_others(scheduler) - scheduler->cores_of_others;
}

/* Is `smaller` threads now better than `wanted` when their lane is there? Where the client left the number to us
 * ("auto"), if it is done sooner so. Who asked for a number gets it, as does what nobody has predicted, since it may be
 * long: they wait unless that takes more than a moment. */
static bool is_better_smaller(const struct scheduler *scheduler, const struct work *work, unsigned smaller) {
    uint64_t wait_ns = lane_pool_wait_ns(scheduler->lanes);
    if (!work->demand || work->demand->threads != 0 || work->demand->cost_ns == 0) {
        return wait_ns > LANE_MOMENT_NS;
    }
    return work->demand->cost_ns / smaller <= wait_ns + work->demand->cost_ns / work->holds;
}

/* A lane for what has its cores; NULL: it has to wait for one. When the cap or the system refuses one of its size, a
 * smaller one must do; when none of these sleeps, something is running, and its end will bring us back here. */
static struct lane *find_lane(struct scheduler *scheduler, struct work *work) {
    struct lane *lane = lane_pool_take(scheduler->lanes, work->holds);
    if (lane) {
        return lane;
    }
    bool is_coming = lane_pool_order(scheduler->lanes, work->holds);
    unsigned smaller = lane_pool_smaller(scheduler->lanes, work->holds);
    if (smaller == 0 || (is_coming && !is_better_smaller(scheduler, work, smaller))) {
        return NULL;
    }
    work->narrowing = is_coming ? WORK_LANE_STARTING : WORK_NO_THREADS;
    hold_cores(scheduler, work, smaller);
    return lane_pool_take(scheduler->lanes, smaller);
}

static bool board(struct scheduler *scheduler, struct work *work) {
    struct lane *lane = find_lane(scheduler, work);
    if (lane) {
        work->state = WORK_RUNS;
        lane_give(lane, work);
    }
    return lane;
}

static void board_all(struct scheduler *scheduler) {
    for (struct ring *node = scheduler->boarding.next; node != &scheduler->boarding;) {
        struct work *work = RING_OWNER(node, struct work, place);
        node = node->next;
        ring_remove(&work->place);
        if (!board(scheduler, work)) {
            ring_insert(node, &work->place);
        }
    }
}

static unsigned least(unsigned left, unsigned right) {
    return left < right ? left : right;
}

/* Works other than jobs: those take no place of others', since whoever runs them bounds their number. */
static unsigned count_waiting(const struct scheduler *scheduler) {
    return work_queue_length(scheduler->queue) - work_queue_class_length(scheduler->queue, WORK_JOB);
}

static struct work_room room_now(const struct scheduler *scheduler) {
    unsigned jobs = scheduler->cores_of_jobs;
    unsigned left = cores_for_others(scheduler);
    unsigned for_jobs = scheduler->job_cores;
    return (struct work_room){
        .free = cores_free(scheduler),
        .most = {left, left, for_jobs},
        .limit = {left, left, for_jobs > jobs ? for_jobs - jobs : 0},
    };
}

static void dispatch(struct scheduler *scheduler) {
    struct work_room room = room_now(scheduler);
    for (struct work *work; (work = work_queue_pick(scheduler->queue, &room)); room = room_now(scheduler)) {
        unsigned size = lane_pool_size(scheduler->lanes, least(work->size, room.most[work->class]));
        work->narrowing = size < work->size      ? WORK_BESIDE_JOBS
                          : size < work->threads ? WORK_SIZE_ROUNDED
                                                 : WORK_AS_ASKED;
        work->state = WORK_BOARDS;
        hold_cores(scheduler, work, size);
        scheduler->running++;
        if (!board(scheduler, work)) {
            ring_insert(&scheduler->boarding, &work->place);
        }
    }
}

static void lanes_changed(void *context) {
    board_all(context);
    dispatch(context); /* what has started smaller has left cores */
}

static void enqueue(struct scheduler *scheduler, struct work *work, bool keeps_place) {
    work->state = WORK_WAITS;
    work->withdrawn = false;
    work->size = lane_pool_size(scheduler->lanes, work->threads);
    work_queue_add(scheduler->queue, work, keeps_place);
}

static void scheduler_stop(struct scheduler *scheduler, struct work *work) {
    work->state = WORK_IDLE;
    hold_cores(scheduler, work, 0);
    scheduler->running--;
}

static void report_idle(struct scheduler *scheduler) {
    if (scheduler->running == 0 && work_queue_length(scheduler->queue) == 0) {
        pthread_cond_broadcast(&scheduler->idle);
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
    scheduler_stop(scheduler, work);
    lane_pool_put(scheduler->lanes, lane);
    if (again) {
        enqueue(scheduler, work, true);
    }
    board_all(scheduler);
    dispatch(scheduler);
    report_idle(scheduler);
    pthread_mutex_unlock(&scheduler->mutex);
    if (!again) { /* otherwise it is another lane's already, or withdrawn */
        work->done(work);
    }
}

/* --- the queue --------------------------------------------------------------------------------------------------- */

static bool has_place(const struct scheduler *scheduler, enum work_class class, uint64_t principal, unsigned threads,
                      struct shortage *shortage) {
    unsigned waiting = count_waiting(scheduler);
    if (waiting == 0 && cores_free(scheduler) >= threads) {
        return true;
    }
    if (waiting >= scheduler->queue_limit) {
        *shortage = (struct shortage){.waiting = waiting};
        return false;
    }
    unsigned held = work_queue_line_length(scheduler->queue, class, principal);
    *shortage = (struct shortage){.is_share = true, .waiting = held, .left = scheduler->queue_limit - waiting};
    return held <= (uint64_t)shortage->left * SCHEDULER_PLACES_PER_FREE;
}

static void unannounce(struct scheduler *scheduler, struct announcement *announcement) {
    if (announcement->place.next) {
        ring_remove(&announcement->place);
        announcement->place = (struct ring){0};
        scheduler->announced_count--;
    }
}

static void count_from_now(struct scheduler *scheduler, struct announcement *announcement, uint64_t now_ns) {
    announcement->since_ns = now_ns;
    ring_insert(&scheduler->announced, &announcement->place);
    scheduler->announced_count++;
}

static void unannounce_old(struct scheduler *scheduler, uint64_t now_ns) {
    while (!ring_is_empty(&scheduler->announced)) {
        struct announcement *oldest = RING_OWNER(scheduler->announced.next, struct announcement, place);
        if (oldest->since_ns + SCHEDULER_ANNOUNCED_NS > now_ns) {
            return;
        }
        unannounce(scheduler, oldest);
    }
}

static unsigned count_announced(const struct scheduler *scheduler, enum work_class class, uint64_t principal) {
    unsigned count = 0;
    for (const struct ring *node = scheduler->announced.next; node != &scheduler->announced; node = node->next) {
        const struct announcement *other = RING_OWNER(node, struct announcement, place);
        count += other->class == class && other->principal == principal;
    }
    return count;
}

/* As has_place when all that were announced have come: as many as there are free cores won't wait. Whose they are is
 * only looked at where it may matter. */
static bool has_place_then(const struct scheduler *scheduler, enum work_class class, uint64_t principal,
                           struct shortage *shortage) {
    unsigned free = cores_free(scheduler);
    unsigned ahead = count_waiting(scheduler) + scheduler->announced_count;
    if (ahead < free) {
        return true;
    }
    if (ahead - free >= scheduler->queue_limit) {
        *shortage = (struct shortage){.has_coming = true, .waiting = ahead - free};
        return false;
    }
    unsigned left = scheduler->queue_limit - (ahead - free);
    uint64_t most = (uint64_t)left * SCHEDULER_PLACES_PER_FREE + free;
    if (ahead <= most) {
        return true;
    }
    unsigned coming = count_announced(scheduler, class, principal);
    unsigned held = work_queue_line_length(scheduler->queue, class, principal) + coming;
    *shortage = (struct shortage){.is_share = true, .has_coming = coming > 0, .waiting = held, .left = left};
    return held <= most;
}

bool scheduler_has_place(struct scheduler *scheduler, const struct announcement *announcement,
                         struct shortage *shortage) {
    uint64_t now_ns = clock_now_ns();
    pthread_mutex_lock(&scheduler->mutex);
    unannounce_old(scheduler, now_ns);
    bool has_one = has_place(scheduler, announcement->class, announcement->principal, 1, shortage) &&
                   has_place_then(scheduler, announcement->class, announcement->principal, shortage);
    pthread_mutex_unlock(&scheduler->mutex);
    return has_one;
}

void scheduler_announce(struct scheduler *scheduler, struct announcement *announcement) {
    uint64_t now_ns = clock_now_ns();
    pthread_mutex_lock(&scheduler->mutex);
    unannounce(scheduler, announcement);
    count_from_now(scheduler, announcement, now_ns);
    pthread_mutex_unlock(&scheduler->mutex);
}

void scheduler_unannounce(struct scheduler *scheduler, struct announcement *announcement) {
    pthread_mutex_lock(&scheduler->mutex);
    unannounce(scheduler, announcement);
    pthread_mutex_unlock(&scheduler->mutex);
}

bool scheduler_submit(struct scheduler *scheduler, struct work *work, struct shortage *shortage) {
    pthread_mutex_lock(&scheduler->mutex);
    bool accepted = work->admitted || has_place(scheduler, work->class, work->principal, work->threads, shortage);
    if (accepted) {
        work->holds = 0;
        enqueue(scheduler, work, work->admitted && work->keeps_place);
        dispatch(scheduler);
    }
    pthread_mutex_unlock(&scheduler->mutex);
    return accepted;
}

bool scheduler_withdraw(struct scheduler *scheduler, struct work *work) {
    pthread_mutex_lock(&scheduler->mutex);
    bool waited = work->state == WORK_WAITS || work->state == WORK_BOARDS;
    if (work->state == WORK_WAITS) {
        work_queue_remove(scheduler->queue, work);
        work->state = WORK_IDLE;
    } else if (work->state == WORK_BOARDS) {
        ring_remove(&work->place);
        scheduler_stop(scheduler, work);
    } else {
        work->withdrawn = true;
    }
    if (waited) {
        dispatch(scheduler); /* it may have been what the others had to wait for */
        report_idle(scheduler);
    }
    pthread_mutex_unlock(&scheduler->mutex);
    return waited;
}

bool scheduler_is_full(struct scheduler *scheduler, enum work_class class, uint64_t principal,
                       struct shortage *shortage) {
    pthread_mutex_lock(&scheduler->mutex);
    bool full = !has_place(scheduler, class, principal, 1, shortage);
    pthread_mutex_unlock(&scheduler->mutex);
    return full;
}

static struct scheduler_state state_now(const struct scheduler *scheduler) {
    return (struct scheduler_state){
        .waiting = work_queue_length(scheduler->queue),
        .running = scheduler->running,
        .cores_busy = least(scheduler->cores_of_jobs + scheduler->cores_of_others, scheduler->core_budget),
        .lane_threads = lane_pool_threads(scheduler->lanes),
        .lane_threads_begun = lane_pool_threads_begun(scheduler->lanes),
    };
}

struct scheduler_state scheduler_state(struct scheduler *scheduler) {
    pthread_mutex_lock(&scheduler->mutex);
    struct scheduler_state state = state_now(scheduler);
    pthread_mutex_unlock(&scheduler->mutex);
    return state;
}

void scheduler_report(struct scheduler *scheduler, struct scheduler_report *report) {
    uint64_t now_ns = clock_now_ns();
    pthread_mutex_lock(&scheduler->mutex);
    report->state = state_now(scheduler);
    report->lanes = lane_pool_lanes(scheduler->lanes);
    for (int class = 0; class < WORK_CLASSES; class ++) {
        report->waiting[class] = work_queue_class_length(scheduler->queue, (enum work_class) class);
        uint64_t since_ns = work_queue_oldest_ns(scheduler->queue, (enum work_class) class);
        report->oldest_ns[class] = since_ns < now_ns ? now_ns - since_ns : 0;
    }
    pthread_mutex_unlock(&scheduler->mutex);
}

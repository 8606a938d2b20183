#pragma once
/* What the tests of the scheduler share. Works are held and let go by flags, never by time: a work that waits behind
 * `gate` runs until the test opens it. What scheduler_submit could start at once has its cores when it returns, so
 * state read afterwards is exact. */
#include "server/engine/scheduler.h"

#include "tests/unit/worker.h"

enum { MANY = 64, LANES_PLENTY = 64 };

struct task {
    struct work work;      /* first: a struct work * is a struct task * */
    unsigned next_threads; /* not 0: it runs once more, with that many */
    bool gated;
    bool gate;
    bool started;
    bool finished;
    unsigned runs;
    struct crew crew;
};

/* All under the lock of worker.h. */
static struct task *begun[MANY]; /* in the order in which they were started */
static size_t begun_count;
static unsigned cores_now;
static unsigned cores_most;

static inline void run(struct work *work, const struct team *team) {
    struct task *task = (struct task *)work;
    pthread_mutex_lock(&lock);
    if (begun_count < MANY) {
        begun[begun_count++] = task;
    }
    cores_now += team->threads;
    if (cores_now > cores_most) {
        cores_most = cores_now;
    }
    task->runs++;
    task->started = true;
    pthread_cond_broadcast(&changed);
    if (task->gated) {
        await_locked(&task->gate);
    }
    pthread_mutex_unlock(&lock);
    meet_crew(&task->crew, team->threads);
    pthread_mutex_lock(&lock);
    cores_now -= team->threads;
    pthread_mutex_unlock(&lock);
    if (task->next_threads != 0) {
        work->threads = task->next_threads;
        work->again = true;
        task->next_threads = 0;
    }
}

static inline void done(struct work *work) {
    raise_flag(&((struct task *)work)->finished);
}

static inline struct task wide(unsigned threads) {
    return (struct task){.work = {.threads = threads, .run = run, .done = done}};
}

static inline struct task held(unsigned threads) {
    struct task task = wide(threads);
    task.gated = true;
    return task;
}

static inline struct scheduler *open_scheduler(unsigned core_budget, unsigned queue_limit, unsigned thread_cap) {
    begun_count = 0;
    cores_now = 0;
    cores_most = 0;
    struct scheduler *scheduler = scheduler_new(core_budget, queue_limit, thread_cap, core_budget);
    assert_non_null(scheduler);
    return scheduler;
}

static inline void assert_state(struct scheduler *scheduler, unsigned waiting, unsigned running, unsigned cores_busy) {
    struct scheduler_state state = scheduler_state(scheduler);
    assert_int_equal(state.waiting, waiting);
    assert_int_equal(state.running, running);
    assert_int_equal(state.cores_busy, cores_busy);
}

static inline void close_scheduler(struct scheduler *scheduler) {
    assert_state(scheduler, 0, 0, 0);
    assert_false(scheduler_is_full(scheduler, WORK_INTERACTIVE, 0, &(struct shortage){0}));
    scheduler_free(scheduler);
}

static inline void submit(struct scheduler *scheduler, struct task *task) {
    assert_true(scheduler_submit(scheduler, &task->work, &(struct shortage){0}));
}

static inline void do_task(struct scheduler *scheduler, struct task *task) {
    submit(scheduler, task);
    await(&task->finished);
}

/* Lock rule: `mutex` guards `job` and `ending` and nothing else; it is never held while a job runs or `serve` is
 * called, so an owner may call lane_give with its own lock held. */
#include "server/engine/lane.h"

#include "server/engine/buffer_pool.h"
#include "server/engine/lane_home.h"
#include "server/system/thread.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Lanes yield to event loops: where both want a core, a request that waits to be taken in, refused or sent matters more
 * than one that computes for milliseconds anyway. */
enum { LANE_NICENESS = 5 };

struct lane {
    struct team team; /* `threads` for life, the rest for the work that has it */
    lane_serve *serve;
    void *context;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t given;
    void *job;
    bool ending;
    bool is_away; /* pinned to cores that a job asked for */
    struct lane_home home;
    struct lane_berth berth;
    enum { LANE_STARTING, LANE_LIVES, LANE_REFUSED } state; /* guarded by mutex */
};

unsigned lane_threads(const struct lane *lane) {
    return lane->team.threads;
}

struct lane_berth *lane_berth(struct lane *lane) {
    return &lane->berth;
}

/* The first region of a given size makes libgomp create the team's threads. */
static void start_team(unsigned threads) {
    if (threads == 1) {
        return;
    }
#pragma omp parallel num_threads((int)threads)
    {
        (void)omp_get_thread_num();
    }
}

static void *pass_gate(void *gate) {
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* libgomp ends the process when the system refuses it a thread. So as many as it will want are started first, held
 * until all are there, and ended: only what somebody else takes in between is left to chance. */
static bool can_start(unsigned threads) {
    pthread_t *started = calloc(threads, sizeof *started);
    if (!started) {
        return threads == 0;
    }
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    unsigned count = 0;
    pthread_mutex_lock(&gate);
    while (count < threads && pthread_create(&started[count], NULL, pass_gate, &gate) == 0) {
        count++;
    }
    pthread_mutex_unlock(&gate);
    for (unsigned i = 0; i < count; i++) {
        pthread_join(started[i], NULL);
    }
    free(started);
    return count == threads;
}

/* The main thread is never pinned, so its mask is the process's. Lanes are born on threads that may be pinned: on other
 * lanes. Room for 8,192 cores, as in core_budget.c: a smaller mask isn't filled in where the kernel could have more. */
static void unpin_thread(void) {
    cpu_set_t anywhere[8];
    if (sched_getaffinity(getpid(), sizeof anywhere, anywhere) == 0) {
        sched_setaffinity(0, sizeof anywhere, anywhere);
    }
}

static void pin_thread(unsigned index, const uint16_t *cores, size_t count) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (count > 0) {
        CPU_SET(cores[index % count], &set);
    }
    /* A core may have been taken from the process since the ids were checked: then it runs unpinned, which is slower,
     * not wrong. */
    if (count == 0 || sched_setaffinity(0, sizeof set, &set) != 0) {
        unpin_thread();
    }
}

/* From the lane's own thread. */
static void pin_team(const struct lane *lane, const uint16_t *cores, size_t count) {
    if (lane->team.threads == 1) {
        pin_thread(0, cores, count);
        return;
    }
#pragma omp parallel num_threads((int)lane->team.threads)
    pin_thread((unsigned)omp_get_thread_num(), cores, count);
}

/* To where it lives; anywhere, if it has no home or has left it. */
static void pin_home(const struct lane *lane) {
    pin_team(lane, lane->home.cores, lane->home.is_left ? 0 : lane->home.threads);
}

/* Other runtimes than libgomp hand threads on from team to team, and with them what they are pinned to. */
static void settle_team(struct lane *lane) {
#pragma omp parallel num_threads((int)lane->team.threads)
    lane_home_enter(&lane->home, (unsigned)omp_get_thread_num());
    lane_home_check(&lane->home);
    pin_home(lane);
}

static void *await_job(struct lane *lane) {
    pthread_mutex_lock(&lane->mutex);
    while (!lane->job && !lane->ending) {
        pthread_cond_wait(&lane->given, &lane->mutex);
    }
    void *job = lane->job;
    lane->job = NULL;
    pthread_mutex_unlock(&lane->mutex);
    return job;
}

/* Tells lane_new how it went. */
static void announce(struct lane *lane, bool lives) {
    pthread_mutex_lock(&lane->mutex);
    lane->state = lives ? LANE_LIVES : LANE_REFUSED;
    pthread_cond_signal(&lane->given);
    pthread_mutex_unlock(&lane->mutex);
}

static void *live(void *argument) {
    struct lane *lane = argument;
    buffer_pool_lend_a_hand();
    unpin_thread(); /* before the team is started: it inherits this and what follows */
    setpriority(PRIO_PROCESS, (id_t)gettid(), LANE_NICENESS);
    bool lives = lane->team.threads == 1 || can_start(lane->team.threads - 1);
    if (lives) {
        start_team(lane->team.threads);
    }
    if (lives && lane->team.threads > 1) {
        settle_team(lane);
    }
    announce(lane, lives);
    void *job;
    while (lives && (job = await_job(lane))) {
        lane->serve(lane->context, lane, job);
    }
    return NULL;
}

static void lane_destroy(struct lane *lane) {
    pthread_cond_destroy(&lane->given);
    pthread_mutex_destroy(&lane->mutex);
    lane_home_deinit(&lane->home);
    free(lane);
}

/* Waits for the new thread to know whether it has its team. */
static bool await_start(struct lane *lane) {
    pthread_mutex_lock(&lane->mutex);
    while (lane->state == LANE_STARTING) {
        pthread_cond_wait(&lane->given, &lane->mutex);
    }
    bool lives = lane->state == LANE_LIVES;
    pthread_mutex_unlock(&lane->mutex);
    if (!lives) {
        pthread_join(lane->thread, NULL);
    }
    return lives;
}

struct lane *lane_new(unsigned threads, lane_serve *serve, void *context) {
    struct lane *lane = calloc(1, sizeof *lane);
    if (!lane) {
        return NULL;
    }
    lane->team.threads = threads;
    lane->berth.lane = lane;
    lane->serve = serve;
    lane->context = context;
    lane_home_init(&lane->home, threads);
    pthread_mutex_init(&lane->mutex, NULL);
    pthread_cond_init(&lane->given, NULL);
    /* The team's threads inherit name and mask. */
    if (thread_start(&lane->thread, "lane", live, lane) == 0 && await_start(lane)) {
        return lane;
    }
    lane_destroy(lane);
    return NULL;
}

void lane_free(struct lane *lane) {
    if (!lane) {
        return;
    }
    pthread_mutex_lock(&lane->mutex);
    lane->ending = true;
    pthread_cond_signal(&lane->given);
    pthread_mutex_unlock(&lane->mutex);
    pthread_join(lane->thread, NULL);
    lane_destroy(lane);
}

void lane_give(struct lane *lane, void *job) {
    pthread_mutex_lock(&lane->mutex);
    lane->job = job;
    pthread_mutex_unlock(&lane->mutex);
    pthread_cond_signal(&lane->given); /* not under the lock, which it would wake up to wait for */
}

const struct team *lane_begin_work(struct lane *lane, const struct demand *demand) {
    static const struct demand nothing = {0};
    const struct demand *wanted = demand ? demand : &nothing;
    bool was_away = lane->is_away;
    lane->is_away = wanted->cores && wanted->core_count > 0;
    lane->team.schedule = wanted->schedule;
    lane->team.chunk = wanted->chunk;
    if (lane->is_away) {
        pin_team(lane, wanted->cores, wanted->core_count);
        return &lane->team;
    }
    if (was_away) {
        pin_home(lane);
    }
    lane_home_begin_job(&lane->home);
    return &lane->team;
}

void lane_end_work(struct lane *lane) {
    if (!lane->is_away && lane_home_end_job(&lane->home)) {
        pin_home(lane);
    }
}

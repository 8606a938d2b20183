#pragma once
/* What the tests of threaded modules share: one lock and one condition for all that test threads tell each other, and
 * threads' masks and ids. Waiting has no limit of its own: each test program sets alarm(TEST_LIMIT_S), which ends it.
 */
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEST_LIMIT_S = 150, TEAM_MAX = 8 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* Under the lock: waits until the flag is true. */
static inline void await_locked(const bool *flag) {
    while (!*flag) {
        pthread_cond_wait(&changed, &lock);
    }
}

static inline void await(const bool *flag) {
    pthread_mutex_lock(&lock);
    await_locked(flag);
    pthread_mutex_unlock(&lock);
}

static inline bool look(const bool *flag) {
    pthread_mutex_lock(&lock);
    bool seen = *flag;
    pthread_mutex_unlock(&lock);
    return seen;
}

static inline void raise_flag(bool *flag) {
    pthread_mutex_lock(&lock);
    *flag = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* The threads that ran a job, in order of their number in the team. */
struct crew {
    unsigned size;
    pid_t ids[TEAM_MAX];
    cpu_set_t masks[TEAM_MAX];
};

static inline void meet_one(struct crew *crew, unsigned index) {
    crew->ids[index] = gettid();
    sched_getaffinity(0, sizeof crew->masks[index], &crew->masks[index]);
}

/* Looks at a team of `threads` from within: what a kernel on this lane gets. */
static inline void meet_crew(struct crew *crew, unsigned threads) {
    memset(crew, 0, sizeof *crew);
    if (threads == 1) {
        crew->size = 1;
        meet_one(crew, 0);
        return;
    }
#pragma omp parallel num_threads((int)threads)
    {
        meet_one(crew, (unsigned)omp_get_thread_num());
        if (omp_get_thread_num() == 0) {
            crew->size = (unsigned)omp_get_num_threads();
        }
    }
}

/* A child that ended by _exit leaves its OpenMP runtime's mark in /dev/shm, where that is libomp. */
static inline void forget_child(pid_t child) {
    enum { NOBODY = 65534 };
    char name[64];
    (void)snprintf(name, sizeof name, "/__KMP_REGISTERED_LIB_%d_%d", (int)child,
                   getuid() == 0 ? NOBODY : (int)getuid());
    (void)shm_unlink(name);
}

/* Ids of the first two cores this process may use; returns how many there are. */
static inline unsigned usable_cores(uint16_t ids[2], cpu_set_t *all) {
    unsigned count = 0;
    sched_getaffinity(getpid(), sizeof *all, all);
    for (uint16_t id = 0; id < CPU_SETSIZE; id++) {
        if (CPU_ISSET(id, all) && count < 2) {
            ids[count++] = id;
        }
    }
    return count;
}

/* As wide as there are cores: on one each (server/engine/lane_home.h); else anywhere. */
static inline void assert_at_home(const struct crew *crew, const cpu_set_t *all) {
    bool has_home = crew->size > 1 && crew->size == (unsigned)CPU_COUNT(all);
    cpu_set_t together;
    CPU_ZERO(&together);
    for (unsigned t = 0; t < crew->size; t++) {
        assert_int_equal(CPU_COUNT(&crew->masks[t]), has_home ? 1 : CPU_COUNT(all));
        CPU_OR(&together, &together, &crew->masks[t]);
    }
    assert_true(CPU_EQUAL(&together, all));
}

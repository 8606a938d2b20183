#include "server/system/sleeper.h"

#include "server/system/clock.h"
#include "server/system/thread.h"

void sleeper_init(struct sleeper *sleeper) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&sleeper->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void sleeper_deinit(struct sleeper *sleeper) {
    pthread_cond_destroy(&sleeper->wake);
}

int sleeper_start(struct sleeper *sleeper, const char *name, void *(*run)(void *), void *context) {
    return thread_start(&sleeper->thread, name, run, context);
}

void sleeper_join(struct sleeper *sleeper) {
    pthread_join(sleeper->thread, NULL);
}

void sleeper_sleep(struct sleeper *sleeper, pthread_mutex_t *lock, uint64_t due_ns) {
    if (due_ns == UINT64_MAX) {
        pthread_cond_wait(&sleeper->wake, lock);
        return;
    }
    uint64_t left_ns = clock_left_ns(due_ns);
    if (left_ns > 0) {
        uint64_t until_ns = clock_read(CLOCK_MONOTONIC) + left_ns; /* what waits goes by the system's clock */
        struct timespec until = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};
        pthread_cond_timedwait(&sleeper->wake, lock, &until);
    }
}

void sleeper_wake(struct sleeper *sleeper) {
    pthread_cond_signal(&sleeper->wake);
}

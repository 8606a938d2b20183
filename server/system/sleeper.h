#pragma once
/* A thread that sleeps until something is due, or it is woken. What is due, and whether there is something to do, is
 * under its owner's own mutex. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct sleeper {
    pthread_t thread;
    pthread_cond_t wake;
};

void sleeper_init(struct sleeper *sleeper);

/* The thread, if it was started, has been joined. */
void sleeper_deinit(struct sleeper *sleeper);

/* Runs run(context) in a thread of its own (thread_start). Returns 0, or what errno would be. */
int sleeper_start(struct sleeper *sleeper, const char *name, void *(*run)(void *), void *context)
    __attribute__((warn_unused_result));

/* Waits for the thread's end. */
void sleeper_join(struct sleeper *sleeper);

/* In the thread, `lock` held, and free while it sleeps: until it is woken, or clock_now_ns is due_ns (UINT64_MAX:
 * never), or for no reason. */
void sleeper_sleep(struct sleeper *sleeper, pthread_mutex_t *lock, uint64_t due_ns);

/* Any thread, with the same lock held if no wake-up may be lost. */
void sleeper_wake(struct sleeper *sleeper);

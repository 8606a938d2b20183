#pragma once
/* Threads beside the main one, which alone takes signals (signals.h). Their stacks are those that the service chooses
 * for all (service.c, size_stacks). */
#include <pthread.h>

/* Runs run(context) in a thread with every signal blocked, which `top -H` and gdb show under this name (at most 15
 * bytes; a static string). The caller joins it. Returns 0, or what errno would be; then *thread isn't set. Any thread.
 */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context)
    __attribute__((warn_unused_result));

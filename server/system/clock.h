#pragma once
/* Time, always in nanoseconds of the monotonic clock. Any thread.
 *
 * A test can put clocks of its own in place of the system's, so that what is reported of time can be checked for truth:
 * every reading goes through here, but for those of the kernels' own threads (kernels/team.c includes nothing of
 * ours). What waits (epoll, condition variables, sleep) waits by the system's clock whatever is set here. */
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* Both are called from any thread, at once. Neither is NULL. Neither goes backwards: the first for all, the second for
 * the thread that calls it. */
struct clock_source {
    uint64_t (*now_ns)(void);
    uint64_t (*thread_cpu_ns)(void);
};

/* What is read from now on; NULL: the system's clocks. Borrowed until another one is set and whoever was reading has
 * come back. Any thread, but whoever measures across the change subtracts one clock's reading from another's: set it
 * before the threads that measure are started, and set it back after they have ended. */
void clock_set_source(const struct clock_source *source);

/* For the two functions below only. */
extern _Atomic(const struct clock_source *) clock_source_set;

static inline uint64_t clock_read(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_now_ns(void) {
    const struct clock_source *source = atomic_load_explicit(&clock_source_set, memory_order_acquire);
    return __builtin_expect(!source, 1) ? clock_read(CLOCK_MONOTONIC) : source->now_ns();
}

/* CPU time of the calling thread. A system call, unlike the above. */
static inline uint64_t clock_thread_cpu_ns(void) {
    const struct clock_source *source = atomic_load_explicit(&clock_source_set, memory_order_acquire);
    return __builtin_expect(!source, 1) ? clock_read(CLOCK_THREAD_CPUTIME_ID) : source->thread_cpu_ns();
}

/* What the wall clock (CLOCK_REALTIME) showed, or would have shown, at a reading of clock_now_ns. Of two readings the
 * later one's is the later, but for 5 us: both clocks are read again where something came between. */
uint64_t clock_unix_ns(uint64_t at_ns);

/* How long it is until a deadline of clock_now_ns, and 0 from then on: one reading, so that it can't pass the deadline
 * between a comparison and the subtraction. */
static inline uint64_t clock_left_ns(uint64_t deadline_ns) {
    uint64_t now_ns = clock_now_ns();
    return now_ns < deadline_ns ? deadline_ns - now_ns : 0;
}

#pragma once
/* A clock that stands still until a test moves it, for everything that reads server/system/clock.h. One for the whole
 * program; any thread may read and move it.
 *
 * Set it before the threads under test are started, and take it away after they have ended (clock.h says why). The CPU
 * clock is one for all threads as well: a test that moves it knows whose time that is. */
#include "server/system/clock.h"

static atomic_uint_fast64_t fake_now_ns;
static atomic_uint_fast64_t fake_cpu_ns;

static inline uint64_t fake_clock_now(void) {
    return atomic_load(&fake_now_ns);
}
static inline uint64_t fake_clock_cpu(void) {
    return atomic_load(&fake_cpu_ns);
}

/* From here on only the test moves time. now_ns: the monotonic clock's first reading; the CPU clock's is 0. */
static inline void fake_clock_install(uint64_t now_ns) {
    static const struct clock_source fake = {.now_ns = fake_clock_now, .thread_cpu_ns = fake_clock_cpu};
    atomic_store(&fake_now_ns, now_ns);
    atomic_store(&fake_cpu_ns, 0);
    clock_set_source(&fake);
}

/* The system's clocks again. */
static inline void fake_clock_remove(void) {
    clock_set_source(NULL);
}

static inline void fake_clock_advance(uint64_t ns) {
    atomic_fetch_add(&fake_now_ns, ns);
}
static inline void fake_clock_advance_cpu(uint64_t ns) {
    atomic_fetch_add(&fake_cpu_ns, ns);
}

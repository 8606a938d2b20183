#pragma once
/* A disk that fails, does half, or ends the process at the call that a test says, and remembers what was asked of it.
 * One for the whole program; set it before the threads under test are started. */
#include "server/system/disk.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum disk_mishap {
    DISK_WELL,
    DISK_FAILS, /* with failing_errno, and nothing is done */
    DISK_HALF,  /* a write takes half of its bytes, and the next one fails; others fail at once */
    DISK_ENDS   /* the process, before it is done: a write has taken half */
};

enum { DISK_LOG_MAX = 256 };

static atomic_long disk_calls_made; /* counted from 1 */
static atomic_long disk_mishap_at;  /* 0: none */
static atomic_int disk_mishap = DISK_WELL;
static atomic_int failing_errno = ENOSPC;
static atomic_bool disk_stays_broken; /* what comes after the mishap fails as well */
static char disk_log[DISK_LOG_MAX];   /* w, s, r, u: one a call. For tests with one thread */

static inline enum disk_mishap mishap_of(char call) {
    long at = atomic_fetch_add(&disk_calls_made, 1) + 1;
    long planned = atomic_load(&disk_mishap_at);
    if (at < DISK_LOG_MAX) {
        disk_log[at - 1] = call;
    }
    if (planned == 0 || at < planned) {
        return DISK_WELL;
    }
    if (at == planned) {
        return (enum disk_mishap)atomic_load(&disk_mishap);
    }
    bool is_second_half = at == planned + 1 && atomic_load(&disk_mishap) == DISK_HALF && call == 'w';
    return is_second_half || atomic_load(&disk_stays_broken) ? DISK_FAILS : DISK_WELL;
}

static inline int failing(enum disk_mishap mishap) {
    if (mishap == DISK_ENDS) {
        _exit(0);
    }
    errno = atomic_load(&failing_errno);
    return -1;
}

static inline ssize_t failing_write(int file, const void *bytes, size_t length) {
    enum disk_mishap mishap = mishap_of('w');
    if (mishap == DISK_HALF || mishap == DISK_ENDS) {
        ssize_t written = length / 2 > 0 ? write(file, bytes, length / 2) : 0;
        return mishap == DISK_HALF && written > 0 ? written : failing(mishap);
    }
    return mishap ? failing(mishap) : write(file, bytes, length);
}

static inline int failing_sync(int file) {
    enum disk_mishap mishap = mishap_of('s');
    return mishap ? failing(mishap) : fsync(file);
}

static inline int failing_rename(int folder, const char *from, const char *to) {
    enum disk_mishap mishap = mishap_of('r');
    return mishap ? failing(mishap) : renameat(folder, from, folder, to);
}

static inline int failing_unlink(int folder, const char *name) {
    enum disk_mishap mishap = mishap_of('u');
    return mishap ? failing(mishap) : unlinkat(folder, name, 0);
}

/* From here on the calls are counted anew, and that one (0: none) goes wrong. */
static inline void failing_disk_plan(enum disk_mishap mishap, long at, int error) {
    static const struct disk_calls calls = {failing_write, failing_sync, failing_rename, failing_unlink};
    atomic_store(&disk_calls_made, 0);
    atomic_store(&disk_mishap, (int)mishap);
    atomic_store(&disk_mishap_at, at);
    atomic_store(&failing_errno, error);
    memset(disk_log, 0, sizeof disk_log);
    disk_set_calls(&calls);
}

static inline void failing_disk_remove(void) {
    disk_set_calls(NULL);
}

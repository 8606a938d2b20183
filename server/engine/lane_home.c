#include "server/engine/lane_home.h"

#include "server/system/clock.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/* Reading a thread's schedstat takes about 1 us, twice for a job that is watched. */
#define CHECK_INTERVAL_NS (10 * NS_PER_MS)
/* The team leaves when its threads together waited for more than a quarter of a job's time. Beside a busy program on
 * one of two cores it is a half. (Only jobs count: after one its threads give way to the loop, which doesn't matter.)
 */
enum { WAITED_PART = 4 };
/* A virtual core that has to be woken for a thread takes up to 0.1 ms, a large part of a short job. */
#define WAITED_LEAST_NS UINT64_C(300000)
/* In so many watched jobs one after the other: now and then something else runs anywhere. */
enum { WAITS_MAX = 3 };
/* The first time, and how often that is doubled: 0.1 to 6.4 s. */
#define LEFT_NS (100 * NS_PER_MS)
enum { LEAVES_MAX = 6 };

enum { MASKS = 8 }; /* 8,192 cores, as in core_budget.c */

static void list_cores(struct lane_home *home, unsigned threads) {
    cpu_set_t usable[MASKS];
    size_t bytes = sizeof usable;
    /* The main thread is never pinned, so its mask is the process's. */
    if (sched_getaffinity(getpid(), bytes, usable) != 0 || CPU_COUNT_S(bytes, usable) != (int)threads) {
        return;
    }
    home->cores = calloc(threads, sizeof *home->cores);
    home->stats = calloc(threads, sizeof *home->stats);
    if (!home->cores || !home->stats) {
        return;
    }
    for (size_t core = 0; core < bytes * CHAR_BIT; core++) {
        if (CPU_ISSET_S(core, bytes, usable)) {
            home->cores[home->threads++] = (uint16_t)core;
        }
    }
    for (unsigned i = 0; i < home->threads; i++) {
        home->stats[i] = -1;
    }
}

void lane_home_init(struct lane_home *home, unsigned threads) {
    *home = (struct lane_home){0};
    if (threads > 1) {
        list_cores(home, threads);
    }
}

void lane_home_deinit(struct lane_home *home) {
    for (unsigned i = 0; i < home->threads; i++) {
        if (home->stats[i] >= 0) {
            close(home->stats[i]);
        }
    }
    free(home->cores);
    free(home->stats);
    *home = (struct lane_home){0};
}

void lane_home_enter(struct lane_home *home, unsigned thread) {
    if (thread < home->threads) {
        home->stats[thread] = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    }
}

/* How long the team's threads have been ready to run without running, all together. False where nobody knows. */
static bool read_waited(const struct lane_home *home, uint64_t *waited_ns) {
    *waited_ns = 0;
    for (unsigned i = 0; i < home->threads; i++) {
        char text[80];
        char *second = text;
        ssize_t length = home->stats[i] < 0 ? -1 : pread(home->stats[i], text, sizeof text - 1, 0);
        if (length <= 0) {
            return false;
        }
        text[length] = '\0';
        (void)strtoull(text, &second, 10); /* how long it ran */
        *waited_ns += strtoull(second, NULL, 10);
    }
    return true;
}

void lane_home_check(struct lane_home *home) {
    uint64_t unused;
    if (!read_waited(home, &unused)) {
        lane_home_deinit(home);
    }
}

static uint64_t left_ns(const struct lane_home *home) {
    return LEFT_NS << home->leaves;
}

void lane_home_begin_job(struct lane_home *home) {
    if (home->threads == 0) {
        return;
    }
    home->begun_ns = clock_now_ns();
    home->is_watched = home->begun_ns >= home->next_check_ns && read_waited(home, &home->waited_ns);
}

static bool has_waited(const struct lane_home *home, uint64_t now_ns) {
    uint64_t waited_ns;
    if (!read_waited(home, &waited_ns)) {
        return false;
    }
    waited_ns -= home->waited_ns;
    return waited_ns > WAITED_LEAST_NS && waited_ns * WAITED_PART > now_ns - home->begun_ns;
}

static void lane_home_leave(struct lane_home *home, uint64_t now_ns) {
    home->is_left = true;
    home->next_check_ns = now_ns + left_ns(home);
    home->leaves += home->leaves < LEAVES_MAX;
}

bool lane_home_end_job(struct lane_home *home) {
    if (!home->is_watched) {
        return false;
    }
    uint64_t now_ns = clock_now_ns();
    bool was_left = home->is_left;
    home->waits_in_row = !was_left && has_waited(home, now_ns) ? home->waits_in_row + 1 : 0;
    home->next_check_ns = now_ns + CHECK_INTERVAL_NS;
    home->is_left = false;
    if (home->waits_in_row == WAITS_MAX) {
        lane_home_leave(home, now_ns);
    } else if (!was_left && now_ns - home->since_ns > left_ns(home)) {
        home->leaves = 0;
    }
    bool moves = home->is_left != was_left;
    home->since_ns = moves ? now_ns : home->since_ns;
    return moves;
}

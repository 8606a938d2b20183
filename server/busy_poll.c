#include "busy_poll.h"

#include "clock.h"

#include <stdbool.h>

/* About what sleeping and waking take, so that polling in vain costs no more than that. A small request, one client,
 * two cores: 34 us instead of 67, and no more CPU time (bench/README.md, "one small request alone"). */
#define POLL_NS UINT64_C(50000)
/* Waits that are skipped at most: of those in vain less than one in a thousand is polled for. */
enum { MISSES_MAX = 10 };
/* Requests between two waits of a few clients that wait for their answers. */
enum { SERVED_MAX = 2 };

static void note_miss(struct busy_poll *poll) {
    poll->misses += poll->misses < MISSES_MAX;
    poll->skips = 1U << poll->misses;
}

/* 0 where nothing came. */
static int look_around(int epoll_fd, struct epoll_event *events, int capacity) {
    uint64_t end_ns = clock_now_ns() + POLL_NS;
    int count;
    do {
        count = epoll_wait(epoll_fd, events, capacity, 0);
    } while (count == 0 && clock_now_ns() < end_ns);
    return count;
}

int busy_poll_wait(struct busy_poll *poll, int epoll_fd, struct epoll_event *events, int capacity, int timeout_ms) {
    int count = epoll_wait(epoll_fd, events, capacity, 0);
    if (count != 0 || timeout_ms == 0)
        return count;
    bool is_crowd = poll->served > SERVED_MAX;
    poll->served = 0;
    if (is_crowd || poll->skips > 0) {
        poll->skips -= poll->skips > 0;
        return epoll_wait(epoll_fd, events, capacity, timeout_ms);
    }
    count = look_around(epoll_fd, events, capacity);
    if (count != 0) {
        poll->misses = 0;
        return count;
    }
    note_miss(poll);
    return epoll_wait(epoll_fd, events, capacity, timeout_ms);
}

#include "server/http/busy_poll.h"

#include "server/system/clock.h"

/* About what sleeping and waking take, so that polling in vain costs no more than that. A small request, one client,
 * two cores: 34 us instead of 67, and no more CPU time (bench/README.md, "one small request alone"). */
#define POLL_NS UINT64_C(50000)
/* Waits that are skipped at most: of those in vain less than one in a thousand is polled for. */
enum { MISSES_MAX = 10 };
/* Requests between two waits of a few clients that wait for their answers. */
enum { SERVED_MAX = 2 };

bool busy_poll_pays(struct busy_poll *poll) {
    bool is_crowd = poll->served > SERVED_MAX;
    bool is_skipped = poll->skips > 0;
    poll->served = 0;
    poll->skips -= is_skipped;
    return !is_crowd && !is_skipped;
}

int busy_poll_look(struct busy_poll *poll, int epoll_fd, struct epoll_event *events, int capacity) {
    uint64_t end_ns = clock_read(CLOCK_MONOTONIC) + POLL_NS; /* as epoll_wait: a test's own clock may stand still */
    int count;
    do {
        count = epoll_wait(epoll_fd, events, capacity, 0);
    } while (count == 0 && clock_read(CLOCK_MONOTONIC) < end_ns);
    if (count != 0) {
        poll->misses = 0;
        return count;
    }
    poll->misses += poll->misses < MISSES_MAX;
    poll->skips = 1U << poll->misses;
    return 0;
}

#pragma once
/* Waiting on an epoll set with a short look around before sleeping.
 *
 * To wake a sleeping thread on a sleeping core takes 30 to 50 us, more than many requests do altogether. A client that
 * has just got its answer often sends its next request sooner than that. So the waiter polls for a moment first, as
 * long as that pays: each time it polled in vain it sleeps at once for the next waits, for twice as many as the time
 * before. So it costs next to nothing where clients are slower, where they need the very core that polls, or where
 * other programs do; an idle service sleeps. Nor does it poll for a crowd, which is served faster in batches: with four
 * clients and more polling cost 2 % of the throughput, with one or two it doubles it.
 *
 * One waiter, one thread. */
#include <stdbool.h>
#include <sys/epoll.h>

struct busy_poll {
    unsigned misses; /* in a row */
    unsigned skips;  /* waits that still have to pass before the next attempt */
    unsigned served; /* for the owner to count: requests served since there was nothing to do the last time */
};

/* There is nothing to do now: does it pay to poll? Each wait asks once. Zeroed, a busy_poll begins by trying. */
bool busy_poll_pays(struct busy_poll *poll);

/* Polls: epoll_wait's count, 0 where nothing came in time. */
int busy_poll_look(struct busy_poll *poll, int epoll_fd, struct epoll_event *events, int capacity);

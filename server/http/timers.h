#pragma once
/* Deadlines of one loop's connections, sorted by construction: what is set and cancelled costs the same however many
 * there are, and so does finding the earliest.
 *
 * There is a list for each kind. Deadlines of a kind that are all as far away when they are set (a phase's timeout)
 * come in order, and go to their list's end. The odd one that doesn't, because a request has a timeout of its own,
 * waits in a heap (a pairing heap: linked, so that nothing is allocated). One thread. */
#include <stdbool.h>
#include <stdint.h>

enum timer_kind {
    TIMER_OPENING, /* a connection that says nothing */
    TIMER_HEAD,
    TIMER_BODY,
    TIMER_WORK,
    TIMER_ANSWER,
    TIMER_IDLE,
    TIMER_HALF_CLOSED,
    TIMER_LINGER,
    TIMER_KINDS
};

/* Member of what it belongs to. Zeroed: not set. */
struct timer {
    uint64_t deadline_ns; /* 0: not set */
    enum timer_kind kind; /* as it was set last */
    bool is_odd;          /* timers.c's own, as is what follows: it is in the heap */
    struct timer *next;
    struct timer *previous; /* in the heap: the one before in its parent's list, or the parent */
    struct timer *child;
};

struct timers {
    struct timer_list {
        struct timer *first;
        struct timer *last;
    } lists[TIMER_KINDS];
    struct timer *heap;
};

/* Sets it, or sets it anew. deadline_ns isn't 0. */
void timers_set(struct timers *timers, struct timer *timer, enum timer_kind kind, uint64_t deadline_ns);
/* One that isn't set is fine. */
void timers_cancel(struct timers *timers, struct timer *timer);

/* The earliest deadline; UINT64_MAX: none is set. */
uint64_t timers_next_ns(const struct timers *timers);
/* Takes out one whose deadline is `now_ns` or before; NULL: none. */
struct timer *timers_take_due(struct timers *timers, uint64_t now_ns);

#include "server/http/timers.h"

#include <stddef.h>

/* --- the heap: each node's deadline is no later than those of its children --------------------------------------- */

static struct timer *meld(struct timer *left, struct timer *right) {
    if (!left || !right) {
        return left ? left : right;
    }
    if (right->deadline_ns < left->deadline_ns) {
        struct timer *swapped = left;
        left = right;
        right = swapped;
    }
    right->next = left->child;
    if (right->next) {
        right->next->previous = right;
    }
    right->previous = left;
    left->child = right;
    left->next = NULL;
    left->previous = NULL;
    return left;
}

/* One heap of a list of them: pairs from left to right, then all together from right to left. */
static struct timer *meld_pairs(struct timer *list) {
    struct timer *pairs = NULL; /* linked by next, the last one first */
    while (list) {
        struct timer *left = list;
        struct timer *right = left->next;
        list = right ? right->next : NULL;
        left->next = NULL;
        left->previous = NULL;
        if (right) {
            right->next = NULL;
            right->previous = NULL;
        }
        struct timer *pair = meld(left, right);
        pair->next = pairs;
        pairs = pair;
    }
    struct timer *heap = NULL;
    while (pairs) {
        struct timer *next = pairs->next;
        pairs->next = NULL;
        heap = meld(heap, pairs);
        pairs = next;
    }
    return heap;
}

static void remove_from_heap(struct timers *timers, struct timer *timer) {
    struct timer *children = meld_pairs(timer->child);
    if (timer == timers->heap) {
        timers->heap = children;
        return;
    }
    struct timer *before = timer->previous;
    *(before->child == timer ? &before->child : &before->next) = timer->next;
    if (timer->next) {
        timer->next->previous = before;
    }
    timers->heap = meld(timers->heap, children);
}

/* --- the lists --------------------------------------------------------------------------------------------------- */

static void remove_from_list(struct timer_list *list, struct timer *timer) {
    *(timer->previous ? &timer->previous->next : &list->first) = timer->next;
    *(timer->next ? &timer->next->previous : &list->last) = timer->previous;
}

void timers_cancel(struct timers *timers, struct timer *timer) {
    if (timer->deadline_ns == 0) {
        return;
    }
    if (timer->is_odd) {
        remove_from_heap(timers, timer);
    } else {
        remove_from_list(&timers->lists[timer->kind], timer);
    }
    *timer = (struct timer){.kind = timer->kind};
}

void timers_set(struct timers *timers, struct timer *timer, enum timer_kind kind, uint64_t deadline_ns) {
    struct timer_list *list = &timers->lists[kind];
    timers_cancel(timers, timer);
    timer->deadline_ns = deadline_ns;
    timer->kind = kind;
    timer->is_odd = list->last && list->last->deadline_ns > deadline_ns;
    if (timer->is_odd) {
        timers->heap = meld(timers->heap, timer);
        return;
    }
    timer->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = timer;
    list->last = timer;
}

static struct timer *find_earliest(const struct timers *timers) {
    struct timer *earliest = timers->heap;
    for (int kind = 0; kind < TIMER_KINDS; kind++) {
        struct timer *first = timers->lists[kind].first;
        if (first && (!earliest || first->deadline_ns < earliest->deadline_ns)) {
            earliest = first;
        }
    }
    return earliest;
}

uint64_t timers_next_ns(const struct timers *timers) {
    const struct timer *earliest = find_earliest(timers);
    return earliest ? earliest->deadline_ns : UINT64_MAX;
}

struct timer *timers_take_due(struct timers *timers, uint64_t now_ns) {
    struct timer *earliest = find_earliest(timers);
    if (!earliest || earliest->deadline_ns > now_ns) {
        return NULL;
    }
    timers_cancel(timers, earliest);
    return earliest;
}

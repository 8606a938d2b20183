#pragma once
/* Why the queue has no place for a work. Pure. */
#include "codecs/problem.h"

#include <stdbool.h>

/* As scheduler.h counts: works other than jobs. */
struct shortage {
    bool is_share;   /* the principal's share is used up, and those that wait are his; else it is the whole queue */
    bool has_coming; /* some of them only will, when their bodies have come */
    unsigned waiting;
    unsigned left; /* places, for others */
};

/* Records it as PROBLEM_OVERLOADED; `queue_limit`: places in all. */
enum problem_kind shortage_refuse(const struct shortage *shortage, unsigned queue_limit, struct problem *problem);

#pragma once
/* Internal to server/engine. How long a body may be, and what a client can do whose body is longer. Any thread. */
#include "server/engine/call.h"

/* The end of the problem's detail: what a longer body may come as at this endpoint, or "". Static string. */
const char *body_limit_offer(const struct call *call);

struct body_limit {
    size_t bytes;       /* SIZE_MAX: any length */
    const char *option; /* the command line's that sets it. Static string, as the next */
    const char *offer;  /* body_limit_offer, or "" */
};

/* Of the order's body, which comes in windows or as a whole. */
struct body_limit body_limit_of(const struct call *call, bool has_windows);

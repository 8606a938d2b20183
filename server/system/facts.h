#pragma once
/* What the service knows about itself, for the information endpoints. Filled at start, constant afterwards but for the
 * atomics. */
#include "server/system/config.h"
#include "server/system/core_budget.h"
#include "server/system/topology.h"

#include <stdatomic.h>

struct facts {
    const char *version;  /* "0.1.0" */
    const char *build;    /* compiler, build type, library versions */
    struct config config; /* effective: nothing is 0 that means "chosen" */
    struct core_budget cores;
    struct topology topology; /* of the usable cores */
    char memory_source[128];
    char jobs_reason[512];                   /* why no jobs are kept; empty: they are */
    unsigned thread_cap;                     /* lane threads at most */
    uint64_t inline_body_bytes;              /* bodies up to this size are decoded on the event loop */
    uint64_t inline_cost_ns;                 /* work predicted to take less is computed there */
    const struct endpoint *const *endpoints; /* the route table */
    size_t endpoint_count;
    uint64_t started_ns;            /* clock_now_ns at start */
    uint64_t started_unix_ns;       /* and by the day's time */
    atomic_bool draining;           /* readiness: true from the first signal that stops it on */
    atomic_uint connections;        /* of all loops */
    atomic_uint admitted;           /* those of them within the limits */
    atomic_size_t connection_bytes; /* of the memory budget: what connections take, libmicrohttpd's pools above all */
};

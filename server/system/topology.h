#pragma once
/* Where the core ids that a team may be pinned to (core_budget.h) are in the machine: which ids are hardware threads of
 * one core, which share a package and its caches, which are near the same memory. For people who choose ids; nothing
 * here decides by it. Asks hwloc, once, at start. */
#include <sched.h>
#include <stdbool.h>

/* -1: the system doesn't say, as in a container that hides /sys. */
struct topology_place {
    int core;      /* numbered through over the whole machine; ids with the same number are threads of one core */
    int package;   /* socket, as the operating system numbers it */
    int numa_node; /* likewise; the nearest memory */
};

struct topology {
    struct topology_place places[CPU_SETSIZE]; /* by id */
};

/* Fills in what can be learned. False: hwloc ran out of memory. It checks few of its allocations, so it is asked in a
 * child process, which may end as it will. Before other threads are started. */
bool topology_read(struct topology *topology) __attribute__((warn_unused_result));

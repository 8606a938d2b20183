#pragma once
/* Where the core ids that a team may be pinned to (core_budget.h) are in the machine: which ids are hardware threads of
 * one core, which share a package and its caches, which are near the same memory. For people who choose ids; nothing
 * here decides by it. Asks hwloc, once, at start. */
#include <sched.h>

/* -1: the system doesn't say, as in a container that hides /sys. */
struct topology_place {
    int core;      /* numbered through over the whole machine; ids with the same number are threads of one core */
    int package;   /* socket, as the operating system numbers it */
    int numa_node; /* likewise; the nearest memory */
};

struct topology {
    struct topology_place places[CPU_SETSIZE]; /* by id */
};

/* Fills in what can be learned. Doesn't move the calling thread. Before other threads are started: it sets a variable
 * of the environment. */
void topology_read(struct topology *topology);

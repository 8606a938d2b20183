#pragma once
/* Internal to server/system. The limits that Linux control groups set for this process: version 1, version 2 and
 * hybrids of both. For core_budget.c, which is the interface for everyone else. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cgroup_resource {
    CGROUP_CPU,    /* in thousandths of a core, rounded down */
    CGROUP_MEMORY, /* in bytes */
    CGROUP_PIDS    /* in threads */
};

struct cgroup_limit {
    uint64_t value;
    unsigned version; /* 1 or 2 */
    char path[512];   /* the file that says so; cut off where it is longer */
};

/* The tightest limit among the groups from the process's own up to the root, over every hierarchy that has the
 * resource. Parameters as in core_budget.h. False: unlimited, or nothing that can be read. Any thread. */
bool cgroup_find_limit(const char *cgroup_root, const char *self_cgroup, enum cgroup_resource resource,
                       struct cgroup_limit *limit);

#pragma once
/* How many cores, bytes and threads this process may really use: affinity mask and cgroup limits (v1 and v2, read along
 * the whole path from the process's group to the root; the tightest wins). Read once, at start, on the main thread. */
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core_budget {
    unsigned count;   /* cores that may be computing at once, >= 1 */
    char source[128]; /* where that number comes from, e.g. "cgroup v2 quota 1.50 cores in /sys/fs/cgroup/x/cpu.max",
                         "affinity mask of 2 cores", "--cores" */
    cpu_set_t usable; /* affinity mask: ids a team may be pinned to */
};

/* cgroup_root: where the hierarchies are mounted ("/sys/fs/cgroup"); self_cgroup: path of "/proc/self/cgroup".
 * Both injectable for tests. override: --cores, 0 for none; it wins over everything. Quota is floored, at least 1.
 * An unreadable or unlimited file is no limit. */
void core_budget_read(struct core_budget *budget, const char *cgroup_root, const char *self_cgroup, unsigned override);

/* Memory this process may use: the tightest cgroup limit, else the machine's. source as above. */
size_t machine_memory_bytes(const char *cgroup_root, const char *self_cgroup, char *source, size_t source_size);

/* Threads this process may have: cgroup pids.max along the path and RLIMIT_NPROC; UINT_MAX if unlimited. */
unsigned machine_thread_limit(const char *cgroup_root, const char *self_cgroup);

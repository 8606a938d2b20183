#include "server/system/core_budget.h"

#include "server/system/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Cores in the affinity mask, 0 if it can't be read. The kernel refuses a mask with room for fewer cores than it was
 * built for, so this one has room for 8,192, the most that Linux supports; ids from 1,024 up are counted but not
 * pinnable. */
static unsigned read_affinity(cpu_set_t *usable) {
    cpu_set_t wide[8];
    CPU_ZERO(usable);
    CPU_ZERO_S(sizeof wide, wide);
    if (sched_getaffinity(0, sizeof wide, wide) != 0) {
        return 0;
    }
    *usable = wide[0];
    return (unsigned)CPU_COUNT_S(sizeof wide, wide);
}

static const char *plural(uint64_t count) {
    return count == 1 ? "" : "s";
}

void core_budget_read(struct core_budget *budget, const char *cgroup_root, const char *self_cgroup, unsigned override) {
    struct cgroup_limit limit;
    unsigned cores = read_affinity(&budget->usable);
    if (cores > 0) {
        (void)snprintf(budget->source, sizeof budget->source, "affinity mask of %u core%s", cores, plural(cores));
    } else {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        cores = online > 0 && online < INT_MAX ? (unsigned)online : 1;
        (void)snprintf(budget->source, sizeof budget->source, "%u core%s online", cores, plural(cores));
    }
    budget->count = cores;
    if (override > 0) {
        budget->count = override;
        (void)snprintf(budget->source, sizeof budget->source, "--cores");
    } else if (cgroup_find_limit(cgroup_root, self_cgroup, CGROUP_CPU, &limit) &&
               limit.value < UINT64_C(1000) * cores) {
        budget->count = limit.value < 1000 ? 1 : (unsigned)(limit.value / 1000);
        (void)snprintf(budget->source, sizeof budget->source, "cgroup v%u quota %u.%02u cores in %.79s", limit.version,
                       (unsigned)(limit.value / 1000), (unsigned)(limit.value % 1000 / 10), limit.path);
    }
}

size_t machine_memory_bytes(const char *cgroup_root, const char *self_cgroup, char *source, size_t source_size) {
    struct cgroup_limit limit;
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    size_t bytes = (size_t)pages * (size_t)page_bytes;
    if (cgroup_find_limit(cgroup_root, self_cgroup, CGROUP_MEMORY, &limit) && limit.value < bytes) {
        (void)snprintf(source, source_size, "cgroup v%u limit in %s", limit.version, limit.path);
        return (size_t)limit.value;
    }
    (void)snprintf(source, source_size, "the machine's memory");
    return bytes;
}

unsigned machine_thread_limit(const char *cgroup_root, const char *self_cgroup) {
    struct cgroup_limit cgroup;
    struct rlimit processes;
    uint64_t limit = UINT_MAX;
    if (cgroup_find_limit(cgroup_root, self_cgroup, CGROUP_PIDS, &cgroup) && cgroup.value < limit) {
        limit = cgroup.value;
    }
    if (getrlimit(RLIMIT_NPROC, &processes) == 0 && processes.rlim_cur != RLIM_INFINITY && processes.rlim_cur < limit) {
        limit = processes.rlim_cur;
    }
    return (unsigned)limit;
}

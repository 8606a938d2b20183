#include "server/system/core_budget.h"

#include "tests/unit/fake_tree.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct fake_tree tree;
static unsigned affinity_cores;

static int set_up(void **state) {
    cpu_set_t usable;
    (void)state;
    tree_init(&tree);
    tree_put(&tree, "self", "0::/\n");
    tree_put(&tree, "fs/cpu.stat", "");
    if (sched_getaffinity(0, sizeof usable, &usable) != 0) {
        return -1;
    }
    affinity_cores = (unsigned)CPU_COUNT(&usable);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    tree_deinit(&tree);
    return 0;
}

static struct core_budget read_budget(unsigned override) {
    char self[PATH_MAX], root[PATH_MAX];
    struct core_budget budget;
    tree_path(&tree, "self", self, sizeof self);
    tree_path(&tree, "fs", root, sizeof root);
    core_budget_read(&budget, root, self, override);
    return budget;
}

static void without_a_quota_the_affinity_mask_counts(void **state) {
    char source[128];
    (void)state;
    struct core_budget budget = read_budget(0);
    (void)snprintf(source, sizeof source, "affinity mask of %u core%s", affinity_cores, affinity_cores == 1 ? "" : "s");
    assert_int_equal(budget.count, affinity_cores);
    assert_string_equal(budget.source, source);
    assert_int_equal(CPU_COUNT(&budget.usable), affinity_cores);
}

static void a_narrowed_affinity_mask_is_seen(void **state) {
    cpu_set_t before, one;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    unsigned core = 0;
    while (!CPU_ISSET(core, &before)) {
        core++;
    }
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    struct core_budget budget = read_budget(0);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(budget.count, 1);
    assert_string_equal(budget.source, "affinity mask of 1 core");
    assert_true(CPU_EQUAL(&budget.usable, &one));
}

static void a_quota_is_floored_but_at_least_one(void **state) {
    char source[256];
    (void)state;
    if (affinity_cores < 2) {
        print_message("one core: no quota of more than a core can be tighter\n");
        skip();
    }
    tree_put(&tree, "fs/cpu.max", "199999 100000\n");
    struct core_budget budget = read_budget(0);
    assert_int_equal(budget.count, 1);
    (void)snprintf(source, sizeof source, "cgroup v2 quota 1.99 cores in %s/fs/cpu.max", tree.root);
    assert_string_equal(budget.source, source);
    tree_put(&tree, "fs/cpu.max", "5000 100000\n");
    budget = read_budget(0);
    assert_int_equal(budget.count, 1);
    (void)snprintf(source, sizeof source, "cgroup v2 quota 0.05 cores in %s/fs/cpu.max", tree.root);
    assert_string_equal(budget.source, source);
}

static void a_quota_beyond_the_affinity_mask_changes_nothing(void **state) {
    (void)state;
    tree_put(&tree, "fs/cpu.max", "900000000 100000\n");
    struct core_budget budget = read_budget(0);
    assert_int_equal(budget.count, affinity_cores);
    assert_non_null(strstr(budget.source, "affinity"));
}

static void the_flag_overrides_everything(void **state) {
    (void)state;
    tree_put(&tree, "fs/cpu.max", "50000 100000\n");
    struct core_budget budget = read_budget(7);
    assert_int_equal(budget.count, 7);
    assert_string_equal(budget.source, "--cores");
    assert_int_equal(CPU_COUNT(&budget.usable), affinity_cores);
}

static void a_long_path_is_cut_not_overrun(void **state) {
    (void)state;
    char group[400], line[500], file[500];
    memset(group, 'g', sizeof group);
    for (size_t i = 50; i < sizeof group; i += 50) {
        group[i] = '/';
    }
    group[sizeof group - 1] = '\0';
    (void)snprintf(line, sizeof line, "0::/%s\n", group);
    (void)snprintf(file, sizeof file, "fs/%s/cpu.max", group);
    tree_put(&tree, "self", line);
    tree_put(&tree, file, "5000 100000\n");
    struct core_budget budget = read_budget(0);
    assert_int_equal(budget.count, 1);
    assert_in_range(strlen(budget.source), 100, sizeof budget.source - 1);
}

static void memory_is_the_cgroups_or_else_the_machines(void **state) {
    char self[PATH_MAX], root[PATH_MAX], source[128], expected[256];
    (void)state;
    tree_path(&tree, "self", self, sizeof self);
    tree_path(&tree, "fs", root, sizeof root);
    size_t machine = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    assert_int_equal(machine_memory_bytes(root, self, source, sizeof source), machine);
    assert_string_equal(source, "the machine's memory");
    tree_put(&tree, "fs/memory.max", "33554432\n");
    assert_int_equal(machine_memory_bytes(root, self, source, sizeof source), 33554432);
    (void)snprintf(expected, sizeof expected, "cgroup v2 limit in %s/fs/memory.max", tree.root);
    assert_string_equal(source, expected);
    tree_put(&tree, "fs/memory.max", "1125899906842624\n");
    assert_int_equal(machine_memory_bytes(root, self, source, sizeof source), machine);
}

static void threads_are_limited_by_the_cgroup_and_the_user(void **state) {
    char self[PATH_MAX], root[PATH_MAX];
    struct rlimit before, lower;
    (void)state;
    tree_path(&tree, "self", self, sizeof self);
    tree_path(&tree, "fs", root, sizeof root);
    assert_int_equal(getrlimit(RLIMIT_NPROC, &before), 0);
    unsigned by_user = before.rlim_cur < UINT_MAX ? (unsigned)before.rlim_cur : UINT_MAX;
    assert_int_equal(machine_thread_limit(root, self), by_user);
    tree_put(&tree, "fs/pids.max", "50\n");
    assert_int_equal(machine_thread_limit(root, self), 50);
    lower = (struct rlimit){.rlim_cur = 40, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NPROC, &lower), 0);
    unsigned limit = machine_thread_limit(root, self);
    assert_int_equal(setrlimit(RLIMIT_NPROC, &before), 0);
    assert_int_equal(limit, 40);
}

static bool write_file(const char *directory, const char *name, const char *text) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return written;
}

/* A group of this machine's own with a quota of 1.5 cores; false, with nothing left behind, where that isn't possible.
 */
static bool make_real_group(char *directory, size_t capacity, unsigned *version) {
    static const char *const mounts[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup"};
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
        (void)snprintf(directory, capacity, "%s/forkjoin-test-%d", mounts[i], (int)getpid());
        if (mkdir(directory, 0755) != 0) {
            continue;
        }
        *version = i < 2 ? 1 : 2;
        if (*version == 1 ? write_file(directory, "cpu.cfs_period_us", "100000") &&
                                write_file(directory, "cpu.cfs_quota_us", "150000")
                          : write_file(directory, "cpu.max", "150000 100000")) {
            return true;
        }
        rmdir(directory);
    }
    return false;
}

static void a_real_cgroups_quota_is_found(void **state) {
    char directory[128], expected[256];
    unsigned version = 0;
    int ends[2];
    struct core_budget budget = {0};
    (void)state;
    if (affinity_cores < 2 || !make_real_group(directory, sizeof directory, &version)) {
        print_message("SKIPPED: needs two cores and the right to make a cgroup with a cpu quota on this machine\n");
        skip();
    }
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        if (write_file(directory, "cgroup.procs", "0")) {
            core_budget_read(&budget, "/sys/fs/cgroup", "/proc/self/cgroup", 0);
        }
        _exit(write(ends[1], &budget, sizeof budget) == (ssize_t)sizeof budget ? 0 : 1);
    }
    close(ends[1]);
    ssize_t length = read(ends[0], &budget, sizeof budget);
    close(ends[0]);
    waitpid(child, NULL, 0);
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(length, sizeof budget);
    assert_int_equal(budget.count, 1);
    (void)snprintf(expected, sizeof expected, "cgroup v%u quota 1.50 cores in %s/%s", version, directory,
                   version == 1 ? "cpu.cfs_quota_us" : "cpu.max");
    assert_string_equal(budget.source, expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_quota_the_affinity_mask_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_narrowed_affinity_mask_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_quota_is_floored_but_at_least_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_quota_beyond_the_affinity_mask_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_flag_overrides_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_path_is_cut_not_overrun, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_is_the_cgroups_or_else_the_machines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_are_limited_by_the_cgroup_and_the_user, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_real_cgroups_quota_is_found, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("core_budget", tests, NULL, NULL);
}

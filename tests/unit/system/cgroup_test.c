#include "server/system/cgroup.h"

#include "tests/unit/fake_tree.h"

static struct fake_tree tree;

static int set_up(void **state) {
    (void)state;
    tree_init(&tree);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    tree_deinit(&tree);
    return 0;
}

static bool find(enum cgroup_resource resource, struct cgroup_limit *limit) {
    char self[PATH_MAX], root[PATH_MAX];
    tree_path(&tree, "self", self, sizeof self);
    tree_path(&tree, "fs", root, sizeof root);
    return cgroup_find_limit(root, self, resource, limit);
}

static void assert_limit(enum cgroup_resource resource, uint64_t value, unsigned version, const char *file) {
    struct cgroup_limit limit = {0};
    char path[PATH_MAX];
    assert_true(find(resource, &limit));
    assert_int_equal(limit.value, value);
    assert_int_equal(limit.version, version);
    tree_path(&tree, file, path, sizeof path);
    assert_string_equal(limit.path, path);
}

static void assert_unlimited(enum cgroup_resource resource) {
    struct cgroup_limit limit = {.value = 42};
    if (find(resource, &limit)) {
        fail_msg("limit of %llu found in %s", (unsigned long long)limit.value, limit.path);
    }
    assert_int_equal(limit.value, 42);
}

static void version_2_limits_are_read_from_the_own_group(void **state) {
    (void)state;
    tree_put(&tree, "self", "0::/a/b\n");
    tree_put(&tree, "fs/a/b/cpu.max", "150000 100000\n");
    tree_put(&tree, "fs/a/b/memory.max", "268435456\n");
    tree_put(&tree, "fs/a/b/pids.max", "77\n");
    assert_limit(CGROUP_CPU, 1500, 2, "fs/a/b/cpu.max");
    assert_limit(CGROUP_MEMORY, 268435456, 2, "fs/a/b/memory.max");
    assert_limit(CGROUP_PIDS, 77, 2, "fs/a/b/pids.max");
}

static void the_tightest_group_on_the_way_up_wins(void **state) {
    (void)state;
    tree_put(&tree, "self", "0::/a/b/c\n");
    tree_put(&tree, "fs/a/b/c/cpu.max", "max 100000\n");
    tree_put(&tree, "fs/a/b/cpu.max", "400000 100000\n");
    tree_put(&tree, "fs/a/cpu.max", "125000 50000\n");
    tree_put(&tree, "fs/cpu.max", "900000 100000\n");
    tree_put(&tree, "fs/a/b/other/cpu.max", "1000 100000\n");
    tree_put(&tree, "fs/a/b/c/memory.max", "1000\n");
    tree_put(&tree, "fs/a/memory.max", "2000\n");
    tree_put(&tree, "fs/memory.max", "500\n");
    assert_limit(CGROUP_CPU, 2500, 2, "fs/a/cpu.max");
    assert_limit(CGROUP_MEMORY, 500, 2, "fs/memory.max");
}

static void version_1_limits_are_read_per_controller(void **state) {
    (void)state;
    tree_put(&tree, "self", "9:name=systemd:/\n8:pids:/p\n4:memory:/m\n2:cpuacct:/x\n1:cpu:/c\n0::/\n");
    tree_put(&tree, "fs/cpu/c/cpu.cfs_quota_us", "50000\n");
    tree_put(&tree, "fs/cpu/c/cpu.cfs_period_us", "100000\n");
    tree_put(&tree, "fs/cpu/cpu.cfs_quota_us", "-1\n");
    tree_put(&tree, "fs/cpu/cpu.cfs_period_us", "100000\n");
    tree_put(&tree, "fs/cpuacct/x/cpu.cfs_quota_us", "10000\n"); /* another hierarchy: not ours to read */
    tree_put(&tree, "fs/cpuacct/x/cpu.cfs_period_us", "100000\n");
    tree_put(&tree, "fs/memory/m/memory.limit_in_bytes", "9223372036854771712\n");
    tree_put(&tree, "fs/memory/memory.limit_in_bytes", "1073741824\n");
    tree_put(&tree, "fs/pids/p/pids.max", "100\n");
    assert_limit(CGROUP_CPU, 500, 1, "fs/cpu/c/cpu.cfs_quota_us");
    assert_limit(CGROUP_MEMORY, 1073741824, 1, "fs/memory/memory.limit_in_bytes");
    assert_limit(CGROUP_PIDS, 100, 1, "fs/pids/p/pids.max");
}

static void controllers_mounted_together_are_found(void **state) {
    (void)state;
    tree_put(&tree, "self", "3:cpu,cpuacct:/c\n");
    tree_put(&tree, "fs/cpu,cpuacct/c/cpu.cfs_quota_us", "300000\n");
    tree_put(&tree, "fs/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n");
    tree_link(&tree, "fs/cpu", "cpu,cpuacct");
    assert_limit(CGROUP_CPU, 3000, 1, "fs/cpu,cpuacct/c/cpu.cfs_quota_us");
}

static void controllers_listed_in_another_order_than_mounted_are_found_by_their_link(void **state) {
    (void)state;
    tree_put(&tree, "self", "3:cpuacct,cpu:/c\n");
    tree_put(&tree, "fs/cpu,cpuacct/c/cpu.cfs_quota_us", "300000\n");
    tree_put(&tree, "fs/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n");
    tree_link(&tree, "fs/cpu", "cpu,cpuacct");
    assert_limit(CGROUP_CPU, 3000, 1, "fs/cpu/c/cpu.cfs_quota_us");
}

static void a_hybrid_takes_each_resource_from_where_it_is(void **state) {
    (void)state;
    tree_put(&tree, "self", "1:cpu:/c\n0::/u\n");
    tree_put(&tree, "fs/cpu/c/cpu.cfs_quota_us", "300000\n");
    tree_put(&tree, "fs/cpu/c/cpu.cfs_period_us", "100000\n");
    tree_put(&tree, "fs/unified/u/memory.max", "4096\n");
    assert_limit(CGROUP_CPU, 3000, 1, "fs/cpu/c/cpu.cfs_quota_us");
    assert_limit(CGROUP_MEMORY, 4096, 2, "fs/unified/u/memory.max");
    assert_unlimited(CGROUP_PIDS);
}

static void a_container_that_sees_the_hosts_path_finds_its_limit_at_the_mount(void **state) {
    (void)state;
    tree_put(&tree, "self", "1:cpu:/docker/0123\n0::/docker/0123\n");
    tree_put(&tree, "fs/cpu/cpu.cfs_quota_us", "200000\n");
    tree_put(&tree, "fs/cpu/cpu.cfs_period_us", "100000\n");
    tree_put(&tree, "fs/memory.max", "8192\n");
    tree_put(&tree, "fs/docker/memory.max", "4096\n"); /* of the containers inside this one */
    assert_limit(CGROUP_CPU, 2000, 1, "fs/cpu/cpu.cfs_quota_us");
    assert_limit(CGROUP_MEMORY, 8192, 2, "fs/memory.max");
}

static void a_path_out_of_the_namespace_means_the_mount(void **state) {
    (void)state;
    tree_put(&tree, "self", "0::/../b\n");
    tree_put(&tree, "fs/memory.max", "8192\n");
    tree_put(&tree, "b/memory.max", "4096\n");
    assert_limit(CGROUP_MEMORY, 8192, 2, "fs/memory.max");
}

static void a_namespaced_container_reads_its_root(void **state) {
    (void)state;
    tree_put(&tree, "self", "0::/\n");
    tree_put(&tree, "fs/cpu.max", "99999 100000\n");
    assert_limit(CGROUP_CPU, 999, 2, "fs/cpu.max");
}

static void a_path_with_a_colon_is_read_whole(void **state) {
    (void)state;
    tree_put(&tree, "self", "0::/a:b\n");
    tree_put(&tree, "fs/a:b/pids.max", "5\n");
    assert_limit(CGROUP_PIDS, 5, 2, "fs/a:b/pids.max");
}

static void what_is_no_limit_or_no_number_is_ignored(void **state) {
    static const char *const cpu[] = {"max 100000\n", "100000\n",   "",     "-5 100000\n",
                                      "100000 0\n",   "0 100000\n", "x y\n"};
    static const char *const memory[] = {"max\n", "", "-1\n", "12 MB\n", "99999999999999999999\n"};
    (void)state;
    tree_put(&tree, "self", "0::/a\n");
    for (size_t i = 0; i < sizeof cpu / sizeof *cpu; i++) {
        tree_put(&tree, "fs/a/cpu.max", cpu[i]);
        assert_unlimited(CGROUP_CPU);
    }
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) {
        tree_put(&tree, "fs/a/memory.max", memory[i]);
        tree_put(&tree, "fs/a/pids.max", memory[i]);
        assert_unlimited(CGROUP_MEMORY);
        assert_unlimited(CGROUP_PIDS);
    }
}

static void malformed_or_missing_files_are_no_limit(void **state) {
    static const char *const selves[] = {"", "\n", "nonsense\n", "0:\n", "0::\n", "0::relative\n", ":::::\n"};
    (void)state;
    assert_unlimited(CGROUP_CPU);
    for (size_t i = 0; i < sizeof selves / sizeof *selves; i++) {
        tree_put(&tree, "self", selves[i]);
        assert_unlimited(CGROUP_CPU);
    }
    tree_put(&tree, "self", "0::/gone\n1:cpu:/gone\n");
    assert_unlimited(CGROUP_CPU);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(version_2_limits_are_read_from_the_own_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_tightest_group_on_the_way_up_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_1_limits_are_read_per_controller, set_up, tear_down),
        cmocka_unit_test_setup_teardown(controllers_mounted_together_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(controllers_listed_in_another_order_than_mounted_are_found_by_their_link,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_hybrid_takes_each_resource_from_where_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_container_that_sees_the_hosts_path_finds_its_limit_at_the_mount, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_path_out_of_the_namespace_means_the_mount, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_namespaced_container_reads_its_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_path_with_a_colon_is_read_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_limit_or_no_number_is_ignored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(malformed_or_missing_files_are_no_limit, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}

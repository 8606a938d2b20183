/* Places of core ids, on machines that hwloc makes up from a description (its environment variables) and on this one.
 */
#include "server/system/topology.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct topology topology;

static int forget_machine(void **state) {
    (void)state;
    unsetenv("HWLOC_SYNTHETIC");
    unsetenv("HWLOC_FSROOT");
    return 0;
}

static void read_machine(const char *variable, const char *description) {
    setenv(variable, description, 1);
    assert_true(topology_read(&topology));
}

static void assert_place(size_t id, int core, int package, int numa_node) {
    const struct topology_place *place = &topology.places[id];
    if (place->core != core || place->package != package || place->numa_node != numa_node) {
        fail_msg("id %zu: core %d, package %d, node %d instead of %d, %d, %d", id, place->core, place->package,
                 place->numa_node, core, package, numa_node);
    }
}

static void ids_have_cores_packages_and_nodes(void **state) {
    (void)state;
    read_machine("HWLOC_SYNTHETIC", "numa:2 pack:1 core:2 pu:2");
    for (int id = 0; id < 8; id++) {
        assert_place((size_t)id, id / 2, id / 4, id / 4);
    }
}

static void cores_are_numbered_through_where_siblings_are_far_apart(void **state) {
    (void)state;
    read_machine("HWLOC_SYNTHETIC", "pack:2 [numa] core:2 pu:2(indexes=0,4,1,5,2,6,3,7)");
    for (int id = 0; id < 8; id++) {
        assert_place((size_t)id, id % 4, id % 4 / 2, id % 4 / 2);
    }
}

static void packages_and_nodes_have_the_systems_numbers(void **state) {
    (void)state;
    read_machine("HWLOC_SYNTHETIC", "pack:2(indexes=3,1) [numa(indexes=8,2)] core:1 pu:1");
    assert_place(0, 0, 3, 8);
    assert_place(1, 1, 1, 2);
}

static void a_package_may_have_several_nodes_and_a_node_several_packages(void **state) {
    (void)state;
    read_machine("HWLOC_SYNTHETIC", "pack:1 numa:2 core:1 pu:1");
    assert_place(0, 0, 0, 0);
    assert_place(1, 1, 0, 1);
    read_machine("HWLOC_SYNTHETIC", "[numa] pack:2 core:1 pu:1");
    assert_place(0, 0, 0, 0);
    assert_place(1, 1, 1, 0);
}

static void ids_that_the_machine_lacks_have_no_place(void **state) {
    (void)state;
    read_machine("HWLOC_SYNTHETIC", "numa:1 pack:1 core:2 pu:1");
    for (size_t id = 2; id < CPU_SETSIZE; id++) {
        assert_place(id, -1, -1, -1);
    }
}

static void more_ids_than_can_be_pinned_are_no_harm(void **state) {
    (void)state;
    read_machine("HWLOC_SYNTHETIC", "numa:4 pack:1 core:512 pu:1");
    assert_place(CPU_SETSIZE - 1, CPU_SETSIZE - 1, 1, 1);
}

static void a_system_that_says_nothing_leaves_places_unknown(void **state) {
    (void)state;
    char empty[] = "/tmp/topology_test_XXXXXX";
    assert_non_null(mkdtemp(empty));
    read_machine("HWLOC_FSROOT", empty);
    assert_int_equal(rmdir(empty), 0);
    for (size_t id = 0; id < CPU_SETSIZE; id++) {
        assert_place(id, -1, -1, -1);
    }
}

static void reading_this_machine_leaves_the_thread_where_it_may_run(void **state) {
    (void)state;
    cpu_set_t before;
    cpu_set_t after;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_true(topology_read(&topology));
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
    for (size_t id = 0; id < CPU_SETSIZE; id++) {
        assert_true(topology.places[id].core >= -1 && topology.places[id].core < CPU_SETSIZE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ids_have_cores_packages_and_nodes, forget_machine),
        cmocka_unit_test_teardown(cores_are_numbered_through_where_siblings_are_far_apart, forget_machine),
        cmocka_unit_test_teardown(packages_and_nodes_have_the_systems_numbers, forget_machine),
        cmocka_unit_test_teardown(a_package_may_have_several_nodes_and_a_node_several_packages, forget_machine),
        cmocka_unit_test_teardown(ids_that_the_machine_lacks_have_no_place, forget_machine),
        cmocka_unit_test_teardown(more_ids_than_can_be_pinned_are_no_harm, forget_machine),
        cmocka_unit_test_teardown(a_system_that_says_nothing_leaves_places_unknown, forget_machine),
        cmocka_unit_test_teardown(reading_this_machine_leaves_the_thread_where_it_may_run, forget_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

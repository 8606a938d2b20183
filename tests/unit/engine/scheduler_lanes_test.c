/* Which lanes works get: sizes, the cap on threads, lanes that are still being made, pinning.
 *
 * ctest: threads */
#include "tests/unit/engine/scheduled_task.h"
#include "tests/unit/fake_clock.h"

#include <dirent.h>
#include <stdio.h>

/* Nothing but the first lane is there. */
static void short_work_does_not_wait_for_a_lane_unless_a_number_was_asked_for(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(4, MANY, LANES_PLENTY);
    struct demand short_one = {.cost_ns = 1};
    struct demand long_one = {.cost_ns = UINT64_C(1000000000000)};
    struct task task = wide(4);
    task.work.demand = &short_one;
    do_task(scheduler, &task);
    assert_int_equal(task.crew.size, 1);
    assert_int_equal(task.work.narrowing, WORK_LANE_STARTING);
    task = wide(3);
    task.work.demand = &long_one;
    do_task(scheduler, &task);
    assert_int_equal(task.crew.size, 3);
    assert_int_equal(task.work.narrowing, WORK_AS_ASKED);
    struct demand exact = {.cost_ns = 1, .threads = 2};
    task = wide(2);
    task.work.demand = &exact;
    do_task(scheduler, &task);
    assert_int_equal(task.crew.size, 2);
    assert_int_equal(task.work.narrowing, WORK_AS_ASKED);
    close_scheduler(scheduler);
}

/* Of 50 us a thread, which is what a lane is said to take until one was made. The cap keeps it from being made ahead.
 */
static void who_left_the_number_to_us_waits_for_a_lane_if_he_is_done_sooner_so(void **state) {
    (void)state;
    const uint64_t same_ns = 266666; /* on one thread, or 200,000 ns later on four */
    for (unsigned more = 0; more < 2; more++) {
        struct scheduler *scheduler = open_scheduler(4, MANY, 8);
        struct demand demand = {.cost_ns = same_ns + more};
        struct task task = wide(4);
        task.work.demand = &demand;
        do_task(scheduler, &task);
        assert_int_equal(task.crew.size, more == 0 ? 1 : 4);
        assert_int_equal(task.work.narrowing, more == 0 ? WORK_LANE_STARTING : WORK_AS_ASKED);
        close_scheduler(scheduler);
    }
}

/* By this clock no lane takes any time, so that there is none to be lost either way. */
static void work_without_length_takes_the_lane_that_is_there(void **state) {
    (void)state;
    fake_clock_install(NS_PER_S);
    struct scheduler *scheduler = open_scheduler(4, MANY, 8);
    struct demand demand = {.cost_ns = 1};
    struct task pair = wide(2);
    struct task task = wide(4);
    do_task(scheduler, &pair); /* nobody has predicted it: it waits for its lane */
    assert_int_equal(pair.crew.size, 2);
    task.work.demand = &demand;
    do_task(scheduler, &task);
    assert_int_equal(task.crew.size, 2);
    close_scheduler(scheduler);
    fake_clock_remove();
}

static unsigned process_threads(void) {
    DIR *directory = opendir("/proc/self/task");
    assert_non_null(directory);
    unsigned count = 0;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

static void lanes_are_reused_and_no_thread_is_made_per_work(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(4, MANY, LANES_PLENTY);
    struct task warm[5];
    struct task task;
    for (unsigned threads = 1; threads <= 4; threads++) {
        warm[threads] = wide(threads);
        do_task(scheduler, &warm[threads]);
    }
    unsigned lanes = 4 * 1 + 2 * 2 + 3 + 4; /* all that can be busy at once are made */
    while (scheduler_state(scheduler).lane_threads_begun < lanes) {
        usleep(100);
    }
    for (unsigned threads = 1; threads <= 4; threads++) { /* of the lanes of a size the last one used is the next */
        warm[threads] = wide(threads);
        do_task(scheduler, &warm[threads]);
    }
    unsigned threads_before = process_threads();
    for (unsigned i = 0; i < 4000; i++) {
        unsigned threads = i % 4 + 1;
        task = wide(threads);
        do_task(scheduler, &task);
        assert_int_equal(task.crew.size, threads);
        assert_memory_equal(task.crew.ids, warm[threads].crew.ids, threads * sizeof(pid_t));
    }
    assert_int_equal(scheduler_state(scheduler).lane_threads, lanes);
    assert_int_equal(scheduler_state(scheduler).lane_threads_begun, lanes);
    assert_int_equal(process_threads(), threads_before);
    close_scheduler(scheduler);
}

static void the_thread_cap_holds_and_idle_lanes_make_room(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(4, MANY, 6);
    for (unsigned i = 0; i < 60; i++) {
        struct task task = wide(i % 4 + 1);
        do_task(scheduler, &task);
        assert_int_equal(task.crew.size, i % 4 == 2 ? 2 : i % 4 + 1); /* there are lanes of 1, 2 and 4 */
        assert_int_equal(task.work.narrowing, i % 4 == 2 ? WORK_SIZE_ROUNDED : WORK_AS_ASKED);
        assert_in_range(scheduler_state(scheduler).lane_threads, 1, 6);
    }
    close_scheduler(scheduler);
}

/* The queue is served by the lane that has just become free, and here that lane is the one that has to go. */
static void a_lane_that_has_to_go_starts_the_next_work(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(3, MANY, 4);
    for (int i = 0; i < 50; i++) {
        struct task triple = held(3);
        struct task pair = wide(2);
        submit(scheduler, &triple);
        submit(scheduler, &pair);
        raise_flag(&triple.gate);
        await(&triple.finished);
        await(&pair.finished);
        assert_int_equal(triple.crew.size, 3);
        assert_int_equal(pair.crew.size, 2);
        assert_int_equal(scheduler_state(scheduler).lane_threads, 3);
    }
    close_scheduler(scheduler);
}

static void where_the_cap_forbids_a_team_one_thread_does_it(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(4, MANY, 2);
    struct task triple = held(3);
    struct task second = held(1);
    submit(scheduler, &triple);
    assert_state(scheduler, 0, 1, 1);
    submit(scheduler, &second);
    assert_state(scheduler, 0, 2, 2);
    struct task third = wide(2); /* cores are free, lanes are not */
    submit(scheduler, &third);
    assert_state(scheduler, 0, 3, 4);
    raise_flag(&triple.gate);
    await(&third.finished);
    assert_int_equal(third.crew.size, 1);
    assert_int_equal(triple.crew.size, 1);
    raise_flag(&second.gate);
    await(&second.finished);
    close_scheduler(scheduler);
}

static void a_team_is_pinned_for_its_work_alone(void **state) {
    (void)state;
    uint16_t cores[2];
    cpu_set_t all;
    if (usable_cores(cores, &all) < 2) {
        skip();
    }
    struct scheduler *scheduler = open_scheduler(3, MANY, LANES_PLENTY);
    for (unsigned threads = 1; threads <= 3; threads++) {
        struct task pinned = wide(threads);
        struct task free_again = wide(threads);
        struct demand demand = {.cores = cores, .core_count = 2};
        pinned.work.demand = &demand;
        do_task(scheduler, &pinned);
        for (unsigned t = 0; t < threads; t++) {
            assert_int_equal(CPU_COUNT(&pinned.crew.masks[t]), 1);
            assert_true(CPU_ISSET(cores[t % 2], &pinned.crew.masks[t]));
        }
        do_task(scheduler, &free_again);
        assert_int_equal(free_again.crew.ids[0], pinned.crew.ids[0]);
        assert_at_home(&free_again.crew, &all);
    }
    close_scheduler(scheduler);
}

/* A lane is made by the thread that finds the cores free: often another lane, and that one may be pinned. */
static void a_lane_made_by_a_pinned_one_is_not_pinned(void **state) {
    (void)state;
    uint16_t cores[2];
    cpu_set_t all;
    if (usable_cores(cores, &all) < 2) {
        skip();
    }
    struct scheduler *scheduler = open_scheduler(2, MANY, LANES_PLENTY);
    struct task pinned = held(1);
    struct task pair = wide(2);
    struct demand demand = {.cores = cores, .core_count = 1};
    pinned.work.demand = &demand;
    submit(scheduler, &pinned);
    submit(scheduler, &pair);
    raise_flag(&pinned.gate);
    await(&pair.finished);
    await(&pinned.finished);
    assert_at_home(&pair.crew, &all);
    close_scheduler(scheduler);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_work_does_not_wait_for_a_lane_unless_a_number_was_asked_for),
        cmocka_unit_test(who_left_the_number_to_us_waits_for_a_lane_if_he_is_done_sooner_so),
        cmocka_unit_test(work_without_length_takes_the_lane_that_is_there),
        cmocka_unit_test(lanes_are_reused_and_no_thread_is_made_per_work),
        cmocka_unit_test(the_thread_cap_holds_and_idle_lanes_make_room),
        cmocka_unit_test(a_lane_that_has_to_go_starts_the_next_work),
        cmocka_unit_test(where_the_cap_forbids_a_team_one_thread_does_it),
        cmocka_unit_test(a_team_is_pinned_for_its_work_alone),
        cmocka_unit_test(a_lane_made_by_a_pinned_one_is_not_pinned),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("scheduler_lanes", tests, NULL, NULL);
}

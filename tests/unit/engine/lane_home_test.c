/* When a team leaves its cores, and when it comes back. What the kernel says of waiting threads is said by files here.
 */
#include "server/engine/lane_home.h"

#include "server/system/clock.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned core_count(void) {
    cpu_set_t usable;
    assert_int_equal(sched_getaffinity(getpid(), sizeof usable, &usable), 0);
    return (unsigned)CPU_COUNT(&usable);
}

/* A home of the process's cores whose threads' waiting times are in files of ours. */
static bool home_new(struct lane_home *home) {
    lane_home_init(home, core_count());
    for (unsigned i = 0; i < home->threads; i++) {
        char name[] = "/tmp/lane_home_test.XXXXXX";
        home->stats[i] = mkstemp(name);
        assert_true(home->stats[i] >= 0);
        unlink(name);
        assert_true(pwrite(home->stats[i], "0 0 0\n", 6, 0) == 6);
    }
    return home->threads > 0;
}

static void set_waited(const struct lane_home *home, unsigned thread, uint64_t ns) {
    char text[64];
    int length = snprintf(text, sizeof text, "1 %llu 7\n", (unsigned long long)ns);
    assert_int_equal(pwrite(home->stats[thread], text, (size_t)length, 0), length);
}

/* A watched job of 2 ms whose last thread waits for so much of it; whether the team moves then. */
static bool run_job(struct lane_home *home, uint64_t *waited_ns, uint64_t waits_ns) {
    home->next_check_ns = 0;
    lane_home_begin_job(home);
    usleep(2000);
    *waited_ns += waits_ns;
    set_waited(home, home->threads - 1, *waited_ns);
    return lane_home_end_job(home);
}

static void a_team_as_wide_as_the_process_has_the_cores(void **state) {
    (void)state;
    for (unsigned threads = 1; threads <= core_count() + 2; threads++) {
        struct lane_home home;
        lane_home_init(&home, threads);
        bool expected = threads > 1 && threads == core_count();
        assert_int_equal(home.threads, expected ? threads : 0);
        for (unsigned i = 0; i < home.threads; i++) {
            assert_int_equal(home.stats[i], -1); /* nobody has entered */
        }
        for (unsigned i = 1; i < home.threads; i++) {
            assert_true(home.cores[i] > home.cores[i - 1]);
        }
        lane_home_deinit(&home);
    }
}

static void without_figures_there_is_no_home(void **state) {
    (void)state;
    struct lane_home home;
    lane_home_init(&home, core_count());
    lane_home_check(&home);
    assert_int_equal(home.threads, 0);
    lane_home_begin_job(&home);
    assert_false(lane_home_end_job(&home));
    lane_home_deinit(&home);
}

static void the_kernels_own_figures_are_read(void **state) {
    (void)state;
    struct lane_home home;
    lane_home_init(&home, core_count());
    unsigned threads = home.threads;
    for (unsigned i = 0; i < threads; i++) {
        lane_home_enter(&home, i);
    }
    lane_home_check(&home);
    assert_int_equal(home.threads, access("/proc/thread-self/schedstat", R_OK) == 0 ? threads : 0);
    lane_home_deinit(&home);
}

static void it_leaves_after_three_jobs_that_wait_and_for_ever_longer(void **state) {
    (void)state;
    struct lane_home home;
    uint64_t waited_ns = 0;
    uint64_t away_ns = 100 * NS_PER_MS;
    if (!home_new(&home)) {
        skip();
    }
    for (int round = 0; round < 9; round++) {
        assert_false(run_job(&home, &waited_ns, NS_PER_S));
        assert_false(run_job(&home, &waited_ns, NS_PER_S));
        assert_false(run_job(&home, &waited_ns, 0)); /* not one after the other */
        assert_false(run_job(&home, &waited_ns, NS_PER_S));
        assert_false(run_job(&home, &waited_ns, NS_PER_S));
        uint64_t before_ns = clock_now_ns();
        assert_true(run_job(&home, &waited_ns, NS_PER_S));
        assert_true(home.is_left);
        assert_in_range(home.next_check_ns, before_ns + away_ns, clock_now_ns() + away_ns);
        lane_home_begin_job(&home); /* too early */
        assert_false(lane_home_end_job(&home));
        assert_true(run_job(&home, &waited_ns, NS_PER_S)); /* the time has come, whoever waits */
        assert_false(home.is_left);
        away_ns = away_ns < 6400 * NS_PER_MS ? 2 * away_ns : away_ns;
    }
    lane_home_deinit(&home);
}

static void after_a_quiet_time_it_leaves_for_a_short_one_again(void **state) {
    (void)state;
    struct lane_home home;
    uint64_t waited_ns = 0;
    if (!home_new(&home)) {
        skip();
    }
    home.leaves = 3;
    home.since_ns = clock_now_ns();
    assert_false(run_job(&home, &waited_ns, 0));
    assert_int_equal(home.leaves, 3);
    home.since_ns -= NS_PER_S;
    assert_false(run_job(&home, &waited_ns, 0));
    assert_int_equal(home.leaves, 0);
    lane_home_deinit(&home);
}

static void little_waiting_does_not_matter(void **state) {
    (void)state;
    struct lane_home home;
    uint64_t waited_ns = 0;
    if (!home_new(&home)) {
        skip();
    }
    for (int i = 0; i < 10; i++) {
        uint64_t before_ns = clock_now_ns();
        assert_false(run_job(&home, &waited_ns, 400000)); /* a fifth of 2 ms at most */
        assert_in_range(home.next_check_ns, before_ns + 10 * NS_PER_MS, clock_now_ns() + 10 * NS_PER_MS);
    }
    for (int i = 0; i < 10; i++) { /* all of a short job's time, but a short time */
        home.next_check_ns = 0;
        lane_home_begin_job(&home);
        set_waited(&home, home.threads - 1, waited_ns += 250000);
        assert_false(lane_home_end_job(&home));
    }
    assert_false(home.is_left);
    lane_home_deinit(&home);
}

static void each_threads_waiting_counts(void **state) {
    (void)state;
    for (unsigned thread = 0; thread < core_count(); thread++) {
        struct lane_home home;
        if (!home_new(&home)) {
            skip();
        }
        for (uint64_t jobs = 1; jobs <= 3; jobs++) {
            home.next_check_ns = 0;
            lane_home_begin_job(&home);
            set_waited(&home, thread, jobs * NS_PER_S);
            assert_int_equal(lane_home_end_job(&home), jobs == 3);
        }
        int file = home.stats[thread];
        lane_home_deinit(&home);
        assert_int_equal(fcntl(file, F_GETFD), -1); /* it is closed */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_team_as_wide_as_the_process_has_the_cores),
        cmocka_unit_test(without_figures_there_is_no_home),
        cmocka_unit_test(the_kernels_own_figures_are_read),
        cmocka_unit_test(it_leaves_after_three_jobs_that_wait_and_for_ever_longer),
        cmocka_unit_test(after_a_quiet_time_it_leaves_for_a_short_one_again),
        cmocka_unit_test(each_threads_waiting_counts),
        cmocka_unit_test(little_waiting_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

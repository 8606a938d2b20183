/* The clocks and the seam between them and the tests. ctest: threads */
#include "tests/unit/fake_clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { READERS = 3, STEPS = 2000 };

static void the_systems_clocks_go_forward(void **state) {
    (void)state;
    struct timespec now;
    uint64_t before_ns = clock_now_ns();
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t system_ns = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
    assert_in_range(system_ns, before_ns, clock_now_ns());
    uint64_t before_cpu_ns = clock_thread_cpu_ns();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    uint64_t system_cpu_ns = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
    assert_in_range(system_cpu_ns, before_cpu_ns, clock_thread_cpu_ns());
}

static void a_tests_clock_moves_only_when_told(void **state) {
    (void)state;
    fake_clock_install(1000);
    assert_int_equal(clock_now_ns(), 1000);
    assert_int_equal(clock_now_ns(), 1000);
    assert_int_equal(clock_thread_cpu_ns(), 0);
    fake_clock_advance(5);
    assert_int_equal(clock_now_ns(), 1005);
    assert_int_equal(clock_thread_cpu_ns(), 0);
    fake_clock_advance_cpu(7);
    assert_int_equal(clock_now_ns(), 1005);
    assert_int_equal(clock_thread_cpu_ns(), 7);
    fake_clock_remove();
    assert_true(clock_now_ns() > 1005);
    fake_clock_install(0);
    assert_int_equal(clock_now_ns() + clock_thread_cpu_ns(), 0);
    fake_clock_remove();
}

static void a_reading_has_its_time_of_day(void **state) {
    (void)state;
    fake_clock_install(1000 * NS_PER_S);
    uint64_t before_ns = clock_read(CLOCK_REALTIME);
    uint64_t unix_ns = clock_unix_ns(900 * NS_PER_S);
    assert_in_range(unix_ns, before_ns - 100 * NS_PER_S, clock_read(CLOCK_REALTIME) - 100 * NS_PER_S);
    fake_clock_remove();
}

static void *read_until_the_end(void *argument) {
    const uint64_t *end_ns = argument;
    uint64_t latest_ns = 0;
    while (latest_ns < *end_ns) {
        uint64_t now_ns = clock_now_ns();
        if (now_ns < latest_ns || now_ns > *end_ns) {
            return argument;
        }
        latest_ns = now_ns;
    }
    return NULL;
}

static void threads_read_it_while_it_moves(void **state) {
    (void)state;
    pthread_t readers[READERS];
    uint64_t end_ns = STEPS;
    fake_clock_install(0);
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_until_the_end, &end_ns), 0);
    }
    for (size_t i = 0; i < STEPS; i++) {
        fake_clock_advance(1);
    }
    for (size_t i = 0; i < READERS; i++) {
        void *wrong;
        pthread_join(readers[i], &wrong);
        assert_null(wrong);
    }
    fake_clock_remove();
}

static uint64_t tick(void) {
    fake_clock_advance(1);
    return fake_clock_now();
}

static void what_is_left_is_read_once(void **state) {
    (void)state;
    static const struct clock_source ticking = {.now_ns = tick, .thread_cpu_ns = fake_clock_cpu};
    fake_clock_install(100);
    assert_int_equal(clock_left_ns(150), 50);
    assert_int_equal(clock_left_ns(101), 1);
    assert_int_equal(clock_left_ns(100), 0);
    assert_int_equal(clock_left_ns(99), 0);
    assert_int_equal(clock_left_ns(0), 0);
    clock_set_source(&ticking); /* it has moved on by the next look, as it may between any two */
    assert_int_equal(clock_left_ns(103), 2);
    assert_int_equal(clock_left_ns(103), 1);
    assert_int_equal(clock_left_ns(103), 0);
    assert_int_equal(clock_left_ns(103), 0);
    fake_clock_remove();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_systems_clocks_go_forward), cmocka_unit_test(a_tests_clock_moves_only_when_told),
        cmocka_unit_test(a_reading_has_its_time_of_day), cmocka_unit_test(threads_read_it_while_it_moves),
        cmocka_unit_test(what_is_left_is_read_once),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}

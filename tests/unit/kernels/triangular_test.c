/* The load loop: exact numbers for every team, the core each range ran on, and an end in the middle of a range.
 *
 * ctest: threads */
#include "kernels/triangular/triangular.h"

#include "tests/reference/triangular_simple.h"
#include "tests/unit/worker.h"

#include <time.h>

static const struct progress nothing_watched = {0};

enum { BLOCK = 1 << 20 }; /* the kernel looks at its cancel flag after so many numbers */

/* Sizes of few numbers, around a block, around several, and primes. */
static const uint64_t ranges[] = {
    0, 1, 2, 3, 10, 97, 1000, 65537, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 1, 1299709, 0, 3 * BLOCK - 1,
    5, 1};

enum { COUNT = sizeof ranges / sizeof *ranges };

static void check(const struct team *team) {
    struct triangular_result results[COUNT];
    memset(results, 0xff, sizeof results);
    assert_int_equal(triangular(ranges, results, COUNT, team, &nothing_watched), KERNEL_DONE);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(results[i].last, triangular_simple(ranges[i]));
        assert_in_range(results[i].core, 0, CPU_SETSIZE - 1);
    }
}

static void every_team_gives_the_references_numbers(void **state) {
    (void)state;
    static const size_t chunks[] = {0, 1, 5, COUNT, 1000};
    for (unsigned threads = 1; threads <= 16; threads += threads < 4 ? 1 : 6) {
        for (enum team_schedule schedule = TEAM_STATIC; schedule <= TEAM_GUIDED; schedule++) {
            for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
                struct team team = {.threads = threads, .schedule = schedule, .chunk = chunks[c]};
                check(&team);
            }
        }
    }
}

static void the_formula_and_the_reference_agree(void **state) {
    (void)state;
    for (uint64_t range = 0; range < 3000; range++) {
        assert_int_equal(triangular_last(range), triangular_simple(range));
    }
    assert_int_equal(triangular_last(100000000), UINT64_C(4999999950000000));
    assert_int_equal(triangular_last(TRIANGULAR_RANGE_MAX), UINT64_C(7999999998000000000));
    struct triangular_result result = {0};
    static const uint64_t long_range[] = {100000000};
    struct team alone = {.threads = 1};
    assert_int_equal(triangular(long_range, &result, 1, &alone, &nothing_watched), KERNEL_DONE);
    assert_int_equal(result.last, UINT64_C(4999999950000000));
}

static void no_ranges_are_no_work(void **state) {
    (void)state;
    struct team team = {.threads = 2};
    assert_int_equal(triangular(NULL, NULL, 0, &team, &nothing_watched), KERNEL_DONE);
}

static void the_cost_grows_with_the_range(void **state) {
    (void)state;
    assert_int_equal(triangular_cost_ns(0), 0);
    assert_true(triangular_cost_ns(1000000) > 0);
    assert_int_equal(triangular_cost_ns(2000000000), 2 * triangular_cost_ns(1000000000));
}

static void results_name_the_core_that_a_pinned_thread_is_on(void **state) {
    (void)state;
    uint16_t cores[2];
    cpu_set_t all;
    unsigned usable = usable_cores(cores, &all);
    for (unsigned i = 0; i < (usable < 2 ? usable : 2); i++) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cores[i], &one);
        assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
        check(&(struct team){.threads = 1});
        struct triangular_result results[COUNT];
        struct team alone = {.threads = 1};
        assert_int_equal(triangular(ranges, results, COUNT, &alone, &nothing_watched), KERNEL_DONE);
        for (size_t r = 0; r < COUNT; r++) {
            assert_int_equal(results[r].core, cores[i]);
        }
    }
    sched_setaffinity(0, sizeof all, &all);
}

struct watched {
    atomic_bool cancel;
    atomic_uint_fast64_t done;
};

/* Once the short ranges are done, and then a while into the long ones. */
static void *cancel_within(void *argument) {
    struct watched *watched = argument;
    const struct timespec while_long = {.tv_nsec = 20000000};
    while (atomic_load(&watched->done) < 2) {
        sched_yield();
    }
    nanosleep(&while_long, NULL);
    atomic_store(&watched->cancel, true);
    return NULL;
}

/* Whoever leaves the loop's iterations out finishes the long ranges before the flag is set, and is found out here. */
static void a_cancel_ends_a_range_in_its_middle(void **state) {
    (void)state;
    static const uint64_t shorts_then_longs[] = {1, 1, TRIANGULAR_RANGE_MAX, TRIANGULAR_RANGE_MAX};
    for (unsigned threads = 1; threads <= 2; threads++) {
        struct watched watched = {0};
        struct triangular_result results[4] = {0};
        struct team team = {.threads = threads, .schedule = TEAM_DYNAMIC};
        struct progress progress = {.cancel = &watched.cancel, .done = &watched.done};
        pthread_t canceller;
        assert_int_equal(pthread_create(&canceller, NULL, cancel_within, &watched), 0);
        assert_int_equal(triangular(shorts_then_longs, results, 4, &team, &progress), KERNEL_CANCELLED);
        pthread_join(canceller, NULL);
        assert_true(results[3].last < triangular_last(TRIANGULAR_RANGE_MAX));
    }
}

static void a_cancel_before_the_start_leaves_everything_out(void **state) {
    (void)state;
    atomic_bool cancel = true;
    struct progress progress = {.cancel = &cancel};
    struct triangular_result results[COUNT];
    for (unsigned threads = 1; threads <= 3; threads++) {
        struct team team = {.threads = threads};
        memset(results, 0, sizeof results);
        assert_int_equal(triangular(ranges, results, COUNT, &team, &progress), KERNEL_CANCELLED);
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(results[i].last, 0);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_team_gives_the_references_numbers),
        cmocka_unit_test(the_formula_and_the_reference_agree),
        cmocka_unit_test(no_ranges_are_no_work),
        cmocka_unit_test(the_cost_grows_with_the_range),
        cmocka_unit_test(results_name_the_core_that_a_pinned_thread_is_on),
        cmocka_unit_test(a_cancel_ends_a_range_in_its_middle),
        cmocka_unit_test(a_cancel_before_the_start_leaves_everything_out),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("triangular", tests, NULL, NULL);
}

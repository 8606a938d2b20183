/* Lanes are told apart by their address: a lane that is put back and taken again is the same one, and is never freed
 * between.
 *
 * ctest: threads */
#include "server/engine/lane_pool.h"

#include "tests/unit/worker.h"

/* What a lane's own thread is asked to do with the pool: put itself back, then take another. */
struct errand {
    unsigned wanted;
    struct lane *taken;
    bool finished;
};

static struct lane_pool *pool;

static void serve(void *context, struct lane *lane, void *job) {
    struct errand *errand = job;
    (void)context;
    lane_pool_put(pool, lane);
    errand->taken = lane_pool_take(pool, errand->wanted);
    raise_flag(&errand->finished);
}

static void open_pool(unsigned thread_cap) {
    pool = lane_pool_new(thread_cap, serve, NULL);
    assert_non_null(pool);
    assert_int_equal(lane_pool_threads(pool), 1);
}

static struct lane *take(unsigned threads) {
    struct lane *lane = lane_pool_take(pool, threads);
    assert_non_null(lane);
    assert_int_equal(lane_threads(lane), threads);
    return lane;
}

static void a_lane_put_back_is_taken_again(void **state) {
    (void)state;
    open_pool(20);
    struct lane *pair = take(2);
    struct lane *other_pair = take(2);
    struct lane *triple = take(3);
    assert_ptr_not_equal(pair, other_pair);
    assert_int_equal(lane_pool_threads(pool), 8);
    lane_pool_put(pool, pair);
    lane_pool_put(pool, triple);
    lane_pool_put(pool, other_pair);
    assert_ptr_equal(take(2), other_pair); /* the last one used: its thread's caches are warm */
    assert_ptr_equal(take(2), pair);
    assert_ptr_equal(take(3), triple);
    assert_int_equal(lane_pool_threads(pool), 8);
    lane_pool_put(pool, pair);
    lane_pool_put(pool, triple);
    lane_pool_put(pool, other_pair);
    lane_pool_free(pool);
    lane_pool_free(NULL);
}

static void the_least_recently_used_lane_makes_room(void **state) {
    (void)state;
    open_pool(10);
    struct lane *pair = take(2);
    struct lane *triple = take(3);
    struct lane *quad = take(4);
    lane_pool_put(pool, triple);
    lane_pool_put(pool, quad);
    lane_pool_put(pool, pair);
    assert_int_equal(lane_pool_threads(pool), 10);
    struct lane *single = take(1);
    struct lane *second = take(1); /* 11 threads, were it not for the triple */
    assert_int_equal(lane_pool_threads(pool), 8);
    assert_ptr_equal(take(4), quad);
    assert_ptr_equal(take(2), pair);
    lane_pool_put(pool, single);
    lane_pool_put(pool, second);
    lane_pool_put(pool, pair);
    lane_pool_put(pool, quad);
    lane_pool_free(pool);
}

static void the_last_single_lane_is_never_ended(void **state) {
    (void)state;
    open_pool(5);
    struct lane *single = take(1);
    lane_pool_put(pool, single);
    for (int i = 0; i < 3; i++) {
        lane_pool_put(pool, take(4));
        lane_pool_put(pool, take(3));
        lane_pool_put(pool, take(2));
        assert_in_range(lane_pool_threads(pool), 3, 5);
    }
    assert_ptr_equal(take(1), single);
    lane_pool_put(pool, single);
    lane_pool_free(pool);
}

static void surplus_single_lanes_are_ended(void **state) {
    (void)state;
    open_pool(5);
    struct lane *singles[5];
    for (int i = 0; i < 5; i++) {
        singles[i] = take(1);
    }
    assert_null(lane_pool_take(pool, 1));
    for (int i = 0; i < 5; i++) {
        lane_pool_put(pool, singles[i]);
    }
    struct lane *quad = take(4);
    assert_int_equal(lane_pool_threads(pool), 5);
    struct lane *last = take(1);
    assert_null(lane_pool_take(pool, 1));
    lane_pool_put(pool, last);
    lane_pool_put(pool, quad);
    lane_pool_free(pool);
}

static void what_can_never_fit_ends_no_lane(void **state) {
    (void)state;
    open_pool(6);
    struct lane *pair = take(2);
    struct lane *triple = take(3);
    lane_pool_put(pool, pair);
    assert_null(lane_pool_take(pool, 6));
    assert_null(lane_pool_take(pool, 3)); /* the triple that is out and the last single stand against it */
    assert_int_equal(lane_pool_threads(pool), 6);
    assert_ptr_equal(take(2), pair);
    lane_pool_put(pool, pair);
    lane_pool_put(pool, triple);
    lane_pool_free(pool);
}

static void a_cap_of_one_thread_is_one_lane(void **state) {
    (void)state;
    open_pool(1);
    struct lane *single = take(1);
    assert_null(lane_pool_take(pool, 1));
    assert_null(lane_pool_take(pool, 2));
    lane_pool_put(pool, single);
    assert_null(lane_pool_take(pool, 2));
    assert_ptr_equal(take(1), single);
    lane_pool_put(pool, single);
    lane_pool_free(pool);
}

static void a_lane_may_have_to_end_itself(void **state) {
    (void)state;
    open_pool(4);
    for (int i = 0; i < 50; i++) {
        struct errand errand = {.wanted = 2};
        lane_give(take(3), &errand);
        await(&errand.finished);
        assert_non_null(errand.taken);
        assert_int_equal(lane_threads(errand.taken), 2);
        assert_int_equal(lane_pool_threads(pool), 3);
        lane_pool_put(pool, errand.taken);
    }
    lane_pool_free(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_put_back_is_taken_again),
        cmocka_unit_test(the_least_recently_used_lane_makes_room),
        cmocka_unit_test(the_last_single_lane_is_never_ended),
        cmocka_unit_test(surplus_single_lanes_are_ended),
        cmocka_unit_test(what_can_never_fit_ends_no_lane),
        cmocka_unit_test(a_cap_of_one_thread_is_one_lane),
        cmocka_unit_test(a_lane_may_have_to_end_itself),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("lane_pool", tests, NULL, NULL);
}

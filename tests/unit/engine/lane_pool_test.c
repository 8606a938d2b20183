/* Lanes are told apart by their address: a lane that is put back and taken again is the same one, and is never freed
 * between. The keeper is waited for by the number of lanes that it has reported.
 *
 * ctest: threads */
#include "server/engine/lane_pool.h"

#include "tests/unit/worker.h"

#include <sys/resource.h>
#include <sys/wait.h>

static struct lane_pool *pool;
static unsigned changes; /* under the lock of worker.h, which is the pool's owner's here */

static void serve(void *context, struct lane *lane, void *job) {
    (void)context;
    (void)lane;
    raise_flag(job);
}

static void report(void *context) {
    assert_ptr_equal(context, &pool);
    changes++;
    pthread_cond_broadcast(&changed);
}

static void open_pool(unsigned thread_cap, unsigned core_budget) {
    const struct lane_pool_owner owner = {&lock, serve, report, &pool};
    changes = 0;
    pool = lane_pool_new(thread_cap, core_budget, &owner);
    assert_non_null(pool);
}

static void close_pool(void) {
    lane_pool_free(pool);
}

static void await_changes(unsigned wanted) {
    pthread_mutex_lock(&lock);
    while (changes < wanted) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static unsigned pool_threads(void) {
    pthread_mutex_lock(&lock);
    unsigned threads = lane_pool_threads(pool);
    pthread_mutex_unlock(&lock);
    return threads;
}

static struct lane *take_now(unsigned threads) {
    pthread_mutex_lock(&lock);
    struct lane *lane = lane_pool_take(pool, threads);
    pthread_mutex_unlock(&lock);
    return lane;
}

static bool order(unsigned threads) {
    pthread_mutex_lock(&lock);
    bool comes = lane_pool_order(pool, threads);
    pthread_mutex_unlock(&lock);
    return comes;
}

/* Orders it if there is none. */
static struct lane *take(unsigned threads) {
    pthread_mutex_lock(&lock);
    struct lane *lane;
    while (!(lane = lane_pool_take(pool, threads))) {
        assert_true(lane_pool_order(pool, threads));
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    assert_int_equal(lane_threads(lane), threads);
    return lane;
}

static void put(struct lane *lane) {
    pthread_mutex_lock(&lock);
    lane_pool_put(pool, lane);
    pthread_mutex_unlock(&lock);
}

static void a_lane_put_back_is_taken_again(void **state) {
    (void)state;
    open_pool(20, 8);
    struct lane *pair = take(2);
    struct lane *other_pair = take(2);
    struct lane *quad = take(4);
    assert_ptr_not_equal(pair, other_pair);
    assert_int_equal(pool_threads(), 9);
    pthread_mutex_lock(&lock);
    assert_int_equal(lane_pool_lanes(pool), 4); /* these, and the single one that there always is */
    assert_int_equal(lane_pool_threads_begun(pool), 9);
    pthread_mutex_unlock(&lock);
    put(pair);
    put(quad);
    put(other_pair);
    assert_ptr_equal(take_now(2), other_pair); /* the last one used: its thread's caches are warm */
    assert_ptr_equal(take_now(2), pair);
    assert_null(take_now(2));
    assert_ptr_equal(take_now(4), quad);
    assert_int_equal(pool_threads(), 9);
    put(pair);
    put(quad);
    put(other_pair);
    close_pool();
    lane_pool_free(NULL);
}

static void the_largest_smaller_one_is_found(void **state) {
    (void)state;
    open_pool(20, 8);
    struct lane *pair = take(2);
    pthread_mutex_lock(&lock);
    assert_int_equal(lane_pool_smaller(pool, 8), 1);
    lane_pool_put(pool, pair);
    assert_int_equal(lane_pool_smaller(pool, 8), 2);
    assert_int_equal(lane_pool_smaller(pool, 2), 1);
    assert_int_equal(lane_pool_smaller(pool, 1), 0);
    pthread_mutex_unlock(&lock);
    close_pool();
}

static void an_order_is_for_one_lane_however_often_it_is_given(void **state) {
    (void)state;
    open_pool(64, 40);
    assert_true(order(2));
    assert_true(order(2));
    await_changes(1);
    struct lane *pair = take_now(2);
    assert_non_null(pair);
    put(pair);
    close_pool();
}

/* However many begin, a thread takes a microsecond at least. */
static void what_is_ordered_takes_what_threads_took(void **state) {
    (void)state;
    struct lane *lanes[10];
    open_pool(64, 40);
    for (size_t i = 0; i < 10; i++) {
        lanes[i] = take(4);
    }
    pthread_mutex_lock(&lock);
    assert_int_equal(lane_pool_wait_ns(pool), 0);
    assert_true(lane_pool_order(pool, 2));
    assert_true(lane_pool_wait_ns(pool) >= 2 * 1000);
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < 10; i++) {
        put(lanes[i]);
    }
    close_pool();
}

static void the_least_recently_used_lane_makes_room(void **state) {
    (void)state;
    open_pool(10, 8);
    struct lane *pair = take(2);
    struct lane *other_pair = take(2);
    struct lane *quad = take(4);
    put(pair);
    put(quad);
    put(other_pair);
    struct lane *single = take(1);
    struct lane *second = take(1);
    assert_int_equal(pool_threads(), 10);
    struct lane *third = take(1); /* 11 threads, were it not for the pair */
    assert_int_equal(pool_threads(), 9);
    assert_ptr_equal(take_now(4), quad);
    assert_ptr_equal(take_now(2), other_pair);
    assert_null(take_now(2));
    put(single);
    put(second);
    put(third);
    put(other_pair);
    put(quad);
    close_pool();
}

static void the_last_single_lane_is_never_ended(void **state) {
    (void)state;
    open_pool(5, 4);
    struct lane *single = take(1);
    put(single);
    for (int i = 0; i < 3; i++) {
        put(take(4));
        put(take(2));
        assert_in_range(pool_threads(), 3, 5);
    }
    assert_ptr_equal(take_now(1), single);
    put(single);
    close_pool();
}

static void surplus_single_lanes_are_ended(void **state) {
    (void)state;
    open_pool(5, 8);
    struct lane *singles[5];
    for (int i = 0; i < 5; i++) {
        singles[i] = take(1);
    }
    assert_false(order(1));
    for (int i = 0; i < 5; i++) {
        put(singles[i]);
    }
    struct lane *quad = take(4);
    assert_int_equal(pool_threads(), 5);
    struct lane *last = take_now(1);
    assert_non_null(last);
    assert_false(order(1));
    put(last);
    put(quad);
    close_pool();
}

static void what_is_ordered_counts_before_it_is_there(void **state) {
    (void)state;
    open_pool(6, 8);
    pthread_mutex_lock(&lock); /* the keeper can't begin */
    assert_true(lane_pool_order(pool, 2));
    assert_false(lane_pool_order(pool, 4)); /* beside the pair and the last single */
    assert_true(lane_pool_order(pool, 3));
    pthread_mutex_unlock(&lock);
    await_changes(2);
    assert_int_equal(pool_threads(), 6);
    close_pool();
}

static void what_can_never_fit_ends_no_lane(void **state) {
    (void)state;
    open_pool(7, 8);
    struct lane *pair = take(2);
    struct lane *quad = take(4);
    put(pair);
    assert_false(order(8));
    assert_false(order(4)); /* the quad that is out and the last single stand against it */
    assert_int_equal(pool_threads(), 7);
    assert_ptr_equal(take_now(2), pair);
    put(pair);
    put(quad);
    close_pool();
}

static void a_cap_of_one_thread_is_one_lane(void **state) {
    (void)state;
    open_pool(1, 2);
    struct lane *single = take(1);
    assert_false(order(1));
    assert_false(order(2));
    put(single);
    assert_false(order(2));
    assert_ptr_equal(take_now(1), single);
    put(single);
    close_pool();
}

/* Other than what is made ahead. */
static void what_was_ordered_is_the_next_to_be_used(void **state) {
    (void)state;
    open_pool(20, 8);
    struct lane *pair = take(2);
    pthread_mutex_lock(&lock);
    assert_true(lane_pool_order(pool, 2));
    lane_pool_put(pool, pair);
    pthread_mutex_unlock(&lock);
    await_changes(2);
    struct lane *ordered = take_now(2);
    assert_non_null(ordered);
    assert_ptr_not_equal(ordered, pair);
    put(ordered);
    close_pool();
}

static void where_all_fit_they_are_made_ahead(void **state) {
    (void)state;
    open_pool(4 + 4 + 3 + 4, 4);
    await_changes(3);
    assert_int_equal(pool_threads(), 4); /* singles, though nobody has asked for any */
    put(take(2));
    await_changes(5);
    assert_int_equal(pool_threads(), 4 + 4);
    put(take(3));
    put(take(4));
    await_changes(7);
    assert_int_equal(pool_threads(), 4 + 4 + 3 + 4);
    close_pool();
}

static void assert_sizes(unsigned thread_cap, unsigned core_budget, const unsigned *sizes, size_t count) {
    open_pool(thread_cap, core_budget);
    size_t index = 0;
    for (unsigned threads = 1; threads <= core_budget; threads++) {
        index += index + 1 < count && sizes[index + 1] == threads;
        assert_int_equal(lane_pool_size(pool, threads), sizes[index]);
    }
    assert_int_equal(index + 1, count);
    close_pool();
}

static void sizes_are_as_many_as_the_cap_has_room_for(void **state) {
    (void)state;
    static const unsigned all[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const unsigned halves[] = {1, 2, 3, 4, 6, 8};
    static const unsigned doublings[] = {1, 2, 4, 8};
    assert_sizes(36 + 8, 8, all, 8);
    assert_sizes(36 + 7, 8, halves, 6);
    assert_sizes(24 + 8, 8, halves, 6);
    assert_sizes(24 + 7, 8, doublings, 4);
    assert_sizes(1, 8, doublings, 4);
    assert_sizes(1, 1, all, 1);
}

static void once_all_sizes_are_there_none_makes_room(void **state) {
    (void)state;
    open_pool(1024, 64);
    uint64_t begun = 0;
    for (int pass = 0; pass < 3; pass++) {
        for (unsigned threads = 1; threads <= 64; threads++) {
            put(take(lane_pool_size(pool, threads)));
        }
        pthread_mutex_lock(&lock);
        uint64_t now = lane_pool_threads_begun(pool);
        pthread_mutex_unlock(&lock);
        assert_true(pass == 0 || now == begun);
        begun = now;
    }
    close_pool();
}

/* In a process of its own, as a user who may have two threads more than there are: root is exempt from that limit. */
static int be_refused(unsigned thread_cap) {
    if (getuid() == 0 && setresuid(65534, 65534, 65534) != 0) {
        return 2;
    }
    open_pool(thread_cap, 40);
    struct rlimit none = {1, 1};
    if (setrlimit(RLIMIT_NPROC, &none) != 0 || !order(2)) {
        return 3;
    }
    await_changes(1);
    bool is_given_up = !take_now(2) && !order(2) && !order(4);
    bool is_tried = order(1); /* it may have been the size */
    await_changes(2);
    return is_given_up && is_tried && !order(1) && pool_threads() == 1 ? 0 : 1;
}

static void what_the_system_refuses_is_told_and_not_tried_at_once_again(void **state) {
    (void)state;
    static const unsigned caps[] = {64, 3}; /* plenty, or no room for what was refused and one more */
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
        pid_t child = fork();
        if (child == 0) {
            _exit(be_refused(caps[i]));
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        forget_child(child);
        assert_int_equal(status, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        /* First, while there are no threads that a fork would lose. */
        cmocka_unit_test(what_the_system_refuses_is_told_and_not_tried_at_once_again),
        cmocka_unit_test(a_lane_put_back_is_taken_again),
        cmocka_unit_test(the_largest_smaller_one_is_found),
        cmocka_unit_test(an_order_is_for_one_lane_however_often_it_is_given),
        cmocka_unit_test(what_is_ordered_takes_what_threads_took),
        cmocka_unit_test(the_least_recently_used_lane_makes_room),
        cmocka_unit_test(the_last_single_lane_is_never_ended),
        cmocka_unit_test(surplus_single_lanes_are_ended),
        cmocka_unit_test(what_is_ordered_counts_before_it_is_there),
        cmocka_unit_test(what_can_never_fit_ends_no_lane),
        cmocka_unit_test(a_cap_of_one_thread_is_one_lane),
        cmocka_unit_test(what_was_ordered_is_the_next_to_be_used),
        cmocka_unit_test(where_all_fit_they_are_made_ahead),
        cmocka_unit_test(sizes_are_as_many_as_the_cap_has_room_for),
        cmocka_unit_test(once_all_sizes_are_there_none_makes_room),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("lane_pool", tests, NULL, NULL);
}

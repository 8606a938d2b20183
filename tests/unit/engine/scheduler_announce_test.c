/* What is announced counts as if it waited, until it is taken back or has not been heard of for a while; and it counts
 * for announcements alone.
 *
 * ctest: threads */
#include "tests/unit/engine/scheduled_task.h"
#include "tests/unit/fake_clock.h"

/* However long the machine is busy with something else, none is forgotten meanwhile. */
static int stop_the_clock(void **state) {
    (void)state;
    fake_clock_install(NS_PER_S);
    return 0;
}

static int let_the_clock_go(void **state) {
    (void)state;
    fake_clock_remove();
    return 0;
}

static struct announcement of(uint64_t principal) {
    return (struct announcement){.class = WORK_INTERACTIVE, .principal = principal};
}

/* Asks for a place, and counts where there is one. */
static bool announce(struct scheduler *scheduler, struct announcement *announcement) {
    bool has_place = scheduler_has_place(scheduler, announcement, &(struct shortage){0});
    if (has_place) {
        scheduler_announce(scheduler, announcement);
    }
    return has_place;
}

static void who_only_asks_does_not_count(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(1, 1, LANES_PLENTY);
    const struct announcement asking = of(0);
    for (int i = 0; i < 10; i++) {
        assert_true(scheduler_has_place(scheduler, &asking, &(struct shortage){0}));
    }
    close_scheduler(scheduler);
}

static void announced_ones_fill_the_queue(void **state) {
    (void)state;
    enum { CORES = 2, QUEUE = 3 };
    struct scheduler *scheduler = open_scheduler(CORES, QUEUE, LANES_PLENTY);
    struct announcement announced[CORES + QUEUE + 1];
    for (int i = 0; i < CORES + QUEUE + 1; i++) {
        announced[i] = of(0);
        assert_int_equal(announce(scheduler, &announced[i]), i < CORES + QUEUE);
    }
    struct shortage shortage;
    assert_false(scheduler_has_place(scheduler, &announced[CORES + QUEUE], &shortage));
    assert_true(shortage.has_coming && !shortage.is_share);
    assert_int_equal(shortage.waiting, QUEUE);
    assert_false(scheduler_is_full(scheduler, WORK_INTERACTIVE, 0, &shortage)); /* nobody waits yet */
    scheduler_unannounce(scheduler, &announced[1]);
    assert_true(announce(scheduler, &announced[CORES + QUEUE]));
    assert_false(announce(scheduler, &announced[1]));
    struct task short_one = wide(1); /* whose body was too short to be announced */
    do_task(scheduler, &short_one);
    for (int i = 0; i < CORES + QUEUE + 1; i++) {
        scheduler_unannounce(scheduler, &announced[i]); /* once more is fine, too */
    }
    close_scheduler(scheduler);
}

static void waiting_and_running_ones_count_as_well(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(1, 2, LANES_PLENTY);
    struct task tasks[2] = {held(1), wide(1)};
    struct announcement announced[3] = {of(0), of(0), of(0)};
    submit(scheduler, &tasks[0]);
    assert_true(announce(scheduler, &announced[0]));
    assert_true(announce(scheduler, &announced[1]));
    assert_false(announce(scheduler, &announced[2]));
    scheduler_unannounce(scheduler, &announced[0]);
    submit(scheduler, &tasks[1]); /* its body is here */
    assert_false(announce(scheduler, &announced[2]));
    raise_flag(&tasks[0].gate);
    await(&tasks[1].finished);
    assert_true(announce(scheduler, &announced[2]));
    scheduler_unannounce(scheduler, &announced[1]);
    scheduler_unannounce(scheduler, &announced[2]);
    close_scheduler(scheduler);
}

static void without_a_queue_free_cores_are_announced_for(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(2, 0, LANES_PLENTY);
    struct announcement announced[3] = {of(0), of(0), of(0)};
    assert_true(announce(scheduler, &announced[0]));
    assert_true(announce(scheduler, &announced[1]));
    assert_false(announce(scheduler, &announced[2]));
    scheduler_unannounce(scheduler, &announced[0]);
    scheduler_unannounce(scheduler, &announced[1]);
    struct task running = held(2);
    struct shortage shortage;
    submit(scheduler, &running);
    assert_false(scheduler_has_place(scheduler, &announced[0], &shortage));
    assert_false(shortage.has_coming); /* nothing is on its way: the cores are busy */
    raise_flag(&running.gate);
    await(&running.finished);
    close_scheduler(scheduler);
}

static void one_principal_cant_announce_for_all_places(void **state) {
    (void)state;
    enum { LIMIT = 40 };
    struct scheduler *scheduler = open_scheduler(1, LIMIT, LANES_PLENTY);
    struct task running = held(1);
    struct announcement greedy[LIMIT];
    struct announcement other = of(2);
    submit(scheduler, &running);
    int count = 0;
    for (; count < LIMIT; count++) {
        greedy[count] = of(1);
        if (!announce(scheduler, &greedy[count])) {
            break;
        }
    }
    assert_in_range(count, LIMIT / 2, LIMIT - 1);
    assert_true(announce(scheduler, &other));
    scheduler_unannounce(scheduler, &other);
    for (int i = 0; i < count; i++) {
        scheduler_unannounce(scheduler, &greedy[i]);
    }
    raise_flag(&running.gate);
    await(&running.finished);
    close_scheduler(scheduler);
}

/* Four for each place that is left, and those for whom there are cores. */
static void a_principal_announces_four_times_what_is_left(void **state) {
    (void)state;
    enum { LIMIT = 40, OTHERS = 5 };
    for (unsigned free_cores = 0; free_cores <= 2; free_cores += 2) {
        struct scheduler *scheduler = open_scheduler(1 + free_cores, LIMIT, LANES_PLENTY);
        struct task running = held(1);
        struct announcement others[OTHERS];
        struct announcement greedy[LIMIT];
        unsigned count = 0;
        submit(scheduler, &running);
        for (unsigned i = 0; i < OTHERS; i++) {
            others[i] = of(10 + i);
            assert_true(announce(scheduler, &others[i]));
        }
        for (bool has_place = true; has_place && count < LIMIT; count += has_place) {
            greedy[count] = of(1);
            has_place = announce(scheduler, &greedy[count]);
        }
        assert_int_equal(count, free_cores == 0 ? 29 : 31);
        struct shortage shortage;
        assert_false(scheduler_has_place(scheduler, &greedy[count], &shortage));
        assert_true(shortage.has_coming && shortage.is_share);
        assert_int_equal(shortage.waiting, count);
        assert_int_equal(shortage.left, 6);
        for (unsigned i = 0; i < OTHERS; i++) {
            scheduler_unannounce(scheduler, &others[i]);
        }
        for (unsigned i = 0; i < count; i++) {
            scheduler_unannounce(scheduler, &greedy[i]);
        }
        raise_flag(&running.gate);
        await(&running.finished);
        close_scheduler(scheduler);
    }
}

/* Who has announced nothing may be refused as well, for what he has in the queue. */
static void what_others_announce_makes_shares_smaller(void **state) {
    (void)state;
    enum { LIMIT = 40, WAITING = 25, OTHERS = 9 };
    struct scheduler *scheduler = open_scheduler(1, LIMIT, LANES_PLENTY);
    struct task running = held(1);
    static struct task tasks[WAITING];
    struct announcement others[OTHERS];
    const struct announcement asking = of(1);
    struct shortage shortage;
    submit(scheduler, &running);
    for (unsigned i = 0; i < WAITING; i++) {
        tasks[i] = wide(1);
        tasks[i].work.principal = 1;
        submit(scheduler, &tasks[i]);
    }
    for (unsigned i = 0; i < OTHERS; i++) {
        assert_true(scheduler_has_place(scheduler, &asking, &shortage));
        others[i] = of(10 + i);
        assert_true(announce(scheduler, &others[i]));
    }
    assert_false(scheduler_has_place(scheduler, &asking, &shortage));
    assert_true(shortage.is_share && !shortage.has_coming);
    assert_int_equal(shortage.waiting, WAITING);
    assert_int_equal(shortage.left, LIMIT - WAITING - OTHERS);
    struct announcement come_all_the_same = of(1);
    scheduler_announce(scheduler, &come_all_the_same);
    assert_false(scheduler_has_place(scheduler, &asking, &shortage));
    assert_true(shortage.is_share && shortage.has_coming);
    assert_int_equal(shortage.waiting, WAITING + 1);
    scheduler_unannounce(scheduler, &come_all_the_same);
    for (unsigned i = 0; i < OTHERS; i++) {
        scheduler_unannounce(scheduler, &others[i]);
    }
    raise_flag(&running.gate);
    for (unsigned i = 0; i < WAITING; i++) {
        await(&tasks[i].finished);
    }
    await(&running.finished);
    close_scheduler(scheduler);
}

static void who_is_not_heard_of_counts_no_more(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(1, 1, LANES_PLENTY);
    struct announcement announced[4] = {of(0), of(0), of(0), of(0)};
    assert_true(announce(scheduler, &announced[0]));
    fake_clock_advance(SCHEDULER_ANNOUNCED_NS / 2);
    assert_true(announce(scheduler, &announced[1]));
    assert_false(announce(scheduler, &announced[2]));
    fake_clock_advance(SCHEDULER_ANNOUNCED_NS / 2); /* the first is too old now */
    assert_true(announce(scheduler, &announced[2]));
    assert_false(announce(scheduler, &announced[3]));
    scheduler_announce(scheduler, &announced[1]);
    fake_clock_advance(SCHEDULER_ANNOUNCED_NS - 1);
    assert_false(announce(scheduler, &announced[3]));
    fake_clock_advance(1);
    assert_true(announce(scheduler, &announced[3]));
    scheduler_announce(scheduler, &announced[0]); /* it is there after all */
    assert_false(announce(scheduler, &announced[1]));
    for (int i = 0; i < 4; i++) {
        scheduler_unannounce(scheduler, &announced[i]);
    }
    close_scheduler(scheduler);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_only_asks_does_not_count),
        cmocka_unit_test(announced_ones_fill_the_queue),
        cmocka_unit_test(waiting_and_running_ones_count_as_well),
        cmocka_unit_test(without_a_queue_free_cores_are_announced_for),
        cmocka_unit_test(one_principal_cant_announce_for_all_places),
        cmocka_unit_test(a_principal_announces_four_times_what_is_left),
        cmocka_unit_test(what_others_announce_makes_shares_smaller),
        cmocka_unit_test(who_is_not_heard_of_counts_no_more),
    };
    return cmocka_run_group_tests(tests, stop_the_clock, let_the_clock_go);
}

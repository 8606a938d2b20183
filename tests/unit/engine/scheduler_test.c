/* Which works run when: order, claims, classes, the queue's limits, further stages and cuts.
 *
 * ctest: threads */
#include "tests/unit/engine/scheduled_task.h"

#include "server/engine/work_queue.h"
#include "tests/unit/fake_clock.h"

enum { PASSES_OF_TWO = 2 * WORK_QUEUE_PASSES_PER_CORE };

static void works_of_one_width_start_in_order(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(1, MANY, LANES_PLENTY);
    struct task first = held(1);
    struct task others[20];
    submit(scheduler, &first);
    for (int i = 0; i < 20; i++) {
        others[i] = wide(1);
        submit(scheduler, &others[i]);
    }
    assert_state(scheduler, 20, 1, 1);
    raise_flag(&first.gate);
    await(&others[19].finished);
    assert_int_equal(begun_count, 21);
    for (int i = 0; i < 20; i++) {
        assert_ptr_equal(begun[i + 1], &others[i]);
    }
    assert_int_equal(cores_most, 1);
    close_scheduler(scheduler);
}

static void all_cores_are_granted_at_once_or_none(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(4, MANY, LANES_PLENTY);
    struct task pair = held(2);
    struct task single = held(1);
    struct task triple = held(3);
    submit(scheduler, &pair);
    submit(scheduler, &triple);
    assert_state(scheduler, 1, 1, 2);
    submit(scheduler, &single);
    assert_state(scheduler, 1, 2, 3);
    raise_flag(&pair.gate);
    await(&triple.started);
    assert_state(scheduler, 0, 2, 4);
    raise_flag(&single.gate);
    raise_flag(&triple.gate);
    await(&triple.finished);
    await(&single.finished);
    assert_int_equal(pair.crew.size, 2);
    assert_int_equal(single.crew.size, 1);
    assert_int_equal(triple.crew.size, 3);
    close_scheduler(scheduler);
}

/* Narrow works until one has to wait though a core is free: the wide one has claimed it. */
static struct task *pass_until_claimed(struct scheduler *scheduler, struct task singles[PASSES_OF_TWO + 1]) {
    for (int i = 0; i <= PASSES_OF_TWO; i++) {
        singles[i] = wide(1);
        submit(scheduler, &singles[i]);
        if (scheduler_state(scheduler).waiting == 2) {
            assert_state(scheduler, 2, 1, 1);
            return &singles[i];
        }
        await(&singles[i].finished);
    }
    fail();
    return NULL;
}

static void a_wide_work_is_passed_so_often_and_no_more(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(2, MANY, LANES_PLENTY);
    struct task first = held(1);
    struct task pair = held(2);
    struct task singles[PASSES_OF_TWO + 1];
    submit(scheduler, &first);
    submit(scheduler, &pair);
    struct task *late = pass_until_claimed(scheduler, singles);
    assert_false(look(&pair.started));
    raise_flag(&first.gate);
    await(&pair.started);
    assert_state(scheduler, 1, 1, 2);
    raise_flag(&pair.gate);
    await(&late->finished);
    assert_ptr_equal(begun[begun_count - 2], &pair);
    assert_ptr_equal(begun[begun_count - 1], late);
    await(&pair.finished);
    close_scheduler(scheduler);
}

static void withdrawing_what_held_up_the_queue_lets_it_go_on(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(2, MANY, LANES_PLENTY);
    struct task first = held(1);
    struct task pair = wide(2);
    struct task singles[PASSES_OF_TWO + 1];
    submit(scheduler, &first);
    submit(scheduler, &pair);
    struct task *late = pass_until_claimed(scheduler, singles);
    assert_true(scheduler_withdraw(scheduler, &pair.work));
    await(&late->finished);
    raise_flag(&first.gate);
    await(&first.finished);
    assert_int_equal(pair.runs, 0);
    assert_false(look(&pair.finished));
    close_scheduler(scheduler);
}

/* A stream whose every window is there as soon as the last one is done, and many of them. */
static void a_wide_work_starts_among_streams(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(2, MANY, LANES_PLENTY);
    struct task windows[6];
    struct task pair = wide(2);
    for (int i = 0; i < 6; i++) {
        windows[i] = wide(1);
        windows[i].work.class = WORK_STREAM;
        windows[i].work.principal = (uint64_t)i;
        windows[i].work.admitted = true;
        submit(scheduler, &windows[i]);
    }
    submit(scheduler, &pair);
    bool pair_done = false;
    for (unsigned i = 0; !pair_done; i++) {
        struct task *window = &windows[i % 6];
        await(&window->finished);
        window->finished = false;
        submit(scheduler, window);
        pair_done = look(&pair.finished);
    }
    assert_int_equal(pair.crew.size, 2);
    for (int i = 0; i < 6; i++) {
        await(&windows[i].finished);
    }
    close_scheduler(scheduler);
}

static void a_full_queue_refuses_at_once(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(1, 2, LANES_PLENTY);
    struct task tasks[4] = {held(1), wide(1), wide(1), wide(1)};
    submit(scheduler, &tasks[0]);
    submit(scheduler, &tasks[1]);
    assert_false(scheduler_is_full(scheduler, WORK_INTERACTIVE, 0, &(struct shortage){0}));
    submit(scheduler, &tasks[2]);
    assert_true(scheduler_is_full(scheduler, WORK_INTERACTIVE, 0, &(struct shortage){0}));
    assert_false(scheduler_submit(scheduler, &tasks[3].work, &(struct shortage){0}));
    assert_state(scheduler, 2, 1, 1);
    raise_flag(&tasks[0].gate);
    await(&tasks[2].finished);
    assert_int_equal(tasks[3].runs, 0);
    do_task(scheduler, &tasks[3]);
    close_scheduler(scheduler);
}

static void without_a_queue_only_free_cores_count(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(2, 0, LANES_PLENTY);
    struct task first = held(1);
    struct task pair = wide(2);
    struct task second = held(1);
    submit(scheduler, &first);
    assert_false(scheduler_is_full(scheduler, WORK_INTERACTIVE, 0, &(struct shortage){0}));
    assert_false(scheduler_submit(scheduler, &pair.work, &(struct shortage){0}));
    submit(scheduler, &second);
    assert_true(scheduler_is_full(scheduler, WORK_INTERACTIVE, 0, &(struct shortage){0}));
    raise_flag(&first.gate);
    raise_flag(&second.gate);
    await(&first.finished);
    await(&second.finished);
    do_task(scheduler, &pair);
    close_scheduler(scheduler);
}

static void a_withdrawn_work_is_never_heard_of_again(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(1, MANY, LANES_PLENTY);
    struct task tasks[5] = {held(1), wide(1), wide(1), wide(1), wide(1)};
    for (int i = 0; i < 5; i++) {
        submit(scheduler, &tasks[i]);
    }
    assert_true(scheduler_withdraw(scheduler, &tasks[1].work)); /* first, middle and last of the queue */
    assert_true(scheduler_withdraw(scheduler, &tasks[4].work));
    assert_false(scheduler_withdraw(scheduler, &tasks[4].work));
    assert_state(scheduler, 2, 1, 1);
    raise_flag(&tasks[0].gate);
    await(&tasks[3].finished);
    assert_int_equal(begun_count, 3);
    assert_ptr_equal(begun[1], &tasks[2]);
    assert_ptr_equal(begun[2], &tasks[3]);
    assert_false(look(&tasks[1].finished));
    assert_false(look(&tasks[4].finished));
    do_task(scheduler, &tasks[4]); /* but it may be submitted anew */
    close_scheduler(scheduler);
}

static void a_running_work_keeps_its_cores_until_it_returns(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(2, MANY, LANES_PLENTY);
    struct task running = held(2);
    struct task next = wide(1);
    submit(scheduler, &running);
    await(&running.started);
    submit(scheduler, &next);
    assert_false(scheduler_withdraw(scheduler, &running.work));
    assert_state(scheduler, 1, 1, 2);
    assert_false(look(&next.started));
    raise_flag(&running.gate);
    await(&next.finished);
    await(&running.finished);
    assert_false(scheduler_withdraw(scheduler, &running.work));
    assert_int_equal(running.runs, 1);
    close_scheduler(scheduler);
}

static void a_continued_work_keeps_its_place_and_is_never_refused(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(1, 1, LANES_PLENTY);
    struct task staged = held(1);
    struct task second = held(1);
    struct task third = wide(1);
    submit(scheduler, &staged);
    submit(scheduler, &second);
    raise_flag(&staged.gate);
    await(&staged.finished);
    await(&second.started);
    submit(scheduler, &third);
    assert_true(scheduler_is_full(scheduler, WORK_INTERACTIVE, 0, &(struct shortage){0}));
    staged.finished = false;
    staged.work.admitted = true;
    staged.work.keeps_place = true;
    submit(scheduler, &staged);
    assert_state(scheduler, 2, 1, 1);
    raise_flag(&second.gate);
    await(&staged.finished);
    await(&third.finished);
    assert_int_equal(begun_count, 4);
    assert_ptr_equal(begun[2], &staged);
    assert_ptr_equal(begun[3], &third);
    close_scheduler(scheduler);
}

static void a_streams_window_takes_its_turn_anew(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(1, 8, LANES_PLENTY);
    struct task running = held(1);
    struct task first = wide(1);
    struct task window = wide(1);
    window.work.admitted = true;
    submit(scheduler, &running);
    submit(scheduler, &first);
    submit(scheduler, &window);
    raise_flag(&running.gate);
    await(&window.finished);
    await(&first.finished);
    assert_ptr_equal(begun[1], &first);
    assert_ptr_equal(begun[2], &window);
    close_scheduler(scheduler);
}

static void a_work_of_two_stages_changes_its_team_and_is_done_once(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(2, 8, LANES_PLENTY);
    struct task staged = wide(1);
    staged.next_threads = 2;
    do_task(scheduler, &staged);
    assert_int_equal(staged.runs, 2);
    assert_int_equal(staged.crew.size, 2);
    assert_int_equal(cores_most, 2);
    close_scheduler(scheduler);
}

static void a_second_stage_keeps_its_place_and_can_be_withdrawn(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(2, 8, LANES_PLENTY);
    struct task other = held(1);
    struct task staged = wide(1);
    struct task later = wide(2);
    staged.next_threads = 2;
    submit(scheduler, &other);
    submit(scheduler, &staged); /* its second stage has to wait for the other's core */
    submit(scheduler, &later);
    while (scheduler_state(scheduler).waiting < 2) {
        usleep(100);
    }
    assert_true(scheduler_withdraw(scheduler, &staged.work));
    assert_int_equal(staged.runs, 1);
    assert_false(look(&staged.finished));
    staged.work.admitted = true;
    staged.work.keeps_place = true;
    submit(scheduler, &staged);
    raise_flag(&other.gate);
    await(&staged.finished);
    await(&later.finished);
    assert_ptr_equal(begun[2], &staged);
    assert_ptr_equal(begun[3], &later);
    close_scheduler(scheduler);
}

static void a_second_stage_starts_before_what_waits(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(1, 8, LANES_PLENTY);
    struct task staged = held(1);
    struct task later = wide(1);
    staged.next_threads = 1;
    submit(scheduler, &staged);
    submit(scheduler, &later);
    raise_flag(&staged.gate);
    await(&later.finished);
    await(&staged.finished);
    assert_int_equal(begun_count, 3);
    assert_ptr_equal(begun[1], &staged);
    assert_ptr_equal(begun[2], &later);
    close_scheduler(scheduler);
}

/* The cut comes between the stage's end and its going back into the queue, where it would wait for the other's core. */
static void a_cut_during_a_stage_is_not_lost(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(2, 8, LANES_PLENTY);
    struct task other = held(1);
    struct task staged = held(1);
    staged.next_threads = 2;
    submit(scheduler, &other);
    submit(scheduler, &staged);
    await(&staged.started);
    assert_false(scheduler_withdraw(scheduler, &staged.work));
    raise_flag(&staged.gate);
    await(&staged.finished); /* though the other goes on */
    assert_int_equal(staged.runs, 1);
    assert_state(scheduler, 0, 1, 1);
    staged.finished = false;
    staged.work.threads = 1; /* submitted anew it has forgotten the cut */
    staged.next_threads = 1;
    submit(scheduler, &staged);
    await(&staged.finished);
    assert_int_equal(staged.runs, 3);
    raise_flag(&other.gate);
    await(&other.finished);
    close_scheduler(scheduler);
}

static void a_full_queue_of_one_principal_has_a_place_for_another(void **state) {
    (void)state;
    enum { LIMIT = 10 };
    struct scheduler *scheduler = open_scheduler(1, LIMIT, LANES_PLENTY);
    struct task running = held(1);
    struct task greedy[LIMIT];
    struct task other = wide(1);
    unsigned held_by_one = 0;
    submit(scheduler, &running);
    for (; held_by_one < LIMIT; held_by_one++) {
        greedy[held_by_one] = wide(1);
        if (!scheduler_submit(scheduler, &greedy[held_by_one].work, &(struct shortage){0})) {
            break;
        }
    }
    assert_in_range(held_by_one, LIMIT / 2, LIMIT - 1);
    assert_true(scheduler_is_full(scheduler, WORK_INTERACTIVE, 0, &(struct shortage){0}));
    assert_false(scheduler_is_full(scheduler, WORK_INTERACTIVE, 1, &(struct shortage){0}));
    other.work.principal = 1;
    submit(scheduler, &other);
    raise_flag(&running.gate);
    await(&greedy[held_by_one - 1].finished);
    await(&other.finished);
    assert_true(begun[1] == &other || begun[2] == &other); /* and it is next, or after one where both share a bucket */
    close_scheduler(scheduler);
}

static void a_principal_waits_four_times_for_each_place_left(void **state) {
    (void)state;
    enum { LIMIT = 40, OTHERS = 5, MOST = 29 };
    struct scheduler *scheduler = open_scheduler(1, LIMIT, LANES_PLENTY);
    struct task running = held(1);
    static struct task tasks[OTHERS + MOST];
    struct shortage shortage;
    submit(scheduler, &running);
    for (unsigned i = 0; i < OTHERS + MOST; i++) {
        tasks[i] = wide(1);
        tasks[i].work.principal = i < OTHERS ? 10 + i : 1;
        assert_false(scheduler_is_full(scheduler, WORK_INTERACTIVE, tasks[i].work.principal, &shortage));
        submit(scheduler, &tasks[i]);
    }
    assert_true(scheduler_is_full(scheduler, WORK_INTERACTIVE, 1, &shortage));
    assert_true(shortage.is_share && shortage.waiting == MOST && shortage.left == 6);
    assert_false(scheduler_is_full(scheduler, WORK_INTERACTIVE, 10, &shortage));
    raise_flag(&running.gate);
    for (unsigned i = 0; i < OTHERS + MOST; i++) {
        await(&tasks[i].finished);
    }
    close_scheduler(scheduler);
}

static void an_operator_sees_what_waits_and_for_how_long(void **state) {
    (void)state;
    fake_clock_install(NS_PER_S);
    struct scheduler *scheduler = open_scheduler(1, MANY, 1);
    struct task running = held(1);
    struct task waiting[WORK_CLASSES + 1];
    struct scheduler_report report;
    submit(scheduler, &running);
    for (unsigned i = 0; i <= WORK_CLASSES; i++) {
        waiting[i] = wide(1);
        waiting[i].work.class = (enum work_class)(i % WORK_CLASSES);
        submit(scheduler, &waiting[i]);
        fake_clock_advance(10);
    }
    memset(&report, 0xff, sizeof report);
    scheduler_report(scheduler, &report);
    assert_int_equal(report.state.waiting, WORK_CLASSES + 1);
    assert_int_equal(report.state.running, 1);
    assert_int_equal(report.lanes, 1);
    for (unsigned class = 0; class < WORK_CLASSES; class ++) {
        assert_int_equal(report.waiting[class], class == WORK_INTERACTIVE ? 2 : 1);
        assert_int_equal(report.oldest_ns[class], 40 - 10 * class);
    }
    raise_flag(&running.gate);
    for (unsigned i = 0; i <= WORK_CLASSES; i++) {
        await(&waiting[i].finished);
    }
    scheduler_report(scheduler, &report);
    for (unsigned class = 0; class < WORK_CLASSES; class ++) {
        assert_int_equal(report.waiting[class], 0);
        assert_int_equal(report.oldest_ns[class], 0);
    }
    close_scheduler(scheduler);
    fake_clock_remove();
}

static void *open_gate(void *task) {
    usleep(20000);
    raise_flag(&((struct task *)task)->gate);
    return NULL;
}

static void the_end_waits_for_what_runs(void **state) {
    (void)state;
    for (unsigned stages = 1; stages <= 2; stages++) {
        struct scheduler *scheduler = open_scheduler(1, MANY, LANES_PLENTY);
        struct task running = held(1);
        pthread_t opener;
        running.next_threads = stages - 1;
        submit(scheduler, &running);
        assert_int_equal(pthread_create(&opener, NULL, open_gate, &running), 0);
        scheduler_free(scheduler);
        assert_true(look(&running.finished));
        assert_int_equal(running.runs, stages);
        pthread_join(opener, NULL);
    }
}

static void the_end_waits_for_what_waits(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(1, MANY, LANES_PLENTY);
    struct task running = held(1);
    struct task waiting = wide(1);
    pthread_t opener;
    submit(scheduler, &running);
    submit(scheduler, &waiting);
    assert_int_equal(pthread_create(&opener, NULL, open_gate, &running), 0);
    scheduler_free(scheduler);
    assert_true(look(&running.finished));
    assert_true(look(&waiting.finished));
    pthread_join(opener, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_of_one_width_start_in_order),
        cmocka_unit_test(all_cores_are_granted_at_once_or_none),
        cmocka_unit_test(a_wide_work_is_passed_so_often_and_no_more),
        cmocka_unit_test(withdrawing_what_held_up_the_queue_lets_it_go_on),
        cmocka_unit_test(a_wide_work_starts_among_streams),
        cmocka_unit_test(a_full_queue_refuses_at_once),
        cmocka_unit_test(without_a_queue_only_free_cores_count),
        cmocka_unit_test(a_withdrawn_work_is_never_heard_of_again),
        cmocka_unit_test(a_running_work_keeps_its_cores_until_it_returns),
        cmocka_unit_test(a_continued_work_keeps_its_place_and_is_never_refused),
        cmocka_unit_test(a_streams_window_takes_its_turn_anew),
        cmocka_unit_test(a_work_of_two_stages_changes_its_team_and_is_done_once),
        cmocka_unit_test(a_second_stage_keeps_its_place_and_can_be_withdrawn),
        cmocka_unit_test(a_second_stage_starts_before_what_waits),
        cmocka_unit_test(a_cut_during_a_stage_is_not_lost),
        cmocka_unit_test(a_full_queue_of_one_principal_has_a_place_for_another),
        cmocka_unit_test(a_principal_waits_four_times_for_each_place_left),
        cmocka_unit_test(an_operator_sees_what_waits_and_for_how_long),
        cmocka_unit_test(the_end_waits_for_what_runs),
        cmocka_unit_test(the_end_waits_for_what_waits),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("scheduler", tests, NULL, NULL);
}

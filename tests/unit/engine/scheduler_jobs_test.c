/* Jobs beside what clients wait for: the cores that are left to either.
 *
 * ctest: threads */
#include "tests/unit/engine/scheduled_task.h"

static void jobs_leave_cores_to_others_that_wait(void **state) {
    (void)state;
    struct scheduler *scheduler = scheduler_new(4, MANY, LANES_PLENTY, 2);
    assert_non_null(scheduler);
    struct task all = held(4);
    struct task jobs[3] = {held(4), held(1), held(1)};
    struct task others[4];
    begun_count = 0;
    submit(scheduler, &all);
    for (int i = 0; i < 3; i++) {
        jobs[i].work.class = WORK_JOB;
        submit(scheduler, &jobs[i]);
    }
    for (int i = 0; i < 4; i++) {
        others[i] = held(1);
        submit(scheduler, &others[i]);
    }
    raise_flag(&all.gate);
    await(&jobs[0].started);
    await(&others[0].started);
    await(&others[1].started);
    assert_state(scheduler, 4, 3, 4);
    assert_int_equal(jobs[0].work.narrowing, WORK_BESIDE_JOBS);
    for (int i = 0; i < 4; i++) {
        raise_flag(&others[i].gate);
    }
    for (int i = 0; i < 3; i++) {
        raise_flag(&jobs[i].gate);
    }
    for (int i = 0; i < 3; i++) {
        await(&jobs[i].finished);
    }
    for (int i = 0; i < 4; i++) {
        await(&others[i].finished);
    }
    assert_int_equal(jobs[0].crew.size, 2);
    await(&all.finished);
    close_scheduler(scheduler);
}

/* However many cores are free: what a job has of theirs is another one's no more. */
static void jobs_together_have_no_more_than_their_cores(void **state) {
    (void)state;
    struct scheduler *scheduler = scheduler_new(4, MANY, LANES_PLENTY, 2);
    assert_non_null(scheduler);
    struct task jobs[3] = {held(1), held(2), held(1)};
    begun_count = 0;
    for (int i = 0; i < 3; i++) {
        jobs[i].work.class = WORK_JOB;
        jobs[i].work.principal = 1 + (unsigned)i;
    }
    submit(scheduler, &jobs[0]);
    await(&jobs[0].started);
    submit(scheduler, &jobs[1]);
    assert_state(scheduler, 1, 1, 1);
    submit(scheduler, &jobs[2]);
    await(&jobs[2].started);
    assert_state(scheduler, 1, 2, 2);
    for (int i = 0; i < 3; i++) {
        raise_flag(&jobs[i].gate);
    }
    for (int i = 0; i < 3; i++) {
        await(&jobs[i].finished);
    }
    close_scheduler(scheduler);
}

static void jobs_take_no_place_in_the_queue(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(1, 1, LANES_PLENTY);
    struct task running = held(1), jobs[5], other = wide(1), late = wide(1);
    const struct announcement announcement = {.class = WORK_INTERACTIVE, .principal = 1};
    submit(scheduler, &running);
    for (int i = 0; i < 5; i++) { /* whoever runs them bounds their number */
        jobs[i] = wide(1);
        jobs[i].work.class = WORK_JOB;
        jobs[i].work.admitted = true;
        submit(scheduler, &jobs[i]);
    }
    assert_state(scheduler, 5, 1, 1);
    assert_false(scheduler_is_full(scheduler, WORK_INTERACTIVE, 1, &(struct shortage){0}));
    assert_true(scheduler_has_place(scheduler, &announcement, &(struct shortage){0}));
    submit(scheduler, &other);
    assert_false(scheduler_submit(scheduler, &late.work, &(struct shortage){0}));
    assert_false(scheduler_has_place(scheduler, &announcement, &(struct shortage){0}));
    raise_flag(&running.gate);
    await(&other.finished);
    for (int i = 0; i < 5; i++) {
        await(&jobs[i].finished);
    }
    close_scheduler(scheduler);
}

static void jobs_leave_cores_to_others_that_come(void **state) {
    (void)state;
    struct scheduler *scheduler = scheduler_new(4, MANY, LANES_PLENTY, 3);
    assert_non_null(scheduler);
    struct task jobs[5];
    struct task other = held(1);
    for (int i = 0; i < 5; i++) {
        jobs[i] = held(1);
        jobs[i].work.class = WORK_JOB;
        submit(scheduler, &jobs[i]);
    }
    for (int i = 0; i < 3; i++) {
        await(&jobs[i].started);
    }
    assert_state(scheduler, 2, 3, 3);
    submit(scheduler, &other);
    await(&other.started);
    assert_state(scheduler, 2, 4, 4);
    raise_flag(&other.gate);
    await(&other.finished);
    for (int i = 0; i < 5; i++) {
        raise_flag(&jobs[i].gate);
    }
    for (int i = 0; i < 5; i++) {
        await(&jobs[i].finished);
    }
    close_scheduler(scheduler);
}

static void others_start_beside_a_job_with_what_it_leaves(void **state) {
    (void)state;
    struct scheduler *scheduler = open_scheduler(3, MANY, LANES_PLENTY);
    struct task job = held(1);
    struct task triple = wide(3);
    job.work.class = WORK_JOB;
    submit(scheduler, &job);
    do_task(scheduler, &triple);
    assert_int_equal(triple.crew.size, 2);
    assert_int_equal(triple.work.narrowing, WORK_BESIDE_JOBS);
    raise_flag(&job.gate);
    await(&job.finished);
    struct task after = wide(3);
    do_task(scheduler, &after);
    assert_int_equal(after.crew.size, 3);
    close_scheduler(scheduler);
}

/* A job may last for hours. */
static void where_jobs_have_all_cores_others_share_one(void **state) {
    (void)state;
    for (unsigned budget = 1; budget <= 2; budget++) {
        struct scheduler *scheduler = open_scheduler(budget, MANY, LANES_PLENTY);
        struct task job = held(budget), next_job = held(1), first = held(budget), second = held(1);
        job.work.class = next_job.work.class = WORK_JOB;
        second.work.class = WORK_STREAM;
        submit(scheduler, &job);
        submit(scheduler, &first);
        await(&first.started);
        assert_state(scheduler, 0, 2, budget);
        assert_int_equal(first.work.narrowing, budget > 1 ? WORK_BESIDE_JOBS : WORK_AS_ASKED);
        submit(scheduler, &next_job);
        submit(scheduler, &second);
        assert_state(scheduler, 2, 2, budget); /* one core, one work of theirs */
        raise_flag(&first.gate);
        await(&second.started);
        assert_state(scheduler, 1, 2, budget);
        assert_false(look(&job.finished));
        raise_flag(&job.gate);
        await(&job.finished);
        raise_flag(&second.gate);
        await(&next_job.started);
        raise_flag(&next_job.gate);
        await(&next_job.finished);
        await(&second.finished);
        assert_int_equal(first.crew.size, 1);
        close_scheduler(scheduler);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_leave_cores_to_others_that_wait),
        cmocka_unit_test(jobs_together_have_no_more_than_their_cores),
        cmocka_unit_test(jobs_take_no_place_in_the_queue),
        cmocka_unit_test(jobs_leave_cores_to_others_that_come),
        cmocka_unit_test(others_start_beside_a_job_with_what_it_leaves),
        cmocka_unit_test(where_jobs_have_all_cores_others_share_one),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("scheduler jobs", tests, NULL, NULL);
}

/* Runs that end before their time, wherever they stand: cut, and then reported with the reason; or abandoned, and then
 * freed, now or when a lane gives them back. close_scene sees that nothing is left of either.
 *
 * ctest: threads */
#include "tests/unit/engine/run_case.h"

static const struct demand on_a_lane = {.threads = 1, .cost_ns = NS_PER_S};
static const struct demand on_a_team = {.threads = 2, .cost_ns = NS_PER_S};

/* The next run's plan is another. */
static void await_idle_lanes(void) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (scheduler_state(scene.host.scheduler).running > 0) {
        nanosleep(&pause, NULL);
    }
}

static void assert_cut(struct run *run, enum problem_kind why) {
    assert_refused(run, why);
    assert_false(run->is_working);
    assert_int_equal(scene.mailbox.awaited, 0);
    run_free(run);
}

/* --- cut --------------------------------------------------------------------------------------------------------- */

static void cut_before_it_starts(void **state) {
    (void)state;
    start_scheduler();
    static const struct {
        enum problem_kind why;
        const char *detail;
    } cases[] = {{PROBLEM_DEADLINE_EXCEEDED, "the result was not ready within 60000 ms"},
                 {PROBLEM_CLIENT_GONE, "the work was stopped"},
                 {PROBLEM_REQUEST_TIMEOUT, "the request did not arrive in time"},
                 {PROBLEM_SHUTTING_DOWN, "the work was stopped"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run *run = open_short_run();
        assert_int_equal(run_cut(run, cases[i].why), RUN_DONE);
        assert_int_equal(run_cut(run, PROBLEM_INTERNAL), RUN_DONE); /* the first reason stays */
        assert_string_equal(run->answer.problem->detail, cases[i].detail);
        assert_cut(run, cases[i].why);
    }
    assert_int_equal(seen.count[AT_DECODE], 0);
}

static void cut_when_it_is_done_it_stays_done(void **state) {
    (void)state;
    start_scheduler();
    struct run *run = open_short_run();
    finish(run, &all_here);
    char *before = read_body(&run->answer, 64);
    assert_int_equal(run_cut(run, PROBLEM_DEADLINE_EXCEEDED), RUN_DONE);
    assert_result(run, before);
    free(before);
    run_free(run);
}

static void cut_in_the_queue(void **state) {
    (void)state;
    start_scheduler();
    hold_cores(CORES);
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    assert_int_equal(run_cut(run, PROBLEM_DEADLINE_EXCEEDED), RUN_DONE);
    assert_int_equal(scheduler_state(scene.host.scheduler).waiting, 0);
    let_cores_go(CORES);
    assert_int_equal(seen.count[AT_DECODE], 0);
    assert_cut(run, PROBLEM_DEADLINE_EXCEEDED);
}

/* Cut while the step waits at its gate, which opens for the cut alone. */
static void cut_in(enum step step, const struct demand *demand, const struct run_policy *policy) {
    memset(&seen, 0, sizeof seen);
    memset(plan.is_stopped, 0, sizeof plan.is_stopped);
    plan.demand = *demand;
    plan.is_stopped[step] = true;
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, policy), RUN_WORKS);
    await_step(step);
    assert_int_equal(run_cut(run, PROBLEM_DEADLINE_EXCEEDED), RUN_WORKS);
    assert_int_equal(run_cut(run, PROBLEM_CLIENT_GONE), RUN_WORKS);
    assert_ptr_equal(take_reported(), run);
    assert_int_equal(run_resume(run), RUN_DONE);
    for (int later = (int)step + 1; later < STEPS; later++) {
        assert_int_equal(seen.count[later], 0);
    }
    assert_cut(run, PROBLEM_DEADLINE_EXCEEDED);
}

static void cut_in_any_step(void **state) {
    (void)state;
    start_scheduler();
    static const enum step steps[] = {AT_DECODE, AT_LOAD, AT_COMPUTE, AT_ENCODE};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        cut_in(steps[i], &on_a_lane, &nothing_here);
        cut_in(steps[i], &on_a_team, &nothing_here);
        if (steps[i] != AT_DECODE) {
            cut_in(steps[i], &on_a_team, &decoding_here);
        }
    }
}

/* Between two stages: decoded, it waits for its team. */
static void cut_while_it_waits_for_its_team(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = on_a_team;
    hold_cores(1);
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    await_step(AT_DECODE);
    await_waiting(1);
    assert_int_equal(run_cut(run, PROBLEM_DEADLINE_EXCEEDED), RUN_DONE);
    assert_int_equal(scheduler_state(scene.host.scheduler).waiting, 0);
    let_cores_go(1);
    assert_int_equal(seen.count[AT_COMPUTE], 0);
    assert_cut(run, PROBLEM_DEADLINE_EXCEEDED);
}

/* At the stage's very end, when the kernel doesn't look any more: the next stage must not begin. */
static void cut_at_a_stages_end(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = on_a_team;
    plan.is_stopped[AT_DECODE] = true;
    plan.ignores_cancel = true;
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    await_step(AT_DECODE);
    assert_int_equal(run_cut(run, PROBLEM_CLIENT_GONE), RUN_WORKS);
    open_gate(AT_DECODE);
    assert_ptr_equal(take_reported(), run);
    assert_int_equal(run_resume(run), RUN_DONE);
    assert_int_equal(seen.count[AT_COMPUTE], 0);
    assert_cut(run, PROBLEM_CLIENT_GONE);
}

/* Between its report after decoding and the next stage. */
static void cut_while_it_lies_in_the_mailbox(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = on_a_team;
    plan.demand.timeout_ns = NS_PER_S;
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    await(&scene.is_posted);
    assert_int_equal(run_cut(run, PROBLEM_DEADLINE_EXCEEDED), RUN_WORKS);
    assert_ptr_equal(take_reported(), run);
    assert_int_equal(run_resume(run), RUN_DONE);
    assert_int_equal(seen.count[AT_COMPUTE], 0);
    assert_body_has(run, "within 1000 ms");
    assert_cut(run, PROBLEM_DEADLINE_EXCEEDED);
}

static struct run *begin_folding(void) {
    plan.demand = on_a_team;
    plan.reply_bytes = 4 << 20;
    plan.is_stopped[AT_ENCODE] = true;
    plan.ignores_cancel = true;
    struct run *run = open_short_run();
    run->order.reply_coding = CONTENT_GZIP;
    assert_int_equal(run_start(run, &decoding_here), RUN_WORKS);
    await_step(AT_ENCODE);
    return run;
}

/* Two works that wait take both cores when the team gives them back: the compressing waits, and is cut there. */
static void cut_while_it_waits_to_be_compressed(void **state) {
    (void)state;
    start_scheduler();
    struct run *run = begin_folding();
    for (unsigned i = 0; i < CORES; i++) {
        holders[i] = (struct holder){.work = {.threads = 1, .principal = 2, .run = hold, .done = holder_done}};
        assert_true(scheduler_submit(scene.host.scheduler, &holders[i].work, &(struct shortage){0}));
    }
    open_gate(AT_ENCODE);
    /* Which two of the three have the cores is the scheduler's to say: the cut may find it waiting, or at work. */
    const struct timespec pause = {.tv_nsec = 200000};
    while (scheduler_state(scene.host.scheduler).waiting > 1) {
        nanosleep(&pause, NULL);
    }
    enum run_state cut = run_cut(run, PROBLEM_DEADLINE_EXCEEDED);
    if (cut == RUN_WORKS) {
        assert_ptr_equal(take_reported(), run);
        cut = run_resume(run);
    }
    assert_int_equal(cut, RUN_DONE);
    for (unsigned i = 0; i < CORES; i++) {
        raise_flag(&holders[i].gate);
        await(&holders[i].is_done);
    }
    assert_cut(run, PROBLEM_DEADLINE_EXCEEDED);
}

static void cut_while_it_folds(void **state) {
    (void)state;
    start_scheduler();
    for (int i = 0; i < 10; i++) {
        memset(&seen, 0, sizeof seen);
        struct run *run = begin_folding();
        open_gate(AT_ENCODE);
        enum run_state cut = run_cut(run, PROBLEM_DEADLINE_EXCEEDED);
        if (cut == RUN_WORKS) {
            assert_ptr_equal(take_reported(), run);
            cut = run_resume(run);
        }
        assert_int_equal(cut, RUN_DONE);
        assert_cut(run, PROBLEM_DEADLINE_EXCEEDED);
    }
}

/* --- streams ----------------------------------------------------------------------------------------------------- */

static char window_bytes[2 * STREAM_WINDOW_BYTES + 1];

enum stream_stand { STREAM_RECEIVES, STREAM_WAITS, STREAM_WORKS, STREAM_IS_FULL, STREAM_HAS_ENDED, STREAM_STANDS };

static struct run *bring_stream_to(enum stream_stand stand) {
    memset(&seen, 0, sizeof seen);
    plan.demand = on_a_lane;
    plan.is_stopped[AT_WINDOW] = true;
    memset(window_bytes, 'a', sizeof window_bytes);
    if (stand == STREAM_WAITS) {
        hold_cores(CORES);
    }
    struct run *run = open_run(&stream_endpoint);
    size_t taken, length = stand == STREAM_RECEIVES  ? 1000
                           : stand == STREAM_IS_FULL ? sizeof window_bytes
                                                     : STREAM_WINDOW_BYTES + 1;
    assert_int_equal(run_feed(run, window_bytes, length, &taken), stand == STREAM_IS_FULL ? RUN_IS_FULL : RUN_FED);
    if (stand == STREAM_WORKS || stand == STREAM_IS_FULL || stand == STREAM_HAS_ENDED) {
        await_step(AT_WINDOW);
    }
    if (stand == STREAM_HAS_ENDED) {
        assert_int_equal(run_start(run, &all_here), RUN_WORKS);
    }
    return run;
}

static void streams_are_cut_wherever_they_stand(void **state) {
    (void)state;
    start_scheduler();
    for (int stand = 0; stand < STREAM_STANDS; stand++) {
        struct run *run = bring_stream_to((enum stream_stand)stand);
        bool is_with_lane = stand != STREAM_RECEIVES && stand != STREAM_WAITS;
        enum run_state cut = run_cut(run, PROBLEM_DEADLINE_EXCEEDED);
        assert_int_equal(cut, is_with_lane ? RUN_WORKS : RUN_DONE);
        if (is_with_lane) {
            assert_ptr_equal(take_reported(), run);
            assert_int_equal(run_resume(run), RUN_DONE);
        }
        if (stand == STREAM_WAITS) {
            let_cores_go(CORES);
        }
        assert_cut(run, PROBLEM_DEADLINE_EXCEEDED);
    }
}

/* --- abandoned --------------------------------------------------------------------------------------------------- */

static void abandoned_before_it_starts(void **state) {
    (void)state;
    start_scheduler();
    run_abandon(open_short_run());
    struct run *run = make_run(&whole_endpoint);
    run->order.is_declared = true;
    run->order.declared_bytes = 3 << 20;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    feed(run, "abc", 3);
    run_abandon(run);
    run = open_short_run();
    finish(run, &all_here);
    run_abandon(run);
    assert_int_equal(atomic_load(&scene.memory.used_bytes), 0);
}

static void abandoned_in_the_queue(void **state) {
    (void)state;
    start_scheduler();
    hold_cores(CORES);
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    run_abandon(run);
    assert_int_equal(scene.mailbox.awaited, 0);
    assert_int_equal(atomic_load(&scene.memory.used_bytes), 0);
    let_cores_go(CORES);
    assert_int_equal(seen.count[AT_DECODE], 0);
}

/* Who is told to stop may have done so before it is known to be abandoned, and lies in the mailbox. */
static void take_abandoned(void) {
    while (scene.mailbox.awaited > 0) {
        assert_null(take_reported());
    }
    pthread_mutex_lock(&lock);
    scene.is_posted = false;
    pthread_mutex_unlock(&lock);
}

static void abandoned_while_it_runs(void **state) {
    (void)state;
    start_scheduler();
    static const enum step steps[] = {AT_DECODE, AT_COMPUTE, AT_ENCODE};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        memset(&seen, 0, sizeof seen);
        memset(plan.is_stopped, 0, sizeof plan.is_stopped);
        plan.demand = on_a_team;
        plan.is_stopped[steps[i]] = true;
        struct run *run = open_short_run();
        assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
        await_step(steps[i]);
        run_abandon(run); /* which tells it to stop: the gate stays closed */
        take_abandoned();
        await_idle_lanes();
    }
}

/* The scheduler's end waits for it, and its memory is given back by then. */
static void abandoned_runs_are_waited_for_at_the_end(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = on_a_lane;
    plan.is_stopped[AT_COMPUTE] = true;
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    await_step(AT_COMPUTE);
    run_abandon(run);
    scheduler_free(scene.host.scheduler);
    scene.host.scheduler = NULL;
    assert_int_equal(atomic_load(&cancelled_steps), 1);
    assert_int_equal(atomic_load(&scene.memory.used_bytes), 0);
    assert_null(mailbox_take(&scene.mailbox));
}

static void abandoned_in_the_mailbox(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = on_a_lane;
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    await(&scene.is_posted);
    run_abandon(run);
    assert_int_equal(scene.mailbox.awaited, 1); /* its owner still has something to take out */
    assert_null(take_reported());
    assert_int_equal(scene.mailbox.awaited, 0);
    assert_int_equal(atomic_load(&scene.memory.used_bytes), 0);
}

/* Whichever comes first, the report or the owner's leaving: somebody frees it, once. */
static void abandoned_at_any_moment(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = on_a_lane;
    for (int i = 0; i < 300; i++) {
        struct run *run = open_short_run();
        assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
        for (volatile int spin = 0; spin < i * 200; spin = spin + 1) {
        }
        run_abandon(run);
        take_abandoned();
    }
}

static void streams_are_abandoned_wherever_they_stand(void **state) {
    (void)state;
    start_scheduler();
    for (int stand = 0; stand < STREAM_STANDS; stand++) {
        run_abandon(bring_stream_to((enum stream_stand)stand));
        if (stand == STREAM_WAITS) {
            let_cores_go(CORES);
        }
        take_abandoned();
        await_idle_lanes();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cut_before_it_starts, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(cut_when_it_is_done_it_stays_done, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(cut_in_the_queue, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(cut_in_any_step, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(cut_while_it_waits_for_its_team, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(cut_at_a_stages_end, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(cut_while_it_lies_in_the_mailbox, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(cut_while_it_waits_to_be_compressed, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(cut_while_it_folds, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(streams_are_cut_wherever_they_stand, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(abandoned_before_it_starts, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(abandoned_in_the_queue, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(abandoned_while_it_runs, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(abandoned_runs_are_waited_for_at_the_end, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(abandoned_in_the_mailbox, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(abandoned_at_any_moment, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(streams_are_abandoned_wherever_they_stand, open_scene, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("run_cut", tests, NULL, NULL);
}

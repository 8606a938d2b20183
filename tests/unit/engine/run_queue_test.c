/* Runs and the queue: a full one refuses at once, bodies on their way count, each principal has its share.
 *
 * ctest: threads */
#include "tests/unit/engine/run_case.h"

static void a_full_queue_refuses_at_once(void **state) {
    (void)state;
    scene.facts.config.queue_length = 1;
    start_scheduler();
    hold_cores(CORES);
    struct run *waiting = open_short_run();
    assert_int_equal(run_announce(waiting), PROBLEM_NONE);
    assert_int_equal(run_start(waiting, &nothing_here), RUN_WORKS);
    assert_true(waiting->is_working);
    struct run *refused = open_short_run();
    assert_int_equal(run_start(refused, &nothing_here), RUN_DONE);
    assert_refused(refused, PROBLEM_OVERLOADED);
    assert_body_has(refused, "1 request is waiting already, which is the limit (--queue)");
    assert_false(refused->is_working);
    struct run *asking = open_short_run();
    assert_int_equal(run_announce(asking), PROBLEM_OVERLOADED);
    assert_int_equal(scene.mailbox.awaited, 1);
    let_cores_go(CORES);
    assert_int_equal(settle(waiting), RUN_DONE);
    assert_result(waiting, "\"sum\":294");
    run_free(asking);
    run_free(refused);
    run_free(waiting);
}

/* Bodies on their way count from their first bytes on, until their runs are started, have an answer or are given up. */
static void bodies_on_their_way_fill_the_queue(void **state) {
    (void)state;
    scene.facts.config.queue_length = 1;
    start_scheduler();
    hold_cores(CORES);
    struct run *runs[4];
    for (int i = 0; i < 4; i++) {
        runs[i] = open_run(&whole_endpoint);
    }
    assert_int_equal(run_announce(runs[0]), PROBLEM_NONE);
    assert_int_equal(run_announce(runs[2]), PROBLEM_NONE);
    feed(runs[0], "abc", 3);
    assert_int_equal(run_announce(runs[1]), PROBLEM_OVERLOADED);
    assert_int_equal(run_cut(runs[0], PROBLEM_REQUEST_TIMEOUT), RUN_DONE);
    feed(runs[2], "abc", 3);
    assert_int_equal(run_announce(runs[3]), PROBLEM_OVERLOADED);
    runs[3]->call.problem = (struct problem){0};
    run_abandon(runs[2]);
    assert_int_equal(run_announce(runs[3]), PROBLEM_NONE);
    feed(runs[3], "abc", 3);
    assert_int_equal(run_start(runs[3], &nothing_here), RUN_WORKS);
    let_cores_go(CORES);
    assert_int_equal(settle(runs[3]), RUN_DONE);
    run_free(runs[0]);
    run_free(runs[1]);
    run_free(runs[3]);
}

/* For some time after its first bytes, and again after each mebibyte. */
static void a_body_counts_as_long_as_it_comes_briskly(void **state) {
    (void)state;
    enum { MEBIBYTE = 1 << 20 };
    char *body = calloc(1, MEBIBYTE);
    assert_non_null(body);
    fake_clock_install(77 * NS_PER_S);
    scene.facts.config.queue_length = 1;
    start_scheduler();
    hold_cores(CORES);
    struct run *coming = open_run(&whole_endpoint);
    struct run *asking = open_run(&whole_endpoint);
    assert_int_equal(run_announce(coming), PROBLEM_NONE);
    feed(coming, body, 1);
    assert_int_equal(run_announce(asking), PROBLEM_OVERLOADED);
    fake_clock_advance(SCHEDULER_ANNOUNCED_NS);
    feed(coming, body, MEBIBYTE - 2);
    assert_int_equal(run_announce(asking), PROBLEM_NONE);
    feed(coming, body, 1);
    assert_int_equal(run_announce(asking), PROBLEM_OVERLOADED);
    run_abandon(coming);
    run_abandon(asking);
    let_cores_go(CORES);
    free(body);
}

/* Who asks much is refused before the others are. */
static void a_full_share_refuses_its_principal_alone(void **state) {
    (void)state;
    enum { QUEUE = SCHEDULER_PLACES_PER_FREE + 2, SHARE = QUEUE - 1 };
    struct run *waiting[SHARE], *refused, *others;
    scene.facts.config.queue_length = QUEUE;
    start_scheduler();
    hold_cores(CORES);
    for (int i = 0; i < SHARE; i++) {
        waiting[i] = open_short_run();
        assert_int_equal(run_start(waiting[i], &nothing_here), RUN_WORKS);
    }
    refused = open_short_run();
    assert_int_equal(run_start(refused, &nothing_here), RUN_DONE);
    assert_refused(refused, PROBLEM_OVERLOADED);
    assert_body_has(refused, "5 requests of your address are waiting already");
    others = open_short_run();
    others->order.principal = 3;
    assert_int_equal(run_start(others, &nothing_here), RUN_WORKS);
    run_abandon(others);
    for (int i = 0; i < SHARE; i++) {
        run_abandon(waiting[i]);
    }
    let_cores_go(CORES);
    run_free(refused);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_queue_refuses_at_once, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(bodies_on_their_way_fill_the_queue, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_body_counts_as_long_as_it_comes_briskly, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_full_share_refuses_its_principal_alone, open_scene, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("run_queue", tests, NULL, NULL);
}

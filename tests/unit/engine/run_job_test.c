/* Runs of class WORK_JOB: what is different for them. Bodies that are lent.
 *
 * ctest: threads */
#include "tests/unit/engine/run_bodies.h"

static struct run *make_job(const struct endpoint *endpoint) {
    struct run *run = make_run(endpoint);
    run->order.class = WORK_JOB;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    return run;
}

static struct run *open_short_job(void) {
    struct run *run = make_job(&whole_endpoint);
    feed(run, "abc", 3);
    return run;
}

static void a_full_queue_refuses_no_job(void **state) {
    (void)state;
    scene.facts.config.queue_length = 0;
    start_scheduler();
    hold_cores(CORES);
    struct run *run = open_short_job();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    assert_int_equal(scheduler_state(scene.host.scheduler).waiting, 1);
    let_cores_go(CORES);
    assert_int_equal(settle(run), RUN_DONE);
    assert_result(run, "\"sum\":294,");
    run_free(run);
    hold_cores(CORES); /* nor a text's windows */
    run = make_job(&stream_endpoint);
    feed(run, "abc", 3);
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    assert_int_equal(run->work.class, WORK_JOB);
    let_cores_go(CORES);
    assert_int_equal(settle(run), RUN_DONE);
    assert_result(run, "\"sum\":294,");
    run_free(run);
}

static void the_servers_deadline_is_none_for_jobs(void **state) {
    (void)state;
    fake_clock_install(NS_PER_S);
    start_scheduler();
    plan_times();
    plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S};
    scene.facts.config.timeout_ns = 1;
    struct run *run = open_short_job();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    assert_true(run->deadline_ns == UINT64_MAX && run->limit_ns == UINT64_MAX);
    assert_int_equal(settle(run), RUN_DONE);
    assert_result(run, "\"sum\":294,");
    run_free(run);
}

/* What is decoded late isn't late: the time that stands in it begins with its computing. */
static void a_jobs_own_limit_begins_with_its_computing(void **state) {
    (void)state;
    fake_clock_install(NS_PER_S);
    start_scheduler();
    plan_times();
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S, .timeout_ns = 5 * MS};
    plan.clock_ns[AT_DECODE] = 1000 * MS;
    struct run *run = open_short_job();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    assert_int_equal(run->limit_ns, UINT64_MAX); /* not known yet */
    assert_ptr_equal(take_reported(), run);
    assert_int_equal(atomic_load(&run->live.begun_ns), 0);
    assert_int_equal(run_resume(run), RUN_WORKS);
    assert_int_equal(run->deadline_ns, UINT64_MAX);
    assert_int_equal(run->limit_ns, 5 * MS);
    assert_int_equal(settle(run), RUN_DONE);
    assert_result(run, "\"sum\":294,");
    assert_int_equal(atomic_load(&run->live.begun_ns), NS_PER_S + 1000 * MS);
    assert_int_equal(atomic_load(&run->live.computing_ns), NS_PER_S + 1020 * MS); /* loading takes 20 */
    assert_int_equal(atomic_load(&run->live.granted), 1);
    run_free(run);
}

static atomic_uint released;

static void note_release(struct payload_owner *owner) {
    (void)owner;
    atomic_fetch_add(&released, 1);
}

static void a_lent_body_is_not_copied(void **state) {
    (void)state;
    start_scheduler();
    static struct payload_owner owner = {.release = note_release};
    static char bytes[] = "abc";
    const char *seen_at = NULL;
    for (int ending = 0; ending < 3; ending++) { /* done, not started, refused */
        struct payload body = {.bytes = bytes, .length = 3, .capacity = 3, .owner = &owner};
        atomic_store(&owner.references, 1);
        atomic_store(&released, 0);
        scene.facts.config.max_body_bytes = ending == 2 ? 2 : 3;
        struct run *run = make_job(&whole_endpoint);
        assert_int_equal(run_lend(run, &body), ending == 2 ? RUN_REFUSES : RUN_FED);
        payload_drop(&body);
        if (ending == 0) {
            seen_at = run->call.body.bytes;
            finish(run, &nothing_here);
            assert_result(run, "\"sum\":294,");
            assert_ptr_equal(seen_at, bytes);
        } else if (ending == 2) {
            assert_refused(run, PROBLEM_BODY_TOO_LARGE);
        }
        assert_int_equal(atomic_load(&released), ending == 2);
        run_free(run);
        assert_int_equal(atomic_load(&released), 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_queue_refuses_no_job, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(the_servers_deadline_is_none_for_jobs, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_jobs_own_limit_begins_with_its_computing, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_lent_body_is_not_copied, open_scene, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("run_job", tests, NULL, NULL);
}

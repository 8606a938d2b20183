/* Who waits for a job is told, once.
 *
 * ctest: threads */
#include "tests/unit/jobs/runner_case.h"

enum { MANY = 10000 };

#define FOREVER UINT64_MAX

static void a_watch_is_told_of_each_change(void **state) {
    (void)state;
    struct watcher watcher;
    plan.is_stopped[AT_COMPUTE] = true;
    hold_cores(CORES);
    submit("job");
    watch(&watcher, "job", JOB_RUNNING, FOREVER); /* knows it wrong: is told at once */
    start_runner();
    await_news(&watcher, JOB_ACCEPTED);
    watch(&watcher, "job", JOB_ACCEPTED, FOREVER);
    await_news(&watcher, JOB_RUNNING);
    watch(&watcher, "job", JOB_RUNNING, FOREVER);
    let_cores_go(CORES);
    await_step(AT_COMPUTE);
    await_runner();
    assert_int_equal(watcher.told, 0);
    open_gate(AT_COMPUTE);
    await_news(&watcher, JOB_SUCCESSFUL);
    watch(&watcher, "job", JOB_SUCCESSFUL, FOREVER); /* nothing comes after that */
    await_news(&watcher, JOB_SUCCESSFUL);
}

static void an_end_is_told_with_the_result(void **state) {
    (void)state;
    struct watcher watchers[2];
    plan.is_stopped[AT_COMPUTE] = true;
    start_runner();
    submit("job");
    await_step(AT_COMPUTE);
    watch(&watchers[0], "job", JOB_RUNNING, FOREVER);
    watch(&watchers[1], "job", JOB_RUNNING, FOREVER);
    await_runner();
    unsigned lookups = atomic_load(&before.asked[JOURNAL_LOOKUP]);
    open_gate(AT_COMPUTE);
    for (size_t i = 0; i < 2; i++) {
        await_news(&watchers[i], JOB_SUCCESSFUL);
        assert_true(watchers[i].result_bytes > 0);
    }
    assert_int_equal(atomic_load(&before.asked[JOURNAL_LOOKUP]), lookups);
    struct journal_request found = ask((struct journal_request){.verb = JOURNAL_LOOKUP, .id = text("job")});
    assert_int_equal(watchers[0].result_bytes, found.jobs->result.content.bytes.length);
    jobs_free(found.jobs);
    watch(&watchers[0], "job", JOB_RUNNING, FOREVER); /* too late: it is looked up, for its status alone */
    await_news(&watchers[0], JOB_SUCCESSFUL);
    assert_int_equal(watchers[0].result_bytes, 0);
}

/* Claimed by its submission, and begun. */
static void submit_and_take(const char *id, bool is_awaited) {
    struct attempt *place = await_offer();
    struct job job = plain_job(id, "/whole", "abc", 3);
    struct journal_request done = ask(
        (struct journal_request){.verb = JOURNAL_SUBMIT, .submit = {.job = &job, .lease_ms = runner_lease_ms(runner)}});
    assert_int_equal(done.jobs->status, JOB_RUNNING);
    runner_take(place, done.jobs, "abc", 3, is_awaited);
}

/* A submission says that it waits before its watch can be there. */
static void whoever_waits_from_the_start_is_told_the_result(void **state) {
    (void)state;
    start_runner();
    for (int is_awaited = 0; is_awaited < 2; is_awaited++) {
        const char *id = is_awaited ? "awaited" : "alone";
        atomic_store(&before.holds[JOURNAL_FINISH], true);
        submit_and_take(id, is_awaited);
        struct journal_request *finish = await_held();
        assert_int_equal(finish->finish.wants_job, is_awaited);
        atomic_store(&before.holds[JOURNAL_FINISH], false);
        journal_ask(before.inner, finish);
        assert_success(id, 1, "\"sum\":294,");
    }
}

static char worker[16]; /* the name of the thread that computed */

static void note_worker(struct call *call) {
    (void)call;
    assert_int_equal(pthread_getname_np(pthread_self(), worker, sizeof worker), 0);
}

/* Nothing wakes a lane for it. */
static void little_that_is_awaited_is_done_on_the_runners_thread(void **state) {
    (void)state;
    static const struct {
        const char *id;
        bool is_awaited;
        uint64_t cost_ns;
        bool is_here;
    } cases[] = {{"little", true, 49999, true}, {"more", true, 50000, false}, {"alone", false, 1000, false}};
    start_runner();
    plan.during_compute = note_worker;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plan.demand.cost_ns = cases[i].cost_ns;
        submit_and_take(cases[i].id, cases[i].is_awaited);
        assert_success(cases[i].id, 1, "\"sum\":294,");
        assert_int_equal(strcmp(worker, "jobs") == 0, cases[i].is_here);
    }
}

/* Claimed as soon as it may be: the status before is seen by chance only, but none is missed. */
static void no_change_is_missed(void **state) {
    (void)state;
    char id[32];
    start_runner();
    for (int i = 0; i < 300; i++) {
        struct watcher watcher;
        (void)snprintf(id, sizeof id, "job-%d", i);
        submit(id);
        enum job_status known = JOB_ACCEPTED;
        do {
            watch(&watcher, id, known, FOREVER);
            await_told(&watcher, RUNNER_CHANGED);
            assert_true(watcher.watch.status > known);
            known = watcher.watch.status;
        } while (known < JOB_SUCCESSFUL);
        assert_int_equal(known, JOB_SUCCESSFUL);
    }
}

static void failures_dismissals_and_releases_are_told(void **state) {
    (void)state;
    struct watcher watcher;
    start_runner();
    plan.fails[AT_DECODE] = PROBLEM_WRONG_TYPE;
    submit("fails");
    await_status("fails", JOB_FAILED);
    watch(&watcher, "fails", JOB_RUNNING, FOREVER);
    await_news(&watcher, JOB_FAILED);
    plan.fails[AT_DECODE] = PROBLEM_NONE;
    plan.is_stopped[AT_COMPUTE] = true;
    submit("dismissed");
    await_step(AT_COMPUTE);
    watch(&watcher, "dismissed", JOB_RUNNING, FOREVER);
    dismiss("dismissed");
    runner_note(runner, text("dismissed"), JOB_DISMISSED);
    await_news(&watcher, JOB_DISMISSED);
    runner_cancel(runner, text("dismissed"));
    watch(&watcher, "dismissed", JOB_RUNNING, FOREVER);
    await_news(&watcher, JOB_DISMISSED);
    seen.begun[AT_COMPUTE] = false;
    submit("released");
    await_status("released", JOB_RUNNING);
    await_step(AT_COMPUTE);
    watch(&watcher, "released", JOB_RUNNING, FOREVER);
    atomic_store(&before.holds[JOURNAL_CLAIM], true);
    runner_cancel(runner, text("released"));
    await_news(&watcher, JOB_ACCEPTED);
    let_go(JOURNAL_CLAIM);
}

/* Somebody else has dismissed it and told nobody: the runner finds out when it wants to finish. */
static void what_others_did_is_looked_up(void **state) {
    (void)state;
    struct watcher watcher;
    plan.is_stopped[AT_COMPUTE] = true;
    start_runner();
    submit("job");
    await_step(AT_COMPUTE);
    watch(&watcher, "job", JOB_RUNNING, FOREVER);
    await_runner();
    dismiss("job");
    open_gate(AT_COMPUTE);
    await_news(&watcher, JOB_DISMISSED);
}

static void a_watch_ends_with_its_time(void **state) {
    (void)state;
    struct watcher watchers[3];
    submit("job");
    runner_drain(runner); /* it stays as it is */
    start_runner();
    watch(&watchers[0], "job", JOB_ACCEPTED, clock_now_ns() + 50 * MS);
    watch(&watchers[1], "job", JOB_ACCEPTED, clock_now_ns() + 10 * MS);
    watch(&watchers[2], "job", JOB_ACCEPTED, 0);
    await_told(&watchers[2], RUNNER_OVER);
    await_told(&watchers[1], RUNNER_OVER);
    await_told(&watchers[0], RUNNER_OVER);
}

static void a_watch_ends_when_its_owner_leaves(void **state) {
    (void)state;
    struct watcher watcher;
    submit("job");
    runner_drain(runner);
    start_runner();
    watch(&watcher, "job", JOB_ACCEPTED, FOREVER);
    await_runner();
    runner_unwatch(&watcher.watch);
    await_told(&watcher, RUNNER_ENDED);
    watch(&watcher, "job", JOB_ACCEPTED, FOREVER); /* at once */
    runner_unwatch(&watcher.watch);
    runner_unwatch(&watcher.watch);
    await_told(&watcher, RUNNER_ENDED);
    watch(&watcher, "job", JOB_RUNNING, FOREVER); /* too late */
    await_news(&watcher, JOB_ACCEPTED);
    runner_unwatch(&watcher.watch);
    await_runner();
    assert_int_equal(watcher.told, 1);
}

/* While the journal has its lookup, and there is news, and its owner leaves. */
static void a_watch_is_told_once_whatever_meets(void **state) {
    (void)state;
    struct watcher watcher;
    submit("job");
    runner_drain(runner);
    start_runner();
    for (int order = 0; order < 2; order++) {
        atomic_store(&before.holds[JOURNAL_LOOKUP], true);
        watch(&watcher, "job", JOB_ACCEPTED, FOREVER);
        struct journal_request *lookup = await_held();
        atomic_store(&before.holds[JOURNAL_LOOKUP], false);
        if (order == 0) {
            runner_note(runner, text("job"), JOB_RUNNING);
            await_runner();
        }
        runner_unwatch(&watcher.watch);
        await_runner();
        assert_int_equal(watcher.told, 0);
        journal_ask(before.inner, lookup);
        await_told(&watcher, order == 0 ? RUNNER_CHANGED : RUNNER_ENDED);
    }
}

static void what_cant_be_told_is_said(void **state) {
    (void)state;
    struct watcher watcher;
    start_runner();
    watch(&watcher, "nobody", JOB_ACCEPTED, FOREVER);
    await_told(&watcher, RUNNER_MISSING);
    before.outcome = JOURNAL_UNAVAILABLE;
    atomic_store(&before.failing[JOURNAL_LOOKUP], 1);
    watch(&watcher, "nobody", JOB_ACCEPTED, FOREVER);
    await_told(&watcher, RUNNER_UNKNOWN);
}

static void stopping_tells_all(void **state) {
    (void)state;
    struct watcher watchers[2];
    submit("job");
    runner_drain(runner);
    start_runner();
    for (int i = 0; i < 2; i++) {
        watch(&watchers[i], "job", JOB_ACCEPTED, FOREVER);
    }
    await_runner();
    runner_stop(runner, 0);
    await_told(&watchers[0], RUNNER_ENDED);
    await_told(&watchers[1], RUNNER_ENDED);
}

/* Those that are there, and those that come; the runner goes on. */
static void watches_end_before_the_runner(void **state) {
    (void)state;
    struct watcher watchers[2];
    submit("job");
    runner_drain(runner);
    start_runner();
    watch(&watchers[0], "job", JOB_ACCEPTED, FOREVER);
    await_runner();
    runner_end_watches(runner);
    await_told(&watchers[0], RUNNER_ENDED);
    watch(&watchers[1], "job", JOB_ACCEPTED, FOREVER);
    await_told(&watchers[1], RUNNER_ENDED);
}

/* Also those whose lookup the journal doesn't answer in time. */
static void stopping_tells_all_in_the_end(void **state) {
    (void)state;
    struct watcher watcher;
    submit("job");
    runner_drain(runner);
    start_runner();
    atomic_store(&before.holds[JOURNAL_LOOKUP], true);
    watch(&watcher, "job", JOB_ACCEPTED, FOREVER);
    struct journal_request *lookup = await_held();
    runner_stop(runner, 0);
    assert_int_equal(watcher.told, 0);
    journal_ask(before.inner, lookup);
    close_jobs(0);
    await_told(&watcher, RUNNER_ENDED);
}

/* Half of them watch one job, the others one each. */
static void ten_thousand_watches(void **state) {
    (void)state;
    struct watcher *watchers = calloc(MANY, sizeof *watchers);
    char(*ids)[32] = calloc(MANY, sizeof *ids);
    assert_true(watchers && ids);
    plan.demand.cost_ns = 1000;
    runner_drain(runner);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(ids[i], sizeof *ids, "job-%d", i % 2 == 0 ? 0 : i);
        if (i == 0 || i % 2 == 1) {
            submit(ids[i]);
        }
    }
    start_runner();
    for (int i = 0; i < MANY; i++) {
        watch(&watchers[i], ids[i], JOB_ACCEPTED, i % 10 == 3 ? clock_now_ns() : FOREVER);
    }
    await_runner();
    for (int i = 0; i < MANY; i++) {
        if (i % 10 == 3) {
            await_told(&watchers[i], RUNNER_OVER);
        } else if (i % 10 == 5) {
            runner_unwatch(&watchers[i].watch);
            await_told(&watchers[i], RUNNER_ENDED);
        } else {
            assert_int_equal(watchers[i].told, 0);
        }
    }
    for (int i = 0; i < MANY; i++) {
        runner_note(runner, text(ids[i]), JOB_RUNNING);
    }
    for (int i = 0; i < MANY; i++) {
        if (i % 10 != 3 && i % 10 != 5) {
            await_news(&watchers[i], JOB_RUNNING);
        }
    }
    await_runner();
    close_jobs(0);
    free(watchers);
    free(ids);
}

#define IN_BOTH(test)                                                                                                  \
    {#test " (memory)", test, open_in_memory, close_case, NULL}, {                                                     \
        #test " (disk)", test, open_on_disk, close_case, NULL                                                          \
    }
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, open_in_memory, close_case)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOTH(a_watch_is_told_of_each_change),
        IN_BOTH(an_end_is_told_with_the_result),
        IN_BOTH(whoever_waits_from_the_start_is_told_the_result),
        IN_MEMORY(little_that_is_awaited_is_done_on_the_runners_thread),
        IN_BOTH(no_change_is_missed),
        IN_BOTH(failures_dismissals_and_releases_are_told),
        IN_BOTH(what_others_did_is_looked_up),
        IN_BOTH(a_watch_ends_with_its_time),
        IN_BOTH(a_watch_ends_when_its_owner_leaves),
        IN_BOTH(a_watch_is_told_once_whatever_meets),
        IN_MEMORY(what_cant_be_told_is_said),
        IN_BOTH(watches_end_before_the_runner),
        IN_BOTH(stopping_tells_all),
        IN_MEMORY(stopping_tells_all_in_the_end),
        IN_MEMORY(ten_thousand_watches),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

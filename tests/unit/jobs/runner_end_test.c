/* Jobs that don't simply go through: cancelled, their lease lost, the journal full or out of order, the server stopped
 * and started again.
 *
 * ctest: threads */
#include "tests/unit/jobs/runner_case.h"

/* --- cancelled --------------------------------------------------------------------------------------------------- */

static void cancel(const char *id) {
    dismiss(id);
    runner_cancel(runner, text(id));
    runner_note(runner, text(id), JOB_DISMISSED);
}

/* The steps wait at their gates, which open for the cancel alone. */
static void cancelled_in_any_step_it_stops(void **state) {
    (void)state;
    static const enum step steps[] = {AT_DECODE, AT_LOAD, AT_COMPUTE, AT_ENCODE};
    char id[32];
    start_runner();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        memset(&seen, 0, sizeof seen);
        memset(plan.is_stopped, 0, sizeof plan.is_stopped);
        plan.is_stopped[steps[i]] = true;
        (void)snprintf(id, sizeof id, "job-%zu", i);
        submit(id);
        await_step(steps[i]);
        cancel(id);
        await_gone(id);
        assert_int_equal(status_of(id), JOB_DISMISSED);
        assert_int_equal(atomic_load(&cancelled_steps), i + 1);
    }
}

static void a_cancelled_text_stops(void **state) {
    (void)state;
    start_runner();
    plan.is_stopped[AT_WINDOW] = true;
    char *body = make_body(LONG_BYTES);
    struct job job = plain_job("text", "/stream", body, LONG_BYTES);
    submit_job(&job);
    await_step(AT_WINDOW);
    cancel("text");
    await_gone("text");
    assert_int_equal(seen.count[AT_WINDOW], 1);
    free(body);
}

static void cancelled_while_it_waits_for_cores(void **state) {
    (void)state;
    start_runner();
    hold_cores(CORES);
    submit("waits");
    await_waiting(1);
    cancel("waits");
    await_gone("waits");
    assert_int_equal(scheduler_state(scene.host.scheduler).waiting, 0);
    let_cores_go(CORES);
    assert_int_equal(seen.count[AT_DECODE], 0);
}

/* Dismissed after it was claimed, before the runner has heard of that. */
static void cancelled_while_it_is_being_claimed(void **state) {
    (void)state;
    plan.is_stopped[AT_COMPUTE] = true;
    atomic_store(&before.holds[JOURNAL_CLAIM], true);
    start_runner();
    struct journal_request *claiming = await_held();
    submit("early");
    struct journal_request done = ask((struct journal_request){.verb = JOURNAL_CLAIM, .claim = claiming->claim});
    assert_non_null(done.jobs);
    cancel("early");
    await_runner();
    atomic_store(&before.holds[JOURNAL_CLAIM], false);
    claiming->outcome = JOURNAL_DONE;
    claiming->jobs = done.jobs;
    claiming->done(claiming);
    await_runner();
    await_gone("early");
    assert_int_equal(status_of("early"), JOB_DISMISSED);
}

/* Dismissed after its submission has claimed it, before that has brought it here. */
static void cancelled_while_it_is_being_taken(void **state) {
    (void)state;
    start_runner();
    plan.is_stopped[AT_COMPUTE] = true;
    for (int drains = 0; drains < 2; drains++) {
        struct attempt *place = await_offer();
        struct job job = plain_job(drains ? "later" : "early", "/whole", "abc", 3);
        struct journal_request done = ask((struct journal_request){
            .verb = JOURNAL_SUBMIT, .submit = {.job = &job, .lease_ms = runner_lease_ms(runner)}});
        assert_int_equal(done.jobs->status, JOB_RUNNING);
        if (drains) {
            runner_drain(runner); /* given back */
        } else {
            cancel("early");
            await_runner();
        }
        runner_take(place, done.jobs, "abc", 3, false);
    }
    await_status("later", JOB_ACCEPTED);
    await_gone("early");
    assert_int_equal(status_of("early"), JOB_DISMISSED);
}

static void cancelled_while_it_is_being_finished(void **state) {
    (void)state;
    atomic_store(&before.holds[JOURNAL_FINISH], true);
    start_runner();
    submit("late");
    struct journal_request *finishing = await_held();
    cancel("late");
    await_runner();
    atomic_store(&before.holds[JOURNAL_FINISH], false);
    journal_ask(before.inner, finishing);
    await_gone("late");
    assert_int_equal(status_of("late"), JOB_DISMISSED);
}

static void what_is_done_or_never_was_here_cant_be_cancelled(void **state) {
    (void)state;
    start_runner();
    submit("done");
    assert_success("done", 1, "\"sum\":294,");
    cancel("done");
    runner_cancel(runner, text("nobody"));
    await_runner();
    assert_success("done", 1, "\"sum\":294,");
}

/* Nobody has dismissed it: then it is run again. */
static void cancelled_without_reason_it_runs_again(void **state) {
    (void)state;
    start_runner();
    plan.is_stopped[AT_COMPUTE] = true;
    submit("job");
    await_step(AT_COMPUTE);
    runner_cancel(runner, text("job"));
    while (atomic_load(&cancelled_steps) == 0) {
        sched_yield();
    }
    open_gate(AT_COMPUTE);
    assert_success("job", 2, "\"sum\":294,");
}

/* --- leases ------------------------------------------------------------------------------------------------------ */

static int open_with_short_leases(void **state) {
    int result = open_in_memory(state);
    runner_free(runner);
    journal_close(before.inner);
    runner_settings.lease_ms = 15;
    open_jobs();
    return result;
}

static void a_lost_lease_stops_the_run(void **state) {
    (void)state;
    plan.is_stopped[AT_COMPUTE] = true;
    start_runner();
    submit("job");
    await_step(AT_COMPUTE);
    while (atomic_load(&before.asked[JOURNAL_RENEW]) < 3) {
        sched_yield(); /* it is renewed again and again … */
    }
    assert_true(runs_here("job"));
    atomic_store(&before.loses_leases, true); /* … until somebody else has it */
    await_gone("job");
    assert_int_equal(atomic_load(&cancelled_steps), 1);
    assert_int_equal(atomic_load(&before.asked[JOURNAL_FINISH]), 0);
    assert_int_equal(atomic_load(&before.asked[JOURNAL_RELEASE]), 0);
}

static void renewals_that_fail_are_made_again(void **state) {
    (void)state;
    plan.is_stopped[AT_COMPUTE] = true;
    before.outcome = JOURNAL_UNAVAILABLE;
    atomic_store(&before.failing[JOURNAL_RENEW], 2);
    start_runner();
    submit("job");
    while (atomic_load(&before.asked[JOURNAL_RENEW]) < 4) {
        sched_yield();
    }
    open_gate(AT_COMPUTE);
    assert_success("job", 1, "\"sum\":294,");
}

/* It ends while the journal still has its renewal. */
static void a_renewal_may_come_back_late(void **state) {
    (void)state;
    plan.is_stopped[AT_COMPUTE] = true;
    atomic_store(&before.holds[JOURNAL_RENEW], true);
    start_runner();
    submit("job");
    struct journal_request *renewal = await_held();
    open_gate(AT_COMPUTE);
    assert_success("job", 1, "\"sum\":294,");
    await_gone("job");
    atomic_store(&before.holds[JOURNAL_RENEW], false);
    journal_ask(before.inner, renewal);
    submit("next");
    assert_success("next", 1, "\"sum\":294,");
}

/* --- the journal refuses ----------------------------------------------------------------------------------------- */

static void what_the_journal_refuses_is_brought_again(void **state) {
    (void)state;
    static const enum journal_verb verbs[] = {JOURNAL_CLAIM, JOURNAL_FINISH, JOURNAL_TIDY};
    static const enum journal_outcome outcomes[] = {JOURNAL_FULL, JOURNAL_UNAVAILABLE};
    char id[32];
    unsigned count = 0;
    start_runner();
    for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++) {
        for (size_t o = 0; o < 2; o++) {
            plan.reply_bytes = o * 20000; /* a row, or a file */
            before.outcome = outcomes[o];
            atomic_store(&before.failing[verbs[v]], 2);
            (void)snprintf(id, sizeof id, "job-%u", count++);
            submit(id);
            assert_success(id, 1, "\"sum\":294,");
            atomic_store(&before.failing[verbs[v]], 0);
        }
    }
    assert_int_equal(seen.count[AT_COMPUTE], count); /* none was computed twice */
}

/* What is released and refused is released again. */
static void a_release_is_brought_again(void **state) {
    (void)state;
    plan.is_stopped[AT_COMPUTE] = true;
    before.outcome = JOURNAL_FULL;
    atomic_store(&before.failing[JOURNAL_RELEASE], 2);
    start_runner();
    submit("job");
    await_step(AT_COMPUTE);
    runner_stop(runner, 0);
    assert_int_equal(status_of("job"), JOB_ACCEPTED);
}

/* --- idle ----------------------------------------------------------------------------------------------------------
 */

/* How often the runner's threads have gone to sleep until now. */
static unsigned long count_sleeps(void) {
    char path[PATH_MAX], line[256], name[32];
    unsigned long sleeps = 0, count = 0;
    DIR *threads = opendir("/proc/self/task");
    assert_non_null(threads);
    for (const struct dirent *entry; (entry = readdir(threads));) {
        (void)snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *file = fopen(path, "re");
        bool is_ours = false;
        while (file && fgets(line, sizeof line, file)) {
            if (sscanf(line, "Name:\t%31s", name) == 1) {
                is_ours = strcmp(name, "jobs") == 0 || strcmp(name, "disk") == 0;
            } else if (is_ours && sscanf(line, "voluntary_ctxt_switches: %lu", &count) == 1) {
                sleeps += count;
            }
        }
        if (file) {
            (void)fclose(file);
        }
    }
    (void)closedir(threads);
    return sleeps;
}

/* After jobs and watches no timer is left. */
static void idle_it_sleeps(void **state) {
    (void)state;
    const struct timespec moment = {.tv_nsec = 50000000}, while_idle = {.tv_nsec = 300000000};
    struct watcher watcher;
    start_runner();
    submit("job");
    assert_success("job", 1, "\"sum\":294,");
    watch(&watcher, "job", JOB_RUNNING, clock_now_ns() + NS_PER_S);
    await_told(&watcher, RUNNER_CHANGED);
    await_gone("job");
    unsigned long sleeps;
    do { /* until what was on its way has come */
        sleeps = count_sleeps();
        nanosleep(&moment, NULL);
    } while (count_sleeps() != sleeps);
    nanosleep(&while_idle, NULL);
    assert_true(sleeps > 0);
    assert_int_equal(count_sleeps(), sleeps);
}

/* --- stopping ---------------------------------------------------------------------------------------------------- */

static void what_was_cut_runs_again_after_a_restart(void **state) {
    (void)state;
    plan.is_stopped[AT_COMPUTE] = true;
    start_runner();
    submit("runs");
    await_step(AT_COMPUTE);
    for (int i = 0; i < 20; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "waits-%d", i);
        submit(id);
    }
    close_jobs(0);
    memset(&seen, 0, sizeof seen);
    plan.is_stopped[AT_COMPUTE] = false;
    open_jobs();
    assert_int_equal(status_of("runs"), JOB_ACCEPTED);
    start_runner();
    assert_success("runs", 2, "\"sum\":294,");
    for (int i = 0; i < 20; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "waits-%d", i);
        struct job *job = await_end(id);
        assert_int_equal(job->status, JOB_SUCCESSFUL);
        assert_true(job->attempts <= 2 && job->crashes == 0);
        jobs_free(job);
    }
    assert_int_equal(seen.count[AT_COMPUTE], 21);
}

/* It ended without a word: its jobs have crashed, and run again. */
static void what_a_crash_has_left_runs_again(void **state) {
    (void)state;
    submit("left");
    struct journal_request done =
        ask((struct journal_request){.verb = JOURNAL_CLAIM, .claim = {.limit = 1, .lease_ms = LEASE_MS}});
    assert_non_null(done.jobs);
    jobs_free(done.jobs);
    close_jobs(0);
    open_jobs();
    start_runner();
    struct job *job = await_end("left");
    assert_int_equal(job->status, JOB_SUCCESSFUL);
    assert_true(job->attempts == 2 && job->crashes == 1);
    jobs_free(job);
}

static void *open_the_gate(void *argument) {
    const struct timespec moment = {.tv_nsec = 20000000};
    nanosleep(&moment, NULL);
    open_gate(AT_COMPUTE);
    return argument;
}

static void what_runs_may_be_done_within_the_drain(void **state) {
    (void)state;
    pthread_t opener;
    plan.is_stopped[AT_COMPUTE] = true;
    start_runner();
    submit("job");
    await_step(AT_COMPUTE);
    assert_int_equal(pthread_create(&opener, NULL, open_the_gate, NULL), 0);
    runner_stop(runner, UINT64_MAX);
    pthread_join(opener, NULL);
    assert_int_equal(status_of("job"), JOB_SUCCESSFUL);
}

static void a_drained_runner_claims_nothing(void **state) {
    (void)state;
    start_runner();
    await_runner();
    runner_drain(runner);
    submit("job");
    await_runner();
    assert_int_equal(status_of("job"), JOB_ACCEPTED);
    runner_stop(runner, UINT64_MAX); /* nothing runs: at once */
    assert_int_equal(status_of("job"), JOB_ACCEPTED);
}

/* A kernel that doesn't look at the flag, and a journal that doesn't answer, aren't waited for. */
static void nothing_is_waited_for_for_ever(void **state) {
    (void)state;
    plan.is_stopped[AT_COMPUTE] = true;
    plan.ignores_cancel = true;
    start_runner();
    submit("deaf");
    await_step(AT_COMPUTE);
    runner_stop(runner, 0);
    open_gate(AT_COMPUTE);
    assert_int_equal(status_of("deaf"), JOB_RUNNING); /* until its lease is over */
}

static void a_journal_that_doesnt_answer_isnt_waited_for(void **state) {
    (void)state;
    atomic_store(&before.holds[JOURNAL_FINISH], true);
    start_runner();
    submit("job");
    struct journal_request *finishing = await_held();
    runner_stop(runner, 0);
    journal_ask(before.inner, finishing);
    assert_int_equal(status_of("job"), JOB_SUCCESSFUL);
}

#define IN_BOTH(test)                                                                                                  \
    {#test " (memory)", test, open_in_memory, close_case, NULL}, {                                                     \
        #test " (disk)", test, open_on_disk, close_case, NULL                                                          \
    }
#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, open_in_memory, close_case)
#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, open_on_disk, close_case)
#define WITH_SHORT_LEASES(test) cmocka_unit_test_setup_teardown(test, open_with_short_leases, close_case)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOTH(cancelled_in_any_step_it_stops),
        IN_BOTH(a_cancelled_text_stops),
        IN_MEMORY(cancelled_while_it_waits_for_cores),
        IN_MEMORY(cancelled_while_it_is_being_claimed),
        IN_BOTH(cancelled_while_it_is_being_taken),
        IN_BOTH(cancelled_while_it_is_being_finished),
        IN_BOTH(what_is_done_or_never_was_here_cant_be_cancelled),
        IN_BOTH(cancelled_without_reason_it_runs_again),
        WITH_SHORT_LEASES(a_lost_lease_stops_the_run),
        WITH_SHORT_LEASES(renewals_that_fail_are_made_again),
        WITH_SHORT_LEASES(a_renewal_may_come_back_late),
        IN_BOTH(what_the_journal_refuses_is_brought_again),
        IN_BOTH(a_release_is_brought_again),
        WITH_SHORT_LEASES(idle_it_sleeps),
        ON_DISK(what_was_cut_runs_again_after_a_restart),
        ON_DISK(what_a_crash_has_left_runs_again),
        IN_BOTH(what_runs_may_be_done_within_the_drain),
        IN_BOTH(a_drained_runner_claims_nothing),
        IN_MEMORY(nothing_is_waited_for_for_ever),
        IN_MEMORY(a_journal_that_doesnt_answer_isnt_waited_for),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

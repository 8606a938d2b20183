/* What is claimed ahead of its turn, and what isn't: beside long jobs, and beside one that has crashed; and how long
 * it is until a job that waits is over.
 *
 * ctest: threads */
#include "tests/unit/jobs/runner_case.h"

enum { TINY = 100, BEHIND = 4 };

static atomic_uint begun;
static atomic_bool goes_on;

/* It computes until the test lets it go. */
static void stop_the_first(struct call *call) {
    const struct timespec pause = {.tv_nsec = 200000};
    bool is_first = atomic_fetch_add(&begun, 1) == 0;
    while (is_first && !atomic_load(&goes_on) && !call_is_cancelled(call)) {
        nanosleep(&pause, NULL);
    }
}

static void will_stop_the_first(void) {
    atomic_store(&begun, 0);
    atomic_store(&goes_on, false);
    plan.during_compute = stop_the_first;
}

static void name(const char *kind, unsigned i, char out[32]) {
    (void)snprintf(out, 32, "%s-%u", kind, i);
}

static void submit_all(const char *kind, unsigned count) {
    char id[32];
    for (unsigned i = 0; i < count; i++) {
        name(kind, i, id);
        submit(id);
    }
}

static void assert_all_succeed(const char *kind, unsigned count, unsigned least_attempts, unsigned most_attempts) {
    char id[32];
    for (unsigned i = 0; i < count; i++) {
        name(kind, i, id);
        struct job *job = await_end(id);
        assert_int_equal(job->status, JOB_SUCCESSFUL);
        assert_in_range(job->attempts, least_attempts, most_attempts);
        assert_int_equal(job->crashes, 0);
        jobs_free(job);
    }
}

/* So that many are claimed ahead from now on. */
static void run_tiny_ones(void) {
    plan.demand.cost_ns = 1000;
    submit_all("tiny", TINY);
    assert_all_succeed("tiny", TINY, 1, 3); /* on a busy machine one of them may take long, too */
    plan.demand.cost_ns = NS_PER_S;
}

/* Claimed while it isn't known how long the others take, and not any more. */
static void await_given_back(const char *id) {
    const struct timespec pause = {.tv_nsec = 500000};
    for (bool is_given_back = false; !is_given_back;) {
        struct job *job = look_up(id);
        is_given_back = job->attempts > 0 && job->status == JOB_ACCEPTED;
        jobs_free(job);
        nanosleep(&pause, NULL);
    }
}

static void what_was_claimed_behind_long_ones_is_given_back(void **state) {
    (void)state;
    start_runner();
    run_tiny_ones();
    plan.is_stopped[AT_COMPUTE] = true;
    submit_all("long", CORES);
    submit_all("behind", BEHIND);
    char id[32];
    for (unsigned i = 0; i < BEHIND; i++) {
        name("behind", i, id);
        await_given_back(id);
    }
    struct journal_request waiting = ask((struct journal_request){.verb = JOURNAL_LOOKUP, .id = text(id)});
    assert_int_equal(waiting.place, BEHIND - 1);
    jobs_free(waiting.jobs);
    submit("later");
    await_runner();
    assert_int_equal(status_of("later"), JOB_ACCEPTED);
    assert_null(runner_offer(runner));
    open_gate(AT_COMPUTE);
    assert_all_succeed("long", CORES, 1, 1);
    assert_all_succeed("behind", BEHIND, 2, 3);
    assert_success("later", 1, "\"sum\":294,");
}

/* A long one on one core leaves the others to everybody. */
static void beside_a_long_one_others_run(void **state) {
    (void)state;
    start_runner();
    will_stop_the_first();
    submit("long");
    while (atomic_load(&begun) == 0) {
        await_runner();
    }
    submit_all("other", TINY);
    assert_all_succeed("other", TINY, 1, 3);
    assert_int_equal(status_of("long"), JOB_RUNNING);
    atomic_store(&goes_on, true);
    assert_success("long", 1, "\"sum\":294,");
}

/* --- how long one waits ------------------------------------------------------------------------------------------ */

/* What it learns in a turn it tells at the turn's end. */
static void await_turn(void) {
    await_runner();
    await_runner();
}

static void a_wait_is_what_the_others_take_and_its_own(void **state) {
    (void)state;
    start_runner();
    await_turn();
    assert_int_equal(runner_wait_ns(runner, 0), RUNNER_AHEAD_NS / CORES); /* nothing is known yet */
    assert_int_equal(runner_wait_ns(runner, 999), 1000 * (RUNNER_AHEAD_NS / CORES));
    assert_true(runner_wait_ns(runner, UINT64_MAX - 1) > NS_PER_S);
    run_tiny_ones();
    await_turn();
    uint64_t one_ns = runner_wait_ns(runner, 0), all_ns = runner_wait_ns(runner, 999);
    assert_in_range(one_ns, 1, RUNNER_AHEAD_NS / CORES - 1);
    assert_in_range(all_ns, 1000 * one_ns, 1000 * (one_ns + 1));
}

static void count_up(struct call *call) {
    atomic_store(&call->total, 200);
    atomic_store(&call->done, 50);
}

static void begin_long_ones(unsigned count) {
    start_runner();
    run_tiny_ones(); /* so that it is short where nothing long runs */
    plan.is_stopped[AT_COMPUTE] = true;
    submit_all("long", count);
}

static uint64_t least_left_ns(void) {
    uint64_t least_ns = UINT64_MAX;
    char id[32];
    for (unsigned i = 0; i < CORES; i++) {
        struct runner_progress progress;
        name("long", i, id);
        assert_true(runner_progress(runner, text(id), &progress));
        least_ns = progress.left_ns < least_ns ? progress.left_ns : least_ns;
    }
    return least_ns;
}

static void await_wait_of(uint64_t least_ns) {
    while (runner_wait_ns(runner, 0) < least_ns) {
        await_runner();
    }
}

static void behind_long_ones_it_lasts_until_the_first_of_them_ends(void **state) {
    (void)state;
    plan.during_compute = count_up; /* a quarter */
    begin_long_ones(CORES);
    await_wait_of(2 * RUNNER_AHEAD_NS);
    uint64_t before_ns = least_left_ns(), wait_ns = runner_wait_ns(runner, 0), after_ns = least_left_ns();
    assert_in_range(wait_ns, before_ns, after_ns + RUNNER_AHEAD_NS);
    assert_true(runner_wait_ns(runner, 100) > wait_ns);
    open_gate(AT_COMPUTE);
    assert_all_succeed("long", CORES, 1, 1);
    while (runner_wait_ns(runner, 0) >= wait_ns) {
        await_runner(); /* until it has heard of it */
    }
}

static void behind_ones_without_a_rate_it_lasts_as_long_again(void **state) {
    (void)state;
    struct runner_progress progress;
    begin_long_ones(CORES);
    await_wait_of(RUNNER_AHEAD_NS);
    uint64_t wait_ns = runner_wait_ns(runner, 0);
    assert_true(runner_progress(runner, text("long-0"), &progress));
    assert_in_range(wait_ns, RUNNER_AHEAD_NS, progress.elapsed_ns + RUNNER_AHEAD_NS);
}

static void beside_a_long_one_it_lasts_as_long_as_on_the_other_cores(void **state) {
    (void)state;
    plan.during_compute = count_up;
    begin_long_ones(1);
    await_step(AT_COMPUTE);
    uint64_t short_ns = runner_wait_ns(runner, 0);
    while (runner_wait_ns(runner, 0) == short_ns) {
        await_runner(); /* until it is called long */
    }
    assert_in_range(runner_wait_ns(runner, 0), CORES * short_ns, CORES * (short_ns + 1));
}

/* --- ones that have crashed -------------------------------------------------------------------------------------- */

static void crash_one(const char *id) {
    submit(id);
    struct journal_request claimed =
        ask((struct journal_request){.verb = JOURNAL_CLAIM, .claim = {.limit = 1, .lease_ms = 1}});
    assert_non_null(claimed.jobs);
    jobs_free(claimed.jobs);
    do {
        (void)ask((struct journal_request){.verb = JOURNAL_TIDY});
    } while (status_of(id) != JOB_ACCEPTED);
}

static void one_that_has_crashed_is_alone_until_it_is_long(void **state) {
    (void)state;
    crash_one("suspect");
    hold_cores(CORES);
    start_runner();
    await_status("suspect", JOB_RUNNING);
    submit_all("behind", BEHIND);
    await_runner();
    char id[32];
    for (unsigned i = 0; i < BEHIND; i++) {
        name("behind", i, id);
        assert_int_equal(status_of(id), JOB_ACCEPTED);
    }
    assert_null(runner_offer(runner));
    will_stop_the_first();
    let_cores_go(CORES);
    assert_all_succeed("behind", BEHIND, 1, 1); /* on the other core */
    assert_int_equal(status_of("suspect"), JOB_RUNNING);
    atomic_store(&goes_on, true);
    struct job *suspect = await_end("suspect");
    assert_int_equal(suspect->status, JOB_SUCCESSFUL);
    assert_int_equal(suspect->attempts, 2);
    jobs_free(suspect);
}

/* There is no memory for it, until the test says so. */
static void refuse_the_hungry(struct call *call) {
    if (strncmp(call->order->id, "hungry", 6) == 0 && !atomic_load(&goes_on)) {
        atomic_fetch_add(&begun, 1);
        problem_set(&call->problem, PROBLEM_MEMORY_BUSY, NULL, "not now");
    }
}

static void await_hungry(unsigned times) {
    while (atomic_load(&begun) < times) {
        await_runner();
    }
}

static void ones_that_there_is_no_memory_for_hold_up_nobody(void **state) {
    (void)state;
    enum { HUNGRY = 2 * CORES };
    will_stop_the_first();
    plan.during_compute = refuse_the_hungry;
    start_runner();
    submit_all("hungry", HUNGRY);
    await_hungry(HUNGRY);
    submit_all("other", TINY);
    assert_all_succeed("other", TINY, 1, 3);
    atomic_store(&goes_on, true);
    assert_all_succeed("hungry", HUNGRY, 1, 3);
}

static void nor_does_one_that_has_crashed(void **state) {
    (void)state;
    crash_one("hungry");
    will_stop_the_first();
    plan.during_compute = refuse_the_hungry;
    start_runner();
    await_hungry(1);
    submit_all("other", TINY);
    assert_all_succeed("other", TINY, 1, 3);
    atomic_store(&goes_on, true);
    struct job *hungry = await_end("hungry");
    assert_int_equal(hungry->status, JOB_SUCCESSFUL);
    jobs_free(hungry);
}

static uint64_t count_running(void) {
    return ask((struct journal_request){.verb = JOURNAL_COUNT}).counts.jobs[JOB_RUNNING];
}

/* However many there are, what is claimed is bounded. */
static void no_more_are_claimed_than_there_can_be_places(void **state) {
    (void)state;
    enum { HUNGRY = RUNNER_PLACES_MAX + 20 };
    will_stop_the_first();
    plan.during_compute = refuse_the_hungry;
    start_runner();
    submit_all("hungry", HUNGRY);
    while (count_running() < RUNNER_PLACES_MAX) {
        await_runner();
    }
    await_hungry(atomic_load(&begun) +
                 10); /* they try again, and so it has been looked whether more could be claimed */
    assert_int_equal(count_running(), RUNNER_PLACES_MAX);
    assert_null(runner_offer(runner));
    atomic_store(&goes_on, true);
    assert_all_succeed("hungry", HUNGRY, 1, 3);
}

static void where_one_crash_is_all_nothing_is_claimed_ahead(void **state) {
    (void)state;
    close_jobs(0);
    runner_settings.is_careful = true;
    open_jobs();
    start_runner();
    run_tiny_ones();
    struct attempt *places[CORES];
    for (unsigned i = 0; i < CORES; i++) {
        places[i] = await_offer();
    }
    assert_null(runner_offer(runner));
    for (unsigned i = 0; i < CORES; i++) {
        runner_decline(places[i]);
    }
}

#define IN_BOTH(test)                                                                                                  \
    {#test " (memory)", test, open_in_memory, close_case, NULL}, {                                                     \
        #test " (disk)", test, open_on_disk, close_case, NULL                                                          \
    }

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOTH(what_was_claimed_behind_long_ones_is_given_back),
        IN_BOTH(beside_a_long_one_others_run),
        IN_BOTH(a_wait_is_what_the_others_take_and_its_own),
        IN_BOTH(behind_long_ones_it_lasts_until_the_first_of_them_ends),
        IN_BOTH(behind_ones_without_a_rate_it_lasts_as_long_again),
        IN_BOTH(beside_a_long_one_it_lasts_as_long_as_on_the_other_cores),
        IN_BOTH(one_that_has_crashed_is_alone_until_it_is_long),
        IN_BOTH(ones_that_there_is_no_memory_for_hold_up_nobody),
        IN_BOTH(nor_does_one_that_has_crashed),
        IN_BOTH(no_more_are_claimed_than_there_can_be_places),
        IN_BOTH(where_one_crash_is_all_nothing_is_claimed_ahead),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

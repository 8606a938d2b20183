/* Runs that wait for what isn't the scheduler's (endpoint.h, `ask`), and are woken by whoever they asked: here another
 * thread, or the asking one before it has begun to wait.
 *
 * ctest: threads */
#include "tests/unit/engine/run_case.h"

enum answering { ANSWERS_AT_ONCE, ANSWERS_BEFORE_IT_WAITS, ANSWERS_LATER };

static struct {
    enum answering answering;
    unsigned waits; /* how often it has to wait in all */
    bool fails;
    unsigned asked;
    unsigned unasked;
    struct call *waiting; /* to be woken */
    pthread_t waker;
    bool has_waker;
} asking;

static void *wake_soon(void *context) {
    const struct timespec pause = {.tv_nsec = 300000};
    nanosleep(&pause, NULL);
    call_wake(context);
    return NULL;
}

static void join_waker(void) {
    if (asking.has_waker) {
        asking.has_waker = false;
        pthread_join(asking.waker, NULL);
    }
}

static bool ask(struct call *call) {
    asking.asked++;
    if (asking.fails) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, NULL, "nobody knows");
        return false;
    }
    if (asking.answering == ANSWERS_AT_ONCE || asking.asked > asking.waits) {
        return false;
    }
    if (asking.answering == ANSWERS_BEFORE_IT_WAITS) {
        call_wake(call);
    } else {
        asking.waiting = call;
    }
    return true;
}

static void unask(struct call *call) {
    assert_ptr_equal(call, asking.waiting);
    asking.unasked++;
    asking.has_waker = pthread_create(&asking.waker, NULL, wake_soon, call) == 0;
    assert_true(asking.has_waker);
}

static const struct endpoint asking_endpoint = {.path = "/asking",
                                                .method = ENDPOINT_POST,
                                                .consumes = MEDIA_JSON,
                                                .produces = MEDIA_JSON,
                                                .decode = planned_decode,
                                                .ask = ask,
                                                .unask = unask,
                                                .load = planned_load,
                                                .compute = planned_compute,
                                                .encode = planned_encode};

static int open_asking(void **state) {
    memset(&asking, 0, sizeof asking);
    return open_scene(state);
}

static int close_asking(void **state) {
    join_waker();
    return close_scene(state);
}

static struct run *open_asking_run(void) {
    struct run *run = open_run(&asking_endpoint);
    feed(run, "abc", 3);
    return run;
}

static void assert_sum(struct run *run) {
    assert_int_equal(run->answer.status, 200);
    char *body = read_body(&run->answer, 64);
    assert_non_null(strstr(body, "\"sum\":294"));
    free(body);
    run_free(run);
}

/* Wakes it so often from here, and lets it end. */
static enum run_state wake_until_done(struct run *run, enum run_state state) {
    while (state == RUN_WORKS && run->stage == RUN_ASK) {
        if (asking.answering == ANSWERS_LATER) {
            assert_true(run->is_working);
            call_wake(asking.waiting);
        }
        assert_ptr_equal(take_reported(), run);
        state = run_resume(run);
    }
    return state == RUN_WORKS ? settle(run) : state;
}

static void it_may_wait_any_number_of_times(void **state) {
    (void)state;
    start_scheduler();
    static const struct run_policy *const policies[] = {&nothing_here, &decoding_here, &all_here};
    for (int answering = ANSWERS_AT_ONCE; answering <= ANSWERS_LATER; answering++) {
        for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
            for (unsigned waits = 1; waits <= 3; waits++) {
                memset(&seen, 0, sizeof seen);
                memset(&asking, 0, sizeof asking);
                asking.answering = (enum answering)answering;
                asking.waits = waits;
                plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S};
                struct run *run = open_asking_run();
                enum run_state at_first = run_start(run, policies[i]);
                if (policies[i] == &nothing_here) { /* decoded on a lane */
                    assert_int_equal(at_first, RUN_WORKS);
                    assert_ptr_equal(take_reported(), run);
                    at_first = run_resume(run);
                }
                assert_int_equal(wake_until_done(run, at_first), RUN_DONE);
                assert_int_equal(asking.asked, answering == ANSWERS_AT_ONCE ? 1 : waits + 1);
                assert_int_equal(seen.count[AT_DECODE], 1);
                assert_int_equal(seen.count[AT_COMPUTE], 1);
                assert_sum(run);
            }
        }
    }
}

/* The room for documents and answers, which a run gets back when it has been woken, if nobody else has it then. */
static void those_that_wait_share_what_they_do_not_need(void **state) {
    (void)state;
    enum { RUNS = 3 };
    struct run *runs[RUNS];
    start_scheduler();
    asking.answering = ANSWERS_LATER;
    asking.waits = RUNS;
    void *shared = NULL;
    for (int i = 0; i < RUNS; i++) {
        runs[i] = open_asking_run();
        assert_true(account_has_second(&runs[i]->account));
        assert_true(i == 0 || !scene.mailbox.spare_second); /* it has the one that the run before has left */
        assert_int_equal(run_start(runs[i], &all_here), RUN_WORKS);
        assert_false(account_has_second(&runs[i]->account));
        assert_true(scene.mailbox.spare_second && (i == 0 || scene.mailbox.spare_second == shared));
        shared = scene.mailbox.spare_second;
    }
    for (int i = 0; i < RUNS; i++) {
        call_wake(&runs[i]->call);
        assert_ptr_equal(take_reported(), runs[i]);
        enum run_state then = run_resume(runs[i]);
        assert_int_equal(then == RUN_WORKS ? settle(runs[i]) : then, RUN_DONE);
        assert_true(account_has_second(&runs[i]->account) == (i == 0));
    }
    for (int i = 0; i < RUNS; i++) {
        assert_sum(runs[i]);
    }
}

/* One is kept for whoever comes next, and no more. */
static void one_is_kept_of_what_several_do_not_need(void **state) {
    (void)state;
    enum { RUNS = 2 };
    struct run *runs[RUNS];
    start_scheduler();
    asking.answering = ANSWERS_LATER;
    asking.waits = RUNS;
    for (int i = 0; i < RUNS; i++) {
        runs[i] = open_asking_run(); /* each has its own */
    }
    assert_int_equal(run_start(runs[0], &all_here), RUN_WORKS);
    const void *kept = scene.mailbox.spare_second;
    assert_non_null(kept);
    assert_int_equal(run_start(runs[1], &all_here), RUN_WORKS);
    assert_ptr_equal(scene.mailbox.spare_second, kept);
    for (int i = 0; i < RUNS; i++) {
        call_wake(&runs[i]->call);
        assert_ptr_equal(take_reported(), runs[i]);
        assert_int_equal(run_resume(runs[i]), RUN_DONE);
        assert_sum(runs[i]);
    }
}

static void what_goes_wrong_there_is_the_answer(void **state) {
    (void)state;
    start_scheduler();
    asking.fails = true;
    struct run *run = open_asking_run();
    assert_int_equal(run_start(run, &all_here), RUN_DONE);
    assert_refused(run, PROBLEM_NOT_FOUND);
    assert_int_equal(seen.count[AT_COMPUTE], 0);
    assert_int_equal(scene.mailbox.awaited, 0);
    run_free(run);
}

static void cut_while_it_waits(void **state) {
    (void)state;
    start_scheduler();
    asking.answering = ANSWERS_LATER;
    asking.waits = 1;
    struct run *run = open_asking_run();
    assert_int_equal(run_start(run, &all_here), RUN_WORKS);
    assert_int_equal(run->deadline_ns, run->times.received + scene.facts.config.timeout_ns);
    assert_int_equal(run->limit_ns, scene.facts.config.timeout_ns);
    assert_int_equal(run_cut(run, PROBLEM_DEADLINE_EXCEEDED), RUN_WORKS);
    assert_int_equal(run_cut(run, PROBLEM_CLIENT_GONE), RUN_WORKS);
    assert_int_equal(asking.unasked, 1);
    assert_ptr_equal(take_reported(), run);
    assert_int_equal(run_resume(run), RUN_DONE);
    assert_refused(run, PROBLEM_DEADLINE_EXCEEDED);
    assert_int_equal(asking.asked, 1);
    assert_int_equal(seen.count[AT_COMPUTE], 0);
    run_free(run);
}

/* Whoever wakes it frees it. */
static void abandoned_while_it_waits(void **state) {
    (void)state;
    start_scheduler();
    asking.answering = ANSWERS_LATER;
    asking.waits = 1;
    struct run *run = open_asking_run();
    assert_int_equal(run_start(run, &all_here), RUN_WORKS);
    run_abandon(run);
    assert_int_equal(asking.unasked, 1);
    join_waker();
    struct mailbox_link *link = mailbox_take(&scene.mailbox);
    if (link) { /* woken before it was abandoned */
        assert_null(run_of_link(link));
    }
    assert_int_equal(scene.mailbox.awaited, 0);
}

static void abandoned_when_it_was_woken(void **state) {
    (void)state;
    start_scheduler();
    asking.answering = ANSWERS_BEFORE_IT_WAITS;
    asking.waits = 1;
    struct run *run = open_asking_run();
    assert_int_equal(run_start(run, &all_here), RUN_WORKS);
    asking.waiting = &run->call;
    atomic_store(&run->call.cancel, true);
    assert_ptr_equal(take_reported(), run);
    assert_int_equal(run_resume(run), RUN_DONE);
    run_abandon(run);
}

/* Once it has been answered, the scheduler alone has to do with it. */
static void what_was_answered_is_not_unasked(void **state) {
    (void)state;
    start_scheduler();
    asking.answering = ANSWERS_BEFORE_IT_WAITS;
    asking.waits = 1;
    plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S};
    plan.is_stopped[AT_COMPUTE] = true;
    struct run *run = open_asking_run();
    assert_int_equal(run_start(run, &decoding_here), RUN_WORKS);
    assert_ptr_equal(take_reported(), run);
    assert_int_equal(run_resume(run), RUN_WORKS);
    await_step(AT_COMPUTE);
    asking.waiting = &run->call; /* for unask, which has nothing to do here */
    assert_int_equal(run_cut(run, PROBLEM_DEADLINE_EXCEEDED), RUN_WORKS);
    assert_int_equal(asking.unasked, 0);
    assert_ptr_equal(take_reported(), run);
    assert_int_equal(run_resume(run), RUN_DONE);
    assert_refused(run, PROBLEM_DEADLINE_EXCEEDED);
    run_free(run);
}

/* A lane's CPU time is its thread's, the owner's is the time that it takes. */
static void each_thread_counts_its_own_cpu_time(void **state) {
    (void)state;
    static const struct run_policy policy = {.compute_ns = UINT64_MAX};
    fake_clock_install(77 * NS_PER_S);
    start_scheduler();
    plan_times();
    asking.answering = ANSWERS_BEFORE_IT_WAITS;
    asking.waits = 1;
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    struct run *run = open_asking_run();
    assert_int_equal(run_start(run, &policy), RUN_WORKS);
    await(&scene.is_posted); /* decoded by a lane */
    fake_clock_advance(70000 * MS);
    assert_ptr_equal(take_reported(), run);
    assert_int_equal(run_resume(run), RUN_WORKS);
    fake_clock_advance(600000 * MS);
    assert_ptr_equal(take_reported(), run);
    assert_int_equal(run_resume(run), RUN_DONE);
    assert_int_equal(run->times.queue, 670000 * MS);
    assert_int_equal(run->times.cpu, 4322 * MS);
    assert_sum(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_may_wait_any_number_of_times, open_asking, close_asking),
        cmocka_unit_test_setup_teardown(those_that_wait_share_what_they_do_not_need, open_asking, close_asking),
        cmocka_unit_test_setup_teardown(one_is_kept_of_what_several_do_not_need, open_asking, close_asking),
        cmocka_unit_test_setup_teardown(what_goes_wrong_there_is_the_answer, open_asking, close_asking),
        cmocka_unit_test_setup_teardown(cut_while_it_waits, open_asking, close_asking),
        cmocka_unit_test_setup_teardown(abandoned_while_it_waits, open_asking, close_asking),
        cmocka_unit_test_setup_teardown(abandoned_when_it_was_woken, open_asking, close_asking),
        cmocka_unit_test_setup_teardown(what_was_answered_is_not_unasked, open_asking, close_asking),
        cmocka_unit_test_setup_teardown(each_thread_counts_its_own_cpu_time, open_asking, close_asking),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("run_ask", tests, NULL, NULL);
}

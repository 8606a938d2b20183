/* Runs from order to answer without a connection: where each step is done, what reaches the kernel, and what the answer
 * says. Their bodies: run_feed_test.c and run_stream_test.c; their early ends: run_cut_test.c; their times:
 * run_times_test.c; the queue: run_queue_test.c.
 *
 * ctest: threads */
#include "tests/unit/engine/run_case.h"

static void assert_all_here(bool is_here, enum step first, enum step last) {
    for (int step = (int)first; step <= (int)last; step++) {
        if (step != AT_WINDOW) {
            assert_int_equal(seen.count[step], 1);
            assert_int_equal(pthread_equal(seen.thread[step], pthread_self()) != 0, is_here);
        }
    }
}

static void small_work_is_done_where_it_starts(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 2, .cost_ns = 1000, .schedule = TEAM_GUIDED, .chunk = 7};
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &all_here), RUN_DONE);
    assert_all_here(true, AT_DECODE, AT_ENCODE);
    assert_int_equal(seen.team.threads, 1);
    assert_int_equal(seen.team.schedule, TEAM_GUIDED);
    assert_int_equal(seen.team.chunk, 7);
    assert_result(run, "\"sum\":294,\"threads\":{\"requested\":2,\"granted\":1,\"reason\":\"small work runs on one");
    assert_false(run->is_working);
    run_free(run);
}

static void a_policy_of_nothing_does_nothing_on_the_callers_thread(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    assert_true(run->is_working);
    assert_int_equal(settle(run), RUN_DONE);
    assert_all_here(false, AT_DECODE, AT_ENCODE);
    assert_result(run, "\"sum\":294");
    run_free(run);
}

static void decoding_may_stay_while_computing_leaves(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S};
    struct run *run = open_short_run();
    finish(run, &decoding_here);
    assert_all_here(true, AT_DECODE, AT_DECODE);
    assert_all_here(false, AT_LOAD, AT_ENCODE);
    assert_result(run, "\"threads\":{\"requested\":2,\"granted\":2}");
    run_free(run);
}

/* A policy's bounds: a body as long as may be decoded, work that takes as long as may not be done. */
static void policies_hold_at_their_edge(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1000};
    static const struct {
        struct run_policy policy;
        bool decodes_here;
        bool computes_here;
    } cases[] = {{{3, 1001, 0}, true, true}, {{3, 1000, 0}, true, false}, {{2, 1001, 0}, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(&seen, 0, sizeof seen);
        struct run *run = open_short_run();
        run->order.body_media = MEDIA_TEXT; /* no JSON to glance at */
        finish(run, &cases[i].policy);
        assert_all_here(cases[i].decodes_here, AT_DECODE, AT_DECODE);
        assert_all_here(cases[i].computes_here, AT_LOAD, AT_ENCODE);
        assert_result(run, "\"sum\":294");
        run_free(run);
    }
}

static unsigned glances;

static enum problem_kind count_glances(struct call *call) {
    glances += call->envelope.is_glance;
    return planned_decode(call);
}

/* Long JSON is glanced at here: what is wrong with it is said by a lane, which looks at all. What was there before
 * stays (the query, say). */
static void a_glance_that_finds_a_problem_decides_nothing(void **state) {
    (void)state;
    start_scheduler();
    static const struct envelope_field bulk[] = {{"a", ENVELOPE_TEXT}, {NULL, ENVELOPE_TEXT}};
    struct endpoint endpoint = whole_endpoint;
    endpoint.bulk = bulk;
    endpoint.decode = count_glances;
    glances = 0;
    plan.fails[AT_DECODE] = PROBLEM_WRONG_TYPE;
    char body[200] = "{\"a\":\"";
    memset(body + 6, 'x', 150);
    memcpy(body + 156, "\"}", 3);
    struct run *run = open_run(&endpoint);
    const char *query = run_keep(run, "threads=2", 9);
    feed(run, body, strlen(body));
    envelope_split(&run->call.envelope, run->call.body.bytes, run->call.body.length, true, NULL);
    const struct run_policy policy = {.decode_bytes = 100};
    finish(run, &policy);
    assert_int_equal(seen.count[AT_DECODE], 2);
    assert_int_equal(glances, 1);
    assert_int_equal(run->call.block_count, 1);
    assert_memory_equal(query, "threads=2", 9);
    assert_false(pthread_equal(seen.thread[AT_DECODE], pthread_self()));
    assert_refused(run, PROBLEM_WRONG_TYPE);
    run_free(run);
    memset(&seen, 0, sizeof seen);
    run = open_run(&endpoint); /* short enough, it is looked at as a whole */
    feed(run, body, strlen(body));
    finish(run, &(struct run_policy){.decode_bytes = strlen(body)});
    assert_int_equal(seen.count[AT_DECODE], 1);
    assert_refused(run, PROBLEM_WRONG_TYPE);
    run_free(run);
}

/* What is left to look at of a body whose bulk was found while it came: nothing of a text, a 32nd of an array. */
static void bulk_costs_little_to_decode(void **state) {
    (void)state;
    start_scheduler();
    enum { BULK_BYTES = 3200, ALL_BYTES = BULK_BYTES + 8 };
    static const struct {
        enum envelope_kind kind;
        char fill, open, close;
        size_t bytes;
    } cases[] = {{ENVELOPE_TEXT, 'x', '"', '"', 8}, {ENVELOPE_NUMBERS, '1', '[', ']', 8 + BULK_BYTES / 32}};
    for (size_t i = 0; i < 2; i++) {
        const struct envelope_field bulk[] = {{"a", cases[i].kind}, {NULL, ENVELOPE_TEXT}};
        struct endpoint endpoint = whole_endpoint;
        endpoint.bulk = bulk;
        char body[ALL_BYTES + 1];
        memset(body, cases[i].fill, sizeof body);
        memcpy(body, "{\"a\":", 5);
        body[5] = cases[i].open;
        body[ALL_BYTES - 2] = cases[i].close;
        body[ALL_BYTES - 1] = '}';
        for (size_t less = 0; less < 2; less++) {
            memset(&seen, 0, sizeof seen);
            struct run *run = open_run(&endpoint);
            feed(run, body, ALL_BYTES);
            envelope_split(&run->call.envelope, run->call.body.bytes, run->call.body.length, true, NULL);
            assert_int_equal(run->call.envelope.span_count, 1);
            const struct run_policy policy = {.decode_bytes = cases[i].bytes - less};
            finish(run, &policy);
            assert_all_here(less == 0, AT_DECODE, AT_DECODE);
            run_free(run);
        }
    }
}

static void a_lane_decodes_then_a_team_computes(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S};
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    assert_ptr_equal(take_reported(), run); /* once: between the two stages the owner isn't asked */
    assert_int_equal(run_resume(run), RUN_DONE);
    assert_int_equal(seen.team.threads, 2);
    assert_int_equal(seen.crew.size, 2);
    assert_result(run, "\"threads\":{\"requested\":2,\"granted\":2}");
    run_free(run);
}

/* The owner keeps deadlines: one that stands in the body is reported before the computing begins. */
static void a_deadline_in_the_body_is_told_first(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S, .timeout_ns = 7 * NS_PER_S};
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    assert_int_equal(run->deadline_ns, run->times.received + 60 * NS_PER_S);
    assert_ptr_equal(take_reported(), run);
    assert_int_equal(seen.count[AT_DECODE], 1);
    assert_int_equal(seen.count[AT_COMPUTE], 0);
    assert_int_equal(run_resume(run), RUN_WORKS);
    assert_int_equal(run->deadline_ns, run->times.received + 7 * NS_PER_S);
    assert_int_equal(settle(run), RUN_DONE);
    assert_result(run, "\"sum\":294");
    run_free(run);
}

/* … but for work so small that it is over sooner than the owner would have been told, whatever the deadline. */
static void small_work_goes_on_without_the_owner(void **state) {
    (void)state;
    static const struct run_policy policy = {.compute_ns = NS_PER_MS};
    static const struct {
        uint64_t cost_ns, timeout_ns;
        unsigned reports, granted;
        enum answer_reason reason;
    } cases[] = {{NS_PER_MS - 1, 3600 * NS_PER_S, 1, 1, ANSWER_SMALL_WORK},
                 {NS_PER_MS, NS_PER_MS / 2, 2, 2, ANSWER_AS_ASKED},
                 {NS_PER_MS, 0, 1, 2, ANSWER_AS_ASKED}};
    fake_clock_install(1000); /* no deadline passes */
    start_scheduler();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned reports = 0;
        plan.demand = (struct demand){.threads = 2, .cost_ns = cases[i].cost_ns, .timeout_ns = cases[i].timeout_ns};
        struct run *run = open_short_run();
        for (enum run_state now = run_start(run, &policy); now == RUN_WORKS; reports++) {
            assert_ptr_equal(take_reported(), run);
            now = run_resume(run);
        }
        assert_int_equal(reports, cases[i].reports);
        assert_int_equal(run->answer.threads.granted, cases[i].granted);
        assert_int_equal(run->answer.threads.reason, cases[i].reason);
        assert_result(run, "\"sum\":294");
        run_free(run);
    }
}

static void a_deadline_that_has_passed_when_it_is_read_is_kept(void **state) {
    (void)state;
    fake_clock_install(1000);
    start_scheduler();
    static const struct {
        uint64_t decode_ns;
        enum problem_kind kind;
    } cases[] = {{5 * NS_PER_MS, PROBLEM_NONE}, {5 * NS_PER_MS + 1, PROBLEM_DEADLINE_EXCEEDED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S, .timeout_ns = 5 * NS_PER_MS};
        plan.clock_ns[AT_DECODE] = cases[i].decode_ns;
        struct run *run = open_short_run();
        finish(run, &nothing_here);
        assert_int_equal(answer_problem_kind(&run->answer), cases[i].kind);
        run_free(run);
    }
}

static void what_is_asked_of_the_kernel_reaches_it(void **state) {
    (void)state;
    uint16_t ids[2];
    cpu_set_t all;
    start_scheduler();
    if (usable_cores(ids, &all) < 2) {
        skip();
    }
    static const enum team_schedule schedules[] = {TEAM_STATIC, TEAM_DYNAMIC, TEAM_GUIDED};
    for (unsigned i = 0; i < 3; i++) {
        uint16_t cores[2] = {ids[1], ids[0]};
        plan.demand = (struct demand){
            .threads = 2, .cost_ns = 1, .schedule = schedules[i], .chunk = 100 + i, .cores = cores, .core_count = 2};
        struct run *run = open_short_run();
        finish(run, &all_here); /* pinned work is for lanes, however small it is */
        assert_int_equal(seen.team.threads, 2);
        assert_int_equal(seen.team.schedule, schedules[i]);
        assert_int_equal(seen.team.chunk, 100 + i);
        for (unsigned thread = 0; thread < 2; thread++) {
            assert_int_equal(CPU_COUNT(&seen.crew.masks[thread]), 1);
            assert_true(CPU_ISSET(cores[thread], &seen.crew.masks[thread]));
        }
        run_free(run);
    }
}

static void auto_takes_as_many_threads_as_pay(void **state) {
    (void)state;
    start_scheduler();
    static const struct {
        uint64_t cost_ns;
        unsigned tasks;
        unsigned threads;
    } cases[] = {{RUN_AUTO_NS_PER_THREAD - 1, 0, 1},
                 {2 * RUN_AUTO_NS_PER_THREAD - 1, 0, 1},
                 {2 * RUN_AUTO_NS_PER_THREAD - 1, 2, 1},
                 {2 * RUN_AUTO_NS_PER_THREAD, 0, 2},
                 {NS_PER_S, 0, CORES},
                 {NS_PER_S, 1, 1},
                 {NS_PER_S, 2, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plan.demand = (struct demand){.cost_ns = cases[i].cost_ns, .tasks = cases[i].tasks};
        struct run *run = open_short_run();
        finish(run, &nothing_here);
        assert_int_equal(seen.team.threads, cases[i].threads);
        assert_int_equal(run->answer.threads.requested, 0);
        assert_int_equal(run->answer.threads.granted, cases[i].threads);
        assert_int_equal(run->answer.threads.reason, ANSWER_AS_ASKED);
        run_free(run);
    }
}

static void more_threads_than_cores_are_explained(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 64, .cost_ns = NS_PER_S};
    struct run *run = open_short_run();
    finish(run, &nothing_here);
    assert_result(run, "{\"requested\":64,\"granted\":2,\"reason\":\"core budget is 2\"}");
    run_free(run);
}

static void a_problem_of_any_step_is_the_answer(void **state) {
    (void)state;
    start_scheduler();
    static const enum step steps[] = {AT_DECODE, AT_LOAD, AT_COMPUTE, AT_ENCODE};
    const struct run_policy *policies[] = {&nothing_here, &decoding_here, &all_here};
    plan.demand = (struct demand){.threads = 2, .cost_ns = 1000};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        for (size_t p = 0; p < 3; p++) {
            memset(&plan.fails, 0, sizeof plan.fails);
            memset(&seen, 0, sizeof seen);
            plan.fails[steps[i]] = PROBLEM_OUT_OF_RANGE;
            struct run *run = open_short_run();
            finish(run, policies[p]);
            assert_refused(run, PROBLEM_OUT_OF_RANGE);
            assert_body_has(run, "\"pointer\":\"/field\"");
            assert_int_equal(seen.count[AT_ENCODE], steps[i] == AT_ENCODE);
            run_free(run);
        }
    }
}

static void an_abandoned_runs_block_is_the_next_ones(void **state) {
    (void)state;
    start_scheduler();
    struct run *first = open_short_run();
    struct run *second = open_short_run();
    run_abandon(first);
    run_abandon(second);
    struct run *third = open_short_run();
    assert_ptr_equal(third, first);
    assert_int_equal(run_start(third, &all_here), RUN_DONE);
    assert_result(third, "\"sum\":294");
    run_abandon(third);
}

/* Fault of old: one thread compressed while its team's other cores stood idle. */
static void compressing_holds_no_team(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S};
    plan.reply_bytes = 8 << 20;
    struct run *run = open_short_run();
    run->order.reply_coding = CONTENT_GZIP;
    plan.is_stopped[AT_ENCODE] = true;
    assert_int_equal(run_start(run, &decoding_here), RUN_WORKS);
    await_step(AT_ENCODE);
    holders[0] = (struct holder){.work = {.threads = 1, .principal = 2, .run = hold, .done = holder_done}};
    assert_true(
        scheduler_submit(scene.host.scheduler, &holders[0].work, &(struct shortage){0})); /* behind the team of two */
    assert_int_equal(scheduler_state(scene.host.scheduler).waiting, 1);
    open_gate(AT_ENCODE);
    await(&holders[0].has_begun); /* while it runs it has one core, and the compressing has the other */
    assert_int_equal(settle(run), RUN_DONE);
    assert_false(look(&holders[0].is_done));
    assert_int_equal(run->stage, RUN_FOLD);
    assert_int_equal(run->work.threads, 1);
    assert_string_equal(run->answer.fields[1].value, "gzip");
    assert_int_equal(run->answer.threads.granted, 2);
    assert_true(run->answer.length < plan.reply_bytes / 8);
    let_cores_go(1);
    run_free(run);
}

static void information_is_given_here_and_now(void **state) {
    (void)state;
    start_scheduler();
    struct plain_memory memory;
    plain_memory_init(&memory, SIZE_MAX);
    static const struct {
        size_t bytes;
        enum problem_kind kind;
    } cases[] = {
        {100, PROBLEM_NONE}, {0, PROBLEM_NONE}, {1024 * 1024, PROBLEM_NONE}, {1024 * 1024 + 1, PROBLEM_INTERNAL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plan.reply_bytes = cases[i].bytes;
        struct run *run = make_run(&information_endpoint);
        run_inform(run, &memory.base);
        assert_int_equal(answer_problem_kind(&run->answer), cases[i].kind);
        if (!cases[i].kind) {
            assert_int_equal(run->answer.status, 200);
            assert_int_equal(run->answer.length, cases[i].bytes);
            assert_int_equal(run->answer.field_count, 1); /* Content-Type */
        }
        run_free(run);
        assert_int_equal(memory.used_bytes, 0);
    }
    plan.fails[AT_ENCODE] = PROBLEM_SHUTTING_DOWN;
    struct run *run = make_run(&information_endpoint);
    run_inform(run, &memory.base);
    assert_refused(run, PROBLEM_SHUTTING_DOWN);
    run_free(run);
}

static void a_kept_query_is_a_copy(void **state) {
    (void)state;
    start_scheduler();
    char query[] = "threads=2";
    struct run *run = make_run(&whole_endpoint);
    char *kept = run_keep(run, query, strlen(query));
    assert_non_null(kept);
    memset(query, 0, sizeof query);
    assert_memory_equal(kept, "threads=2", 9);
    assert_null(run_keep(run, query, MEMORY_BYTES));
    assert_int_equal(run->call.problem.kind, PROBLEM_MEMORY_LIMIT);
    run_free(run);
    run_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_work_is_done_where_it_starts, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_policy_of_nothing_does_nothing_on_the_callers_thread, open_scene,
                                        close_scene),
        cmocka_unit_test_setup_teardown(decoding_may_stay_while_computing_leaves, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(policies_hold_at_their_edge, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_glance_that_finds_a_problem_decides_nothing, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(bulk_costs_little_to_decode, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_lane_decodes_then_a_team_computes, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_deadline_in_the_body_is_told_first, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(small_work_goes_on_without_the_owner, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_deadline_that_has_passed_when_it_is_read_is_kept, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(what_is_asked_of_the_kernel_reaches_it, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(auto_takes_as_many_threads_as_pay, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(more_threads_than_cores_are_explained, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_problem_of_any_step_is_the_answer, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(compressing_holds_no_team, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(an_abandoned_runs_block_is_the_next_ones, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(information_is_given_here_and_now, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_kept_query_is_a_copy, open_scene, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}

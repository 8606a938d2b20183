/* The truth of a run's times: by a clock that only the steps move, each phase is what they took, in the result and in
 * run->times alike; by one that moves with each look at it, no time is counted twice.
 *
 * ctest: threads */
#include "tests/unit/engine/run_case.h"

#include <stdio.h>

static int open_timed_scene(void **state) {
    fake_clock_install(77 * NS_PER_S);
    int failed = open_scene(state);
    scene.facts.config.timeout_ns = 86400 * NS_PER_S;
    plan_times();
    return failed;
}

struct expected {
    uint64_t receive, queue, decode, compute, encode, total, cpu; /* ms */
};

static void assert_times(const struct times *times, const struct expected *expected) {
    assert_int_equal(times->receive, expected->receive * MS);
    assert_int_equal(times->queue, expected->queue * MS);
    assert_int_equal(times->decode, expected->decode * MS);
    assert_int_equal(times->compute, expected->compute * MS);
    assert_int_equal(times->encode, expected->encode * MS);
    assert_int_equal(times->cpu, expected->cpu * MS);
}

static void assert_printed(const struct run *run, const struct expected *expected) {
    char part[256];
    (void)snprintf(part, sizeof part,
                   "\"timing\":{\"receive_ms\":%llu.000,\"queue_ms\":%llu.000,\"decode_ms\":%llu.000,"
                   "\"compute_ms\":%llu.000,\"encode_ms\":%llu.000,\"total_ms\":%llu.000,\"cpu_ms\":%llu.000}}",
                   (unsigned long long)expected->receive, (unsigned long long)expected->queue,
                   (unsigned long long)expected->decode, (unsigned long long)expected->compute,
                   (unsigned long long)expected->encode, (unsigned long long)expected->total,
                   (unsigned long long)expected->cpu);
    assert_result(run, part);
}

/* On the thread that starts it there is no other CPU time than the time itself, but for the team's others. */
static void done_here(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    plan.team_cpu_ns = 70 * MS;
    struct run *run = open_run(&whole_endpoint);
    fake_clock_advance(50000 * MS);
    feed(run, "abc", 3);
    fake_clock_advance(10000 * MS);
    finish(run, &all_here);
    static const struct expected expected = {60000, 0, 21, 300, 4000, 64321, 4391};
    assert_printed(run, &expected);
    assert_times(&run->times, &expected);
    run_free(run);
}

static void on_one_lane(void **state) {
    (void)state;
    start_scheduler();
    hold_cores(CORES);
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    plan.team_cpu_ns = 70 * MS;
    struct run *run = open_short_run();
    fake_clock_advance(50000 * MS);
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    fake_clock_advance(600000 * MS);
    let_cores_go(CORES);
    await(&scene.is_posted);
    struct expected expected = {50000, 600000, 21, 300, 4000, 654321, 3582};
    fake_clock_advance(7000000 * MS); /* the way back, which the result can't know */
    assert_int_equal(settle(run), RUN_DONE);
    assert_printed(run, &expected);
    expected.queue += 7000000;
    assert_times(&run->times, &expected);
    run_free(run);
}

/* Decoded by one, computed by two, with a wait before each. */
static void on_a_lane_and_then_a_team(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S};
    hold_cores(1);
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    await_step(AT_DECODE);
    await_waiting(1);
    fake_clock_advance(80000 * MS);
    let_cores_go(1);
    assert_int_equal(settle(run), RUN_DONE);
    static const struct expected expected = {0, 80000, 21, 300, 4000, 84321, 3512};
    assert_printed(run, &expected);
    assert_times(&run->times, &expected);
    run_free(run);
}

/* Decoded by a lane, reported for its deadline, computed by another. */
static void in_two_turns(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S, .timeout_ns = 3600 * NS_PER_S};
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    assert_ptr_equal(take_reported(), run);
    fake_clock_advance(90000 * MS);
    assert_int_equal(run_resume(run), RUN_WORKS);
    assert_int_equal(settle(run), RUN_DONE);
    static const struct expected expected = {0, 90000, 21, 300, 4000, 94321, 3512};
    assert_printed(run, &expected);
    assert_times(&run->times, &expected);
    run_free(run);
}

/* Printed by a team, compressed by one thread, which waited for its core: that comes after what the result says. */
static void folded_after_a_wait(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S};
    plan.reply_bytes = 1 << 20;
    plan.is_stopped[AT_ENCODE] = true;
    struct run *run = open_short_run();
    run->order.reply_coding = CONTENT_GZIP;
    assert_int_equal(run_start(run, &decoding_here), RUN_WORKS);
    await_step(AT_ENCODE);
    open_gate(AT_ENCODE);
    await(&scene.is_posted);
    fake_clock_advance(500000 * MS);
    assert_int_equal(settle(run), RUN_DONE);
    assert_int_equal(run->stage, RUN_FOLD);
    /* Here decoding's CPU time is its time. */
    assert_times(&run->times, &(struct expected){0, 500000, 21, 300, 4000, 0, 3511});
    run_free(run);
}

static char window_bytes[STREAM_WINDOW_BYTES];

/* Three windows: each one's waiting and work are added up. */
static void a_stream_adds_its_windows_up(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    struct run *run = open_run(&stream_endpoint);
    feed(run, window_bytes, STREAM_WINDOW_BYTES);
    for (int i = 0; i < 2; i++) {
        hold_cores(CORES);
        feed(run, "a", 1); /* hands the full window over, which has a deadline of its own */
        assert_int_equal(run->deadline_ns, clock_now_ns() + 86400 * NS_PER_S);
        fake_clock_advance(10000 * MS);
        let_cores_go(CORES);
        await(&scene.is_posted);
        fake_clock_advance(100000 * MS); /* the way back is no waiting: more of the body could come */
        assert_ptr_equal(take_reported(), run);
        assert_int_equal(run_resume(run), RUN_RECEIVES);
        feed(run, window_bytes, STREAM_WINDOW_BYTES - 1);
    }
    hold_cores(CORES);
    assert_int_equal(run_start(run, &all_here), RUN_WORKS);
    fake_clock_advance(50000 * MS);
    let_cores_go(CORES);
    assert_int_equal(settle(run), RUN_DONE);
    static const struct expected expected = {220601, 70000, 1, 900, 4000, 274901, 4501};
    assert_printed(run, &expected);
    assert_times(&run->times, &expected);
    run_free(run);
}

/* Its end comes while a lane has a window: the lane's time isn't begun anew. */
static void a_streams_end_leaves_its_lane_alone(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    plan.is_stopped[AT_WINDOW] = true;
    struct run *run = open_run(&stream_endpoint);
    feed(run, window_bytes, STREAM_WINDOW_BYTES);
    feed(run, "a", 1);
    await_step(AT_WINDOW);
    fake_clock_advance(60000 * MS);
    fake_clock_advance_cpu(40000 * MS);
    assert_int_equal(run_start(run, &all_here), RUN_WORKS);
    open_gate(AT_WINDOW);
    assert_int_equal(settle(run), RUN_DONE);
    static const struct expected expected = {60001, 0, 1, 60600, 4000, 64601, 44001};
    assert_printed(run, &expected);
    assert_times(&run->times, &expected);
    run_free(run);
}

static void a_short_stream_is_timed_where_it_starts(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    struct run *run = open_run(&stream_endpoint);
    feed(run, "abc", 3);
    fake_clock_advance(10000 * MS);
    finish(run, &all_here);
    static const struct expected expected = {10001, 0, 1, 300, 4000, 14301, 4301};
    assert_printed(run, &expected);
    assert_times(&run->times, &expected);
    run_free(run);
}

static void refused_and_cut_runs_say_what_they_took(void **state) {
    (void)state;
    scene.facts.config.queue_length = 1;
    start_scheduler();
    hold_cores(CORES);
    struct run *cut = open_short_run(); /* in the queue */
    fake_clock_advance(5 * MS);
    assert_int_equal(run_start(cut, &nothing_here), RUN_WORKS);
    struct run *refused = open_short_run(); /* by the queue */
    fake_clock_advance(6 * MS);
    assert_int_equal(run_start(refused, &nothing_here), RUN_DONE);
    assert_times(&refused->times, &(struct expected){.receive = 6});
    fake_clock_advance(9000 * MS);
    assert_int_equal(run_cut(cut, PROBLEM_DEADLINE_EXCEEDED), RUN_DONE);
    assert_times(&cut->times, &(struct expected){.receive = 5, .queue = 9006});
    run_free(cut);
    struct run *stream = open_run(&stream_endpoint); /* a window in the queue */
    feed(stream, window_bytes, STREAM_WINDOW_BYTES);
    feed(stream, "a", 1);
    fake_clock_advance(8000 * MS);
    assert_int_equal(run_cut(stream, PROBLEM_DEADLINE_EXCEEDED), RUN_DONE);
    assert_times(&stream->times, &(struct expected){.queue = 8000, .decode = 1, .cpu = 1});
    let_cores_go(CORES);
    run_free(stream);
    run_free(refused);
    plan.fails[AT_COMPUTE] = PROBLEM_NON_FINITE_RESULT;
    struct run *failed = open_short_run();
    finish(failed, &nothing_here);
    assert_times(&failed->times, &(struct expected){.decode = 21, .compute = 300, .cpu = 512});
    run_free(failed);
    struct run *unread = open_short_run(); /* a body that nobody looks at */
    fake_clock_advance(11 * MS);
    run_note_received(unread);
    assert_times(&unread->times, &(struct expected){.receive = 11});
    run_free(unread);
}

static void a_run_that_is_cut_while_it_computes_says_how_long(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    plan.is_stopped[AT_COMPUTE] = true;
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    await_step(AT_COMPUTE);
    fake_clock_advance(6000 * MS);
    assert_int_equal(run_cut(run, PROBLEM_DEADLINE_EXCEEDED), RUN_WORKS);
    assert_int_equal(settle(run), RUN_DONE);
    assert_times(&run->times, &(struct expected){.decode = 21, .compute = 6000, .cpu = 12});
    run_free(run);
}

/* --- turns that nobody waits for --------------------------------------------------------------------------------- */

static void assert_times_so_far(const struct run *run, const struct expected *expected) {
    struct times times = run->times;
    run_add_turn(run, &times);
    assert_times(&times, expected);
}

static void a_turn_says_what_it_has_taken_so_far(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    plan.is_stopped[AT_DECODE] = plan.is_stopped[AT_COMPUTE] = true;
    hold_cores(CORES);
    struct run *run = open_short_run();
    assert_int_equal(run_start(run, &nothing_here), RUN_WORKS);
    fake_clock_advance(9000 * MS);
    assert_times_so_far(run, &(struct expected){.queue = 9000});
    let_cores_go(CORES);
    await_step(AT_DECODE);
    fake_clock_advance(700 * MS);
    assert_times_so_far(run, &(struct expected){.queue = 9000, .decode = 700});
    open_gate(AT_DECODE);
    await_step(AT_COMPUTE);
    fake_clock_advance(60000 * MS);
    assert_times_so_far(run, &(struct expected){.queue = 9000, .decode = 721, .compute = 60000});
    run_abandon(run);
}

static void a_windows_turn_says_what_it_has_taken_so_far(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    struct run *stream = open_run(&stream_endpoint);
    feed(stream, window_bytes, STREAM_WINDOW_BYTES);
    feed(stream, "a", 1);
    assert_int_equal(settle(stream), RUN_RECEIVES);
    fake_clock_advance(5000 * MS);
    plan.is_stopped[AT_WINDOW] = true;
    seen.begun[AT_WINDOW] = false;
    feed(stream, window_bytes, STREAM_WINDOW_BYTES);
    await_step(AT_WINDOW);
    fake_clock_advance(70000 * MS);
    assert_times_so_far(stream, &(struct expected){.decode = 1, .compute = 70300, .cpu = 501});
    run_abandon(stream);
}

/* --- a clock that moves with each look at it --------------------------------------------------------------------- */

static atomic_uint_fast64_t ticks;

static uint64_t tick(void) {
    return (atomic_fetch_add(&ticks, 1) + 1) * MS;
}

static const struct clock_source ticking = {.now_ns = tick, .thread_cpu_ns = fake_clock_cpu};

/* What the phases of a run add up to: no more than it took in all, by the result and up to now. That printing the end
 * of the result took time the result can't know. */
static void assert_within_total(const struct run *run) {
    static const char *const keys[] = {"receive_ms\":", "queue_ms\":", "decode_ms\":", "compute_ms\":", "encode_ms\":"};
    char *body = read_body(&run->answer, 4096);
    double sum = 0;
    for (size_t i = 0; i < 5; i++) {
        const char *at = strstr(body, keys[i]);
        assert_non_null(at);
        sum += strtod(at + strlen(keys[i]), NULL);
    }
    assert_true(run->times.encode > (uint64_t)(strtod(strstr(body, keys[4]) + strlen(keys[4]), NULL) * MS));
    const char *total = strstr(body, "total_ms\":");
    assert_non_null(total);
    assert_true(sum <= strtod(total + 10, NULL));
    free(body);
    const struct times *times = &run->times;
    assert_true(times->receive + times->queue + times->decode + times->compute + times->encode <=
                clock_now_ns() - times->opened);
}

static void no_time_is_counted_twice(void **state) {
    clock_set_source(&ticking);
    assert_int_equal(open_scene(state), 0);
    start_scheduler();
    static const struct demand demands[] = {{.threads = 1, .cost_ns = 1},
                                            {.threads = 2, .cost_ns = NS_PER_S},
                                            {.threads = 2, .cost_ns = NS_PER_S, .timeout_ns = 3600 * NS_PER_S}};
    const struct run_policy *policies[] = {&nothing_here, &decoding_here, &all_here};
    for (size_t d = 0; d < 3; d++) {
        for (size_t p = 0; p < 3; p++) {
            plan.demand = demands[d];
            struct run *run = open_short_run();
            finish(run, policies[p]);
            assert_within_total(run);
            run_free(run);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(done_here, open_timed_scene, close_scene),
        cmocka_unit_test_setup_teardown(on_one_lane, open_timed_scene, close_scene),
        cmocka_unit_test_setup_teardown(on_a_lane_and_then_a_team, open_timed_scene, close_scene),
        cmocka_unit_test_setup_teardown(in_two_turns, open_timed_scene, close_scene),
        cmocka_unit_test_setup_teardown(folded_after_a_wait, open_timed_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_stream_adds_its_windows_up, open_timed_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_streams_end_leaves_its_lane_alone, open_timed_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_short_stream_is_timed_where_it_starts, open_timed_scene, close_scene),
        cmocka_unit_test_setup_teardown(refused_and_cut_runs_say_what_they_took, open_timed_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_run_that_is_cut_while_it_computes_says_how_long, open_timed_scene,
                                        close_scene),
        cmocka_unit_test_setup_teardown(a_turn_says_what_it_has_taken_so_far, open_timed_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_windows_turn_says_what_it_has_taken_so_far, open_timed_scene, close_scene),
        cmocka_unit_test_teardown(no_time_is_counted_twice, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("run_times", tests, NULL, NULL);
}

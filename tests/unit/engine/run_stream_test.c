/* Bodies that are worked on while they come: windows, back-pressure, limits, ends. How a text begins: run_text_test.c.
 *
 * ctest: threads */
#include "tests/unit/engine/run_bodies.h"

static void streams_are_worked_on_in_windows(void **state) {
    (void)state;
    start_scheduler();
    static const size_t lengths[] = {
        0,         1, STREAM_WINDOW_BYTES - 1, STREAM_WINDOW_BYTES, STREAM_WINDOW_BYTES + 1, 2 * STREAM_WINDOW_BYTES,
        LONG_BYTES};
    char *body = make_body(LONG_BYTES);
    plan.demand = (struct demand){.threads = 2, .cost_ns = 100000};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        for (int declared = 0; declared < 2; declared++) {
            memset(&seen, 0, sizeof seen);
            struct run *run = declared ? open_declared(&stream_endpoint, lengths[l]) : open_run(&stream_endpoint);
            assert_int_equal(feed_all(run, body, lengths[l], 70001), RUN_FED);
            finish(run, &nothing_here);
            assert_sum(run, body, lengths[l]);
            assert_true(seen.was_last);
            size_t windows = lengths[l] == 0 ? 1 : (lengths[l] + STREAM_WINDOW_BYTES - 1) / STREAM_WINDOW_BYTES;
            assert_int_equal(seen.count[AT_WINDOW], windows);
            assert_int_equal(run->window_count, windows);
            assert_int_equal(seen.count[AT_DECODE], 1);
            assert_int_equal(seen.count[AT_COMPUTE], 0);
            assert_result(run, "{\"requested\":2,\"granted\":2}");
            run_free(run);
        }
    }
    free(body);
}

/* The answer doesn't tell when its end came: while a lane had the window before, or after. */
static void the_end_may_come_while_a_lane_works(void **state) {
    (void)state;
    start_scheduler();
    char *body = make_body(STREAM_WINDOW_BYTES + 10);
    plan.demand = (struct demand){.threads = 2, .cost_ns = 1000};
    for (int early = 0; early < 2; early++) {
        memset(&seen, 0, sizeof seen);
        plan.is_stopped[AT_WINDOW] = early;
        struct run *run = open_run(&stream_endpoint);
        feed(run, body, STREAM_WINDOW_BYTES + 10);
        await_step(AT_WINDOW);
        if (early) {
            assert_int_equal(run_start(run, &all_here), RUN_WORKS);
            open_gate(AT_WINDOW);
        } else {
            assert_ptr_equal(take_reported(), run);
            assert_int_equal(run_resume(run), RUN_RECEIVES);
            assert_int_equal(run_start(run, &all_here), RUN_WORKS);
        }
        assert_int_equal(settle(run), RUN_DONE);
        assert_sum(run, body, STREAM_WINDOW_BYTES + 10);
        assert_result(run, "{\"requested\":2,\"granted\":2}");
        assert_true(run->times.cpu < 60 * NS_PER_S); /* nothing has gone below zero */
        run_free(run);
    }
    free(body);
}

static void a_short_stream_is_done_where_it_starts(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 2, .cost_ns = 100000};
    struct run *run = open_run(&stream_endpoint);
    feed(run, "abc", 3);
    assert_int_equal(run_start(run, &all_here), RUN_DONE);
    assert_true(pthread_equal(seen.thread[AT_WINDOW], pthread_self()));
    assert_result(run, "\"sum\":294,\"threads\":{\"requested\":2,\"granted\":1,\"reason\":\"small work");
    run_free(run);
}

/* Back-pressure: two windows full while a lane has one, and no byte more until that is reported. */
static void a_stream_is_full_until_its_lane_is_done(void **state) {
    (void)state;
    start_scheduler();
    char *body = make_body(LONG_BYTES);
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1000};
    plan.is_stopped[AT_WINDOW] = true;
    struct run *run = open_run(&stream_endpoint);
    size_t taken;
    assert_int_equal(run_feed(run, body, LONG_BYTES, &taken), RUN_IS_FULL);
    assert_int_equal(taken, 2 * STREAM_WINDOW_BYTES);
    assert_true(run->is_working);
    size_t charged_bytes = run->account.charged_bytes;
    assert_int_equal(run_feed(run, body + taken, 1, &taken), RUN_IS_FULL);
    assert_int_equal(taken, 0);
    open_gate(AT_WINDOW);
    assert_ptr_equal(take_reported(), run);
    assert_int_equal(run_resume(run), RUN_RECEIVES);
    assert_true(run->is_working); /* the full window went to a lane at once */
    assert_int_equal(feed_all(run, body + 2 * STREAM_WINDOW_BYTES, LONG_BYTES - 2 * STREAM_WINDOW_BYTES, LONG_BYTES),
                     RUN_FED);
    assert_int_equal(run->account.charged_bytes, charged_bytes);
    enum run_state state_now = run_start(run, &all_here);
    assert_int_equal(state_now == RUN_WORKS ? settle(run) : state_now, RUN_DONE);
    assert_sum(run, body, LONG_BYTES);
    run_free(run);
    free(body);
}

static void compressed_streams_are_unfolded_window_by_window(void **state) {
    (void)state;
    start_scheduler();
    enum { UNFOLDED = 9 << 20 };
    size_t folded;
    char *body = make_noise(UNFOLDED);
    char *coded = fold_gzip(body, UNFOLDED, &folded);
    assert_true(folded > 2 * STREAM_WINDOW_BYTES);
    struct run *run = make_run(&stream_endpoint);
    run->order.body_coding = CONTENT_GZIP;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    plan.demand = (struct demand){.threads = 2, .cost_ns = 1000};
    assert_int_equal(feed_all(run, coded, folded, 100000), RUN_FED);
    finish(run, &all_here);
    assert_sum(run, body, UNFOLDED);
    assert_true(seen.was_last);
    run_free(run);
    free(coded);
    free(body);
}

/* Four windows' worth: nine and a half are a window that unfolds in three turns. */
static void what_unfolds_to_much_takes_turns(void **state) {
    (void)state;
    start_scheduler();
    enum { UNFOLDED = 9 * STREAM_WINDOW_BYTES + STREAM_WINDOW_BYTES / 2 };
    size_t folded;
    unsigned turns = 0;
    char *body = calloc(1, UNFOLDED);
    assert_non_null(body);
    char *coded = fold_gzip(body, UNFOLDED, &folded);
    assert_in_range(folded, 1, STREAM_WINDOW_BYTES - 1);
    struct run *run = make_run(&stream_endpoint);
    run->order.body_coding = CONTENT_GZIP;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    feed(run, coded, folded);
    enum run_state now = run_start(run, &all_here);
    for (; now == RUN_WORKS; turns++) {
        assert_ptr_equal(take_reported(), run);
        now = run_resume(run);
    }
    assert_int_equal(turns, 3);
    assert_result(run, "\"sum\":0,");
    run_free(run);
    free(coded);
    free(body);
}

/* By its length: what a window would take is predicted. */
static void a_short_stream_is_done_here_if_it_is_predicted_to_be_cheap(void **state) {
    (void)state;
    start_scheduler();
    enum { LENGTH = STREAM_WINDOW_BYTES / 4, COST_NS = 400 };
    char *body = make_body(LENGTH);
    for (uint64_t limit_ns = COST_NS / 4; limit_ns <= COST_NS / 4 + 1; limit_ns++) {
        for (unsigned threads = 1; threads <= 2; threads++) {
            struct run_policy policy = {.decode_bytes = SIZE_MAX, .compute_ns = limit_ns};
            bool is_cheap = COST_NS / 4 < limit_ns;
            plan.demand = (struct demand){.cost_ns = COST_NS, .threads = threads};
            struct run *run = open_run(&stream_endpoint);
            feed(run, body, LENGTH);
            finish(run, &policy);
            assert_sum(run, body, LENGTH);
            assert_int_equal(pthread_equal(seen.thread[AT_WINDOW], pthread_self()) != 0, is_cheap);
            if (is_cheap) {
                assert_int_equal(run->answer.threads.requested, threads);
                assert_int_equal(run->answer.threads.granted, 1);
                assert_int_equal(run->answer.threads.reason, threads > 1 ? ANSWER_SMALL_WORK : ANSWER_AS_ASKED);
            }
            run_free(run);
        }
    }
    free(body);
}

/* Looked at when a window is handed over: what is beyond the limit never reaches an answer. */
static void streams_may_be_as_long_as_their_limit(void **state) {
    (void)state;
    start_scheduler();
    static const size_t limits[] = {1, 1000, STREAM_WINDOW_BYTES, 2 * STREAM_WINDOW_BYTES + 7};
    char *body = make_body(LONG_BYTES);
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        scene.facts.config.max_stream_bytes = limits[l];
        for (size_t length = limits[l] - 1; length <= limits[l] + 1; length++) {
            bool fits = length <= limits[l];
            struct run *run = open_run(&stream_endpoint);
            if (feed_all(run, body, length, 50000) == RUN_FED) {
                finish(run, &nothing_here);
            }
            if (fits) {
                assert_sum(run, body, length);
            } else {
                assert_refused(run, PROBLEM_BODY_TOO_LARGE);
            }
            run_free(run);
            run = make_run(&stream_endpoint);
            run->order.is_declared = true;
            run->order.declared_bytes = length;
            assert_int_equal(run_open(run), fits ? PROBLEM_NONE : PROBLEM_BODY_TOO_LARGE);
            run_free(run);
        }
    }
    scene.facts.config.max_stream_bytes = 0; /* no limit */
    struct run *run = open_declared(&stream_endpoint, SIZE_MAX);
    run_free(run);
    free(body);
}

static void a_problem_in_a_window_ends_the_stream(void **state) {
    (void)state;
    start_scheduler();
    char *body = make_body(LONG_BYTES);
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1000};
    plan.fails[AT_WINDOW] = PROBLEM_INVALID_UTF8;
    struct run *run = open_run(&stream_endpoint);
    assert_int_equal(feed_all(run, body, LONG_BYTES, LONG_BYTES), RUN_REFUSES);
    assert_refused(run, PROBLEM_INVALID_UTF8);
    assert_int_equal(seen.count[AT_WINDOW], 1);
    run_free(run);
    free(body);
}

/* Nothing is printed of what went wrong. */
static void a_problem_in_the_last_window_is_the_answer(void **state) {
    (void)state;
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1000};
    plan.fails[AT_WINDOW] = PROBLEM_INVALID_UTF8;
    const struct run_policy *policies[] = {&nothing_here, &all_here};
    for (int i = 0; i < 2; i++) {
        struct run *run = open_run(&stream_endpoint);
        feed(run, "abc", 3);
        finish(run, policies[i]);
        assert_refused(run, PROBLEM_INVALID_UTF8);
        assert_int_equal(seen.count[AT_ENCODE], 0);
        run_free(run);
    }
}

static void a_stream_that_finds_the_queue_full_is_refused(void **state) {
    (void)state;
    scene.facts.config.queue_length = 0;
    start_scheduler();
    hold_cores(CORES);
    char *body = make_body(LONG_BYTES);
    struct run *run = open_run(&stream_endpoint);
    assert_int_equal(feed_all(run, body, LONG_BYTES, LONG_BYTES), RUN_REFUSES);
    assert_refused(run, PROBLEM_OVERLOADED);
    assert_int_equal(scene.mailbox.awaited, 0);
    let_cores_go(CORES);
    run_free(run);
    free(body);
}

/* Once it was let in, a stream is never refused for a full queue. */
static void later_windows_wait_however_full_the_queue_is(void **state) {
    (void)state;
    scene.facts.config.queue_length = 0;
    start_scheduler();
    char *body = make_body(LONG_BYTES);
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1000};
    struct run *run = open_run(&stream_endpoint);
    feed(run, body, STREAM_WINDOW_BYTES + 1);
    assert_ptr_equal(take_reported(), run);
    assert_int_equal(run_resume(run), RUN_RECEIVES);
    hold_cores(CORES);
    feed(run, body + STREAM_WINDOW_BYTES + 1, LONG_BYTES / 2);
    assert_int_equal(run_start(run, &all_here), RUN_WORKS);
    let_cores_go(CORES);
    assert_int_equal(settle(run), RUN_DONE);
    assert_sum(run, body, STREAM_WINDOW_BYTES + 1 + LONG_BYTES / 2);
    run_free(run);
    free(body);
}

static void a_streams_options_are_read_before_its_body(void **state) {
    (void)state;
    start_scheduler();
    plan.fails[AT_DECODE] = PROBLEM_UNKNOWN_FIELD;
    struct run *run = make_run(&stream_endpoint);
    assert_int_equal(run_open(run), PROBLEM_UNKNOWN_FIELD);
    run_refuse(run);
    assert_refused(run, PROBLEM_UNKNOWN_FIELD);
    run_free(run);
}

static void windows_that_find_no_memory_refuse(void **state) {
    (void)state;
    start_scheduler();
    /* Each in turn: the windows' own struct, the first, the second, what gzip unfolds to, the decoder. */
    for (size_t limit = 0; limit < 3 * STREAM_WINDOW_BYTES; limit += STREAM_WINDOW_BYTES / 2) {
        scene.memory.limit_bytes = limit;
        struct run *run = make_run(&stream_endpoint);
        run->order.body_coding = CONTENT_GZIP;
        assert_int_equal(run_open(run), PROBLEM_MEMORY_LIMIT);
        run_refuse(run);
        assert_refused(run, PROBLEM_MEMORY_LIMIT);
        run_free(run);
        assert_int_equal(atomic_load(&scene.memory.used_bytes), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(streams_are_worked_on_in_windows, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(the_end_may_come_while_a_lane_works, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_short_stream_is_done_where_it_starts, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_stream_is_full_until_its_lane_is_done, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(compressed_streams_are_unfolded_window_by_window, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(what_unfolds_to_much_takes_turns, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_short_stream_is_done_here_if_it_is_predicted_to_be_cheap, open_scene,
                                        close_scene),
        cmocka_unit_test_setup_teardown(streams_may_be_as_long_as_their_limit, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_problem_in_a_window_ends_the_stream, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_problem_in_the_last_window_is_the_answer, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_stream_that_finds_the_queue_full_is_refused, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(later_windows_wait_however_full_the_queue_is, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_streams_options_are_read_before_its_body, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(windows_that_find_no_memory_refuse, open_scene, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("run_stream", tests, NULL, NULL);
}

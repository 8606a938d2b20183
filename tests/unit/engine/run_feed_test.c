/* How runs get their bodies: declared and not, whole and in windows, compressed, too long, and more than there is
 * memory for.
 *
 * ctest: threads */
#include "tests/unit/engine/run_case.h"

#include <stdio.h>
#include <zlib.h>

enum { LONG_BYTES = 3 * STREAM_WINDOW_BYTES + 12345 };

/* Letters that make each position count; the caller's. */
static char *make_body(size_t length) {
    char *bytes = malloc(length > 0 ? length : 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (char)('a' + i * 7 % 23);
    }
    return bytes;
}

static uint64_t sum_of(const char *bytes, size_t length) {
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum += (unsigned char)bytes[i];
    }
    return sum;
}

static void assert_sum(const struct run *run, const char *bytes, size_t length) {
    char part[64];
    (void)snprintf(part, sizeof part, "\"sum\":%llu,", (unsigned long long)sum_of(bytes, length));
    assert_result(run, part);
}

static char *fold_gzip(const char *bytes, size_t length, size_t *folded) {
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, length);
    char *out = malloc(room);
    assert_non_null(out);
    stream.next_in = (unsigned char *)(uintptr_t)bytes;
    stream.avail_in = (unsigned)length;
    stream.next_out = (unsigned char *)out;
    stream.avail_out = (unsigned)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *folded = room - stream.avail_out;
    deflateEnd(&stream);
    return out;
}

static struct run *open_declared(const struct endpoint *endpoint, size_t length) {
    struct run *run = make_run(endpoint);
    run->order.is_declared = true;
    run->order.declared_bytes = length;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    return run;
}

/* All of it, in pieces of `step`; the owner waits where the run is full. Returns what run_feed said last. */
static enum run_feeding feed_all(struct run *run, const char *bytes, size_t length, size_t step) {
    size_t at = 0, before = run->received_bytes;
    while (at < length) {
        size_t taken, piece = length - at < step ? length - at : step;
        enum run_feeding feeding = run_feed(run, bytes + at, piece, &taken);
        at += taken;
        if (feeding == RUN_REFUSES) {
            return RUN_REFUSES;
        }
        if (feeding == RUN_IS_FULL) {
            assert_ptr_equal(take_reported(), run);
            if (run_resume(run) == RUN_DONE) {
                return RUN_REFUSES;
            }
        }
    }
    assert_int_equal(run->received_bytes, before + length);
    return RUN_FED;
}

/* --- whole bodies ------------------------------------------------------------------------------------------------ */

static void whole_bodies_come_in_any_pieces(void **state) {
    (void)state;
    start_scheduler();
    static const size_t lengths[] = {0, 1, 65535, 65536, 65537, 300000, 2500000};
    static const size_t steps[] = {BODY_MAX_BYTES, 65536, 4099};
    char *body = make_body(2500000);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        for (size_t s = 0; s < 3; s++) {
            for (int declared = 0; declared < 2; declared++) {
                struct run *run = declared ? open_declared(&whole_endpoint, lengths[l]) : open_run(&whole_endpoint);
                assert_int_equal(feed_all(run, body, lengths[l], steps[s]), RUN_FED);
                finish(run, s == 0 ? &all_here : &nothing_here);
                assert_sum(run, body, lengths[l]);
                run_free(run);
            }
        }
    }
    free(body);
}

/* Declared or not, a body may be as long as the limit, and no longer. */
static void bodies_may_be_as_long_as_the_limit(void **state) {
    (void)state;
    start_scheduler();
    enum { LIMIT = 100000 };
    scene.facts.config.max_body_bytes = LIMIT;
    char *body = make_body(LIMIT + 1);
    for (size_t length = LIMIT - 1; length <= LIMIT + 1; length++) {
        struct run *run = open_run(&whole_endpoint);
        bool fits = length <= LIMIT;
        assert_int_equal(feed_all(run, body, length, 999), fits ? RUN_FED : RUN_REFUSES);
        if (fits) {
            finish(run, &nothing_here);
            assert_sum(run, body, length);
        } else {
            assert_refused(run, PROBLEM_BODY_TOO_LARGE);
        }
        run_free(run);
        run = make_run(&whole_endpoint);
        run->order.is_declared = true;
        run->order.declared_bytes = length;
        assert_int_equal(run_open(run), fits ? PROBLEM_NONE : PROBLEM_BODY_TOO_LARGE);
        run_free(run);
    }
    free(body);
}

static void a_declared_body_that_never_fits_is_refused_first(void **state) {
    (void)state;
    scene.memory.limit_bytes = 1 << 20;
    start_scheduler();
    struct run *run = make_run(&whole_endpoint);
    run->order.is_declared = true;
    run->order.declared_bytes = 2 << 20;
    assert_int_equal(run_open(run), PROBLEM_MEMORY_LIMIT);
    run_refuse(run);
    assert_refused(run, PROBLEM_MEMORY_LIMIT);
    run_free(run);
}

/* Others take what a half-fed body still needed. */
static void memory_may_run_out_midway(void **state) {
    (void)state;
    start_scheduler();
    char *body = make_body(BODY_MAX_BYTES);
    for (int declared = 0; declared < 2; declared++) {
        struct run *run = declared ? open_declared(&whole_endpoint, BODY_MAX_BYTES) : open_run(&whole_endpoint);
        feed(run, body, 1000);
        size_t free_bytes = MEMORY_BYTES - atomic_load(&scene.memory.used_bytes);
        assert_true(memory_budget_charge(&scene.memory, free_bytes));
        assert_int_equal(feed_all(run, body + 1000, BODY_MAX_BYTES - 1000, 65536), RUN_REFUSES);
        assert_refused(run, PROBLEM_MEMORY_BUSY);
        assert_string_equal(run->answer.fields[1].name, "Retry-After");
        /* Refused, it holds nothing of the body any more. */
        assert_int_equal(atomic_load(&scene.memory.used_bytes), free_bytes);
        memory_budget_refund(&scene.memory, free_bytes);
        run_free(run);
    }
    free(body);
}

static void a_body_that_ends_early_is_what_came(void **state) {
    (void)state;
    start_scheduler();
    struct run *run = open_declared(&whole_endpoint, 1 << 20);
    feed(run, "abc", 3);
    finish(run, &nothing_here);
    assert_result(run, "\"sum\":294");
    run_free(run);
}

static void compressed_bodies_are_unfolded_on_a_lane(void **state) {
    (void)state;
    start_scheduler();
    size_t folded;
    char *body = make_body(1000000);
    char *coded = fold_gzip(body, 1000000, &folded);
    struct run *run = make_run(&whole_endpoint);
    run->order.body_coding = CONTENT_GZIP;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    feed(run, coded, folded);
    finish(run, &all_here);
    assert_false(pthread_equal(seen.thread[AT_DECODE], pthread_self()));
    assert_sum(run, body, 1000000);
    run_free(run);
    free(coded);
    free(body);
}

/* The limit is that of what they unfold to. */
static void compressed_bodies_have_the_same_limit(void **state) {
    (void)state;
    start_scheduler();
    enum { LIMIT = 200000 };
    scene.facts.config.max_body_bytes = LIMIT;
    char *body = make_body(LIMIT + 1);
    for (size_t length = LIMIT - 1; length <= LIMIT + 1; length++) {
        size_t folded;
        char *coded = fold_gzip(body, length, &folded);
        struct run *run = make_run(&whole_endpoint);
        run->order.body_coding = CONTENT_GZIP;
        assert_int_equal(run_open(run), PROBLEM_NONE);
        feed(run, coded, folded);
        finish(run, &nothing_here);
        if (length <= LIMIT) {
            assert_sum(run, body, length);
        } else {
            assert_refused(run, PROBLEM_BODY_TOO_LARGE);
        }
        run_free(run);
        free(coded);
    }
    free(body);
}

static void bad_codings_are_refused(void **state) {
    (void)state;
    start_scheduler();
    static const struct {
        const char *bytes;
        size_t length;
        enum problem_kind whole;
    } cases[] = {{"not gzip", 8, PROBLEM_INVALID_ENCODING},
                 {"\x1f\x8b\x08", 3, PROBLEM_INVALID_ENCODING},
                 {"", 0, PROBLEM_EMPTY_BODY}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run *run = make_run(&whole_endpoint);
        run->order.body_coding = CONTENT_GZIP;
        assert_int_equal(run_open(run), PROBLEM_NONE);
        feed(run, cases[i].bytes, cases[i].length);
        finish(run, &nothing_here);
        assert_refused(run, cases[i].whole);
        run_free(run);
        run = make_run(&stream_endpoint);
        run->order.body_coding = CONTENT_GZIP;
        assert_int_equal(run_open(run), PROBLEM_NONE);
        feed(run, cases[i].bytes, cases[i].length);
        finish(run, &all_here);
        assert_refused(run, PROBLEM_INVALID_ENCODING);
        run_free(run);
    }
}

/* --- streams ----------------------------------------------------------------------------------------------------- */

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
    char *body = malloc(UNFOLDED);
    assert_non_null(body);
    uint32_t random = 1;
    for (size_t i = 0; i < UNFOLDED; i++) { /* compresses to about a half, so to several windows */
        random = random * 1664525 + 1013904223;
        body[i] = (char)('a' + (random >> 28));
    }
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

/* Looked at when a window is handed over: what is beyond the limit never reaches an answer. */
static void streams_may_be_as_long_as_their_limit(void **state) {
    (void)state;
    start_scheduler();
    static const size_t limits[] = {1000, STREAM_WINDOW_BYTES, 2 * STREAM_WINDOW_BYTES + 7};
    char *body = make_body(LONG_BYTES);
    for (size_t l = 0; l < 3; l++) {
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
        cmocka_unit_test_setup_teardown(whole_bodies_come_in_any_pieces, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(bodies_may_be_as_long_as_the_limit, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_declared_body_that_never_fits_is_refused_first, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(memory_may_run_out_midway, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_body_that_ends_early_is_what_came, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(compressed_bodies_are_unfolded_on_a_lane, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(compressed_bodies_have_the_same_limit, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(bad_codings_are_refused, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(streams_are_worked_on_in_windows, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(the_end_may_come_while_a_lane_works, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_short_stream_is_done_where_it_starts, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_stream_is_full_until_its_lane_is_done, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(compressed_streams_are_unfolded_window_by_window, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(streams_may_be_as_long_as_their_limit, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_problem_in_a_window_ends_the_stream, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_stream_that_finds_the_queue_full_is_refused, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(later_windows_wait_however_full_the_queue_is, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_streams_options_are_read_before_its_body, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(windows_that_find_no_memory_refuse, open_scene, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("run_feed", tests, NULL, NULL);
}

/* Bodies that are collected whole: declared and not, compressed, too long, and more than there is memory for.
 *
 * ctest: threads */
#include "tests/unit/engine/run_bodies.h"

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
    static const size_t declared[] = {1 << 20, BODY_MAX_BYTES}; /* more than is charged before it comes */
    for (size_t i = 0; i < sizeof declared / sizeof *declared; i++) {
        struct run *run = open_declared(&whole_endpoint, declared[i]);
        feed(run, "abc", 3);
        finish(run, &nothing_here);
        assert_result(run, "\"sum\":294");
        run_free(run);
        assert_int_equal(atomic_load(&scene.memory.used_bytes), 0);
    }
}

/* Long JSON is split while it comes; what is compressed isn't JSON yet. */
static void what_is_json_as_it_comes_is_split(void **state) {
    (void)state;
    enum { TEXT_BYTES = 200000, BODY_BYTES = TEXT_BYTES + 8, FIRST = 100000 };
    static const struct envelope_field bulk[] = {{"a", ENVELOPE_TEXT}, {NULL, ENVELOPE_TEXT}};
    struct endpoint endpoint = whole_endpoint;
    endpoint.bulk = bulk;
    char *body = malloc(BODY_BYTES);
    assert_non_null(body);
    memset(body, 'x', BODY_BYTES);
    memcpy(body, "{\"a\":\"", 6);
    memcpy(body + BODY_BYTES - 2, "\"}", 2);
    start_scheduler();
    for (int is_coded = 0; is_coded < 2; is_coded++) {
        struct run *run = make_run(&endpoint);
        run->order.body_coding = is_coded ? CONTENT_GZIP : CONTENT_IDENTITY;
        run->order.reply_coding = is_coded ? CONTENT_IDENTITY : CONTENT_GZIP;
        assert_int_equal(run_open(run), PROBLEM_NONE);
        feed(run, body, FIRST);
        assert_int_equal(run->call.envelope.at > 0, !is_coded);
        feed(run, body + FIRST, BODY_BYTES - FIRST);
        assert_int_equal(run->call.envelope.span_count, is_coded ? 0 : 1);
        run_free(run);
    }
    free(body);
}

/* For a message: where an endpoint takes arrays in a form that has NaN, which JSON hasn't, it says so. */
static void json_is_told_of_media_that_have_more(void **state) {
    (void)state;
    start_scheduler();
    static const struct {
        unsigned consumes, produces;
        bool has_more;
    } cases[] = {{MEDIA_JSON | MEDIA_NPY, MEDIA_JSON, true}, {MEDIA_JSON, MEDIA_JSON | MEDIA_NPY, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint endpoint = whole_endpoint;
        endpoint.consumes = cases[i].consumes;
        endpoint.produces = cases[i].produces;
        struct run *run = open_run(&endpoint);
        const char *media = run->call.envelope.non_finite_media;
        assert_true(cases[i].has_more ? media && strcmp(media, media_name(MEDIA_NPY)) == 0 : !media);
        run_free(run);
    }
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
    assert_int_equal(seen.count[AT_DECODE], 1);
    assert_false(pthread_equal(seen.thread[AT_DECODE], pthread_self()));
    assert_sum(run, body, 1000000);
    run_free(run);
    free(coded);
    free(body);
}

/* Compressed, it is longer than what a decoder is given at a time. */
static void long_compressed_bodies_are_unfolded_step_by_step(void **state) {
    (void)state;
    start_scheduler();
    enum { UNFOLDED = 2000000 };
    size_t folded;
    char *body = make_noise(UNFOLDED);
    char *coded = fold_gzip(body, UNFOLDED, &folded);
    assert_true(folded > 700000);
    struct run *run = make_run(&whole_endpoint);
    run->order.body_coding = CONTENT_GZIP;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    feed(run, coded, folded);
    free(coded); /* nothing behind the run's own copy */
    finish(run, &nothing_here);
    assert_sum(run, body, UNFOLDED);
    run_free(run);
    free(body);
}

/* All of it has been read, and there is more to come of it than fits at first: into a window, or three times the body.
 */
static void what_a_decoder_still_has_is_waited_for(void **state) {
    (void)state;
    enum { FIRST = 100, UNFOLDED = STREAM_WINDOW_BYTES + FIRST };
    const struct endpoint *endpoints[] = {&whole_endpoint, &stream_endpoint};
    size_t folded;
    char *body = make_body(UNFOLDED);
    char *coded = fold_zstd(body, UNFOLDED, FIRST, &folded);
    start_scheduler();
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1000};
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        struct run *run = make_run(endpoints[i]);
        run->order.body_coding = CONTENT_ZSTD;
        assert_int_equal(run_open(run), PROBLEM_NONE);
        feed(run, coded, folded);
        finish(run, &nothing_here);
        assert_sum(run, body, UNFOLDED);
        run_free(run);
    }
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
        assert_int_equal(seen.count[AT_DECODE], i); /* the streams' alone, whose options come first */
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_bodies_come_in_any_pieces, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(bodies_may_be_as_long_as_the_limit, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_declared_body_that_never_fits_is_refused_first, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(memory_may_run_out_midway, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_body_that_ends_early_is_what_came, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(what_is_json_as_it_comes_is_split, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(json_is_told_of_media_that_have_more, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(compressed_bodies_are_unfolded_on_a_lane, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(long_compressed_bodies_are_unfolded_step_by_step, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(what_a_decoder_still_has_is_waited_for, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(compressed_bodies_have_the_same_limit, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(bad_codings_are_refused, open_scene, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("run_feed", tests, NULL, NULL);
}

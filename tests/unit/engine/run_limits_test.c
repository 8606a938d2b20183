/* What is refused for its length, or for want of memory, says which limit that is and what it would take; room grows
 * to where the limit is; and what stays with the owner does so up to its bounds.
 *
 * ctest: threads */
#include "tests/unit/engine/run_bodies.h"

#include "codecs/coding/content_decoder.h"
#include "server/engine/coding.h"

enum { LIMIT = 99999 };

static const struct endpoint text_endpoint = {.path = "/text",
                                              .method = ENDPOINT_POST,
                                              .consumes = MEDIA_JSON | MEDIA_TEXT,
                                              .produces = MEDIA_JSON,
                                              .decode = planned_decode,
                                              .compute = planned_compute,
                                              .window = planned_window,
                                              .encode = planned_encode};

/* A window alone doesn't make a text of what comes. */
static const struct endpoint window_endpoint = {.path = "/window",
                                                .method = ENDPOINT_POST,
                                                .consumes = MEDIA_JSON,
                                                .produces = MEDIA_JSON,
                                                .decode = planned_decode,
                                                .compute = planned_compute,
                                                .window = planned_window,
                                                .encode = planned_encode};

static struct run *make_json_run(const struct endpoint *endpoint) {
    struct run *run = make_run(endpoint);
    run->order.body_media = MEDIA_JSON;
    return run;
}

/* What a text may have that JSON may not is offered where the endpoint takes one, and where that is more. */
static void a_declared_length_is_told_beside_its_limit(void **state) {
    (void)state;
    static const struct {
        const struct endpoint *endpoint;
        size_t max_stream_bytes;
        const char *offer;
    } cases[] = {
        {&whole_endpoint, LIMIT + 1, ""},
        {&window_endpoint, LIMIT + 1, ""},
        {&text_endpoint, 1, ""},
        {&text_endpoint, LIMIT, ""},
        {&text_endpoint, LIMIT + 1, "; as text/plain it may be longer (--max-stream)"},
        {&text_endpoint, 0, "; as text/plain it may have any length (--max-stream)"},
    };
    start_scheduler();
    scene.facts.config.max_body_bytes = LIMIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[200];
        scene.facts.config.max_stream_bytes = cases[i].max_stream_bytes;
        for (int is_deferred = 0; is_deferred < 2; is_deferred++) {
            struct run *run = make_json_run(is_deferred ? &whole_endpoint : cases[i].endpoint);
            run->order.deferred = is_deferred ? cases[i].endpoint : NULL;
            run->order.is_declared = true;
            run->order.declared_bytes = LIMIT + 1;
            assert_int_equal(run_open(run), PROBLEM_BODY_TOO_LARGE);
            (void)snprintf(expected, sizeof expected, "the body has %d bytes, the limit (--max-body) is %d%s",
                           LIMIT + 1, LIMIT, cases[i].offer);
            assert_string_equal(run->call.problem.detail, expected);
            run_free(run);
        }
    }
}

static void a_length_that_shows_while_it_comes_is_told(void **state) {
    (void)state;
    static const char offer[] = "; as text/plain it may be longer (--max-stream)";
    char expected[200];
    size_t folded;
    char *body = make_body(LIMIT + 1);
    char *coded = fold_gzip(body, LIMIT + 1, &folded);
    start_scheduler();
    scene.facts.config.max_body_bytes = LIMIT;

    struct run *run = make_json_run(&text_endpoint);
    assert_int_equal(run_open(run), PROBLEM_NONE);
    assert_int_equal(feed_all(run, body, LIMIT + 1, 999), RUN_REFUSES);
    (void)snprintf(expected, sizeof expected, "the body has more than %d bytes, which is the limit (--max-body)%s",
                   LIMIT, offer);
    assert_string_equal(run->answer.problem->detail, expected);
    run_free(run);

    run = make_json_run(&text_endpoint);
    run->order.body_coding = CONTENT_GZIP;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    feed(run, coded, folded);
    finish(run, &nothing_here);
    (void)snprintf(expected, sizeof expected,
                   "the body unfolds to more than %d bytes, which is the limit (--max-body)%s", LIMIT, offer);
    assert_string_equal(run->answer.problem->detail, expected);
    run_free(run);

    run = make_json_run(&text_endpoint);
    assert_int_equal(run_lend(run, &(struct payload){.bytes = body, .length = LIMIT + 1}), RUN_REFUSES);
    (void)snprintf(expected, sizeof expected, "the body has %d bytes, the limit (--max-body) is %d%s", LIMIT + 1, LIMIT,
                   offer);
    assert_string_equal(run->answer.problem->detail, expected);
    run_free(run);

    scene.facts.config.max_stream_bytes = LIMIT;
    run = open_run(&stream_endpoint);
    assert_int_equal(feed_all(run, body, LIMIT + 1, 999), RUN_FED);
    finish(run, &nothing_here);
    (void)snprintf(expected, sizeof expected, "the body has more than %d bytes, which is the limit (--max-stream)",
                   LIMIT);
    assert_string_equal(run->answer.problem->detail, expected);
    run_free(run);
    free(coded);
    free(body);
}

/* Doubled, or the limit at once where that is less than twice as much. */
static void the_room_of_an_undeclared_body_doubles_up_to_the_limit(void **state) {
    (void)state;
    static const struct {
        size_t limit, length, capacity;
    } cases[] = {
        {150000, 1, 65536},      {150000, 65536, 65536},  {150000, 65537, 131072},  {150000, 131073, 150000},
        {100000, 65537, 100000}, {131072, 65537, 131072}, {600000, 140000, 262144},
    };
    char *body = make_body(LONG_BYTES);
    start_scheduler();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene.facts.config.max_body_bytes = cases[i].limit;
        struct run *run = open_run(&whole_endpoint);
        feed(run, body, cases[i].length);
        assert_int_equal(run->call.body.capacity, cases[i].capacity);
        assert_int_equal(run->call.body.length, cases[i].length);
        run_free(run);
    }
    free(body);
}

static void assert_lacking(const struct problem *problem, size_t bytes, size_t held) {
    char expected[PROBLEM_BYTES_MAX + 200];
    (void)snprintf(expected, sizeof expected,
                   "the request needs %zu bytes beside the %zu it has; of the %d in all (--memory) others hold too "
                   "many just now",
                   bytes, held, MEMORY_BYTES);
    assert_int_equal(problem->kind, PROBLEM_MEMORY_BUSY);
    assert_string_equal(problem->detail, expected);
}

/* All others take it. */
static size_t take_what_is_left(size_t but_bytes) {
    size_t bytes = MEMORY_BYTES - atomic_load(&scene.memory.used_bytes) - but_bytes;
    assert_true(memory_budget_charge(&scene.memory, bytes));
    return bytes;
}

static void what_a_body_lacks_is_told(void **state) {
    (void)state;
    char *body = make_body(MEMORY_BYTES / 16);
    start_scheduler();
    for (int is_begun = 0; is_begun < 2; is_begun++) { /* undeclared: what its room would grow by */
        struct run *run = open_run(&whole_endpoint);
        if (is_begun) {
            feed(run, body, 1000);
        }
        size_t taken, held = run->account.charged_bytes, others = take_what_is_left(0);
        assert_int_equal(run_feed(run, body, 65536, &taken), RUN_REFUSES);
        assert_lacking(run->answer.problem, 65536, held);
        memory_budget_refund(&scene.memory, others);
        run_free(run);
    }
    for (int is_begun = 0; is_begun < 2; is_begun++) { /* declared: what isn't charged yet */
        struct run *run = open_declared(&whole_endpoint, BODY_MAX_BYTES);
        if (is_begun) {
            feed(run, body, 1000);
        }
        size_t taken, held = run->account.charged_bytes, others = take_what_is_left(0);
        assert_int_equal(run_feed(run, body, BODY_MAX_BYTES - 1000, &taken), RUN_REFUSES);
        assert_lacking(run->answer.problem, PAYLOAD_HEAD_BYTES + BODY_MAX_BYTES - run->reserved.charged_bytes - held,
                       held);
        memory_budget_refund(&scene.memory, others);
        run_free(run);
    }
    free(body);
}

static void what_a_stream_lacks_is_told(void **state) {
    (void)state;
    start_scheduler();
    for (size_t window = 0; window < 2; window++) { /* there is room for none, and for the first of them */
        struct run *run = make_run(&stream_endpoint);
        size_t others = take_what_is_left(4096 + window * STREAM_WINDOW_BYTES);
        assert_int_equal(run_open(run), PROBLEM_MEMORY_BUSY);
        assert_in_range(run->account.charged_bytes, window * STREAM_WINDOW_BYTES, 4096 + window * STREAM_WINDOW_BYTES);
        assert_lacking(&run->call.problem, STREAM_WINDOW_BYTES, run->account.charged_bytes);
        memory_budget_refund(&scene.memory, others);
        run_free(run);
    }
}

/* A declared stream that is shorter than a window has one, and no longer than the stream. */
static void a_short_stream_takes_what_it_declares(void **state) {
    (void)state;
    start_scheduler();
    static const struct {
        size_t declared, windows;
    } cases[] = {{0, 1},
                 {1, 1},
                 {5000, 5000},
                 {STREAM_WINDOW_BYTES - 1, STREAM_WINDOW_BYTES - 1},
                 {STREAM_WINDOW_BYTES, 2 * STREAM_WINDOW_BYTES}};
    size_t others = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run *run = open_declared(&stream_endpoint, cases[i].declared);
        size_t charged = run->account.charged_bytes - cases[i].windows;
        others = i == 0 ? charged : others; /* the same for all */
        assert_int_equal(charged, others);
        run_free(run);
    }
}

/* Also where its room, three times its length at first, is just the limit. */
static void a_body_may_unfold_to_the_limit(void **state) {
    (void)state;
    size_t folded;
    char *body = make_body(LIMIT);
    start_scheduler();
    free(fold_gzip(body, LIMIT, &folded));
    char *coded = fold_gzip_named(body, LIMIT, LIMIT / 3 - folded - 1, &folded);
    assert_int_equal(3 * folded, LIMIT);
    scene.facts.config.max_body_bytes = LIMIT;
    struct run *run = make_run(&whole_endpoint);
    run->order.body_coding = CONTENT_GZIP;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    feed(run, coded, folded);
    finish(run, &nothing_here);
    assert_sum(run, body, LIMIT);
    run_free(run);
    free(coded);
    free(body);
}

static size_t needed_bytes(const struct problem *problem) {
    const char *needs = strstr(problem->detail, "needs ");
    assert_non_null(needs);
    return strtoull(needs + strlen("needs "), NULL, 10);
}

/* The decoder, or what a body unfolds to: three times its length at first, then as much again each time. */
static void what_unfolding_lacks_is_told(void **state) {
    (void)state;
    enum { UNFOLDED = 300000, STEP_BYTES = 4096 };
    size_t folded;
    char *body = make_body(UNFOLDED);
    char *coded = fold_gzip(body, UNFOLDED, &folded);
    size_t room = 3 * folded, steps = 0;
    assert_in_range(room, 1, UNFOLDED / 4);
    start_scheduler();
    struct run *run = make_run(&whole_endpoint);
    run->order.body_coding = CONTENT_GZIP;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    feed(run, coded, folded);
    size_t held = run->account.charged_bytes;
    for (size_t left = 0; run->call.body.length != UNFOLDED; left += STEP_BYTES) {
        size_t others = take_what_is_left(left);
        run->call.problem = (struct problem){0};
        if (coding_unfold(&run->call, BODY_MAX_BYTES)) {
            assert_int_equal(run->call.problem.kind, PROBLEM_MEMORY_BUSY);
            assert_int_equal(run->account.charged_bytes, held);
            size_t needed = needed_bytes(&run->call.problem);
            while (needed != CONTENT_DECODER_BYTES_MAX && needed > room) {
                room *= 2;
                steps++;
            }
            assert_true(needed == CONTENT_DECODER_BYTES_MAX || needed == room);
        }
        memory_budget_refund(&scene.memory, others);
    }
    assert_in_range(steps, 1, 64);
    assert_int_equal(run->call.body.capacity, 2 * room);
    assert_memory_equal(run->call.body.bytes, body, UNFOLDED);
    run_free(run);
    free(coded);
    free(body);
}

/* --- what stays with the owner ------------------------------------------------------------------------------------ */

static struct endpoint blind_endpoint(void) {
    struct endpoint endpoint = whole_endpoint;
    endpoint.is_blind = true;
    return endpoint;
}

/* How many bytes a policy has to allow for a body of `length` to be decoded here. */
static void assert_decoded_here_from(const struct run *like, size_t length, size_t decode_bytes) {
    char *body = make_body(length);
    for (size_t less = 0; less < 2; less++) {
        const struct run_policy policy = {.decode_bytes = decode_bytes - less};
        struct run *run = make_run(like->order.endpoint);
        run->order = like->order;
        assert_int_equal(run_open(run), PROBLEM_NONE);
        feed(run, body, length);
        finish(run, &policy);
        assert_int_equal(pthread_equal(seen.thread[AT_DECODE], pthread_self()) != 0, less == 0);
        assert_sum(run, body, length);
        run_free(run);
    }
    free(body);
}

/* Of arrays the heads are looked at, and of what an endpoint doesn't look at nothing, up to 64 KiB. */
static void some_bodies_cost_nothing_to_decode(void **state) {
    (void)state;
    struct endpoint blind = blind_endpoint();
    start_scheduler();
    struct run *like = make_json_run(&whole_endpoint);
    assert_int_equal(run_open(like), PROBLEM_NONE);
    assert_decoded_here_from(like, 1000, 1000);
    like->order.body_media = MEDIA_NPY;
    assert_decoded_here_from(like, 100000, 1);
    like->order.endpoint = &blind;
    assert_decoded_here_from(like, 65536, 1);
    assert_decoded_here_from(like, 65537, 65537);
    like->order.body_media = MEDIA_TEXT;
    assert_decoded_here_from(like, 65536, 1);
    assert_decoded_here_from(like, 65537, 65537);
    like->order.body_coding = CONTENT_GZIP; /* as it came */
    assert_decoded_here_from(like, 1000, 1);
    like->order.body_coding = CONTENT_IDENTITY;
    like->order.deferred = &whole_endpoint; /* which looks at it */
    assert_decoded_here_from(like, 1000, 1000);
    like->order.body_coding = CONTENT_GZIP;
    feed(like, "abc", 3);
    finish(like, &all_here); /* which may have to unfold it */
    assert_false(pthread_equal(seen.thread[AT_DECODE], pthread_self()));
    run_free(like);
}

/* What is left of a body whose bulk was found while it came: nothing of a text, a 32nd of an array, all of an object,
 * however many there are. */
static void each_bulk_member_costs_its_own(void **state) {
    (void)state;
    enum { BULK_BYTES = 3200 };
    static const struct envelope_field bulk[] = {
        {"a", ENVELOPE_TEXT}, {"b", ENVELOPE_NUMBERS}, {"c", ENVELOPE_MEMBERS}, {NULL, ENVELOPE_TEXT}};
    struct endpoint endpoint = whole_endpoint;
    endpoint.bulk = bulk;
    char text[BULK_BYTES + 1], digits[BULK_BYTES + 1], body[3 * BULK_BYTES];
    memset(text, 'x', BULK_BYTES);
    memset(digits, '1', BULK_BYTES);
    text[BULK_BYTES] = digits[BULK_BYTES] = '\0';
    size_t length = (size_t)snprintf(body, sizeof body, "{\"a\":\"%s\",\"b\":[%s],\"c\":{\"d\":12345}}", text, digits);
    start_scheduler();
    for (size_t less = 0; less < 2; less++) {
        const struct run_policy policy = {.decode_bytes = length - 2 * BULK_BYTES + BULK_BYTES / 32 - less};
        struct run *run = open_run(&endpoint);
        feed(run, body, length);
        envelope_split(&run->call.envelope, run->call.body.bytes, run->call.body.length, true, NULL);
        assert_int_equal(run->call.envelope.span_count, 3);
        finish(run, &policy);
        assert_int_equal(pthread_equal(seen.thread[AT_DECODE], pthread_self()) != 0, less == 0);
        assert_sum(run, body, length);
        run_free(run);
    }
}

/* A glance is for long JSON alone: what is wrong with the heads of arrays is said where they are looked at. */
static void arrays_are_not_glanced_at(void **state) {
    (void)state;
    static const struct run_policy policy = {.decode_bytes = 1};
    start_scheduler();
    plan.fails[AT_DECODE] = PROBLEM_WRONG_TYPE;
    struct run *run = make_run(&whole_endpoint);
    run->order.body_media = MEDIA_NPY;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    feed(run, "abc", 3);
    assert_int_equal(run_start(run, &policy), RUN_DONE);
    assert_int_equal(seen.count[AT_DECODE], 1);
    assert_refused(run, PROBLEM_WRONG_TYPE);
    run_free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_declared_length_is_told_beside_its_limit, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_length_that_shows_while_it_comes_is_told, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(the_room_of_an_undeclared_body_doubles_up_to_the_limit, open_scene,
                                        close_scene),
        cmocka_unit_test_setup_teardown(what_a_body_lacks_is_told, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(what_a_stream_lacks_is_told, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_short_stream_takes_what_it_declares, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_body_may_unfold_to_the_limit, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(what_unfolding_lacks_is_told, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(some_bodies_cost_nothing_to_decode, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(each_bulk_member_costs_its_own, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(arrays_are_not_glanced_at, open_scene, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("run_limits", tests, NULL, NULL);
}

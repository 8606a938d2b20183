/* What a trial's decode sees, and that nothing of it stays with the call that tries.
 *
 * ctest: threads */
#include "server/engine/trial.h"

#include "tests/unit/engine/run_bodies.h"

enum { UNFOLDED = 100000, LIMIT = UNFOLDED };

/* Of the latest trial's decode. */
static struct {
    unsigned decodes;
    size_t length;
    uint64_t sum;
} sight;

static enum problem_kind look_at_body(struct call *call) {
    const struct payload *body = &call->body;
    sight.decodes++;
    sight.length = body->length;
    sight.sum = body->length > 0 ? sum_of(body->bytes, body->length) : 0;
    return planned_decode(call);
}

/* A trial of such a body by a call that has a run of its own. */
static struct problem try(const struct order *order, const char *bytes, size_t length, bool is_cancelled) {
    struct problem problem = {0};
    struct payload body = {0};
    struct run *run = make_run(&whole_endpoint);
    memset(&sight, 0, sizeof sight);
    assert_true(payload_take(&body, run->call.memory, length > 0 ? length : 1));
    memcpy(body.bytes, bytes, length);
    body.length = length;
    size_t charged_bytes = run->account.charged_bytes;
    atomic_store(&run->call.cancel, is_cancelled);
    assert_int_equal(trial_decode(&run->call, order, &body, &problem), PROBLEM_NONE);
    assert_int_equal(run->call.problem.kind, PROBLEM_NONE);
    assert_in_range(run->account.charged_bytes, charged_bytes, charged_bytes + sizeof(struct call)); /* it goes last */
    assert_int_equal(body.length, length);
    payload_drop(&body);
    run_free(run);
    return problem;
}

static void it_sees_what_a_run_would(void **state) {
    (void)state;
    struct endpoint whole = whole_endpoint, stream = stream_endpoint;
    whole.decode = stream.decode = look_at_body;
    start_scheduler();
    size_t folded;
    char *body = make_body(UNFOLDED);
    char *coded = fold_gzip(body, UNFOLDED, &folded);
    const struct {
        const struct endpoint *endpoint;
        enum media media;
        enum content_coding coding;
        const char *bytes;
        size_t length, seen;
    } cases[] = {
        {&whole, MEDIA_JSON, CONTENT_IDENTITY, body, UNFOLDED, UNFOLDED},
        {&whole, MEDIA_TEXT, CONTENT_IDENTITY, body, UNFOLDED, UNFOLDED},
        {&whole, MEDIA_JSON, CONTENT_GZIP, coded, folded, UNFOLDED},
        {&whole, MEDIA_JSON, CONTENT_GZIP, "", 0, 0},
        {&stream, MEDIA_JSON, CONTENT_IDENTITY, body, UNFOLDED, UNFOLDED},
        {&stream, MEDIA_TEXT, CONTENT_IDENTITY, body, UNFOLDED, 0}, /* its windows come later */
        {&stream, MEDIA_TEXT, CONTENT_GZIP, coded, folded, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct order order = {
            .endpoint = cases[i].endpoint, .body_media = cases[i].media, .body_coding = cases[i].coding};
        struct problem problem = try(&order, cases[i].bytes, cases[i].length, false);
        assert_int_equal(problem.kind, PROBLEM_NONE);
        assert_int_equal(sight.decodes, 1);
        assert_int_equal(sight.length, cases[i].seen);
        assert_int_equal(sight.sum, sum_of(body, cases[i].seen));
    }
    free(coded);
    free(body);
}

static void what_is_wrong_is_told_and_not_the_calls(void **state) {
    (void)state;
    struct endpoint whole = whole_endpoint;
    whole.decode = look_at_body;
    struct order order = {.endpoint = &whole, .body_media = MEDIA_JSON};
    start_scheduler();
    plan.fails[AT_DECODE] = PROBLEM_WRONG_TYPE;
    assert_int_equal(try(&order, "abc", 3, false).kind, PROBLEM_WRONG_TYPE);
    assert_int_equal(try(&order, "abc", 3, true).kind, PROBLEM_NONE); /* nobody waits for it */
    assert_int_equal(sight.decodes, 0);
    order.body_coding = CONTENT_GZIP;
    assert_int_equal(try(&order, "a", 1, false).kind, PROBLEM_INVALID_ENCODING);
    assert_int_equal(sight.decodes, 0);
}

static void a_body_may_unfold_to_the_limit(void **state) {
    (void)state;
    struct endpoint whole = whole_endpoint;
    whole.decode = look_at_body;
    const struct order order = {.endpoint = &whole, .body_media = MEDIA_JSON, .body_coding = CONTENT_GZIP};
    scene.facts.config.max_body_bytes = LIMIT;
    start_scheduler();
    for (size_t length = LIMIT; length <= LIMIT + 1; length++) {
        size_t folded;
        char *body = make_body(length);
        char *coded = fold_gzip(body, length, &folded);
        bool fits = length <= LIMIT;
        assert_int_equal(try(&order, coded, folded, false).kind, fits ? PROBLEM_NONE : PROBLEM_BODY_TOO_LARGE);
        assert_int_equal(sight.decodes, fits);
        free(coded);
        free(body);
    }
}

/* There is none, then. */
static void memory_that_a_trial_itself_lacks_is_the_calls_problem(void **state) {
    (void)state;
    start_scheduler();
    struct problem problem = {0};
    const struct payload nothing = {0};
    const struct order order = {.endpoint = &whole_endpoint, .body_media = MEDIA_JSON};
    struct run *run = make_run(&whole_endpoint);
    while (call_take(&run->call, 1024)) {
    }
    run->call.problem = (struct problem){0};
    assert_int_equal(trial_decode(&run->call, &order, &nothing, &problem), PROBLEM_MEMORY_LIMIT);
    assert_int_equal(run->call.problem.kind, PROBLEM_MEMORY_LIMIT);
    assert_int_equal(problem.kind, PROBLEM_NONE);
    assert_int_equal(seen.count[AT_DECODE], 0);
    run_free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_sees_what_a_run_would, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_told_and_not_the_calls, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_body_may_unfold_to_the_limit, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(memory_that_a_trial_itself_lacks_is_the_calls_problem, open_scene, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}

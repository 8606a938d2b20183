/* What becomes of what a handler prints, or doesn't: results without a body, those that are all the handler's, those
 * that were to be kept, and those that memory is short for.
 *
 * ctest: threads */
#include "tests/unit/engine/run_case.h"

static struct {
    unsigned status; /* that compute sets, with two header fields if it stores nothing; 0: none */
    bool stores;     /* the order names the result */
} outcome;

static void set_outcome(struct call *call) {
    if (outcome.stores) {
        call->store.name = (struct text_view){"name", 4};
    }
    if (outcome.status != 0) {
        call->status = outcome.status;
    }
    if (outcome.status != 0 && !outcome.stores) {
        assert_int_equal(call_add_field(call, "X-Field", "value"), PROBLEM_NONE);
        assert_int_equal(call_add_field(call, "X-Other", "value"), PROBLEM_NONE);
    }
}

static enum problem_kind print_nothing(struct call *call) {
    return do_step(call, AT_ENCODE);
}

static enum problem_kind print_all(struct call *call) {
    text_put(&call->reply.text, "[1]", 3);
    return do_step(call, AT_ENCODE);
}

static struct run *finish_with(const struct endpoint *endpoint, const struct run_policy *policy) {
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    plan.during_compute = set_outcome;
    struct run *run = open_run(endpoint);
    feed(run, "abc", 3);
    finish(run, policy);
    return run;
}

static void two_statuses_have_no_body(void **state) {
    (void)state;
    static const unsigned statuses[] = {0, 200, 203, 204, 205, 303, 304, 305};
    struct endpoint endpoint = whole_endpoint;
    endpoint.encode = print_nothing;
    start_scheduler();
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        outcome.stores = false;
        outcome.status = statuses[i];
        struct run *run = finish_with(&endpoint, i % 2 ? &all_here : &nothing_here);
        assert_int_equal(run->answer.status, statuses[i] != 0 ? statuses[i] : 200);
        bool has_body = statuses[i] != 204 && statuses[i] != 304;
        assert_string_equal(run->answer.fields[0].name, has_body ? "Content-Type" : "X-Field");
        if (!has_body) {
            assert_int_equal(run->answer.length, 0);
        } else {
            assert_body_has(run, "{\"threads\":{");
        }
        run_free(run);
    }
}

static void a_handler_may_print_all_of_it(void **state) {
    (void)state;
    struct endpoint endpoint = whole_endpoint;
    endpoint.encode = print_all;
    endpoint.writes_all = true;
    start_scheduler();
    memset(&outcome, 0, sizeof outcome);
    struct run *run = finish_with(&endpoint, &all_here);
    char *body = read_body(&run->answer, 64);
    assert_string_equal(body, "[1]");
    free(body);
    run_free(run);
}

/* A result that was to be kept under a name says by a status of its own that it was. */
static void what_was_to_be_kept_and_was_not_is_a_mistake_of_the_server(void **state) {
    (void)state;
    start_scheduler();
    for (int is_kept = 0; is_kept < 2; is_kept++) {
        outcome.stores = true;
        outcome.status = is_kept ? 201 : 0;
        struct run *run = finish_with(&whole_endpoint, is_kept ? &all_here : &nothing_here);
        if (is_kept) {
            assert_int_equal(run->answer.status, 201);
            assert_body_has(run, "\"sum\":294");
        } else {
            assert_refused(run, PROBLEM_INTERNAL);
            assert_body_has(run, "\"pointer\":\"/store\"");
        }
        run_free(run);
    }
}

/* They say what a range could be that isn't there; any other refusal has none of the result's. */
static void fields_go_with_results_and_with_ranges_that_are_not_there(void **state) {
    (void)state;
    static const struct {
        enum problem_kind fails;
        bool has_fields;
    } cases[] = {{PROBLEM_NONE, true}, {PROBLEM_RANGE_NOT_SATISFIABLE, true}, {PROBLEM_OUT_OF_RANGE, false}};
    start_scheduler();
    outcome.stores = false;
    outcome.status = 200;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plan.fails[AT_COMPUTE] = cases[i].fails;
        struct run *run = finish_with(&whole_endpoint, &nothing_here);
        assert_int_equal(run->answer.field_count, cases[i].has_fields ? 3 : 1);
        assert_string_equal(run->answer.fields[0].name, "Content-Type");
        if (cases[i].has_fields) {
            assert_string_equal(run->answer.fields[1].name, "X-Field");
            assert_string_equal(run->answer.fields[2].name, "X-Other");
        }
        run_free(run);
    }
}

static void what_printing_lacks_is_told(void **state) {
    (void)state;
    enum { REPLY_BYTES = 4 << 20 };
    start_scheduler();
    memset(&outcome, 0, sizeof outcome);
    plan.reply_bytes = REPLY_BYTES;
    struct run *run = open_short_run();
    size_t others = MEMORY_BYTES - atomic_load(&scene.memory.used_bytes) - REPLY_BYTES - REPLY_BYTES / 2;
    assert_true(memory_budget_charge(&scene.memory, others)); /* the text is there, what is printed of it isn't */
    finish(run, &all_here);
    assert_refused(run, PROBLEM_MEMORY_BUSY);
    const char *needs = strstr(run->answer.problem->detail, "needs ");
    assert_non_null(needs);
    assert_in_range(strtoull(needs + strlen("needs "), NULL, 10), REPLY_BYTES, 2 * REPLY_BYTES);
    memory_budget_refund(&scene.memory, others);
    run_free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_statuses_have_no_body, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_handler_may_print_all_of_it, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(what_was_to_be_kept_and_was_not_is_a_mistake_of_the_server, open_scene,
                                        close_scene),
        cmocka_unit_test_setup_teardown(fields_go_with_results_and_with_ranges_that_are_not_there, open_scene,
                                        close_scene),
        cmocka_unit_test_setup_teardown(what_printing_lacks_is_told, open_scene, close_scene),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("run_encode", tests, NULL, NULL);
}

#include "handlers/options.h"

#include "server/system/clock.h"
#include "tests/unit/handlers/test_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { PLENTY = 1 << 24 };

static const struct field own_fields[] = {{"x", FIELD_BODY}, {"t", FIELD_BODY}, {NULL, FIELD_TEXT}};
static const struct envelope_field own_bulk[] = {{"x", ENVELOPE_NUMBERS}, {"t", ENVELOPE_TEXT}, {NULL, ENVELOPE_TEXT}};

static struct plain_memory plain;

/* Cores 0 to 2 and 5 are usable. */
static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    facts.config.timeout_ns = 30 * NS_PER_S;
    CPU_ZERO(&facts.cores.usable);
    CPU_SET(0, &facts.cores.usable);
    CPU_SET(1, &facts.cores.usable);
    CPU_SET(2, &facts.cores.usable);
    CPU_SET(5, &facts.cores.usable);
    return 0;
}

static void begin(const char *body) {
    open_call(NULL, &plain.base, PLENTY);
    assert_int_equal(plain.used_bytes, 0);
    envelope_begin(&call.envelope, own_bulk);
    assert_true(give_body(&plain.base, body, strlen(body)));
}

static enum problem_kind decode(const char *body) {
    begin(body);
    enum problem_kind kind = options_decode(&call, own_fields);
    assert_int_equal(kind, call.problem.kind);
    return kind;
}

static int tear_down(void **state) {
    (void)state;
    call_release(&call);
    assert_int_equal(plain.used_bytes, 0);
    return 0;
}

static void expect_good(const char *body) {
    if (decode(body)) {
        fail_msg("%s: %s", body, call.problem.detail);
    }
}

static void nothing_given_means_the_defaults(void **state) {
    (void)state;
    expect_good("{\"x\":1}");
    assert_non_null(call.document);
    assert_int_equal(call.demand.threads, 0);
    assert_int_equal(call.demand.timeout_ns, 0);
    assert_null(call.demand.cores);
    assert_int_equal(call.demand.schedule, TEAM_STATIC);
    assert_int_equal(call.demand.chunk, 0);
}

static void every_option_is_read(void **state) {
    (void)state;
    expect_good("{\"threads\":8,\"schedule\":\"guided\",\"chunk\":4096,\"timeout_ms\":250,\"cores\":[5,0]}");
    assert_int_equal(call.demand.threads, 8);
    assert_int_equal(call.demand.timeout_ns, 250 * NS_PER_MS);
    assert_int_equal(call.demand.core_count, 2);
    assert_int_equal(call.demand.cores[0], 5);
    assert_int_equal(call.demand.cores[1], 0);
    assert_int_equal(call.demand.schedule, TEAM_GUIDED);
    assert_int_equal(call.demand.chunk, 4096);
}

static void every_schedule_has_its_name(void **state) {
    (void)state;
    expect_good("{\"schedule\":\"static\"}");
    assert_int_equal(call.demand.schedule, TEAM_STATIC);
    expect_good("{\"schedule\":\"dynamic\"}");
    assert_int_equal(call.demand.schedule, TEAM_DYNAMIC);
}

static void the_ends_of_every_range_are_allowed(void **state) {
    (void)state;
    expect_good("{\"threads\":1,\"chunk\":0,\"timeout_ms\":1,\"cores\":[0]}");
    expect_good("{\"threads\":1024,\"chunk\":9007199254740991,\"timeout_ms\":30000,\"cores\":[0,1,2,5]}");
    assert_int_equal(call.demand.chunk, (UINT64_C(1) << 53) - 1);
}

static void cores_set_the_thread_count_unless_it_is_given(void **state) {
    (void)state;
    expect_good("{\"cores\":[0,1,5]}");
    assert_int_equal(call.demand.threads, 3);
    expect_good("{\"cores\":[0,1,5],\"threads\":2}");
    assert_int_equal(call.demand.threads, 2);
    expect_good("{\"cores\":[0,1,5],\"threads\":\"auto\"}");
    assert_int_equal(call.demand.threads, 0);
}

static const struct {
    const char *body;
    enum problem_kind kind;
    const char *pointer;
    const char *detail;
} bad_values[] = {
    {"{\"threads\":0}", PROBLEM_OUT_OF_RANGE, "/threads",
     "\"threads\" is 0; a whole number from 1 to 1024, or \"auto\", is expected"},
    {"{\"threads\":-1}", PROBLEM_OUT_OF_RANGE, "/threads", NULL},
    {"{\"threads\":1025}", PROBLEM_OUT_OF_RANGE, "/threads", NULL},
    {"{\"threads\":1.5}", PROBLEM_WRONG_TYPE, "/threads", NULL},
    {"{\"threads\":\"two\"}", PROBLEM_WRONG_TYPE, "/threads",
     "\"threads\" is the string \"two\"; a whole number from 1 to 1024, or \"auto\", is expected"},
    {"{\"threads\":\"AUTO\"}", PROBLEM_WRONG_TYPE, "/threads", NULL},
    {"{\"threads\":null}", PROBLEM_WRONG_TYPE, "/threads",
     "\"threads\" is null; a whole number from 1 to 1024, or \"auto\", is expected"},
    {"{\"schedule\":\"fair\"}", PROBLEM_OUT_OF_RANGE, "/schedule",
     "\"schedule\" is \"fair\"; one of these is expected: static, dynamic, guided"},
    {"{\"schedule\":1}", PROBLEM_WRONG_TYPE, "/schedule", NULL},
    {"{\"chunk\":-1}", PROBLEM_OUT_OF_RANGE, "/chunk", NULL},
    {"{\"chunk\":9007199254740992}", PROBLEM_OUT_OF_RANGE, "/chunk", NULL},
    {"{\"chunk\":9007199254740993}", PROBLEM_OUT_OF_RANGE, "/chunk",
     "\"chunk\" is about 9007199254740992; a whole number from 0 to 9007199254740991 is expected"},
    {"{\"chunk\":1e300}", PROBLEM_OUT_OF_RANGE, "/chunk", NULL},
    {"{\"threads\":9007199254740993}", PROBLEM_OUT_OF_RANGE, "/threads", NULL},
    {"{\"timeout_ms\":-9007199254740993}", PROBLEM_OUT_OF_RANGE, "/timeout_ms", NULL},
    {"{\"cores\":[9007199254740993]}", PROBLEM_OUT_OF_RANGE, "/cores/0", NULL},
    {"{\"chunk\":1e400}", PROBLEM_NUMBER_OVERFLOW, "/chunk", NULL},
    {"{\"cores\":[0,1e400]}", PROBLEM_NUMBER_OVERFLOW, "/cores", NULL},
    {"{\"chunk\":0.5}", PROBLEM_WRONG_TYPE, "/chunk", NULL},
    {"{\"threads\":100000}", PROBLEM_OUT_OF_RANGE, "/threads",
     "\"threads\" is 100000; a whole number from 1 to 1024, or \"auto\", is expected"},
    {"{\"threads\":-1e5}", PROBLEM_OUT_OF_RANGE, "/threads",
     "\"threads\" is -100000; a whole number from 1 to 1024, or \"auto\", is expected"},
    {"{\"threads\":9007199254740991}", PROBLEM_OUT_OF_RANGE, "/threads",
     "\"threads\" is 9007199254740991; a whole number from 1 to 1024, or \"auto\", is expected"},
    {"{\"threads\":-1e300}", PROBLEM_OUT_OF_RANGE, "/threads",
     "\"threads\" is about -1e+300; a whole number from 1 to 1024, or \"auto\", is expected"},
    {"{\"timeout_ms\":0}", PROBLEM_OUT_OF_RANGE, "/timeout_ms", NULL},
    {"{\"timeout_ms\":100000}", PROBLEM_OUT_OF_RANGE, "/timeout_ms",
     "\"timeout_ms\" is 100000; a whole number from 1 to 30000 is expected; the limit is the server's --timeout"},
    {"{\"timeout_ms\":\"1s\"}", PROBLEM_WRONG_TYPE, "/timeout_ms",
     "\"timeout_ms\" is the string \"1s\"; a whole number from 1 to 30000 is expected"},
    {"{\"timeout_ms\":30001}", PROBLEM_OUT_OF_RANGE, "/timeout_ms",
     "\"timeout_ms\" is 30001; a whole number from 1 to 30000 is expected; the limit is the server's --timeout"},
    {"{\"cores\":[]}", PROBLEM_OUT_OF_RANGE, "/cores", "\"cores\" has 0 ids; 1 to 1024 are allowed"},
    {"{\"cores\":0}", PROBLEM_WRONG_TYPE, "/cores", NULL},
    {"{\"cores\":[0,3]}", PROBLEM_OUT_OF_RANGE, "/cores/1",
     "\"cores\" names core 3, which is not usable here; usable cores are 0-2, 5"},
    {"{\"cores\":[-1]}", PROBLEM_OUT_OF_RANGE, "/cores/0", NULL},
    {"{\"cores\":[99999]}", PROBLEM_OUT_OF_RANGE, "/cores/0",
     "element 0 of \"cores\" is 99999; a whole number from 0 to 1023 is expected"},
    {"{\"cores\":[0,1,0]}", PROBLEM_OUT_OF_RANGE, "/cores/2", "\"cores\" names core 0 twice; usable cores are 0-2, 5"},
    {"{\"cores\":[0,\"1\"]}", PROBLEM_WRONG_TYPE, "/cores/1",
     "element 1 of \"cores\" is the string \"1\"; a number is expected"},
    {"{\"cores\":[0,0.5]}", PROBLEM_WRONG_TYPE, "/cores/1",
     "element 1 of \"cores\" is 0.5; a whole number from 0 to 1023 is expected"},
    {"{\"thread\":2}", PROBLEM_UNKNOWN_FIELD, "/thread",
     "\"thread\" is not one of: x, t, threads, schedule, chunk, timeout_ms, cores, store, expires_s"},
    {"", PROBLEM_EMPTY_BODY, "", NULL},
    {"[]", PROBLEM_NOT_AN_OBJECT, "", NULL},
};

static void each_bad_value_is_pointed_at(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_values / sizeof bad_values[0]; i++) {
        if (decode(bad_values[i].body) != bad_values[i].kind) {
            fail_msg("%s: %s instead of %s", bad_values[i].body, problem_slug(call.problem.kind),
                     problem_slug(bad_values[i].kind));
        }
        assert_string_equal(call.problem.pointer, bad_values[i].pointer);
        if (bad_values[i].detail) {
            assert_string_equal(call.problem.detail, bad_values[i].detail);
        }
    }
}

static void too_many_cores_are_refused_before_they_are_read(void **state) {
    (void)state;
    char body[4096] = "{\"cores\":[0";
    size_t at = strlen(body);
    for (int i = 0; i < 1024; i++) {
        memcpy(body + at, ",0", 2);
        at += 2;
    }
    memcpy(body + at, "]}", 3);
    assert_int_equal(decode(body), PROBLEM_OUT_OF_RANGE);
    assert_string_equal(call.problem.pointer, "/cores");
}

static void memory_that_never_suffices_differs_from_memory_in_use(void **state) {
    (void)state;
    begin("{}");
    plain.limit_bytes = 100;
    budget.limit_bytes = 100;
    assert_int_equal(options_decode(&call, own_fields), PROBLEM_MEMORY_LIMIT);
    call.problem = (struct problem){0};
    budget.limit_bytes = PLENTY;
    assert_int_equal(options_decode(&call, own_fields), PROBLEM_MEMORY_BUSY);
}

static void bulk_members_are_found_and_stay_out_of_the_document(void **state) {
    (void)state;
    expect_good("{\"x\":[1,2],\"threads\":2,\"t\":\"abc\"}");
    const struct json_span *x = envelope_find(&call.envelope, "x");
    assert_non_null(x);
    assert_memory_equal(call.body.bytes + x->begin, "1,2", x->end - x->begin);
    const struct json_span *t = envelope_find(&call.envelope, "t");
    assert_non_null(t);
    assert_memory_equal(call.body.bytes + t->begin, "abc", t->end - t->begin);
    assert_int_equal(call.demand.threads, 2);
    size_t length = 1;
    assert_int_equal(document_array_length(call.document, "x", &length, &call.problem), PROBLEM_NONE);
    assert_int_equal(length, 0);
}

static void a_body_that_is_not_json_is_refused_as_such_whatever_its_fields(void **state) {
    (void)state;
    static const struct {
        const char *body;
        enum problem_kind kind;
        const char *detail;
    } cases[] = {
        {"{\"threads\":0,\"x\":[1,,2]}", PROBLEM_INVALID_JSON, "at byte 21"},
        {"{\"threads\":0,\"x\":[1e999],\"t\":\"\xff\"}", PROBLEM_NUMBER_OVERFLOW, "at byte 19"},
        {"{\"thread\":0,\"t\":\"a\xff\"}", PROBLEM_INVALID_UTF8, "at byte 19"},
        {"{\"threads\":0,\"x\":[1,2]}", PROBLEM_OUT_OF_RANGE, "\"threads\" is 0"},
        {"{\"threads\":01,\"x\":[1,,2]}", PROBLEM_INVALID_JSON, "at byte 13"},
        {"{\"x\":[1,,2],\"threads\":01}", PROBLEM_INVALID_JSON, "at byte 9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_not_equal(decode(cases[i].body), PROBLEM_NONE);
        if (options_refuse(&call) != cases[i].kind || !strstr(call.problem.detail, cases[i].detail)) {
            fail_msg("%s: %s, %s instead of %s, %s", cases[i].body, problem_slug(call.problem.kind),
                     call.problem.detail, problem_slug(cases[i].kind), cases[i].detail);
        }
    }
}

static void core_ranges_are_cut_to_fit(void **state) {
    (void)state;
    char text[8];
    options_print_cores(&facts.cores.usable, text, sizeof text);
    assert_string_equal(text, "0-2, 5");
    options_print_cores(&facts.cores.usable, text, 3);
    assert_string_equal(text, "0-");
    CPU_ZERO(&facts.cores.usable);
    CPU_SET(CPU_SETSIZE - 1, &facts.cores.usable);
    options_print_cores(&facts.cores.usable, text, sizeof text);
    assert_string_equal(text, "1023");
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_given_means_the_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_option_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_schedule_has_its_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_ends_of_every_range_are_allowed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cores_set_the_thread_count_unless_it_is_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_bad_value_is_pointed_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_cores_are_refused_before_they_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_that_never_suffices_differs_from_memory_in_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bulk_members_are_found_and_stay_out_of_the_document, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_body_that_is_not_json_is_refused_as_such_whatever_its_fields, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(core_ranges_are_cut_to_fit, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

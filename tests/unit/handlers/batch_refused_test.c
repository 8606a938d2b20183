/* What becomes of batches that are wrong somewhere, find no memory, or are to stop. ctest: threads */
#include "tests/unit/handlers/batch_call.h"
#include "tests/unit/json_place.h"

static void expect_refused(const char *body, const char *slug, const char *pointer, const char *detail) {
    enum problem_kind kind = ask("/v1/batch", body, strlen(body), 2);
    if (!kind || strcmp(problem_slug(kind), slug) != 0 || strcmp(call.problem.pointer, pointer) != 0 ||
        !strstr(call.problem.detail, detail)) {
        fail_msg("%s: %s %s %s", body, problem_slug(kind), call.problem.pointer, call.problem.detail);
    }
}

static void what_is_wrong_for_all_is_the_batchs(void **state) {
    (void)state;
    static const struct {
        const char *body;
        const char *slug;
        const char *pointer;
        const char *detail;
    } cases[] = {
        {"{\"items\":[]}", "missing-field", "/op", "\"op\" is missing"},
        {"{\"op\":1,\"items\":[]}", "wrong-type", "/op", "\"op\" is a number"},
        {"{\"op\":\"/v1/gausian\",\"items\":[]}", "out-of-range", "/op", "did you mean \"/v1/gaussian\"; one of these"},
        {"{\"op\":\"wordcount\",\"items\":[]}", "out-of-range", "/op", "did you mean \"/v1/wordcount\""},
        {"{\"op\":\"/v1/gaussian/martix\",\"items\":[]}", "out-of-range", "/op", "\"/v1/gaussian/matrix\""},
        {"{\"op\":\"\",\"items\":[]}", "out-of-range", "/op",
         "\"op\" is \"\"; one of these is expected: /v1/wordcount, /v1/gaussian, "},
        {"{\"op\":\"/v1/system\",\"items\":[]}", "out-of-range", "/op", "\"op\" is \"/v1/system\"; "},
        {"{\"op\":\"/v1/batch\",\"items\":[]}", "out-of-range", "/op", "no batches among its items"},
        {"{\"op\":\"/v1/gaussian\"}", "missing-field", "/items", "\"items\" is missing; an array of objects"},
        {"{\"op\":\"/v1/gaussian\",\"items\":{}}", "wrong-type", "/items", "is an object; an array of objects"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[],\"defaults\":[]}", "wrong-type", "/defaults", "an object is expected"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[],\"x\":[]}", "unknown-field", "/x", "\"x\" is not one of: op, defaults"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[],\"defaults\":{\"z\":1}}", "unknown-field", "/defaults/z",
         "\"z\" is not"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[],\"defaults\":{\"cores\":[0]}}", "unknown-field", "/defaults/cores",
         "\"cores\" is the batch's"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[],\"defaults\":{\"y\":1,\"y\":2}}", "duplicate-key", "/defaults",
         "at byte "},
        {"{\"op\":\"/v1/gaussian\",\"items\":[],\"defaults\":{\"x\":[1e999],\"y\":1}}", "number-overflow",
         "/defaults/x", "in \"x\""},
        {"{\"op\":\"/v1/gaussian/sum\",\"items\":[],\"defaults\":{\"x\":[[1],[1,2],[3]]}}", "length-mismatch",
         "/defaults/x/1", "row 1"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[],\"items\":[]}", "duplicate-key", "", "at byte "},
        {"{\"op\":\"/v1/gaussian\",\"items\":[],\"threads_per_item\":0}", "out-of-range", "/threads_per_item",
         "from 1 to"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[],\"threads_per_item\":2,\"threads\":3}", "conflicting-fields",
         "/threads", "leave \"threads\" out"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[],\"threads\":\"all\"}", "wrong-type", "/threads", "\"threads\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_refused(cases[i].body, cases[i].slug, cases[i].pointer, cases[i].detail);
    }
}

/* --- bodies that are wrong ---------------------------------------------------------------------------------------- */

static const char *const wholes[] = {
    "{\"op\":\"/v1/gaussian\",\"defaults\":{\"gamma\":0.5,\"y\":[1,2]},\"items\":[{\"x\":[1,2]},"
    "{\"x\":[3,4],\"y\":\"\\u00e9\\n\"}, 7,{\"x\":{\"a\":[true]},\"gamma\":1.5}],\"threads\":2}",
    "{\"threads\":1,\"items\":[{\"x\":[1,2],\"y\":0},{\"gamma\":2}],\r\n\"defaults\":{\"y\":[1.5,-2e3],\"gamma\":1},"
    "\"op\":\"/v1/gaussian\"}",
    "{\"items\":[{\"text\":\"a\\nb \xC3\xA9\"},{\"top\":1}],\"defaults\":{\"text\":\"\\ud83d\\ude00 \xE2\x82\xAC\"},"
    "\"op\":\"/v1/wordcount\",\"chunk\":0}",
};

/* The verdict on the body is a strict reader's, whatever the items would say: 400, at the body's first mistake. */
static void try_body(const char *body, size_t length) {
    json_error_t error;
    json_t *tree = json_loadb(body, length, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY, &error);
    bool is_syntax = !tree && json_error_code(&error) != json_error_numeric_overflow &&
                     json_error_code(&error) != json_error_null_byte_in_key;
    enum problem_kind kind = ask("/v1/batch", body, length, 2);
    if (is_syntax && problem_status(kind) != 400) {
        fail_msg("%.*s: %s %s, but jansson: %s", (int)length, body, problem_slug(kind), call.problem.detail,
                 error.text);
    }
    if (tree && (kind == PROBLEM_INVALID_JSON || kind == PROBLEM_INVALID_UTF8 || kind == PROBLEM_TRAILING_DATA)) {
        fail_msg("%.*s: %s %s, but jansson takes it", (int)length, body, problem_slug(kind), call.problem.detail);
    }
    const char *rest;
    size_t named = problem_byte(&call.problem, &rest);
    size_t place = is_syntax ? json_place(body, length) : 0;
    if (is_syntax && length > 0 && named != place) {
        fail_msg("%.*s: %s, instead of byte %zu", (int)length, body, call.problem.detail, place);
    }
    json_decref(tree);
}

enum { BODY_ROOM = 256 };

static void spoil_everywhere(const char *whole) {
    static const char bytes[] = "[]{}\",:\\0eE-+.x \n\x80";
    size_t length = strlen(whole);
    char body[BODY_ROOM];
    assert_in_range(length, 1, BODY_ROOM - 1);
    try_body(whole, length);
    for (size_t at = 0; at < length; at++) {
        try_body(whole, at);
        for (size_t i = 0; i < sizeof bytes - 1; i++) {
            memcpy(body, whole, length);
            body[at] = bytes[i];
            try_body(body, length);
            memmove(body + at + 1, whole + at, length - at);
            try_body(body, length + 1);
        }
        memcpy(body, whole, length);
        memmove(body + at, body + at + 1, length - at - 1);
        try_body(body, length - 1);
    }
}

/* Two mistakes, wherever they are: in the defaults, which are read before the items, or behind these. */
static void spoil_twice(const char *whole) {
    static const char bytes[] = "[]{}\",:\\+x\n\x80";
    size_t length = strlen(whole);
    char body[BODY_ROOM];
    for (int i = 0; i < 2000; i++) {
        memcpy(body, whole, length);
        body[(size_t)random() % length] = bytes[(size_t)random() % (sizeof bytes - 1)];
        body[(size_t)random() % length] = bytes[(size_t)random() % (sizeof bytes - 1)];
        try_body(body, length);
    }
}

static void the_first_mistake_anywhere_is_the_bodys(void **state) {
    (void)state;
    srandom(3);
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        spoil_everywhere(wholes[i]);
        spoil_twice(wholes[i]);
    }
}

static void the_first_mistake_is_named(void **state) {
    (void)state;
    static const struct {
        const char *body;
        const char *detail;
    } cases[] = {
        {"{\"op\":\"/v1/gaussian\",\"items\":[{\"x\":[1,,2]},{\"x\":[1,,2]}]}",
         "at byte 39: a number expected near ','"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[{\"x\":[1]},{\"x\":1,}],\"b\":}", "at byte 48: "},
        {"{\"op\":\"/v1/gaussian\",\"items\":[{\"x\":[1]},,{}]}", "at byte 41: a value expected near ','"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[{\"x\":[1]},]}", "at byte 41: a value expected near ']'"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[,,,,,,,,,,,,,,,]}", "at byte 31: a value expected near ','"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[{},,,,,,,,,,,,,,,]}", "at byte 34: a value expected near ','"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[{\"x\":[1]} {}]}", "at byte 41: ',' or ']' expected near '{'"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[{\"x\":[1],\"x\":[2],\"y\"}]}", "at byte 51: ':' expected near '}'"},
        {"{\"op\":\"/v1/gaussian\",\"items\":[{\"x\":[1e999],\"y\":[2,+]}]}", "at byte 51: invalid token near '+'"},
        {"{\"op\":\"/v1/gaussian\",\"defaults\":{\"y\":[1,-]},\"items\":[{\"x\":[1]}]}", "at byte 42: "},
        {"{\"op\":\"/v1/wordcount\",\"items\":[{\"text\":\"\\n\\n\\q\"}]}", "at byte 46: invalid escape"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
            enum problem_kind kind = ask("/v1/batch", cases[i].body, strlen(cases[i].body), threads);
            if (kind != PROBLEM_INVALID_JSON ||
                strncmp(call.problem.detail, cases[i].detail, strlen(cases[i].detail)) != 0) {
                fail_msg("%s: %s %s", cases[i].body, problem_slug(kind), call.problem.detail);
            }
        }
    }
}

/* --- memory, and the flag ----------------------------------------------------------------------------------------- */

/* Whatever is refused, the batch ends with a result, in which items may have failed for that, or with its problem; and
 * gives everything back. */
static void memory_may_be_short_anywhere(void **state) {
    (void)state;
    char x[ITEM_MAX / 4];
    for (size_t i = 0; i < 20; i++) {
        add_item("{\"x\":%s,\"y\":%zu}", numbers(40, x), i);
    }
    write_batch("/v1/gaussian", "\"defaults\":{\"y\":[1,2,3],\"gamma\":2},");
    size_t failures = 0;
    size_t successes = 0;
    for (size_t limit = 4 * 1024; limit < 512 * 1024; limit += 1024) {
        plain.limit_bytes = limit;
        open_call(find("/v1/batch"), &plain.base, limit);
        assert_int_equal(plain.used_bytes, 0);
        if (!give_body(&plain.base, text, strlen(text))) {
            continue;
        }
        enum problem_kind kind = drive(2);
        bool has_failed = kind != PROBLEM_NONE || json_writer_failed(&call.reply);
        assert_true(kind == PROBLEM_NONE || kind == PROBLEM_MEMORY_LIMIT || kind == PROBLEM_MEMORY_BUSY);
        failures += has_failed;
        successes += !has_failed;
        call_release(&call);
        assert_int_equal(plain.used_bytes, 0);
    }
    assert_true(failures > 20 && successes > 100);
}

/* An item that asks for too much fails alone. */
static void an_item_that_takes_too_much_fails_alone(void **state) {
    (void)state;
    size_t used =
        (size_t)snprintf(text, sizeof text, "{\"op\":\"/v1/gaussian/matrix\",\"items\":[{\"x\":[[1]]},{\"x\":[[0]");
    for (size_t i = 0; i < 3000; i++) {
        used += (size_t)snprintf(text + used, 32, ",[%zu]", i);
    }
    (void)snprintf(text + used, 32, "]},{\"x\":[[2]]}]}");
    plain.limit_bytes = 2 * 1024 * 1024;
    json_t *results = results_of(2);
    assert_int_equal(json_array_size(results), 3);
    assert_non_null(json_object_get(json_array_get(results, 0), "k"));
    const char *type = json_string_value(json_object_get(json_array_get(results, 1), "type"));
    assert_non_null(type);
    assert_non_null(strstr(type, "memory"));
    assert_non_null(json_object_get(json_array_get(results, 2), "k"));
    json_decref(results);
}

/* A flag that is set when so many items are done. */
static void a_set_flag_ends_it(void **state) {
    (void)state;
    size_t length = 0;
    char *body = write_many(5000, &length);
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
        open_call(find("/v1/batch"), &plain.base, PLENTY);
        assert_true(give_body(&plain.base, body, length));
        assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
        grant(threads);
        assert_int_equal(order.endpoint->load(&call), PROBLEM_NONE);
        atomic_store(&call.cancel, true);
        assert_int_equal(order.endpoint->compute(&call), PROBLEM_NONE);
        assert_int_equal(atomic_load(&call.done), 0);
    }
    for (unsigned i = 0; i < 2; i++) { /* and before */
        open_call(find("/v1/batch"), &plain.base, PLENTY);
        assert_true(give_body(&plain.base, body, length));
        atomic_store(&call.cancel, true);
        (void)drive(1);
    }
    free(body);
}

static void what_is_done_is_counted(void **state) {
    (void)state;
    size_t length = 0;
    char *body = write_many(5000, &length);
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
        assert_int_equal(ask("/v1/batch", body, length, threads), PROBLEM_NONE);
        assert_int_equal(atomic_load(&call.done), 5000);
    }
    free(body);
    for (size_t i = 0; i < 9; i++) {
        add_item("{\"ranges\":[1]}");
    }
    write_batch("/v1/triangular", "\"threads_per_item\":2,");
    assert_int_equal(ask("/v1/batch", text, strlen(text), 2), PROBLEM_NONE);
    assert_int_equal(atomic_load(&call.done), 9);
    assert_int_equal(call.demand.threads, 2);
}

/* Where others hold the body as well, no escape in it is resolved. */
static void try_held_body(const char *members) {
    write_batch("/v1/wordcount", members);
    json_t *expected = results_of(1);
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
        open_call(find("/v1/batch"), &plain.base, PLENTY);
        assert_true(give_body(&plain.base, text, strlen(text)));
        struct payload ours = payload_hold(&call.body);
        assert_int_equal(drive(threads), PROBLEM_NONE);
        char *joined = join_reply();
        json_t *reply = json_loads(joined, 0, NULL);
        assert_true(json_equal(json_object_get(reply, "results"), expected));
        assert_memory_equal(ours.bytes, text, strlen(text));
        json_decref(reply);
        free(joined);
        payload_drop(&ours);
    }
    json_decref(expected);
}

static void a_body_that_others_hold_stays_as_it_is(void **state) {
    (void)state;
    for (size_t i = 0; i < 50; i++) {
        add_item("{\"text\":\"a\\n\\u00e9 %zu\",\"top\":9}", i);
    }
    try_held_body("");
    add_item("{\"top\":3}");
    add_item("{\"word\":\"\\u00e9\"}");
    try_held_body("\"defaults\":{\"text\":\"\\u00e9 b\\tb \\u00e9\"},");
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_wrong_for_all_is_the_batchs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_mistake_anywhere_is_the_bodys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_mistake_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_may_be_short_anywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_item_that_takes_too_much_fails_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_set_flag_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_done_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_body_that_others_hold_stays_as_it_is, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A batch against its items' own calls: the same members, or the same problem, whoever runs them. ctest: threads */
#include "tests/unit/handlers/batch_call.h"

/* --- against single calls ----------------------------------------------------------------------------------------- */

/* What the call of the item alone gives, as a batch should say it. */
static json_t *expect(const char *op, const char *item, size_t index) {
    enum problem_kind kind = ask(op, item, strlen(item), 1);
    json_t *expected = NULL;
    if (!kind) {
        char *joined = join_reply();
        expected = json_loads(joined, JSON_DECODE_ANY, NULL);
        free(joined);
    } else {
        char pointer[200];
        char printed[2048];
        struct problem problem = {0};
        (void)snprintf(pointer, sizeof pointer, "/items/%zu%s", index, call.problem.pointer);
        (void)problem_set(&problem, kind, pointer, "%s", call.problem.detail);
        (void)problem_print(&problem, NULL, printed, sizeof printed);
        expected = json_loads(printed, JSON_DECODE_ANY, NULL);
    }
    assert_non_null(expected);
    return expected;
}

/* What it says counts from the body's start, or names it, or lists the options, which an item hasn't. */
static bool differs(const json_t *result) {
    const char *detail = json_string_value(json_object_get(result, "detail"));
    return detail && (strncmp(detail, "at byte", 7) == 0 || strncmp(detail, "the ", 4) == 0 ||
                      strstr(detail, " is not one of: "));
}

static void compare(const char *op, json_t *const *expected, const char *members, unsigned threads) {
    write_batch(op, members);
    json_t *results = results_of(threads);
    assert_int_equal(json_array_size(results), item_count);
    for (size_t i = 0; i < item_count; i++) {
        json_t *result = json_array_get(results, i);
        json_t *wanted = expected[i];
        if (differs(result)) {
            json_object_del(result, "detail");
            json_object_del(wanted, "detail");
        } else if (differs(wanted)) {
            json_object_del(result, "detail");
            json_object_del(wanted, "detail");
        }
        if (!json_equal(result, wanted)) {
            fail_msg("%s %s, item %zu, %s, %u threads: %s in place of %s", op, members, i, items[i], threads,
                     json_dumps(result, 0), json_dumps(wanted, 0));
        }
    }
    json_decref(results);
}

static void compare_all(const char *op) {
    json_t *expected[ITEMS_MAX];
    for (size_t i = 0; i < item_count; i++) {
        expected[i] = expect(op, items[i], i);
    }
    static const char *const schedules[] = {"static", "dynamic", "guided"};
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
        for (size_t i = 0; i < 3; i++) {
            for (unsigned chunk = 0; chunk <= 70; chunk += chunk > 1 ? 29 : 1) {
                char members[128];
                (void)snprintf(members, sizeof members, "\"threads\":%u,\"schedule\":\"%s\",\"chunk\":%u,", threads,
                               schedules[i], chunk);
                compare(op, expected, members, threads);
            }
        }
    }
    compare(op, expected, "\"threads_per_item\":3,\"schedule\":\"dynamic\",\"chunk\":2,", THREADS_MAX);
    compare(op, expected, "\"threads_per_item\":1,", THREADS_MAX);
    for (size_t i = 0; i < item_count; i++) {
        json_decref(expected[i]);
    }
}

static const char *rows(size_t count, size_t columns, char out[ITEM_MAX / 4]) {
    size_t used = 1;
    out[0] = '[';
    for (size_t i = 0; i < count; i++) {
        char row[ITEM_MAX / 4];
        used += (size_t)snprintf(out + used, ITEM_MAX / 4 - used, "%s%s", i > 0 ? "," : "", numbers(columns, row));
    }
    (void)snprintf(out + used, 2, "]");
    return out;
}

/* Items that are wrong, each in its way. */
static void add_bad_items(void) {
    static const char *const bad[] = {"{}",
                                      "{\"x\":\"a\"}",
                                      "{\"x\":[1,null]}",
                                      "{\"x\":[[1,2],[3]]}",
                                      "{\"unknown\":1}",
                                      "{\"text\":7}",
                                      "{\"gamma\":-1,\"x\":[1],\"y\":[1]}",
                                      "{\"x\":[1],\"y\":[1,2]}",
                                      "{\"x\":[1],\"y\":[1],\"gamma\":1,\"sigma\":1}",
                                      "{\"x\":[1e999],\"y\":1}",
                                      "{\"x\":[1],\"x\":[1]}",
                                      "{\"ranges\":[-1]}",
                                      "{\"ranges\":[]}",
                                      "{\"text\":\"a\",\"word\":\"\"}",
                                      "{\"text\":\"a\",\"top\":0}",
                                      "3",
                                      "null",
                                      "[]",
                                      "[{\"x\":[1]}]",
                                      "\"{\\\"x\\\":1}\"",
                                      "true",
                                      "{\"x/~y\":{\"z\":[]}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        add_item("%s", bad[i]);
    }
}

static void gaussians_are_those_of_single_calls(void **state) {
    (void)state;
    char x[ITEM_MAX / 4];
    char y[ITEM_MAX / 4];
    for (size_t i = 0; i < 150; i++) {
        size_t count = chance(40);
        add_item(chance(2) ? "{\"x\":%s,\"y\":%s,\"gamma\":%zu}" : " { \"x\" : %s , \"y\":%s,\"precision\":%zu } ",
                 numbers(count, x), chance(3) > 0 ? numbers(count, y) : "0.25", 1 + chance(17));
    }
    add_bad_items();
    compare_all("/v1/gaussian");
}

static void matrices_and_sums_are_those_of_single_calls(void **state) {
    (void)state;
    char x[ITEM_MAX / 4];
    char y[ITEM_MAX / 4];
    for (size_t i = 0; i < 80; i++) {
        size_t columns = 1 + chance(4);
        add_item(chance(2) ? "{\"x\":%s,\"y\":%s}" : "{\"x\":%s,\"sigma\":2}", rows(1 + chance(6), columns, x),
                 rows(1 + chance(6), columns, y));
    }
    add_bad_items();
    compare_all("/v1/gaussian/matrix");
    compare_all("/v1/gaussian/sum");
}

static void counts_are_those_of_single_calls(void **state) {
    (void)state;
    static const char *const words[] = {"a",        "b\\u00e9", "\\ud83d\\ude00", "is", "\\n",
                                        "\xC3\xA9", "\\\"",     "better",         "A"};
    static const char *const fields[] = {"",
                                         ",\"word\":\"is\"",
                                         ",\"word\":\"b\\u00e9\",\"match\":\"letters\"",
                                         ",\"words\":[\"a\",\"is\"]",
                                         ",\"top\":3",
                                         ",\"match\":\"exact\""};
    for (size_t i = 0; i < 150; i++) {
        char written[ITEM_MAX / 2] = "";
        size_t used = 0;
        for (size_t count = chance(60); count > 0; count--) {
            used += (size_t)snprintf(written + used, 32, "%s ", words[chance(sizeof words / sizeof *words)]);
        }
        add_item("{\"text\":\"%s\"%s}", written, fields[chance(sizeof fields / sizeof *fields)]);
    }
    add_bad_items();
    compare_all("/v1/wordcount");
}

static void sums_of_ranges_are_those_of_single_calls(void **state) {
    (void)state;
    for (size_t i = 0; i < 60; i++) {
        add_item("{\"ranges\":[%zu,%zu]}", chance(5000), chance(100));
    }
    add_bad_items();
    compare_all("/v1/triangular");
}

/* Arrays that are printed in pieces, and texts that a thread unescapes alone. */
static void large_items_are_those_of_single_calls(void **state) {
    (void)state;
    enum { NUMBERS = 9000 };
    char *item = malloc(16 * NUMBERS);
    assert_non_null(item);
    size_t used = (size_t)snprintf(item, 16 * NUMBERS, "{\"y\":0.5,\"x\":[0");
    for (size_t i = 1; i < NUMBERS; i++) {
        used += (size_t)snprintf(item + used, 32, ",0.%zu", i);
    }
    (void)snprintf(item + used, 32, "]}");
    json_t *expected = expect("/v1/gaussian", item, 0);
    (void)snprintf(text, sizeof text, "{\"op\":\"/v1/gaussian\",\"items\":[%s,{\"x\":[1],\"y\":1},%s]}", item, item);
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
        json_t *results = results_of(threads);
        assert_true(json_equal(json_array_get(results, 0), expected));
        assert_true(json_equal(json_array_get(results, 2), expected));
        assert_int_equal(json_array_size(json_object_get(json_array_get(results, 1), "z")), 1);
        json_decref(results);
    }
    json_decref(expected);
    free(item);
}

/* --- defaults ----------------------------------------------------------------------------------------------------- */

/* Each item with the defaults that it doesn't have itself is the same as one that has them. */
static void compare_defaults(const char *op, const char *defaults, const char *const *given,
                             const char *const *merged) {
    json_t *expected[ITEMS_MAX];
    char members[ITEM_MAX];
    (void)snprintf(members, sizeof members, "\"defaults\":%s,", defaults);
    for (item_count = 0; given[item_count]; item_count++) {
        (void)snprintf(items[item_count], ITEM_MAX, "%s", given[item_count]);
        expected[item_count] = expect(op, merged[item_count], item_count);
        const char *pointer = json_string_value(json_object_get(expected[item_count], "pointer"));
        if (pointer) { /* it may be one of the defaults */
            json_object_del(expected[item_count], "pointer");
        }
    }
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
        write_batch(op, members);
        json_t *results = results_of(threads);
        for (size_t i = 0; i < item_count; i++) {
            json_t *result = json_array_get(results, i);
            json_object_del(result, "pointer");
            if (!json_equal(result, expected[i])) {
                fail_msg("%s %s: %s in place of %s", members, items[i], json_dumps(result, 0),
                         json_dumps(expected[i], 0));
            }
        }
        json_decref(results);
    }
    for (size_t i = 0; i < item_count; i++) {
        json_decref(expected[i]);
    }
}

static void an_item_has_the_defaults_that_it_has_not(void **state) {
    (void)state;
    compare_defaults(
        "/v1/gaussian", "{\"y\":[1,2,3],\"gamma\":0.5}",
        (const char *const[]){"{\"x\":[1,2,4]}", "{\"x\":[1],\"y\":2}", "{\"x\":[1,2,3],\"gamma\":2}", "{\"x\":[1]}",
                              "{\"x\":7}", "{\"x\":[1,2,3],\"sigma\":1}", "{\"x\":[1,2,3],\"y\":null}", NULL},
        (const char *const[]){"{\"x\":[1,2,4],\"y\":[1,2,3],\"gamma\":0.5}", "{\"x\":[1],\"y\":2,\"gamma\":0.5}",
                              "{\"x\":[1,2,3],\"y\":[1,2,3],\"gamma\":2}", "{\"x\":[1],\"y\":[1,2,3],\"gamma\":0.5}",
                              "{\"x\":7,\"y\":[1,2,3],\"gamma\":0.5}",
                              "{\"x\":[1,2,3],\"y\":[1,2,3],\"gamma\":0.5,\"sigma\":1}",
                              "{\"x\":[1,2,3],\"y\":null,\"gamma\":0.5}", NULL});
    compare_defaults(
        "/v1/gaussian/sum", "{\"x\":[[0,1],[1,0],[2,2]],\"weights\":[1,2,3],\"precision\":4}",
        (const char *const[]){"{}", "{\"gamma\":2}", "{\"weights\":[3,2,1]}", "{\"x\":[[1],[2],[3]]}",
                              "{\"y\":[[0,0]]}", NULL},
        (const char *const[]){"{\"x\":[[0,1],[1,0],[2,2]],\"weights\":[1,2,3],\"precision\":4}",
                              "{\"x\":[[0,1],[1,0],[2,2]],\"weights\":[1,2,3],\"precision\":4,\"gamma\":2}",
                              "{\"x\":[[0,1],[1,0],[2,2]],\"weights\":[3,2,1],\"precision\":4}",
                              "{\"x\":[[1],[2],[3]],\"weights\":[1,2,3],\"precision\":4}",
                              "{\"x\":[[0,1],[1,0],[2,2]],\"weights\":[1,2,3],\"precision\":4,\"y\":[[0,0]]}", NULL});
    compare_defaults(
        "/v1/wordcount", "{\"text\":\"a \\u00e9 is\\nis \\\"a\\\"\",\"match\":\"letters\"}",
        (const char *const[]){"{\"word\":\"is\"}", "{\"words\":[\"a\",\"\\u00e9\"]}", "{\"top\":2}",
                              "{\"text\":\"is\",\"word\":\"is\",\"match\":\"exact\"}", "{\"text\":\"\"}", NULL},
        (const char *const[]){
            "{\"text\":\"a \\u00e9 is\\nis \\\"a\\\"\",\"match\":\"letters\",\"word\":\"is\"}",
            "{\"text\":\"a \\u00e9 is\\nis \\\"a\\\"\",\"match\":\"letters\",\"words\":[\"a\",\"\\u00e9\"]}",
            "{\"text\":\"a \\u00e9 is\\nis \\\"a\\\"\",\"match\":\"letters\",\"top\":2}",
            "{\"text\":\"is\",\"word\":\"is\",\"match\":\"exact\"}", "{\"text\":\"\",\"match\":\"letters\"}", NULL});
    compare_defaults("/v1/triangular", "{\"ranges\":[10,20,30]}", (const char *const[]){"{}", "{\"ranges\":[5]}", NULL},
                     (const char *const[]){"{\"ranges\":[10,20,30]}", "{\"ranges\":[5]}", NULL});
}

static void a_pointer_leads_to_where_the_member_stands(void **state) {
    (void)state;
    (void)snprintf(
        text, sizeof text,
        "{\"op\":\"/v1/gaussian\",\"defaults\":{\"gamma\":-1,\"y\":[1,\"a\"]},\"items\":["
        "{\"x\":[1]},{\"x\":[1],\"y\":1},{\"x\":[1],\"y\":2,\"gamma\":-2},{\"y\":2},{\"x\":[1],\"threads\":2}]}");
    static const char *const pointers[] = {"/defaults/y/1", "/defaults/gamma", "/items/2/gamma", "/items/3/x",
                                           "/items/4/threads"};
    json_t *results = results_of(1);
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        assert_string_equal(json_string_value(json_object_get(json_array_get(results, i), "pointer")), pointers[i]);
        assert_null(json_object_get(json_array_get(results, i), "request_id"));
    }
    json_decref(results);
}

/* --- many, and none ----------------------------------------------------------------------------------------------- */

static void as_many_items_as_may_be_are_run(void **state) {
    (void)state;
    enum { MOST = 100000 };
    size_t length = 0;
    char *body = write_many(MOST, &length);
    assert_int_equal(ask("/v1/batch", body, length, THREADS_MAX), PROBLEM_NONE);
    assert_int_equal(call.demand.threads, 3);
    assert_int_equal(call.demand.tasks, MOST);
    assert_true(call.demand.cost_ns > MOST * UINT64_C(100));
    char *joined = join_reply();
    json_t *reply = json_loads(joined, 0, NULL);
    json_t *results = json_object_get(reply, "results");
    assert_int_equal(json_array_size(results), MOST);
    for (size_t i = 0; i < MOST; i++) {
        uint64_t range = i % 1000;
        json_t *sum = json_object_get(json_array_get(results, i), "sum");
        assert_int_equal(json_integer_value(sum), range > 0 ? range * (range - 1) / 2 : 0);
    }
    json_decref(reply);
    free(joined);
    free(body);
    body = write_many(MOST + 1, &length);
    assert_int_equal(ask("/v1/batch", body, length, THREADS_MAX), PROBLEM_OUT_OF_RANGE);
    assert_string_equal(call.problem.pointer, "/items");
    assert_non_null(strstr(call.problem.detail, "100000"));
    free(body);
}

static void nothing_to_do_is_done(void **state) {
    (void)state;
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
        write_batch("/v1/gaussian", "\"chunk\":3,");
        json_t *results = results_of(threads);
        assert_int_equal(json_array_size(results), 0);
        json_decref(results);
    }
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gaussians_are_those_of_single_calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(matrices_and_sums_are_those_of_single_calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_are_those_of_single_calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sums_of_ranges_are_those_of_single_calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(large_items_are_those_of_single_calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_item_has_the_defaults_that_it_has_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pointer_leads_to_where_the_member_stands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(as_many_items_as_may_be_are_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_to_do_is_done, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The endpoints as the server drives them, through the route table, without a server. */
#include "handlers/routes.h"

#include "handlers/embedded.h"
#include "server/engine/scheduler.h"
#include "server/system/clock.h"
#include "tests/unit/handlers/test_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLENTY = 1 << 26 };

static struct plain_memory plain;

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    facts.version = "1.2.3";
    facts.build = "test";
    facts.config.timeout_ns = 30 * NS_PER_S;
    facts.config.memory_bytes = PLENTY;
    facts.config.max_body_bytes = 4096;
    facts.config.max_connections = 10;
    facts.cores.count = 2;
    (void)snprintf(facts.cores.source, sizeof facts.cores.source, "affinity mask of 2 cores");
    CPU_ZERO(&facts.cores.usable);
    CPU_SET(0, &facts.cores.usable);
    CPU_SET(7, &facts.cores.usable);
    facts.topology.places[0] = (struct topology_place){.core = 0, .package = 1, .numa_node = 2};
    facts.topology.places[7] = (struct topology_place){.core = -1, .package = -1, .numa_node = -1};
    facts.endpoints = routes;
    facts.endpoint_count = route_count;
    atomic_store(&facts.draining, false);
    host.scheduler = scheduler_new(2, 8, 4, 1);
    return host.scheduler ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    call_release(&call);
    scheduler_free(host.scheduler);
    assert_int_equal(plain.used_bytes, 0);
    return 0;
}

static const struct endpoint *find(const char *path) {
    for (size_t i = 0; i < route_count; i++) {
        if (strcmp(routes[i]->path, path) == 0) {
            return routes[i];
        }
    }
    fail_msg("no route %s", path);
    return NULL;
}

static void begin(const char *path, const char *body) {
    open_call(find(path), &plain.base, PLENTY);
    assert_true(give_body(&plain.base, body, strlen(body)));
}

/* All phases, as the server drives them. */
static enum problem_kind drive(void) {
    enum problem_kind kind = order.endpoint->decode(&call);
    if (!kind && order.endpoint->load) {
        kind = order.endpoint->load(&call);
    }
    kind = kind ? kind : order.endpoint->compute(&call);
    if (!kind) {
        json_begin_object(&call.reply);
        kind = order.endpoint->encode(&call);
        json_end_object(&call.reply);
    }
    if (!kind && json_writer_failed(&call.reply)) {
        kind = call_memory_short(&call, call.reply.text.capacity);
    }
    return kind;
}

static enum problem_kind run(const char *path, const char *body) {
    begin(path, body);
    enum problem_kind kind = drive();
    assert_int_equal(kind, call.problem.kind);
    return kind;
}

static void expect_reply(const char *path, const char *body, const char *expected) {
    if (run(path, body)) {
        fail_msg("%s: %s %s", body, problem_slug(call.problem.kind), call.problem.detail);
    }
    assert_false(json_writer_failed(&call.reply));
    char *text = strndup(call.reply.text.data, call.reply.text.length);
    assert_string_equal(text, expected);
    free(text);
}

static void expect_problem(const char *path, const char *body, enum problem_kind kind, const char *pointer) {
    if (run(path, body) != kind) {
        fail_msg("%s: %s instead of %s", body, problem_slug(call.problem.kind), problem_slug(kind));
    }
    assert_string_equal(call.problem.pointer, pointer);
    assert_true(strlen(call.problem.detail) > 0);
}

/* The answer of an information endpoint, parsed. */
static struct document *ask(const char *path) {
    begin(path, "");
    assert_int_equal(order.endpoint->answer(&call), PROBLEM_NONE);
    struct document *document = NULL;
    struct problem problem = {0};
    size_t peak_bytes = 0;
    if (document_parse(call.reply.text.data, call.reply.text.length, &plain.base, &document, &peak_bytes, &problem)) {
        fail_msg("%s: %s", path, problem.detail);
    }
    return document;
}

static void expect_text(const struct document *document, const char *name, const char *expected) {
    struct text_view text = {0};
    struct problem problem = {0};
    assert_int_equal(document_text(document, name, &text, &problem), PROBLEM_NONE);
    assert_int_equal(text.length, strlen(expected));
    assert_memory_equal(text.bytes, expected, text.length);
}

static void expect_in_reply(const char *part) {
    char *text = strndup(call.reply.text.data, call.reply.text.length);
    if (!strstr(text, part)) {
        fail_msg("%s is not in %s", part, text);
    }
    free(text);
}

static void every_route_either_answers_or_computes(void **state) {
    (void)state;
    assert_true(route_count > 0);
    for (size_t i = 0; i < route_count; i++) {
        const struct endpoint *route = routes[i];
        assert_int_equal(route->path[0], '/');
        assert_true(strlen(route->summary) > 0);
        bool computes = route->decode && route->compute && route->encode;
        assert_int_equal(!!route->answer, !computes);
        assert_true(computes || route->method == ENDPOINT_GET);
        assert_true(route->produces > 0);
        assert_int_equal(route->consumes > 0, route->method == ENDPOINT_POST || route->method == ENDPOINT_PUT);
        for (size_t j = 0; j < i; j++) {
            assert_true(strcmp(route->path, routes[j]->path) != 0 || route->method != routes[j]->method);
        }
    }
}

static void words_are_counted(void **state) {
    (void)state;
    static const char path[] = "/v1/wordcount";
    expect_reply(path, "{\"text\":\"is it is\\nis\",\"word\":\"is\"}", "{\"count\":3}");
    expect_reply(path, "{\"text\":\"Is, it is.\",\"word\":\"is\",\"match\":\"letters\"}", "{\"count\":2}");
    expect_reply(path, "{\"text\":\"\",\"word\":\"is\",\"match\":\"exact\",\"threads\":4}", "{\"count\":0}");
    expect_reply(path, "{\"text\":\"a\\u0000b c\",\"word\":\"a\\u0000b\"}", "{\"count\":1}");
    assert_true(call.demand.cost_ns > 0);
}

static void bad_word_counts_are_refused(void **state) {
    (void)state;
    static const char path[] = "/v1/wordcount";
    expect_problem(path, "{\"text\":\"a\",\"word\":\"\"}", PROBLEM_OUT_OF_RANGE, "/word");
    expect_problem(path, "{\"word\":\"a\"}", PROBLEM_MISSING_FIELD, "/text");
    expect_problem(path, "{\"text\":1,\"word\":\"a\"}", PROBLEM_WRONG_TYPE, "/text");
    expect_problem(path, "{\"text\":\"a\",\"word\":[\"a\"]}", PROBLEM_WRONG_TYPE, "/word");
    expect_problem(path, "{\"text\":\"a\",\"word\":\"a\",\"match\":\"loose\"}", PROBLEM_OUT_OF_RANGE, "/match");
    expect_problem(path, "{\"text\":\"a\",\"word\":\"a\",\"x\":1}", PROBLEM_UNKNOWN_FIELD, "/x");
    expect_problem(path, "{\"text\":\"a\",\"word\":\"a\",\"threads\":0}", PROBLEM_OUT_OF_RANGE, "/threads");
}

static void gaussians_are_computed_whichever_side_is_a_number(void **state) {
    (void)state;
    static const char path[] = "/v1/gaussian";
    expect_reply(path, "{\"x\":[1,2,3],\"y\":[1,2,3]}", "{\"z\":[1,1,1],\"gamma\":1}");
    expect_reply(path, "{\"x\":[1,1e200],\"y\":1}", "{\"z\":[1,0],\"gamma\":1}");
    expect_reply(path, "{\"x\":5,\"y\":[5,-1e200],\"gamma\":0.25}", "{\"z\":[1,0],\"gamma\":0.25}");
    expect_reply(path, "{\"x\":[],\"y\":[]}", "{\"z\":[],\"gamma\":1}");
    expect_reply(path, "{\"x\":[],\"y\":3}", "{\"z\":[],\"gamma\":1}");
    expect_reply(path, "{\"x\":[4],\"y\":[9],\"gamma\":-0}", "{\"z\":[1],\"gamma\":0}");
    expect_reply(path, "{\"x\":[2],\"y\":[2],\"sigma\":0.5}", "{\"z\":[1],\"gamma\":2}");
    expect_reply(path, "{\"x\":[1e308],\"y\":[-1e308]}", "{\"z\":[0],\"gamma\":1}");
    assert_null(call.body.bytes); /* given back early, to make room */
    assert_true(call.demand.cost_ns > 0);
}

static void points_are_compared_with_each_other(void **state) {
    (void)state;
    expect_reply("/v1/gaussian/matrix", "{\"x\":[[0,0],[1e200,0]]}", "{\"k\":[[1,0],[0,1]],\"gamma\":0.5}");
    expect_reply("/v1/gaussian/sum", "{\"x\":[[0,0],[1e200,0]],\"weights\":[2,3]}", "{\"s\":[2,3],\"gamma\":0.5}");
    assert_null(call.body.bytes);
    assert_true(call.demand.cost_ns > 0);
    expect_problem("/v1/gaussian/matrix", "{\"x\":[1,2]}", PROBLEM_WRONG_TYPE, "/x");
    expect_problem("/v1/gaussian/sum", "{\"x\":[[1],[2,3]]}", PROBLEM_LENGTH_MISMATCH, "/x/1");
}

static void precision_limits_the_digits_of_the_values_alone(void **state) {
    (void)state;
    static const char path[] = "/v1/gaussian";
    assert_int_equal(run(path, "{\"x\":[1],\"y\":0}"), PROBLEM_NONE);
    expect_in_reply("{\"z\":[0.367879441171442"); /* and one or two digits that are the kernel's affair */
    assert_int_equal(run(path, "{\"x\":[1],\"y\":0,\"precision\":17}"), PROBLEM_NONE);
    expect_in_reply("{\"z\":[0.367879441171442");
    expect_reply(path, "{\"x\":[1],\"y\":0,\"precision\":4}", "{\"z\":[0.3679],\"gamma\":1}");
    expect_reply(path, "{\"x\":[1,0],\"y\":0,\"precision\":1.0}", "{\"z\":[0.4,1],\"gamma\":1}");
    expect_reply(path, "{\"x\":[0],\"y\":0,\"gamma\":0.123456,\"precision\":2}", "{\"z\":[1],\"gamma\":0.123456}");
}

static void text_in_the_wrong_encoding_is_refused_before_other_mistakes(void **state) {
    (void)state;
    expect_problem("/v1/wordcount", "{\"text\":\"\xff\",\"word\":\"a\"}", PROBLEM_INVALID_UTF8, "");
    expect_problem("/v1/wordcount", "{\"text\":\"\xff\",\"word\":\"\"}", PROBLEM_INVALID_UTF8, "");
    expect_problem("/v1/wordcount", "{\"text\":\"\\q\"}", PROBLEM_INVALID_JSON, "");
    expect_problem("/v1/gaussian", "{\"x\":[1,,2],\"y\":[1,2]}", PROBLEM_INVALID_JSON, "");
    expect_problem("/v1/gaussian", "{\"y\":[1.e],\"x\":[1e999]}", PROBLEM_INVALID_JSON, "");
    expect_problem("/v1/gaussian", "{\"x\":[1e999],\"y\":[1.e]}", PROBLEM_NUMBER_OVERFLOW, "/x");
}

/* A long array is expensive however few numbers it has: it must not be read on an event loop. */
static void spaces_in_an_array_cost_time(void **state) {
    (void)state;
    enum { SPACES = 1000000 };
    char *body = malloc(SPACES + 64);
    assert_non_null(body);
    int length = snprintf(body, SPACES + 64, "{\"y\":0,\"x\":[1,%*s]}", SPACES, "2");
    assert_true(length > SPACES);
    begin("/v1/gaussian", body);
    free(body);
    assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
    assert_true(call.demand.cost_ns >= SPACES / 2);
}

static void bad_gaussians_are_refused(void **state) {
    (void)state;
    static const char path[] = "/v1/gaussian";
    expect_problem(path, "{\"x\":[1],\"y\":[1,2]}", PROBLEM_LENGTH_MISMATCH, "/y");
    assert_non_null(strstr(call.problem.detail, "has 1 element,"));
    assert_non_null(strstr(call.problem.detail, "has 2"));
    expect_problem(path, "{\"x\":1,\"y\":2}", PROBLEM_WRONG_TYPE, "/x");
    expect_problem(path, "{\"y\":[2]}", PROBLEM_MISSING_FIELD, "/x");
    expect_problem(path, "{\"x\":[2]}", PROBLEM_MISSING_FIELD, "/y");
    expect_problem(path, "{\"x\":\"1\",\"y\":[1]}", PROBLEM_WRONG_TYPE, "/x");
    expect_problem(path, "{\"x\":[1],\"y\":null}", PROBLEM_WRONG_TYPE, "/y");
    expect_problem(path, "{\"x\":[1,null],\"y\":[1,2]}", PROBLEM_WRONG_TYPE, "/x/1");
    expect_problem(path, "{\"x\":[1,2],\"y\":[[1],2]}", PROBLEM_WRONG_TYPE, "/y/0");
    expect_problem(path, "{\"x\":[1e999],\"y\":1}", PROBLEM_NUMBER_OVERFLOW, "/x");
    expect_problem(path, "{\"x\":[1],\"y\":[1e999],\"gamma\":-1}", PROBLEM_NUMBER_OVERFLOW, "/y");
    expect_problem(path, "{\"x\":[1],\"y\":1e999}", PROBLEM_NUMBER_OVERFLOW, "/y");
    expect_problem(path, "{\"x\":[1],\"y\":1,\"gamma\":1e400}", PROBLEM_NUMBER_OVERFLOW, "/gamma");
    expect_problem(path, "{\"x\":[1],\"y\":1,\"gamma\":-1}", PROBLEM_OUT_OF_RANGE, "/gamma");
    expect_problem(path, "{\"x\":[1],\"y\":1,\"gamma\":\"1\"}", PROBLEM_WRONG_TYPE, "/gamma");
    expect_problem(path, "{\"x\":[1],\"y\":1,\"sigma\":0}", PROBLEM_OUT_OF_RANGE, "/sigma");
    expect_problem(path, "{\"x\":[1],\"y\":1,\"sigma\":-1}", PROBLEM_OUT_OF_RANGE, "/sigma");
    for (size_t i = 0; i < 8; i++) { /* sigma squared, or what is made of it, would overflow, vanish or lose digits */
        static const char *const bad[] = {"1e-200", "9.9e-154", "5e-324", "1.1e153", "1e154", "1e160", "1e308", "-1e3"};
        char body[64];
        (void)snprintf(body, sizeof body, "{\"x\":[1],\"y\":1,\"sigma\":%s}", bad[i]);
        expect_problem(path, body, PROBLEM_OUT_OF_RANGE, "/sigma");
        assert_non_null(strstr(call.problem.detail, "it is from 1e-153 to 1e+153, so that 1/(2 sigma^2) is a double"));
    }
    assert_int_equal(run(path, "{\"x\":[1],\"y\":1,\"sigma\":1e-153}"), PROBLEM_NONE);
    assert_int_equal(run(path, "{\"x\":[1],\"y\":1,\"sigma\":1e153}"), PROBLEM_NONE);
    expect_problem(path, "{\"x\":[1],\"y\":1,\"sigma\":1,\"gamma\":1}", PROBLEM_CONFLICTING_FIELDS, "/sigma");
    for (size_t i = 0; i < 4; i++) {
        static const char *const bad[] = {"0", "18", "-1", "1e3"};
        char body[64];
        (void)snprintf(body, sizeof body, "{\"x\":[1],\"y\":1,\"precision\":%s}", bad[i]);
        expect_problem(path, body, PROBLEM_OUT_OF_RANGE, "/precision");
    }
    expect_problem(path, "{\"x\":[1],\"y\":1,\"precision\":1.5}", PROBLEM_WRONG_TYPE, "/precision");
    expect_problem(path, "{\"x\":[1],\"y\":1,\"precision\":\"x\"}", PROBLEM_WRONG_TYPE, "/precision");
    expect_problem(path, "{\"x\":[1],\"y\":1,\"precision\":null}", PROBLEM_WRONG_TYPE, "/precision");
    expect_problem(path, "{\"x\":[-1e308,1e308],\"y\":-1e308,\"gamma\":0}", PROBLEM_NON_FINITE_RESULT, "/z/1");
}

static void triangular_numbers_are_summed(void **state) {
    (void)state;
    static const char path[] = "/v1/triangular";
    assert_int_equal(run(path, "{\"ranges\":[0,1,10,100000.0,1e5]}"), PROBLEM_NONE);
    expect_in_reply("{\"results\":[{\"range\":0,\"last\":0,\"core\":");
    expect_in_reply("},{\"range\":10,\"last\":45,\"core\":");
    expect_in_reply("},{\"range\":100000,\"last\":4999950000,\"core\":");
    expect_in_reply("}],\"sum\":9999900045}");
    assert_int_equal(call.demand.tasks, 5);
    assert_int_equal(run(path, "{\"ranges\":[1,2,3,4,5],\"chunk\":2}"), PROBLEM_NONE);
    assert_int_equal(call.demand.tasks, 3);
    assert_int_equal(run(path, "{\"ranges\":[1,2,3],\"chunk\":9007199254740991}"), PROBLEM_NONE);
    assert_int_equal(call.demand.tasks, 1);
    assert_true(call.demand.cost_ns > 0);
}

/* The first ranges give 2^63 - 1. */
static void the_largest_sum_is_accepted_and_one_more_is_not(void **state) {
    (void)state;
    static const char path[] = "/v1/triangular";
    begin(path, "{\"ranges\":[4000000000,1564207172,48348,201,16,3,0,1]}");
    assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
    expect_problem(path, "{\"ranges\":[4000000000,1564207172,48348,201,16,3,0,2]}", PROBLEM_OUT_OF_RANGE, "/ranges");
    assert_non_null(strstr(call.problem.detail, "9223372036854775807"));
    expect_problem(path, "{\"ranges\":[1,4e9,4e9,4e9]}", PROBLEM_OUT_OF_RANGE, "/ranges");
}

static void bad_ranges_are_refused(void **state) {
    (void)state;
    static const char path[] = "/v1/triangular";
    expect_problem(path, "{}", PROBLEM_MISSING_FIELD, "/ranges");
    expect_problem(path, "{\"ranges\":3}", PROBLEM_WRONG_TYPE, "/ranges");
    expect_problem(path, "{\"ranges\":[]}", PROBLEM_OUT_OF_RANGE, "/ranges");
    assert_non_null(strstr(call.problem.detail, "1 to 4096"));
    expect_problem(path, "{\"ranges\":[1,2,4000000001]}", PROBLEM_OUT_OF_RANGE, "/ranges/2");
    assert_non_null(strstr(call.problem.detail, "4000000000"));
    expect_problem(path, "{\"ranges\":[1,-1]}", PROBLEM_OUT_OF_RANGE, "/ranges/1");
    expect_problem(path, "{\"ranges\":[1.5]}", PROBLEM_WRONG_TYPE, "/ranges/0");
    expect_problem(path, "{\"ranges\":[1,\"2\"]}", PROBLEM_WRONG_TYPE, "/ranges/1");
    expect_problem(path, "{\"ranges\":[1],\"range\":1}", PROBLEM_UNKNOWN_FIELD, "/range");
}

static void every_memory_limit_fails_cleanly_until_one_suffices(void **state) {
    (void)state;
    static const char body[] = "{\"x\":[1,2,3,4,5,6,7,8],\"y\":[1,2,3,4,5,6,7,8],\"cores\":[0]}";
    size_t failures = 0;
    for (size_t limit = 0;; limit += 8) {
        plain.limit_bytes = PLENTY;
        begin("/v1/gaussian", body);
        plain.limit_bytes = limit;
        budget.limit_bytes = limit;
        enum problem_kind kind = drive();
        if (kind == PROBLEM_NONE) {
            break;
        }
        failures++;
        assert_true(kind == PROBLEM_MEMORY_LIMIT || kind == PROBLEM_MEMORY_BUSY);
        call_release(&call);
        assert_int_equal(plain.used_bytes, 0);
    }
    assert_in_range(failures, 10, 10000);
}

static void the_index_lists_every_route(void **state) {
    (void)state;
    struct document *document = ask("/");
    expect_text(document, "name", "forkjoin");
    expect_text(document, "version", "1.2.3");
    expect_text(document, "documentation", "/openapi.yaml");
    size_t count = 0;
    struct problem problem = {0};
    assert_int_equal(document_array_length(document, "endpoints", &count, &problem), PROBLEM_NONE);
    assert_int_equal(count, route_count);
    expect_in_reply("{\"method\":\"POST\",\"path\":\"/v1/gaussian\",");
    document_free(document);
}

static void health_follows_draining(void **state) {
    (void)state;
    struct document *document = ask("/readyz");
    expect_text(document, "status", "ready");
    document_free(document);
    atomic_store(&facts.draining, true);
    begin("/readyz", "");
    assert_int_equal(order.endpoint->answer(&call), PROBLEM_SHUTTING_DOWN);
    assert_int_equal(call.problem.kind, PROBLEM_SHUTTING_DOWN);
    document = ask("/healthz");
    expect_text(document, "status", "draining");
    expect_in_reply("\"draining\":true");
    document_free(document);
    document = ask("/livez");
    expect_text(document, "status", "ok");
    document_free(document);
}

/* Nobody has to copy them anywhere before. */
static void health_shows_the_numbers_of_the_moment(void **state) {
    (void)state;
    begin("/healthz", "");
    atomic_store(&facts.connections, 7);
    atomic_store(&facts.connection_bytes, 345);
    assert_true(memory_budget_charge(&budget, 12345));
    assert_int_equal(order.endpoint->answer(&call), PROBLEM_NONE);
    expect_in_reply("\"connections\":7,\"queued\":0,\"running\":0,\"cores_busy\":0,\"lane_threads\":");
    expect_in_reply(",\"lane_threads_begun\":");
    expect_in_reply("\"memory\":{\"used_bytes\":12000,\"connection_bytes\":345,\"limit_bytes\":67108864,");
    atomic_store(&facts.connections, 0);
    atomic_store(&facts.connection_bytes, 0);
}

static void the_system_names_cores_and_limits(void **state) {
    (void)state;
    struct document *document = ask("/v1/system");
    expect_text(document, "version", "1.2.3");
    expect_in_reply("\"cores\":{\"count\":2,\"source\":\"affinity mask of 2 cores\",\"usable\":[0,7],"
                    "\"topology\":[{\"id\":0,\"core\":0,\"package\":1,\"numa_node\":2},"
                    "{\"id\":7,\"core\":null,\"package\":null,\"numa_node\":null}]}");
    expect_in_reply("\"max_body_bytes\":4096");
    expect_in_reply("\"timeout_ms\":30000");
    assert_int_equal(document_type_of(document, "instruction_set"), DOCUMENT_STRING);
    document_free(document);
}

static void the_description_is_given_as_it_is(void **state) {
    (void)state;
    begin("/openapi.yaml", "");
    assert_int_equal(order.endpoint->answer(&call), PROBLEM_NONE);
    assert_int_equal(order.endpoint->produces, MEDIA_YAML);
    assert_int_equal(call.reply_piece_count, 1);
    assert_ptr_equal(call.reply_pieces, &embedded_openapi_yaml.plain.piece);
    assert_memory_equal(call.reply_pieces->bytes, "openapi: 3.1", 12);
}

static void the_description_is_there_in_json(void **state) {
    (void)state;
    begin("/openapi.json", "");
    assert_int_equal(order.endpoint->answer(&call), PROBLEM_NONE);
    assert_int_equal(order.endpoint->produces, MEDIA_JSON);
    assert_int_equal(call.reply_piece_count, 1);
    assert_ptr_equal(call.reply_pieces, &embedded_openapi_json.plain.piece);
    assert_memory_equal(call.reply_pieces->bytes, "{\"openapi\":\"3.1", 14);
    assert_string_not_equal(embedded_openapi_json.plain.tag, embedded_openapi_yaml.plain.tag);
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_route_either_answers_or_computes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_word_counts_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gaussians_are_computed_whichever_side_is_a_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(points_are_compared_with_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(precision_limits_the_digits_of_the_values_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_in_the_wrong_encoding_is_refused_before_other_mistakes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(spaces_in_an_array_cost_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_gaussians_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(triangular_numbers_are_summed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_largest_sum_is_accepted_and_one_more_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_ranges_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_memory_limit_fails_cleanly_until_one_suffices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_index_lists_every_route, set_up, tear_down),
        cmocka_unit_test_setup_teardown(health_follows_draining, set_up, tear_down),
        cmocka_unit_test_setup_teardown(health_shows_the_numbers_of_the_moment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_system_names_cores_and_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_description_is_given_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_description_is_there_in_json, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

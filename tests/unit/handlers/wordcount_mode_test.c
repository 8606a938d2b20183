/* What /v1/wordcount makes of its fields: each mode on a whole text, and on the same text in windows. That the kernels
 * count well is for their own tests; here the texts are short. */
#include "handlers/wordcount.h"

#include "server/system/clock.h"
#include "tests/unit/handlers/test_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLENTY = 1 << 24, BODY_MAX = 16384 };

static struct plain_memory plain;

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    facts.config.timeout_ns = 30 * NS_PER_S;
    facts.cores.count = 3;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    call_release(&call);
    assert_int_equal(plain.used_bytes, 0);
    return 0;
}

static void begin(enum media media, const char *query, const char *body) {
    open_call(&wordcount_endpoint, &plain.base, plain.limit_bytes);
    call.memory_held_bytes = &plain.used_bytes;
    order.body_media = media;
    set_query(query);
    if (!give_body(&plain.base, body, strlen(body))) {
        call_memory_short(&call, strlen(body));
    }
}

/* Then nothing is left but to print. */
static enum problem_kind encode(enum problem_kind found) {
    assert_int_equal(found, call.problem.kind);
    if (!found) {
        json_begin_object(&call.reply);
        found = wordcount_endpoint.encode(&call);
        json_end_object(&call.reply);
        assert_int_equal(found, PROBLEM_NONE);
        return json_writer_failed(&call.reply) ? call_memory_short(&call, call.reply.text.capacity) : PROBLEM_NONE;
    }
    return found;
}

/* {"text", ...}, as the server drives it. */
static enum problem_kind run_json(const char *body) {
    begin(MEDIA_JSON, "", body);
    enum problem_kind found = call.problem.kind;
    found = found ? found : wordcount_endpoint.decode(&call);
    found = found ? found : wordcount_endpoint.load(&call);
    return encode(found ? found : wordcount_endpoint.compute(&call));
}

/* A text in windows of `step` bytes: each is gone when the next one comes. */
static enum problem_kind run_windows(const char *query, const char *text, size_t step) {
    begin(MEDIA_TEXT, query, "");
    enum problem_kind found = call.problem.kind;
    found = found ? found : wordcount_endpoint.decode(&call);
    size_t length = strlen(text);
    for (size_t at = 0; at <= length && !found; at += step) {
        size_t size = length - at < step ? length - at : step;
        char *window = malloc(size + 1);
        assert_non_null(window);
        memcpy(window, text + at, size);
        team.threads = 1 + (unsigned)(at / step % facts.cores.count); /* as cores are free */
        found = wordcount_endpoint.window(&call, window, size, at + step > length);
        free(window);
    }
    return encode(found);
}

static void expect_reply(const char *what, const char *expected) {
    if (call.problem.kind) {
        fail_msg("%s: %s: %s", what, problem_slug(call.problem.kind), call.problem.detail);
    }
    char *text = strndup(call.reply.text.data, call.reply.text.length);
    assert_string_equal(text, expected);
    free(text);
}

#define SPACE "\xE2\x80\x83" /* U+2003 */
static const char sample[] = "B\xC3\xA9la b\xC3\xA9la\nis, it's it" SPACE "It b\xC3\xA9la\r\nx";

static const struct {
    const char *fields; /* of a JSON body */
    const char *query;
    const char *reply; /* for the sample */
} cases[] = {
    {"", "", "{\"lines\":2,\"words\":8,\"chars\":32,\"bytes\":37}"},
    {",\"word\":\"b\xC3\xA9la\"", "word=b%C3%A9la", "{\"count\":2}"},
    {",\"word\":\"it\",\"match\":\"letters\"", "word=it&match=letters", "{\"count\":2}"},
    {",\"words\":[\"x\"]", "words=x", "{\"counts\":[1]}"},
    {",\"words\":[\"it's\",\"b\xC3\xA9la\",\"is\",\"it's\",\"a,b\"]",
     "words=it's&words=b%C3%A9la&words=is&words=it's&words=a,b", "{\"counts\":[1,2,0,1,0]}"},
    {",\"match\":\"letters\",\"words\":[\"is\",\"it\"]", "words=is&match=letters&words=it", "{\"counts\":[1,2]}"},
    {",\"top\":2", "top=2",
     "{\"top\":[{\"word\":\"b\xC3\xA9la\",\"count\":3},{\"word\":\"it\",\"count\":2}],\"distinct\":5,\"words\":8}"},
    {",\"top\":100000.0", "top=100000",
     "{\"top\":[{\"word\":\"b\xC3\xA9la\",\"count\":3},{\"word\":\"it\",\"count\":2},{\"word\":\"is,\",\"count\":1},"
     "{\"word\":\"it's\",\"count\":1},{\"word\":\"x\",\"count\":1}],\"distinct\":5,\"words\":8}"},
};
enum { CASE_COUNT = sizeof cases / sizeof cases[0] };

static const char *body_of(size_t index, const char *text) {
    static char body[BODY_MAX];
    size_t used = (size_t)snprintf(body, sizeof body, "{\"text\":\"");
    for (; *text; text++) {
        if (*text == '\n' || *text == '\r') {
            body[used++] = '\\';
            body[used++] = *text == '\n' ? 'n' : 'r';
        } else {
            body[used++] = *text;
        }
    }
    (void)snprintf(body + used, sizeof body - used, "\"%s}", cases[index].fields);
    return body;
}

static void every_mode_counts_a_whole_text(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        (void)run_json(body_of(i, sample));
        expect_reply(cases[i].fields, cases[i].reply);
        assert_true(call.demand.cost_ns > 0);
    }
}

static void every_mode_counts_windows_the_same(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        for (size_t step = 1; step <= sizeof sample; step++) {
            (void)run_windows(cases[i].query, sample, step);
            expect_reply(cases[i].query, cases[i].reply);
        }
    }
}

static void an_empty_text_has_nothing_to_count(void **state) {
    (void)state;
    static const char *const queries[] = {"", "word=a", "words=a&words=b", "top=3"};
    static const char *const replies[] = {"{\"lines\":0,\"words\":0,\"chars\":0,\"bytes\":0}", "{\"count\":0}",
                                          "{\"counts\":[0,0]}", "{\"top\":[],\"distinct\":0,\"words\":0}"};
    for (size_t i = 0; i < 4; i++) {
        (void)run_windows(queries[i], "", 1);
        expect_reply(queries[i], replies[i]);
    }
}

static void words_that_are_no_utf8_are_answered_with_replacement_characters(void **state) {
    (void)state;
    (void)run_windows("top=9", "A\xFFz \xC3 \xC3", 1);
    expect_reply("top=9",
                 "{\"top\":[{\"word\":\"\xEF\xBF\xBD\",\"count\":2},{\"word\":\"a\xEF\xBF\xBDz\",\"count\":1}],"
                 "\"distinct\":2,\"words\":3}");
}

static void expect_problem(enum problem_kind kind, const char *pointer, const char *detail, const char *what) {
    if (call.problem.kind != kind || !strstr(call.problem.detail, detail)) {
        fail_msg("%s: %s, \"%s\"", what, problem_slug(call.problem.kind), call.problem.detail);
    }
    assert_string_equal(call.problem.pointer, pointer);
}

/* In a query as in JSON: one set of messages. */
static void wrong_fields_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *fields;
        const char *query;
        enum problem_kind kind;
        const char *pointer;
        const char *detail;
    } wrong[] = {
        {",\"word\":\"\"", "word=", PROBLEM_OUT_OF_RANGE, "/word", "\"word\" is empty"},
        {",\"word\":\"a\",\"words\":[\"b\"]", "words=b&word=a", PROBLEM_CONFLICTING_FIELDS, "/words",
         "\"word\" and \"words\" exclude each other"},
        {",\"top\":1,\"word\":\"a\"", "top=1&word=a", PROBLEM_CONFLICTING_FIELDS, "/top",
         "\"word\" and \"top\" exclude each other"},
        {",\"top\":1,\"words\":[]", "top=1&words=a", PROBLEM_CONFLICTING_FIELDS, "/top",
         "\"words\" and \"top\" exclude each other"},
        {",\"match\":\"exact\"", "match=exact", PROBLEM_MISSING_FIELD, "/word",
         "\"match\" says how \"word\" or \"words\" are compared, but there is neither"},
        {",\"match\":\"exact\",\"top\":1", "match=exact&top=1", PROBLEM_CONFLICTING_FIELDS, "/match",
         "\"top\" compares nothing"},
        {",\"word\":\"a\",\"match\":\"loose\"", "word=a&match=loose", PROBLEM_OUT_OF_RANGE, "/match", "exact, letters"},
        {",\"words\":[\"a\"],\"match\":\"\"", "words=a&match=", PROBLEM_OUT_OF_RANGE, "/match", "exact, letters"},
        {",\"words\":[\"a\",\"\"]", "words=a&words=", PROBLEM_OUT_OF_RANGE, "/words/1",
         "element 1 of \"words\" is empty"},
        {",\"top\":0", "top=0", PROBLEM_OUT_OF_RANGE, "/top", "from 1 to 100000"},
        {",\"top\":100001", "top=100001", PROBLEM_OUT_OF_RANGE, "/top", "\"top\" is 100001"},
        {",\"top\":1.5", "top=1.5", PROBLEM_WRONG_TYPE, "/top", "\"top\" is 1.5"},
        {",\"top\":\"ten\"", NULL, PROBLEM_WRONG_TYPE, "/top", "\"top\" is the string \"ten\"; a whole number"},
        {",\"word\":null", NULL, PROBLEM_WRONG_TYPE, "/word", "\"word\" is null"},
        {",\"words\":\"a\"", NULL, PROBLEM_WRONG_TYPE, "/words", "\"words\" is the string \"a\"; an array"},
        {",\"words\":[]", NULL, PROBLEM_OUT_OF_RANGE, "/words", "\"words\" has 0 elements; 1 to 64 are allowed"},
        {",\"words\":[\"a\",1]", NULL, PROBLEM_WRONG_TYPE, "/words/1", "is a number; a string is expected"},
        {",\"wrods\":[]", "wrods=a", PROBLEM_UNKNOWN_FIELD, "/wrods", "word, words, top, match"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char body[128];
        (void)snprintf(body, sizeof body, "{\"text\":\"a\"%s}", wrong[i].fields);
        (void)run_json(body);
        expect_problem(wrong[i].kind, wrong[i].pointer, wrong[i].detail, body);
        if (wrong[i].query) {
            (void)run_windows(wrong[i].query, "a", 1);
            expect_problem(wrong[i].kind, wrong[i].pointer, wrong[i].detail, wrong[i].query);
        }
    }
    (void)run_json("{}");
    expect_problem(PROBLEM_MISSING_FIELD, "/text", "\"text\" is missing", "{}");
    (void)run_windows("top=ten", "", 1);
    expect_problem(PROBLEM_WRONG_TYPE, "/top", "\"top\" is \"ten\" in the query; a whole number is expected",
                   "top=ten");
    (void)run_windows("top=1&top=2", "", 1);
    expect_problem(PROBLEM_DUPLICATE_KEY, "", "\"top\" occurs twice", "top=1&top=2");
}

static void sixty_four_words_are_counted_and_no_more(void **state) {
    (void)state;
    char body[2048];
    char query[1024];
    size_t body_length = (size_t)snprintf(body, sizeof body, "{\"text\":\"a b a\",\"words\":[\"a\"");
    size_t query_length = (size_t)snprintf(query, sizeof query, "words=a");
    for (int count = 2; count <= 64; count++) {
        body_length += (size_t)snprintf(body + body_length, sizeof body - body_length, ",\"b\"");
        query_length += (size_t)snprintf(query + query_length, sizeof query - query_length, "&words=b");
    }
    (void)snprintf(body + body_length, sizeof body - body_length, "]}");
    (void)run_json(body);
    assert_int_equal(call.problem.kind, PROBLEM_NONE);
    (void)run_windows(query, "a b a", 2);
    assert_int_equal(call.problem.kind, PROBLEM_NONE);
    assert_memory_equal(call.reply.text.data, "{\"counts\":[2,1,1,", 17);
    (void)snprintf(body + body_length, sizeof body - body_length, ",\"c\"]}");
    (void)run_json(body);
    expect_problem(PROBLEM_OUT_OF_RANGE, "/words", "\"words\" has 65 elements; 1 to 64 are allowed", body);
    (void)snprintf(query + query_length, sizeof query - query_length, "&words=c");
    (void)run_windows(query, "", 1);
    expect_problem(PROBLEM_OUT_OF_RANGE, "/words", "\"words\" has 65 elements; 1 to 64 are allowed", query);
}

/* Each of them with what it takes, and a little less. */
static void every_memory_limit_fails_cleanly_until_one_suffices(void **state) {
    (void)state;
    for (size_t i = 0; i < 2 * CASE_COUNT; i++) {
        size_t failures = 0;
        for (plain.limit_bytes = 0;; plain.limit_bytes += 256) {
            enum problem_kind kind =
                i % 2 == 0 ? run_json(body_of(i / 2, sample)) : run_windows(cases[i / 2].query, sample, 7);
            if (kind == PROBLEM_NONE) {
                expect_reply(cases[i / 2].fields, cases[i / 2].reply);
                break;
            }
            assert_true(kind == PROBLEM_MEMORY_LIMIT || kind == PROBLEM_MEMORY_BUSY);
            assert_int_equal(kind, call.problem.kind);
            failures++;
            call_release(&call);
            assert_int_equal(plain.used_bytes, 0);
        }
        assert_in_range(failures, 10, 10000);
    }
}

/* More and more different words, until they are too many. */
static void too_many_distinct_words_are_refused_with_need_and_limit(void **state) {
    (void)state;
    plain.limit_bytes = 1 << 20;
    begin(MEDIA_TEXT, "top=3", "");
    assert_int_equal(wordcount_endpoint.decode(&call), PROBLEM_NONE);
    char word[64];
    int count = 0;
    enum problem_kind kind = PROBLEM_NONE;
    do {
        int length = snprintf(word, sizeof word, "%050d ", count++);
        kind = wordcount_endpoint.window(&call, word, (size_t)length, false);
    } while (kind == PROBLEM_NONE && count < 30000);
    expect_problem(PROBLEM_MEMORY_LIMIT, "/top", "\"top\" keeps every distinct word until the end: the request needs ",
                   "");
    assert_non_null(strstr(call.problem.detail, ", the limit (--memory) is 1048576 in all"));
    assert_in_range(count, 1000, 20000);
    assert_in_range(plain.used_bytes, plain.limit_bytes / 4, plain.limit_bytes);
}

static void a_cancelled_count_stops_without_a_problem(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        begin(MEDIA_TEXT, cases[i].query, "");
        assert_int_equal(wordcount_endpoint.decode(&call), PROBLEM_NONE);
        assert_int_equal(wordcount_endpoint.window(&call, sample, strlen(sample), false), PROBLEM_NONE);
        atomic_store(&call.cancel, true);
        assert_int_equal(wordcount_endpoint.window(&call, sample, strlen(sample), true), PROBLEM_NONE);
        assert_int_equal(call.problem.kind, PROBLEM_NONE);
    }
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_mode_counts_a_whole_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_mode_counts_windows_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_text_has_nothing_to_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words_that_are_no_utf8_are_answered_with_replacement_characters, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(wrong_fields_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sixty_four_words_are_counted_and_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_memory_limit_fails_cleanly_until_one_suffices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_distinct_words_are_refused_with_need_and_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cancelled_count_stops_without_a_problem, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

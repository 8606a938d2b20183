/* A query gives the document that a JSON body with the same fields gives, and the same complaints. */
#include "handlers/options.h"

#include "server/system/clock.h"
#include "tests/unit/handlers/test_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PLENTY = 1 << 24 };

static const struct field own[] = {{"n", FIELD_NUMBER},   {"word", FIELD_TEXT}, {"list", FIELD_INTEGERS},
                                   {"tags", FIELD_TEXTS}, {"text", FIELD_BODY}, {"flag", FIELD_BOOLEAN},
                                   {NULL, FIELD_TEXT}};

static struct plain_memory plain;

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    facts.config.timeout_ns = 30 * NS_PER_S;
    CPU_ZERO(&facts.cores.usable);
    CPU_SET(0, &facts.cores.usable);
    CPU_SET(1, &facts.cores.usable);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    call_release(&call);
    assert_int_equal(plain.used_bytes, 0);
    return 0;
}

static enum problem_kind decode(enum media media, const char *query, const char *body) {
    open_call(NULL, &plain.base, PLENTY);
    assert_int_equal(plain.used_bytes, 0);
    order.body_media = media;
    set_query(query);
    assert_true(give_body(&plain.base, body, strlen(body)));
    enum problem_kind kind = options_decode(&call, own);
    assert_int_equal(kind, call.problem.kind);
    return kind;
}

static enum problem_kind decode_query(const char *query) {
    return decode(MEDIA_NPY, query, "not looked at");
}

static void expect_good(const char *query) {
    if (decode_query(query)) {
        fail_msg("%s: %s", query, call.problem.detail);
    }
}

static void nothing_given_means_the_defaults(void **state) {
    (void)state;
    expect_good("");
    assert_non_null(call.document);
    assert_int_equal(call.demand.threads, 0);
    assert_int_equal(call.demand.chunk, 0);
    expect_good("&&");
    assert_non_null(call.document);
}

static void every_option_is_read(void **state) {
    (void)state;
    expect_good("threads=8&schedule=guided&chunk=4096&timeout_ms=250&cores=1,0");
    assert_int_equal(call.demand.threads, 8);
    assert_int_equal(call.demand.timeout_ns, 250 * NS_PER_MS);
    assert_int_equal(call.demand.core_count, 2);
    assert_int_equal(call.demand.cores[0], 1);
    assert_int_equal(call.demand.cores[1], 0);
    assert_int_equal(call.demand.schedule, TEAM_GUIDED);
    assert_int_equal(call.demand.chunk, 4096);
    expect_good("threads=auto&cores=1");
    assert_int_equal(call.demand.threads, 0);
    assert_int_equal(call.demand.core_count, 1);
}

static void each_field_is_what_it_is_declared_to_be(void **state) {
    (void)state;
    double number = 0;
    double list[3] = {0};
    struct text_view text;
    size_t length = 0;
    expect_good("n=-2.5e1&word=12&list=1,2.5,-3e0");
    assert_int_equal(document_number(call.document, "n", &number, &call.problem), PROBLEM_NONE);
    assert_true(number == -25);
    assert_int_equal(document_text(call.document, "word", &text, &call.problem), PROBLEM_NONE);
    assert_int_equal(text.length, 2);
    assert_memory_equal(text.bytes, "12", 2);
    assert_int_equal(document_array_length(call.document, "list", &length, &call.problem), PROBLEM_NONE);
    assert_int_equal(length, 3);
    assert_int_equal(document_array_doubles(call.document, "list", list, 3, NULL, &call.problem), PROBLEM_NONE);
    assert_true(list[0] == 1 && list[1] == 2.5 && list[2] == -3);
    expect_good("list=");
    assert_int_equal(document_array_length(call.document, "list", &length, &call.problem), PROBLEM_NONE);
    assert_int_equal(length, 0);
}

static void a_boolean_is_true_or_false(void **state) {
    (void)state;
    bool flag = false;
    expect_good("flag=true");
    assert_int_equal(document_boolean(call.document, "flag", &flag, &call.problem), PROBLEM_NONE);
    assert_true(flag);
    expect_good("flag=false");
    assert_int_equal(document_boolean(call.document, "flag", &flag, &call.problem), PROBLEM_NONE);
    assert_false(flag);
    static const char *const wrong[] = {"flag=1", "flag=True", "flag=", "flag=tru", "flag=true%00"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect_good(wrong[i]);
        assert_int_equal(document_boolean(call.document, "flag", &flag, &call.problem), PROBLEM_WRONG_TYPE);
        assert_string_equal(call.problem.pointer, "/flag");
    }
}

static void each_occurrence_of_a_list_of_texts_is_an_element(void **state) {
    (void)state;
    struct text_view tags[3];
    size_t length = 0;
    expect_good("tags=a,b&n=1&tags=&tag%73=c");
    assert_int_equal(document_array_length(call.document, "tags", &length, &call.problem), PROBLEM_NONE);
    assert_int_equal(length, 3);
    assert_int_equal(document_array_texts(call.document, "tags", tags, 3, &call.problem), PROBLEM_NONE);
    assert_int_equal(tags[0].length, 3);
    assert_memory_equal(tags[0].bytes, "a,b", 3);
    assert_int_equal(tags[1].length, 0);
    assert_int_equal(tags[2].length, 1);
    assert_memory_equal(tags[2].bytes, "c", 1);
    assert_int_equal(document_type_of(call.document, "n"), DOCUMENT_NUMBER);
    expect_good("tags");
    assert_int_equal(document_array_length(call.document, "tags", &length, &call.problem), PROBLEM_NONE);
    assert_int_equal(length, 1);
}

static void text_keeps_all_its_bytes(void **state) {
    (void)state;
    static const char expected[] = "a \"\\\n\0\x7f\xc3\xa9&=+,";
    struct text_view text;
    expect_good("word=a+%22%5C%0A%00%7F%C3%A9%26=%2B,");
    assert_int_equal(document_text(call.document, "word", &text, &call.problem), PROBLEM_NONE);
    assert_int_equal(text.length, sizeof expected - 1);
    assert_memory_equal(text.bytes, expected, text.length);
}

/* What is no number by JSON's grammar is refused as it was sent, and where + has become a space that is said. */
static void numbers_are_strict(void **state) {
    (void)state;
    static const char *const wrong[] = {"+1", "%2B1", "01", ".5",   "1.",  "0x1",  "1e+2",
                                        "1e", "1,2",  "1 ", "%201", "--1", "1%00", "1%20"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char query[32];
        char detail[160];
        (void)snprintf(query, sizeof query, "n=%s", wrong[i]);
        (void)snprintf(detail, sizeof detail,
                       "\"n\" is \"%s\" in the query%s; a number is expected, as JSON writes it: 0.5, -1, 1e3",
                       wrong[i], strchr(wrong[i], '+') ? ", where + is a space (%2B is a plus)" : "");
        assert_int_equal(decode_query(query), PROBLEM_WRONG_TYPE);
        assert_string_equal(call.problem.pointer, "/n");
        assert_string_equal(call.problem.detail, detail);
        (void)snprintf(query, sizeof query, "chunk=%s", wrong[i]);
        assert_int_equal(decode_query(query), PROBLEM_WRONG_TYPE);
        assert_string_equal(call.problem.pointer, "/chunk");
    }
}

/* A reader of words would only say that a string came. */
static void nan_and_infinity_are_no_numbers_and_no_words(void **state) {
    (void)state;
    static const char *const names[] = {"nan", "NaN", "-nan", "inf", "-inf", "%2Binf", "+Infinity", "INFINITY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char query[32];
        char detail[192];
        (void)snprintf(query, sizeof query, "n=%s", names[i]);
        (void)snprintf(detail, sizeof detail,
                       "\"n\" is \"%s\" in the query%s; a number is expected, as JSON writes it: 0.5, -1, 1e3; it has "
                       "neither NaN nor infinity",
                       names[i], names[i][0] == '+' ? ", where + is a space (%2B is a plus)" : "");
        assert_int_equal(decode_query(query), PROBLEM_WRONG_TYPE);
        assert_string_equal(call.problem.pointer, "/n");
        assert_string_equal(call.problem.detail, detail);
    }
}

static void what_has_no_digit_is_no_number_either(void **state) {
    (void)state;
    static const char *const words[] = {"", "nano", "in", "true", "one", "+", "-", ".", "auto", "AUTO"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char query[32];
        char detail[160];
        (void)snprintf(query, sizeof query, "chunk=%s", words[i]);
        (void)snprintf(detail, sizeof detail,
                       "\"chunk\" is \"%s\" in the query%s; a whole number is expected, as JSON writes it: 0, 20, -1",
                       words[i], strchr(words[i], '+') ? ", where + is a space (%2B is a plus)" : "");
        assert_int_equal(decode_query(query), PROBLEM_WRONG_TYPE);
        assert_string_equal(call.problem.pointer, "/chunk");
        assert_string_equal(call.problem.detail, detail);
    }
}

/* "auto" is the one word that stands for a number of threads. */
static void threads_are_a_number_or_auto(void **state) {
    (void)state;
    static const char *const wrong[] = {"", "two", "AUTO", "aut", "autos", ".", "-", "+2", "01", "nan"};
    expect_good("threads=auto");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char query[32];
        char start[48];
        (void)snprintf(query, sizeof query, "threads=%s", wrong[i]);
        (void)snprintf(start, sizeof start, "\"threads\" is \"%s\" in the query", wrong[i]);
        assert_int_equal(decode_query(query), PROBLEM_WRONG_TYPE);
        assert_string_equal(call.problem.pointer, "/threads");
        const char *detail = call.problem.detail;
        if (strncmp(detail, start, strlen(start)) != 0 ||
            !strstr(detail, "a whole number is expected, as JSON writes it: 0, 20, -1") ||
            strcmp(detail + strlen(detail) - strlen("; or auto"), "; or auto") != 0) {
            fail_msg("%s: %s", query, detail);
        }
    }
}

static void elements_of_lists_are_named_as_they_were_sent(void **state) {
    (void)state;
    static const struct {
        const char *query;
        const char *pointer;
        const char *detail;
    } cases[] = {
        {"list=.5", "/list/0", "\"list\" is \".5\" in the query; a whole number"},
        {"list=1,01,2", "/list/1", "\"list\" is \"01\" in the query; a whole number"},
        {"list=1,2,1e+3", "/list/2", "\"list\" is \"1e+3\" in the query, where + is a space"},
        {"list=1%2C%31x,+4", "/list/1", "\"list\" is \"%31x\" in the query; a whole number"},
        {"list=0,,1", "/list/1", "\"list\" is \"\" in the query; a whole number"},
        {"list=0,", "/list/1", "\"list\" is \"\" in the query; a whole number"},
        {"list=1,a,9", "/list/1", "\"list\" is \"a\" in the query; a whole number"},
        {"list=1%2c2,4%2C+3", "/list/3", "\"list\" is \"+3\" in the query, where"},
        {"list=%5B0%5D", "/list/0", "\"list\" is \"%5B0%5D\" in the query; a whole number"},
        {"list=0;1", "/list/0", "a whole number is expected, as JSON writes it: 0, 20, -1; commas separate numbers"},
        {"list=0%2", "", "two hexadecimal digits"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(decode_query(cases[i].query));
        if (strcmp(call.problem.pointer, cases[i].pointer) != 0) {
            fail_msg("%s: at \"%s\": %s", cases[i].query, call.problem.pointer, call.problem.detail);
        }
        if (!strstr(call.problem.detail, cases[i].detail)) {
            fail_msg("%s: %s", cases[i].query, call.problem.detail);
        }
    }
}

static void complaints_are_those_about_json(void **state) {
    (void)state;
    static const struct {
        const char *query;
        const char *body;
    } pairs[] = {
        {"threads=0", "{\"threads\":0}"},
        {"threads=1.5", "{\"threads\":1.5}"},
        {"schedule=fair", "{\"schedule\":\"fair\"}"},
        {"chunk=-1", "{\"chunk\":-1}"},
        {"timeout_ms=30001", "{\"timeout_ms\":30001}"},
        {"cores=", "{\"cores\":[]}"},
        {"cores=7", "{\"cores\":[7]}"},
        {"cores=0,0", "{\"cores\":[0,0]}"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        enum problem_kind kind = decode_query(pairs[i].query);
        struct problem of_query = call.problem;
        if (kind == PROBLEM_NONE || decode(MEDIA_JSON, "", pairs[i].body) != kind) {
            fail_msg("%s: %s, %s: %s", pairs[i].query, problem_slug(kind), pairs[i].body,
                     problem_slug(call.problem.kind));
        }
        assert_string_equal(of_query.pointer, call.problem.pointer);
        assert_string_equal(of_query.detail, call.problem.detail);
    }
}

static void what_only_a_query_can_have_wrong_is_refused(void **state) {
    (void)state;
    static const char known[] =
        "is not one of: n, word, list, tags, flag, threads, schedule, chunk, timeout_ms, cores, store, expires_s";
    static const struct {
        const char *query;
        enum problem_kind kind;
        const char *pointer;
        const char *detail;
    } cases[] = {
        {"thread=2", PROBLEM_UNKNOWN_FIELD, "/thread", known},
        {"text=abc", PROBLEM_UNKNOWN_FIELD, "/text",
         "\"text\" comes in a JSON body (application/json) only, with all else beside it; an array there is numbers, "
         "or "
         "named data: {\"data\": \"name\"}"},
        {"text=a&text=b", PROBLEM_UNKNOWN_FIELD, "/text", "comes in a JSON body"},
        {"tags[]=a&tags[]=b", PROBLEM_UNKNOWN_FIELD, "/tags[]", known},
        {"cores=0&cores=1&x=1", PROBLEM_UNKNOWN_FIELD, "/x", known},
        {"n=1&n=2&x=1&x=2&n=.5", PROBLEM_UNKNOWN_FIELD, "/x", known},
        {"n=1e999&x=1", PROBLEM_UNKNOWN_FIELD, "/x", known},
        {"a%22b%5C%0A=1", PROBLEM_UNKNOWN_FIELD, "/a\"b\\\n", "\"a\"b\\\\x0a\" is not one of: n, word"},
        {"=1", PROBLEM_UNKNOWN_FIELD, "/", known},
        {"threads%00=1", PROBLEM_MALFORMED_REQUEST, "", "a name in the query has a NUL byte"},
        {"threads=1&threads=1", PROBLEM_DUPLICATE_KEY, "", "\"threads\" occurs twice in the query"},
        {"list=1&n=2&list=3", PROBLEM_DUPLICATE_KEY, "",
         "\"list\" occurs twice in the query; its numbers are separated by commas: list=0,1"},
        {"cores=0&cores=1", PROBLEM_DUPLICATE_KEY, "", "separated by commas: cores=0,1"},
        {"word&%77ord", PROBLEM_DUPLICATE_KEY, "", "\"word\" occurs twice in the query"},
        {"threads=%4", PROBLEM_MALFORMED_REQUEST, "", "two hexadecimal digits"},
        {"word=%FF", PROBLEM_MALFORMED_REQUEST, "", "not UTF-8"},
        {"n=1e999", PROBLEM_NUMBER_OVERFLOW, "/n",
         "\"n\" is 1e999 in the query, outside the range of a double, which ends at 1.7976931348623157e308"},
        {"cores=0,1e999", PROBLEM_NUMBER_OVERFLOW, "/cores/1", "\"cores\" is 1e999 in the query, outside the range"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (decode_query(cases[i].query) != cases[i].kind) {
            fail_msg("%s: %s", cases[i].query, problem_slug(call.problem.kind));
        }
        assert_string_equal(call.problem.pointer, cases[i].pointer);
        if (!strstr(call.problem.detail, cases[i].detail)) {
            fail_msg("%s: %s", cases[i].query, call.problem.detail);
        }
    }
}

/* Whatever part of it there is no memory for. */
static void memory_that_never_suffices_differs_from_memory_in_use(void **state) {
    (void)state;
    for (size_t limit = 0;; limit += 64) {
        open_call(NULL, &plain.base, 0);
        order.body_media = MEDIA_TEXT;
        set_query("word=a");
        plain.limit_bytes = limit;
        enum problem_kind kind = options_decode(&call, own);
        if (kind == PROBLEM_NONE) {
            assert_in_range(limit, 1024, 8192);
            return;
        }
        assert_int_equal(kind, PROBLEM_MEMORY_LIMIT);
        assert_int_equal(plain.used_bytes, 0);
        call.problem = (struct problem){0};
        budget.limit_bytes = PLENTY;
        assert_int_equal(options_decode(&call, own), PROBLEM_MEMORY_BUSY);
        assert_int_equal(plain.used_bytes, 0);
    }
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_given_means_the_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_option_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_field_is_what_it_is_declared_to_be, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_boolean_is_true_or_false, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_occurrence_of_a_list_of_texts_is_an_element, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_keeps_all_its_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_are_strict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nan_and_infinity_are_no_numbers_and_no_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_no_digit_is_no_number_either, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_are_a_number_or_auto, set_up, tear_down),
        cmocka_unit_test_setup_teardown(elements_of_lists_are_named_as_they_were_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(complaints_are_those_about_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_only_a_query_can_have_wrong_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_that_never_suffices_differs_from_memory_in_use, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

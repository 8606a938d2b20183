#include "codecs/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { PLENTY = 1 << 20, GUARDED_MAX = 4096 };

static struct plain_memory plain;
static char *guard; /* queries end here, where nothing can be read */

static int set_up(void **state) {
    (void)state;
    assert_int_equal(sysconf(_SC_PAGESIZE), GUARDED_MAX);
    char *pages = mmap(NULL, 2 * GUARDED_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    guard = pages + GUARDED_MAX;
    plain_memory_init(&plain, PLENTY);
    return mprotect(guard, GUARDED_MAX, PROT_NONE);
}

static int tear_down(void **state) {
    (void)state;
    return munmap(guard - GUARDED_MAX, 2 * GUARDED_MAX);
}

static enum problem_kind parse(const char *text, size_t length, struct query *query, struct problem *problem) {
    assert_in_range(length, 0, GUARDED_MAX);
    memcpy(guard - length, text, length);
    *problem = (struct problem){0};
    enum problem_kind kind = query_parse(guard - length, length, &plain.base, query, problem);
    assert_int_equal(kind, problem->kind);
    if (kind) {
        assert_int_equal(plain.used_bytes, 0);
    }
    return kind;
}

static void end(struct query *query) {
    query_deinit(query);
    query_deinit(query);
    assert_int_equal(plain.used_bytes, 0);
}

struct pair {
    const char *name;
    const char *value;
    size_t value_length;
};

static void expect_pairs(const char *text, const struct pair *pairs) {
    struct query query;
    struct problem problem;
    size_t count = 0;
    if (parse(text, strlen(text), &query, &problem)) {
        fail_msg("%s: %s", text, problem.detail);
    }
    for (; pairs[count].name; count++) {
        assert_in_range(count, 0, query.count);
        const struct query_item *item = &query.items[count];
        assert_string_equal(item->name, pairs[count].name);
        assert_int_equal(item->name_length, strlen(pairs[count].name));
        assert_int_equal(item->value_length, pairs[count].value_length);
        assert_memory_equal(item->value, pairs[count].value, pairs[count].value_length + 1);
    }
    assert_int_equal(query.count, count);
    end(&query);
}

#define PAIR(name, value) {name, value, sizeof(value) - 1}
#define PAIRS(...) ((const struct pair[]){__VA_ARGS__, {NULL, NULL, 0}})

static void pairs_are_decoded_in_order(void **state) {
    (void)state;
    expect_pairs("", (const struct pair[]){{NULL, NULL, 0}});
    expect_pairs("&&&", (const struct pair[]){{NULL, NULL, 0}});
    expect_pairs("a=1", PAIRS(PAIR("a", "1")));
    expect_pairs("b=2&a=1", PAIRS(PAIR("b", "2"), PAIR("a", "1")));
    expect_pairs("&a=1&&b=&c&", PAIRS(PAIR("a", "1"), PAIR("b", ""), PAIR("c", "")));
    expect_pairs("a=b=c&==", PAIRS(PAIR("a", "b=c"), PAIR("", "=")));
    expect_pairs("a=%3D%26%25%2B%20+", PAIRS(PAIR("a", "=&%+  ")));
    expect_pairs("word=caf%C3%A9&%e2%82%ac=%F0%9F%8D%B4",
                 PAIRS(PAIR("word", "caf\u00e9"), PAIR("\u20ac", "\U0001F374")));
    expect_pairs("a=x%00y", PAIRS(PAIR("a", "x\0y")));
    expect_pairs("a+b=1&a%20c=2", PAIRS(PAIR("a b", "1"), PAIR("a c", "2")));
    expect_pairs("A=1&a=2", PAIRS(PAIR("A", "1"), PAIR("a", "2")));
}

static void names_that_occur_again_are_told(void **state) {
    (void)state;
    struct query query;
    struct problem problem;
    expect_pairs("a=1&b=2&%61=3&a", PAIRS(PAIR("a", "1"), PAIR("b", "2"), PAIR("a", "3"), PAIR("a", "")));
    assert_int_equal(parse("a=1&b=2&%61=3&A=4&b", 19, &query, &problem), PROBLEM_NONE);
    static const bool expected[] = {false, false, true, false, true};
    assert_int_equal(query.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(query.items[i].repeats, expected[i]);
    }
    end(&query);
}

static void values_are_kept_as_they_were_sent(void **state) {
    (void)state;
    struct query query;
    struct problem problem;
    static const char *const sent[] = {"%31+2", "", "", "c=d"};
    assert_int_equal(parse("a=%31+2&b=&c&a=c=d", 18, &query, &problem), PROBLEM_NONE);
    assert_int_equal(query.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(query.items[i].sent_length, strlen(sent[i]));
        assert_memory_equal(query.items[i].sent, sent[i], strlen(sent[i]));
    }
    end(&query);
}

/* However commas are written, and at the guard page: each element is what was decoded, beside how it was sent. */
static void values_are_cut_at_commas(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *elements[4];
        const char *sent[4];
    } cases[] = {
        {"a=", {""}, {""}},
        {"a=1", {"1"}, {"1"}},
        {"a=1,2", {"1", "2"}, {"1", "2"}},
        {"a=%31%2C+2%2c,", {"1", " 2", "", ""}, {"%31", "+2", "", ""}},
        {"a=,%2C", {"", "", ""}, {"", "", ""}},
        {"a=%25%32%43,%20", {"%2C", " "}, {"%25%32%43", "%20"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct query query;
        struct problem problem;
        assert_int_equal(parse(cases[i].text, strlen(cases[i].text), &query, &problem), PROBLEM_NONE);
        struct query_item element = query.items[0];
        struct query_item rest;
        size_t count = 0;
        for (bool more = true; more; element = rest, count++) {
            more = query_cut(&element, &rest);
            assert_non_null(cases[i].elements[count]);
            assert_int_equal(element.value_length, strlen(cases[i].elements[count]));
            assert_memory_equal(element.value, cases[i].elements[count], element.value_length);
            assert_int_equal(element.sent_length, strlen(cases[i].sent[count]));
            assert_memory_equal(element.sent, cases[i].sent[count], element.sent_length);
        }
        assert_true(count == 4 || !cases[i].elements[count]);
        end(&query);
    }
}

static void nothing_to_parse_needs_no_memory(void **state) {
    (void)state;
    struct query query;
    struct problem problem = {0};
    plain.limit_bytes = 0;
    assert_int_equal(query_parse(NULL, 0, &plain.base, &query, &problem), PROBLEM_NONE);
    assert_int_equal(query.count, 0);
    assert_int_equal(parse("a=1", 3, &query, &problem), PROBLEM_MEMORY_LIMIT);
    plain.limit_bytes = PLENTY;
    end(&query);
}

static void malformed_queries_are_refused_with_the_place(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum problem_kind kind;
        const char *detail;
    } cases[] = {
        {"%", PROBLEM_MALFORMED_REQUEST, "at byte 1 of the query: % is followed by two hexadecimal digits"},
        {"a=%", PROBLEM_MALFORMED_REQUEST, "at byte 3 of"},
        {"a=%4", PROBLEM_MALFORMED_REQUEST, "at byte 3 of"},
        {"a=x%4&b=1", PROBLEM_MALFORMED_REQUEST, "at byte 4 of"},
        {"a%=41", PROBLEM_MALFORMED_REQUEST, "at byte 2 of"},
        {"a=%G1", PROBLEM_MALFORMED_REQUEST, "at byte 3 of"},
        {"a=%1g", PROBLEM_MALFORMED_REQUEST, "at byte 3 of"},
        {"a=%+1", PROBLEM_MALFORMED_REQUEST, "at byte 3 of"},
        {"a=%%41", PROBLEM_MALFORMED_REQUEST, "at byte 3 of"},
        {"a=%u0041", PROBLEM_MALFORMED_REQUEST, "at byte 3 of"},
        {"a=%FF", PROBLEM_MALFORMED_REQUEST, "element at byte 3 is not UTF-8"},
        {"a=1&b=%C3", PROBLEM_MALFORMED_REQUEST, "element at byte 7 is not UTF-8"},
        {"%C3=%A9", PROBLEM_MALFORMED_REQUEST, "element at byte 1 is not UTF-8"},
        {"a=%C0%80", PROBLEM_MALFORMED_REQUEST, "not UTF-8"},
        {"a=%ED%A0%80", PROBLEM_MALFORMED_REQUEST, "not UTF-8"},
        {"a=\xE9", PROBLEM_MALFORMED_REQUEST, "not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct query query;
        struct problem problem;
        enum problem_kind kind = parse(cases[i].text, strlen(cases[i].text), &query, &problem);
        if (kind != cases[i].kind || !strstr(problem.detail, cases[i].detail)) {
            fail_msg("%s: %s, \"%s\"", cases[i].text, problem_slug(kind), problem.detail);
        }
    }
}

static void limits_hold_exactly(void **state) {
    (void)state;
    struct query query;
    struct problem problem = {0};
    char text[GUARDED_MAX];
    size_t length = 0;
    for (int i = 0; i <= QUERY_ITEMS_MAX; i++) {
        assert_int_equal(parse(text, length, &query, &problem), PROBLEM_NONE);
        assert_int_equal(query.count, i);
        end(&query);
        length += (size_t)snprintf(text + length, sizeof text - length, "&n%d", i);
    }
    assert_int_equal(parse(text, length, &query, &problem), PROBLEM_MALFORMED_REQUEST);
    assert_string_equal(problem.detail, "the query has more than 128 elements");

    char *large = malloc(QUERY_BYTES_MAX + 1);
    memset(large, 'a', QUERY_BYTES_MAX + 1);
    problem = (struct problem){0};
    assert_int_equal(query_parse(large, QUERY_BYTES_MAX, &plain.base, &query, &problem), PROBLEM_NONE);
    assert_int_equal(query.items[0].name_length, QUERY_BYTES_MAX);
    end(&query);
    assert_int_equal(query_parse(large, QUERY_BYTES_MAX + 1, &plain.base, &query, &problem), PROBLEM_MALFORMED_REQUEST);
    free(large);
}

static void every_truncation_and_mutation_is_read_within_bounds(void **state) {
    (void)state;
    static const char sample[] = "word=caf%C3%A9&threads=2&&gamma=-1.5e3&cores=0,1&flag&%e2%82%ac=+";
    static const char alphabet[] = "%&=+aF0\0\x80\xC3";
    for (size_t length = 0; length < sizeof sample; length++) {
        for (size_t at = 0; at < length; at++) {
            for (size_t i = 0; i < sizeof alphabet; i++) {
                char text[sizeof sample];
                struct query query;
                struct problem problem;
                memcpy(text, sample, length);
                text[at] = alphabet[i];
                if (parse(text, length, &query, &problem) == PROBLEM_NONE) {
                    assert_in_range(query.count, 0, 7);
                    end(&query);
                }
            }
        }
    }
}

static void expect_number(const char *value, enum problem_kind kind, double expected) {
    struct query_item item = {.name = "gamma",
                              .name_length = 5,
                              .value = value,
                              .value_length = strlen(value),
                              .sent = value,
                              .sent_length = strlen(value)};
    struct problem problem = {0};
    double number = 0;
    enum problem_kind found = query_number(&item, false, &number, &problem);
    if (found != kind || (!kind && memcmp(&number, &expected, sizeof number) != 0)) {
        fail_msg("\"%s\": %s, %a; expected %s, %a", value, problem_slug(found), number, problem_slug(kind), expected);
    }
    if (kind) {
        assert_string_equal(problem.pointer, "/gamma");
        assert_non_null(strstr(problem.detail, "\"gamma\" is "));
    }
}

static void numbers_follow_jsons_grammar(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0.0},
                {"-0", -0.0},
                {"1", 1.0},
                {"-12.50", -12.5},
                {"1e3", 1e3},
                {"1E+3", 1e3},
                {"1e-3", 1e-3},
                {"0.1", 0.1},
                {"5e-324", 5e-324},
                {"1e-400", 0.0},
                {"0e999999999", 0.0},
                {"1.7976931348623157e308", 1.7976931348623157e308},
                {"9007199254740993", 9007199254740992.0}};
    static const char *const bad[] = {"",         " 1",  "1 ",  "+1",  "01",  "-01",   ".5",     "1.",   "1.e3",
                                      "1e",       "1e+", "-",   "--1", "0x1", "0X1p3", "NaN",    "nan",  "inf",
                                      "Infinity", "1,2", "1_0", "1d3", "1f",  "\"1\"", "\u0661", "true", "1e5.0"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        expect_number(good[i].text, PROBLEM_NONE, good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expect_number(bad[i], PROBLEM_WRONG_TYPE, 0);
    }
    expect_number("1e309", PROBLEM_NUMBER_OVERFLOW, 0);
    expect_number("-1.7976931348623159e308", PROBLEM_NUMBER_OVERFLOW, 0);
}

static void a_number_is_the_whole_value(void **state) {
    (void)state;
    static const char *const values[] = {"1\0", "1,", "1 "};
    for (size_t i = 0; i < 3; i++) {
        struct query_item item = {
            .name = "n", .name_length = 1, .value = values[i], .value_length = 2, .sent = "", .sent_length = 0};
        struct problem problem = {0};
        double number = 0;
        assert_int_equal(query_number(&item, false, &number, &problem), PROBLEM_WRONG_TYPE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_decoded_in_order),
        cmocka_unit_test(names_that_occur_again_are_told),
        cmocka_unit_test(values_are_kept_as_they_were_sent),
        cmocka_unit_test(values_are_cut_at_commas),
        cmocka_unit_test(nothing_to_parse_needs_no_memory),
        cmocka_unit_test(malformed_queries_are_refused_with_the_place),
        cmocka_unit_test(limits_hold_exactly),
        cmocka_unit_test(every_truncation_and_mutation_is_read_within_bounds),
        cmocka_unit_test(numbers_follow_jsons_grammar),
        cmocka_unit_test(a_number_is_the_whole_value),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Whether bytes are JSON, against jansson's verdict, at every place that a mistake may have. */
#include "codecs/json/json_check.h"

#include "codecs/json/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

enum { ROUNDS = 20000, BEFORE = 3, TEXT_MAX = 64 * 1024 };

static const char *const seeds[] = {
    "{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\\n\\u00e9\\ud83d\\ude00\"}}",
    " [ 1 , -2.5e+3 , 0 , { } , [ ] , \"\" ] ",
    "\"a text with \\\"quotes\\\" and \\\\\"",
    "-0.5E-2",
    "null",
    "[[[[{\"x\":[[],[{}]]}]]]]",
    "{\"x\":[1,2,3],\"y\":0.5}",
};

static char text[TEXT_MAX];

/* The value stands somewhere in a body, in an array. */
static enum problem_kind check(const char *value, size_t length, struct problem *problem) {
    *problem = (struct problem){0};
    memset(text, '[', BEFORE);
    memcpy(text + BEFORE, value, length);
    text[BEFORE + length] = ']';
    return json_check(text, BEFORE, BEFORE + length, NULL, problem);
}

/* Where jansson stops, counted from 1; 0: nowhere. Overflows are none of our business. */
static size_t jansson_stops_at(const char *value, size_t length, enum json_error_code *code) {
    char in_array[TEXT_MAX];
    json_error_t error;
    in_array[0] = '[';
    memcpy(in_array + 1, value, length);
    in_array[length + 1] = ']';
    json_t *tree = json_loadb(in_array, length + 2, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    size_t stops_at = tree ? 0 : (size_t)error.position + BEFORE - 1;
    *code = tree ? json_error_unknown : json_error_code(&error);
    json_decref(tree);
    return stops_at;
}

static bool is_one_value(const char *value, size_t length) {
    json_error_t error;
    json_t *tree = json_loadb(value, length, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY, &error);
    bool overflows = !tree && json_error_code(&error) == json_error_numeric_overflow;
    json_decref(tree);
    return tree || overflows;
}

static void what_is_json_is_taken(void **state) {
    (void)state;
    static const char *const more[] = {"{\"a\":1,\"a\":2}", "1e999", "[1e999,-1e999]", "123456789012345678901234567890",
                                       "\"\\u0000\"",       "true"};
    struct problem problem;
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        assert_int_equal(check(seeds[i], strlen(seeds[i]), &problem), PROBLEM_NONE);
    }
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        assert_int_equal(check(more[i], strlen(more[i]), &problem), PROBLEM_NONE);
    }
}

static void a_mistake_is_named_with_its_place_in_the_body(void **state) {
    (void)state;
    static const struct {
        const char *value;
        const char *detail;
    } cases[] = {
        {"", "at byte 4: a value expected near ']'"},
        {"  ", "at byte 6: a value expected near ']'"},
        {"1 2", "at byte 6: ',' or ']' expected near '2'"},
        {"{} {}", "at byte 7: ',' or ']' expected near '{'"},
        {"[1,]", "at byte 7: a value expected near ']'"},
        {"[1,,2]", "at byte 7: a value expected near ','"},
        {"{,}", "at byte 5: a name expected near ','"},
        {"{\"a\" 1}", "at byte 9: ':' expected near '1'"},
        {"{\"a\":}", "at byte 9: a value expected near '}'"},
        {"{\"a\":1 \"b\":2}", "at byte 11: ',' or '}' expected near '\"'"},
        {"{\"a\":1]", "at byte 10: ',' or '}' expected near ']'"},
        {"[1}", "at byte 6: ',' or ']' expected near '}'"},
        {"01", "at byte 5: invalid token near '01'"},
        {"-", "at byte 5: invalid token near '-'"},
        {"nul", "at byte 7: invalid token near 'nul'"},
        {"NaN", "at byte 4: invalid token near 'NaN'"},
        {"\"a\nb\"", "at byte 6: a string's end expected near '\\x0a'"},
        {"\"\\q\"", "at byte 6: invalid escape"},
        {"\x01", "at byte 4: a value expected near '\\x01'"},
    };
    struct problem problem;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(check(cases[i].value, strlen(cases[i].value), &problem), PROBLEM_INVALID_JSON);
        assert_string_equal(problem.detail, cases[i].detail);
    }
    assert_int_equal(check("\"\xff\"", 3, &problem), PROBLEM_INVALID_UTF8);
}

static void nothing_follows_a_body(void **state) {
    (void)state;
    static const struct {
        const char *body;
        enum problem_kind kind;
        const char *detail;
    } cases[] = {
        {"", PROBLEM_INVALID_JSON, "at byte 1: a value expected near the end"},
        {"{\"a\":1", PROBLEM_INVALID_JSON, "at byte 7: ',' or '}' expected near the end"},
        {"[1, ", PROBLEM_INVALID_JSON, "at byte 5: a value expected near the end"},
        {"\"\\", PROBLEM_INVALID_JSON, "at byte 3: invalid escape"},
        {"\"\\n", PROBLEM_INVALID_JSON, "at byte 4: a string's end expected near the end"},
        {"tr", PROBLEM_INVALID_JSON, "at byte 3: invalid token near 'tr'"},
        {"-", PROBLEM_INVALID_JSON, "at byte 2: invalid token near '-'"},
        {"1.5.5", PROBLEM_INVALID_JSON, "at byte 4: invalid token near '1.5.5'"},
        {"nullify", PROBLEM_INVALID_JSON, "at byte 5: invalid token near 'nullify'"},
        {"\xC3\xA9", PROBLEM_INVALID_JSON, "at byte 1: a value expected near '\xC3\xA9'"},
        {"nul\xFF", PROBLEM_INVALID_UTF8, "at byte 4: unable to decode byte 0xff"},
        {"{} \xC3\xA9", PROBLEM_TRAILING_DATA, "at byte 4: end of file expected near '\xC3\xA9'"},
        {"1 2", PROBLEM_TRAILING_DATA, "at byte 3: end of file expected near '2'"},
        {"1 \xFF", PROBLEM_INVALID_UTF8, "at byte 3: unable to decode byte 0xff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct problem problem = {0};
        size_t length = strlen(cases[i].body);
        char *body = malloc(length + (length == 0)); /* so that what is read behind it is caught */
        assert_non_null(body);
        memcpy(body, cases[i].body, length);
        assert_int_equal(json_check_body(body, 0, length, NULL, &problem), cases[i].kind);
        assert_string_equal(problem.detail, cases[i].detail);
        free(body);
    }
}

/* One byte changed, left out or put in: the verdict is jansson's, and so is the place, where it isn't within a token.
 */
static void jansson_says_the_same(void **state) {
    (void)state;
    static const char bytes[] = "[]{}\",:\\0123eE+-.tfn \n\x01\x80x";
    size_t refused = 0;
    srandom(1);
    for (int i = 0; i < ROUNDS; i++) {
        char value[256];
        const char *seed = seeds[(size_t)random() % (sizeof seeds / sizeof *seeds)];
        size_t length = strlen(seed);
        memcpy(value, seed, length);
        for (int changes = 0; changes < 1 + (int)(random() % 2); changes++) {
            size_t at = (size_t)random() % length;
            char byte = bytes[(size_t)random() % (sizeof bytes - 1)];
            switch (random() % 3) {
            case 0:
                value[at] = byte;
                break;
            case 1:
                memmove(value + at, value + at + 1, --length - at);
                break;
            default:
                memmove(value + at + 1, value + at, length++ - at);
                value[at] = byte;
            }
        }
        struct problem problem;
        enum json_error_code code;
        bool is_json = is_one_value(value, length);
        enum problem_kind kind = check(value, length, &problem);
        if ((kind == PROBLEM_NONE) != is_json) {
            fail_msg("%.*s: %s, jansson %s it", (int)length, value, problem.detail, is_json ? "takes" : "refuses");
        }
        size_t stops_at = is_json ? 0 : jansson_stops_at(value, length, &code);
        size_t found = kind ? strtoull(problem.detail + strlen("at byte "), NULL, 10) : 0;
        if (stops_at > 0 && code == json_error_invalid_syntax && found > stops_at + 1) {
            fail_msg("%.*s: %s, jansson stops at %zu", (int)length, value, problem.detail, stops_at);
        }
        refused += kind != PROBLEM_NONE;
    }
    assert_true(refused > ROUNDS / 4 && refused < ROUNDS);
}

static void values_may_be_as_deep_as_jansson_reads_them(void **state) {
    (void)state;
    static const char *const innermost[] = {"", "1", "null", "\"a\"", "{}", "[]"};
    struct problem problem;
    char value[2 * (JSON_CHECK_DEPTH_MAX + 1) + 8];
    for (size_t i = 0; i < sizeof innermost / sizeof *innermost; i++) {
        size_t inside = strlen(innermost[i]);
        for (size_t depth = JSON_CHECK_DEPTH_MAX - 1; depth <= JSON_CHECK_DEPTH_MAX + 1; depth++) {
            memset(value, '[', depth);
            memcpy(value + depth, innermost[i], inside);
            memset(value + depth + inside, ']', depth);
            size_t length = 2 * depth + inside;
            bool is_json = is_one_value(value, length);
            assert_int_equal(is_json, depth + (inside > 0) <= JSON_CHECK_DEPTH_MAX);
            assert_int_equal(check(value, length, &problem), is_json ? PROBLEM_NONE : PROBLEM_TOO_DEEP);
        }
    }
}

static void a_set_flag_ends_it(void **state) {
    (void)state;
    _Atomic bool cancel = true;
    struct problem problem = {0};
    size_t length = TEXT_MAX - 1;
    memset(text, '1', length);
    for (size_t i = 2; i < length; i += 2) {
        text[i] = ',';
    }
    text[0] = '[';
    text[length] = ']';
    text[length - 2] = 'x'; /* which it doesn't come to */
    assert_int_equal(json_check(text, 0, length + 1, &cancel, &problem), PROBLEM_NONE);
    atomic_store(&cancel, false);
    assert_int_equal(json_check(text, 0, length + 1, &cancel, &problem), PROBLEM_INVALID_JSON);
}

static void a_set_flag_ends_a_long_text(void **state) {
    (void)state;
    enum { LONG = 3 * 1024 * 1024 };
    _Atomic bool cancel = true;
    struct problem problem = {0};
    char *body = malloc(LONG);
    assert_non_null(body);
    memset(body, 'a', LONG);
    body[0] = '"';
    assert_int_equal(json_check_body(body, 0, LONG, &cancel, &problem), PROBLEM_NONE);
    atomic_store(&cancel, false);
    assert_int_equal(json_check_body(body, 0, LONG, &cancel, &problem), PROBLEM_INVALID_JSON);
    free(body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_json_is_taken),  cmocka_unit_test(a_mistake_is_named_with_its_place_in_the_body),
        cmocka_unit_test(jansson_says_the_same),  cmocka_unit_test(values_may_be_as_deep_as_jansson_reads_them),
        cmocka_unit_test(a_set_flag_ends_it),     cmocka_unit_test(a_set_flag_ends_a_long_text),
        cmocka_unit_test(nothing_follows_a_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "codecs/json/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <threads.h>
#include <unistd.h>

#include <cmocka.h>

enum { PLENTY = 1 << 28 };

static struct plain_memory plain;

static enum problem_kind parse(const char *bytes, size_t length, struct document **out, struct problem *problem) {
    size_t peak_bytes = 0;
    *problem = (struct problem){0};
    enum problem_kind kind = document_parse(bytes, length, &plain.base, out, &peak_bytes, problem);
    assert_int_equal(kind, problem->kind);
    assert_int_equal(kind == PROBLEM_NONE, !!*out);
    return kind;
}

static struct document *parse_good(const char *text) {
    struct document *document = NULL;
    struct problem problem;
    if (parse(text, strlen(text), &document, &problem)) {
        fail_msg("%s: %s", text, problem.detail);
    }
    return document;
}

/* The body lies just before a page that can't be read. */
static enum problem_kind parse_guarded(const char *bytes, size_t length, struct problem *problem) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (length + page - 1) / page * page;
    char *pages = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + room, page, PROT_NONE), 0);
    char *body = pages + room - length;
    memcpy(body, bytes, length);
    struct document *document = NULL;
    enum problem_kind kind = parse(body, length, &document, problem);
    document_free(document);
    assert_int_equal(munmap(pages, room + page), 0);
    assert_int_equal(plain.used_bytes, 0);
    return kind;
}

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    return 0;
}

struct bad {
    const char *bytes;
    size_t length;
    enum problem_kind kind;
    const char *detail;
};

#define BAD(text, kind, detail) {text, sizeof(text) - 1, PROBLEM_##kind, detail}

static const struct bad bad_bodies[] = {
    BAD("", EMPTY_BODY, "the body is empty; a JSON object is expected"),
    BAD(" \t\r\n", EMPTY_BODY, "the body is empty but for white space; a JSON object is expected"),
    BAD("hello", INVALID_JSON, "at byte 1: invalid token near 'hello'"),
    BAD("{\"a\":1", INVALID_JSON, "at byte 7: ',' or '}' expected near the end"),
    BAD("{\"a\":tru}", INVALID_JSON, "at byte 9: invalid token near 'tru'"),
    BAD("{\"a\":\"x\ny\"}", INVALID_JSON, "at byte 8: a string's end expected near '\\x0a'"),
    BAD("{'a':1}", INVALID_JSON, "at byte 2: a name expected near '''"),
    BAD("{\"a\":1,}", INVALID_JSON, "at byte 8: a name expected near '}'"),
    BAD("{\"a\":01}", INVALID_JSON, "at byte 7: invalid token near '01'"),
    BAD("{\"a\":+1}", INVALID_JSON, NULL),
    BAD("{\"a\":.5}", INVALID_JSON, NULL),
    BAD("{\"a\":5.}", INVALID_JSON, "at byte 8: invalid token near '5.'"),
    BAD("{\"a\":1e}", INVALID_JSON, "at byte 8: invalid token near '1e'"),
    BAD("{\"a\":0x10}", INVALID_JSON, NULL),
    BAD("{\"a\":NaN}", INVALID_JSON, NULL),
    BAD("{\"a\":Infinity}", INVALID_JSON, NULL),
    BAD("{\"a\":\"\\ud800\"}", INVALID_JSON, "at byte 7: invalid Unicode '\\ud800'"),
    BAD("{\"a\":\"\\x41\"}", INVALID_JSON, NULL),
    BAD("{\"a\\u0000b\":1}", INVALID_JSON, "at byte 2: NUL byte in object key not supported near '\"a\\u0000b\"'"),
    BAD("{\"a\":\"\x01\"}", INVALID_JSON, NULL),
    BAD("{\"a\":1\0}", INVALID_JSON, "at byte 7: ',' or '}' expected near '\\x00'"),
    BAD("{\"a\":\"\0\"}", INVALID_JSON, "at byte 7: a string's end expected near '\\x00'"),
    BAD("\xEF\xBB\xBF{}", INVALID_JSON, NULL),
    BAD("\x1B[31m", INVALID_JSON, "at byte 1: a value expected near '\\x1b'"),
    BAD("{} x", TRAILING_DATA, "at byte 4: end of file expected near 'x'"),
    BAD("{}{}", TRAILING_DATA, NULL),
    BAD("[1] ]", TRAILING_DATA, NULL),
    BAD("{\"a\":1,\"b\":2,\"a\":3}", DUPLICATE_KEY, "at byte 14: duplicate object key near '\"a\"'"),
    BAD("{\"a\":{\"b\":1,\"\\u0062\":2}}", DUPLICATE_KEY, NULL),
    BAD("{\"a\":1e999}", NUMBER_OVERFLOW,
        "at byte 6: real number overflow near '1e999' in \"a\"; a double ends at 1.7976931348623157e308"),
    BAD("{\"a\":-1e999}", NUMBER_OVERFLOW, NULL),
    BAD("{\"a\":\"\xFF\"}", INVALID_UTF8, "at byte 7: unable to decode byte 0xff"),
    BAD("{\"a\":\xFF}", INVALID_UTF8, NULL),
    BAD("\xFF", INVALID_UTF8, NULL),
    BAD("{\"a\":\"\xED\xA0\x80\"}", INVALID_UTF8, NULL),
    BAD("{\"a\":\"\xC0\xAF\"}", INVALID_UTF8, NULL),
    BAD("{\"a\":\"\xF4\x90\x80\x80\"}", INVALID_UTF8, NULL),
    BAD("{\"a\":\"\xE2\x82", INVALID_UTF8, NULL),
    BAD("[1]", NOT_AN_OBJECT, "the body is an array; a JSON object is expected"),
    BAD("\"text\"", NOT_AN_OBJECT, NULL),
    BAD("1.5", NOT_AN_OBJECT, NULL),
    BAD("null", NOT_AN_OBJECT, "the body is null; a JSON object is expected"),
};

/* An overflow is pointed at by the root's member that it is in, whatever comes before it or is around it. */
static void the_member_that_overflows_is_pointed_at(void **state) {
    (void)state;
    static const struct {
        const char *body;
        const char *pointer;
    } cases[] = {
        {"{\"gamma\":1e400}", "/gamma"},
        {"{\"gamma\" : -1e400}", "/gamma"},
        {"{\"a\":1,\"gamma\":1e400,\"b\":2}", "/gamma"},
        {"{\"a\":\"b\\\"c\",\"gamma\":1e400}", "/gamma"},
        {"{\"a\":\"b\\\\\",\"gamma\":1e400}", "/gamma"},
        {"{\"a\":\"{\",\"gamma\":1e400}", "/gamma"},
        {"{\"a\":[\"x\",{\"y\":[]},\"z\"],\"gamma\":1e400}", "/gamma"},
        {"{\"a\":[1,{\"b\":[0,\"c\",1e400]}]}", "/a"},
        {"{\"a/b~\":1e400}", "/a~1b~0"},
        {"{\"\":1e400}", ""},
        {"[1e400]", ""},
        {"[{\"a\":1e400}]", ""},
        {"1e400", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem problem;
        assert_int_equal(parse_guarded(cases[i].body, strlen(cases[i].body), &problem), PROBLEM_NUMBER_OVERFLOW);
        assert_string_equal(problem.pointer, cases[i].pointer);
        assert_int_equal(!!strstr(problem.detail, "1e400' in \""), cases[i].pointer[0] != '\0');
        assert_non_null(strstr(problem.detail, "; a double ends at 1.7976931348623157e308"));
    }
}

static void each_bad_body_gets_its_kind(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_bodies / sizeof bad_bodies[0]; i++) {
        const struct bad *bad = &bad_bodies[i];
        struct problem problem;
        enum problem_kind kind = parse_guarded(bad->bytes, bad->length, &problem);
        if (kind != bad->kind) {
            fail_msg("%s: %s instead of %s (%s)", bad->bytes, problem_slug(kind), problem_slug(bad->kind),
                     problem.detail);
        }
        if (bad->detail) {
            assert_string_equal(problem.detail, bad->detail);
        }
    }
    struct problem problem;
    struct document *document = NULL;
    assert_int_equal(parse(NULL, 0, &document, &problem), PROBLEM_EMPTY_BODY);
}

static void deep_nesting_is_refused_and_ordinary_depth_is_not(void **state) {
    (void)state;
    char body[8192] = "{\"a\":";
    memset(body + 5, '[', 3000);
    struct problem problem;
    assert_int_equal(parse_guarded(body, 3005, &problem), PROBLEM_TOO_DEEP);
    memset(body + 5 + 100, ']', 100);
    body[205] = '}';
    assert_int_equal(parse_guarded(body, 206, &problem), PROBLEM_NONE);
}

static const char valid[] =
    " {\"text\" : \"a\\u00e9\\ud83d\\ude00\\n\\u0000\xC3\xA9\", \"x\":[1, -2.5e-3,0,1E+2], \"n\":null,"
    "\"t\":true , \"f\":false,\"o\":{\"p\":[{}]},\"long-enough-to-grow-a-buffer\":12345678901234567890}\n";

static void every_truncation_of_a_valid_body_is_refused(void **state) {
    (void)state;
    struct problem problem;
    size_t whole = strlen(valid) - 1; /* without the newline */
    for (size_t length = 0; length < whole; length++) {
        enum problem_kind kind = parse_guarded(valid, length, &problem);
        enum problem_kind expected = length < 2 ? PROBLEM_EMPTY_BODY : PROBLEM_INVALID_JSON;
        if (kind != expected && !(kind == PROBLEM_INVALID_UTF8 && valid[length - 1] == '\xC3')) {
            fail_msg("%zu bytes: %s", length, problem_slug(kind));
        }
    }
    assert_int_equal(parse_guarded(valid, whole, &problem), PROBLEM_NONE);
    assert_int_equal(parse_guarded(valid, whole + 1, &problem), PROBLEM_NONE);
}

/* Numbers, texts long and short, many members: every kind of allocation, up to the blocks taken one by one. */
static char *large_body(size_t *length) {
    enum { ROOM = 1 << 20 };
    char *body = malloc(ROOM);
    assert_non_null(body);
    size_t at = (size_t)snprintf(body, ROOM, "{\"x\":[0");
    for (int i = 0; i < 6000; i++) {
        at += (size_t)snprintf(body + at, ROOM - at, ",%d.5", i);
    }
    at += (size_t)snprintf(body + at, ROOM - at, "],\"text\":\"");
    memset(body + at, 'a', 100000);
    at += 100000;
    at += (size_t)snprintf(body + at, ROOM - at, "\"");
    for (int i = 0; i < 500; i++) {
        at += (size_t)snprintf(body + at, ROOM - at, ",\"key-%d\":\"%0*d\"", i, i, i);
    }
    body[at++] = '}';
    *length = at;
    return body;
}

static void every_memory_limit_fails_cleanly_until_one_suffices(void **state) {
    (void)state;
    size_t length = 0;
    char *body = large_body(&length);
    struct document *document = NULL;
    struct problem problem;
    size_t failures = 0;
    size_t limit = 0;
    for (;; limit += 997) {
        plain.limit_bytes = limit;
        if (parse(body, length, &document, &problem) == PROBLEM_NONE) {
            break;
        }
        assert_int_equal(problem.kind, PROBLEM_MEMORY_LIMIT);
        assert_int_equal(plain.used_bytes, 0);
        failures++;
    }
    assert_in_range(failures, 100, 5000);
    assert_in_range(plain.used_bytes, length, limit);
    size_t count = 0;
    assert_int_equal(document_array_length(document, "x", &count, &problem), PROBLEM_NONE);
    assert_int_equal(count, 6001);
    document_free(document);
    assert_int_equal(plain.used_bytes, 0);
    free(body);
}

static void peak_bytes_tell_the_limit_that_would_have_sufficed(void **state) {
    (void)state;
    size_t length = 0;
    char *body = large_body(&length);
    struct document *document = NULL;
    struct problem problem = {0};
    size_t peak_bytes = 0;
    assert_int_equal(document_parse(body, length, &plain.base, &document, &peak_bytes, &problem), PROBLEM_NONE);
    document_free(document);
    size_t enough = peak_bytes;
    plain.limit_bytes = enough;
    assert_int_equal(document_parse(body, length, &plain.base, &document, &peak_bytes, &problem), PROBLEM_NONE);
    document_free(document);
    assert_int_equal(peak_bytes, enough);
    plain.limit_bytes = enough - 1;
    assert_int_equal(document_parse(body, length, &plain.base, &document, &peak_bytes, &problem), PROBLEM_MEMORY_LIMIT);
    assert_int_equal(peak_bytes, enough);
    free(body);
}

static void members_are_read_as_they_were_written(void **state) {
    (void)state;
    struct document *document = parse_good(valid);
    struct problem problem = {0};
    struct text_view text = {0};
    assert_int_equal(document_text(document, "text", &text, &problem), PROBLEM_NONE);
    assert_int_equal(text.length, 11);
    assert_memory_equal(text.bytes, "a\u00E9\U0001F600\n\0\u00E9", 11);
    double x[4] = {0};
    assert_int_equal(document_array_doubles(document, "x", x, 4, NULL, &problem), PROBLEM_NONE);
    assert_true(x[0] == 1 && x[1] == -2.5e-3 && x[2] == 0 && x[3] == 100);
    double large = 0;
    assert_int_equal(document_number(document, "long-enough-to-grow-a-buffer", &large, &problem), PROBLEM_NONE);
    assert_true(large == 12345678901234567890.0);
    bool is_true = false, is_false = true;
    assert_int_equal(document_boolean(document, "t", &is_true, &problem), PROBLEM_NONE);
    assert_int_equal(document_boolean(document, "f", &is_false, &problem), PROBLEM_NONE);
    assert_true(is_true && !is_false);
    static const char *const names[] = {"text", "x", "n", "t", "f", "o", "none"};
    static const enum document_type types[] = {DOCUMENT_STRING,  DOCUMENT_ARRAY,  DOCUMENT_NULL,  DOCUMENT_BOOLEAN,
                                               DOCUMENT_BOOLEAN, DOCUMENT_OBJECT, DOCUMENT_ABSENT};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(document_type_of(document, names[i]), types[i]);
    }
    document_free(document);
    assert_int_equal(plain.used_bytes, 0);
}

static void expect_problem(const struct problem *problem, enum problem_kind kind, const char *pointer,
                           const char *detail) {
    assert_string_equal(problem_slug(problem->kind), problem_slug(kind));
    assert_string_equal(problem->pointer, pointer);
    assert_string_equal(problem->detail, detail);
}

static void a_member_of_the_wrong_type_is_named(void **state) {
    (void)state;
    struct document *document = parse_good("{\"a\":null,\"b\":[1]}");
    struct text_view text;
    double number = 0;
    size_t count = 0;
    bool boolean = false;
    struct problem problem = {0};
    (void)!document_text(document, "a", &text, &problem);
    expect_problem(&problem, PROBLEM_WRONG_TYPE, "/a", "\"a\" is null; a string is expected");
    problem.kind = PROBLEM_NONE;
    (void)!document_number(document, "b", &number, &problem);
    expect_problem(&problem, PROBLEM_WRONG_TYPE, "/b", "\"b\" is an array; a number is expected");
    problem.kind = PROBLEM_NONE;
    (void)!document_array_length(document, "c", &count, &problem);
    expect_problem(&problem, PROBLEM_MISSING_FIELD, "/c", "\"c\" is missing; an array is expected");
    problem.kind = PROBLEM_NONE;
    (void)!document_boolean(document, "a", &boolean, &problem);
    expect_problem(&problem, PROBLEM_WRONG_TYPE, "/a", "\"a\" is null; true or false is expected");
    document_free(document);
}

static void integers_are_whole_and_in_range(void **state) {
    (void)state;
    struct document *document = parse_good("{\"two\":2,\"two_real\":2.0,\"zero\":-0,\"half\":1.5,\"minus\":-1,\"high\":"
                                           "1025,\"text\":\"2\",\"huge\":1e300}");
    static const struct {
        const char *name;
        enum problem_kind kind;
        int64_t value;
    } cases[] = {
        {"two", PROBLEM_NONE, 2},        {"two_real", PROBLEM_NONE, 2},      {"zero", PROBLEM_NONE, 0},
        {"half", PROBLEM_WRONG_TYPE, 0}, {"minus", PROBLEM_OUT_OF_RANGE, 0}, {"high", PROBLEM_OUT_OF_RANGE, 0},
        {"text", PROBLEM_WRONG_TYPE, 0}, {"huge", PROBLEM_OUT_OF_RANGE, 0},  {"none", PROBLEM_MISSING_FIELD, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem problem = {0};
        int64_t value = 0;
        assert_int_equal(document_integer(document, cases[i].name, 0, 1024, &value, &problem), cases[i].kind);
        assert_int_equal(value, cases[i].value);
    }
    struct problem problem = {0};
    int64_t value = 0;
    (void)!document_integer(document, "half", 1, 1024, &value, &problem);
    expect_problem(&problem, PROBLEM_WRONG_TYPE, "/half", "\"half\" is 1.5; a whole number from 1 to 1024 is expected");
    document_free(document);
}

static void choices_are_listed_when_none_fits(void **state) {
    (void)state;
    static const char *const choices[] = {"exact", "letters", NULL};
    struct document *document =
        parse_good("{\"a\":\"letters\",\"b\":\"exac\",\"c\":\"exact\\u0000\",\"d\":\"\\u001b[2J\"}");
    struct problem problem = {0};
    size_t index = 9;
    assert_int_equal(document_choice(document, "a", choices, &index, &problem), PROBLEM_NONE);
    assert_int_equal(index, 1);
    (void)!document_choice(document, "b", choices, &index, &problem);
    expect_problem(&problem, PROBLEM_OUT_OF_RANGE, "/b", "\"b\" is \"exac\"; one of these is expected: exact, letters");
    problem.kind = PROBLEM_NONE;
    assert_int_equal(document_choice(document, "c", choices, &index, &problem), PROBLEM_OUT_OF_RANGE);
    problem.kind = PROBLEM_NONE;
    (void)!document_choice(document, "d", choices, &index, &problem);
    expect_problem(&problem, PROBLEM_OUT_OF_RANGE, "/d",
                   "\"d\" is \"\\x1b[2J\"; one of these is expected: exact, letters");
    document_free(document);
}

static void the_first_element_that_is_no_number_is_pointed_at(void **state) {
    (void)state;
    struct document *document = parse_good("{\"x\":[1,2,null,\"3\"],\"i\":[1,2.5],\"j\":[1,7]}");
    double x[4];
    int64_t i[4];
    struct problem problem = {0};
    (void)!document_array_doubles(document, "x", x, 4, NULL, &problem);
    expect_problem(&problem, PROBLEM_WRONG_TYPE, "/x/2", "element 2 of \"x\" is null; a number is expected");
    problem.kind = PROBLEM_NONE;
    (void)!document_array_integers(document, "x", 0, 9, i, 4, &problem);
    expect_problem(&problem, PROBLEM_WRONG_TYPE, "/x/2", "element 2 of \"x\" is null; a number is expected");
    problem.kind = PROBLEM_NONE;
    (void)!document_array_integers(document, "i", 0, 9, i, 2, &problem);
    expect_problem(&problem, PROBLEM_WRONG_TYPE, "/i/1",
                   "element 1 of \"i\" is 2.5; a whole number from 0 to 9 is expected");
    problem.kind = PROBLEM_NONE;
    (void)!document_array_integers(document, "j", 0, 6, i, 2, &problem);
    expect_problem(&problem, PROBLEM_OUT_OF_RANGE, "/j/1",
                   "element 1 of \"j\" is 7; a whole number from 0 to 6 is expected");
    problem.kind = PROBLEM_NONE;
    assert_int_equal(document_array_integers(document, "j", 0, 7, i, 2, &problem), PROBLEM_NONE);
    assert_int_equal(i[1], 7);
    document_free(document);
}

static void texts_are_viewed_and_the_first_element_that_is_none_is_pointed_at(void **state) {
    (void)state;
    struct document *document = parse_good("{\"x\":[\"a\\u0000b\",\"\",\"\u00e9\"],\"y\":[\"1\",2,null]}");
    struct text_view texts[3];
    struct problem problem = {0};
    assert_int_equal(document_array_texts(document, "x", texts, 3, &problem), PROBLEM_NONE);
    assert_int_equal(texts[0].length, 3);
    assert_memory_equal(texts[0].bytes, "a\0b", 3);
    assert_int_equal(texts[1].length, 0);
    assert_int_equal(texts[2].length, 2);
    assert_memory_equal(texts[2].bytes, "\u00e9", 2);
    (void)!document_array_texts(document, "y", texts, 3, &problem);
    expect_problem(&problem, PROBLEM_WRONG_TYPE, "/y/1", "element 1 of \"y\" is a number; a string is expected");
    document_free(document);
}

static void a_cancelled_array_is_left_early_without_a_problem(void **state) {
    (void)state;
    const _Atomic bool cancel = true;
    struct document *document = parse_good("{\"x\":[null]}");
    double x[1];
    struct problem problem = {0};
    assert_int_equal(document_array_doubles(document, "x", x, 1, &cancel, &problem), PROBLEM_NONE);
    document_free(document);
}

static void the_first_unknown_name_is_pointed_at(void **state) {
    (void)state;
    static const char *const own[] = {"x", "y", NULL};
    static const char *const more[] = {"threads", NULL};
    const char *const *const lists[] = {own, more, NULL};
    struct document *document = parse_good("{\"x\":1,\"threads\":2}");
    struct problem problem = {0};
    assert_int_equal(document_check_names(document, lists, &problem), PROBLEM_NONE);
    document_free(document);
    document = parse_good("{\"x\":1,\"thr/e~ds\\n\":2,\"other\":3}");
    (void)!document_check_names(document, lists, &problem);
    expect_problem(&problem, PROBLEM_UNKNOWN_FIELD, "/thr~1e~0ds\n", "\"thr/e~ds\\x0a\" is not one of: x, y, threads");
    document_free(document);
}

static void a_long_hostile_name_leaves_the_detail_readable(void **state) {
    (void)state;
    static const char *const own[] = {"x", NULL};
    const char *const *const lists[] = {own, NULL};
    char body[4096] = "{\"";
    size_t end = 2;
    for (; end < 4000; end += 7) {
        memcpy(body + end, "\xF0\x9F\x98\x80\\r~", 7);
    }
    memcpy(body + end, "\":1}", 5);
    struct document *document = parse_good(body);
    struct problem problem = {0};
    assert_int_equal(document_check_names(document, lists, &problem), PROBLEM_UNKNOWN_FIELD);
    for (const char *at = problem.detail; *at; at++) {
        assert_true((unsigned char)*at >= 0x20);
    }
    char printed[2048];
    size_t length = problem_print(&problem, "id", printed, sizeof printed);
    document_free(document);
    struct problem none;
    assert_int_equal(parse_guarded(printed, length, &none), PROBLEM_NONE);
}

static int free_elsewhere(void *document) {
    document_free(document);
    return 0;
}

static void a_document_may_be_freed_on_another_thread(void **state) {
    (void)state;
    size_t length = 0;
    char *body = large_body(&length);
    struct document *document = NULL;
    struct problem problem;
    assert_int_equal(parse(body, length, &document, &problem), PROBLEM_NONE);
    free(body);
    thrd_t thread;
    assert_int_equal(thrd_create(&thread, free_elsewhere, document), thrd_success);
    assert_int_equal(thrd_join(thread, NULL), thrd_success);
    assert_int_equal(plain.used_bytes, 0);
    document_free(NULL);
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_bad_body_gets_its_kind, set_up),
        cmocka_unit_test_setup(deep_nesting_is_refused_and_ordinary_depth_is_not, set_up),
        cmocka_unit_test_setup(every_truncation_of_a_valid_body_is_refused, set_up),
        cmocka_unit_test_setup(every_memory_limit_fails_cleanly_until_one_suffices, set_up),
        cmocka_unit_test_setup(peak_bytes_tell_the_limit_that_would_have_sufficed, set_up),
        cmocka_unit_test_setup(members_are_read_as_they_were_written, set_up),
        cmocka_unit_test_setup(a_member_of_the_wrong_type_is_named, set_up),
        cmocka_unit_test_setup(integers_are_whole_and_in_range, set_up),
        cmocka_unit_test_setup(choices_are_listed_when_none_fits, set_up),
        cmocka_unit_test_setup(the_member_that_overflows_is_pointed_at, set_up),
        cmocka_unit_test_setup(the_first_element_that_is_no_number_is_pointed_at, set_up),
        cmocka_unit_test_setup(texts_are_viewed_and_the_first_element_that_is_none_is_pointed_at, set_up),
        cmocka_unit_test_setup(a_cancelled_array_is_left_early_without_a_problem, set_up),
        cmocka_unit_test_setup(the_first_unknown_name_is_pointed_at, set_up),
        cmocka_unit_test_setup(a_long_hostile_name_leaves_the_detail_readable, set_up),
        cmocka_unit_test_setup(a_document_may_be_freed_on_another_thread, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

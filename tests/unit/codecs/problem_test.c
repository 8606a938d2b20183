#include "codecs/problem.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void expect_member(const json_t *object, const char *name, const char *value) {
    const char *found = json_string_value(json_object_get(object, name));
    assert_non_null(found);
    assert_string_equal(found, value);
}

static json_t *print_and_read(const struct problem *problem, const char *request_id) {
    char out[2048];
    size_t length = problem_print(problem, request_id, out, sizeof out);
    assert_int_equal(length, strlen(out));
    json_error_t error;
    json_t *object = json_loadb(out, length, JSON_REJECT_DUPLICATES, &error);
    if (!object) {
        fail_msg("%s in %s", error.text, out);
    }
    return object;
}

static void every_kind_has_its_own_slug_a_title_and_an_error_status(void **state) {
    (void)state;
    for (int kind = PROBLEM_NONE + 1; kind < PROBLEM_KIND_COUNT; kind++) {
        assert_in_range(problem_status((enum problem_kind)kind), 400, 599);
        assert_true(strlen(problem_title((enum problem_kind)kind)) > 0);
        for (int other = PROBLEM_NONE; other < kind; other++) {
            assert_string_not_equal(problem_slug((enum problem_kind)kind), problem_slug((enum problem_kind)other));
        }
    }
    assert_int_equal(problem_status(PROBLEM_NONE), 200);
    assert_string_equal(problem_slug(PROBLEM_NONE), "none");
}

static void the_first_problem_wins(void **state) {
    (void)state;
    struct problem problem = {0};
    assert_int_equal(problem_set(&problem, PROBLEM_WRONG_TYPE, "/a", "%s is %d", "a", 1), PROBLEM_WRONG_TYPE);
    assert_int_equal(problem_set(&problem, PROBLEM_INTERNAL, "/b", "other"), PROBLEM_WRONG_TYPE);
    assert_string_equal(problem.detail, "a is 1");
    assert_string_equal(problem.pointer, "/a");
}

static void the_byte_is_read_from_the_detail(void **state) {
    (void)state;
    static const struct {
        const char *detail;
        size_t byte;
        const char *rest;
    } cases[] = {
        {"at byte 17: a value expected", 17, ": a value expected"},
        {"at byte 18446744073709551615", SIZE_MAX, ""},
        {"at byte 2 of the gzip body: it ends early", 2, " of the gzip body: it ends early"},
        {"the body is an array", 0, "the body is an array"},
        {"at character 3: x", 0, "at character 3: x"},
        {"", 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct problem problem = {0};
        const char *rest;
        (void)problem_set(&problem, PROBLEM_INVALID_JSON, NULL, "%s", cases[i].detail);
        assert_int_equal(problem_byte(&problem, &rest), cases[i].byte);
        assert_string_equal(rest, cases[i].rest);
    }
}

static void detail_and_pointer_are_cut_between_characters(void **state) {
    (void)state;
    for (int shift = 0; shift < 4; shift++) {
        char text[512] = "abc";
        for (size_t at = (size_t)shift; at + 4 < sizeof text; at += 4) {
            memcpy(text + at, "\xF0\x9F\x98\x80", 5);
        }
        struct problem problem = {0};
        (void)problem_set(&problem, PROBLEM_INTERNAL, text, "%s", text);
        assert_int_equal(strlen(problem.detail) % 4, shift);
        assert_in_range(strlen(problem.detail), 252, 255);
        assert_int_equal(strlen(problem.pointer) % 4, shift);
        assert_in_range(strlen(problem.pointer), 92, 95);
    }
}

static void text_that_just_fits_is_kept_whole(void **state) {
    (void)state;
    char text[256];
    memset(text, 'x', 255);
    memcpy(text + 253, "\xC3\xA9", 3);
    struct problem problem = {0};
    (void)problem_set(&problem, PROBLEM_INTERNAL, NULL, "%s", text);
    assert_string_equal(problem.detail, text);
}

static void prints_every_member(void **state) {
    (void)state;
    struct problem problem = {0};
    (void)problem_set(&problem, PROBLEM_WRONG_TYPE, "/x/3", "say \"so\"");
    json_t *object = print_and_read(&problem, "id-1");
    expect_member(object, "type", "urn:forkjoin:problem:wrong-type");
    expect_member(object, "title", "The field has the wrong type");
    expect_member(object, "detail", "say \"so\"");
    expect_member(object, "request_id", "id-1");
    expect_member(object, "pointer", "/x/3");
    assert_int_equal(json_integer_value(json_object_get(object, "status")), 422);
    assert_int_equal(json_object_size(object), 6);
    json_decref(object);
}

static void leaves_out_an_empty_pointer_and_a_request_without_a_name(void **state) {
    (void)state;
    struct problem problem = {0};
    (void)problem_set(&problem, PROBLEM_NOT_FOUND, NULL, "nothing");
    json_t *object = print_and_read(&problem, "id");
    assert_null(json_object_get(object, "pointer"));
    json_decref(object);
    object = print_and_read(&problem, NULL);
    assert_null(json_object_get(object, "request_id"));
    assert_non_null(json_object_get(object, "detail"));
    json_decref(object);
}

/* Each byte value, alone and in a row that fills the fields, in all three places. */
static void prints_valid_json_for_any_bytes(void **state) {
    (void)state;
    for (unsigned byte = 1; byte < 256; byte++) {
        struct problem problem = {.kind = PROBLEM_INVALID_JSON};
        memset(problem.detail, (int)byte, sizeof problem.detail - 1);
        memset(problem.pointer, (int)byte, sizeof problem.pointer - 1);
        char id[64] = "";
        memset(id, (int)byte, sizeof id - 1);
        json_t *object = print_and_read(&problem, id);
        assert_int_equal(json_object_size(object), 6);
        json_decref(object);
    }
}

static void replaces_bytes_that_are_not_utf8(void **state) {
    (void)state;
    /* an overlong form, a surrogate, a stray continuation, an early end */
    struct problem problem = {.kind = PROBLEM_INVALID_UTF8, .detail = "\xC0\xAF|\xED\xA0\x80|\x80|\xE2\x82"};
    json_t *object = print_and_read(&problem, "id");
    expect_member(object, "detail", "\uFFFD\uFFFD|\uFFFD\uFFFD\uFFFD|\uFFFD|\uFFFD\uFFFD");
    json_decref(object);
}

static void shows_no_character_that_a_terminal_obeys(void **state) {
    (void)state;
    char out[600];
    struct problem problem = {.kind = PROBLEM_INVALID_JSON,
                              .detail = "\x1b[1m \x7F \xC2\x9B"
                                        "1m \u2028\u202E\u200F"};
    size_t length = problem_print(&problem, "id", out, sizeof out);
    assert_non_null(strstr(out, "\\u001b[1m \\u007f \\u009b1m \\u2028\\u202e\\u200f"));
    for (size_t i = 0; i < length; i++) {
        assert_in_range((unsigned char)out[i], 0x20, 0x7E);
    }
}

static void fits_any_capacity(void **state) {
    (void)state;
    struct problem problem = {0};
    (void)problem_set(&problem, PROBLEM_INVALID_JSON, "/\"", "a\"b\x01 \xC3\xA9\xFF");
    for (size_t capacity = 0; capacity < 400; capacity++) {
        char out[401];
        memset(out, '#', sizeof out);
        size_t length = problem_print(&problem, "request", out, capacity);
        assert_int_equal(out[capacity], '#');
        assert_true(length < capacity || capacity == 0);
        if (length > 0) {
            json_t *object = json_loadb(out, length, JSON_REJECT_DUPLICATES, NULL);
            assert_non_null(object);
            json_decref(object);
            assert_int_equal(out[length], '\0');
        } else {
            assert_in_range(capacity, 0, 2);
        }
    }
}

static void bytes_beyond_counting_are_said_so(void **state) {
    char out[PROBLEM_BYTES_MAX];
    (void)state;
    assert_string_equal(problem_bytes(0, out), "0 bytes");
    assert_string_equal(problem_bytes(SIZE_MAX / 2 - 1, out), "9223372036854775806 bytes");
    assert_string_equal(problem_bytes(SIZE_MAX / 2, out), "more bytes than can be counted");
    assert_string_equal(problem_bytes(SIZE_MAX, out), "more bytes than can be counted");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_own_slug_a_title_and_an_error_status),
        cmocka_unit_test(the_first_problem_wins),
        cmocka_unit_test(the_byte_is_read_from_the_detail),
        cmocka_unit_test(detail_and_pointer_are_cut_between_characters),
        cmocka_unit_test(text_that_just_fits_is_kept_whole),
        cmocka_unit_test(prints_every_member),
        cmocka_unit_test(leaves_out_an_empty_pointer_and_a_request_without_a_name),
        cmocka_unit_test(prints_valid_json_for_any_bytes),
        cmocka_unit_test(replaces_bytes_that_are_not_utf8),
        cmocka_unit_test(shows_no_character_that_a_terminal_obeys),
        cmocka_unit_test(fits_any_capacity),
        cmocka_unit_test(bytes_beyond_counting_are_said_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

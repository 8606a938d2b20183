#include "server/data/data_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct text_view view(const char *text) {
    return (struct text_view){text, strlen(text)};
}

static void names_are_taken(void **state) {
    (void)state;
    static const char *const names[] = {"a", "A9._-", "a/b/c", ".hidden", "...",  "a..b",
                                        "-", "_",     "1/2",   "a/.b",    "x.npy"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct problem problem = {0};
        if (data_name_check(view(names[i]), NULL, &problem)) {
            fail_msg("%s: %s", names[i], problem.detail);
        }
    }
}

static void ways_out_of_a_folder_and_other_characters_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {"",     "/",     "/a",     "a/",  "a//b", ".",     "..",     "../a",
                                        "a/..", "a/./b", "a/../b", "a b", "a\\b", "a%2Fb", "%2e%2e", "caf\xC3\xA9",
                                        "a\n",  "a?b",   "a#b",    "a:b", "~",    "a*",    "\x7f",   "a\tb"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct problem problem = {0};
        assert_int_equal(data_name_check(view(names[i]), "/x/data", &problem), PROBLEM_INVALID_NAME);
        assert_string_equal(problem.pointer, "/x/data");
        assert_true(strlen(problem.detail) > 20);
    }
    struct problem problem = {0};
    assert_int_equal(data_name_check((struct text_view){"a\0b", 3}, NULL, &problem), PROBLEM_INVALID_NAME);
}

static void a_name_has_up_to_128_characters(void **state) {
    (void)state;
    char name[130];
    struct problem problem = {0};
    memset(name, 'n', sizeof name);
    assert_int_equal(data_name_check((struct text_view){name, 128}, NULL, &problem), PROBLEM_NONE);
    assert_int_equal(data_name_check((struct text_view){name, 129}, NULL, &problem), PROBLEM_INVALID_NAME);
    assert_non_null(strstr(problem.detail, "129"));
}

static void prefixes_may_end_anywhere(void **state) {
    (void)state;
    static const char *const prefixes[] = {"", "a", "a/", "a/b", ".", "a/."};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        struct problem problem = {0};
        assert_int_equal(data_name_check_prefix(view(prefixes[i]), NULL, &problem), PROBLEM_NONE);
    }
    struct problem problem = {0};
    assert_int_equal(data_name_check_prefix(view("../"), NULL, &problem), PROBLEM_INVALID_NAME);
}

static void names_are_ordered_byte_by_byte(void **state) {
    (void)state;
    assert_true(data_name_compare(view("a"), view("b")) < 0);
    assert_true(data_name_compare(view("a"), view("a/b")) < 0);
    assert_true(data_name_compare(view("Z"), view("a")) < 0);
    assert_int_equal(data_name_compare(view("a/b"), view("a/b")), 0);
    assert_true(data_name_compare(view(""), view("a")) < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_taken),
        cmocka_unit_test(ways_out_of_a_folder_and_other_characters_are_refused),
        cmocka_unit_test(a_name_has_up_to_128_characters),
        cmocka_unit_test(prefixes_may_end_anywhere),
        cmocka_unit_test(names_are_ordered_byte_by_byte),
    };
    return cmocka_run_group_tests_name("data_name", tests, NULL, NULL);
}

/* Text of clients in problems: readable and whole, whatever it is and however little room there is. */
#include "codecs/json/readable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_readable(const char *text, size_t length, size_t size, const char *expected) {
    char out[64];
    memset(out, '#', sizeof out);
    assert_string_equal(readable_print(text, length, out, size), expected);
    assert_true(strlen(expected) < size);
    assert_int_equal(out[size], '#');
}

static void text_is_printed_as_it_is(void **state) {
    (void)state;
    expect_readable("", 0, 8, "");
    expect_readable("a \"b\" \xc3\xa9", 8, 32, "a \"b\" \xc3\xa9");
}

static void what_cannot_be_read_is_escaped(void **state) {
    (void)state;
    expect_readable("a\0\n\x7f", 4, 32, "a\\x00\\x0a\\x7f");
    expect_readable("\xff\xc3(", 3, 32, "\\xff\\xc3(");
    expect_readable("a\xe2\x80\xae"
                    "b\xc2\x9b",
                    7, 32, "a\\u202eb\\u009b");
    expect_readable("1\xe2\x80\xae", 4, 10, "1...");
}

static void long_text_is_cut_between_characters(void **state) {
    (void)state;
    expect_readable("123456789", 9, 12, "12345...");
    expect_readable("1234\xc3\xa9\xc3\xa9\xc3\xa9", 10, 12, "1234\xc3\xa9...");
    expect_readable("\n\n\n", 3, 8, "\\x0a...");
    expect_readable("1\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 9, 12, "1\xf0\x9f\x98\x80...");
}

static void expect_pointer(const char *name, size_t size, const char *expected) {
    char out[64];
    memset(out, '#', sizeof out);
    readable_pointer(name, out, size);
    assert_string_equal(out, expected);
    assert_int_equal(out[size], '#');
}

static void pointers_are_escaped_and_cut_between_characters(void **state) {
    (void)state;
    expect_pointer("", 8, "/");
    expect_pointer("a/b~c", 16, "/a~1b~0c");
    expect_pointer("123456789", 8, "/123456");
    expect_pointer("12345/", 8, "/12345");
    expect_pointer("12345\xc3\xa9", 8, "/12345");
}

static void pointers_lead_on(void **state) {
    (void)state;
    char out[] = "/exprs\0#####";
    readable_pointer_append("a~/", out, sizeof out);
    assert_string_equal(out, "/exprs/a~0~1");
    readable_pointer_append("b", out, sizeof out); /* no room */
    assert_string_equal(out, "/exprs/a~0~1");
    char root[16] = "";
    readable_pointer_append("", root, sizeof root);
    assert_string_equal(root, "/");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_printed_as_it_is),
        cmocka_unit_test(what_cannot_be_read_is_escaped),
        cmocka_unit_test(long_text_is_cut_between_characters),
        cmocka_unit_test(pointers_are_escaped_and_cut_between_characters),
        cmocka_unit_test(pointers_lead_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A text around a place, as it is shown with a caret below. */
#include "handlers/excerpt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text;
    size_t at;
    const char *line, *indent;
} excerpts[] = {
    {"", 0, "", ""},
    {"x +", 3, "x +", "   "},
    {"a = 2\nx + y\n+ 1", 10, "x + y", "    "},
    {"a = 2\r\nx + y\r\n+ 1", 11, "x + y", "    "},
    {"a = 2\r\nx + y\r\n+ 1", 13, "x + y", "     "},
    {"x\ry", 2, "x\\x0dy", "     "},
    {"\tx +\t$ y", 5, "\tx +\t$ y", "\t   \t"},
    {"x\x1b[31mred", 1, "x\\x1b[31mred", " "},
    {"x\x1b[31mred", 6, "x\\x1b[31mred", "         "},
    {"\xe2\x80\xaex + $", 7, "\\u202ex + $", "          "},
    {"\xc3\xa9 + $", 5, "\xc3\xa9 + $", "    "},
    {"123456789012345678901234$12345678901234567", 24, "123456789012345678901234$123456789012345…",
     "                        "},
    {"1234567890123456789012345$123456789012345", 25, "…234567890123456789012345$123456789012345",
     "                         "},
    {"123456789012345678901234$12345678901234\xc3\xa9", 24, "123456789012345678901234$12345678901234…",
     "                        "},
    {"\x01\x01\x01\x01\x01\x01\x01$\x01\x01\x01\x01", 7, "…\\x01\\x01\\x01\\x01\\x01\\x01$\\x01\\x01\\x01…",
     "                         "},
};

static void the_caret_stands_below_the_place(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof excerpts / sizeof *excerpts; i++) {
        struct excerpt excerpt;
        size_t length = strlen(excerpts[i].text);
        char *bytes = malloc(length + 1); /* none behind it, for a sanitizer */
        assert_non_null(bytes);
        memcpy(bytes, excerpts[i].text, length);
        char *exact = realloc(bytes, length > 0 ? length : 1);
        assert_non_null(exact);
        excerpt_make((struct text_view){exact, length}, excerpts[i].at, &excerpt);
        assert_string_equal(excerpt.line, excerpts[i].line);
        assert_string_equal(excerpt.indent, excerpts[i].indent);
        free(exact);
    }
}

/* Whatever is in the text, and wherever the place is, there is room. */
static void any_bytes_fit(void **state) {
    (void)state;
    char text[120];
    uint32_t random = 1;
    for (size_t i = 0; i < 2000; i++) {
        for (size_t k = 0; k < sizeof text; k++) {
            random = random * 1664525U + 1013904223U;
            text[k] = (char)(random >> 24 & (i % 3 == 0 ? 0xFF : i % 3 == 1 ? 0x1F : 0xBF));
        }
        struct excerpt excerpt;
        excerpt_make((struct text_view){text, sizeof text}, i % (sizeof text + 1), &excerpt);
        assert_true(strlen(excerpt.line) < sizeof excerpt.line && strlen(excerpt.indent) < sizeof excerpt.indent);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_caret_stands_below_the_place),
                                       cmocka_unit_test(any_bytes_fit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

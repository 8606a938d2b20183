/* Hosts with ports: read at once and byte by byte, and nothing behind them. */
#include "server/http/authority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool is_right(const char *text, size_t piece) {
    enum authority authority = AUTHORITY_BEGIN;
    const char *const end = text + strlen(text);
    for (const char *at = text; at < end;) {
        const char *stop = (size_t)(end - at) < piece ? end : at + piece;
        if (authority_take(&authority, at, stop) != stop) {
            return false;
        }
        at = stop;
    }
    return authority_is_whole(authority);
}

static void check(const char *const *texts, size_t count, bool expected) {
    for (size_t i = 0; i < count; i++) {
        for (size_t piece = 1; piece <= strlen(texts[i]) + 1; piece++) {
            if (is_right(texts[i], piece) != expected) {
                fail_msg("%s in pieces of %zu: expected %d", texts[i], piece, expected);
            }
        }
    }
}

static void what_the_grammar_has_is_right(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "a",
        "localhost:8080",
        "127.0.0.1",
        "a:",
        "a:0123456789",
        ":80",
        "%41",
        "a%c3%A9b:1",
        "-._~!$&'()*+;=",
        "[::1]",
        "[::1]:80",
        "[::1]:",
        "[1:2::f]",
        "[A::F]",
        "[::1.2.3.4]",
        "[v1.a:b]",
        "[fe80::1%eth0]",
        "[fe80::1%25eth0]:80",
    };
    check(texts, sizeof texts / sizeof *texts, true);
}

static void all_else_is_wrong(void **state) {
    (void)state;
    static const char *const texts[] = {
        "[",     "]",     "[]",      "[]:80", "[::1",   "[::1]x",    "[::1]:x", "[::1]]", "[[::1]]", "a[::1]", "[g]",
        "[::g]", "[.1]",  "[::1:80", "[v1",   "[::1%a", "[::1%,]",   "a:80:80", "a:xx",   "a:-1",    "a:8x",   "a:[",
        "a]",    "a:80]", "%",       "a%",    "a%4",    "a%zz",      "a%4z",    "a%z4",   "a%:80",   "a%4:80", "a b",
        "a,b",   "a/b",   "u@a",     "\"",    "a\"",    "a\xc3\xa9", "a\x7f",   "a\t",    "a#",      "a?",     "[::1] ",
    };
    check(texts, sizeof texts / sizeof *texts, false);
}

static void the_first_wrong_byte_is_told(void **state) {
    (void)state;
    static const char text[] = "a:80x";
    enum authority authority = AUTHORITY_BEGIN;
    assert_ptr_equal(authority_take(&authority, text, text + 5), text + 4);
    assert_int_equal(authority, AUTHORITY_PORT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_grammar_has_is_right),
        cmocka_unit_test(all_else_is_wrong),
        cmocka_unit_test(the_first_wrong_byte_is_told),
    };
    return cmocka_run_group_tests_name("authority", tests, NULL, NULL);
}

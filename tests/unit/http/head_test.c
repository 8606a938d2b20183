/* The request target. Header fields, which need a connection of libmicrohttpd, are tested over HTTP (tests/http). */
#include "server/http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *const *targets, size_t count, bool expected) {
    for (size_t i = 0; i < count; i++) {
        if (!head_target_fault(targets[i]) != expected) {
            fail_msg("%s: expected %d", targets[i], expected);
        }
    }
}

static void well_formed_targets_are_sane(void **state) {
    (void)state;
    static const char *const targets[] = {
        "/",
        "*",
        "/v1/wordcount",
        "/a?b=c&d=%20",
        "/%C3%A9",
        "/%c3%a9%F0%9F%98%80x%7e",
        "/%01",
        "/%7f",
        "http://localhost:8080/v1",
        "HTTP://localhost",
        "https://localhost/?q",
        "/*",
        "/a~!$&'()*+,;=:@",
        "http://a",
        "http://a:80?b",
        "http://a:/",
        "http://[::1]:80/",
        "http://user@a/",
        "http://user:secret@a/",
        "http://a%C3%A9/",
    };
    check(targets, sizeof targets / sizeof *targets, true);
}

static void malformed_targets_are_refused(void **state) {
    (void)state;
    static const char *const targets[] = {
        "",
        "v1",
        "**",
        "*/",
        "localhost:80",
        "ftp://localhost/",
        "http:/localhost/",
        "https:/localhost/",
        "http://",
        "http:///",
        "http:///v1",
        "http://?a",
        "http://:80/",
        "http://user@/",
        "http://user@:80/",
        "http://[::1/",
        "http://[::1",
        "http://a:x/",
        "http://a:80:80/",
        "http://a,b/",
        "http://a#b",
        "http://\"/v1",
        "http://a%/",
        "http://a%4/",
        "/a b",
        "/a\tb",
        "/\x7f",
        "/\x01",
        "/\xc3\xa9", /* UTF-8, but not escaped */
        "/%",
        "/%4",
        "/%4g",
        "/%g4",
        "/%g4%90%80%80",
        "/%%41",
        "/%00",
        "/a%00b",
        "/%C3",          /* a character's first byte alone */
        "/%C3x%A9",      /* … torn apart */
        "/%A9",          /* a later byte alone */
        "/%C0%AF",       /* overlong "/" */
        "/%E0%80%AF",    /* the same in three bytes */
        "/%ED%A0%80",    /* a surrogate */
        "/%F4%90%80%80", /* beyond U+10FFFF */
        "/%FF",
        "/%41%FF",           /* behind another character */
        "/%41%C3%A9/%41%C3", /* not completed by what was in its place before */
    };
    check(targets, sizeof targets / sizeof *targets, false);
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"livez", "\"/\""},    {"a:443", "\"/\""}, {"", "\"/\""},
                                           {"http:///a", "host"}, {"/%", "escapes"},  {"http://a/%", "escapes"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *fault = head_target_fault(cases[i][0]);
        if (!fault || !strstr(fault, cases[i][1])) {
            fail_msg("%s: %s", cases[i][0], fault ? fault : "no fault");
        }
    }
}

static void long_runs_of_escapes_are_bounded(void **state) {
    (void)state;
    char target[4 * 1024] = "/";
    for (size_t count = 1; count <= 1000; count++) {
        memcpy(target + 1 + 3 * (count - 1), "%41", 4);
        assert_int_equal(!head_target_fault(target), count <= 256);
    }
}

/* Every byte value as an escape, alone: exactly ASCII without NUL is a character by itself. */
static void single_escapes_are_ascii_without_nul(void **state) {
    (void)state;
    char target[8];
    for (unsigned byte = 0; byte < 256; byte++) {
        (void)snprintf(target, sizeof target, "/%%%02X", byte);
        assert_int_equal(!head_target_fault(target), byte > 0 && byte < 128);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_targets_are_sane),
        cmocka_unit_test(malformed_targets_are_refused),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(long_runs_of_escapes_are_bounded),
        cmocka_unit_test(single_escapes_are_ascii_without_nul),
    };
    return cmocka_run_group_tests_name("head", tests, NULL, NULL);
}

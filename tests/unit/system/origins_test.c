#include "server/system/origins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void what_browsers_send_is_an_origin(void **state) {
    (void)state;
    static const char *const lists[] = {
        "*",
        "https://a.example",
        "http://localhost:3000",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "https://[2001:db8::1]",
        "HTTPS://A.Example",
        "https://xn--bcher-kva.example",
        "https://a_b.example",
        "https://a.example.",
        "http://a:443",
        "https://a:80",
        "https://a:1",
        "https://a:65535",
        "capacitor://localhost",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        "moz-extension://0ff1ce00-0000-4000-8000-000000000000",
        "https://a,https://b",
        " https://a ,\thttp://b:81\t",
        "https://a,https://a",
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (origins_find_mistake(lists[i])) {
            fail_msg("\"%s\" is refused", lists[i]);
        }
    }
}

static const char *const mistakes[] = {
    "",
    " ",
    "null",
    "none",
    "a.example",
    "https:",
    "https:/a",
    "https://",
    "https://a/",
    "https://a/path",
    "https://a?b",
    "https://a#b",
    "https://u@a",
    "https://u:p@a",
    "https://a:",
    "https://a:443",
    "HTTPS://a:443",
    "http://a:80",
    "https://a:0",
    "https://a:080",
    "https://a:65536",
    "https://a:100000",
    "https://a:8x",
    "https://a:-1",
    "https://*.a",
    "https://*",
    "**",
    "https://.a",
    "https://a b",
    "https://\xc3\xbc.example",
    "https://[::1",
    "https://::1",
    "https://[]",
    "https://[::g]",
    "https://[1:2]",
    "https://[::1]x",
    "https://[::1]:",
    "1http://a",
    "://a",
    "file://",
    "https://a;https://b",
    "https://a https://b",
    "https://a\r\nX: y",
};

static void what_browsers_never_send_is_a_mistake(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char list[200];
        if (!origins_find_mistake(mistakes[i])) {
            fail_msg("\"%s\" is taken", mistakes[i]);
        }
        int before = snprintf(list, sizeof list, "https://good.example, %s", mistakes[i]) - (int)strlen(mistakes[i]);
        const char *mistake = origins_find_mistake(list);
        if (!mistake || mistake != list + before + strspn(mistakes[i], " ")) {
            fail_msg("\"%s\": \"%s\"", list, mistake ? mistake : "taken");
        }
    }
    assert_non_null(origins_find_mistake("*, https://a"));
    assert_non_null(origins_find_mistake("https://a,"));
    assert_non_null(origins_find_mistake(",https://a"));
    assert_non_null(origins_find_mistake("https://a,,https://b"));
}

static void an_origin_without_end_is_a_mistake(void **state) {
    (void)state;
    char origin[ORIGIN_BYTES_MAX + 2] = "https://";
    memset(origin + 8, 'a', ORIGIN_BYTES_MAX - 8);
    assert_null(origins_find_mistake(origin));
    origin[ORIGIN_BYTES_MAX] = 'a';
    assert_non_null(origins_find_mistake(origin));
}

static void only_the_whole_origin_is_in_the_list(void **state) {
    (void)state;
    static const char list[] = " https://a.example , http://localhost:3000";
    assert_true(origins_list(list, "https://a.example"));
    assert_true(origins_list(list, "HTTPS://A.EXAMPLE"));
    assert_true(origins_list(list, "http://localhost:3000"));
    static const char *const others[] = {
        "",
        "https://[::1]",
        "null",
        ",",
        " ",
        "https://a.example.evil",
        "https://a.exampl",
        "http://a.example",
        "https://a.example:444",
        "https://a.example/",
        "https://b.a.example",
        "http://localhost",
        "http://localhost:30000",
        "https://a.example , http://localhost:3000",
        "https://a.example ",
        "*",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (origins_list(list, others[i])) {
            fail_msg("\"%s\" is in the list", others[i]);
        }
    }
    assert_false(origins_list("*", "*"));
    assert_true(origins_are_any("*"));
    assert_false(origins_are_any(list));
}

static void a_port_that_the_scheme_has_anyway_is_told_from_other_mistakes(void **state) {
    (void)state;
    static const char *const own[] = {"https://a:443", "HTTP://A:80", "wss://[::1]:443", " https://a:443 , https://b",
                                      "https://a:0443"};
    static const char *const others[] = {"",
                                         "null",
                                         "https://a",
                                         "https://a:",
                                         "https://a:80",
                                         "https://:443",
                                         "https://a:443/",
                                         "https://a:443x",
                                         "https://a/b:443",
                                         "a:443",
                                         "https:443",
                                         "https://a,https://b:443"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (!origins_begin_with_own_port(own[i])) {
            fail_msg("\"%s\" is taken for another mistake", own[i]);
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (origins_begin_with_own_port(others[i])) {
            fail_msg("\"%s\" is taken for one with its scheme's own port", others[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_browsers_send_is_an_origin),
        cmocka_unit_test(what_browsers_never_send_is_a_mistake),
        cmocka_unit_test(an_origin_without_end_is_a_mistake),
        cmocka_unit_test(a_port_that_the_scheme_has_anyway_is_told_from_other_mistakes),
        cmocka_unit_test(only_the_whole_origin_is_in_the_list),
    };
    return cmocka_run_group_tests_name("origins", tests, NULL, NULL);
}

#include "server/jobs/callback_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char allow[] = "hooks.example.org,*.wide.example:*,10.0.0.0/8:8080,[fd00::/8]:8080,127.0.0.1:*";

static bool check(const char *url, char reason[CALLBACK_REASON_BYTES]) {
    /* At the end of a block of its own: what reads behind it is found by the sanitizers. */
    char *copy = strndup(url, strlen(url));
    bool is_good = callback_url_check(allow, (struct text_view){copy, strlen(url)}, reason);
    free(copy);
    return is_good;
}

static void good_ones_are_taken(void **state) {
    (void)state;
    static const char *const good[] = {"https://hooks.example.org",
                                       "http://hooks.example.org/",
                                       "HTTPS://HOOKS.example.org/a/b?c=d&e=%20#f",
                                       "https://hooks.example.org:443/",
                                       "http://hooks.example.org:80",
                                       "http://hooks.example.org:443/",
                                       "http://a.b.wide.example:12345/x",
                                       "http://10.1.2.3:8080/",
                                       "http://[fd00::1]:8080/x",
                                       "http://127.0.0.1:1/",
                                       "http://hooks.example.org?token=a@b",
                                       "http://hooks.example.org/@a:b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char reason[CALLBACK_REASON_BYTES] = "";
        if (!check(good[i], reason)) {
            fail_msg("%s: %s", good[i], reason);
        }
    }
}

static void others_are_refused_with_the_reason(void **state) {
    (void)state;
    static const struct {
        const char *url, *why;
    } bad[] = {
        {"", "begins with"},
        {"hooks.example.org", "begins with"},
        {"//hooks.example.org", "begins with"},
        {"ftp://hooks.example.org", "begins with"},
        {"file:///etc/passwd", "begins with"},
        {"http:/hooks.example.org", "begins with"},
        {"http:///hooks.example.org", "begins with"},
        {"http://", "begins with"},
        {"javascript:alert(1)", "begins with"},
        {"http://user@hooks.example.org", "user"},
        {"http://user:pass@hooks.example.org", "user"},
        {"http://:pass@hooks.example.org", "user"},
        {"http://hooks.example.org@evil.example/", "user"},
        {"http://hooks.example.org /", "blanks"},
        {"http://hooks.example.org/a\nb", "blanks"},
        {"http://hooks.example.org/\xc3\xa4", "blanks"},
        {"http://hooks.example.org:99999/", "can be read"},
        {"http://hooks.example.org:x/", "can be read"},
        {"http://[fd00::1%25eth0]:8080/", "zone"},
        {"http://hooks.example.org:8080/", "doesn't list"},
        {"http://other.example.org/", "doesn't list"},
        {"http://hooks.example.org.evil.example/", "doesn't list"},
        {"http://hooks.example.org./", "doesn't list"},
        {"http://wide.example/", "doesn't list"},
        {"http://10.1.2.3/", "doesn't list"},
        {"http://11.1.2.3:8080/", "doesn't list"},
        {"http://localhost/", "doesn't list"},
        {"http://[::1]/", "doesn't list"},
        {"http://[fe80::1]:8080/", "doesn't list"},
        {"http://hooks%2eexample.org.evil.example/", ""},
        {"http://hooks.example.org\\@evil.example/", "quotes"},
        {"http://evil.example\\.hooks.example.org/", "quotes"},
        {"http://hooks.example.org/\"", "quotes"},
        {"http://hooks.example.org/<a>", "quotes"},
        {"http://hooks.example.org/{a}", "quotes"},
        {"http://evil.example#.wide.example/", "doesn't list"},
        {"http://evil.example?.wide.example/", "doesn't list"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char reason[CALLBACK_REASON_BYTES] = "";
        if (check(bad[i].url, reason)) {
            fail_msg("%s was taken", bad[i].url);
        }
        if (!strstr(reason, bad[i].why) || !strstr(reason, "\"callback\"")) {
            fail_msg("%s: %s", bad[i].url, reason);
        }
    }
}

static void it_has_a_length(void **state) {
    (void)state;
    char url[JOB_CALLBACK_MAX + 2], reason[CALLBACK_REASON_BYTES];
    memset(url, 'a', sizeof url);
    memcpy(url, "http://127.0.0.1/", 17);
    url[JOB_CALLBACK_MAX] = '\0';
    assert_true(check(url, reason));
    url[JOB_CALLBACK_MAX] = 'a';
    url[JOB_CALLBACK_MAX + 1] = '\0';
    assert_false(check(url, reason));
    assert_non_null(strstr(reason, "2001 bytes; up to 2000"));
}

static void without_a_list_there_are_none(void **state) {
    (void)state;
    char reason[CALLBACK_REASON_BYTES] = "";
    assert_false(callback_url_check(NULL, (struct text_view){"http://127.0.0.1/", 17}, reason));
    assert_non_null(strstr(reason, "--callback-allow"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_are_taken),
        cmocka_unit_test(others_are_refused_with_the_reason),
        cmocka_unit_test(it_has_a_length),
        cmocka_unit_test(without_a_list_there_are_none),
    };
    return cmocka_run_group_tests_name("callback URLs", tests, NULL, NULL);
}

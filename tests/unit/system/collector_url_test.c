#include "server/system/collector_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void collectors_are_good(void **state) {
    (void)state;
    static const char *const urls[] = {
        "http://127.0.0.1:4318",        "http://127.0.0.1:4318/", "https://otel.example", "HTTP://a:1",
        "http://a.b-c_d:65535/deep/er", "http://[::1]:4318",      "http://[fe80::1]/x",   "http://a/%7Eb"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        if (!collector_url_is_good(urls[i])) {
            fail_msg("%s is refused", urls[i]);
        }
    }
}

static void others_are_not(void **state) {
    (void)state;
    static const char *const urls[] = {"",
                                       "http",
                                       "http:/a",
                                       "http://",
                                       "http:///",
                                       "http://:1",
                                       "a:4318",
                                       "ftp://a",
                                       "http://.a",
                                       "http://a:",
                                       "http://a:0",
                                       "http://a:01",
                                       "http://a:65536",
                                       "http://a:1x",
                                       "http://u@a",
                                       "http://u:p@a",
                                       "http://a?b",
                                       "http://a/?b",
                                       "http://a/#b",
                                       "http://a /",
                                       "http://a/\n",
                                       "http://[",
                                       "http://[]",
                                       "http://[1.2.3.4]",
                                       "http://[::1]x",
                                       "http://[::1",
                                       "http://\xc3\xa4"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        if (collector_url_is_good(urls[i])) {
            fail_msg("%s is let through", urls[i]);
        }
    }
}

static void there_is_a_longest(void **state) {
    (void)state;
    char url[COLLECTOR_URL_MAX + 2];
    memset(url, 'a', sizeof url);
    memcpy(url, "http://", 7);
    url[COLLECTOR_URL_MAX] = '\0';
    assert_true(collector_url_is_good(url));
    url[COLLECTOR_URL_MAX] = 'a';
    url[COLLECTOR_URL_MAX + 1] = '\0';
    assert_false(collector_url_is_good(url));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(collectors_are_good), cmocka_unit_test(others_are_not),
                                       cmocka_unit_test(there_is_a_longest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "server/system/allowed_hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_list_is_read(void **state) {
    (void)state;
    static const char *const good[] = {"a",
                                       "hooks.example.org",
                                       "A-b_c.Example.ORG",
                                       "*.example.org",
                                       "*",
                                       "*:8443",
                                       "*:*",
                                       "a:1",
                                       "a:65535",
                                       "a:*",
                                       "192.0.2.7",
                                       "192.0.2.7:80",
                                       "10.0.0.0/8",
                                       "10.0.0.0/8:8080",
                                       "0.0.0.0/0",
                                       "1.2.3.4/32",
                                       "[::1]",
                                       "[::1]:80",
                                       "[fd00::/8]",
                                       "[fd00::/8]:*",
                                       "[::/0]",
                                       " a , b:9 ,\t[::1]\t",
                                       "1a.example.org",
                                       "xn--bcher-kva.example"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *mistake = allowed_hosts_find_mistake(good[i]);
        if (mistake) {
            fail_msg("in %s: %s", good[i], mistake);
        }
    }
}

static const char *const bad[] = {"",
                                  ",",
                                  "a,",
                                  ",a",
                                  "a b",
                                  "http://a",
                                  "a/",
                                  "a/b",
                                  "user@a",
                                  "a.",
                                  ".a",
                                  "a..b",
                                  "*a",
                                  "*.",
                                  "a.*",
                                  "*.*",
                                  "**",
                                  "a:",
                                  "a:0",
                                  "a:65536",
                                  "a:01",
                                  "a:8x",
                                  "a:80:80",
                                  "1.2.3",
                                  "1.2.3.4.5",
                                  "256.1.1.1",
                                  "127.1",
                                  "2130706433",
                                  "10.0.0.0/",
                                  "10.0.0.0/33",
                                  "10.0.0.1/8",
                                  "10.0.0.0/08",
                                  "10.0.0.0/8/8",
                                  "a/8",
                                  "::1",
                                  "[::1",
                                  "[::1]x",
                                  "[::1]:",
                                  "[]",
                                  "[1.2.3.4]",
                                  "[::1%lo]",
                                  "[fd00::1/8]",
                                  "[fd00::/129]",
                                  "[::ffff:1.2.3.4]",
                                  "m\xc3\xbchle.example",
                                  "a\n"};

static void mistakes_are_found(void **state) {
    (void)state;
    char longest[HOST_NAME_MAX_BYTES + 20] = "";
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (!allowed_hosts_find_mistake(bad[i])) {
            fail_msg("nothing found in \"%s\"", bad[i]);
        }
    }
    assert_string_equal(allowed_hosts_find_mistake("a,b, c d,e"), "c d,e");
    memset(longest, 'a', HOST_NAME_MAX_BYTES);
    for (size_t i = 50; i < HOST_NAME_MAX_BYTES; i += 50) {
        longest[i] = '.';
    }
    assert_null(allowed_hosts_find_mistake(longest));
    longest[HOST_NAME_MAX_BYTES] = 'a';
    assert_non_null(allowed_hosts_find_mistake(longest));
    memset(longest, 'a', 64);
    longest[64] = '\0';
    assert_non_null(allowed_hosts_find_mistake(longest));
}

static void expect(const char *list, const char *host, unsigned port, bool is_listed) {
    if (allowed_hosts_name(list, host, port) != is_listed) {
        fail_msg("%s, port %u, in \"%s\": %d", host, port, list, !is_listed);
    }
}

static void names_are_compared(void **state) {
    (void)state;
    expect("hooks.example.org", "hooks.example.org", 443, true);
    expect("hooks.example.org", "HOOKS.example.ORG", 80, true);
    expect("hooks.example.org", "hooks.example.org", 8080, false);
    expect("hooks.example.org", "hooks.example.org.evil.example", 443, false);
    expect("hooks.example.org", "evilhooks.example.org", 443, false);
    expect("hooks.example.org", "hooks.example.org.", 443, false);
    expect("hooks.example.org", "example.org", 443, false);
    expect("a:8443", "a", 8443, true);
    expect("a:8443", "a", 443, false);
    expect("a:*", "a", 1, true);
    expect("x, a ,y", "a", 80, true);
    expect("*.example.org", "a.example.org", 443, true);
    expect("*.example.org", "a.b.example.org", 443, true);
    expect("*.example.org", "example.org", 443, false);
    expect("*.example.org", "aexample.org", 443, false);
    expect("*.example.org", ".example.org", 443, false);
    expect("*.example.org:8080", "a.example.org", 443, false);
    expect("*", "anything.example", 443, true);
    expect("*", "anything.example", 444, false);
    expect("*", "8.8.8.8", 443, true);
    expect("*:*", "[2606:4700::1111]", 9, true);
}

static void addresses_are_compared(void **state) {
    (void)state;
    expect("*:*", "127.0.0.1", 80, false);
    expect("*:*", "[::1]", 80, false);
    expect("*:*", "[::ffff:10.0.0.1]", 80, false);
    expect("*:*", "127.1", 80, false);
    expect("*:*", "2130706433", 80, false);
    expect("*:*", "", 80, false);
    expect("127.0.0.1", "127.0.0.1", 80, true);
    expect("127.0.0.1", "[::ffff:127.0.0.1]", 80, true);
    expect("127.0.0.1", "127.0.0.2", 80, false);
    expect("127.0.0.1:9", "127.0.0.1", 80, false);
    expect("10.0.0.0/8", "10.255.1.2", 443, true);
    expect("10.0.0.0/8", "11.0.0.0", 443, false);
    expect("10.0.0.0/8", "a", 443, false);
    expect("[fd00::/8]:*", "[fdab::1]", 1, true);
    expect("[fd00::/8]:*", "[fe80::1]", 1, false);
    expect("a", "1.1.1.1", 80, false);
}

static const char *refuse(const char *list, const char *text, unsigned port) {
    struct ip_address address;
    assert_true(ip_address_parse(text, &address));
    const char *class = allowed_hosts_refuse(list, &address, port);
    return class ? class : "";
}

/* Whatever names are listed, what they lead to has to be everybody's, or listed itself. */
static void a_name_opens_no_private_address(void **state) {
    (void)state;
    static const char *const lists[] = {"localhost", "localhost:*", "*", "*:*", "*.example.org:*", "10.0.0.1:81"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        assert_string_equal(refuse(lists[i], "127.0.0.1", 80), "a loopback");
        assert_string_equal(refuse(lists[i], "::1", 80), "a loopback");
        assert_string_equal(refuse(lists[i], "::ffff:127.0.0.1", 80), "a loopback");
        assert_string_equal(refuse(lists[i], "10.0.0.1", 80), "a private");
        assert_string_equal(refuse(lists[i], "64:ff9b::10.0.0.1", 80), "a private");
        assert_string_equal(refuse(lists[i], "169.254.169.254", 80), "a link-local");
        assert_string_equal(refuse(lists[i], "8.8.8.8", 12345), "");
    }
    assert_string_equal(refuse("a,10.0.0.0/8", "10.0.0.1", 80), "");
    assert_string_equal(refuse("a,10.0.0.0/8", "10.0.0.1", 8080), "a private");
    assert_string_equal(refuse("a,10.0.0.0/8:8080", "10.0.0.1", 8080), "");
    assert_string_equal(refuse("127.0.0.1", "::ffff:127.0.0.1", 443), "");
    assert_string_equal(refuse("[::1]", "::1", 443), "");
    assert_string_equal(refuse("0.0.0.0/0:*", "127.0.0.1", 1), "");
    assert_string_equal(refuse("0.0.0.0/0:*", "::1", 1), "a loopback");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read),
        cmocka_unit_test(mistakes_are_found),
        cmocka_unit_test(names_are_compared),
        cmocka_unit_test(addresses_are_compared),
        cmocka_unit_test(a_name_opens_no_private_address),
    };
    return cmocka_run_group_tests_name("allowed hosts", tests, NULL, NULL);
}

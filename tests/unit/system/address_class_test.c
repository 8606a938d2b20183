#include "server/system/address_class.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *class_of(const char *text) {
    struct ip_address address;
    if (!ip_address_parse(text, &address)) {
        fail_msg("%s is no address", text);
    }
    const char *class = ip_address_class(&address);
    return class ? class : "everybody's";
}

static const struct {
    const char *class;
    const char *addresses[24];
} classes[] = {
    {"everybody's",
     {"1.1.1.1",         "8.8.8.8",         "9.255.255.255",   "11.0.0.0",       "100.63.255.255",   "100.128.0.0",
      "126.255.255.255", "128.0.0.0",       "169.253.255.255", "169.255.0.0",    "172.15.255.255",   "172.32.0.0",
      "192.0.1.0",       "192.167.255.255", "192.169.0.0",     "198.17.255.255", "198.20.0.0",       "223.255.255.255",
      "2606:4700::1111", "2001:200::",      "3ffe::1",         "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", NULL}},
    {"a loopback", {"127.0.0.1", "127.0.0.0", "127.255.255.255", "::1", "::ffff:127.0.0.1", "64:ff9b::127.1.2.3"}},
    {"a private",
     {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255", "100.64.0.0",
      "100.127.255.255", "198.18.0.1", "198.19.255.255", "fc00::1", "fdff:ffff::", "fec0::1", "::ffff:10.1.2.3",
      "::ffff:192.168.1.1", "64:ff9b::10.0.0.1", "64:ff9b::172.16.0.1"}},
    {"a link-local",
     {"169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::1", "febf::1", "::ffff:169.254.169.254"}},
    {"a multicast", {"224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1", "::ffff:224.0.0.1"}},
    {"the unspecified", {"0.0.0.0", "::", "::ffff:0.0.0.0"}},
    {"a reserved",
     {"0.0.0.1",     "0.255.255.255", "192.0.0.1",       "192.0.2.1",           "192.88.99.1", "198.51.100.7",
      "203.0.113.9", "240.0.0.1",     "255.255.255.255", "::127.0.0.1",         "::10.0.0.1",  "2001::1",
      "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1",   "64:ff9b:1::10.0.0.1", "3fff::1",     "100::1",
      "4000::1",     "5f00::1"}},
};

static void each_has_its_class(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        for (const char *const *text = classes[i].addresses; *text; text++) {
            if (strcmp(class_of(*text), classes[i].class) != 0) {
                fail_msg("%s is %s, and should be %s", *text, class_of(*text), classes[i].class);
            }
        }
    }
}

static void a_sockets_address_is_the_same(void **state) {
    (void)state;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct ip_address address, parsed;
    assert_int_equal(inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr), 1);
    assert_true(ip_address_of((const struct sockaddr *)&v4, &address));
    assert_true(ip_address_parse("10.1.2.3", &parsed) && ip_address_within(&address, &parsed, 32));
    assert_int_equal(inet_pton(AF_INET6, "::ffff:10.1.2.3", &v6.sin6_addr), 1);
    assert_true(ip_address_of((const struct sockaddr *)&v6, &address));
    assert_true(!address.is_v6 && ip_address_within(&address, &parsed, 32));
    assert_int_equal(inet_pton(AF_INET6, "fd00::7", &v6.sin6_addr), 1);
    assert_true(ip_address_of((const struct sockaddr *)&v6, &address));
    assert_true(ip_address_parse("fd00::7", &parsed) && address.is_v6 && ip_address_within(&address, &parsed, 128));
    assert_false(ip_address_of(&other, &address));
}

/* Against the obvious: bit by bit. */
static void a_network_is_its_first_bits(void **state) {
    (void)state;
    struct ip_address network, address;
    assert_true(ip_address_parse("170.85.170.85", &network));
    for (unsigned bits = 0; bits <= 32; bits++) {
        for (unsigned flipped = 0; flipped < 32; flipped++) {
            address = network;
            address.bytes[flipped / 8] ^= (unsigned char)(128 >> flipped % 8);
            assert_int_equal(ip_address_within(&address, &network, bits), flipped >= bits);
        }
    }
    assert_true(ip_address_parse("::", &address));
    assert_false(ip_address_within(&address, &network, 0));
}

static void other_texts_are_no_addresses(void **state) {
    (void)state;
    struct ip_address address;
    static const char *const texts[] = {"",      "1",      "127.1",     "0x7f.0.0.1", "1.2.3.4.5",
                                        "[::1]", "::1%lo", "localhost", "1.2.3.4/8"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (ip_address_parse(texts[i], &address)) {
            fail_msg("%s was taken for an address", texts[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_class),
        cmocka_unit_test(a_sockets_address_is_the_same),
        cmocka_unit_test(a_network_is_its_first_bits),
        cmocka_unit_test(other_texts_are_no_addresses),
    };
    return cmocka_run_group_tests_name("address class", tests, NULL, NULL);
}

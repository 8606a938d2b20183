#include "server/system/address_class.h"

#include <arpa/inet.h>
#include <string.h>

enum { V4_BYTES = 4, V6_BYTES = 16, EMBEDDED_AT = V6_BYTES - V4_BYTES };

static const char loopback[] = "a loopback", private[] = "a private", link_local[] = "a link-local",
                  multicast[] = "a multicast", unspecified[] = "the unspecified", reserved[] = "a reserved";

struct range {
    const char *network;
    unsigned bits;
    const char *class; /* NULL: everybody's */
};

/* The first that fits counts. */
static const struct range v4_ranges[] = {
    {"0.0.0.0", 32, unspecified},   {"0.0.0.0", 8, reserved},      {"10.0.0.0", 8, private},
    {"100.64.0.0", 10, private},    {"127.0.0.0", 8, loopback},    {"169.254.0.0", 16, link_local},
    {"172.16.0.0", 12, private},    {"192.0.0.0", 24, reserved},   {"192.0.2.0", 24, reserved},
    {"192.88.99.0", 24, reserved},  {"192.168.0.0", 16, private},  {"198.18.0.0", 15, private},
    {"198.51.100.0", 24, reserved}, {"203.0.113.0", 24, reserved}, {"224.0.0.0", 4, multicast},
    {"240.0.0.0", 4, reserved},     {"0.0.0.0", 0, NULL},
};

/* 2001::/23 has Teredo, 2002::/16 is 6to4: both lead to IPv4 addresses that are written within them. */
static const struct range v6_ranges[] = {
    {"::", 128, unspecified}, {"::1", 128, loopback},   {"fe80::", 10, link_local}, {"fec0::", 10, private},
    {"fc00::", 7, private},   {"ff00::", 8, multicast}, {"2001::", 23, reserved},   {"2001:db8::", 32, reserved},
    {"2002::", 16, reserved}, {"3fff::", 20, reserved}, {"2000::", 3, NULL},        {"::", 0, reserved},
};

static const unsigned char mapped[EMBEDDED_AT] = {[10] = 0xff, [11] = 0xff};
static const unsigned char translated[EMBEDDED_AT] = {0x00, 0x64, 0xff, 0x9b};

static void take_v6(const unsigned char bytes[V6_BYTES], struct ip_address *address) {
    bool is_v4 = memcmp(bytes, mapped, sizeof mapped) == 0 || memcmp(bytes, translated, sizeof translated) == 0;
    *address = (struct ip_address){.is_v6 = !is_v4};
    memcpy(address->bytes, is_v4 ? bytes + EMBEDDED_AT : bytes, is_v4 ? V4_BYTES : V6_BYTES);
}

static void take_v4(const void *bytes, struct ip_address *address) {
    *address = (struct ip_address){.is_v6 = false};
    memcpy(address->bytes, bytes, V4_BYTES);
}

bool ip_address_of(const struct sockaddr *socket, struct ip_address *address) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (socket->sa_family == AF_INET) {
        memcpy(&v4, socket, sizeof v4);
        take_v4(&v4.sin_addr, address);
        return true;
    }
    if (socket->sa_family == AF_INET6) {
        memcpy(&v6, socket, sizeof v6);
        take_v6(v6.sin6_addr.s6_addr, address);
        return true;
    }
    return false;
}

bool ip_address_parse(const char *text, struct ip_address *address) {
    unsigned char bytes[V6_BYTES];
    if (inet_pton(AF_INET, text, bytes) == 1) {
        take_v4(bytes, address);
        return true;
    }
    if (inet_pton(AF_INET6, text, bytes) == 1) {
        take_v6(bytes, address);
        return true;
    }
    return false;
}

bool ip_address_within(const struct ip_address *address, const struct ip_address *network, unsigned bits) {
    unsigned whole = bits / 8, left = bits % 8;
    if (address->is_v6 != network->is_v6 || memcmp(address->bytes, network->bytes, whole) != 0) {
        return false;
    }
    return left == 0 || ((address->bytes[whole] ^ network->bytes[whole]) >> (8 - left)) == 0;
}

const char *ip_address_class(const struct ip_address *address) {
    const struct range *ranges = address->is_v6 ? v6_ranges : v4_ranges;
    size_t count = address->is_v6 ? sizeof v6_ranges / sizeof *v6_ranges : sizeof v4_ranges / sizeof *v4_ranges;
    for (size_t i = 0; i < count; i++) {
        struct ip_address network = {.is_v6 = address->is_v6};
        bool is_good = inet_pton(address->is_v6 ? AF_INET6 : AF_INET, ranges[i].network, network.bytes) == 1;
        if (is_good && ip_address_within(address, &network, ranges[i].bits)) {
            return ranges[i].class;
        }
    }
    return reserved;
}

#pragma once
/* Which addresses of the Internet protocol are everybody's, and which lead into a network of one's own, or nowhere
 * (IANA's registries of special-purpose addresses, RFC 6890). Pure functions. */
#include <netinet/in.h>
#include <stdbool.h>

/* An address of either family. */
struct ip_address {
    bool is_v6;
    unsigned char bytes[16]; /* in network order; 4 of them where it isn't v6 */
};

/* What a socket's address is of. An IPv4 address within an IPv6 one (mapped, ::ffff:0:0/96, or to be translated by
 * NAT64, 64:ff9b::/96) is that IPv4 address. False: another family. */
bool ip_address_of(const struct sockaddr *socket, struct ip_address *address) __attribute__((warn_unused_result));

/* "192.0.2.1" or "2001:db8::1", without brackets; likewise. False: it is no such text. */
bool ip_address_parse(const char *text, struct ip_address *address) __attribute__((warn_unused_result));

/* Are the first `bits` the same? */
bool ip_address_within(const struct ip_address *address, const struct ip_address *network, unsigned bits);

/* NULL: it is everybody's (global unicast). Else what it is instead, for a sentence: "a loopback", "a private", "a
 * link-local", "a multicast", "the unspecified", "a reserved". Static strings. */
const char *ip_address_class(const struct ip_address *address);

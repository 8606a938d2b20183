#pragma once
/* How many connections each client address has, and what its unread answers hold, over all event loops. An IPv6 client
 * is its /64 (that is what one site is given), an IPv4-mapped IPv6 address is the IPv4 address. Any thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct peers;

/* limit_per_address: 0 for none. capacity: connections at most, all addresses together. NULL
 * without memory or randomness. */
struct peers *peers_new(unsigned limit_per_address, unsigned capacity);
void peers_free(struct peers *peers); /* peers may be NULL */

/* Counts one more connection. False, and nothing counted, if the address has its limit already, or if `capacity` is
 * reached. Addresses that are neither IPv4 nor IPv6 aren't counted. */
bool peers_enter(struct peers *peers, const struct sockaddr *address) __attribute__((warn_unused_result));

/* One connection less; only after peers_enter returned true for it. */
void peers_leave(struct peers *peers, const struct sockaddr *address);

/* Whose requests these are, until there are keys: one value for an IPv4 address (an IPv4-mapped one too), or for an
 * IPv6 /64. */
uint64_t peers_principal(const struct sockaddr *address);

/* Bytes that finished answers hold until the address's clients have taken them. For an address that has a place; what
 * was held is released before the last place is given up. */
void peers_hold(struct peers *peers, const struct sockaddr *address, size_t bytes);
void peers_release(struct peers *peers, const struct sockaddr *address, size_t bytes);
size_t peers_held_bytes(struct peers *peers, const struct sockaddr *address);

#pragma once
/* How many connections each client address has, over all event loops. An IPv6 client is its /64 (that is what one site
 * is given), an IPv4-mapped IPv6 address is the IPv4 address. Any thread. */
#include <stdbool.h>
#include <sys/socket.h>

struct peers;

/* limit_per_address: 0 for none, then nothing is counted. capacity: connections at most, all addresses together. NULL
 * without memory or randomness. */
struct peers *peers_new(unsigned limit_per_address, unsigned capacity);
void peers_free(struct peers *peers); /* peers may be NULL */

/* Counts one more connection. False, and nothing counted, if the address has its limit already, or if `capacity` is
 * reached. Addresses that are neither IPv4 nor IPv6 aren't counted. */
bool peers_enter(struct peers *peers, const struct sockaddr *address) __attribute__((warn_unused_result));

/* One connection less; only after peers_enter returned true for it. */
void peers_leave(struct peers *peers, const struct sockaddr *address);

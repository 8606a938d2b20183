#pragma once
/* Who our clients are, and what each of them has: connections, over all event loops, and bytes of answers that are
 * finished and not taken yet. Any thread.
 *
 * A principal is who shares are counted for. That of an IPv4 client is its address, that of an IPv6 client its /64
 * (which is what one site is given); an IPv4-mapped IPv6 address is the IPv4 address. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct peers;

/* What every address that is neither IPv4 nor IPv6 has. No address has 0. */
#define PEERS_LOCAL UINT64_C(1)

/* No two different clients' are the same. */
uint64_t peers_principal(const struct sockaddr *address);

/* limit_per_address: 0 for none, then connections aren't counted. capacity: connections at most, all addresses
 * together, and answers held at once. NULL without memory or randomness. */
struct peers *peers_new(unsigned limit_per_address, unsigned capacity);
void peers_free(struct peers *peers); /* peers may be NULL */

/* Counts one more connection. False, and nothing counted, if the principal has its address' limit already, or if
 * `capacity` is reached. PEERS_LOCAL isn't counted. */
bool peers_enter(struct peers *peers, uint64_t principal) __attribute__((warn_unused_result));

/* One connection less; only after peers_enter returned true for it. */
void peers_leave(struct peers *peers, uint64_t principal);

/* An answer of so many bytes waits for the principal to take it, or a part of one that did is taken. A principal's
 * releases add up to what it held. With more than `capacity` principals that hold something the others' aren't counted.
 */
void peers_hold(struct peers *peers, uint64_t principal, size_t bytes);
void peers_release(struct peers *peers, uint64_t principal, size_t bytes);

/* How much the principal holds just now. */
size_t peers_held_bytes(struct peers *peers, uint64_t principal);

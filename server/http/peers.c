/* An open-addressing hash table with linear probing, at most half full, sized once; a slot with count 0 is empty, and
 * removal moves later slots of the run back, so that there are no tombstones. Clients choose their addresses (a /48
 * holds 65,536 /64s), so the hash is seeded at random: they can't aim for one run. One mutex; it is held for a few
 * probes. */
#include "server/http/peers.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct peer {
    uint64_t prefix;
    unsigned family; /* AF_INET, AF_INET6: keeps an IPv4 address and a prefix of the same bits apart */
    unsigned count;
    size_t held_bytes; /* by answers that its clients have not taken yet */
};

struct peers {
    pthread_mutex_t lock;
    unsigned limit;
    unsigned capacity;
    unsigned connections;
    size_t mask; /* slots - 1 */
    uint64_t seeds[2];
    struct peer slots[];
};

/* count is 0 for an address that isn't counted. */
static struct peer make_key(const struct sockaddr *address) {
    struct peer key = {.family = address->sa_family};
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        key.prefix = in.sin_addr.s_addr;
        key.count = 1;
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
            uint32_t in;
            memcpy(&in, in6.sin6_addr.s6_addr + 12, sizeof in);
            key.family = AF_INET;
            key.prefix = in;
        } else {
            memcpy(&key.prefix, in6.sin6_addr.s6_addr, sizeof key.prefix);
        }
        key.count = 1;
    }
    return key;
}

/* The halves of a 128-bit product folded together, twice: without the seeds, collisions can't be constructed. */
static uint64_t mix(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static size_t home_of(const struct peers *peers, const struct peer *key) {
    uint64_t first = mix(key->prefix ^ peers->seeds[0], peers->seeds[1]);
    return (size_t)mix(first ^ key->family, peers->seeds[1] ^ UINT64_C(0x9e3779b97f4a7c15)) & peers->mask;
}

/* The slot of the key, or the empty one where it belongs. */
static size_t find_slot(const struct peers *peers, const struct peer *key) {
    size_t slot = home_of(peers, key);
    while (peers->slots[slot].count != 0 &&
           (peers->slots[slot].prefix != key->prefix || peers->slots[slot].family != key->family)) {
        slot = (slot + 1) & peers->mask;
    }
    return slot;
}

/* Closes the gap at `hole`: a later slot of the run moves into it unless its home lies behind the hole. */
static void remove_slot(struct peers *peers, size_t hole) {
    for (size_t next = (hole + 1) & peers->mask; peers->slots[next].count != 0; next = (next + 1) & peers->mask) {
        size_t home = home_of(peers, &peers->slots[next]);
        if (((next - home) & peers->mask) < ((next - hole) & peers->mask)) {
            continue;
        }
        peers->slots[hole] = peers->slots[next];
        hole = next;
    }
    peers->slots[hole] = (struct peer){0};
}

struct peers *peers_new(unsigned limit_per_address, unsigned capacity) {
    size_t slots = 2;
    while (slots < 2 * (size_t)capacity) {
        slots *= 2;
    }
    struct peers *peers = calloc(1, sizeof *peers + slots * sizeof *peers->slots);
    if (!peers) {
        return NULL;
    }
    if (getrandom(peers->seeds, sizeof peers->seeds, 0) != (ssize_t)sizeof peers->seeds) {
        free(peers);
        return NULL;
    }
    peers->seeds[1] |= 1; /* zero would map everything to one slot */
    peers->limit = limit_per_address;
    peers->capacity = capacity;
    peers->mask = slots - 1;
    pthread_mutex_init(&peers->lock, NULL);
    return peers;
}

void peers_free(struct peers *peers) {
    if (!peers) {
        return;
    }
    pthread_mutex_destroy(&peers->lock);
    free(peers);
}

bool peers_enter(struct peers *peers, const struct sockaddr *address) {
    struct peer key = make_key(address);
    if (key.count == 0) {
        return true;
    }
    pthread_mutex_lock(&peers->lock);
    struct peer *peer = &peers->slots[find_slot(peers, &key)];
    bool entered = (peers->limit == 0 || peer->count < peers->limit) && peers->connections < peers->capacity;
    if (entered) {
        peer->prefix = key.prefix;
        peer->family = key.family;
        peer->count++;
        peers->connections++;
    }
    pthread_mutex_unlock(&peers->lock);
    return entered;
}

void peers_leave(struct peers *peers, const struct sockaddr *address) {
    struct peer key = make_key(address);
    if (key.count == 0) {
        return;
    }
    pthread_mutex_lock(&peers->lock);
    size_t slot = find_slot(peers, &key);
    assert(peers->slots[slot].count > 0);
    if (peers->slots[slot].count > 0) {
        peers->connections--;
        peers->slots[slot].count--;
        if (peers->slots[slot].count == 0) {
            assert(peers->slots[slot].held_bytes == 0);
            remove_slot(peers, slot);
        }
    }
    pthread_mutex_unlock(&peers->lock);
}

uint64_t peers_principal(const struct sockaddr *address) {
    return make_key(address).prefix; /* no IPv6 prefix in use is as short as an IPv4 address */
}

/* An address without a place is not counted. */
static void change_held(struct peers *peers, const struct sockaddr *address, size_t bytes, bool more) {
    struct peer key = make_key(address);
    pthread_mutex_lock(&peers->lock);
    struct peer *peer = &peers->slots[find_slot(peers, &key)];
    if (peer->count > 0) {
        assert(more || peer->held_bytes >= bytes);
        peer->held_bytes = more ? peer->held_bytes + bytes : peer->held_bytes - bytes;
    }
    pthread_mutex_unlock(&peers->lock);
}

void peers_hold(struct peers *peers, const struct sockaddr *address, size_t bytes) {
    change_held(peers, address, bytes, true);
}

void peers_release(struct peers *peers, const struct sockaddr *address, size_t bytes) {
    change_held(peers, address, bytes, false);
}

size_t peers_held_bytes(struct peers *peers, const struct sockaddr *address) {
    struct peer key = make_key(address);
    pthread_mutex_lock(&peers->lock);
    const struct peer *peer = &peers->slots[find_slot(peers, &key)];
    size_t bytes = peer->count > 0 ? peer->held_bytes : 0;
    pthread_mutex_unlock(&peers->lock);
    return bytes;
}

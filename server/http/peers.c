/* Two hash tables, of connections and of bytes by principal: open addressing with linear probing, at most half full,
 * sized once; a slot with amount 0 is empty, and removal moves later slots of the run back, so that there are no
 * tombstones. Clients choose their addresses (a /48 holds 65,536 /64s), so the hash is seeded at random: they can't aim
 * for one run. One mutex; it is held for a few probes, and not taken to find that nobody holds anything. */
#include "server/http/peers.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* IPv4 addresses lie where no /64 of a client can: in 0:ffff::/32, a part of the reserved ::/8. */
#define IPV4_PREFIX UINT64_C(0x0000ffff00000000)

struct slot {
    uint64_t principal;
    uint64_t amount;
};

struct table {
    size_t mask; /* slots - 1 */
    size_t used;
    struct slot *slots;
};

struct peers {
    pthread_mutex_t lock;
    unsigned limit;
    unsigned capacity;
    unsigned connections;
    uint64_t seeds[2];
    struct table entered;
    struct table held;
    atomic_size_t holders; /* held.used: each request asks, and mostly nobody holds anything */
};

static uint64_t read_big_endian(const unsigned char *bytes, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

uint64_t peers_principal(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return IPV4_PREFIX | ntohl(in.sin_addr.s_addr);
    }
    if (address->sa_family != AF_INET6) {
        return PEERS_LOCAL;
    }
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof in6);
    const unsigned char *bytes = in6.sin6_addr.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
        return IPV4_PREFIX | read_big_endian(bytes + 12, 4);
    }
    uint64_t prefix = read_big_endian(bytes, 8);
    return prefix != 0 ? prefix : IPV4_PREFIX | INADDR_LOOPBACK; /* ::1: this machine, like 127.0.0.1 */
}

/* The halves of a 128-bit product folded together, twice: without the seeds, collisions can't be constructed. */
static uint64_t mix(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static size_t home_of(const struct peers *peers, const struct table *table, uint64_t principal) {
    uint64_t first = mix(principal ^ peers->seeds[0], peers->seeds[1]);
    return (size_t)mix(first, peers->seeds[1] ^ UINT64_C(0x9e3779b97f4a7c15)) & table->mask;
}

/* The principal's slot, or the empty one where it belongs. */
static size_t find_slot(const struct peers *peers, const struct table *table, uint64_t principal) {
    size_t slot = home_of(peers, table, principal);
    while (table->slots[slot].amount != 0 && table->slots[slot].principal != principal) {
        slot = (slot + 1) & table->mask;
    }
    return slot;
}

/* Closes the gap at `hole`: a later slot of the run moves into it unless its home lies behind the hole. */
static void remove_slot(const struct peers *peers, struct table *table, size_t hole) {
    for (size_t next = (hole + 1) & table->mask; table->slots[next].amount != 0; next = (next + 1) & table->mask) {
        size_t home = home_of(peers, table, table->slots[next].principal);
        if (((next - home) & table->mask) < ((next - hole) & table->mask)) {
            continue;
        }
        table->slots[hole] = table->slots[next];
        hole = next;
    }
    table->slots[hole] = (struct slot){0};
    table->used--;
}

static uint64_t amount_of(const struct peers *peers, const struct table *table, uint64_t principal) {
    return table->slots[find_slot(peers, table, principal)].amount;
}

/* Half of the slots are `capacity` or more, so that a run always ends. */
static void add(const struct peers *peers, struct table *table, uint64_t principal, uint64_t amount) {
    struct slot *slot = &table->slots[find_slot(peers, table, principal)];
    if (amount == 0 || (slot->amount == 0 && table->used > table->mask / 2)) {
        return;
    }
    table->used += slot->amount == 0;
    *slot = (struct slot){.principal = principal, .amount = slot->amount + amount};
}

static void subtract(const struct peers *peers, struct table *table, uint64_t principal, uint64_t amount) {
    size_t index = find_slot(peers, table, principal);
    struct slot *slot = &table->slots[index];
    if (slot->amount > amount) {
        slot->amount -= amount;
    } else if (slot->amount > 0) {
        remove_slot(peers, table, index);
    }
}

static bool init_table(struct table *table, unsigned capacity) {
    size_t slots = 2;
    while (slots < 2 * (size_t)capacity) {
        slots *= 2;
    }
    table->mask = slots - 1;
    table->slots = calloc(slots, sizeof *table->slots);
    return table->slots;
}

struct peers *peers_new(unsigned limit_per_address, unsigned capacity) {
    struct peers *peers = calloc(1, sizeof *peers);
    if (!peers) {
        return NULL;
    }
    pthread_mutex_init(&peers->lock, NULL);
    peers->limit = limit_per_address;
    peers->capacity = capacity;
    if (!init_table(&peers->entered, limit_per_address != 0 ? capacity : 0) || !init_table(&peers->held, capacity) ||
        getrandom(peers->seeds, sizeof peers->seeds, 0) != (ssize_t)sizeof peers->seeds) {
        peers_free(peers);
        return NULL;
    }
    peers->seeds[1] |= 1; /* zero would map everything to one slot */
    return peers;
}

void peers_free(struct peers *peers) {
    if (!peers) {
        return;
    }
    pthread_mutex_destroy(&peers->lock);
    free(peers->held.slots);
    free(peers->entered.slots);
    free(peers);
}

static bool is_counted(const struct peers *peers, uint64_t principal) {
    return peers->limit != 0 && principal != PEERS_LOCAL;
}

bool peers_enter(struct peers *peers, uint64_t principal) {
    if (!is_counted(peers, principal)) {
        return true;
    }
    pthread_mutex_lock(&peers->lock);
    bool entered = amount_of(peers, &peers->entered, principal) < peers->limit && peers->connections < peers->capacity;
    if (entered) {
        add(peers, &peers->entered, principal, 1);
        peers->connections++;
    }
    pthread_mutex_unlock(&peers->lock);
    return entered;
}

void peers_leave(struct peers *peers, uint64_t principal) {
    if (!is_counted(peers, principal)) {
        return;
    }
    pthread_mutex_lock(&peers->lock);
    assert(amount_of(peers, &peers->entered, principal) > 0);
    subtract(peers, &peers->entered, principal, 1);
    peers->connections--;
    pthread_mutex_unlock(&peers->lock);
}

void peers_hold(struct peers *peers, uint64_t principal, size_t bytes) {
    pthread_mutex_lock(&peers->lock);
    add(peers, &peers->held, principal, bytes);
    atomic_store_explicit(&peers->holders, peers->held.used, memory_order_relaxed);
    pthread_mutex_unlock(&peers->lock);
}

void peers_release(struct peers *peers, uint64_t principal, size_t bytes) {
    pthread_mutex_lock(&peers->lock);
    subtract(peers, &peers->held, principal, bytes);
    atomic_store_explicit(&peers->holders, peers->held.used, memory_order_relaxed);
    pthread_mutex_unlock(&peers->lock);
}

size_t peers_held_bytes(struct peers *peers, uint64_t principal) {
    if (atomic_load_explicit(&peers->holders, memory_order_relaxed) == 0) {
        return 0;
    }
    pthread_mutex_lock(&peers->lock);
    size_t bytes = (size_t)amount_of(peers, &peers->held, principal);
    pthread_mutex_unlock(&peers->lock);
    return bytes;
}

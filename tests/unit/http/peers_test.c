/* ctest: threads */
#include "server/http/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

enum { THREADS = 4, ROUNDS = 20000, SITES = 5000 };

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static union address parse(const char *text, uint16_t port) {
    union address address;
    memset(&address, 0, sizeof address);
    if (strchr(text, ':')) {
        address.in6.sin6_family = AF_INET6;
        address.in6.sin6_port = htons(port);
        assert_int_equal(inet_pton(AF_INET6, text, &address.in6.sin6_addr), 1);
    } else {
        address.in.sin_family = AF_INET;
        address.in.sin_port = htons(port);
        assert_int_equal(inet_pton(AF_INET, text, &address.in.sin_addr), 1);
    }
    return address;
}

static bool enter(struct peers *peers, const char *text) {
    static uint16_t port = 1024;
    union address address = parse(text, port++);
    return peers_enter(peers, peers_principal(&address.any));
}

static void leave(struct peers *peers, const char *text) {
    union address address = parse(text, 1);
    peers_leave(peers, peers_principal(&address.any));
}

static void an_address_gets_its_limit_whatever_the_port(void **state) {
    struct peers *peers = peers_new(2, 100);
    (void)state;
    assert_true(enter(peers, "192.0.2.1"));
    assert_true(enter(peers, "192.0.2.1"));
    assert_false(enter(peers, "192.0.2.1"));
    assert_true(enter(peers, "192.0.2.2"));
    leave(peers, "192.0.2.1");
    assert_true(enter(peers, "192.0.2.1"));
    assert_false(enter(peers, "192.0.2.1"));
    peers_free(peers);
}

static void an_ipv6_site_counts_as_one(void **state) {
    struct peers *peers = peers_new(2, 100);
    (void)state;
    assert_true(enter(peers, "2001:db8:0:1::1"));
    assert_true(enter(peers, "2001:db8:0:1:ffff::2"));
    assert_false(enter(peers, "2001:db8:0:1::3"));
    assert_true(enter(peers, "2001:db8:0:2::1"));
    peers_free(peers);
}

static void a_mapped_address_is_the_ipv4_address(void **state) {
    struct peers *peers = peers_new(2, 100);
    (void)state;
    assert_true(enter(peers, "::ffff:192.0.2.1"));
    assert_true(enter(peers, "192.0.2.1"));
    assert_false(enter(peers, "::ffff:192.0.2.1"));
    assert_true(enter(peers, "::ffff:192.0.2.2"));
    assert_true(enter(peers, "::1")); /* the same /64 as every mapped one */
    assert_true(enter(peers, "127.0.0.1"));
    assert_false(enter(peers, "::1"));
    leave(peers, "192.0.2.1");
    leave(peers, "192.0.2.1");
    assert_true(enter(peers, "192.0.2.1"));
    peers_free(peers);
}

static void without_a_limit_everyone_enters(void **state) {
    struct peers *peers = peers_new(0, 1);
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_true(enter(peers, "192.0.2.1"));
    }
    for (int i = 0; i < 1000; i++) {
        leave(peers, "192.0.2.1");
    }
    peers_free(peers);
}

static void beyond_the_capacity_nobody_enters(void **state) {
    struct peers *peers = peers_new(5, 3);
    (void)state;
    assert_true(enter(peers, "192.0.2.1"));
    assert_true(enter(peers, "192.0.2.2"));
    assert_true(enter(peers, "192.0.2.3"));
    assert_false(enter(peers, "192.0.2.4"));
    assert_false(enter(peers, "192.0.2.1"));
    leave(peers, "192.0.2.2");
    assert_true(enter(peers, "192.0.2.4"));
    peers_free(peers);
}

static void a_limit_of_one_holds_for_each_address(void **state) {
    struct peers *peers = peers_new(1, 100);
    static const char *const texts[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_true(enter(peers, texts[i]));
        assert_false(enter(peers, texts[i]));
    }
    peers_free(peers);
    peers_free(NULL);
}

static void other_families_are_not_counted(void **state) {
    struct peers *peers = peers_new(1, 1);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(peers_enter(peers, peers_principal((const struct sockaddr *)&address)));
    }
    peers_leave(peers, peers_principal((const struct sockaddr *)&address));
    assert_true(enter(peers, "192.0.2.1"));
    peers_free(peers);
}

/* Compares with a plain array of counts over a long random sequence, at full capacity: probing and removal. */
static void counts_stay_right_through_many_arrivals_and_departures(void **state) {
    enum { LIMIT = 3, CAPACITY = 2000 };
    static unsigned char counts[SITES];
    struct peers *peers = peers_new(LIMIT, CAPACITY);
    unsigned connections = 0, refused = 0, random = 7;
    (void)state;
    memset(counts, 0, sizeof counts);
    for (int i = 0; i < 200000; i++) {
        random = random * 1664525u + 1013904223u;
        unsigned site = (random >> 12) % SITES;
        union address address = parse("2001:db8::", 1);
        memcpy(address.in6.sin6_addr.s6_addr + 4, &site, sizeof site);
        if (random >> 31 || counts[site] == 0) {
            bool expected = counts[site] < LIMIT && connections < CAPACITY;
            bool entered = peers_enter(peers, peers_principal(&address.any));
            assert_int_equal(entered, expected);
            counts[site] = (unsigned char)(counts[site] + entered);
            connections += entered;
            refused += !entered;
        } else {
            peers_leave(peers, peers_principal(&address.any));
            counts[site]--;
            connections--;
        }
    }
    assert_int_not_equal(refused, 0);
    peers_free(peers);
}

static uint64_t principal(const char *text) {
    union address address = parse(text, 7);
    return peers_principal(&address.any);
}

static void a_principal_is_an_address_or_a_site(void **state) {
    (void)state;
    assert_true(principal("192.0.2.1") == UINT64_C(0x0000ffffc0000201));
    assert_true(principal("::ffff:192.0.2.1") == principal("192.0.2.1"));
    assert_true(principal("2001:db8:0:1::1") == UINT64_C(0x20010db800000001));
    assert_true(principal("2001:db8:0:1:ffff::2") == principal("2001:db8:0:1::1"));
    assert_true(principal("::1") == principal("127.0.0.1"));
    static const char *const others[] = {"192.0.2.1",       "192.0.2.2", "1.192.0.2",       "0.0.0.1",
                                         "0.0.0.0",         "127.0.0.1", "2001:db8:0:1::1", "2001:db8:0:2::1",
                                         "2001:db8:1:1::1", "fe80::1"};
    enum { OTHERS = sizeof others / sizeof *others };
    for (size_t i = 0; i < OTHERS; i++) {
        assert_true(principal(others[i]) != 0 && principal(others[i]) != PEERS_LOCAL);
        for (size_t j = 0; j < i; j++) {
            assert_true(principal(others[i]) != principal(others[j]));
        }
    }
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_true(peers_principal((const struct sockaddr *)&local) == PEERS_LOCAL);
}

static void each_principal_holds_its_own_bytes(void **state) {
    (void)state;
    struct peers *peers = peers_new(0, 4); /* whether or not connections are counted */
    uint64_t one = principal("192.0.2.1"), two = principal("2001:db8::1");
    assert_int_equal(peers_held_bytes(peers, one), 0);
    peers_hold(peers, one, 0);
    peers_hold(peers, one, (size_t)5 << 32);
    peers_hold(peers, two, 100);
    peers_hold(peers, one, 7);
    peers_hold(peers, PEERS_LOCAL, 9);
    assert_int_equal(peers_held_bytes(peers, one), ((size_t)5 << 32) + 7);
    assert_int_equal(peers_held_bytes(peers, two), 100);
    assert_int_equal(peers_held_bytes(peers, PEERS_LOCAL), 9);
    peers_release(peers, one, (size_t)5 << 32);
    assert_int_equal(peers_held_bytes(peers, one), 7);
    peers_release(peers, one, 7);
    peers_release(peers, two, 99);
    assert_int_equal(peers_held_bytes(peers, one), 0);
    assert_int_equal(peers_held_bytes(peers, two), 1);
    peers_free(peers);
}

static void more_principals_than_there_is_room_for_harm_nobody(void **state) {
    (void)state;
    enum { CAPACITY = 8, COMING = 100 };
    struct peers *peers = peers_new(1, CAPACITY);
    for (uint64_t i = 1; i <= COMING; i++) {
        peers_hold(peers, i, (size_t)i);
    }
    for (uint64_t i = 1; i <= COMING; i++) {
        assert_int_equal(peers_held_bytes(peers, i), i <= CAPACITY ? i : 0);
    }
    for (uint64_t i = 1; i <= COMING; i++) {
        peers_release(peers, i, (size_t)i);
        assert_int_equal(peers_held_bytes(peers, i), 0);
    }
    peers_hold(peers, COMING, 1);
    assert_int_equal(peers_held_bytes(peers, COMING), 1);
    peers_free(peers);
}

struct worker {
    pthread_t thread;
    struct peers *peers;
    unsigned seed;
    unsigned refused;
};

static void *come_and_go(void *argument) {
    struct worker *worker = argument;
    unsigned random = worker->seed;
    for (int i = 0; i < ROUNDS; i++) {
        random = random * 1664525u + 1013904223u;
        union address address = {.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(random >> 28)}};
        uint64_t who = peers_principal(&address.any);
        if (peers_enter(worker->peers, who)) {
            peers_hold(worker->peers, who, 1 + random % 1000);
            worker->refused += peers_held_bytes(worker->peers, who) < 1 + random % 1000;
            peers_release(worker->peers, who, 1 + random % 1000);
            peers_leave(worker->peers, who);
        } else {
            worker->refused++;
        }
    }
    return NULL;
}

static void threads_within_the_limit_are_never_refused_and_leave_nothing_behind(void **state) {
    struct peers *peers = peers_new(THREADS, THREADS);
    struct worker workers[THREADS];
    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.peers = peers, .seed = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, come_and_go, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].refused, 0);
    }
    for (uint32_t i = 0; i < 16; i++) {
        union address address = {.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(i)}};
        assert_int_equal(peers_held_bytes(peers, peers_principal(&address.any)), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_true(enter(peers, "0.0.0.3"));
    }
    assert_false(enter(peers, "0.0.0.3"));
    peers_free(peers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_gets_its_limit_whatever_the_port),
        cmocka_unit_test(an_ipv6_site_counts_as_one),
        cmocka_unit_test(a_mapped_address_is_the_ipv4_address),
        cmocka_unit_test(without_a_limit_everyone_enters),
        cmocka_unit_test(beyond_the_capacity_nobody_enters),
        cmocka_unit_test(a_limit_of_one_holds_for_each_address),
        cmocka_unit_test(other_families_are_not_counted),
        cmocka_unit_test(counts_stay_right_through_many_arrivals_and_departures),
        cmocka_unit_test(a_principal_is_an_address_or_a_site),
        cmocka_unit_test(each_principal_holds_its_own_bytes),
        cmocka_unit_test(more_principals_than_there_is_room_for_harm_nobody),
        cmocka_unit_test(threads_within_the_limit_are_never_refused_and_leave_nothing_behind),
    };
    return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}

#include "server/http/busy_poll.h"

#include "server/system/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

enum { CAPACITY = 4 };

struct set {
    int epoll_fd;
    int event_fd;
};

static struct set set_new(void) {
    struct set set = {.epoll_fd = epoll_create1(EPOLL_CLOEXEC), .event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = set.event_fd};
    assert_true(set.epoll_fd >= 0 && set.event_fd >= 0);
    assert_int_equal(epoll_ctl(set.epoll_fd, EPOLL_CTL_ADD, set.event_fd, &event), 0);
    return set;
}

static void set_free(const struct set *set) {
    close(set->epoll_fd);
    close(set->event_fd);
}

static void signal_event(int event_fd) {
    uint64_t one = 1;
    assert_int_equal(write(event_fd, &one, sizeof one), sizeof one);
}

static void *signal_soon(void *event_fd) {
    signal_event(*(int *)event_fd);
    return NULL;
}

static int look(const struct set *set, struct busy_poll *poll) {
    struct epoll_event events[CAPACITY] = {0};
    int count = busy_poll_look(poll, set->epoll_fd, events, CAPACITY);
    if (count > 0) {
        assert_int_equal(events[0].data.fd, set->event_fd);
    }
    return count;
}

static void what_comes_is_found_and_polling_pays_again(void **state) {
    (void)state;
    struct set set = set_new();
    struct busy_poll poll = {.misses = 3};
    signal_event(set.event_fd);
    assert_true(busy_poll_pays(&poll));
    assert_int_equal(look(&set, &poll), 1);
    assert_int_equal(poll.misses, 0);
    assert_int_equal(poll.skips, 0);
    assert_true(busy_poll_pays(&poll));
    set_free(&set);
}

static void what_comes_while_it_polls_is_found(void **state) {
    (void)state;
    struct set set = set_new();
    for (int found = 0, tries = 0; found < 3; tries++) {
        struct busy_poll poll = {0};
        uint64_t count;
        pthread_t thread;
        assert_in_range(tries, 0, 100000);
        assert_int_equal(pthread_create(&thread, NULL, signal_soon, &set.event_fd), 0);
        while (look(&set, &poll) == 0) {
        }
        found += poll.misses == 0;
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(read(set.event_fd, &count, sizeof count), sizeof count);
    }
    set_free(&set);
}

static void polling_in_vain_ends_soon(void **state) {
    (void)state;
    struct set set = set_new();
    struct busy_poll poll = {0};
    uint64_t begun = clock_now_ns();
    assert_int_equal(look(&set, &poll), 0);
    assert_true(clock_now_ns() - begun >= 50000);
    assert_int_equal(poll.misses, 1);
    set_free(&set);
}

/* After the n-th miss in a row 2^n waits are slept through. Eight misses and what is between them make 262 waits. */
static void misses_make_it_sleep(void **state) {
    (void)state;
    struct set set = set_new();
    struct busy_poll poll = {0};
    unsigned looks = 0;
    for (int i = 0; i < 300; i++) {
        if (busy_poll_pays(&poll)) {
            assert_int_equal(look(&set, &poll), 0);
            looks++;
        }
    }
    assert_int_equal(looks, 8);
    assert_int_equal(poll.misses, 8);
    assert_int_equal(poll.skips, 256 - (300 - 262));
    poll = (struct busy_poll){.misses = 10};
    assert_int_equal(look(&set, &poll), 0); /* some time it is tried again */
    assert_int_equal(poll.misses, 10);
    assert_int_equal(poll.skips, 1024);
    set_free(&set);
}

static void a_crowd_is_not_polled_for(void **state) {
    (void)state;
    struct busy_poll poll = {.served = 3};
    assert_false(busy_poll_pays(&poll));
    assert_int_equal(poll.served, 0);
    poll.served = 2;
    assert_true(busy_poll_pays(&poll));
    assert_int_equal(poll.misses, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_is_found_and_polling_pays_again),
        cmocka_unit_test(what_comes_while_it_polls_is_found),
        cmocka_unit_test(polling_in_vain_ends_soon),
        cmocka_unit_test(misses_make_it_sleep),
        cmocka_unit_test(a_crowd_is_not_polled_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

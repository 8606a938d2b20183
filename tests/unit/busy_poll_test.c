#include "server/busy_poll.h"

#include "server/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

enum { CAPACITY = 4, SHORT_MS = 5, LONG_MS = 10000 };

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
    usleep(2000);
    signal_event(*(int *)event_fd);
    return NULL;
}

static int wait_once(const struct set *set, struct busy_poll *poll, int timeout_ms) {
    struct epoll_event events[CAPACITY] = {0};
    int count = busy_poll_wait(poll, set->epoll_fd, events, CAPACITY, timeout_ms);
    if (count > 0)
        assert_int_equal(events[0].data.fd, set->event_fd);
    return count;
}

static void what_is_there_already_is_found_without_polling(void **state) {
    (void)state;
    struct set set = set_new();
    struct busy_poll poll = {.misses = 3, .skips = 5};
    signal_event(set.event_fd);
    assert_int_equal(wait_once(&set, &poll, LONG_MS), 1);
    assert_int_equal(poll.misses, 3);
    assert_int_equal(poll.skips, 5);
    set_free(&set);
}

static void who_may_not_wait_does_not_poll(void **state) {
    (void)state;
    struct set set = set_new();
    struct busy_poll poll = {0};
    assert_int_equal(wait_once(&set, &poll, 0), 0);
    assert_int_equal(poll.misses, 0);
    assert_int_equal(poll.skips, 0);
    set_free(&set);
}

/* Whether it polls or sleeps. */
static void what_comes_is_found(void **state) {
    (void)state;
    struct set set = set_new();
    struct busy_poll polls[] = {{0}, {.misses = 1, .skips = 1}};
    for (size_t i = 0; i < sizeof polls / sizeof polls[0]; i++) {
        pthread_t thread;
        uint64_t count;
        assert_int_equal(pthread_create(&thread, NULL, signal_soon, &set.event_fd), 0);
        assert_int_equal(wait_once(&set, &polls[i], LONG_MS), 1);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(read(set.event_fd, &count, sizeof count), sizeof count);
    }
    set_free(&set);
}

static void the_timeout_holds(void **state) {
    (void)state;
    struct set set = set_new();
    struct busy_poll poll = {0};
    uint64_t begun = clock_now_ns();
    assert_int_equal(wait_once(&set, &poll, SHORT_MS), 0);
    assert_true(clock_now_ns() - begun >= SHORT_MS * NS_PER_MS);
    set_free(&set);
}

/* Polling in vain is tried ever more seldom: after the n-th miss in a row 2^n waits are slept through. Eight misses and
 * what is between them make 262 waits, nine 518. */
static void misses_make_it_sleep(void **state) {
    (void)state;
    struct set set = set_new();
    struct busy_poll poll = {0};
    for (int i = 0; i < 300; i++)
        assert_int_equal(wait_once(&set, &poll, 1), 0);
    assert_int_equal(poll.misses, 8);
    assert_int_equal(poll.skips, 256 - (300 - 262));
    set_free(&set);
}

static void a_crowd_is_not_polled_for(void **state) {
    (void)state;
    struct set set = set_new();
    struct busy_poll poll = {.served = 3};
    assert_int_equal(wait_once(&set, &poll, 1), 0);
    assert_int_equal(poll.misses, 0);
    assert_int_equal(poll.served, 0);
    poll.served = 2;
    assert_int_equal(wait_once(&set, &poll, 1), 0);
    assert_int_equal(poll.misses, 1);
    signal_event(set.event_fd);
    poll.served = 3;
    assert_int_equal(wait_once(&set, &poll, 1), 1);
    assert_int_equal(poll.served, 3); /* counted on, as long as there is something to do */
    set_free(&set);
}

static void it_is_tried_again_some_time(void **state) {
    (void)state;
    struct set set = set_new();
    struct busy_poll poll = {.misses = 10};
    assert_int_equal(wait_once(&set, &poll, 1), 0);
    assert_int_equal(poll.misses, 10);
    assert_int_equal(poll.skips, 1024);
    set_free(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_already_is_found_without_polling),
        cmocka_unit_test(who_may_not_wait_does_not_poll),
        cmocka_unit_test(what_comes_is_found),
        cmocka_unit_test(the_timeout_holds),
        cmocka_unit_test(misses_make_it_sleep),
        cmocka_unit_test(a_crowd_is_not_polled_for),
        cmocka_unit_test(it_is_tried_again_some_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

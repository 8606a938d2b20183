/* What is told of a connection's bytes: over a pair of sockets, and over TCP on the loopback where the system's own
 * counting matters. Nothing here may wait: an alarm ends it if something does. */
#include "server/http/transport.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static int ours, theirs;

static int pair(void **state) {
    int ends[2];
    (void)state;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return -1;
    }
    ours = ends[0];
    theirs = ends[1];
    return 0;
}

static int connect_loopback(void **state) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    theirs = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0 ||
        connect(theirs, (struct sockaddr *)&address, length) != 0) {
        return -1;
    }
    ours = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    close(listener);
    return ours < 0 ? -1 : 0;
}

static int hang_up(void **state) {
    (void)state;
    close(ours);
    close(theirs);
    return 0;
}

static void say(int fd, const char *text) {
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void peeking_takes_nothing(void **state) {
    (void)state;
    char seen[8] = "";
    assert_int_equal(transport_peek(ours, seen, sizeof seen), -1);
    assert_false(transport_has_ended(ours));
    say(theirs, "hello");
    assert_false(transport_has_ended(ours));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(transport_peek(ours, seen, sizeof seen), 5);
        assert_memory_equal(seen, "hello", 5);
        assert_int_equal(transport_peek(ours, seen, 2), 2);
    }
    assert_int_equal(recv(ours, seen, sizeof seen, 0), 5);
    assert_int_equal(transport_peek(ours, seen, sizeof seen), -1);
}

static void the_end_comes_after_what_was_said(void **state) {
    (void)state;
    char seen[8];
    say(theirs, "x");
    shutdown(theirs, SHUT_WR);
    assert_int_equal(transport_peek(ours, seen, sizeof seen), 1);
    assert_false(transport_has_ended(ours)); /* there is something to read yet */
    assert_int_equal(recv(ours, seen, sizeof seen, 0), 1);
    assert_int_equal(transport_peek(ours, seen, sizeof seen), 0);
    assert_true(transport_has_ended(ours));
}

/* A half-closed side is still spoken to, and a closed one does no harm. */
static void ending_is_one_way_and_hanging_up_both(void **state) {
    (void)state;
    char seen[8];
    transport_end(ours);
    assert_int_equal(recv(theirs, seen, sizeof seen, 0), 0);
    say(theirs, "late");
    assert_int_equal(transport_peek(ours, seen, sizeof seen), 4);
    transport_hang_up(ours);
    assert_int_equal(send(theirs, "x", 1, MSG_NOSIGNAL), -1);
    transport_send(ours, "x", 1);
    transport_end(ours);
    transport_hang_up(ours);
}

/* Whoever doesn't read loses what doesn't fit; nobody waits for it. */
static void sending_never_waits(void **state) {
    (void)state;
    static char much[1 << 20];
    char seen[4096];
    for (int i = 0; i < 32; i++) {
        transport_send(ours, much, sizeof much);
    }
    assert_true(recv(theirs, seen, sizeof seen, MSG_DONTWAIT) > 0);
    close(theirs);
    theirs = -1;
    transport_send(ours, much, sizeof much); /* no SIGPIPE */
}

static void what_is_dropped_is_counted_and_gone(void **state) {
    (void)state;
    static char much[100 * 1024];
    char seen[8];
    bool has_ended = true;
    assert_int_equal(transport_drop(ours, 1000, &has_ended), 0);
    assert_false(has_ended);
    say(theirs, "abcdefgh");
    assert_int_equal(transport_drop(ours, 6, &has_ended), 6);
    assert_false(has_ended);
    assert_int_equal(transport_peek(ours, seen, sizeof seen), 2);
    assert_memory_equal(seen, "gh", 2);
    transport_send(theirs, much, sizeof much);
    enum { MORE_THAN_ONE_LOOK = 64 * 1024 + 10 };
    assert_int_equal(transport_drop(ours, MORE_THAN_ONE_LOOK, &has_ended), MORE_THAN_ONE_LOOK);
    size_t dropped = MORE_THAN_ONE_LOOK;
    while (dropped < sizeof much + 2) {
        dropped += transport_drop(ours, SIZE_MAX, &has_ended);
        assert_false(has_ended);
    }
    say(theirs, "end");
    shutdown(theirs, SHUT_WR);
    dropped = 0;
    while (!has_ended) {
        dropped += transport_drop(ours, SIZE_MAX, &has_ended);
    }
    assert_int_equal(dropped, 3);
}

static ssize_t read_never(void *context, int fd, void *out, size_t capacity) {
    (void)context;
    (void)fd;
    (void)out;
    (void)capacity;
    fail();
    return -1;
}

/* Nor does anything else here: a reader is for libmicrohttpd alone. */
static void what_is_dropped_goes_past_the_reader(void **state) {
    (void)state;
    char seen[8];
    bool has_ended = true;
    say(theirs, "abcd");
    transport_read_through(read_never, NULL);
    assert_int_equal(transport_peek(ours, seen, sizeof seen), 4);
    assert_int_equal(transport_receive(ours, seen, 1), 1);
    assert_int_equal(transport_drop(ours, SIZE_MAX, &has_ended), 3);
    transport_read_through(NULL, NULL);
    assert_false(has_ended);
}

static void reset(void) {
    const struct linger at_once = {.l_onoff = 1};
    assert_int_equal(setsockopt(theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(theirs);
    theirs = -1;
}

static void a_reset_is_an_end(void **state) {
    (void)state;
    char seen[8];
    reset();
    assert_int_equal(transport_peek(ours, seen, sizeof seen), 0);
    assert_true(transport_has_ended(ours));
    bool has_ended = false;
    assert_int_equal(transport_drop(ours, sizeof seen, &has_ended), 0);
    assert_true(has_ended);
}

/* The system tells of a reset once: here whoever drops learns it. */
static void what_is_dropped_ends_with_a_reset(void **state) {
    (void)state;
    bool has_ended = false;
    reset();
    assert_int_equal(transport_drop(ours, SIZE_MAX, &has_ended), 0);
    assert_true(has_ended);
}

static void who_is_cut_off_learns_it(void **state) {
    (void)state;
    char byte;
    transport_end(ours);
    assert_int_equal(recv(theirs, &byte, 1, 0), 0); /* the end of a half-closed connection is no hindrance to sending */
    say(theirs, "x");
    bool has_ended = false;
    while (transport_drop(ours, 1, &has_ended) == 0) {
    }
    transport_cut_off(ours);
    transport_hang_up(ours);
    close(ours);
    ours = -1;
    assert_int_equal(send(theirs, "y", 1, MSG_NOSIGNAL), -1);
}

static void what_was_taken_is_counted_from_the_start(void **state) {
    (void)state;
    const struct timespec pause = {.tv_nsec = 1000000};
    uint64_t before = transport_taken_bytes(ours); /* the system may count the connection's begin as one */
    assert_true(before <= 1);
    transport_send(ours, "twelve bytes", 12);
    while (transport_taken_bytes(ours) < before + 12) { /* acknowledged soon, though nobody reads it */
        nanosleep(&pause, NULL);
    }
    assert_int_equal(transport_taken_bytes(ours), before + 12);
}

static void the_local_port_is_the_one_that_was_connected_to(void **state) {
    (void)state;
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    assert_int_equal(getpeername(theirs, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(transport_local_port(ours), ntohs(address.sin_port));
    assert_int_equal(transport_local_port(-1), 0);
}

static void other_sockets_tell_nothing(void **state) {
    (void)state;
    transport_send(ours, "x", 1);
    assert_true(transport_taken_bytes(ours) == UINT64_MAX);
    assert_true(transport_taken_bytes(-1) == UINT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(peeking_takes_nothing, pair, hang_up),
        cmocka_unit_test_setup_teardown(peeking_takes_nothing, connect_loopback, hang_up),
        cmocka_unit_test_setup_teardown(the_end_comes_after_what_was_said, pair, hang_up),
        cmocka_unit_test_setup_teardown(ending_is_one_way_and_hanging_up_both, pair, hang_up),
        cmocka_unit_test_setup_teardown(sending_never_waits, pair, hang_up),
        cmocka_unit_test_setup_teardown(sending_never_waits, connect_loopback, hang_up),
        cmocka_unit_test_setup_teardown(what_is_dropped_is_counted_and_gone, connect_loopback, hang_up),
        cmocka_unit_test_setup_teardown(what_is_dropped_goes_past_the_reader, connect_loopback, hang_up),
        cmocka_unit_test_setup_teardown(a_reset_is_an_end, connect_loopback, hang_up),
        cmocka_unit_test_setup_teardown(what_is_dropped_ends_with_a_reset, connect_loopback, hang_up),
        cmocka_unit_test_setup_teardown(who_is_cut_off_learns_it, connect_loopback, hang_up),
        cmocka_unit_test_setup_teardown(what_was_taken_is_counted_from_the_start, connect_loopback, hang_up),
        cmocka_unit_test_setup_teardown(the_local_port_is_the_one_that_was_connected_to, connect_loopback, hang_up),
        cmocka_unit_test_setup_teardown(other_sockets_tell_nothing, pair, hang_up),
    };
    alarm(60);
    return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}

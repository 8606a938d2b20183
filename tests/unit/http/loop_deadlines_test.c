/* How long a client is waited for, whatever it is waited for: to the nanosecond, by a clock that only the test moves.
 *
 * ctest: threads */
#include "server/system/log.h"
#include "tests/unit/http/loop_case.h"

#include <errno.h>
#include <poll.h>

/* How late a lingering client may be looked at. */
#define LOOK_NS (320 * NS_PER_MS)

static const char line[] = "POST /whole HTTP/1.1\r\n";

/* The loop reads the clock and does what is due, more than once: what ends a connection takes a turn of its own. */
static void turn(void) {
    const struct timespec pause = {.tv_nsec = 200000};
    const uint64_t one = 1;
    for (int i = 0; i < 4; i++) {
        struct pollfd woken = {.fd = loop->wake_fd, .events = POLLIN};
        assert_int_equal(write(loop->wake_fd, &one, sizeof one), sizeof one);
        while (poll(&woken, 1, 0) != 0) {
            nanosleep(&pause, NULL);
        }
    }
}

static void pass(uint64_t ns) {
    fake_clock_advance(ns);
    turn();
}

static void send_text(int fd, const char *text) {
    assert_true(client_send_all(fd, text, strlen(text)));
    await_delivery(fd);
}

static void await_connections(unsigned wanted) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (atomic_load(&scene.facts.connections) != wanted) {
        nanosleep(&pause, NULL);
    }
}

static void await_phase(enum connection_phase phase) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (metrics_connections(scene.host.metrics, phase) != 1) {
        nanosleep(&pause, NULL);
    }
}

/* Nothing was said, and nothing ended. */
static void assert_waited_for(int fd) {
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    assert_true(got < 0 && errno == EAGAIN);
}

static void assert_waited_for_so_long(int fd, uint64_t ns) {
    pass(ns - 1);
    assert_waited_for(fd);
    pass(1);
}

static void assert_end(int fd) {
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

static void assert_refusal(int fd, unsigned status, const char *part) {
    struct received reply = client_receive(fd);
    if (reply.status != status || !reply.closes || !strstr(reply.body, part)) {
        fail_msg("%u instead of %u, or no %s in %s%s", reply.status, status, part, reply.head, reply.body);
    }
    assert_end(fd);
}

/* A connection of which nothing has come. */
static int connect_silent(void) {
    unsigned others = atomic_load(&scene.facts.connections);
    int fd = connect_client();
    turn();
    pass(5 * NS_PER_MS - 1);
    assert_int_equal(atomic_load(&scene.facts.connections), others); /* its first bytes are waited for */
    pass(1);
    await_connections(others + 1);
    return fd;
}

static int begin_head(void) {
    int fd = connect_client();
    send_text(fd, line);
    await_phase(CONNECTION_HEAD);
    return fd;
}

static int begin_body(size_t length) {
    int fd = connect_client();
    send_head(fd, "/whole", length, "Content-Type: application/json\r\n");
    await_phase(CONNECTION_BODY);
    return fd;
}

static int begin_work(const char *version) {
    char head[256];
    int fd = connect_client();
    (void)snprintf(head, sizeof head,
                   "POST /whole %s\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\nabc",
                   version);
    send_text(fd, head);
    await_step(AT_COMPUTE);
    await_phase(CONNECTION_WORKING);
    return fd;
}

static void stop_accepting(void) {
    loop_stop_accepting(loop);
    turn();
}

/* --- of a client ------------------------------------------------------------------------------------------------- */

static void for_a_first_request(void **state) {
    (void)state;
    scene.facts.config.header_timeout_ns = 3 * NS_PER_S;
    start_service();
    int fd = connect_silent();
    assert_waited_for_so_long(fd, 3 * NS_PER_S);
    assert_refusal(fd, 408, "the head did not arrive in time");
}

static void for_the_rest_of_a_head(void **state) {
    (void)state;
    scene.facts.config.header_timeout_ns = 3 * NS_PER_S;
    start_service();
    int fd = connect_silent();
    pass(2 * NS_PER_S);
    send_text(fd, line); /* from here on */
    await_phase(CONNECTION_HEAD);
    pass(2 * NS_PER_S);
    send_text(fd, "Host: a\r\n"); /* which extends nothing */
    turn();
    assert_waited_for_so_long(fd, NS_PER_S);
    assert_refusal(fd, 408, "the head did not arrive in time");
}

static void for_a_body(void **state) {
    (void)state;
    scene.facts.config.body_timeout_ns = 3 * NS_PER_S;
    start_service();
    int fd = begin_body(3);
    pass(2 * NS_PER_S);
    send_text(fd, "ab");
    turn();
    assert_waited_for_so_long(fd, NS_PER_S);
    assert_refusal(fd, 408, "the body did not arrive in time");
}

static int ask_once(void) {
    int fd = connect_client();
    send_text(fd, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(client_receive(fd).status, 204);
    await_phase(CONNECTION_IDLE);
    return fd;
}

static void for_a_further_request(void **state) {
    (void)state;
    scene.facts.config.header_timeout_ns = 3 * NS_PER_S;
    scene.facts.config.idle_timeout_ns = 7 * NS_PER_S;
    start_service();
    int idle = ask_once();
    assert_waited_for_so_long(idle, 7 * NS_PER_S);
    assert_end(idle);
    await_connections(0);
    int begun = ask_once();
    pass(7 * NS_PER_S - 1);
    send_text(begun, "PO"); /* not even a line: a head all the same */
    await_phase(CONNECTION_HEAD);
    assert_waited_for_so_long(begun, 3 * NS_PER_S);
    assert_refusal(begun, 408, "the head did not arrive in time");
}

/* Who has no place has a second, or less where everybody has. */
static void for_one_who_is_turned_away(void **state) {
    static const uint64_t times_ns[][2] = {{3 * NS_PER_S, NS_PER_S}, {NS_PER_S / 2, NS_PER_S / 2}};
    for (size_t i = 0; i < 2; i++) {
        if (i > 0) {
            assert_int_equal(close_service(state), 0);
            assert_int_equal(open_service(state), 0);
        }
        scene.facts.config.max_connections = 1;
        scene.facts.config.header_timeout_ns = times_ns[i][0];
        start_service();
        int first = ask_once();
        int fd = connect_silent();
        assert_waited_for_so_long(fd, times_ns[i][1]);
        assert_refusal(fd, 408, "the head did not arrive in time");
        close(first);
    }
}

static void for_an_answer_to_be_taken(void **state) {
    (void)state;
    char first;
    scene.facts.config.answer_timeout_ns = 25 * NS_PER_S;
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    plan.reply_bytes = 16 << 20;
    start_service();
    int fd = connect_client();
    assert_true(client_send(fd, "/whole", "abc", 3));
    assert_int_equal(recv(fd, &first, 1, 0), 1);
    await_phase(CONNECTION_ANSWERING);
    pass(10 * NS_PER_S); /* a look in between */
    pass(15 * NS_PER_S - 1);
    assert_int_equal(atomic_load(&scene.facts.connections), 1);
    pass(1);
    await_connections(0);
    assert_int_equal(metrics_problems(scene.host.metrics, PROBLEM_CLIENT_GONE), 1);
    close(fd);
}

/* Only HTTP/1.1 has answers that may be skipped. */
static void for_a_half_closed_client_to_be_asked(void **state) {
    (void)state;
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    plan.is_stopped[AT_COMPUTE] = true;
    start_service();
    int fd = begin_work("HTTP/1.1");
    shutdown(fd, SHUT_WR);
    await_delivery(fd);
    turn();
    assert_waited_for_so_long(fd, NS_PER_S);
    assert_int_equal(client_receive(fd).status, 100);
    pass(3600 * NS_PER_S); /* once is enough */
    assert_waited_for(fd);
    open_gate(AT_COMPUTE);
    assert_int_equal(client_receive(fd).status, 200);
    close(fd);
}

static void for_an_old_client_that_half_closed(void **state) {
    (void)state;
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    plan.is_stopped[AT_COMPUTE] = true;
    start_service();
    int fd = begin_work("HTTP/1.0");
    shutdown(fd, SHUT_WR);
    await_delivery(fd);
    turn();
    pass(3600 * NS_PER_S);
    assert_waited_for(fd);
    open_gate(AT_COMPUTE);
    assert_int_equal(client_receive(fd).status, 200);
    close(fd);
}

/* The request and the end of the stream come together, on a connection that was idle. */
static int ask_and_half_close(void) {
    static const char request[] = "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                                  "Content-Length: 3\r\n\r\nabc";
    int fd = ask_once();
    assert_int_equal(send(fd, request, sizeof request - 1, MSG_MORE), sizeof request - 1);
    shutdown(fd, SHUT_WR);
    await_delivery(fd);
    return fd;
}

static void for_a_client_that_half_closed_with_its_request(void **state) {
    (void)state;
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    plan.is_stopped[AT_COMPUTE] = true;
    start_service();
    int fd = ask_and_half_close();
    await_step(AT_COMPUTE);
    turn();
    assert_waited_for_so_long(fd, NS_PER_S);
    assert_int_equal(client_receive(fd).status, 100);
    open_gate(AT_COMPUTE);
    assert_int_equal(client_receive(fd).status, 200);
    close(fd);
}

/* Whose answer is longer than what a socket takes at once. */
static void for_a_half_closed_client_to_take_its_answer(void **state) {
    (void)state;
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    plan.reply_bytes = 16 << 20;
    start_service();
    int fd = ask_and_half_close();
    await_phase(CONNECTION_ANSWERING);
    pass(NS_PER_S);
    char *rest = malloc(1 << 20);
    assert_non_null(rest);
    size_t length = 0;
    for (ssize_t got; (got = recv(fd, rest, 1 << 20, 0)) != 0; length += (size_t)got) {
        assert_true(got > 0);
    }
    assert_true(length > plan.reply_bytes);
    free(rest);
    close(fd);
}

/* --- of one who was refused -------------------------------------------------------------------------------------- */

/* Nobody reads a body of that length: it is answered before it comes. */
static int get_refused(void) {
    int fd = connect_client();
    send_head(fd, "/whole", BODY_MAX_BYTES * 4, "Content-Type: application/json\r\n");
    assert_int_equal(client_receive(fd).status, 413);
    await_phase(CONNECTION_LINGERING);
    return fd;
}

static void who_was_refused_and_is_silent(void **state) {
    (void)state;
    start_service();
    int fd = get_refused();
    pass(2 * NS_PER_S - 1);
    assert_int_equal(atomic_load(&scene.facts.connections), 1);
    pass(LOOK_NS);
    await_connections(0);
    close(fd);
    fd = get_refused();
    pass(2 * NS_PER_S);
    await_connections(0);
    close(fd);
}

/* As long as its body had time, and two seconds at least. */
static void who_was_refused_and_goes_on_sending(void **state) {
    static const unsigned times_s[][2] = {{5, 5}, {1, 2}};
    for (size_t i = 0; i < 2; i++) {
        if (i > 0) {
            assert_int_equal(close_service(state), 0);
            assert_int_equal(open_service(state), 0);
        }
        scene.facts.config.body_timeout_ns = times_s[i][0] * NS_PER_S;
        start_service();
        int fd = get_refused();
        for (unsigned second = 1; second < times_s[i][1]; second++) {
            pass(NS_PER_S);
            send_text(fd, "x");
            turn();
        }
        pass(NS_PER_S - 1);
        assert_int_equal(atomic_load(&scene.facts.connections), 1);
        pass(LOOK_NS);
        await_connections(0);
        close(fd);
    }
}

/* --- while the service stops ------------------------------------------------------------------------------------- */

static void for_a_first_request_while_draining(void **state) {
    (void)state;
    start_service();
    int silent = connect_silent();
    int newcomer = connect_client(); /* let in at once */
    turn();
    stop_accepting();
    await_connections(2);
    pass(NS_PER_S - 1);
    assert_waited_for(silent);
    assert_waited_for(newcomer);
    pass(1);
    assert_refusal(silent, 408, "the head did not arrive in time");
    assert_refusal(newcomer, 408, "the head did not arrive in time");
}

static void for_the_rest_of_a_head_while_draining(void **state) {
    (void)state;
    start_service();
    int fd = begin_head();
    stop_accepting();
    assert_waited_for_so_long(fd, 5 * NS_PER_S);
    assert_refusal(fd, 503, "the server is stopping, and the head did not arrive in time");
}

/* Something has to come every five seconds, and all of it in its time. */
static void for_a_body_while_draining(void **state) {
    (void)state;
    scene.facts.config.body_timeout_ns = 20 * NS_PER_S;
    start_service();
    int fd = begin_body(10);
    stop_accepting();
    for (int i = 0; i < 3; i++) {
        pass(5 * NS_PER_S - 1);
        send_text(fd, "x");
        turn();
    }
    assert_waited_for_so_long(fd, 5 * NS_PER_S);
    assert_refusal(fd, 503, "the server is stopping, and nothing more of the body came");
}

static void less_than_that_is_left_as_it_is_while_draining(void **state) {
    (void)state;
    scene.facts.config.body_timeout_ns = 7 * NS_PER_S;
    start_service();
    int fd = begin_body(10);
    pass(3 * NS_PER_S);
    stop_accepting();
    pass(2 * NS_PER_S);
    send_text(fd, "x");
    turn();
    assert_waited_for_so_long(fd, 2 * NS_PER_S);
    assert_refusal(fd, 503, "shutting-down");
}

/* Refused at once, and hung up on soon. */
static void for_a_request_when_all_is_cut(void **state) {
    static const uint64_t rests_ns[] = {200 * NS_PER_MS - 1, 200 * NS_PER_MS};
    for (size_t i = 0; i < 4; i++) {
        if (i > 0) {
            assert_int_equal(close_service(state), 0);
            assert_int_equal(open_service(state), 0);
        }
        start_service();
        int fd = i / 2 == 0 ? begin_head() : begin_body(3);
        stop_accepting();
        loop_cut_all(loop);
        assert_int_equal(client_receive(fd).status, 503);
        pass(rests_ns[i % 2]);
        if (i % 2 == 0) {
            assert_int_equal(atomic_load(&scene.facts.connections), 1);
        } else {
            await_connections(0);
        }
        close(fd);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(for_a_first_request, open_service, close_service),
        cmocka_unit_test_setup_teardown(for_the_rest_of_a_head, open_service, close_service),
        cmocka_unit_test_setup_teardown(for_a_body, open_service, close_service),
        cmocka_unit_test_setup_teardown(for_a_further_request, open_service, close_service),
        cmocka_unit_test_setup_teardown(for_one_who_is_turned_away, open_service, close_service),
        cmocka_unit_test_setup_teardown(for_an_answer_to_be_taken, open_service, close_service),
        cmocka_unit_test_setup_teardown(for_a_half_closed_client_to_be_asked, open_service, close_service),
        cmocka_unit_test_setup_teardown(for_an_old_client_that_half_closed, open_service, close_service),
        cmocka_unit_test_setup_teardown(for_a_client_that_half_closed_with_its_request, open_service, close_service),
        cmocka_unit_test_setup_teardown(for_a_half_closed_client_to_take_its_answer, open_service, close_service),
        cmocka_unit_test_setup_teardown(who_was_refused_and_is_silent, open_service, close_service),
        cmocka_unit_test_setup_teardown(who_was_refused_and_goes_on_sending, open_service, close_service),
        cmocka_unit_test_setup_teardown(for_a_first_request_while_draining, open_service, close_service),
        cmocka_unit_test_setup_teardown(for_the_rest_of_a_head_while_draining, open_service, close_service),
        cmocka_unit_test_setup_teardown(for_a_body_while_draining, open_service, close_service),
        cmocka_unit_test_setup_teardown(less_than_that_is_left_as_it_is_while_draining, open_service, close_service),
        cmocka_unit_test_setup_teardown(for_a_request_when_all_is_cut, open_service, close_service),
    };
    alarm(TEST_LIMIT_S);
    log_open(LOG_ERROR, STDERR_FILENO);
    int failed = cmocka_run_group_tests_name("loop_deadlines", tests, NULL, NULL);
    log_close();
    return failed;
}

/* Event loops: what they answer, when they refuse, how they end.
 *
 * ctest: threads */
#include "tests/unit/http/loop_service.h"

enum { BIG_BODY_BYTES = 60000, CLIENTS = 8, CALLS_EACH = 40 };

struct caller {
    pthread_t thread;
    unsigned number;
    unsigned right;
};

/* Short bodies are answered on the loop, longer ones take one stage on a lane, the longest two. */
static void *call_often(void *argument) {
    static const size_t lengths[] = {10, 1000, BIG_BODY_BYTES};
    struct caller *client = argument;
    char *body = malloc(BIG_BODY_BYTES);
    int fd = client_connect(port);
    char expected[64];
    for (unsigned i = 0; i < CALLS_EACH && body; i++) {
        size_t length = lengths[(i + client->number) % 3];
        memset(body, 'a' + (int)(i % 20), length);
        snprintf(expected, sizeof expected, "{\"sum\":%zu,", length * ('a' + i % 20));
        struct received reply = client_call(fd, "/sum", body, length);
        client->right += reply.status == 200 && strncmp(reply.body, expected, strlen(expected)) == 0;
    }
    close(fd);
    free(body);
    return NULL;
}

static void many_clients_each_get_their_own_answer(void **state) {
    (void)state;
    struct caller clients[CLIENTS];
    start(LOOPS);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct caller){.number = i};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, call_often, &clients[i]), 0);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(clients[i].right, CALLS_EACH);
    }
    assert_int_equal(atomic_load(&computed), CLIENTS * CALLS_EACH);
    await_count(&service.facts.connections, 0);
}

static void a_suspended_request_holds_up_no_other(void **state) {
    (void)state;
    start(1);
    int waiting = begin_wait("0");
    int other = connect_client();
    await_count(&waits_begun, 1);
    for (int i = 0; i < 20; i++) {
        assert_call(other, "/sum", "abc", 200);
    }
    close(other);
    raise_flag(&gate);
    assert_answer(waiting, 200, "\"waited\":true");
}

static void a_deadline_ends_running_and_queued_work(void **state) {
    (void)state;
    start(1);
    int running = begin_wait("300"); /* by then it runs, however busy the machine is */
    assert_answer(running, 504, "deadline-exceeded");
    assert_int_equal(atomic_load(&waits_cancelled), 1);
    int held[CORES] = {begin_wait("0"), begin_wait("0")};
    await_count(&waits_begun, 1 + CORES);
    int queued = begin_wait("30");
    assert_answer(queued, 504, "deadline-exceeded");
    assert_int_equal(atomic_load(&waits_begun), 1 + CORES);
    raise_flag(&gate);
    for (int i = 0; i < CORES; i++) {
        assert_answer(held[i], 200, "\"waited\":true");
    }
}

static void a_connection_is_usable_after_a_deadline(void **state) {
    (void)state;
    start(1);
    int fd = connect_client();
    for (int i = 0; i < 3; i++) {
        assert_call(fd, "/wait", "5", 504);
        assert_call(fd, "/sum", "abc", 200);
    }
    close(fd);
}

static void a_full_queue_answers_503_at_once(void **state) {
    (void)state;
    service.facts.config.queue_length = 1;
    start(1);
    int held[CORES] = {begin_wait("0"), begin_wait("0")};
    await_count(&waits_begun, CORES);
    int queued = begin_wait("0");
    await_waiting(1);
    int refused = connect_client();
    for (int i = 0; i < 3; i++) { /* the connection survives that */
        struct received reply = client_call(refused, "/wait", "0", 1);
        assert_int_equal(reply.status, 503);
        assert_non_null(strstr(reply.head, "Retry-After: 1"));
        assert_non_null(strstr(reply.body, "overloaded"));
    }
    raise_flag(&gate);
    for (int i = 0; i < CORES; i++) {
        assert_answer(held[i], 200, "\"waited\":true");
    }
    assert_answer(queued, 200, "\"waited\":true");
    assert_call(refused, "/wait", "0", 200);
    close(refused);
}

static void draining_answers_what_was_accepted_and_closes(void **state) {
    (void)state;
    start(LOOPS);
    int idle = connect_client();
    assert_call(idle, "/sum", "abc", 200);
    int waiting = begin_wait("0");
    await_count(&waits_begun, 1);
    atomic_store(&service.facts.draining, true);
    for (unsigned i = 0; i < service.loop_count; i++) {
        loop_stop_accepting(loops[i]);
    }
    assert_true(client_sees_end(idle));
    await_count(&service.facts.connections, 1);
    raise_flag(&gate);
    struct received reply = client_receive(waiting);
    assert_int_equal(reply.status, 200);
    assert_true(reply.closes);
    assert_true(client_sees_end(waiting));
    await_count(&service.facts.connections, 0);
    close(idle);
    close(waiting);
}

static void cutting_ends_running_and_queued_work_with_503(void **state) {
    (void)state;
    start(1);
    int fds[CORES + 1] = {begin_wait("0"), begin_wait("0")};
    await_count(&waits_begun, CORES);
    fds[CORES] = begin_wait("0");
    await_waiting(1);
    loop_stop_accepting(loops[0]);
    loop_cut_all(loops[0]);
    for (int i = 0; i <= CORES; i++) {
        assert_answer(fds[i], 503, "shutting-down");
    }
    assert_int_equal(atomic_load(&waits_begun), CORES);
    assert_int_equal(atomic_load(&waits_cancelled), CORES);
}

/* libmicrohttpd ends the process when it is stopped with a suspended connection. */
static void a_stopping_loop_waits_for_its_work(void **state) {
    (void)state;
    start(1);
    int fd = begin_wait("0");
    await_count(&waits_begun, 1);
    loop_stop(loops[0]);
    raise_flag(&gate);
    (void)client_receive(fd); /* the answer, or the end: the loop doesn't wait for clients to read */
    close(fd);
    assert_int_equal(atomic_load(&waits_cancelled), 0);
}

static void a_head_that_never_ends_is_given_up(void **state) {
    (void)state;
    service.facts.config.header_timeout_ns = 30 * NS_PER_MS;
    start(1);
    int fd = connect_client();
    const char *half = "POST /sum HTTP/1.1\r\nHost: local";
    assert_true(client_send_all(fd, half, strlen(half)));
    assert_int_equal(client_receive(fd).status, 408);
    assert_true(client_sees_end(fd));
    close(fd);
    await_count(&service.facts.connections, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_clients_each_get_their_own_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_suspended_request_holds_up_no_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_deadline_ends_running_and_queued_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_connection_is_usable_after_a_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_queue_answers_503_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(draining_answers_what_was_accepted_and_closes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cutting_ends_running_and_queued_work_with_503, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stopping_loop_waits_for_its_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_head_that_never_ends_is_given_up, set_up, tear_down),
    };
    alarm(TEST_LIMIT_S);
    log_open(LOG_ERROR, STDERR_FILENO);
    int failed = cmocka_run_group_tests_name("loop", tests, NULL, NULL);
    log_close();
    return failed;
}

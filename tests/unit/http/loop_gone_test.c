/* Clients that leave, or end their side, while event loops have something of theirs.
 *
 * ctest: threads */
#include "tests/unit/http/loop_service.h"

static void a_client_that_leaves_ends_its_work(void **state) {
    (void)state;
    start(1);
    for (unsigned i = 1; i <= 5; i++) {
        int fd = begin_wait("0");
        await_count(&waits_begun, i);
        close(fd);
        await_count(&waits_cancelled, i);
        await_count(&service.facts.connections, 0);
    }
}

static void a_client_that_leaves_the_queue_is_never_served(void **state) {
    (void)state;
    start(1);
    int running[CORES] = {begin_wait("0"), begin_wait("0")};
    await_count(&waits_begun, CORES);
    int queued = begin_wait("0");
    await_waiting(1);
    close(queued);
    await_waiting(0);
    raise_flag(&gate);
    for (int i = 0; i < CORES; i++) {
        assert_answer(running[i], 200, "\"waited\":true");
    }
    assert_int_equal(atomic_load(&waits_begun), CORES);
    assert_int_equal(atomic_load(&waits_cancelled), 0);
}

static void await_running(unsigned wanted) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (scheduler_state(service.host.scheduler).running != wanted) {
        nanosleep(&pause, NULL);
    }
}

/* `mebibytes` of a stream that is longer. */
static int begin_stream(unsigned mebibytes) {
    static const char head[] = "POST /stream HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
                               "Content-Length: 100000000\r\n\r\n";
    static char piece[1 << 20];
    int fd = connect_client();
    assert_true(client_send_all(fd, head, sizeof head - 1));
    for (unsigned i = 0; i < mebibytes; i++) {
        assert_true(client_send_all(fd, piece, sizeof piece));
    }
    return fd;
}

static void a_stream_that_leaves_while_a_lane_works_is_not_waited_for(void **state) {
    (void)state;
    start(1);
    int other = connect_client();
    assert_call(other, "/sum", "abc", 200);
    int fd = begin_stream(1);
    assert_true(client_send_all(fd, "x", 1)); /* the first window is full and handed over */
    await_count(&waits_begun, 1);
    close(fd);
    await_count(&service.facts.connections, 1); /* the lane still has the window */
    assert_call(other, "/sum", "abc", 200);
    assert_int_equal(scheduler_state(service.host.scheduler).running, 1);
    raise_flag(&gate);
    await_running(0);
    assert_int_equal(atomic_load(&waits_begun), 1);
    close(other);
}

/* The lane gives back what nobody waits for any more, to a scheduler that outlives the loops. */
static void a_loop_ends_before_the_work_of_a_stream_that_left(void **state) {
    (void)state;
    start(1);
    int fd = begin_stream(1);
    assert_true(client_send_all(fd, "x", 1));
    await_count(&waits_begun, 1);
    close(fd);
    await_count(&service.facts.connections, 0);
    loop_stop(loops[0]);
    loop_free(loops[0]);
    service.loop_count = 0;
    raise_flag(&gate);
    await_running(0);
}

static void work_of_a_client_that_was_reset_before_it_began_is_cut(void **state) {
    (void)state;
    start(1);
    for (unsigned i = 0; i < 20; i++) {
        const struct linger at_once = {.l_onoff = 1};
        int fd = begin_wait("0");
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(fd);
        await_count(&service.facts.connections, 0);
        await_running(0);
    }
}

static void a_half_closed_client_is_served_and_asked_whether_it_is_there(void **state) {
    (void)state;
    start(1);
    int fd = begin_wait("0");
    shutdown(fd, SHUT_WR);
    assert_int_equal(client_receive(fd).status, 100); /* after a second */
    assert_int_equal(atomic_load(&waits_cancelled), 0);
    raise_flag(&gate);
    assert_answer(fd, 200, "\"waited\":true");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_client_that_leaves_ends_its_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_the_queue_is_never_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stream_that_leaves_while_a_lane_works_is_not_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_loop_ends_before_the_work_of_a_stream_that_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(work_of_a_client_that_was_reset_before_it_began_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_half_closed_client_is_served_and_asked_whether_it_is_there, set_up,
                                        tear_down),
    };
    alarm(TEST_LIMIT_S);
    log_open(LOG_ERROR, STDERR_FILENO);
    int failed = cmocka_run_group_tests_name("loop_gone", tests, NULL, NULL);
    log_close();
    return failed;
}

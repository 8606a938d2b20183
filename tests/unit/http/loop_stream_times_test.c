/* The truth of the times that are told of streams, whose windows are worked on while the body comes: of those that are
 * answered, refused and cut, before and after the body's last byte. As loop_times_test.c.
 *
 * ctest: threads */
#include "tests/unit/http/loop_told.h"

/* A window that a lane has, one that is full, and a little more: so much of a refused body is dropped before the
 * answer.
 */
enum { LONG_BYTES = 2 * STREAM_WINDOW_BYTES + 1000, MORE_BYTES = STREAM_WINDOW_BYTES + 1 };

/* What a window of three bytes would take shows whether it may stay on the loop. */
static const struct demand on_the_loop = {.threads = 1, .cost_ns = 1};
static const struct demand on_a_lane = {.threads = 1, .cost_ns = 1000 * NS_PER_S};

static const struct linger at_once = {.l_onoff = 1};

/* A stream of three bytes, whose head has been decoded 50 s before its body comes. */
static int send_short(void) {
    int fd = connect_known();
    send_slowly(fd, "/stream", text_fields, 3, 50000);
    return fd;
}

/* The head of a longer one, and after 50 s its first window, and a byte more. */
static int send_head_and_window(size_t length) {
    int fd = connect_known();
    send_head(fd, "/stream", length, text_fields);
    await_phase(CONNECTION_BODY);
    fake_clock_advance(50000 * MS);
    send_zeros(fd, MORE_BYTES);
    return fd;
}

static int send_begin(size_t length) {
    int fd = send_head_and_window(length);
    await_step(AT_WINDOW);
    return fd;
}

/* That the window is done. Its core is free before the loop hears of it, which nothing shows: that has half a second.
 */
static void await_no_work(void) {
    const struct timespec pause = {.tv_nsec = 200000}, a_little = {.tv_nsec = 10 * NS_PER_MS};
    while (scheduler_state(scene.host.scheduler).cores_busy > 0) {
        nanosleep(&pause, NULL);
    }
    for (int i = 0; i < 50; i++) {
        poke();
        nanosleep(&a_little, NULL);
    }
}

static void leave(int fd) {
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
}

/* --- the body is there ------------------------------------------------------------------------------------------- */

static void a_short_stream_on_the_loop(void **state) {
    (void)state;
    plan.demand = on_the_loop;
    start_service();
    assert_all_told(send_short(), "/stream", &(struct told){{50001, 0, 1, 300, 4000, 54301, 4301}});
}

static void a_short_stream_that_waits_for_a_lane(void **state) {
    (void)state;
    plan.demand = on_a_lane;
    start_service();
    hold_cores(CORES);
    int fd = send_short();
    await_waiting(1);
    fake_clock_advance(600000 * MS);
    let_cores_go(CORES);
    assert_all_told(fd, "/stream", &(struct told){{50001, 600000, 1, 300, 4000, 654301, 3501}});
}

static void a_refusal_on_the_loop(void **state) {
    (void)state;
    plan.demand = on_the_loop;
    plan.fails[AT_WINDOW] = PROBLEM_WRONG_TYPE;
    start_service();
    assert_refusal_told(send_short(), "/stream", 422, &(struct told){{50001, 0, 1, 300, 0, 50301, 301}});
}

static void a_refusal_on_a_lane(void **state) {
    (void)state;
    plan.demand = on_a_lane;
    plan.fails[AT_WINDOW] = PROBLEM_WRONG_TYPE;
    start_service();
    assert_refusal_told(send_short(), "/stream", 422, &(struct told){{50001, 0, 1, 300, 0, 50301, 501}});
}

static void a_deadline_in_the_queue(void **state) {
    (void)state;
    scene.facts.config.timeout_ns = 2000 * NS_PER_S;
    plan.demand = on_a_lane;
    start_service();
    hold_cores(CORES);
    int fd = send_short();
    await_waiting(1);
    fake_clock_advance(2000000 * MS);
    poke();
    assert_refusal_told(fd, "/stream", 504, &(struct told){{50001, 2000000, 1, 0, 0, 2050001, 1}});
    let_cores_go(CORES);
}

static void a_deadline_in_a_window(void **state) {
    (void)state;
    scene.facts.config.timeout_ns = 2000 * NS_PER_S;
    plan.demand = on_a_lane;
    plan.is_stopped[AT_WINDOW] = true;
    start_service();
    int fd = send_short();
    await_step(AT_WINDOW);
    fake_clock_advance(2000000 * MS);
    fake_clock_advance_cpu(1000 * MS);
    poke();
    assert_refusal_told(fd, "/stream", 504, &(struct told){{50001, 0, 1, 2000000, 0, 2050001, 1001}});
}

static void a_client_that_leaves_in_a_window(void **state) {
    (void)state;
    plan.demand = on_a_lane;
    plan.is_stopped[AT_WINDOW] = true;
    start_service();
    int fd = send_short();
    await_step(AT_WINDOW);
    fake_clock_advance(6000 * MS);
    leave(fd);
    struct told log = told_in_log("/stream", 499);
    assert_told(&log, &(struct told){{50001, 0, 1, 6000, 0, 56001, 1}}, "the log");
}

/* --- the body still comes: what is computed meanwhile is received meanwhile, too --------------------------------- */

/* It is answered when the rest has come, which nobody looks at. */
static void a_refusal_of_the_first_window(void **state) {
    (void)state;
    plan.demand = on_a_lane;
    plan.fails[AT_WINDOW] = PROBLEM_WRONG_TYPE;
    start_service();
    int fd = send_begin(MORE_BYTES + 1000);
    await_no_work();
    fake_clock_advance(7000 * MS);
    send_zeros(fd, 1000);
    assert_refusal_told(fd, "/stream", 422, &(struct told){{57301, 0, 1, 300, 0, 57301, 501}});
}

/* Its client is held back: two windows are full. */
static void a_deadline_in_the_first_window(void **state) {
    (void)state;
    scene.facts.config.timeout_ns = 2000 * NS_PER_S;
    plan.demand = on_a_lane;
    plan.is_stopped[AT_WINDOW] = true;
    start_service();
    int fd = send_begin(LONG_BYTES);
    send_zeros(fd, LONG_BYTES - MORE_BYTES);
    await_phase(CONNECTION_WORKING);
    fake_clock_advance(2000000 * MS);
    fake_clock_advance_cpu(1000 * MS);
    poke();
    assert_refusal_told(fd, "/stream", 504, &(struct told){{2050001, 0, 1, 2000000, 0, 2050001, 1001}});
}

static void a_client_that_leaves_between_windows(void **state) {
    (void)state;
    plan.demand = on_a_lane;
    start_service();
    int fd = send_begin(LONG_BYTES);
    await_no_work();
    fake_clock_advance(6000 * MS);
    leave(fd);
    struct told log = told_in_log("/stream", 499);
    assert_told(&log, &(struct told){{56301, 0, 1, 300, 0, 56301, 501}}, "the log");
}

static void a_body_that_comes_too_late(void **state) {
    (void)state;
    scene.facts.config.body_timeout_ns = 60 * NS_PER_S;
    plan.demand = on_a_lane;
    start_service();
    int fd = send_begin(LONG_BYTES);
    await_no_work();
    fake_clock_advance(70000 * MS);
    poke();
    assert_refusal_told(fd, "/stream", 408, &(struct told){{120301, 0, 1, 300, 0, 120301, 501}});
}

/* --- … and nobody waits for the window that a lane has then, or that waits for one ------------------------------- */

static void a_body_that_is_late_while_a_window_is_worked_on(void **state) {
    (void)state;
    scene.facts.config.body_timeout_ns = 60 * NS_PER_S;
    plan.demand = on_a_lane;
    plan.is_stopped[AT_WINDOW] = true;
    start_service();
    int fd = send_begin(LONG_BYTES);
    fake_clock_advance(70000 * MS);
    poke();
    assert_refusal_told(fd, "/stream", 408, &(struct told){{120001, 0, 1, 70000, 0, 120001, 1}});
}

static void a_body_that_is_late_while_a_window_waits(void **state) {
    (void)state;
    scene.facts.config.body_timeout_ns = 60 * NS_PER_S;
    plan.demand = on_a_lane;
    start_service();
    hold_cores(CORES);
    int fd = send_head_and_window(LONG_BYTES);
    await_waiting(1);
    fake_clock_advance(70000 * MS);
    poke();
    assert_refusal_told(fd, "/stream", 408, &(struct told){{120001, 70000, 1, 0, 0, 120001, 1}});
    let_cores_go(CORES);
}

static void a_client_that_leaves_while_a_window_is_worked_on(void **state) {
    (void)state;
    plan.demand = on_a_lane;
    plan.is_stopped[AT_WINDOW] = true;
    start_service();
    int fd = send_begin(LONG_BYTES);
    fake_clock_advance(6000 * MS);
    leave(fd);
    struct told log = told_in_log("/stream", 499);
    assert_told(&log, &(struct told){{56001, 0, 1, 6000, 0, 56001, 1}}, "the log");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_short_stream_on_the_loop, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_short_stream_that_waits_for_a_lane, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_refusal_on_the_loop, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_refusal_on_a_lane, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_deadline_in_the_queue, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_deadline_in_a_window, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_in_a_window, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_refusal_of_the_first_window, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_deadline_in_the_first_window, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_between_windows, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_body_that_comes_too_late, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_body_that_is_late_while_a_window_is_worked_on, open_timed_service,
                                        close_service),
        cmocka_unit_test_setup_teardown(a_body_that_is_late_while_a_window_waits, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_while_a_window_is_worked_on, open_timed_service,
                                        close_service),
    };
    return run_timed("loop_stream_times", tests, sizeof tests / sizeof *tests);
}

/* The truth of the times that clients and operators are told: a loop, its lanes and its log by a clock that only the
 * endpoints' steps and the test move. What a result's "timing", the Server-Timing header and the log line say of the
 * same request has to be the same, and exactly what was planned:
 *
 *   timing   is printed before the answer is compressed and taken back to the loop: its total ends there
 *   header   its total ends when the answer is handed over to be sent
 *   log      its total ends when the answer has been sent
 *
 * Streams: loop_stream_times_test.c.
 *
 * ctest: threads */
#include "tests/unit/http/loop_told.h"

enum { BIG_BODY_BYTES = 200000 };

/* --- answered ---------------------------------------------------------------------------------------------------- */

static void a_call_on_the_loop(void **state) {
    (void)state;
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    start_service();
    int fd = connect_known();
    send_slowly(fd, "/whole", json_fields, 3, 50000);
    assert_all_told(fd, "/whole", &(struct told){{50000, 0, 21, 300, 4000, 54321, 4321}});
}

static void a_call_on_one_lane(void **state) {
    (void)state;
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    plan.team_cpu_ns = 70 * MS;
    start_service();
    hold_cores(CORES);
    int fd = connect_known();
    send_slowly(fd, "/whole", json_fields, 3, 50000);
    await_waiting(1);
    fake_clock_advance(600000 * MS);
    let_cores_go(CORES);
    /* Decoded on the loop, whose CPU time is its time. */
    assert_all_told(fd, "/whole", &(struct told){{50000, 600000, 21, 300, 4000, 654321, 3581}});
}

/* Too long to be decoded on the loop: by one lane, then a team that it waits for. */
static void a_call_on_a_lane_and_then_a_team(void **state) {
    (void)state;
    plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S};
    start_service();
    hold_cores(1);
    int fd = connect_known();
    send_slowly(fd, "/whole", json_fields, BIG_BODY_BYTES, 50000);
    await_step(AT_DECODE);
    await_waiting(1);
    fake_clock_advance(600000 * MS);
    let_cores_go(1);
    assert_all_told(fd, "/whole", &(struct told){{50000, 600000, 21, 300, 4000, 654321, 3512}});
}

/* Its deadline is in its body: between the two stages the loop has it. */
static void a_call_in_two_turns(void **state) {
    (void)state;
    plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S, .timeout_ns = 80000 * NS_PER_S};
    start_service();
    hold_cores(1);
    int fd = connect_known();
    send_slowly(fd, "/whole", json_fields, BIG_BODY_BYTES, 50000);
    await_step(AT_DECODE);
    await_waiting(1);
    fake_clock_advance(600000 * MS);
    let_cores_go(1);
    assert_all_told(fd, "/whole", &(struct told){{50000, 600000, 21, 300, 4000, 654321, 3512}});
}

static void a_compressed_answer(void **state) {
    (void)state;
    plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S};
    plan.reply_bytes = 100000;
    start_service();
    int fd = connect_client();
    char fields[200];
    (void)snprintf(fields, sizeof fields, "%sAccept-Encoding: gzip, identity;q=0\r\n", json_fields);
    send_head(fd, "/whole", 3, fields);
    assert_true(client_send_all(fd, "abc", 3));
    struct received reply = client_receive(fd);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.head, "Content-Encoding: gzip"));
    static const struct told expected = {{0, 0, 21, 300, 4000, 4321, 3511}};
    struct told header = told_in_header(&reply);
    struct told log = told_in_log("/whole", 200);
    assert_told(&header, &expected, "Server-Timing");
    assert_told(&log, &expected, "the log");
    close(fd);
}

/* The log's total is the only one that knows how long the client took to read. */
static void an_answer_that_is_read_slowly(void **state) {
    (void)state;
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    plan.reply_bytes = 16 << 20;
    start_service();
    int fd = connect_client();
    send_head(fd, "/whole", 3, json_fields);
    assert_true(client_send_all(fd, "abc", 3));
    char first;
    assert_int_equal(recv(fd, &first, 1, 0), 1);
    fake_clock_advance(5000 * MS);
    char *rest = malloc(1 << 20);
    assert_non_null(rest);
    size_t left = plan.reply_bytes;
    while (left > 0) {
        ssize_t got = recv(fd, rest, left < 1 << 20 ? left : 1 << 20, 0);
        assert_true(got > 0);
        left -= (size_t)got;
    }
    free(rest);
    struct told log = told_in_log("/whole", 200);
    assert_told(&log, &(struct told){{0, 0, 21, 300, 4000, 9321, 4321}}, "the log");
    close(fd);
}

/* Windows are worked on while the body comes, so what receiving took depends on when they were; everything else is the
 * sum over them. */
static void a_stream_of_several_windows(void **state) {
    (void)state;
    enum { WINDOWS = 4 };
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    start_service();
    int fd = connect_client();
    size_t length = (size_t)(WINDOWS - 1) * STREAM_WINDOW_BYTES + 5;
    char *body = calloc(1, length);
    assert_non_null(body);
    send_head(fd, "/stream", length, text_fields);
    assert_true(client_send_all(fd, body, length));
    struct received reply = client_receive(fd);
    assert_int_equal(reply.status, 200);
    struct told json = told_in_json(reply.body);
    static const struct told expected = {{0, 0, 1, 300 * WINDOWS, 4000, 5201, 500 * WINDOWS + 3001}};
    struct told header = told_in_header(&reply);
    struct told log = told_in_log("/stream", 200);
    assert_told(&header, &json, "Server-Timing");
    assert_told(&log, &json, "the log");
    assert_in_range(json.ms[RECEIVE], 1, 1 + 300 * WINDOWS);
    json.ms[RECEIVE] = 0;
    assert_told(&json, &expected, "timing");
    free(body);
    close(fd);
}

/* --- refused ----------------------------------------------------------------------------------------------------- */

static void refusals(void **state) {
    (void)state;
    start_service();
    static const struct {
        const char *path;
        const char *fields;
        unsigned status;
    } cases[] = {{"/nothing", json_fields, 404},
                 {"/information", json_fields, 405},
                 {"/whole", "Accept: image/png\r\nContent-Type: application/json\r\n", 406},
                 {"/whole", "Content-Type: image/png\r\n", 415}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd = connect_client();
        send_head(fd, cases[i].path, 3, cases[i].fields);
        assert_true(client_send_all(fd, "abc", 3));
        assert_refusal_told(fd, cases[i].path, cases[i].status, &(struct told){{0}});
    }
    int fd = connect_client();
    send_head(fd, "/whole", BODY_MAX_BYTES * 4, json_fields); /* answered at once */
    assert_refusal_told(fd, "/whole", 413, &(struct told){{0}});
}

static void a_refusal_by_the_endpoint(void **state) {
    (void)state;
    plan.fails[AT_DECODE] = PROBLEM_WRONG_TYPE;
    start_service();
    int fd = connect_known();
    send_slowly(fd, "/whole", json_fields, 3, 50);
    assert_refusal_told(fd, "/whole", 422, &(struct told){{50, 0, 1, 0, 0, 51, 1}});
}

static void a_full_queue(void **state) {
    (void)state;
    scene.facts.config.queue_length = 0;
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    start_service();
    hold_cores(CORES);
    int fd = connect_known();
    send_slowly(fd, "/whole", json_fields, 3, 50);
    assert_refusal_told(fd, "/whole", 503, &(struct told){{50, 0, 1, 0, 0, 51, 1}});
    let_cores_go(CORES);
}

/* --- cut --------------------------------------------------------------------------------------------------------- */

static void a_deadline_in_the_queue(void **state) {
    (void)state;
    scene.facts.config.timeout_ns = 2000 * NS_PER_S;
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    start_service();
    hold_cores(CORES);
    int fd = connect_known();
    send_slowly(fd, "/whole", json_fields, 3, 50);
    await_waiting(1);
    fake_clock_advance(2000000 * MS);
    poke();
    assert_refusal_told(fd, "/whole", 504, &(struct told){{50, 2000000, 1, 0, 0, 2000051, 1}});
    let_cores_go(CORES);
}

static void a_deadline_while_it_computes(void **state) {
    (void)state;
    scene.facts.config.timeout_ns = 2000 * NS_PER_S;
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    plan.is_stopped[AT_COMPUTE] = true;
    start_service();
    int fd = connect_known();
    send_slowly(fd, "/whole", json_fields, 3, 50);
    await_step(AT_COMPUTE);
    fake_clock_advance(2000000 * MS);
    fake_clock_advance_cpu(1000 * MS);
    poke();
    assert_refusal_told(fd, "/whole", 504, &(struct told){{50, 0, 21, 2000000, 0, 2000071, 1011}});
}

static void a_client_that_leaves(void **state) {
    (void)state;
    const struct linger at_once = {.l_onoff = 1};
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    plan.is_stopped[AT_COMPUTE] = true;
    start_service();
    int fd = connect_known();
    send_slowly(fd, "/whole", json_fields, 3, 50);
    await_step(AT_COMPUTE);
    fake_clock_advance(6000 * MS);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
    struct told log = told_in_log("/whole", 499);
    assert_told(&log, &(struct told){{50, 0, 21, 6000, 0, 6071, 11}}, "the log");
}

/* What never came whole was received for as long as it was waited for. */
static void a_client_that_leaves_before_its_body_is_complete(void **state) {
    (void)state;
    start_service();
    int fd = connect_known();
    send_head(fd, "/whole", 3, json_fields);
    await_phase(CONNECTION_BODY);
    fake_clock_advance(6000 * MS);
    close(fd);
    struct told log = told_in_log("/whole", 499);
    assert_told(&log, &(struct told){{6000, 0, 0, 0, 0, 6000, 0}}, "the log");
}

static void a_body_that_comes_too_late(void **state) {
    (void)state;
    scene.facts.config.body_timeout_ns = 3 * NS_PER_S;
    start_service();
    int fd = connect_known();
    send_head(fd, "/whole", 3, json_fields);
    await_phase(CONNECTION_BODY);
    fake_clock_advance(6000 * MS);
    poke();
    assert_int_equal(client_receive(fd).status, 408);
    close(fd);
    struct told log = told_in_log("/whole", 408);
    assert_told(&log, &(struct told){{6000, 0, 0, 0, 0, 6000, 0}}, "the log");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_call_on_the_loop, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_call_on_one_lane, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_call_on_a_lane_and_then_a_team, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_call_in_two_turns, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_compressed_answer, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(an_answer_that_is_read_slowly, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_stream_of_several_windows, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(refusals, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_refusal_by_the_endpoint, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_full_queue, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_deadline_in_the_queue, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_deadline_while_it_computes, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_client_that_leaves, open_timed_service, close_service),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_before_its_body_is_complete, open_timed_service,
                                        close_service),
        cmocka_unit_test_setup_teardown(a_body_that_comes_too_late, open_timed_service, close_service),
    };
    return run_timed("loop_times", tests, sizeof tests / sizeof *tests);
}

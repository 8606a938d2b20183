/* What is counted of a request, whatever became of it, and how one is answered that libmicrohttpd never sees.
 *
 * ctest: threads */
#include "server/http/request.h"
#include "server/system/log.h"
#include "tests/unit/http/loop_case.h"

enum { NO_ROUTE = sizeof endpoints / sizeof *endpoints, WHOLE = 0, STREAM = 1, INFORMATION = 2 };

/* How many have ended with this status and method. */
static uint64_t count(size_t route, enum request_method method, unsigned status) {
    unsigned place = 0;
    while (metrics_code(place) != status) {
        place++;
        assert_true(place < metrics_code_count());
    }
    return metrics_requests(scene.host.metrics, route, method, place);
}

static void await_count(size_t route, enum request_method method, unsigned status) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (count(route, method, status) != 1) {
        nanosleep(&pause, NULL);
    }
}

static void await_cancellation(enum metrics_reason reason) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (metrics_cancellations(scene.host.metrics, reason) != 1) {
        nanosleep(&pause, NULL);
    }
    for (int other = 0; other < METRICS_REASONS; other++) {
        assert_int_equal(metrics_cancellations(scene.host.metrics, (enum metrics_reason)other), other == (int)reason);
    }
}

static void assert_amounts(size_t route, uint64_t received_bytes, uint64_t sent_bytes) {
    assert_int_equal(metrics_amount(scene.host.metrics, route, METRICS_RECEIVED_BYTES), received_bytes);
    assert_int_equal(metrics_amount(scene.host.metrics, route, METRICS_SENT_BYTES), sent_bytes);
}

static size_t content_length(const char *head) {
    const char *field = strcasestr(head, "Content-Length: ");
    assert_non_null(field);
    return strtoul(field + strlen("Content-Length: "), NULL, 10);
}

/* Sends it, and reads to the end of the stream. */
static size_t read_all(const char *text, char out[REPLY_MAX]) {
    int fd = connect_client();
    size_t length = 0;
    assert_true(client_send_all(fd, text, strlen(text)));
    for (ssize_t got; (got = recv(fd, out + length, REPLY_MAX - 1 - length, 0)) != 0; length += (size_t)got) {
        assert_true(got > 0);
    }
    out[length] = '\0';
    close(fd);
    return length;
}

static void a_head_that_is_no_http(void **state) {
    (void)state;
    char reply[REPLY_MAX], id[64] = "";
    struct metrics_exemplar exemplar;
    start_service();
    size_t length = read_all("GET /whole HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", reply);
    assert_int_equal(strncmp(reply, "HTTP/1.1 400 Bad Request\r\n", 26), 0);
    const char *body = strstr(reply, "\r\n\r\n") + 4;
    assert_int_equal(length - (size_t)(body - reply), content_length(reply));
    assert_non_null(strstr(reply, "\r\nConnection: close\r\n"));
    assert_non_null(strstr(reply, "total;dur=0.000,"));
    await_count(NO_ROUTE, REQUEST_GET, 400);
    assert_amounts(NO_ROUTE, 0, content_length(reply));
    assert_int_equal(metrics_problems(scene.host.metrics, PROBLEM_MALFORMED_REQUEST), 1);
    assert_true(metrics_exemplar(scene.host.metrics, NO_ROUTE, 0, &exemplar));
    assert_int_equal(sscanf(strstr(reply, "X-Request-Id: "), "X-Request-Id: %63[^\r]", id), 1);
    assert_string_equal(exemplar.id, id);
    assert_int_equal(exemplar.total_ns, 0);
    assert_int_equal(exemplar.at_ns, 77 * NS_PER_S);
}

/* It is told the length alone. */
static void a_head_of_head_that_is_no_http(void **state) {
    (void)state;
    char reply[REPLY_MAX];
    start_service();
    size_t length = read_all("HEAD /whole HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", reply);
    assert_ptr_equal(strstr(reply, "\r\n\r\n") + 4, reply + length);
    assert_true(content_length(reply) > 0);
    await_count(NO_ROUTE, REQUEST_HEAD, 400);
    assert_amounts(NO_ROUTE, 0, 0);
}

static void what_was_answered(void **state) {
    (void)state;
    struct metrics_histogram threads;
    plan.demand = (struct demand){.threads = 2, .cost_ns = NS_PER_S};
    start_service();
    int fd = connect_client();
    struct received reply = client_call(fd, "/whole", "abc", 3);
    assert_int_equal(reply.status, 200);
    await_count(WHOLE, REQUEST_POST, 200);
    assert_amounts(WHOLE, 3, content_length(reply.head));
    metrics_threads(scene.host.metrics, METRICS_GRANTED, &threads);
    assert_int_equal(threads.sum, 2);
    assert_int_equal(metrics_problems(scene.host.metrics, PROBLEM_CLIENT_GONE), 0);
    const char head[] = "HEAD /information HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_true(client_send_all(fd, head, sizeof head - 1));
    assert_true(recv(fd, reply.head, REPLY_MAX, 0) > 0);
    await_count(INFORMATION, REQUEST_HEAD, 200);
    assert_amounts(INFORMATION, 0, 0);
    close(fd);
}

static const char *name_tag(const struct call *call) {
    (void)call;
    return "\"1\"";
}

static const struct endpoint tagged_endpoint = {
    .path = "/tagged", .method = ENDPOINT_GET, .produces = MEDIA_JSON, .answer = planned_answer, .tag = name_tag};

/* What its client has already isn't sent. */
static void what_has_not_changed(void **state) {
    (void)state;
    static const struct endpoint *const tagged[] = {&tagged_endpoint};
    struct received reply = {0};
    scene.facts.endpoints = tagged;
    scene.facts.endpoint_count = 1;
    plan.reply_bytes = 100;
    start_service();
    int fd = connect_client();
    const char request[] = "GET /tagged HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"1\"\r\nConnection: close\r\n\r\n";
    assert_true(client_send_all(fd, request, sizeof request - 1));
    assert_true(recv(fd, reply.head, REPLY_MAX - 1, 0) > 0);
    assert_non_null(strstr(reply.head, "ETag: \"1\"\r\n"));
    await_count(0, REQUEST_GET, 304);
    assert_amounts(0, 0, 0);
    close(fd);
}

static void who_leaves_before_its_head_is_complete(void **state) {
    (void)state;
    start_service();
    int fd = connect_client();
    const char half[] = "POST /whole HTTP/1.1\r\nHost: a\r\n";
    assert_true(client_send_all(fd, half, sizeof half - 1));
    const struct timespec pause = {.tv_nsec = 200000};
    while (metrics_connections(scene.host.metrics, CONNECTION_HEAD) != 1) {
        nanosleep(&pause, NULL);
    }
    close(fd);
    await_count(WHOLE, REQUEST_POST, 499);
    assert_int_equal(metrics_problems(scene.host.metrics, PROBLEM_CLIENT_GONE), 1);
}

/* --- why work was cut -------------------------------------------------------------------------------------------- */

static int begin_work(void) {
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    plan.is_stopped[AT_COMPUTE] = true;
    scene.facts.config.timeout_ns = 5 * NS_PER_S;
    start_service();
    int fd = connect_client();
    assert_true(client_send(fd, "/whole", "abc", 3));
    await_step(AT_COMPUTE);
    return fd;
}

static void work_whose_client_has_gone(void **state) {
    (void)state;
    const struct linger at_once = {.l_onoff = 1};
    int fd = begin_work();
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
    await_cancellation(METRICS_CLIENT_GONE);
}

static void work_that_is_out_of_time(void **state) {
    (void)state;
    int fd = begin_work();
    fake_clock_advance(5 * NS_PER_S);
    poke();
    assert_int_equal(client_receive(fd).status, 504);
    await_cancellation(METRICS_DEADLINE);
    close(fd);
}

static void work_when_all_is_cut(void **state) {
    (void)state;
    int fd = begin_work();
    loop_stop_accepting(loop);
    loop_cut_all(loop);
    assert_int_equal(client_receive(fd).status, 503);
    await_cancellation(METRICS_SHUTTING_DOWN);
    close(fd);
}

/* The first window of a stream is worked on, whose second one doesn't come, or is none. */
static int begin_stream(void) {
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    plan.is_stopped[AT_WINDOW] = true;
    scene.facts.config.body_timeout_ns = 5 * NS_PER_S;
    start_service();
    int fd = connect_client();
    char head[256];
    char *window = calloc(1, STREAM_WINDOW_BYTES + 1);
    assert_non_null(window);
    int length = snprintf(head, sizeof head,
                          "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n%x\r\n",
                          (unsigned)STREAM_WINDOW_BYTES + 1);
    assert_true(client_send_all(fd, head, (size_t)length));
    assert_true(client_send_all(fd, window, STREAM_WINDOW_BYTES + 1));
    free(window);
    await_step(AT_WINDOW);
    return fd;
}

static void work_whose_body_is_late(void **state) {
    (void)state;
    int fd = begin_stream();
    fake_clock_advance(5 * NS_PER_S);
    poke();
    assert_int_equal(client_receive(fd).status, 408);
    await_cancellation(METRICS_LATE_BODY);
    close(fd);
}

static void work_whose_body_turns_out_wrong(void **state) {
    (void)state;
    int fd = begin_stream();
    assert_true(client_send_all(fd, "zzzz", 4));
    assert_int_equal(client_receive(fd).status, 400);
    await_cancellation(METRICS_REFUSED);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_head_that_is_no_http, open_service, close_service),
        cmocka_unit_test_setup_teardown(a_head_of_head_that_is_no_http, open_service, close_service),
        cmocka_unit_test_setup_teardown(what_was_answered, open_service, close_service),
        cmocka_unit_test_setup_teardown(what_has_not_changed, open_service, close_service),
        cmocka_unit_test_setup_teardown(who_leaves_before_its_head_is_complete, open_service, close_service),
        cmocka_unit_test_setup_teardown(work_whose_client_has_gone, open_service, close_service),
        cmocka_unit_test_setup_teardown(work_that_is_out_of_time, open_service, close_service),
        cmocka_unit_test_setup_teardown(work_when_all_is_cut, open_service, close_service),
        cmocka_unit_test_setup_teardown(work_whose_body_is_late, open_service, close_service),
        cmocka_unit_test_setup_teardown(work_whose_body_turns_out_wrong, open_service, close_service),
    };
    alarm(TEST_LIMIT_S);
    log_open(LOG_ERROR, STDERR_FILENO);
    int failed = cmocka_run_group_tests_name("loop_counts", tests, NULL, NULL);
    log_close();
    return failed;
}

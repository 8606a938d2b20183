/* Event loops with a scheduler and a route table of their own, driven over the loopback. What a request waits for is a
 * gate that the test opens, or its own deadline; the test waits for counters that the server keeps.
 *
 * ctest: threads */
#include "server/http/loop.h"

#include "server/engine/buffer_pool.h"
#include "server/engine/endpoint.h"
#include "server/engine/memory_budget.h"
#include "server/http/peers.h"
#include "server/system/clock.h"
#include "server/system/facts.h"
#include "tests/unit/http/loop_client.h"
#include "tests/unit/worker.h"

enum { CORES = 2, LOOPS = 2, BIG_BODY_BYTES = 60000, CLIENTS = 8, CALLS_EACH = 40 };

/* --- three endpoints --------------------------------------------------------------------------------------------- */

static bool gate; /* under the lock of worker.h */
static atomic_uint waits_begun;
static atomic_uint waits_cancelled;
static atomic_uint computed;

struct sum {
    uint64_t value;
};

static enum problem_kind decode_sum(struct call *call) {
    call->demand.threads = CORES;
    call->demand.cost_ns = call->body.length < 100 ? 0 : NS_PER_S; /* on the loop, or on a lane */
    return PROBLEM_NONE;
}

static enum problem_kind compute_sum(struct call *call) {
    struct sum *sum = (struct sum *)call->arguments;
    for (size_t i = 0; i < call->body.length; i++) {
        sum->value += (unsigned char)call->body.bytes[i];
    }
    atomic_fetch_add(&computed, 1);
    return PROBLEM_NONE;
}

static enum problem_kind encode_sum(struct call *call) {
    json_key(&call->reply, "sum");
    json_unsigned(&call->reply, ((const struct sum *)call->arguments)->value);
    return PROBLEM_NONE;
}

/* The body is the deadline in milliseconds, 0 for none. */
static enum problem_kind decode_wait(struct call *call) {
    char digits[16] = "";
    memcpy(digits, call->body.bytes, call->body.length < 15 ? call->body.length : 15);
    call->demand.threads = 1;
    call->demand.cost_ns = NS_PER_S;
    call->demand.timeout_ns = strtoul(digits, NULL, 10) * NS_PER_MS;
    return PROBLEM_NONE;
}

/* As a kernel does: polls the flag. */
static enum problem_kind compute_wait(struct call *call) {
    const struct timespec pause = {.tv_nsec = 200000};
    atomic_fetch_add(&waits_begun, 1);
    while (!look(&gate)) {
        if (atomic_load_explicit(&call->cancel, memory_order_relaxed)) {
            atomic_fetch_add(&waits_cancelled, 1);
            return PROBLEM_NONE;
        }
        nanosleep(&pause, NULL);
    }
    return PROBLEM_NONE;
}

static enum problem_kind encode_wait(struct call *call) {
    json_key(&call->reply, "waited");
    json_bool(&call->reply, true);
    return PROBLEM_NONE;
}

static const struct endpoint sum_endpoint = {.path = "/sum",
                                             .summary = "sums bytes",
                                             .method = ENDPOINT_POST,
                                             .consumes = MEDIA_JSON,
                                             .produces = MEDIA_JSON,
                                             .decode = decode_sum,
                                             .compute = compute_sum,
                                             .encode = encode_sum};

static const struct endpoint wait_endpoint = {.path = "/wait",
                                              .summary = "waits for the gate",
                                              .method = ENDPOINT_POST,
                                              .consumes = MEDIA_JSON,
                                              .produces = MEDIA_JSON,
                                              .decode = decode_wait,
                                              .compute = compute_wait,
                                              .encode = encode_wait};

static const struct endpoint *const endpoints[] = {&sum_endpoint, &wait_endpoint};

/* --- a service around them --------------------------------------------------------------------------------------- */

static struct {
    struct facts facts;
    struct memory_budget memory;
    struct host host;
    struct front front;
    unsigned loop_count;
} service;
static struct loop *loops[LOOPS];
static uint16_t port;

static int set_up(void **state) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    (void)state;
    memset(&service, 0, sizeof service);
    service.facts.config = (struct config){.queue_length = 100,
                                           .max_body_bytes = 1 << 20,
                                           .max_connections = 64,
                                           .header_timeout_ns = 60 * NS_PER_S,
                                           .body_timeout_ns = 60 * NS_PER_S,
                                           .idle_timeout_ns = 60 * NS_PER_S,
                                           .answer_timeout_ns = 60 * NS_PER_S,
                                           .timeout_ns = 60 * NS_PER_S};
    service.facts.cores.count = CORES;
    service.facts.endpoints = endpoints;
    service.facts.endpoint_count = sizeof endpoints / sizeof *endpoints;
    memory_budget_init(&service.memory, 64 << 20);
    service.host.buffers = buffer_pool_new(16 << 20, NS_PER_S);
    service.front.peers = peers_new(0, 64);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    service.front.health_fd = -1;
    service.front.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(service.front.listen_fd, (struct sockaddr *)&address, length) != 0 ||
        listen(service.front.listen_fd, 64) != 0 ||
        getsockname(service.front.listen_fd, (struct sockaddr *)&address, &length) != 0) {
        return -1;
    }
    port = ntohs(address.sin_port);
    gate = false;
    atomic_store(&waits_begun, 0);
    atomic_store(&waits_cancelled, 0);
    atomic_store(&computed, 0);
    return 0;
}

static void start(unsigned loop_count) {
    service.host.scheduler = scheduler_new(CORES, service.facts.config.queue_length, 16, CORES);
    assert_non_null(service.host.scheduler);
    service.host.facts = &service.facts;
    service.host.memory = &service.memory;
    service.front.host = &service.host;
    atomic_store(&service.front.accepting_loops, loop_count);
    for (service.loop_count = 0; service.loop_count < loop_count; service.loop_count++) {
        loops[service.loop_count] = loop_new(&service.front);
        assert_non_null(loops[service.loop_count]);
    }
}

/* After any test: all loops end, and nothing is left of any request. */
static int tear_down(void **state) {
    (void)state;
    raise_flag(&gate);
    for (unsigned i = 0; i < service.loop_count; i++) {
        loop_stop(loops[i]);
    }
    for (unsigned i = 0; i < service.loop_count; i++) {
        loop_free(loops[i]);
    }
    struct scheduler_state end = scheduler_state(service.host.scheduler);
    scheduler_free(service.host.scheduler);
    peers_free(service.front.peers);
    buffer_pool_free(service.host.buffers);
    close(service.front.listen_fd);
    bool clean = end.waiting == 0 && end.running == 0 && end.cores_busy == 0 &&
                 atomic_load(&service.facts.connections) == 0 && atomic_load(&service.memory.used_bytes) == 0;
    if (!clean) {
        print_error("left behind: %u works, %u connections, %zu bytes\n", end.waiting + end.running,
                    atomic_load(&service.facts.connections), atomic_load(&service.memory.used_bytes));
    }
    return clean ? 0 : -1;
}

static void await_count(const atomic_uint *counter, unsigned wanted) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (atomic_load(counter) != wanted) {
        nanosleep(&pause, NULL);
    }
}

static void await_waiting(unsigned wanted) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (scheduler_state(service.host.scheduler).waiting != wanted) {
        nanosleep(&pause, NULL);
    }
}

static int connect_client(void) {
    int fd = client_connect(port);
    assert_true(fd >= 0);
    return fd;
}

static void assert_call(int fd, const char *path, const char *body, unsigned status) {
    struct received reply = client_call(fd, path, body, strlen(body));
    assert_int_equal(reply.status, status);
}

/* A request that holds a core until the gate opens or `timeout_ms` (if any) are over; on a connection of its own. */
static int begin_wait(const char *timeout_ms) {
    int fd = connect_client();
    assert_true(client_send(fd, "/wait", timeout_ms, strlen(timeout_ms)));
    return fd;
}

static void assert_answer(int fd, unsigned status, const char *part_of_body) {
    struct received reply = client_receive(fd);
    assert_int_equal(reply.status, status);
    if (!strstr(reply.body, part_of_body)) {
        fail_msg("\"%s\" is not in: %s", part_of_body, reply.body);
    }
    close(fd);
}

/* --- the tests --------------------------------------------------------------------------------------------------- */

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

static void a_deadline_ends_running_and_queued_work(void **state) {
    (void)state;
    start(1);
    int running = begin_wait("30");
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
        cmocka_unit_test_setup_teardown(a_client_that_leaves_ends_its_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_the_queue_is_never_served, set_up, tear_down),
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

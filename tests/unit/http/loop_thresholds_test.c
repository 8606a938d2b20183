/* Where a size or a price decides what is done with a request, at its edge: who decodes and computes it, whether it is
 * refused by its head, how much of it is dropped.
 *
 * ctest: threads */
#include "server/http/admission.h"
#include "server/system/log.h"
#include "tests/unit/http/loop_case.h"

#include <poll.h>

/* Longer than a lingering client isn't looked at, and less than it may be silent. */
#define LOOK_NS (320 * NS_PER_MS)

static void await_phase(enum connection_phase phase, uint64_t wanted) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (metrics_connections(scene.host.metrics, phase) != wanted) {
        nanosleep(&pause, NULL);
    }
}

static void restart(void **state) {
    assert_int_equal(close_service(state), 0);
    assert_int_equal(open_service(state), 0);
}

static void send_zeros(int fd, size_t length) {
    char *zeros = calloc(1, length);
    assert_non_null(zeros);
    assert_true(client_send_all(fd, zeros, length));
    free(zeros);
}

static void send_zero(int fd) {
    send_zeros(fd, 1);
    await_delivery(fd);
}

/* Another client of the loop: one that waits for nothing, or the head of whose request is on its way. */
static int connect_other(bool is_busy) {
    int fd = connect_client();
    const char idle[] = "GET /information HTTP/1.1\r\nHost: a\r\n\r\n";
    const char busy[] = "GET /information HTTP/1.1\r\n";
    assert_true(is_busy ? client_send_all(fd, busy, sizeof busy - 1) : client_send_all(fd, idle, sizeof idle - 1));
    if (!is_busy) {
        assert_int_equal(client_receive(fd).status, 200);
    }
    await_phase(is_busy ? CONNECTION_HEAD : CONNECTION_IDLE, 1);
    return fd;
}

/* Sends zeros and returns whether the loop's own thread did this step for them. */
static bool is_done_on_the_loop(enum step step, size_t length, bool is_busy) {
    start_service();
    int other = connect_other(is_busy);
    int fd = connect_client();
    send_head(fd, "/whole", length, "Content-Type: application/json\r\n");
    send_zeros(fd, length);
    assert_int_equal(client_receive(fd).status, 200);
    close(fd);
    close(other);
    pthread_mutex_lock(&lock);
    bool is_on_loop = pthread_equal(seen.thread[step], loop->thread);
    pthread_mutex_unlock(&lock);
    return is_on_loop;
}

static void little_work_is_done_on_the_loop(void **state) {
    static const struct {
        bool is_busy;
        uint64_t cost_ns;
        bool is_on_loop;
    } cases[] = {{false, EXCHANGE_INLINE_COST_NS_ALONE - 1, true},
                 {false, EXCHANGE_INLINE_COST_NS_ALONE, false},
                 {true, EXCHANGE_INLINE_COST_NS - 1, true},
                 {true, EXCHANGE_INLINE_COST_NS, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (i > 0) {
            restart(state);
        }
        plan.demand = (struct demand){.threads = 1, .cost_ns = cases[i].cost_ns};
        if (is_done_on_the_loop(AT_COMPUTE, 3, cases[i].is_busy) != cases[i].is_on_loop) {
            fail_msg("%llu ns, %s", (unsigned long long)cases[i].cost_ns, cases[i].is_busy ? "busy" : "alone");
        }
    }
}

static void short_bodies_are_decoded_on_the_loop(void **state) {
    static const struct {
        bool is_busy;
        size_t length;
        bool is_on_loop;
    } cases[] = {{false, ADMISSION_INLINE_BODY_BYTES_ALONE, true},
                 {false, ADMISSION_INLINE_BODY_BYTES_ALONE + 1, false},
                 {true, ADMISSION_INLINE_BODY_BYTES, true},
                 {true, ADMISSION_INLINE_BODY_BYTES + 1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (i > 0) {
            restart(state);
        }
        plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
        if (is_done_on_the_loop(AT_DECODE, cases[i].length, cases[i].is_busy) != cases[i].is_on_loop) {
            fail_msg("%zu bytes, %s", cases[i].length, cases[i].is_busy ? "busy" : "alone");
        }
    }
}

/* While all places are taken: what is short may still turn out to need none. */
static void longer_bodies_are_refused_by_their_heads(void **state) {
    for (unsigned i = 0; i < 2; i++) {
        size_t length = ADMISSION_INLINE_BODY_BYTES + i;
        if (i > 0) {
            restart(state);
        }
        scene.facts.config.queue_length = 0;
        plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
        start_service();
        hold_cores(CORES);
        int fd = connect_client();
        send_head(fd, "/whole", length, "Content-Type: application/json\r\n");
        send_zeros(fd, length);
        assert_int_equal(client_receive(fd).status, 503);
        let_cores_go(CORES);
        pthread_mutex_lock(&lock);
        unsigned decoded = seen.count[AT_DECODE];
        pthread_mutex_unlock(&lock);
        assert_int_equal(decoded, 1 - i);
        close(fd);
    }
}

/* A refused body of up to 128 KiB is read, and the connection goes on; a longer one needn't come. */
static void a_longer_body_that_is_refused_is_answered_before_it_comes(void **state) {
    enum { DROPPED_MAX = 128 * 1024 };
    (void)state;
    start_service();
    int fd = connect_client();
    send_head(fd, "/nothing", DROPPED_MAX, "");
    send_zeros(fd, DROPPED_MAX);
    struct received reply = client_receive(fd);
    assert_int_equal(reply.status, 404);
    assert_false(reply.closes);
    send_head(fd, "/nothing", DROPPED_MAX + 1, "");
    reply = client_receive(fd);
    assert_int_equal(reply.status, 404);
    assert_true(reply.closes);
    close(fd);
}

/* Of what comes after the answer as much is dropped as two bodies may have, and a mebibyte: who sends more is reset. */
static void who_was_refused_may_send_so_much(void **state) {
    enum { BODY_MAX = 1000, DROPPED_MAX = 2 * BODY_MAX + LINGER_LEAST_BYTES, PIECE = 30000 };
    (void)state;
    scene.facts.config.max_body_bytes = BODY_MAX;
    start_service();
    int fd = connect_client();
    send_head(fd, "/whole", 100 * LINGER_LEAST_BYTES, "Content-Type: application/json\r\n");
    assert_int_equal(client_receive(fd).status, 413);
    send_zero(fd); /* libmicrohttpd brings the beginning, the rest is taken past it */
    for (int i = 0; i < 2; i++) {
        poke();
    }
    for (size_t left = DROPPED_MAX - 1, piece; left > 0; left -= piece) {
        piece = left < PIECE ? left : PIECE;
        send_zeros(fd, piece);
        fake_clock_advance(LOOK_NS);
        poke();
    }
    for (int i = 0; i < 3; i++) {
        fake_clock_advance(LOOK_NS);
        poke();
    }
    await_phase(CONNECTION_LINGERING, 1);
    struct pollfd ended = {.fd = fd};
    assert_int_equal(poll(&ended, 1, 0), 0);
    send_zero(fd);
    for (int i = 0; i < 3; i++) {
        fake_clock_advance(LOOK_NS);
        poke();
    }
    assert_int_equal(poll(&ended, 1, -1), 1);
    assert_true(ended.revents & POLLERR);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(little_work_is_done_on_the_loop, open_service, close_service),
        cmocka_unit_test_setup_teardown(short_bodies_are_decoded_on_the_loop, open_service, close_service),
        cmocka_unit_test_setup_teardown(longer_bodies_are_refused_by_their_heads, open_service, close_service),
        cmocka_unit_test_setup_teardown(a_longer_body_that_is_refused_is_answered_before_it_comes, open_service,
                                        close_service),
        cmocka_unit_test_setup_teardown(who_was_refused_may_send_so_much, open_service, close_service),
    };
    alarm(TEST_LIMIT_S);
    log_open(LOG_ERROR, STDERR_FILENO);
    int failed = cmocka_run_group_tests_name("loop_thresholds", tests, NULL, NULL);
    log_close();
    return failed;
}

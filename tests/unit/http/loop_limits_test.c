/* Limits at their edge, through a loop: one less, exactly so many, one more.
 *
 * ctest: threads */
#include "codecs/query.h"
#include "server/http/acceptor.h"
#include "server/http/head.h"
#include "server/system/log.h"
#include "tests/unit/http/loop_case.h"

enum { LIMIT = 5, HEAD_MAX = 16384 };

static int open_limited(void **state) {
    int failed = open_service(state);
    scene.facts.config.queue_length = LIMIT;
    scene.facts.config.max_connections = LIMIT;
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    return failed;
}

static struct received ask(int fd) {
    static const char request[] = "GET /information HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_true(client_send_all(fd, request, sizeof request - 1));
    return client_receive(fd);
}

static void assert_refusal(int fd, const char *slug) {
    struct received reply = ask(fd);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.body, slug));
    assert_true(reply.closes);
    close(fd);
}

static void await_count(const atomic_uint *counter, unsigned wanted) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (atomic_load(counter) != wanted) {
        nanosleep(&pause, NULL);
    }
}

/* --- connections ------------------------------------------------------------------------------------------------- */

/* All that may be open are served, the next is told that it is one too many, and has a place once one has left. */
static void fill(int fds[], unsigned limit, const char *slug) {
    for (unsigned i = 0; i < limit; i++) {
        fds[i] = connect_client();
        assert_int_equal(ask(fds[i]).status, 200);
    }
    assert_int_equal(atomic_load(&scene.facts.admitted), limit);
    assert_refusal(connect_client(), slug);
    assert_refusal(connect_client(), slug); /* those turned away count for nothing */
    await_count(&scene.facts.connections, limit);
    for (unsigned i = 0; i < limit; i++) {
        assert_int_equal(ask(fds[i]).status, 200);
    }
    close(fds[0]);
    await_count(&scene.facts.admitted, limit - 1);
    fds[0] = connect_client();
    assert_int_equal(ask(fds[0]).status, 200);
    assert_refusal(connect_client(), slug);
    for (unsigned i = 0; i < limit; i++) {
        close(fds[i]);
    }
}

static void so_many_connections(void **state) {
    (void)state;
    int fds[LIMIT];
    start_service();
    fill(fds, LIMIT, "--max-connections is 5");
}

static void so_many_connections_of_an_address(void **state) {
    (void)state;
    int fds[LIMIT];
    scene.facts.config.max_connections_per_address = LIMIT - 2;
    start_service();
    fill(fds, LIMIT - 2, "--max-connections-per-address is 3");
}

/* A second is all that those have who are turned away. */
static void who_is_admitted_need_not_hurry(void **state) {
    (void)state;
    start_service();
    int fd = connect_client();
    poke();
    fake_clock_advance(10 * NS_PER_MS); /* longer than its first bytes are waited for */
    poke();
    await_count(&scene.facts.connections, 1);
    fake_clock_advance(2 * NS_PER_S);
    poke();
    assert_int_equal(ask(fd).status, 200);
    close(fd);
}

/* Each connection takes the same: there is room for exactly so many. */
static void so_many_connections_as_memory_has_room_for(void **state) {
    (void)state;
    int fds[LIMIT];
    start_service();
    int first = connect_client();
    assert_int_equal(ask(first).status, 200);
    size_t each = atomic_load(&scene.facts.connection_bytes);
    assert_true(each > 0);
    close(first);
    await_count(&scene.facts.connections, 0);
    const struct timespec pause = {.tv_nsec = 200000};
    while (atomic_load(&scene.memory.used_bytes) > 0) {
        nanosleep(&pause, NULL);
    }
    size_t others = MEMORY_BYTES - (LIMIT - 1) * each;
    assert_true(memory_budget_charge(&scene.memory, others));
    for (int i = 0; i < LIMIT - 1; i++) {
        fds[i] = connect_client();
        assert_int_equal(ask(fds[i]).status, 200);
    }
    assert_int_equal(atomic_load(&scene.memory.used_bytes), MEMORY_BYTES);
    assert_refusal(connect_client(), "memory-busy");
    assert_refusal(connect_client(), "half of the 67108864 bytes in all (--memory)");
    assert_int_equal(atomic_load(&scene.facts.admitted), LIMIT - 1);
    for (int i = 0; i < LIMIT - 1; i++) {
        close(fds[i]);
    }
    memory_budget_refund(&scene.memory, others);
}

/* All connections together may hold half of it: here exactly so many times what the first service's connection took. */
static void so_many_connections_as_half_of_the_memory_has_room_for(void **state) {
    int fds[LIMIT];
    start_service();
    int first = connect_client();
    assert_int_equal(ask(first).status, 200);
    size_t each = atomic_load(&scene.facts.connection_bytes);
    close(first);
    assert_int_equal(close_service(state), 0);
    assert_int_equal(open_limited(state), 0);
    memory_budget_init(&scene.memory, 2 * (LIMIT - 2) * each);
    start_service();
    fill(fds, LIMIT - 2, "memory-busy");
}

/* Beyond those who are told there are some more who aren't even accepted. */
static void so_many_are_turned_away_at_once(void **state) {
    (void)state;
    enum { ALL = LIMIT + ACCEPTOR_TURNED_AWAY_MAX };
    static int fds[ALL + 1];
    start_service();
    for (int i = 0; i < LIMIT; i++) {
        fds[i] = connect_client();
        assert_int_equal(ask(fds[i]).status, 200);
    }
    for (int i = LIMIT; i < ALL; i++) { /* the beginning of a head: they are connections, and nobody is refused yet */
        fds[i] = connect_client();
        assert_true(client_send_all(fds[i], "GET", 3));
    }
    await_count(&scene.facts.connections, ALL);
    fds[ALL] = connect_client();
    assert_true(client_send_all(fds[ALL], "GET", 3));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(fds[0]).status, 200);
        assert_int_equal(atomic_load(&scene.facts.connections), ALL);
    }
    for (int i = 0; i <= ALL; i++) {
        close(fds[i]);
    }
}

/* One answer may hold more than its address' share, which is half of 2 MiB here; nothing else is begun meanwhile. */
static void answers_that_are_not_taken(void **state) {
    (void)state;
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    scene.facts.config.memory_bytes = 2 << 20;
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    plan.reply_bytes = 16 << 20;
    start_service();
    int fd = connect_client();
    char first, detail[128];
    assert_true(client_send(fd, "/whole", "abc", 3));
    assert_int_equal(recv(fd, &first, 1, 0), 1);
    size_t held_bytes = peers_held_bytes(front.peers, peers_principal((const struct sockaddr *)&address));
    assert_true(held_bytes > plan.reply_bytes);
    (void)snprintf(detail, sizeof detail, "hold %zu bytes; they may hold 1048576 (half of --memory)", held_bytes);
    int other = connect_client();
    struct received reply = client_call(other, "/whole", "abc", 3);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.body, detail));
    close(other);
    close(fd);
}

/* Each holds three times its length, with what it was made of: two fit into half of 64 MiB, a third one doesn't. */
static void so_many_answers_that_are_not_taken(void **state) {
    (void)state;
    int fds[3];
    char first;
    plan.demand = (struct demand){.threads = 1, .cost_ns = 1};
    plan.reply_bytes = 5 << 20;
    start_service();
    for (int i = 0; i < 2; i++) {
        static const char answered[] = "HTTP/1.1 200";
        fds[i] = connect_client();
        assert_true(client_send(fds[i], "/whole", "abc", 3));
        for (size_t at = 0; at < sizeof answered - 1; at++) {
            assert_int_equal(recv(fds[i], &first, 1, 0), 1);
            assert_int_equal(first, answered[at]);
        }
    }
    fds[2] = connect_client();
    struct received reply = client_call(fds[2], "/whole", "abc", 3);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.body, "with this answer"));
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
}

/* --- the queue --------------------------------------------------------------------------------------------------- */

/* Of up to five places one client may have all. */
static void so_many_wait(void **state) {
    (void)state;
    int fds[LIMIT];
    static const size_t lengths[] = {3, 100000}; /* refused when it is submitted, and when its head is read */
    static char body[100000];
    scene.facts.config.max_connections = 64;
    start_service();
    hold_cores(CORES);
    for (unsigned i = 0; i < LIMIT; i++) {
        fds[i] = connect_client();
        assert_true(client_send(fds[i], "/whole", "abc", 3));
        await_waiting(i + 1);
    }
    for (int i = 0; i < 2; i++) {
        int fd = connect_client();
        struct received reply = client_call(fd, "/whole", body, lengths[i]);
        assert_int_equal(reply.status, 503);
        assert_non_null(strstr(reply.body, "5 requests are waiting already"));
        close(fd);
    }
    let_cores_go(CORES);
    for (unsigned i = 0; i < LIMIT; i++) {
        assert_int_equal(client_receive(fds[i]).status, 200);
        close(fds[i]);
    }
}

/* Of the client whose request begins with `head`; status 0: there is no answer yet. */
static size_t bytes_of_connection(int *fd, const char *head, unsigned status) {
    const struct timespec pause = {.tv_nsec = 200000};
    size_t before = atomic_load(&scene.facts.connection_bytes), after = before;
    *fd = connect_client();
    assert_true(client_send_all(*fd, head, strlen(head)));
    if (status != 0) {
        assert_int_equal(client_receive(*fd).status, status);
    }
    while (after == before) { /* it counts as a connection before its memory does */
        nanosleep(&pause, NULL);
        after = atomic_load(&scene.facts.connection_bytes);
    }
    return after - before;
}

/* Only for who has a place: what is refused by its head isn't worth the time that such a buffer takes. */
static void a_long_body_gets_a_large_buffer(void **state) {
    static const char format[] = "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                                 "Content-Length: %d\r\n\r\n";
    enum { LARGE = 256 * 1024, LONG = 64 * 1024 };
    char shorter[sizeof format + 10], longer[sizeof format + 10], longest[sizeof format + 10];
    int fds[4];
    (void)state;
    (void)snprintf(shorter, sizeof shorter, format, LONG - 1);
    (void)snprintf(longer, sizeof longer, format, LONG);
    (void)snprintf(longest, sizeof longest, format, 1000000); /* answered before it comes */
    scene.facts.config.queue_length = 0;
    start_service();
    assert_true(bytes_of_connection(&fds[0], "GET /information HTTP/1.1\r\nHost: a\r\n\r\n", 200) < LARGE);
    assert_true(bytes_of_connection(&fds[1], shorter, 0) < LARGE);
    assert_true(bytes_of_connection(&fds[2], longer, 0) >= LARGE);
    hold_cores(CORES);
    size_t refused = bytes_of_connection(&fds[3], longest, 503);
    let_cores_go(CORES);
    assert_in_range(refused, 1, LARGE - 1);
    for (int i = 0; i < 4; i++) {
        close(fds[i]);
    }
}

/* Heads that aren't complete: who sends them waits for nothing. */
static void so_many_large_buffers(void **state) {
    (void)state;
    static const char head[] = "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n";
    enum { LARGE = 256 * 1024 };
    int fds[LOOP_BULK_CONNECTIONS_MAX + 1];
    scene.facts.config.max_connections = LOOP_BULK_CONNECTIONS_MAX + 1;
    start_service();
    for (int i = 0; i < LOOP_BULK_CONNECTIONS_MAX; i++) {
        assert_true(bytes_of_connection(&fds[i], head, 0) >= LARGE);
    }
    assert_in_range(bytes_of_connection(&fds[LOOP_BULK_CONNECTIONS_MAX], head, 0), 1, LARGE - 1);
    for (int i = 0; i <= LOOP_BULK_CONNECTIONS_MAX; i++) {
        close(fds[i]);
    }
}

/* --- heads ------------------------------------------------------------------------------------------------------- */

static unsigned status_of(const char *target, const char *fields) {
    static char head[2 * HEAD_MAX];
    int length = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", target, fields);
    assert_in_range(length, 1, sizeof head - 1);
    int fd = connect_client();
    assert_true(client_send_all(fd, head, (size_t)length));
    struct received reply = client_receive(fd);
    if (reply.status != 200) {
        assert_non_null(strstr(reply.body, reply.status == 414 ? "target-too-long" : "head-too-large"));
    }
    close(fd);
    return reply.status;
}

static void repeat(char *out, const char *text, int times) {
    for (int i = 0; i < times; i++) {
        memcpy(out, text, strlen(text));
        out += strlen(text);
    }
    *out = '\0';
}

static void a_target_of_so_many_bytes(void **state) {
    (void)state;
    static char target[HEAD_MAX];
    start_service();
    for (int length = FRAMING_PART_MAX - 1; length <= FRAMING_PART_MAX + 1; length++) {
        memset(target, 'x', sizeof target);
        memcpy(target, "/information?", 13);
        target[length] = '\0';
        assert_int_equal(status_of(target, ""), length <= FRAMING_PART_MAX ? 200 : 414);
    }
}

static void a_query_of_so_many_arguments(void **state) {
    (void)state;
    start_service();
    for (int count = FRAMING_ARGUMENTS_MAX - 1; count <= FRAMING_ARGUMENTS_MAX + 1; count++) {
        char target[HEAD_MAX] = "/information?a=b";
        repeat(target + strlen(target), "&a=b", count - 1);
        assert_int_equal(status_of(target, ""), count <= FRAMING_ARGUMENTS_MAX ? 200 : 431);
    }
}

/* Host is one of them. */
static void so_many_header_fields(void **state) {
    (void)state;
    start_service();
    for (int count = FRAMING_FIELDS_MAX - 1; count <= FRAMING_FIELDS_MAX + 1; count++) {
        char fields[HEAD_MAX];
        repeat(fields, "x: y\r\n", count - 1);
        assert_int_equal(status_of("/information", fields), count <= FRAMING_FIELDS_MAX ? 200 : 431);
    }
}

/* Each counts with its colon, space and line end: "Host: a\r\n" is 9, "x: …\r\n" 5 and its value. */
static void header_fields_of_so_many_bytes(void **state) {
    (void)state;
    start_service();
    for (int bytes = FRAMING_PART_MAX - 1; bytes <= FRAMING_PART_MAX + 1; bytes++) {
        static char fields[HEAD_MAX];
        memset(fields, 'y', sizeof fields);
        memcpy(fields, "x: ", 3);
        memcpy(fields + 3 + bytes - 9 - 5, "\r\n", 3);
        assert_int_equal(status_of("/information", fields), bytes <= FRAMING_PART_MAX ? 200 : 431);
    }
}

/* Joined by a comma, and with the zero that ends it. */
static void a_list_in_several_lines_of_so_many_bytes(void **state) {
    (void)state;
    start_service();
    for (int length = HEAD_LIST_MAX - 2; length <= HEAD_LIST_MAX; length++) {
        char fields[1024];
        char rest[HEAD_LIST_MAX + 1];
        memset(rest, ' ', sizeof rest);
        memset(rest, 'z', (size_t)length - 4);
        rest[length - 4] = '\0';
        (void)snprintf(fields, sizeof fields, "Accept: */*\r\nAccept: %s\r\n", rest);
        assert_int_equal(status_of("/information", fields), length < HEAD_LIST_MAX ? 200 : 431);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(so_many_connections, open_limited, close_service),
        cmocka_unit_test_setup_teardown(so_many_connections_of_an_address, open_limited, close_service),
        cmocka_unit_test_setup_teardown(who_is_admitted_need_not_hurry, open_limited, close_service),
        cmocka_unit_test_setup_teardown(so_many_connections_as_memory_has_room_for, open_limited, close_service),
        cmocka_unit_test_setup_teardown(so_many_connections_as_half_of_the_memory_has_room_for, open_limited,
                                        close_service),
        cmocka_unit_test_setup_teardown(so_many_are_turned_away_at_once, open_limited, close_service),
        cmocka_unit_test_setup_teardown(answers_that_are_not_taken, open_limited, close_service),
        cmocka_unit_test_setup_teardown(so_many_answers_that_are_not_taken, open_limited, close_service),
        cmocka_unit_test_setup_teardown(so_many_wait, open_limited, close_service),
        cmocka_unit_test_setup_teardown(a_long_body_gets_a_large_buffer, open_limited, close_service),
        cmocka_unit_test_setup_teardown(so_many_large_buffers, open_limited, close_service),
        cmocka_unit_test_setup_teardown(a_target_of_so_many_bytes, open_service, close_service),
        cmocka_unit_test_setup_teardown(a_query_of_so_many_arguments, open_service, close_service),
        cmocka_unit_test_setup_teardown(so_many_header_fields, open_service, close_service),
        cmocka_unit_test_setup_teardown(header_fields_of_so_many_bytes, open_service, close_service),
        cmocka_unit_test_setup_teardown(a_list_in_several_lines_of_so_many_bytes, open_service, close_service),
    };
    alarm(TEST_LIMIT_S);
    log_open(LOG_ERROR, STDERR_FILENO);
    int failed = cmocka_run_group_tests_name("loop_limits", tests, NULL, NULL);
    log_close();
    return failed;
}

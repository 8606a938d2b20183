/* What reaches an endpoint of an order, whatever its method: the part of the path, header fields, the query, the body;
 * and what comes back of it: status, header fields, a body or none.
 *
 * ctest: threads */
#include "server/system/log.h"
#include "tests/unit/http/loop_case.h"

static struct payload lent; /* what GET answers with "lent" in the query */
static atomic_uint releases;

static void note_release(struct payload_owner *owner) {
    (void)owner;
    atomic_fetch_add(&releases, 1);
}

static bool asks_for(const struct call *call, const char *what) {
    const struct text_view *query = &call->order->query;
    return query->length == strlen(what) && memcmp(query->bytes, what, query->length) == 0;
}

/* On a lane if the query says so. */
static enum problem_kind decode_order(struct call *call) {
    call->demand.threads = 1;
    call->demand.cost_ns = asks_for(call, "lane") ? NS_PER_S : 0;
    return PROBLEM_NONE;
}

static enum problem_kind choose_status(struct call *call) {
    static const struct {
        const char *query;
        unsigned status;
    } statuses[] = {{"created", 201}, {"nothing", 204}, {"held", 304}};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (asks_for(call, statuses[i].query)) {
            call->status = statuses[i].status;
        }
    }
    if (asks_for(call, "wrong")) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, NULL, "as asked");
    }
    return call_add_field(call, "ETag", "\"17\"");
}

static void put(struct json_writer *reply, const char *key, struct text_view value) {
    json_key(reply, key);
    if (value.bytes) {
        json_text(reply, value.bytes, value.length);
    } else {
        json_raw(reply, "null", 4);
    }
}

static enum problem_kind print_order(struct call *call) {
    const struct order *order = call->order;
    struct json_writer *reply = &call->reply;
    if (call->status == 204 || call->status == 304) {
        return PROBLEM_NONE;
    }
    put(reply, "method", (struct text_view){order->endpoint->summary, strlen(order->endpoint->summary)});
    put(reply, "part", order->part);
    put(reply, "body", (struct text_view){call->body.bytes, call->body.length});
    put(reply, "if_match", order->fields.if_match);
    put(reply, "if_none_match", order->fields.if_none_match);
    put(reply, "range", order->fields.range);
    put(reply, "prefer", order->fields.prefer);
    put(reply, "idempotency_key", order->fields.idempotency_key);
    put(reply, "if_range", order->fields.if_range);
    put(reply, "last_event_id", order->fields.last_event_id);
    return PROBLEM_NONE;
}

static enum problem_kind print_lent(struct call *call) {
    struct reply_piece *piece = call_take(call, sizeof *piece);
    if (!piece || call_hold(call, &lent)) {
        return call->problem.kind;
    }
    *piece = (struct reply_piece){lent.bytes, lent.length};
    call->reply_pieces = piece;
    call->reply_piece_count = 1;
    return PROBLEM_NONE;
}

#define STEPS_OF(print) .decode = decode_order, .compute = choose_status, .encode = (print), .produces = MEDIA_JSON

static const struct endpoint get_thing = {
    .path = "/things/{name...}", .summary = "GET", .method = ENDPOINT_GET, STEPS_OF(print_order)};
static const struct endpoint put_thing = {.path = "/things/{name...}",
                                          .summary = "PUT",
                                          .method = ENDPOINT_PUT,
                                          .consumes = MEDIA_JSON | MEDIA_TEXT,
                                          .options_in_query = true,
                                          STEPS_OF(print_order)};
static const struct endpoint delete_thing = {
    .path = "/things/{name...}", .summary = "DELETE", .method = ENDPOINT_DELETE, STEPS_OF(print_order)};
static const struct endpoint get_lent = {
    .path = "/lent/{id}/bytes", .summary = "lends", .writes_all = true, STEPS_OF(print_lent)};

static const struct endpoint *const rows[] = {&get_thing, &put_thing, &delete_thing, &get_lent, &information_endpoint};

static int open_things(void **state) {
    int failed = open_service(state);
    scene.facts.endpoints = rows;
    scene.facts.endpoint_count = sizeof rows / sizeof *rows;
    return failed;
}

/* `rest`: header fields, the empty line, a body. */
static struct received ask(const char *line, const char *rest) {
    char text[2048];
    int length = snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s", line, rest);
    assert_in_range(length, 1, sizeof text - 1);
    int fd = connect_client();
    assert_true(client_send_all(fd, text, (size_t)length));
    struct received reply = client_receive(fd);
    assert_true(client_sees_end(fd));
    close(fd);
    return reply;
}

static void expect(const struct received *reply, unsigned status, const char *part) {
    if (reply->status != status || !strstr(reply->body, part)) {
        fail_msg("%u instead of %u, or no %s in %s", reply->status, status, part, reply->body);
    }
}

static void expect_body(const char *line, const char *rest, const char *part) {
    struct received reply = ask(line, rest);
    expect(&reply, 200, part);
}

static void the_part_of_the_path_is_the_orders(void **state) {
    (void)state;
    start_service();
    expect_body("GET /things/a", "\r\n", "\"method\":\"GET\",\"part\":\"a\",\"body\":null");
    expect_body("GET /things/a/b%2F%20/c?lane", "\r\n", "\"part\":\"a/b%2F%20/c\"");
    expect_body("DELETE /things/a?lane", "\r\n", "\"method\":\"DELETE\",\"part\":\"a\"");
    expect_body("PUT /things/x", "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc",
                "\"method\":\"PUT\",\"part\":\"x\",\"body\":\"abc\"");
    expect_body("PUT /things/x?lane",
                "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                "3\r\n[1]\r\n0\r\n\r\n",
                "\"part\":\"x\",\"body\":\"[1]\"");
    expect_body("DELETE /things/a", "Content-Length: 3\r\n\r\nabc", "\"body\":null");
    struct received reply = ask("GET /things/", "\r\n");
    expect(&reply, 404, "not-found");
}

static void header_fields_are_the_orders(void **state) {
    (void)state;
    start_service();
    expect_body("GET /things/a?lane", "\r\n",
                "\"if_match\":null,\"if_none_match\":null,\"range\":null,\"prefer\":null,\"idempotency_key\":null,"
                "\"if_range\":null,\"last_event_id\":null");
    expect_body(
        "GET /things/a?lane",
        "if-match: \"1\"\r\nPrefer: respond-async\r\nIf-None-Match: *\r\nRange: bytes=0-1\r\nPREFER: "
        "wait=1\r\nIdempotency-Key: k\r\n\r\n",
        "\"if_match\":\"\\\"1\\\"\",\"if_none_match\":\"*\",\"range\":\"bytes=0-1\",\"prefer\":\"respond-async, "
        "wait=1\",\"idempotency_key\":\"k\"");
    expect_body("GET /things/a", "IF-RANGE: \"2\"\r\nlast-event-id: 7\r\n\r\n",
                "\"prefer\":null,\"idempotency_key\":null,\"if_range\":\"\\\"2\\\"\",\"last_event_id\":\"7\"");
    expect_body("GET /things/a",
                "If-Match: \"1\"\t\r\nIf-None-Match: *\r\nRange: bytes=0-1 \t \r\nPrefer: a b \r\n\r\n",
                "\"if_match\":\"\\\"1\\\"\",\"if_none_match\":\"*\",\"range\":\"bytes=0-1\",\"prefer\":\"a b\"");
    expect_body("GET /things/a", "Prefer:\r\n\r\n", "\"prefer\":\"\"");
}

static void each_field_is_the_orders_without_the_others(void **state) {
    (void)state;
    static const char *const names[][2] = {
        {"If-Match", "if_match"},          {"If-None-Match", "if_none_match"},     {"Range", "range"},
        {"If-Range", "if_range"},          {"Idempotency-Key", "idempotency_key"}, {"Prefer", "prefer"},
        {"Last-Event-ID", "last_event_id"}};
    start_service();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char field[64], part[64];
        (void)snprintf(field, sizeof field, "%s: 17\r\n\r\n", names[i][0]);
        (void)snprintf(part, sizeof part, "\"%s\":\"17\"", names[i][1]);
        expect_body("GET /things/a", field, part);
    }
}

static void a_list_in_several_lines_is_one_up_to_a_length(void **state) {
    (void)state;
    start_service();
    char longest[HEAD_LIST_MAX] = "";
    const size_t rest = HEAD_LIST_MAX - 1 - strlen("text/html,application/json,text/");
    memset(longest, 'x', sizeof longest - 1);
    for (size_t more = 0; more <= 1; more++) {
        char fields[2 * HEAD_LIST_MAX];
        (void)snprintf(fields, sizeof fields,
                       "Accept: text/html\r\nAccept: application/json\r\nAccept: text/%.*s\r\n\r\n", (int)(rest + more),
                       longest);
        struct received reply = ask("GET /things/a", fields);
        expect(&reply, more ? 431 : 200, more ? "head-too-large" : "\"part\":\"a\"");
    }
}

static void status_and_fields_are_the_answers(void **state) {
    (void)state;
    start_service();
    struct received reply = ask("GET /things/a?created", "\r\n");
    expect(&reply, 201, "\"part\":\"a\"");
    assert_non_null(strstr(reply.head, "ETag: \"17\"\r\n"));
    reply = ask("DELETE /things/a?nothing", "\r\n");
    expect(&reply, 204, "");
    assert_string_equal(reply.body, "");
    assert_null(strcasestr(reply.head, "Content-Length"));
    assert_null(strcasestr(reply.head, "Content-Type"));
    reply = ask("GET /things/a?held", "\r\n");
    expect(&reply, 304, "");
    assert_null(strcasestr(reply.head, "Transfer-Encoding"));
    assert_null(strcasestr(reply.head, "Content-Type"));
    reply = ask("GET /things/a?wrong", "\r\n");
    expect(&reply, 422, "as asked");
    assert_null(strstr(reply.head, "ETag"));
}

static void a_path_has_several_methods(void **state) {
    (void)state;
    start_service();
    struct received reply = ask("POST /things/a", "Content-Length: 0\r\n\r\n");
    expect(&reply, 405, "method-not-allowed");
    assert_non_null(strstr(reply.head, "Allow: GET, HEAD, PUT, DELETE, OPTIONS\r\n"));
    assert_null(strstr(reply.head, "Accept-Query"));
    reply = ask("OPTIONS /things/a", "\r\n");
    expect(&reply, 204, "");
    assert_non_null(strstr(reply.head, "Allow: GET, HEAD, PUT, DELETE, OPTIONS\r\n"));
    reply = ask("PUT /things/a", "Content-Length: 3\r\n\r\nabc");
    expect(&reply, 415, "application/json or text/plain");
}

static void a_reply_may_lie_in_what_others_own(void **state) {
    (void)state;
    static char bytes[] = "bytes of somebody";
    struct payload_owner owner = {.references = 1, .release = note_release};
    lent = (struct payload){.bytes = bytes, .length = sizeof bytes - 1, .owner = &owner};
    atomic_store(&releases, 0);
    start_service();
    expect_body("GET /lent/1/bytes", "\r\n", "bytes of somebody");
    payload_drop(&lent);
    poke(); /* a request later the one before is over */
    assert_int_equal(atomic_load(&releases), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_part_of_the_path_is_the_orders, open_things, close_service),
        cmocka_unit_test_setup_teardown(header_fields_are_the_orders, open_things, close_service),
        cmocka_unit_test_setup_teardown(each_field_is_the_orders_without_the_others, open_things, close_service),
        cmocka_unit_test_setup_teardown(a_list_in_several_lines_is_one_up_to_a_length, open_things, close_service),
        cmocka_unit_test_setup_teardown(status_and_fields_are_the_answers, open_things, close_service),
        cmocka_unit_test_setup_teardown(a_path_has_several_methods, open_things, close_service),
        cmocka_unit_test_setup_teardown(a_reply_may_lie_in_what_others_own, open_things, close_service),
    };
    alarm(TEST_LIMIT_S);
    log_open(LOG_ERROR, STDERR_FILENO);
    int failed = cmocka_run_group_tests_name("loop_orders", tests, NULL, NULL);
    log_close();
    return failed;
}

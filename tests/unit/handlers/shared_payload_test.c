/* A body that somebody else holds as well is never changed, whatever is computed on it and however: every endpoint
 * gives the same bytes as for a body of its own. ctest: threads */
#include "codecs/npy.h"
#include "handlers/routes.h"
#include "server/system/clock.h"
#include "tests/unit/handlers/test_call.h"

#include <stdio.h>
#include <stdlib.h>

enum { PLENTY = 1 << 28, BODY_MAX = 4 << 20, THREADS_MAX = 3, COUNT = 9001 };

static struct plain_memory plain;
static char body[BODY_MAX];
static size_t body_length;

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    facts.config.timeout_ns = 30 * NS_PER_S;
    facts.cores.count = THREADS_MAX;
    body_length = 0;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    call_release(&call);
    assert_int_equal(plain.used_bytes, 0);
    return 0;
}

static const struct endpoint *find(const char *path) {
    for (size_t i = 0; i < route_count; i++) {
        if (strcmp(routes[i]->path, path) == 0) {
            return routes[i];
        }
    }
    fail_msg("no route %s", path);
    return NULL;
}

struct request {
    const char *path;
    enum media body_media;
    enum media reply_media;
    const char *query;
};

/* Everything but the printing of what comes from the server. */
static void drive(const struct request *request, unsigned threads) {
    bool is_json = request->reply_media == MEDIA_JSON;
    order.body_media = request->body_media;
    order.reply_media = request->reply_media;
    set_query(request->query);
    enum problem_kind kind = order.endpoint->decode(&call);
    grant(threads);
    kind = kind || !order.endpoint->load ? kind : order.endpoint->load(&call);
    kind = kind ? kind : order.endpoint->compute(&call);
    if (!kind && is_json) {
        json_begin_object(&call.reply);
    }
    kind = kind ? kind : order.endpoint->encode(&call);
    if (kind) {
        fail_msg("%s?%s: %s: %s", request->path, request->query, problem_slug(kind), call.problem.detail);
    }
}

/* The whole reply, to be freed. */
static char *join_reply(size_t *length) {
    *length = call.reply.text.length;
    for (size_t i = 0; i < call.reply_piece_count; i++) {
        *length += call.reply_pieces[i].length;
    }
    char *text = malloc(*length + 1);
    assert_non_null(text);
    size_t before = call.reply_piece_count > 0 ? call.reply_pieces_at : call.reply.text.length;
    char *at = text + before;
    memcpy(text, call.reply.text.data ? call.reply.text.data : "", before);
    for (size_t i = 0; i < call.reply_piece_count; i++) {
        memcpy(at, call.reply_pieces[i].bytes, call.reply_pieces[i].length);
        at += call.reply_pieces[i].length;
    }
    memcpy(at, call.reply.text.data ? call.reply.text.data + before : "", call.reply.text.length - before);
    return text;
}

static void open_request(const struct request *request) {
    open_call(find(request->path), &plain.base, PLENTY);
    assert_int_equal(plain.used_bytes, 0);
}

static void expect_same(const struct request *request, const char *expected, size_t expected_length, unsigned threads) {
    size_t length = 0;
    char *found = join_reply(&length);
    if (length != expected_length || memcmp(found, expected, length) != 0) {
        fail_msg("%s?%s, %u threads: another answer for a shared body", request->path, request->query, threads);
    }
    free(found);
}

/* Held by us too. */
static void try_held(const struct request *request, const char *expected, size_t length, unsigned threads) {
    open_request(request);
    assert_true(give_body(&plain.base, body, body_length));
    struct payload ours = payload_hold(&call.body);
    drive(request, threads);
    expect_same(request, expected, length, threads);
    assert_int_equal(ours.length, body_length);
    assert_memory_equal(ours.bytes, body, body_length);
    payload_drop(&ours);
}

static void leave(struct payload_owner *owner) {
    (void)owner;
}

/* Held by the call alone, but not to be changed, at any alignment. */
static void try_constant(const struct request *request, const char *expected, size_t length, unsigned threads,
                         size_t shift) {
    static char constant[BODY_MAX + 64];
    struct payload_owner owner = {.references = 1, .release = leave};
    memcpy(constant + shift, body, body_length);
    open_request(request);
    call.body =
        (struct payload){.bytes = constant + shift, .length = body_length, .capacity = body_length, .owner = &owner};
    drive(request, threads);
    expect_same(request, expected, length, threads);
    assert_memory_equal(constant + shift, body, body_length);
    call_release(&call);
    assert_int_equal(owner.references, 0);
}

static void expect_unchanged(const struct request *request) {
    open_request(request);
    assert_true(give_body(&plain.base, body, body_length));
    drive(request, 1);
    size_t length = 0;
    char *expected = join_reply(&length);
    assert_true(length > 0);
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
        try_held(request, expected, length, threads);
        try_constant(request, expected, length, threads, threads * 3);
    }
    free(expected);
}

static void set_text(const char *text) {
    body_length = strlen(text);
    assert_true(body_length < sizeof body);
    memcpy(body, text, body_length);
}

static void add_text(const char *text) {
    size_t length = strlen(text);
    assert_true(body_length + length < sizeof body);
    memcpy(body + body_length, text, length);
    body_length += length;
}

static void escaped_texts_are_counted(void **state) {
    (void)state;
    static const char *const fields[] = {"\"", "\",\"word\":\"b\\u00e9\"", "\",\"words\":[\"a\",\"b\\u00e9\"]",
                                         "\",\"top\":5", "\",\"word\":\"a\",\"match\":\"letters\""};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        for (size_t repeats = 1; repeats <= 100000; repeats *= 100000) {
            set_text("{\"text\":\"");
            for (size_t k = 0; k < repeats; k++) {
                add_text("a b\\u00e9 \\\"c\\nb\xC3\xA9\\t");
            }
            add_text(fields[i]);
            add_text("}");
            expect_unchanged(&(struct request){"/v1/wordcount", MEDIA_JSON, MEDIA_JSON, ""});
        }
    }
}

static void plain_texts_are_counted(void **state) {
    (void)state;
    set_text("{\"word\":\"a\",\"text\":\"a b a\"}");
    expect_unchanged(&(struct request){"/v1/wordcount", MEDIA_JSON, MEDIA_JSON, ""});
}

static void arrays_in_json_are_computed_on(void **state) {
    (void)state;
    static const enum media media[] = {MEDIA_JSON, MEDIA_NPY};
    for (size_t i = 0; i < 2; i++) {
        set_text("{\"x\":[1,2.5,-3e2],\"y\":[0.25,1,2],\"precision\":5}");
        expect_unchanged(&(struct request){"/v1/gaussian", MEDIA_JSON, media[i], ""});
        set_text("{\"y\":[[1,2],[3,4]],\"x\":[[0,1],[1,0],[1,1]]}");
        expect_unchanged(&(struct request){"/v1/gaussian/matrix", MEDIA_JSON, media[i], ""});
        set_text("{\"weights\":[1,2,3],\"x\":[[0,1],[1,0],[1,1]]}");
        expect_unchanged(&(struct request){"/v1/gaussian/sum", MEDIA_JSON, media[i], ""});
    }
    set_text("{\"x\":[");
    for (size_t i = 0; i < COUNT; i++) {
        add_text(i > 0 ? ",0.125" : "1e-3");
    }
    add_text("],\"y\":1}");
    expect_unchanged(&(struct request){"/v1/gaussian", MEDIA_JSON, MEDIA_NPY, ""});
}

/* An array of numbers that aren't all the same; its head is `extra` bytes longer than it has to be. */
static void add_array(enum npy_dtype dtype, size_t rows, size_t columns, size_t extra) {
    char head[256];
    const char *descr = dtype == NPY_FLOAT32 ? "<f4" : "<f8";
    int length = columns > 0
                     ? snprintf(head + 10, sizeof head - 10,
                                "{'descr': '%s', 'fortran_order': False, 'shape': (%zu, %zu), }", descr, rows, columns)
                     : snprintf(head + 10, sizeof head - 10,
                                "{'descr': '%s', 'fortran_order': False, 'shape': (%zu,), }", descr, rows);
    size_t padded = 118 + extra;
    memcpy(head, "\x93NUMPY\1\0", 8);
    memset(head + 10 + length, ' ', padded - (size_t)length);
    head[8] = (char)padded;
    head[9] = 0;
    head[10 + padded - 1] = '\n';
    memcpy(body + body_length, head, 10 + padded);
    body_length += 10 + padded;
    for (size_t i = 0; i < rows * (columns > 0 ? columns : 1); i++) {
        double number = (double)(i * 7919 % 1000) / 500 - 1;
        float narrow = (float)number;
        memcpy(body + body_length, dtype == NPY_FLOAT32 ? (const void *)&narrow : &number, npy_number_bytes(dtype));
        body_length += npy_number_bytes(dtype);
    }
}

static void arrays_at_any_alignment_are_computed_on(void **state) {
    (void)state;
    static const enum media media[] = {MEDIA_JSON, MEDIA_NPY};
    for (size_t extra = 0; extra < 64; extra += 5) {
        enum npy_dtype dtype = extra % 2 ? NPY_FLOAT32 : NPY_FLOAT64;
        enum media reply_media = media[extra / 2 % 2];
        body_length = 0;
        add_array(dtype, COUNT, 0, extra % 8);
        expect_unchanged(&(struct request){"/v1/gaussian", MEDIA_NPY, reply_media, "y=0.5&schedule=dynamic&chunk=99"});
        add_array(dtype, COUNT, 0, extra / 8);
        expect_unchanged(&(struct request){"/v1/gaussian", MEDIA_NPY, reply_media, "sigma=2"});
        body_length = 0;
        add_array(dtype, 61, 5, extra % 8);
        expect_unchanged(&(struct request){"/v1/gaussian/matrix", MEDIA_NPY, reply_media, ""});
        add_array(dtype, 43, 5, extra / 8);
        expect_unchanged(&(struct request){"/v1/gaussian/matrix", MEDIA_NPY, reply_media, "gamma=0.5"});
        add_array(dtype, 43, 0, extra % 3);
        expect_unchanged(&(struct request){"/v1/gaussian/sum", MEDIA_NPY, reply_media, "gamma=0.5"});
    }
}

/* Its answer names cores, which change. */
static void ranges_are_summed(void **state) {
    (void)state;
    static const struct request request = {"/v1/triangular", MEDIA_JSON, MEDIA_JSON, ""};
    set_text("{\"ranges\":[1,2,3]}");
    open_request(&request);
    assert_true(give_body(&plain.base, body, body_length));
    struct payload ours = payload_hold(&call.body);
    drive(&request, 1);
    assert_memory_equal(ours.bytes, body, body_length);
    payload_drop(&ours);
}

static void results_are_new_memory_where_the_body_is_not_ours_alone(void **state) {
    (void)state;
    static const struct request request = {"/v1/gaussian", MEDIA_NPY, MEDIA_NPY, "y=1"};
    for (size_t extra = 0; extra < 8; extra++) {
        body_length = 0;
        add_array(NPY_FLOAT64, COUNT, 0, extra);
        open_request(&request);
        assert_true(give_body(&plain.base, body, body_length));
        struct payload ours = payload_hold(&call.body);
        drive(&request, 1);
        const char *reply = call.reply_pieces[0].bytes;
        assert_false(reply >= ours.bytes && reply < ours.bytes + ours.length);
        assert_int_equal(call.reply_piece_count, 1);
        payload_drop(&ours);
    }
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(escaped_texts_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(plain_texts_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arrays_in_json_are_computed_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arrays_at_any_alignment_are_computed_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ranges_are_summed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(results_are_new_memory_where_the_body_is_not_ours_alone, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("shared_payload", tests, NULL, NULL);
}

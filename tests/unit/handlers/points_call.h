#pragma once
/* Calls of /v1/gaussian/matrix and /v1/gaussian/sum through the route table, as the server makes them; bodies with .npy
 * arrays for them. */
#include "codecs/npy_numbers.h"
#include "handlers/routes.h"
#include "server/system/clock.h"
#include "tests/unit/handlers/test_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PLENTY = 1 << 26, BODY_MAX = 1 << 20 };

static const char matrix_path[] = "/v1/gaussian/matrix";
static const char sum_path[] = "/v1/gaussian/sum";

static struct plain_memory plain;

static char body[BODY_MAX];
static size_t body_length;

static inline int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    facts.config.timeout_ns = 30 * NS_PER_S;
    body_length = 0;
    return 0;
}

static inline int tear_down(void **state) {
    (void)state;
    call_release(&call);
    assert_int_equal(plain.used_bytes, 0);
    return 0;
}

/* Adds an array whose head is `extra` bytes longer than it has to be, which leaves what follows misaligned. `shape` is
 * a Python tuple. */
static inline void add(const char *dtype, const char *shape, size_t extra, const void *data, size_t bytes) {
    char head[256];
    int length =
        snprintf(head + 10, sizeof head - 10, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", dtype, shape);
    memcpy(head, "\x93NUMPY\1\0", 8);
    size_t padded = 118 + extra;
    memset(head + 10 + length, ' ', padded - (size_t)length);
    head[8] = (char)padded;
    head[9] = 0;
    head[10 + padded - 1] = '\n';
    memcpy(body + body_length, head, 10 + padded);
    body_length += 10 + padded;
    memcpy(body + body_length, data, bytes);
    body_length += bytes;
}

static inline void add_rows(enum npy_dtype dtype, const void *values, size_t rows, size_t columns, size_t extra) {
    char shape[64];
    (void)snprintf(shape, sizeof shape, "(%zu, %zu)", rows, columns);
    add(dtype == NPY_FLOAT64 ? "<f8" : "<f4", shape, extra, values, rows * columns * npy_number_bytes(dtype));
}

static inline void add_row(enum npy_dtype dtype, const void *values, size_t count, size_t extra) {
    char shape[64];
    (void)snprintf(shape, sizeof shape, "(%zu,)", count);
    add(dtype == NPY_FLOAT64 ? "<f8" : "<f4", shape, extra, values, count * npy_number_bytes(dtype));
}

static inline void set_text(const char *text) {
    body_length = strlen(text);
    memcpy(body, text, body_length);
}

static inline const struct endpoint *find(const char *path) {
    for (size_t i = 0; i < route_count; i++) {
        if (strcmp(routes[i]->path, path) == 0) {
            return routes[i];
        }
    }
    fail_msg("no route %s", path);
    return NULL;
}

static inline void begin(const char *path, enum media body_media, enum media reply_media, const char *query) {
    open_call(find(path), &plain.base, PLENTY);
    assert_int_equal(plain.used_bytes, 0);
    set_query(query);
    assert_true(give_body(&plain.base, body, body_length));
    order.body_media = body_media;
    order.reply_media = reply_media;
    assert_true((order.endpoint->consumes & body_media) && (order.endpoint->produces & reply_media));
}

static inline enum problem_kind drive(void) {
    bool is_json = order.reply_media == MEDIA_JSON;
    if (order.endpoint->decode(&call) || order.endpoint->load(&call) || order.endpoint->compute(&call)) {
        return call.problem.kind;
    }
    if (is_json) {
        json_begin_object(&call.reply);
    }
    if (!order.endpoint->encode(&call) && is_json) {
        json_end_object(&call.reply);
    }
    if (!call.problem.kind && json_writer_failed(&call.reply)) {
        return call_memory_short(&call, call.reply.text.capacity);
    }
    return call.problem.kind;
}

static inline void expect_good(void) {
    if (drive()) {
        fail_msg("%s at %s: %s", problem_slug(call.problem.kind), call.problem.pointer, call.problem.detail);
    }
}

/* n rows of one zero. */
static inline void set_zeros(size_t n) {
    static char zeros[BODY_MAX];
    body_length = 0;
    add_rows(NPY_FLOAT64, zeros, n, 1, 0);
}

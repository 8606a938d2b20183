#pragma once
/* A batch as the server makes one, of items that the test writes, and the results as a tree. */
#include "handlers/batch.h"

#include "handlers/routes.h"
#include "server/system/clock.h"
#include "tests/unit/handlers/test_call.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { PLENTY = 1 << 28, TEXT_MAX = 1 << 20, ITEMS_MAX = 400, ITEM_MAX = 2048, THREADS_MAX = 3 };

static struct plain_memory plain;
static char text[TEXT_MAX]; /* of the batch */
static char items[ITEMS_MAX][ITEM_MAX];
static size_t item_count;

static inline int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    facts.config.timeout_ns = 30 * NS_PER_S;
    facts.cores.count = THREADS_MAX;
    facts.endpoints = routes;
    facts.endpoint_count = route_count;
    item_count = 0;
    srandom(7);
    return 0;
}

static inline int tear_down(void **state) {
    (void)state;
    call_release(&call);
    assert_int_equal(plain.used_bytes, 0);
    return 0;
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

/* As the server does. */
static inline enum problem_kind drive(unsigned threads) {
    enum problem_kind kind = order.endpoint->decode(&call);
    if (kind || call_is_cancelled(&call)) {
        return kind;
    }
    grant(call.demand.threads > 0 && call.demand.threads < threads ? call.demand.threads : threads);
    kind = order.endpoint->load ? order.endpoint->load(&call) : PROBLEM_NONE;
    kind = kind || call_is_cancelled(&call) ? kind : order.endpoint->compute(&call);
    if (kind || call_is_cancelled(&call)) {
        return kind;
    }
    json_begin_object(&call.reply);
    kind = order.endpoint->encode(&call);
    json_end_object(&call.reply);
    return kind;
}

static inline enum problem_kind ask(const char *path, const char *body, size_t length, unsigned threads) {
    open_call(find(path), &plain.base, PLENTY);
    assert_int_equal(plain.used_bytes, 0);
    assert_true(give_body(&plain.base, body, length));
    return drive(threads);
}

static inline size_t count_digits(const char *digits) {
    size_t count = 0;
    while (digits[count] >= '0' && digits[count] <= '9') {
        count++;
    }
    return count;
}

/* To be freed. Without the cores' numbers, which change. */
static inline char *join_reply(void) {
    size_t before = call.reply_piece_count > 0 ? call.reply_pieces_at : call.reply.text.length;
    size_t length = call.reply.text.length;
    for (size_t i = 0; i < call.reply_piece_count; i++) {
        length += call.reply_pieces[i].length;
    }
    char *joined = malloc(length + 1);
    assert_non_null(joined);
    memcpy(joined, call.reply.text.data, before);
    char *at = joined + before;
    for (size_t i = 0; i < call.reply_piece_count; i++) {
        memcpy(at, call.reply_pieces[i].bytes, call.reply_pieces[i].length);
        at += call.reply_pieces[i].length;
    }
    memcpy(at, call.reply.text.data + before, call.reply.text.length - before);
    joined[length] = '\0';
    static const char key[] = "\"core\":";
    for (char *core = joined; core + sizeof key < joined + length; core++) { /* strstr measures all, each time */
        if (*core == '"' && memcmp(core, key, sizeof key - 1) == 0) {
            core += sizeof key - 1;
            for (size_t digits = count_digits(core); digits > 0; digits--) {
                *core++ = digits == 1 ? '0' : ' ';
            }
        }
    }
    return joined;
}

/* The results of the batch in `text`. To be freed. */
static inline json_t *results_of(unsigned threads) {
    enum problem_kind kind = ask("/v1/batch", text, strlen(text), threads);
    if (kind) {
        fail_msg("%s: %s %s", problem_slug(kind), call.problem.pointer, call.problem.detail);
    }
    char *joined = join_reply();
    json_t *reply = json_loads(joined, JSON_DECODE_ANY, NULL);
    if (!reply) {
        fail_msg("no JSON: %.300s", joined);
    }
    json_t *results = json_incref(json_object_get(reply, "results"));
    size_t failed = 0;
    for (size_t i = 0; i < json_array_size(results); i++) {
        failed += json_is_string(json_object_get(json_array_get(results, i), "type"));
    }
    assert_int_equal(json_integer_value(json_object_get(reply, "failed")), failed);
    json_decref(reply);
    free(joined);
    return results;
}

/* {"op":op,<members>"items":[...]} */
static inline void write_batch(const char *op, const char *members) {
    size_t used = (size_t)snprintf(text, sizeof text, "{\"op\":\"%s\",%s\"items\":[", op, members);
    for (size_t i = 0; i < item_count; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? ", " : "", items[i]);
    }
    used += (size_t)snprintf(text + used, sizeof text - used, "]}");
    assert_true(used < sizeof text);
}

__attribute__((format(printf, 1, 2))) static inline void add_item(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(items[item_count], ITEM_MAX, format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && length < ITEM_MAX && item_count < ITEMS_MAX);
    item_count++;
}

static inline size_t chance(size_t below) {
    return (size_t)random() % below;
}

/* "[1,2.5]", or one number. */
static inline const char *numbers(size_t count, char out[ITEM_MAX / 4]) {
    size_t used = 1;
    out[0] = '[';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(out + used, 32, "%s%.4g", i > 0 ? ", " : "", (double)random() / 1e9 - 1);
    }
    (void)snprintf(out + used, 2, "]");
    return out;
}

static inline char *write_many(size_t count, size_t *length) {
    static const char head[] = "{\"op\":\"/v1/triangular\",\"threads\":3,\"items\":[";
    char *body = malloc(sizeof head + 32 * count + 2);
    assert_non_null(body);
    size_t used = (size_t)snprintf(body, sizeof head, "%s", head);
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(body + used, 32, "%s{\"ranges\":[%zu]}", i > 0 ? "," : "", i % 1000);
    }
    used += (size_t)snprintf(body + used, 32, "]}");
    *length = used;
    return body;
}

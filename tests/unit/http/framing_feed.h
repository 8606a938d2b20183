#pragma once
/* Feeds bytes to a framing in every way of cutting them into pieces; nothing is read behind a piece: each ends where
 * the next page can't be read. Test programs include it once. */
#include "server/http/framing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define HEAD "GET /livez HTTP/1.1\r\nHost: a\r\n"
#define GOOD HEAD "\r\n"
#define POST "POST /v1/wordcount?a=b HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

enum { AREA_BYTES = 1 << 18, BIG_BYTES = 1 << 17 };

static char *area_end;
static char passed_bytes[2 * BIG_BYTES]; /* by the last feed */

static inline int map_area(void **state) {
    (void)state;
    char *area = mmap(NULL, AREA_BYTES + 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    area_end = area + AREA_BYTES;
    return area == MAP_FAILED || mprotect(area_end, 65536, PROT_NONE) != 0;
}

/* What a connection that gets these pieces one after the other has let pass. */
static inline size_t feed(struct framing *framing, const char *bytes, const size_t *lengths, size_t count) {
    size_t passed = 0;
    for (size_t i = 0; i < count && !framing->fault; bytes += lengths[i++]) {
        if (lengths[i] > 0) {
            char *piece = memcpy(area_end - lengths[i], bytes, lengths[i]);
            size_t now = framing_take(framing, piece, lengths[i]);
            assert_true(now <= lengths[i]);
            memcpy(passed_bytes + passed, piece, now);
            passed += now;
        }
    }
    return passed;
}

static inline struct framing feed_bytewise(const char *bytes, size_t length) {
    struct framing framing = {0};
    for (size_t i = 0; i < length && !framing.fault; i++) {
        feed(&framing, bytes + i, (const size_t[]){1}, 1);
    }
    return framing;
}

static inline void assert_same(const struct framing *left, const struct framing *right) {
    assert_int_equal(left->fault, right->fault);
    assert_int_equal(left->requests, right->requests);
    assert_string_equal(left->method, right->method);
    assert_string_equal(left->path, right->path);
    assert_string_equal(left->origin, right->origin);
    assert_int_equal(left->has_loose_values, right->has_loose_values);
    assert_int_equal(left->has_expectation, right->has_expectation);
    if (left->fault) {
        assert_string_equal(left->detail, right->detail);
    } else {
        assert_int_equal(left->state, right->state);
        assert_int_equal(left->left, right->left);
    }
}

/* All in one, byte by byte, and cut in two everywhere. */
static inline struct framing read_in_every_way(const char *bytes, size_t length) {
    struct framing whole = {0};
    feed(&whole, bytes, &length, 1);
    struct framing bytewise = feed_bytewise(bytes, length);
    assert_same(&whole, &bytewise);
    for (size_t cut = 1; cut < length && length < 4096; cut++) {
        struct framing halves = {0};
        feed(&halves, bytes, (size_t[]){cut, length - cut}, 2);
        assert_same(&whole, &halves);
    }
    return whole;
}

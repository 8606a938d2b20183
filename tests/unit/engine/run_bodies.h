#pragma once
/* Bodies for runs, and how they are fed. */
#include "tests/unit/engine/run_case.h"

#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

enum { LONG_BYTES = 3 * STREAM_WINDOW_BYTES + 12345 };

/* Letters that make each position count; the caller's. */
static inline char *make_body(size_t length) {
    char *bytes = malloc(length > 0 ? length : 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (char)('a' + i * 7 % 23);
    }
    return bytes;
}

/* Compresses to about a half. */
static inline char *make_noise(size_t length) {
    char *bytes = malloc(length);
    uint32_t random = 1;
    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++) {
        random = random * 1664525 + 1013904223;
        bytes[i] = (char)('a' + (random >> 28));
    }
    return bytes;
}

static inline uint64_t sum_of(const char *bytes, size_t length) {
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum += (unsigned char)bytes[i];
    }
    return sum;
}

static inline void assert_sum(const struct run *run, const char *bytes, size_t length) {
    char part[64];
    (void)snprintf(part, sizeof part, "\"sum\":%llu,", (unsigned long long)sum_of(bytes, length));
    assert_result(run, part);
}

/* With a name of so many letters in its header. */
static inline char *fold_gzip_named(const char *bytes, size_t length, size_t name_length, size_t *folded) {
    z_stream stream = {0};
    unsigned char *name = calloc(1, name_length + 1);
    assert_non_null(name);
    memset(name, 'n', name_length);
    gz_header header = {.name = name_length > 0 ? name : NULL, .os = 3};
    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflateSetHeader(&stream, &header), Z_OK);
    size_t room = deflateBound(&stream, length) + name_length;
    char *out = malloc(room);
    assert_non_null(out);
    stream.next_in = (unsigned char *)(uintptr_t)bytes;
    stream.avail_in = (unsigned)length;
    stream.next_out = (unsigned char *)out;
    stream.avail_out = (unsigned)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *folded = room - stream.avail_out;
    deflateEnd(&stream);
    free(name);
    return out;
}

static inline char *fold_gzip(const char *bytes, size_t length, size_t *folded) {
    return fold_gzip_named(bytes, length, 0, folded);
}

/* Its first block ends where the others' lengths don't fit: a decoder has read all of the last one before it has given
 * all of it. */
static inline char *fold_zstd(const char *bytes, size_t length, size_t first, size_t *folded) {
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t room = ZSTD_compressBound(length) + 1000;
    char *out = malloc(room);
    assert_true(context && out);
    ZSTD_outBuffer target = {out, room, 0};
    ZSTD_inBuffer head = {bytes, first, 0}, rest = {bytes + first, length - first, 0};
    assert_int_equal(ZSTD_compressStream2(context, &target, &head, ZSTD_e_flush), 0);
    assert_int_equal(ZSTD_compressStream2(context, &target, &rest, ZSTD_e_end), 0);
    ZSTD_freeCCtx(context);
    *folded = target.pos;
    return out;
}

static inline struct run *open_declared(const struct endpoint *endpoint, size_t length) {
    struct run *run = make_run(endpoint);
    run->order.is_declared = true;
    run->order.declared_bytes = length;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    return run;
}

/* All of it, in pieces of `step`; the owner waits where the run is full. Returns what run_feed said last. */
static inline enum run_feeding feed_all(struct run *run, const char *bytes, size_t length, size_t step) {
    size_t at = 0, before = run->received_bytes;
    while (at < length) {
        size_t taken, piece = length - at < step ? length - at : step;
        enum run_feeding feeding = run_feed(run, bytes + at, piece, &taken);
        at += taken;
        if (feeding == RUN_REFUSES) {
            return RUN_REFUSES;
        }
        if (feeding == RUN_IS_FULL) {
            assert_ptr_equal(take_reported(), run);
            if (run_resume(run) == RUN_DONE) {
                return RUN_REFUSES;
            }
        }
    }
    assert_int_equal(run->received_bytes, before + length);
    return RUN_FED;
}

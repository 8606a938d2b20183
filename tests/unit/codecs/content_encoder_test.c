#include "codecs/coding/content_encoder.h"

#include "codecs/coding/content_decoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLENTY = 64 << 20, BULK = 3 << 20 };

static const enum content_coding codings[] = {CONTENT_GZIP, CONTENT_ZSTD, CONTENT_DEFLATE};
enum { CODINGS = sizeof codings / sizeof *codings };

static struct plain_memory plain;
static char *digits; /* like printed doubles */
static char *words;  /* full of repetitions */
static char *noise;

static int set_up_all(void **state) {
    (void)state;
    uint64_t random = 88172645463325252U;
    digits = malloc(BULK);
    words = malloc(BULK);
    noise = malloc(BULK);
    for (size_t i = 0; i < BULK; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        digits[i] = i % 20 == 0 ? ',' : i % 20 == 1 ? '0' : i % 20 == 2 ? '.' : (char)('0' + random % 10);
        words[i] = "a few words which come again and again, "[i % 40];
        noise[i] = (char)(random >> 32);
    }
    return 0;
}

static int tear_down_all(void **state) {
    (void)state;
    free(digits);
    free(words);
    free(noise);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    return 0;
}

static void encode(enum content_coding coding, enum content_effort effort, const struct content_part *parts,
                   size_t part_count, struct content_pieces *pieces) {
    struct problem problem = {0};
    if (content_encode(coding, effort, parts, part_count, &plain.base, NULL, pieces, &problem)) {
        fail_msg("%s: %s", content_coding_name(coding), problem.detail);
    }
    size_t length = 0;
    for (size_t i = 0; i < pieces->count; i++) {
        assert_in_range(pieces->list[i].length, 1, pieces->list[i].room);
        length += pieces->list[i].length;
    }
    assert_int_equal(length, pieces->length);
}

/* The pieces decode to the parts; pieces and parts may be cut anywhere. */
static void expect_content(enum content_coding coding, const struct content_pieces *pieces,
                           const struct content_part *parts, size_t part_count) {
    struct content_decoder *decoder = NULL;
    struct problem problem = {0};
    size_t part = 0;
    size_t offset = 0;
    assert_int_equal(content_decoder_new(coding, &plain.base, &decoder, &problem), PROBLEM_NONE);
    for (size_t i = 0; i < pieces->count; i++) {
        struct content_io io = {.in = pieces->list[i].bytes, .in_length = pieces->list[i].length};
        do {
            static char window[65536];
            io.out = window;
            io.out_room = sizeof window;
            if (content_decode(decoder, &io, &problem)) {
                fail_msg("%s: %s", content_coding_name(coding), problem.detail);
            }
            for (const char *at = window; at < io.out;) {
                assert_true(part < part_count);
                size_t length = (size_t)(io.out - at);
                length = length < parts[part].length - offset ? length : parts[part].length - offset;
                assert_memory_equal(at, parts[part].bytes + offset, length);
                at += length;
                offset += length;
                if (offset == parts[part].length) {
                    part++;
                    offset = 0;
                }
            }
        } while (io.in_length > 0 || io.out_room == 0);
    }
    if (content_decoder_finish(decoder, &problem)) {
        fail_msg("%s: %s", content_coding_name(coding), problem.detail);
    }
    content_decoder_free(decoder);
    while (part < part_count && parts[part].length == 0) {
        part++;
    }
    assert_int_equal(part, part_count);
}

static void what_is_coded_decodes_to_the_same(void **state) {
    (void)state;
    const struct content_part bulk[] = {{"{\"z\":[", 6}, {digits, BULK}, {"],\"t\":\"", 7}, {words, BULK}, {"\"}", 2}};
    const struct content_part binary[] = {{noise, BULK}, {noise, 1}, {NULL, 0}, {noise, 100000}};
    for (size_t i = 0; i < CODINGS; i++) {
        struct content_pieces pieces;
        encode(codings[i], CONTENT_IF_SMALLER, bulk, 5, &pieces);
        assert_true(pieces.count > 1);
        expect_content(codings[i], &pieces, bulk, 5);
        content_pieces_free(&pieces);
        encode(codings[i], CONTENT_ALWAYS, binary, 4, &pieces);
        expect_content(codings[i], &pieces, binary, 4);
        content_pieces_free(&pieces);
        content_pieces_free(&pieces);
        assert_int_equal(plain.used_bytes, 0);
    }
}

/* As RFC 9110, 8.4.1.2 asks for, whatever is read: a client need not guess. */
static void deflate_has_zlibs_header(void **state) {
    (void)state;
    const struct content_part parts[] = {{digits, BULK}, {"", 0}};
    for (size_t i = 0; i < 2; i++) {
        struct content_pieces pieces;
        encode(CONTENT_DEFLATE, CONTENT_ALWAYS, &parts[i], 1, &pieces);
        assert_int_equal(pieces.list[0].bytes[0], 0x78);
        assert_int_equal((0x7800 + (unsigned char)pieces.list[0].bytes[1]) % 31, 0);
        content_pieces_free(&pieces);
    }
}

static void lengths_around_every_limit_decode_to_the_same(void **state) {
    (void)state;
    static const size_t middles[] = {0, 1, 1024, 16384, 131072, 262144};
    for (size_t i = 0; i < CODINGS * sizeof middles / sizeof middles[0]; i++) {
        for (size_t length = middles[i / CODINGS] > 2 ? middles[i / CODINGS] - 2 : 0;
             length <= middles[i / CODINGS] + 2; length++) {
            const struct content_part parts[] = {{noise, length / 3}, {digits, length - length / 3}};
            struct content_pieces pieces;
            encode(codings[i % CODINGS], CONTENT_ALWAYS, parts, 2, &pieces);
            /* Trailing parts without content are over once the rest is. */
            expect_content(codings[i % CODINGS], &pieces, parts, length > 0 ? 2 : 0);
            content_pieces_free(&pieces);
        }
    }
    assert_int_equal(plain.used_bytes, 0);
}

static void many_tiny_parts_decode_to_the_same(void **state) {
    (void)state;
    enum { PARTS = 20000 };
    struct content_part *parts = calloc(PARTS, sizeof *parts);
    for (size_t i = 0; i < PARTS; i++) {
        parts[i] = (struct content_part){.bytes = digits + 20 * i, .length = i % 20 + 1};
    }
    for (size_t i = 0; i < CODINGS; i++) {
        struct content_pieces pieces;
        encode(codings[i], CONTENT_IF_SMALLER, parts, PARTS, &pieces);
        expect_content(codings[i], &pieces, parts, PARTS);
        content_pieces_free(&pieces);
    }
    free(parts);
    assert_int_equal(plain.used_bytes, 0);
}

static void numbers_and_words_shrink_as_measured(void **state) {
    (void)state;
    const struct content_part numbers = {digits, BULK};
    const struct content_part text = {words, BULK};
    for (size_t i = 0; i < CODINGS; i++) {
        struct content_pieces pieces;
        encode(codings[i], CONTENT_IF_SMALLER, &numbers, 1, &pieces);
        assert_in_range(pieces.length, BULK * 40 / 100, BULK * 50 / 100);
        content_pieces_free(&pieces);
        encode(codings[i], CONTENT_IF_SMALLER, &text, 1, &pieces);
        assert_in_range(pieces.length, 1, BULK / 100);
        content_pieces_free(&pieces);
    }
}

static void what_does_not_shrink_is_left_as_it_is(void **state) {
    (void)state;
    const struct content_part bulk = {noise, BULK};
    const struct content_part small = {"[1,2]", 5};
    const struct content_part empty = {NULL, 0};
    const struct content_part late[] = {{words, 1000}, {noise, 100000}};
    for (size_t i = 0; i < CODINGS; i++) {
        struct content_pieces pieces;
        encode(codings[i], CONTENT_IF_SMALLER, &bulk, 1, &pieces);
        assert_int_equal(pieces.count, 0);
        encode(codings[i], CONTENT_IF_SMALLER, &small, 1, &pieces);
        assert_int_equal(pieces.count, 0);
        encode(codings[i], CONTENT_IF_SMALLER, &empty, 1, &pieces);
        assert_int_equal(pieces.count, 0);
        encode(codings[i], CONTENT_IF_SMALLER, late, 2, &pieces);
        assert_int_equal(pieces.count, 0);
        assert_int_equal(plain.used_bytes, 0);
    }
}

static void a_cancelled_answer_stops_and_holds_nothing(void **state) {
    (void)state;
    const struct content_part part = {digits, BULK};
    _Atomic bool cancel = true;
    for (size_t i = 0; i < CODINGS; i++) {
        struct content_pieces pieces;
        struct problem problem = {0};
        assert_int_equal(content_encode(codings[i], CONTENT_ALWAYS, &part, 1, &plain.base, &cancel, &pieces, &problem),
                         PROBLEM_NONE);
        assert_int_equal(pieces.count, 0);
        assert_int_equal(plain.used_bytes, 0);
    }
}

static void memory_that_is_short_is_a_problem_that_holds_nothing(void **state) {
    (void)state;
    const struct content_part part = {digits, 1 << 20};
    for (size_t i = 0; i < CODINGS; i++) {
        enum problem_kind kind = PROBLEM_MEMORY_LIMIT;
        size_t limit = 0;
        for (; kind == PROBLEM_MEMORY_LIMIT && limit < PLENTY; limit += 16384) {
            struct content_pieces pieces;
            struct problem problem = {0};
            plain_memory_init(&plain, limit);
            kind = content_encode(codings[i], CONTENT_ALWAYS, &part, 1, &plain.base, NULL, &pieces, &problem);
            assert_int_equal(kind == PROBLEM_NONE, pieces.count > 0);
            content_pieces_free(&pieces);
            assert_int_equal(plain.used_bytes, 0);
        }
        assert_int_equal(kind, PROBLEM_NONE);
        assert_in_range(limit, 512 << 10, CONTENT_ENCODER_BYTES_MAX + (1 << 20));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_coded_decodes_to_the_same, set_up),
        cmocka_unit_test_setup(deflate_has_zlibs_header, set_up),
        cmocka_unit_test_setup(lengths_around_every_limit_decode_to_the_same, set_up),
        cmocka_unit_test_setup(many_tiny_parts_decode_to_the_same, set_up),
        cmocka_unit_test_setup(numbers_and_words_shrink_as_measured, set_up),
        cmocka_unit_test_setup(what_does_not_shrink_is_left_as_it_is, set_up),
        cmocka_unit_test_setup(a_cancelled_answer_stops_and_holds_nothing, set_up),
        cmocka_unit_test_setup(memory_that_is_short_is_a_problem_that_holds_nothing, set_up),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}

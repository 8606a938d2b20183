#include "codecs/coding/content_decoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

enum { PLENTY = 64 << 20, CODED_MAX = 1 << 20, PLAIN_MAX = 4096 };

static const char sample[] = "{\"x\":[0.5,0.25,0.125,0.0625,-1e300],\"text\":\"one two three two one, one two\"}";

/* What a body may be in: zlib's number for the format (0: zstd), and whether several may stand one after the other. */
static const struct format {
    enum content_coding coding;
    int zlib_bits;
    bool joins;
} formats[] = {
    {CONTENT_GZIP, 31, true}, {CONTENT_ZSTD, 0, true}, {CONTENT_DEFLATE, 15, false}, {CONTENT_DEFLATE, -15, false}};
enum { FORMATS = sizeof formats / sizeof *formats, WITH_CHECKSUM = FORMATS - 1 };

static struct plain_memory plain;

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    return 0;
}

static size_t code_zlib(const char *bytes, size_t length, int zlib_bits, char *out) {
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, zlib_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)bytes;
    stream.avail_in = (uInt)length;
    stream.next_out = (Bytef *)out;
    stream.avail_out = CODED_MAX;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t written = stream.total_out;
    assert_int_equal(deflateEnd(&stream), Z_OK);
    return written;
}

static size_t code_zstd(const char *bytes, size_t length, int window_log, char *out) {
    ZSTD_CCtx *context = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    if (window_log > 0) {
        (void)ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    }
    /* In two calls, so that the length isn't known and the frame says its window. */
    ZSTD_inBuffer in = {bytes, length, 0};
    ZSTD_outBuffer to = {out, CODED_MAX, 0};
    (void)ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
    assert_int_equal(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end), 0);
    ZSTD_freeCCtx(context);
    return to.pos;
}

static size_t code(const struct format *format, const char *bytes, size_t length, char *out) {
    return format->coding == CONTENT_ZSTD ? code_zstd(bytes, length, 0, out)
                                          : code_zlib(bytes, length, format->zlib_bits, out);
}

/* Decodes in input pieces of `step` bytes from the first `cut` on, through windows of `room` bytes, into out (PLAIN_MAX
 * bytes). Every piece is a block of its own, so that ASan sees reads beyond. */
static enum problem_kind decode(enum content_coding coding, const char *coded, size_t length, size_t cut, size_t step,
                                size_t room, char *out, size_t *out_length, struct problem *problem) {
    struct content_decoder *decoder = NULL;
    *problem = (struct problem){0};
    *out_length = 0;
    assert_int_equal(content_decoder_new(coding, &plain.base, &decoder, problem), PROBLEM_NONE);
    char *window = malloc(room);
    for (size_t at = 0; at < length && !problem->kind;) {
        size_t piece_length = at == 0 && cut > 0 ? cut : step;
        piece_length = piece_length < length - at ? piece_length : length - at;
        char *piece = malloc(piece_length);
        memcpy(piece, coded + at, piece_length);
        struct content_io io = {.in = piece, .in_length = piece_length};
        do {
            io.out = window;
            io.out_room = room;
            if (content_decode(decoder, &io, problem)) {
                break;
            }
            size_t written = (size_t)(io.out - window);
            assert_int_equal(written + io.out_room, room);
            if (written > PLAIN_MAX - *out_length) {
                (void)problem_set(problem, PROBLEM_BODY_TOO_LARGE, NULL, "that's more than expected");
                break;
            }
            memcpy(out + *out_length, window, written);
            *out_length += written;
        } while (io.in_length > 0 || io.out_room == 0);
        free(piece);
        at += piece_length;
    }
    free(window);
    enum problem_kind kind = problem->kind ? problem->kind : content_decoder_finish(decoder, problem);
    content_decoder_free(decoder);
    assert_int_equal(plain.used_bytes, 0);
    return kind;
}

static void expect_sample(enum content_coding coding, const char *coded, size_t length, size_t cut, size_t step,
                          size_t room, size_t repeats) {
    char out[PLAIN_MAX];
    size_t out_length = 0;
    struct problem problem;
    if (decode(coding, coded, length, cut, step, room, out, &out_length, &problem)) {
        fail_msg("%s, cut %zu, step %zu, room %zu: %s", content_coding_name(coding), cut, step, room, problem.detail);
    }
    assert_int_equal(out_length, repeats * strlen(sample));
    for (size_t i = 0; i < repeats; i++) {
        assert_memory_equal(out + i * strlen(sample), sample, strlen(sample));
    }
}

/* Three members or frames, the second of them empty, where there may be several. Sets how often the sample is there. */
static size_t code_several(const struct format *format, char *out, size_t *repeats) {
    size_t length = code(format, sample, strlen(sample), out);
    *repeats = format->joins ? 2 : 1;
    if (!format->joins) {
        return length;
    }
    length += code(format, "", 0, out + length);
    return length + code(format, sample, strlen(sample), out + length);
}

static void bodies_decode_at_every_split(void **state) {
    (void)state;
    static char coded[3 * CODED_MAX];
    for (size_t i = 0; i < FORMATS; i++) {
        size_t repeats;
        size_t length = code_several(&formats[i], coded, &repeats);
        for (size_t cut = 1; cut < length; cut++) {
            expect_sample(formats[i].coding, coded, length, cut, length, PLAIN_MAX, repeats);
        }
    }
}

static void bodies_decode_through_windows_of_any_size(void **state) {
    (void)state;
    static char coded[3 * CODED_MAX];
    for (size_t i = 0; i < FORMATS; i++) {
        size_t repeats;
        size_t length = code_several(&formats[i], coded, &repeats);
        for (size_t room = 1; room <= 2 * strlen(sample) + 1; room++) {
            expect_sample(formats[i].coding, coded, length, 0, length, room, repeats);
            expect_sample(formats[i].coding, coded, length, 0, 1, room, repeats);
        }
    }
}

static void a_truncated_body_is_refused_wherever_it_ends(void **state) {
    (void)state;
    static char coded[CODED_MAX];
    for (size_t i = 0; i < FORMATS; i++) {
        size_t length = code(&formats[i], sample, strlen(sample), coded);
        for (size_t kept = 0; kept < length; kept++) {
            char out[PLAIN_MAX];
            char expected[64];
            size_t out_length = 0;
            struct problem problem;
            enum problem_kind kind =
                decode(formats[i].coding, coded, kept, 0, kept, PLAIN_MAX, out, &out_length, &problem);
            (void)snprintf(expected, sizeof expected, "at byte %zu of the %s body: it ends early", kept + 1,
                           content_coding_name(formats[i].coding));
            assert_int_equal(kind, PROBLEM_INVALID_ENCODING);
            if (strncmp(problem.detail, expected, strlen(expected)) != 0) {
                fail_msg("\"%s\" in place of \"%s\"", problem.detail, expected);
            }
        }
    }
}

static void what_follows_the_last_member_is_refused(void **state) {
    (void)state;
    static char coded[CODED_MAX + 64];
    static const char *const garbage[] = {"garbage and more of it", "\n", "\x1F", "\x28\xB5"};
    for (size_t i = 0; i < FORMATS; i++) {
        size_t length = code(&formats[i], sample, strlen(sample), coded);
        for (size_t j = 0; j < sizeof garbage / sizeof garbage[0]; j++) {
            memcpy(coded + length, garbage[j], strlen(garbage[j]));
            for (size_t step = 1; step < 200; step += 100) {
                char out[PLAIN_MAX];
                size_t out_length = 0;
                struct problem problem;
                enum problem_kind kind = decode(formats[i].coding, coded, length + strlen(garbage[j]), 0, step,
                                                PLAIN_MAX, out, &out_length, &problem);
                if (kind != PROBLEM_INVALID_ENCODING) {
                    fail_msg("%s then \"%s\": %s", content_coding_name(formats[i].coding), garbage[j],
                             problem_slug(kind));
                }
            }
        }
    }
}

/* These formats carry a checksum here: no change of content goes unseen. Changes that only touch what says nothing
 * about the content (a time stamp) still decode. */
static void a_changed_byte_never_changes_the_content(void **state) {
    (void)state;
    static const unsigned char changes[] = {1, 2, 4, 8, 16, 32, 64, 128, 255};
    enum { CHANGES = sizeof changes };
    static char coded[CODED_MAX];
    for (size_t i = 0; i < WITH_CHECKSUM; i++) {
        size_t length = code(&formats[i], sample, strlen(sample), coded);
        size_t refused = 0;
        for (size_t at = 0; at < CHANGES * length; at++) {
            char out[PLAIN_MAX];
            size_t out_length = 0;
            struct problem problem;
            char kept = coded[at / CHANGES];
            coded[at / CHANGES] = (char)((unsigned char)kept ^ changes[at % CHANGES]);
            if (decode(formats[i].coding, coded, length, 0, length, PLAIN_MAX, out, &out_length, &problem)) {
                refused++;                                    /* or more content came first than fits */
            } else if (out_length != 0 || coded[0] == kept) { /* a zstd frame may turn into one to skip */
                assert_int_equal(out_length, strlen(sample));
                assert_memory_equal(out, sample, out_length);
            }
            coded[at / CHANGES] = kept;
        }
        assert_in_range(refused, (CHANGES - 1) * length, CHANGES * length);
    }
}

static void a_mistake_has_the_same_place_however_the_body_arrives(void **state) {
    (void)state;
    static char coded[2 * CODED_MAX];
    for (size_t i = 0; i < FORMATS; i++) {
        size_t length = code(&formats[i], sample, strlen(sample), coded);
        length += code(&formats[i], sample, strlen(sample), coded + length);
        for (size_t at = 0; at < length; at++) {
            char out[PLAIN_MAX];
            size_t out_length = 0;
            struct problem whole;
            struct problem pieces;
            coded[at] = (char)((unsigned char)coded[at] ^ 0x55);
            enum problem_kind kind =
                decode(formats[i].coding, coded, length, 0, length, PLAIN_MAX, out, &out_length, &whole);
            for (size_t step = 1; step < length; step *= 5) {
                assert_int_equal(
                    decode(formats[i].coding, coded, length, 0, step, 1 + step % 50, out, &out_length, &pieces), kind);
                assert_string_equal(pieces.detail, whole.detail);
            }
            coded[at] = (char)((unsigned char)coded[at] ^ 0x55);
        }
    }
}

static void other_formats_are_refused_with_the_place(void **state) {
    (void)state;
    static const struct {
        enum content_coding coding;
        const char *bytes;
        size_t length;
        const char *detail;
    } cases[] = {
        {CONTENT_GZIP, "{\"x\":1}", 7, "of the gzip body: incorrect header check; it looks like JSON that isn't comp"},
        {CONTENT_GZIP, "\x78\x9C\x03\x00\x00\x00\x00\x01", 8, "incorrect header check; it looks like deflate"},
        {CONTENT_GZIP, "\x28\xB5\x2F\xFD\x00\x00", 6, "of the gzip body: incorrect header check"},
        {CONTENT_DEFLATE, "{\"x\":1}", 7, "at byte 8 of the deflate body: it ends early; it looks like JSON"},
        {CONTENT_DEFLATE, "\x1F\x8B\x08\x00", 4, "of the deflate body: invalid block type; it looks like gzip"},
        {CONTENT_DEFLATE, "\x28\xB5\x2F\xFD\x00\x00", 6, "lengths; it looks like zstd"},
        {CONTENT_DEFLATE, "\x07\x00\x00\x00", 4, "of the deflate body: invalid block type (it has no zlib header"},
        {CONTENT_DEFLATE, "\x78\xBB\x00\x00\x00\x01", 6, "of the deflate body: it needs a preset dictionary"},
        {CONTENT_DEFLATE, "\x78\x9C\x03\x00\x00\x00\x00\x02", 8, "of the deflate body: incorrect data check"},
        {CONTENT_DEFLATE, "\x78\x9C\x03\x00\x00\x00\x00\x01\n", 9,
         "at byte 9 of the deflate body: there is something behind its end"},
        {CONTENT_DEFLATE, "\x03\x00\x03\x00", 4, "at byte 3 of the deflate body: there is something behind its end"},
        {CONTENT_ZSTD, "{\"x\":1}", 7,
         "at byte 1 of the zstd body: no zstd frame starts here; it looks like JSON that"},
        {CONTENT_ZSTD, "\x1F\x8B\x08\x00", 4,
         "at byte 1 of the zstd body: no zstd frame starts here; it looks like gzip"},
        {CONTENT_ZSTD, "\x28\xB5\x2F\xFC\x00\x00\x00", 7, "at byte 4 of the zstd body: no zstd frame starts here"},
        {CONTENT_ZSTD, "\x27\xB5\x2F\xFD\x00\x00\x00", 7, "at byte 1 of the zstd body: no zstd frame starts here"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t step = 1; step <= cases[i].length; step++) {
            char out[PLAIN_MAX];
            size_t out_length = 0;
            struct problem problem;
            enum problem_kind kind = decode(cases[i].coding, cases[i].bytes, cases[i].length, 0, step, PLAIN_MAX, out,
                                            &out_length, &problem);
            if (kind != PROBLEM_INVALID_ENCODING || !strstr(problem.detail, cases[i].detail)) {
                fail_msg("case %zu, step %zu: %s, \"%s\"", i, step, problem_slug(kind), problem.detail);
            }
        }
    }
}

static void frames_to_skip_are_skipped(void **state) {
    (void)state;
    static char coded[CODED_MAX + 64];
    memcpy(coded, "\x5F\x2A\x4D\x18\x03\x00\x00\x00xyz", 11);
    size_t length = 11 + code_zstd(sample, strlen(sample), 0, coded + 11);
    memcpy(coded + length, "\x50\x2A\x4D\x18\x00\x00\x00\x00", 8);
    for (size_t step = 1; step < length + 8; step++) {
        expect_sample(CONTENT_ZSTD, coded, length + 8, 0, step, PLAIN_MAX, 1);
    }
}

/* A bomb decodes into the windows it is given and nowhere else. Returns the most memory held. */
static size_t decode_bomb(enum content_coding coding, const char *coded, size_t length, size_t expected) {
    static char window[65536];
    struct content_decoder *decoder = NULL;
    struct problem problem = {0};
    size_t total = 0;
    size_t most = 0;
    assert_int_equal(content_decoder_new(coding, &plain.base, &decoder, &problem), PROBLEM_NONE);
    struct content_io io = {.in = coded, .in_length = length};
    do {
        io.out = window;
        io.out_room = sizeof window;
        if (content_decode(decoder, &io, &problem)) {
            fail_msg("%s", problem.detail);
        }
        total += sizeof window - io.out_room;
        most = plain.used_bytes > most ? plain.used_bytes : most;
    } while (io.in_length > 0 || io.out_room == 0);
    assert_int_equal(content_decoder_finish(decoder, &problem), PROBLEM_NONE);
    content_decoder_free(decoder);
    assert_int_equal(total, expected);
    assert_int_equal(plain.used_bytes, 0);
    return most;
}

static void bombs_are_held_by_their_windows(void **state) {
    (void)state;
    enum { ZEROS = 32 << 20 };
    static char coded[CODED_MAX];
    char *zeros = calloc(1, ZEROS);
    size_t length = code_zlib(zeros, ZEROS, 31, coded);
    assert_true(length < ZEROS / 500);
    assert_in_range(decode_bomb(CONTENT_GZIP, coded, length, ZEROS), 1, 64 << 10);
    for (int bits = -15; bits <= 15; bits += 30) {
        length = code_zlib(zeros, ZEROS, bits, coded);
        assert_in_range(decode_bomb(CONTENT_DEFLATE, coded, length, ZEROS), 1, 64 << 10);
    }
    length = code_zstd(zeros, ZEROS, 23, coded);
    assert_true(length < ZEROS / 1000);
    assert_in_range(decode_bomb(CONTENT_ZSTD, coded, length, ZEROS), 8 << 20, CONTENT_DECODER_BYTES_MAX);
    free(zeros);
}

static void zstd_windows_above_8_mib_are_refused(void **state) {
    (void)state;
    static char coded[CODED_MAX];
    char *zeros = calloc(1, 32 << 20);
    size_t length = code_zstd(zeros, 32 << 20, 24, coded);
    free(zeros);
    char out[PLAIN_MAX];
    size_t out_length = 0;
    struct problem problem;
    assert_int_equal(decode(CONTENT_ZSTD, coded, length, 0, length, PLAIN_MAX, out, &out_length, &problem),
                     PROBLEM_INVALID_ENCODING);
    assert_non_null(strstr(problem.detail, "a window of more than 8 MiB"));
    assert_int_equal(out_length, 0);
}

static void memory_that_is_short_is_a_problem_not_a_crash(void **state) {
    (void)state;
    static char coded[CODED_MAX];
    for (size_t i = 0; i < FORMATS; i++) {
        size_t length = code(&formats[i], sample, strlen(sample), coded);
        size_t limit = 0;
        enum problem_kind kind = PROBLEM_MEMORY_LIMIT;
        for (; kind == PROBLEM_MEMORY_LIMIT && limit < PLENTY; limit += 4096) {
            char out[PLAIN_MAX];
            struct content_decoder *decoder = NULL;
            struct problem problem = {0};
            plain_memory_init(&plain, limit);
            kind = content_decoder_new(formats[i].coding, &plain.base, &decoder, &problem);
            assert_int_equal(kind == PROBLEM_NONE, !!decoder);
            if (!kind) {
                struct content_io io = {.in = coded, .in_length = length, .out = out, .out_room = sizeof out};
                kind = content_decode(decoder, &io, &problem);
            }
            assert_true(plain.used_bytes <= limit);
            content_decoder_free(decoder);
            assert_int_equal(plain.used_bytes, 0);
        }
        assert_int_equal(kind, PROBLEM_NONE);
        assert_in_range(limit, 8192, CONTENT_DECODER_BYTES_MAX);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bodies_decode_at_every_split, set_up),
        cmocka_unit_test_setup(bodies_decode_through_windows_of_any_size, set_up),
        cmocka_unit_test_setup(a_truncated_body_is_refused_wherever_it_ends, set_up),
        cmocka_unit_test_setup(what_follows_the_last_member_is_refused, set_up),
        cmocka_unit_test_setup(a_changed_byte_never_changes_the_content, set_up),
        cmocka_unit_test_setup(a_mistake_has_the_same_place_however_the_body_arrives, set_up),
        cmocka_unit_test_setup(other_formats_are_refused_with_the_place, set_up),
        cmocka_unit_test_setup(frames_to_skip_are_skipped, set_up),
        cmocka_unit_test_setup(bombs_are_held_by_their_windows, set_up),
        cmocka_unit_test_setup(zstd_windows_above_8_mib_are_refused, set_up),
        cmocka_unit_test_setup(memory_that_is_short_is_a_problem_not_a_crash, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

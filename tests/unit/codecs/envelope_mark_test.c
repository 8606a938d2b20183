/* What may stand before a body: a byte order mark, or zero bytes that tell another encoding. */
#include "codecs/json/envelope.h"

#include "tests/unit/codecs/json_bodies.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { PLENTY = 1 << 28, SEEDS = 5000 };

static const struct envelope_field fields[] = {
    {"text", ENVELOPE_TEXT}, {"x", ENVELOPE_NUMBERS}, {"y", ENVELOPE_NUMBERS}, {"m", ENVELOPE_ROWS}, {NULL, 0}};

static struct plain_memory plain;

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return plain.used_bytes == 0 ? 0 : -1;
}

/* The document only if all of the body is right. */
static struct document *parse_split(const char *bytes, size_t length, struct envelope *envelope,
                                    struct problem *problem) {
    struct document *document = NULL;
    size_t peak_bytes = 0;
    *problem = (struct problem){0};
    envelope_begin(envelope, fields);
    envelope_split(envelope, bytes, length, true, NULL);
    enum problem_kind kind = envelope_parse(envelope, &plain.base, NULL, &document, &peak_bytes, problem);
    if (!kind && envelope_check_bulk(envelope, length, NULL, problem)) {
        document_free(document);
        document = NULL;
    }
    return document;
}

static void expect_detail(const char *body, enum problem_kind kind, const char *detail) {
    struct problem problem;
    struct envelope envelope;
    assert_null(parse_split(body, strlen(body), &envelope, &problem));
    assert_string_equal(problem_slug(problem.kind), problem_slug(kind));
    assert_string_equal(problem.detail, detail);
}

static const char mark[] = "\xEF\xBB\xBF";
enum { MARK_BYTES = sizeof mark - 1 };

/* "at byte 12: rest": 12 and where the rest begins; SIZE_MAX where no offset is named. */
static size_t offset_in(const char *detail, const char **rest) {
    char *end = NULL;
    bool has_offset = strncmp(detail, "at byte ", 8) == 0;
    size_t offset = has_offset ? strtoull(detail + 8, &end, 10) : SIZE_MAX;
    *rest = has_offset ? end : detail;
    return offset;
}

/* A mark before the body changes nothing but the offsets, which are the body's. */
static enum problem_kind compare_marked(const char *bytes, size_t length) {
    static char marked[MARK_BYTES + sizeof((struct body *)0)->bytes];
    struct problem plain_problem;
    struct problem marked_problem;
    struct envelope plain_envelope;
    struct envelope marked_envelope;
    memcpy(marked, mark, MARK_BYTES);
    memcpy(marked + MARK_BYTES, bytes, length);
    struct document *without = parse_split(bytes, length, &plain_envelope, &plain_problem);
    struct document *with = parse_split(marked, MARK_BYTES + length, &marked_envelope, &marked_problem);
    const char *plain_rest;
    const char *marked_rest;
    size_t expected = offset_in(plain_problem.detail, &plain_rest);
    expected += expected < SIZE_MAX ? MARK_BYTES : 0;
    if (marked_problem.kind != plain_problem.kind || offset_in(marked_problem.detail, &marked_rest) != expected ||
        strcmp(marked_rest, plain_rest) != 0 || strcmp(marked_problem.pointer, plain_problem.pointer) != 0) {
        fail_msg("%.*s: %s, with a mark %s", (int)length, bytes, plain_problem.detail, marked_problem.detail);
    }
    assert_int_equal(marked_envelope.span_count, plain_envelope.span_count);
    for (size_t i = 0; i < plain_envelope.span_count; i++) {
        const struct json_span *inside = &plain_envelope.spans[i].inside;
        assert_int_equal(marked_envelope.spans[i].inside.begin, inside->begin + MARK_BYTES);
        assert_int_equal(marked_envelope.spans[i].inside.end, inside->end + MARK_BYTES);
    }
    document_free(without);
    document_free(with);
    return plain_problem.kind;
}

static void a_byte_order_mark_changes_nothing_but_offsets(void **state) {
    (void)state;
    static struct body body;
    size_t good = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        body.random = seed * 0xC2B2AE3D27D4EB4F;
        body_write(&body);
        for (size_t spoils = seed % 3; spoils > 0; spoils--) {
            body_spoil(&body);
        }
        good += compare_marked(body.bytes, body.length) == PROBLEM_NONE;
    }
    assert_in_range(good, SEEDS / 4, SEEDS);
}

static void only_a_whole_mark_at_the_beginning_is_skipped(void **state) {
    (void)state;
    expect_detail("\xEF\xBB\xBF", PROBLEM_EMPTY_BODY, "the body is empty; a JSON object is expected");
    expect_detail("\xEF\xBB\xBF[1]", PROBLEM_NOT_AN_OBJECT, "the body is an array; a JSON object is expected");
    expect_detail("\xEF\xBB\xBF{\"a\":tru}", PROBLEM_INVALID_JSON, "at byte 12: invalid token near 'tru'");
    expect_detail("\xEF\xBB\xBF{\"x\":[1,01]}", PROBLEM_INVALID_JSON, "at byte 13: invalid token near '01'");
    static const char *const others[] = {
        "\xEF\xBB{}", "\xEF{}", " \xEF\xBB\xBF{}", "\xEF\xBB\xBF\xEF\xBB\xBF{}", "{\xEF\xBB\xBF}", "{}\xEF\xBB\xBF"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct problem problem;
        struct envelope envelope;
        assert_null(parse_split(others[i], strlen(others[i]), &envelope, &problem));
        assert_true(problem.kind == PROBLEM_INVALID_JSON || problem.kind == PROBLEM_INVALID_UTF8 ||
                    problem.kind == PROBLEM_TRAILING_DATA);
    }
}

static void another_encoding_is_told_by_name(void **state) {
    (void)state;
    static const char text[] = "{\"x\":[1,2],\"text\":\"a\"}";
    static const struct {
        const char *name;
        size_t width;
        size_t at; /* of the byte that isn't zero */
        const char *mark;
    } encodings[] = {
        {"UTF-16 (little endian)", 2, 0, "\xFF\xFE"},
        {"UTF-16 (big endian)", 2, 1, "\xFE\xFF"},
        {"UTF-32 (little endian)", 4, 0, "\xFF\xFE\0"},
        {"UTF-32 (big endian)", 4, 3, "\0\0\xFE\xFF"},
    };
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        for (size_t mark_bytes = 0; mark_bytes <= encodings[i].width; mark_bytes += encodings[i].width) {
            char body[4 * sizeof text + 4] = {0};
            char detail[96];
            struct problem problem;
            struct envelope envelope;
            memcpy(body, encodings[i].mark, mark_bytes);
            for (size_t at = 0; at < sizeof text - 1; at++) {
                body[mark_bytes + at * encodings[i].width + encodings[i].at] = text[at];
            }
            size_t length = mark_bytes + (sizeof text - 1) * encodings[i].width;
            assert_null(parse_split(body, length, &envelope, &problem));
            assert_int_equal(problem.kind, PROBLEM_INVALID_UTF8);
            (void)snprintf(detail, sizeof detail, "the body is %s; JSON is read as UTF-8", encodings[i].name);
            assert_string_equal(problem.detail, detail);
        }
    }
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_byte_order_mark_changes_nothing_but_offsets),
        cmocka_unit_test(only_a_whole_mark_at_the_beginning_is_skipped),
        cmocka_unit_test(another_encoding_is_told_by_name),
    };
    return cmocka_run_group_tests_name("envelope_mark", tests, set_up, tear_down);
}

#include "codecs/json/json_text.h"

#include "codecs/json/utf8.h"
#include "codecs/json/utf8_check.h"
#include "tests/unit/codecs/json_bodies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROOM = 8192, SEEDS = 20000, LARGE = 3 * 1024 * 1024 + 5 };

static struct guarded guarded;

static int set_up(void **state) {
    (void)state;
    return guarded_init(&guarded, ROOM) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    guarded_deinit(&guarded);
    return 0;
}

static bool scan(const char *body, size_t length, struct json_span *span) {
    *span = json_span_from(0);
    return json_scan_text(body, length, NULL, span) == JSON_SCAN_CLOSED;
}

/* The string whose inside is `inside` and whose closing quote is the last byte that can be read. */
static enum problem_kind read_text(const char *inside, size_t length, struct text_view *out, struct problem *problem) {
    char quoted[ROOM];
    memcpy(quoted, inside, length);
    quoted[length] = '"';
    char *body = guarded_at_end(&guarded, quoted, length + 1);
    struct json_span span;
    *problem = (struct problem){0};
    assert_true(scan(body, length + 1, &span));
    assert_int_equal(span.end, length);
    enum problem_kind checked = json_text_check(body, &span, NULL, problem);
    *problem = (struct problem){0};
    enum problem_kind kind = json_text_read(body, &span, NULL, out, problem);
    assert_int_equal(checked, kind);
    return kind;
}

static void expect_text(const char *inside, const char *expected, size_t expected_length) {
    struct text_view text;
    struct problem problem;
    if (read_text(inside, strlen(inside), &text, &problem)) {
        fail_msg("%s: %s", inside, problem.detail);
    }
    assert_int_equal(text.length, expected_length);
    assert_memory_equal(text.bytes, expected, expected_length);
}

static void escapes_become_what_they_stand_for(void **state) {
    (void)state;
    expect_text("", "", 0);
    expect_text("plain", "plain", 5);
    expect_text("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8);
    expect_text("\\u0041\\u00e9\\u20AC\\uFFFF", "A\u00E9\u20AC\xEF\xBF\xBF", 9);
    expect_text("\\ud83d\\ude00\\uD800\\uDC00\\udbff\\udfff", "\U0001F600\U00010000\U0010FFFF", 12);
    expect_text("a\\u0000b", "a\0b", 3);
    expect_text("\\\\\\\\\\\\n", "\\\\\\n", 4);
    expect_text("\x7F\xC3\xA9\\n\xF0\x9F\x98\x80", "\x7F\xC3\xA9\n\xF0\x9F\x98\x80", 8);
}

static void escapes_are_found_at_every_distance(void **state) {
    (void)state;
    for (size_t before = 0; before < 150; before++) {
        for (size_t between = 0; between < 80; between += 1 + between / 8) {
            char inside[ROOM];
            char expected[ROOM];
            memset(inside, 'a', before + between + 100);
            memset(expected, 'a', before + between + 100);
            memcpy(inside + before, "\\n", 2);
            memcpy(inside + before + 2 + between, "\\\\\\\"", 4);
            inside[before + between + 80] = '\0';
            expected[before] = '\n';
            memcpy(expected + before + 1 + between, "\\\"", 2);
            expect_text(inside, expected, before + between + 80 - 3);
        }
    }
}

static void texts_without_escapes_are_not_copied(void **state) {
    (void)state;
    static char body[] = "a text in a body\"";
    struct json_span span;
    struct text_view text;
    struct problem problem = {0};
    assert_true(scan(body, sizeof body - 1, &span));
    assert_int_equal(json_text_read(body, &span, NULL, &text, &problem), PROBLEM_NONE);
    assert_ptr_equal(text.bytes, body);
    assert_int_equal(text.length, sizeof body - 2);
}

static void what_is_no_text_is_refused_with_its_offset(void **state) {
    (void)state;
    static const struct {
        const char *inside;
        enum problem_kind kind;
        const char *detail;
    } cases[] = {
        {"a\\x", PROBLEM_INVALID_JSON, "at byte 3: invalid escape"},
        {"\\u12g4", PROBLEM_INVALID_JSON, "at byte 5: invalid escape"},
        {"\\u12", PROBLEM_INVALID_JSON, "at byte 5: invalid escape"},
        {"\\ud800", PROBLEM_INVALID_JSON, "at byte 1: invalid Unicode '\\ud800'"},
        {"\\n\\ndddd\\udfff", PROBLEM_INVALID_JSON, "at byte 9: invalid Unicode '\\udfff'"},
        {"\\ud800\\u0041", PROBLEM_INVALID_JSON, "at byte 1: invalid Unicode '\\ud800'"},
        {"\\ud800\\ud800\\udc00", PROBLEM_INVALID_JSON, "at byte 1: invalid Unicode '\\ud800'"},
        {"\\ud800\\n", PROBLEM_INVALID_JSON, "at byte 1: invalid Unicode '\\ud800'"},
        {"\\ud800\\x", PROBLEM_INVALID_JSON, "at byte 1: invalid Unicode '\\ud800'"},
        {"\\ud800\\u0x", PROBLEM_INVALID_JSON, "at byte 10: invalid escape"},
        {"\\ud800\xFF", PROBLEM_INVALID_JSON, "at byte 1: invalid Unicode '\\ud800'"},
        {"\xFF\\ud800", PROBLEM_INVALID_UTF8, "at byte 1: unable to decode byte 0xff"},
        {"ab\xC0\xAF", PROBLEM_INVALID_UTF8, "at byte 3: unable to decode byte 0xc0"},
        {"\xED\xA0\x80", PROBLEM_INVALID_UTF8, "at byte 1: unable to decode byte 0xed"},
        {"\xF4\x90\x80\x80", PROBLEM_INVALID_UTF8, "at byte 1: unable to decode byte 0xf4"},
        {"\xE2\x82", PROBLEM_INVALID_UTF8, "at byte 1: unable to decode byte 0xe2"},
        {"\\x\xFF", PROBLEM_INVALID_JSON, "at byte 2: invalid escape"},
        {"\xFF\\x", PROBLEM_INVALID_UTF8, "at byte 1: unable to decode byte 0xff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text_view text;
        struct problem problem;
        (void)!read_text(cases[i].inside, strlen(cases[i].inside), &text, &problem);
        assert_string_equal(problem_slug(problem.kind), problem_slug(cases[i].kind));
        assert_string_equal(problem.detail, cases[i].detail);
    }
}

static void controls_and_missing_quotes_end_a_scan(void **state) {
    (void)state;
    struct json_span span;
    for (size_t length = 1; length < 200; length++) {
        char inside[256];
        memset(inside, 'a', sizeof inside);
        assert_false(scan(guarded_at_end(&guarded, inside, length), length, &span));
        inside[0] = '\\';
        assert_false(scan(guarded_at_end(&guarded, inside, length), length, &span));
        inside[length] = '\x1F';
        inside[length + 1] = '"';
        assert_false(scan(guarded_at_end(&guarded, inside, length + 2), length + 2, &span));
        inside[0] = 'a';
        assert_false(scan(guarded_at_end(&guarded, inside, length + 2), length + 2, &span));
    }
}

static size_t valid_length(const char *bytes, size_t length) {
    size_t at = 0;
    while (at < length) {
        size_t count = utf8_length(bytes + at, length - at);
        if (count == 0) {
            break;
        }
        at += count;
    }
    return at;
}

static void the_fast_check_agrees_with_one_character_at_a_time(void **state) {
    (void)state;
    static const char *const characters[] = {"a",
                                             "a",
                                             "0123456789",
                                             "\xC2\x80",
                                             "\xDF\xBF",
                                             "\xE0\xA0\x80",
                                             "\xED\x9F\xBF",
                                             "\xEE\x80\x80",
                                             "\xEF\xBF\xBF",
                                             "\xF0\x90\x80\x80",
                                             "\xF4\x8F\xBF\xBF"};
    static struct body body;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        body.random = seed * 0x9E3779B97F4A7C15;
        body.length = 0;
        for (size_t count = 1 + body_below(&body, 150); count > 0; count--) {
            body_put(&body, BODY_PICK(&body, characters));
        }
        for (size_t spoils = seed % 3; spoils > 0; spoils--) {
            body.bytes[body_below(&body, body.length)] = (char)body_below(&body, 256);
        }
        size_t length = body.length - body_below(&body, body.length < 4 ? body.length : 4);
        size_t expected = valid_length(body.bytes, length);
        assert_int_equal(utf8_check(guarded_at_end(&guarded, body.bytes, length), length), expected);
        assert_int_equal(utf8_check(guarded_at_start(&guarded, body.bytes, length), length), expected);
    }
}

static void every_pair_and_triple_of_bytes_is_judged_alike(void **state) {
    (void)state;
    char bytes[20];
    memset(bytes, 'a', sizeof bytes);
    for (unsigned first = 0x80; first < 0x100; first++) {
        for (unsigned rest = 0; rest < 0x10000; rest += 1 + rest % 3) {
            bytes[15] = (char)first;
            bytes[16] = (char)(rest >> 8);
            bytes[17] = (char)rest;
            assert_int_equal(utf8_check(bytes, sizeof bytes), valid_length(bytes, sizeof bytes));
        }
    }
}

static void long_texts_are_checked_across_windows(void **state) {
    (void)state;
    char *body = malloc(LARGE + 1);
    assert_non_null(body);
    for (size_t at = 0; at < LARGE; at++) {
        body[at] = "\xE2\x82\xAC"[at % 3];
    }
    memcpy(body + LARGE - 2, "\\n", 2);
    body[LARGE] = '"';
    struct json_span span;
    struct text_view text;
    struct problem problem = {0};
    assert_true(scan(body, LARGE + 1, &span));
    assert_int_equal(span.end, LARGE);
    assert_int_equal(json_text_read(body, &span, NULL, &text, &problem), PROBLEM_NONE);
    assert_int_equal(text.length, LARGE - 1);
    body[2 * 1024 * 1024] = '\xFF';
    span.has_escape = false;
    assert_int_equal(json_text_check(body, &span, NULL, &problem), PROBLEM_INVALID_UTF8);
    free(body);
}

static void a_cancelled_text_is_left_early_without_a_problem(void **state) {
    (void)state;
    const _Atomic bool cancel = true;
    char body[] = "\\x\xFF\"";
    struct json_span span = {.begin = 0, .end = 3, .has_escape = true, .is_ascii = false};
    struct text_view text;
    struct problem problem = {0};
    assert_int_equal(json_text_read(body, &span, &cancel, &text, &problem), PROBLEM_NONE);
    assert_in_range(text.length, 0, 3);
}

/* ---- pieces ---- */

enum { PIECES_MAX = 9 };

/* A string of random parts; returns its length. `wrong` ones out of a hundred parts are mistakes. */
static size_t write_parts(struct body *source, char *out, size_t room, size_t parts_max, size_t wrong) {
    static const char *const right[] = {"a",
                                        "plain text ",
                                        "\\n",
                                        "\\\\",
                                        "\\\"",
                                        "\\u00e9",
                                        "\\u0041",
                                        "\xc3\xa9",
                                        "\xe2\x82\xac",
                                        "\xf0\x9f\x98\x80",
                                        "\\ud83d\\ude00",
                                        "\\uD83D\\uDE00",
                                        "ud83d"};
    static const char *const mistakes[] = {"\\x",  "\\u12",    "\\ud83d", "\\ude00",
                                           "\x80", "\xe2\x82", "\xff",    "\\u12\\n"};
    size_t length = 0;
    const char *favourite = BODY_PICK(source, right);
    for (size_t left = body_below(source, parts_max); left > 0; left--) {
        const char *part = body_below(source, 100) < wrong ? BODY_PICK(source, mistakes)
                           : body_below(source, 2) == 0    ? favourite
                                                           : BODY_PICK(source, right);
        size_t part_length = strlen(part);
        if (part_length > room - length) {
            break;
        }
        memcpy(out + length, part, part_length);
        length += part_length;
    }
    return length;
}

/* What the pieces are together: the first one's problem, or the whole text. */
static struct text_view read_pieces(char *body, const struct json_span *span, size_t count, struct problem *problem,
                                    char *text) {
    struct json_span pieces[PIECES_MAX];
    struct text_view whole = {text, 0};
    json_text_cut(body, span, count, pieces);
    *problem = (struct problem){0};
    size_t end = span->begin;
    for (size_t i = 0; i < count; i++) {
        struct text_view piece;
        struct problem found = {0};
        assert_int_equal(pieces[i].begin, end);
        end = pieces[i].end;
        if (json_text_read(body, &pieces[i], NULL, &piece, &found) && !problem->kind) {
            *problem = found;
        }
        memcpy(text + whole.length, piece.bytes, piece.length);
        whole.length += piece.length;
    }
    assert_int_equal(end, span->end);
    return whole;
}

static void pieces_give_the_text_and_the_fault_of_the_whole_string(void **state) {
    (void)state;
    struct body source = {.random = 77};
    size_t verdicts[PROBLEM_KIND_COUNT] = {0};
    for (int round = 0; round < 40000; round++) {
        char inside[ROOM], copy[ROOM], text[ROOM];
        size_t length =
            write_parts(&source, inside, sizeof inside - 1, round % 20 == 0 ? 1500 : 60, round % 4 == 1 ? 5 : 0);
        struct problem expected_problem;
        struct text_view expected;
        inside[length] = '"';
        memcpy(copy, inside, length + 1);
        struct json_span span;
        if (!scan(copy, length + 1, &span)) {
            continue; /* a mistake swallowed the quote */
        }
        enum problem_kind kind = read_text(inside, span.end, &expected, &expected_problem);
        for (size_t count = 1; count <= PIECES_MAX; count++) {
            struct problem problem;
            memcpy(copy, inside, length + 1);
            struct text_view whole = read_pieces(copy, &span, count, &problem, text);
            if (problem.kind != kind || strcmp(problem.detail, expected_problem.detail) != 0) {
                fail_msg("%.*s in %zu pieces: %s instead of %s", (int)length, inside, count, problem.detail,
                         expected_problem.detail);
            }
            verdicts[problem.kind]++;
            if (!kind) {
                assert_int_equal(whole.length, expected.length);
                assert_memory_equal(text, expected.bytes, expected.length);
            }
        }
    }
    assert_in_range(verdicts[PROBLEM_NONE], 100000, SIZE_MAX);
    assert_in_range(verdicts[PROBLEM_INVALID_JSON], 1000, SIZE_MAX);
    assert_in_range(verdicts[PROBLEM_INVALID_UTF8], 1000, SIZE_MAX);
}

/* All pieces but the last are about equal, whatever the text is made of, as long as it can be cut at all. */
static void pieces_have_about_one_length(void **state) {
    (void)state;
    static const char *const units[] = {
        "a", "word ", "\\n", "\\u0430", "\\ud83d\\ude00", "\xe2\x82\xac", "line of text\\n"};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t unit_length = strlen(units[i]);
        size_t length = LARGE / unit_length * unit_length;
        char *body = malloc(LARGE);
        assert_non_null(body);
        for (size_t at = 0; at < length; at++) {
            body[at] = units[i][at % unit_length];
        }
        struct json_span span = {.end = length, .has_escape = true};
        struct json_span pieces[PIECES_MAX];
        for (size_t count = 1; count <= PIECES_MAX; count++) {
            json_text_cut(body, &span, count, pieces);
            for (size_t j = 0; j < count; j++) {
                assert_in_range(pieces[j].end - pieces[j].begin, length / count - 20, length / count + 20);
            }
        }
        free(body);
    }
}

static void backslashes_alone_are_one_piece(void **state) {
    (void)state;
    static char body[200000];
    memset(body, '\\', sizeof body);
    struct json_span span = {.end = sizeof body, .has_escape = true};
    struct json_span pieces[PIECES_MAX];
    json_text_cut(body, &span, PIECES_MAX, pieces);
    assert_int_equal(pieces[0].end, sizeof body);
    for (size_t i = 1; i < PIECES_MAX; i++) {
        assert_int_equal(pieces[i].begin, pieces[i].end);
    }
}

/* What follows a piece is another thread's: nothing of it is read, wherever the last escapes are. */
static void nothing_behind_a_piece_is_read(void **state) {
    (void)state;
    for (size_t distance = 0; distance < 200; distance++) {
        char inside[ROOM];
        size_t length = 0;
        while (length < 200) { /* enough escapes for blocks to be moved */
            inside[length++] = '\\';
            inside[length++] = 'n';
        }
        memset(inside + length, 'a', 200);
        memcpy(inside + length + distance, "\\t", 2);
        for (size_t end = length + distance + 2; end < length + 200; end++) {
            char *body = guarded_at_end(&guarded, inside, end);
            struct json_span piece = {.end = end, .has_escape = true, .is_ascii = true};
            struct text_view read;
            struct problem problem = {0};
            assert_int_equal(json_text_read(body, &piece, NULL, &read, &problem), PROBLEM_NONE);
            assert_int_equal(read.length, end - length / 2 - 1);
            assert_int_equal(read.bytes[length / 2 + distance], '\t');
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_become_what_they_stand_for),
        cmocka_unit_test(escapes_are_found_at_every_distance),
        cmocka_unit_test(texts_without_escapes_are_not_copied),
        cmocka_unit_test(what_is_no_text_is_refused_with_its_offset),
        cmocka_unit_test(controls_and_missing_quotes_end_a_scan),
        cmocka_unit_test(the_fast_check_agrees_with_one_character_at_a_time),
        cmocka_unit_test(every_pair_and_triple_of_bytes_is_judged_alike),
        cmocka_unit_test(long_texts_are_checked_across_windows),
        cmocka_unit_test(a_cancelled_text_is_left_early_without_a_problem),
        cmocka_unit_test(pieces_give_the_text_and_the_fault_of_the_whole_string),
        cmocka_unit_test(nothing_behind_a_piece_is_read),
        cmocka_unit_test(pieces_have_about_one_length),
        cmocka_unit_test(backslashes_alone_are_one_piece),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

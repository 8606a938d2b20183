/* What jansson says of the whole body is what the envelope and its bulk members have to say together: the same kind of
 * problem, or the same values to the bit. */
#include "codecs/json/envelope.h"

#include "codecs/json/json_text.h"
#include "codecs/numbers/number_array.h"
#include "tests/unit/codecs/json_bodies.h"
#include "tests/unit/codecs/json_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { PLENTY = 1 << 28, SEEDS = 20000, ELEMENTS_MAX = 2048 };

static const struct envelope_field fields[] = {
    {"text", ENVELOPE_TEXT}, {"x", ENVELOPE_NUMBERS}, {"y", ENVELOPE_NUMBERS}, {"m", ENVELOPE_ROWS}, {NULL, 0}};

static struct plain_memory plain;
static struct guarded guarded;
static size_t rows_compared;

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    return guarded_init(&guarded, sizeof((struct body *)0)->bytes) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    guarded_deinit(&guarded);
    return plain.used_bytes == 0 ? 0 : -1;
}

static struct document *parse_whole(const char *bytes, size_t length, struct problem *problem) {
    struct document *document = NULL;
    size_t peak_bytes = 0;
    *problem = (struct problem){0};
    (void)!document_parse(bytes, length, &plain.base, &document, &peak_bytes, problem);
    return document;
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
    assert_int_equal(kind, problem->kind);
    assert_int_equal(kind == PROBLEM_NONE, !!document);
    if (!kind && envelope_check_bulk(envelope, length, NULL, problem)) {
        document_free(document);
        document = NULL;
    }
    return document;
}

static void compare_text(const struct document *whole, const char *name, char *body, const struct json_span *span) {
    struct text_view expected;
    struct text_view found;
    struct problem problem = {0};
    assert_int_equal(document_text(whole, name, &expected, &problem), PROBLEM_NONE);
    assert_int_equal(json_text_read(body, span, NULL, &found, &problem), PROBLEM_NONE);
    assert_int_equal(found.length, expected.length);
    assert_memory_equal(found.bytes, expected.bytes, expected.length);
}

static void compare_numbers(const struct document *whole, const char *name, const char *body,
                            const struct json_span *span) {
    static double expected[ELEMENTS_MAX];
    static double found[ELEMENTS_MAX];
    struct problem problem = {0};
    size_t length = 0;
    assert_int_equal(document_array_length(whole, name, &length, &problem), PROBLEM_NONE);
    assert_in_range(length, 0, ELEMENTS_MAX);
    assert_int_equal(document_array_doubles(whole, name, expected, length, NULL, &problem), PROBLEM_NONE);
    struct number_array array;
    size_t counts[ELEMENTS_MAX];
    number_array_plan(body, span, 7, &array);
    assert_in_range(array.piece_count, 0, ELEMENTS_MAX);
    for (size_t i = 0; i < array.piece_count; i++) {
        counts[i] = number_array_count(&array, i);
    }
    assert_int_equal(number_array_index(&array, counts), length);
    for (size_t i = array.piece_count; i-- > 0;) {
        assert_true(number_array_parse(&array, i, found + counts[i]));
    }
    assert_memory_equal(found, expected, length * sizeof *found);
}

static void compare_rows(const char *name, const char *body, size_t length, const struct json_span *span) {
    static const size_t piece_bytes[] = {1, 7, 64, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof piece_bytes / sizeof piece_bytes[0]; i++) {
        const char *difference = json_rows_difference(body, length, name, span, piece_bytes[i]);
        if (difference) {
            fail_msg("%.*s, pieces of %zu: %s", (int)length, body, piece_bytes[i], difference);
        }
        rows_compared++;
    }
}

static void compare_values(const struct document *whole, const struct document *split, char *body, size_t length,
                           const struct envelope *envelope) {
    static const char *const names[] = {"m", "text", "x", "y", "word", "n"}; /* reading text changes the body */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(document_type_of(split, names[i]), document_type_of(whole, names[i]));
        const struct json_span *span = envelope_find(envelope, names[i]);
        if (span && document_type_of(whole, names[i]) == DOCUMENT_STRING) {
            compare_text(whole, names[i], body, span);
        } else if (span && names[i][0] == 'm') {
            compare_rows(names[i], body, length, span);
        } else if (span) {
            compare_numbers(whole, names[i], body, span);
        }
    }
}

/* Both ways with the same bytes; the verdict that they share. */
static enum problem_kind compare(char *body, size_t length) {
    struct problem whole_problem;
    struct problem split_problem;
    struct envelope envelope;
    struct document *whole = parse_whole(body, length, &whole_problem);
    struct document *split = parse_split(body, length, &envelope, &split_problem);
    if (whole_problem.kind != split_problem.kind) {
        fail_msg("%.*s: %s (%s) instead of %s (%s)", (int)length, body, problem_slug(split_problem.kind),
                 split_problem.detail, problem_slug(whole_problem.kind), whole_problem.detail);
    }
    if (whole) {
        compare_values(whole, split, body, length, &envelope);
    }
    document_free(whole);
    document_free(split);
    return whole_problem.kind;
}

static void random_bodies_spoilt_or_not_get_the_verdict_and_the_values_of_the_whole_body(void **state) {
    (void)state;
    static struct body body;
    size_t verdicts[PROBLEM_KIND_COUNT] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        body.random = seed * 0x9E3779B97F4A7C15;
        body_write(&body);
        for (size_t spoils = seed % 4; spoils > 0; spoils--) {
            body_spoil(&body);
        }
        verdicts[compare(guarded_at_end(&guarded, body.bytes, body.length), body.length)]++;
        verdicts[compare(guarded_at_start(&guarded, body.bytes, body.length), body.length)]++;
    }
    assert_in_range(verdicts[PROBLEM_NONE], SEEDS / 4, SEEDS * 2);
    assert_in_range(verdicts[PROBLEM_INVALID_JSON], SEEDS / 4, SEEDS * 2);
    assert_in_range(verdicts[PROBLEM_INVALID_UTF8], SEEDS / 100, SEEDS * 2);
    assert_in_range(verdicts[PROBLEM_DUPLICATE_KEY], SEEDS / 100, SEEDS * 2);
    assert_in_range(verdicts[PROBLEM_TRAILING_DATA], SEEDS / 1000, SEEDS * 2);
    assert_in_range(rows_compared, SEEDS / 10, SEEDS * 8);
}

static void every_truncation_gets_the_verdict_of_the_whole_body(void **state) {
    (void)state;
    static struct body body;
    for (uint64_t seed = 1; seed <= SEEDS / 200; seed++) {
        body.random = seed * 0xD1B54A32D192ED03;
        body_write(&body);
        for (size_t length = 0; length <= body.length; length++) {
            compare(guarded_at_end(&guarded, body.bytes, length), length);
        }
    }
}

static const char *const hostile[] = {"{\"x\":[1].5}",
                                      "{\"x\":[1]5}",
                                      "{\"text\":\"a\"\"b\"}",
                                      "{\"x\":[1,],\"x\":[2]}",
                                      "{\"x\":[1e999],\"x\":[2]}",
                                      "{\"x\":[2],\"x\":[1e999]}",
                                      "{\"x\":[2],\"\\u0078\":[2]}",
                                      "{\"x\":[null],\"x\":[2]}",
                                      "{\"x\":[1e999,null]}",
                                      "{\"x\":[null,1e999]}",
                                      "{\"x\":[1,2",
                                      "{\"x\":[1,2}",
                                      "{\"x\":[1,2]",
                                      "{\"x\":[1,2],",
                                      "{\"x\":[1,2]}]",
                                      "{\"x\":[}",
                                      "{\"text\":\"\\u12\"}",
                                      "{\"text\":\"\\\"}",
                                      "{\"text\":\"\\\xFF\"}",
                                      "{\"text\":\"\\ud800\xFF\"}",
                                      "{\"text\":\"\\u\xFF\"}",
                                      "{\"text\":\"\\\n\"}",
                                      "{\"text\":\"\xFF\\x\"}",
                                      "{\"text\":\"\\x\xFF\"}",
                                      "{\"text\":\"\\ud800\",\"x\":tru}",
                                      "{\"text\":\"a\",\"x\":tru}",
                                      "{\"text\":\"\xE2\x82\",\"x\":[1]}",
                                      "{\"x\":[1e],\"y\":[1e999]}",
                                      "{\"y\":[1e999],\"x\":[1e]}",
                                      "{\"x\":[1,2]\xFF}",
                                      "{\"x\":[1\xC3\xA9]}",
                                      "[\"x\",[1]]",
                                      "{\"a\":{\"x\":[1e999]}}",
                                      "{\"x\":[1] \"y\":[2]}",
                                      "{\"x\" [1]}",
                                      "{\"x\"::[1]}",
                                      "{,\"x\":[1]}",
                                      "{\"x\":[01]} x",
                                      "{\"x\":[1]} x",
                                      "",
                                      " ",
                                      "{}",
                                      "null",
                                      "[1]",
                                      "\xFF",
                                      "{\"x\":[\"]\"]}",
                                      "{\"x\":[[1],[2]]}",
                                      "{\"text\":[1]}",
                                      "{\"text\":5,\"x\":5,\"y\":\"5\"}",
                                      "{\"x\":[!]}",
                                      "{\"x\":[1 2]}",
                                      "{\"x\":[1\x01]}",
                                      "{\"x\":[/]}",
                                      "{\"x\":[NaN]}",
                                      "{\"x\":[Infinity]}",
                                      "{\"x\":[-]}",
                                      "{\"x\":[0x1]}",
                                      "{\"m\":[]}",
                                      "{\"m\":[ \n ]}",
                                      "{\"m\":[[]]}",
                                      "{\"m\":[[ ],[]]}",
                                      "{\"m\":[[1,2],[3,4]]}",
                                      "{\"m\":[[1,2],[3]]}",
                                      "{\"m\":[[1,2],[],[3,4]]}",
                                      "{\"m\":[[1,2],[3,4],]}",
                                      "{\"m\":[[1,2],,[3,4]]}",
                                      "{\"m\":[,[3,4]]}",
                                      "{\"m\":[[1,2],[3,,4]]}",
                                      "{\"m\":[[1,2],[3,4,]]}",
                                      "{\"m\":[[1,2][3,4]]}",
                                      "{\"m\":[[1,2] [3,4]]}",
                                      "{\"m\":[[1,2],[3 4]]}",
                                      "{\"m\":[[1,2],3]}",
                                      "{\"m\":[3,[1,2]]}",
                                      "{\"m\":[[1,2]3]}",
                                      "{\"m\":[3[1,2]]}",
                                      "{\"m\":[1,2]}",
                                      "{\"m\":[[1,2],null]}",
                                      "{\"m\":[[1,null]]}",
                                      "{\"m\":[[1,2]\x01,[3]]}",
                                      "{\"m\":[[1\x01,2],[3]]}",
                                      "{\"m\":[[1,2],\v[3]]}",
                                      "{\"m\":[[[1]]]}",
                                      "{\"m\":[[1],[[2]]]}",
                                      "{\"m\":[[1],[2]}",
                                      "{\"m\":[[1],[2",
                                      "{\"m\":[[1],[2]",
                                      "{\"m\":[[1],[2]]",
                                      "{\"m\":[[1],[2]]]}",
                                      "{\"m\":[[1e999],[2]],\"x\":[01]}",
                                      "{\"x\":[01],\"m\":[[1e999],[2]]}",
                                      "{\"m\":[[1],[2]],\"m\":[[1]]}",
                                      "{\"m\":[[1],[01]],\"m\":[[1]]}",
                                      "{\"m\":\"[[1]]\"}",
                                      "{\"m\":[[1],[2]}]}",
                                      "{\"m\":[[1],{2]]}",
                                      "{\"m\":[]]}",
                                      "{\"m\":[[1.],[.5]]}",
                                      "{\"text\\u0000\":1}"};

static void hostile_bodies_get_the_verdict_of_the_whole_body(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        size_t length = strlen(hostile[i]);
        compare(guarded_at_end(&guarded, hostile[i], length), length);
    }
}

static void nesting_is_limited_in_bulk_members_as_elsewhere(void **state) {
    (void)state;
    static char body[16384];
    for (size_t depth = 2040; depth < 2056; depth++) {
        size_t length = (size_t)snprintf(body, sizeof body, "{\"x\":");
        memset(body + length, '[', depth);
        memset(body + length + depth, ']', depth);
        length += 2 * depth;
        body[length++] = '}';
        compare(body, length);
    }
    struct problem problem;
    struct envelope envelope;
    assert_null(parse_split(body, 5 + 4000, &envelope, &problem));
    assert_int_equal(problem.kind, PROBLEM_TOO_DEEP);
}

static void a_zero_byte_is_found_wherever_it_is(void **state) {
    (void)state;
    static const char body[] = "{\"text\":\"a\\n\",\"x\":[1, 2],\"word\":\"w\",\"n\":7}";
    char spoilt[sizeof body];
    for (size_t at = 0; at < sizeof body - 1; at++) {
        memcpy(spoilt, body, sizeof body);
        spoilt[at] = '\0';
        assert_int_equal(compare(spoilt, sizeof body - 1), PROBLEM_INVALID_JSON);
    }
}

static void expect_detail(const char *body, enum problem_kind kind, const char *detail) {
    struct problem problem;
    struct envelope envelope;
    assert_null(parse_split(body, strlen(body), &envelope, &problem));
    assert_string_equal(problem_slug(problem.kind), problem_slug(kind));
    assert_string_equal(problem.detail, detail);
}

static void details_name_the_offset_in_the_body(void **state) {
    (void)state;
    expect_detail("{\"x\":[1,2,3,4],\"a\":tru}", PROBLEM_INVALID_JSON, "at byte 23: invalid token near 'tru'");
    expect_detail("{\"text\":\"12345\",\"x\":[1,2,3,4],\"text\":\"\"}", PROBLEM_DUPLICATE_KEY,
                  "at byte 31: duplicate object key near '\"text\"'");
    expect_detail("{\"x\":[1,2,3,4]} x", PROBLEM_TRAILING_DATA, "at byte 17: end of file expected near 'x'");
    expect_detail("{\"a\":tru,\"x\":[1,2,3,4]}", PROBLEM_INVALID_JSON, "at byte 9: invalid token near 'tru'");
    expect_detail("{\"x\":[1,01],\"a\":tru}", PROBLEM_INVALID_JSON, "at byte 10: invalid token near '01'");
    expect_detail("{\"x\":[1,1e999],\"y\":[.5]}", PROBLEM_NUMBER_OVERFLOW,
                  "at byte 9: real number overflow near '1e999' in \"x\"; a double ends at 1.7976931348623157e308");
    expect_detail("{\"x\":[1,,2]}", PROBLEM_INVALID_JSON, "at byte 9: a number expected near ','");
    expect_detail("{\"m\":[[1,2],[3,4],]}", PROBLEM_INVALID_JSON, "at byte 19: a row expected near ']'");
    expect_detail("{\"m\":[[1,2] ,\n,[3,4]]}", PROBLEM_INVALID_JSON, "at byte 15: a row expected near ','");
    expect_detail("{\"m\":[[1,2] [3,4]]}", PROBLEM_INVALID_JSON, "at byte 13: a comma expected near '['");
    expect_detail("{\"m\":[[1,2]\x01,[3,4]]}", PROBLEM_INVALID_JSON, "at byte 12: a comma expected near '\\x01'");
    expect_detail("{\"m\":[[1,2],[3,,4]]}", PROBLEM_INVALID_JSON, "at byte 16: a number expected near ','");
    expect_detail("{\"m\":[[1,2],[3,1e999]],\"x\":[.5]}", PROBLEM_NUMBER_OVERFLOW,
                  "at byte 16: real number overflow near '1e999' in \"m\"; a double ends at 1.7976931348623157e308");
    expect_detail("{\"m\":[[1,2],[3,4]],\"a\":tru}", PROBLEM_INVALID_JSON, "at byte 27: invalid token near 'tru'");
    expect_detail("{\"text\":\"a\xFF\"}", PROBLEM_INVALID_UTF8, "at byte 11: unable to decode byte 0xff");
    expect_detail("{\"text\":\"a\\x\"}", PROBLEM_INVALID_JSON, "at byte 12: invalid escape");
    expect_detail("{\"text\":\"a\\n\\udc00b\"}", PROBLEM_INVALID_JSON, "at byte 13: invalid Unicode '\\udc00'");
}

/* The place is that of the first byte that can't be there: a number may begin with a minus, and null with an n. */
static void nan_and_infinity_are_named_as_what_json_lacks(void **state) {
    (void)state;
    static const char *const words[] = {"NaN", "Infinity", "-Infinity", "nan", "inf", "-inf", "+Infinity", "-NaN"};
    static const size_t wrong_at[] = {0, 0, 1, 1, 0, 1, 0, 1};
    static const char *const bodies[] = {"{\"x\":[1,2,%s]}", "{\"x\":[%s ,1]}", "{\"m\":[[1,2],[%s,1]]}",
                                         "{\"x\":[1,2,3],\"m\":[[1],[2]],\"text\":\"a\\n\",\"y\":%s}",
                                         "{\"a\":{\"b\":\n%s}}"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (size_t j = 0; j < sizeof bodies / sizeof *bodies; j++) {
            char body[128], detail[128];
            (void)snprintf(body, sizeof body, bodies[j], words[i]);
            (void)snprintf(detail, sizeof detail,
                           "at byte %zu: invalid token near '%s': JSON has neither NaN nor infinity",
                           (size_t)(strstr(bodies[j], "%s") - bodies[j]) + wrong_at[i] + 1, words[i]);
            expect_detail(body, PROBLEM_INVALID_JSON, detail);
        }
    }
    expect_detail("{\"x\":[1,Nano]}", PROBLEM_INVALID_JSON, "at byte 9: invalid token near 'Nano'");
    expect_detail("{\"x\":[1,-in]}", PROBLEM_INVALID_JSON, "at byte 10: invalid token near '-in'");
    expect_detail("{\"x\":[1,xNaN]}", PROBLEM_INVALID_JSON, "at byte 9: invalid token near 'xNaN'");
    expect_detail("{\"x\":[1 2],\"y\":NaN}", PROBLEM_INVALID_JSON, "at byte 9: a comma expected near '2'");
    expect_detail("{\"a\":\"b inf\n\"}", PROBLEM_INVALID_JSON, "at byte 12: a string's end expected near '\\x0a'");
    expect_detail("{\"a\":\"b \\u00nan\"}", PROBLEM_INVALID_JSON, "at byte 13: invalid escape");
    expect_detail("-", PROBLEM_INVALID_JSON, "at byte 2: invalid token near '-'");
}

static void at_a_glance_mistakes_in_bulk_members_are_not_looked_for(void **state) {
    (void)state;
    static const char body[] = "{\"x\":[1,,2],\"word\":tru}";
    for (int is_glance = 0; is_glance < 2; is_glance++) {
        struct envelope envelope;
        struct document *document = NULL;
        struct problem problem = {0};
        size_t peak_bytes = 0;
        envelope_begin(&envelope, fields);
        envelope.is_glance = is_glance;
        envelope_split(&envelope, body, sizeof body - 1, true, NULL);
        assert_int_equal(envelope_parse(&envelope, &plain.base, NULL, &document, &peak_bytes, &problem),
                         PROBLEM_INVALID_JSON);
        assert_int_equal(!!strstr(problem.detail, "at byte 9"), !is_glance);
    }
}

static void a_long_envelope_is_charged_and_given_back(void **state) {
    (void)state;
    static char body[8192];
    size_t length = (size_t)snprintf(body, sizeof body, "{\"x\":[1,2],\"word\":\"");
    memset(body + length, 'w', 6000);
    length += 6000;
    memcpy(body + length, "\"}", 2);
    length += 2;
    struct envelope envelope;
    envelope_begin(&envelope, fields);
    envelope_split(&envelope, body, length, true, NULL);
    size_t failures = 0;
    for (size_t limit = 0;; limit += 97) {
        struct document *document = NULL;
        struct problem problem = {0};
        size_t peak_bytes = 0;
        plain.limit_bytes = limit;
        enum problem_kind kind = envelope_parse(&envelope, &plain.base, NULL, &document, &peak_bytes, &problem);
        assert_true(kind == PROBLEM_NONE || kind == PROBLEM_MEMORY_LIMIT);
        assert_true(kind == PROBLEM_NONE || peak_bytes > limit);
        document_free(document);
        assert_int_equal(plain.used_bytes, 0);
        if (!kind) {
            assert_in_range(peak_bytes, 12000, limit);
            break;
        }
        failures++;
    }
    assert_in_range(failures, 100, 1000);
}

static void a_cancelled_body_is_an_empty_object(void **state) {
    (void)state;
    const _Atomic bool cancel = true;
    static const char body[] = "{\"x\":[1,2],\"word\":tru}";
    struct envelope envelope;
    struct document *document = NULL;
    struct problem problem = {0};
    size_t peak_bytes = 0;
    envelope_begin(&envelope, fields);
    envelope_split(&envelope, body, sizeof body - 1, true, &cancel);
    assert_int_equal(envelope_parse(&envelope, &plain.base, &cancel, &document, &peak_bytes, &problem), PROBLEM_NONE);
    assert_int_equal(document_type_of(document, "word"), DOCUMENT_ABSENT);
    document_free(document);
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_bodies_spoilt_or_not_get_the_verdict_and_the_values_of_the_whole_body,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_truncation_gets_the_verdict_of_the_whole_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_bodies_get_the_verdict_of_the_whole_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nesting_is_limited_in_bulk_members_as_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_zero_byte_is_found_wherever_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(details_name_the_offset_in_the_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nan_and_infinity_are_named_as_what_json_lacks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(at_a_glance_mistakes_in_bulk_members_are_not_looked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_envelope_is_charged_and_given_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cancelled_body_is_an_empty_object, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

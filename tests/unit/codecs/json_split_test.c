/* Where nested values end and where they are cut, against a reader that goes byte by byte, and the two bulk kinds of an
 * envelope that are made of them. */
#include "codecs/json/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 5000, TEXT_MAX = 1024, ENDS_MAX = TEXT_MAX };

/* The obvious way. (A backslash outside strings is no JSON: it doesn't matter what it does.) */
static size_t split_simply(const char *bytes, size_t length, size_t at, size_t *ends, size_t *count) {
    size_t depth = 0;
    *count = 0;
    bool in_text = false;
    for (; at < length; at++) {
        char byte = bytes[at];
        if (byte == '\\') {
            at += at + 1 < length && (bytes[at + 1] == '\\' || bytes[at + 1] == '"');
        } else if (in_text) {
            in_text = byte != '"';
        } else if (byte == '"') {
            in_text = true;
        } else if (byte == '[' || byte == '{') {
            depth++;
        } else if (byte == ']' || byte == '}') {
            if (depth-- == 0) {
                break;
            }
        } else if (byte == ',' && depth == 0) {
            ends[(*count)++] = at;
        }
    }
    if (at < length) {
        ends[(*count)++] = at;
    }
    return at < length ? at : length;
}

static void random_values_are_cut_where_a_simple_reader_cuts_them(void **state) {
    (void)state;
    static const char bytes[] = "[]{}\"\"\\\\,,,,aaaa    11111";
    srandom(2);
    size_t closed = 0;
    for (int i = 0; i < ROUNDS; i++) {
        /* At a block's end, so that what reads on is caught. */
        size_t length = 1 + (size_t)random() % 300;
        char *text = malloc(length);
        size_t expected[ENDS_MAX];
        size_t found[ENDS_MAX];
        size_t expected_count = 0;
        assert_non_null(text);
        for (size_t at = 0; at < length; at++) {
            text[at] = random() % 4 == 0 ? bytes[(size_t)random() % (sizeof bytes - 1)] : 'a';
        }
        size_t begin = (size_t)random() % length;
        struct json_span span = json_span_from(begin);
        size_t end = split_simply(text, length, begin, expected, &expected_count);
        enum json_scan_end scanned = json_scan_values(text, length, NULL, &span);
        assert_int_equal(scanned, end < length ? JSON_SCAN_CLOSED : JSON_SCAN_CUT);
        if (scanned == JSON_SCAN_CLOSED) {
            assert_int_equal(span.end, end);
            bool is_blank = strspn(text + begin, " ") == end - begin;
            size_t count = json_scan_split(text, &span, NULL, found, ENDS_MAX);
            assert_int_equal(count, is_blank ? 0 : expected_count);
            assert_memory_equal(found, expected, count * sizeof *found);
            if (count > 1) {
                assert_int_equal(json_scan_split(text, &span, NULL, found, count - 1), count);
            }
            closed++;
        }
        free(text);
    }
    assert_true(closed > ROUNDS / 4);
}

/* Strides are 64 bytes: quotes, escapes and brackets at each of their ends. */
static void a_stride_cuts_anywhere(void **state) {
    (void)state;
    static const char values[] = "{\"a\\\\\":[1,2,\"]\\\"}\"]},\"\\\\\",3]";
    for (size_t before = 0; before < 130; before++) {
        char text[TEXT_MAX];
        size_t ends[4];
        memset(text, ' ', before);
        memcpy(text + before, values, sizeof values - 1);
        struct json_span span = json_span_from(0);
        assert_int_equal(json_scan_values(text, before + sizeof values - 1, NULL, &span), JSON_SCAN_CLOSED);
        assert_int_equal(span.end, before + sizeof values - 2);
        assert_int_equal(json_scan_split(text, &span, NULL, ends, 3), 3);
        assert_int_equal(ends[0], before + strlen("{\"a\\\\\":[1,2,\"]\\\"}\"]}"));
        assert_int_equal(ends[1], ends[0] + strlen(",\"\\\\\""));
        assert_int_equal(ends[2], span.end);
        assert_int_equal(json_scan_nested(text, before + sizeof values - 1, before, NULL), ends[0]);
    }
}

static void nothing_is_cut_into_nothing(void **state) {
    (void)state;
    size_t ends[1];
    struct json_span empty = {.begin = 1, .end = 1};
    struct json_span spaces = {.begin = 1, .end = 4};
    assert_int_equal(json_scan_split("[]", &empty, NULL, ends, 1), 0);
    assert_int_equal(json_scan_split("[ \n ]", &spaces, NULL, ends, 1), 0);
    struct json_span comma = {.begin = 1, .end = 2};
    assert_int_equal(json_scan_split("[,]", &comma, NULL, ends, 1), 2); /* too many for one */
    struct json_span one = {.begin = 1, .end = 2};
    assert_int_equal(json_scan_split("[7]", &one, NULL, ends, 1), 1);
    assert_int_equal(ends[0], 2);
}

static void a_set_flag_ends_a_scan(void **state) {
    (void)state;
    enum { LONG = 3 * 1024 * 1024 };
    _Atomic bool cancel = true;
    char *text = malloc(LONG);
    assert_non_null(text);
    memset(text, '1', LONG);
    text[LONG - 1] = ']';
    struct json_span span = json_span_from(0);
    assert_int_equal(json_scan_values(text, LONG, &cancel, &span), JSON_SCAN_CUT);
    atomic_store(&cancel, false);
    assert_int_equal(json_scan_values(text, LONG, &cancel, &span), JSON_SCAN_CLOSED);
    free(text);
}

/* --- in an envelope ----------------------------------------------------------------------------------------------- */

static const struct envelope_field fields[] = {
    {"items", ENVELOPE_VALUES}, {"defaults", ENVELOPE_MEMBERS}, {NULL, ENVELOPE_VALUES}};
static const struct envelope_field inner_fields[] = {
    {"x", ENVELOPE_NUMBERS}, {"t", ENVELOPE_TEXT}, {NULL, ENVELOPE_TEXT}};

static enum problem_kind parse(const char *body, struct envelope *envelope, struct document **document,
                               struct problem *problem) {
    static struct plain_memory memory;
    size_t peak_bytes = 0;
    plain_memory_init(&memory, SIZE_MAX);
    *problem = (struct problem){0};
    envelope_begin(envelope, fields);
    envelope_split(envelope, body, strlen(body), true, NULL);
    return envelope_parse(envelope, &memory.base, NULL, document, &peak_bytes, problem);
}

static void values_and_members_are_bulk(void **state) {
    (void)state;
    static const char body[] =
        "{\"op\":\"a\",\"defaults\":{\"x\":[1],\"y\":{}},\"items\":[{\"x\":\"]\"},3,[]],\"n\":2}";
    struct envelope envelope;
    struct document *document;
    struct problem problem;
    assert_int_equal(parse(body, &envelope, &document, &problem), PROBLEM_NONE);
    const struct json_span *items = envelope_find(&envelope, "items");
    const struct json_span *members = envelope_find(&envelope, "defaults");
    assert_non_null(items);
    assert_non_null(members);
    assert_int_equal(members->end - members->begin, strlen("\"x\":[1],\"y\":{}"));
    assert_memory_equal(body + items->begin, "{\"x\":\"]\"},3,[]", items->end - items->begin);
    assert_int_equal(document_type_of(document, "items"), DOCUMENT_ARRAY);
    assert_int_equal(document_type_of(document, "defaults"), DOCUMENT_OBJECT);
    assert_int_equal(document_type_of(document, "n"), DOCUMENT_NUMBER);
    document_free(document);
    assert_int_equal(parse("{\"items\":{},\"defaults\":[]}", &envelope, &document, &problem), PROBLEM_NONE);
    assert_null(envelope_find(&envelope, "items")); /* of another type: the document's */
    assert_null(envelope_find(&envelope, "defaults"));
    document_free(document);
}

static void the_first_mistake_is_named_wherever_it_is(void **state) {
    (void)state;
    static const struct {
        const char *body;
        const char *detail;
    } cases[] = {
        {"{\"items\":[{\"x\":1,}],\"a\":}", "at byte 18: a name expected near '}'"},
        {"{\"items\":[{\"x\":1}],\"a\":}", "at byte 24: a value expected near '}'"},
        {"{\"items\":[1}", "at byte 12: ',' or ']' expected near '}'"},
        {"{\"defaults\":{\"a\":1]}", "at byte 19: ',' or '}' expected near ']'"},
    };
    struct envelope envelope;
    struct document *document;
    struct problem problem;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(parse(cases[i].body, &envelope, &document, &problem), PROBLEM_INVALID_JSON);
        assert_string_equal(problem.detail, cases[i].detail);
    }
    assert_int_equal(parse("{\"items\":[nul]}", &envelope, &document, &problem), PROBLEM_NONE);
    document_free(document);
    assert_int_equal(envelope_check_bulk(&envelope, SIZE_MAX, NULL, &problem), PROBLEM_INVALID_JSON);
    assert_int_equal(parse("{\"items\":[],\"items\":[1]}", &envelope, &document, &problem), PROBLEM_DUPLICATE_KEY);
}

/* An object within a body is split as one of its own, and offsets stay the body's. */
static void an_object_within_a_body_is_split_in_turn(void **state) {
    (void)state;
    static const char body[] = "\xEF\xBB\xBF{\"items\":[ {\"x\":[1,2],\"t\":\"\\n\",\"g\":0.5},{\"x\":[1],\"g\":} ]}";
    struct plain_memory memory;
    struct envelope envelope;
    struct document *document;
    struct problem problem = {0};
    size_t peak_bytes = 0;
    plain_memory_init(&memory, SIZE_MAX);
    size_t begin = strlen("\xEF\xBB\xBF{\"items\":[");
    size_t end = begin + strlen(" {\"x\":[1,2],\"t\":\"\\n\",\"g\":0.5}");
    envelope_begin(&envelope, inner_fields);
    envelope.begin = begin;
    envelope_split(&envelope, body, end, true, NULL);
    assert_int_equal(envelope_parse(&envelope, &memory.base, NULL, &document, &peak_bytes, &problem), PROBLEM_NONE);
    assert_int_equal(envelope.span_count, 2);
    assert_memory_equal(body + envelope_find(&envelope, "x")->begin, "1,2", 3);
    assert_int_equal(document_type_of(document, "g"), DOCUMENT_NUMBER);
    document_free(document);
    envelope_begin(&envelope, inner_fields);
    envelope.begin = end + 1;
    envelope_split(&envelope, body, end + 1 + strlen("{\"x\":[1],\"g\":} "), true, NULL);
    assert_int_equal(envelope_parse(&envelope, &memory.base, NULL, &document, &peak_bytes, &problem),
                     PROBLEM_INVALID_JSON);
    char detail[64];
    (void)snprintf(detail, sizeof detail, "at byte %zu: a value expected near '}'",
                   end + 1 + strlen("{\"x\":[1],\"g\":}"));
    assert_string_equal(problem.detail, detail);
    assert_int_equal(memory.used_bytes, 0);
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_values_are_cut_where_a_simple_reader_cuts_them),
        cmocka_unit_test(a_stride_cuts_anywhere),
        cmocka_unit_test(nothing_is_cut_into_nothing),
        cmocka_unit_test(a_set_flag_ends_a_scan),
        cmocka_unit_test(values_and_members_are_bulk),
        cmocka_unit_test(the_first_mistake_is_named_wherever_it_is),
        cmocka_unit_test(an_object_within_a_body_is_split_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Arrays of any name as bulk members. */
#include "codecs/json/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct plain_memory plain;

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, SIZE_MAX);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return plain.used_bytes == 0 ? 0 : -1;
}

static const struct envelope_field any_name[] = {
    {"cores", ENVELOPE_DOCUMENT}, {"", ENVELOPE_ARRAYS}, {NULL, ENVELOPE_ARRAYS}};

static struct document *parse_any(struct envelope *envelope, const char *body, size_t cut, struct problem *problem) {
    struct document *document = NULL;
    size_t peak_bytes = 0, length = strlen(body);
    *problem = (struct problem){0};
    struct memory *memory = envelope->memory;
    envelope_begin(envelope, any_name);
    envelope->memory = memory;
    envelope_split(envelope, body, cut, false, NULL);
    envelope_split(envelope, body, length, true, NULL);
    (void)!envelope_parse(envelope, &plain.base, NULL, &document, &peak_bytes, problem);
    return document;
}

/* Wherever the body was cut while it arrived. */
static void arrays_of_any_name_are_bulk_but_for_the_documents(void **state) {
    (void)state;
    static const char body[] = "{\"cores\":[1,2],\"a\":[1,2],\"b\":[[1],[2,3]],\"s\":[\"x\"],\"n\":1,\"\\u0065\":[],"
                               "\"abcdefghijklmnopqrstuvwxyzabcdef\":[1]}";
    for (size_t cut = 0; cut < sizeof body; cut++) {
        struct envelope envelope = {0};
        struct problem problem;
        struct document *document = parse_any(&envelope, body, cut, &problem);
        assert_int_equal(problem.kind, PROBLEM_NONE);
        assert_int_equal(envelope.span_count, 3);
        assert_string_equal(envelope.spans[0].field->name, "a");
        assert_string_equal(envelope.spans[1].field->name, "b");
        assert_string_equal(envelope.spans[2].field->name, "e");
        assert_int_equal(envelope.spans[0].field->kind, ENVELOPE_NUMBERS);
        assert_int_equal(envelope.spans[1].field->kind, ENVELOPE_ROWS);
        assert_memory_equal(body + envelope.spans[1].inside.begin, "[1],[2,3]]", 10);
        size_t length = 0;
        assert_int_equal(document_array_length(document, "cores", &length, &problem), PROBLEM_NONE);
        assert_int_equal(length, 2);
        assert_int_equal(document_array_length(document, "a", &length, &problem), PROBLEM_NONE);
        assert_int_equal(length, 0);
        document_free(document);
    }
}

static void arrays_of_any_name_are_limited_and_occur_once(void **state) {
    (void)state;
    struct envelope envelope = {0};
    struct problem problem;
    assert_null(parse_any(&envelope, "{\"a\":[1],\"b\":[2],\"a\":[3]}", 0, &problem));
    assert_int_equal(problem.kind, PROBLEM_DUPLICATE_KEY);
    struct document *document = parse_any(&envelope,
                                          "{\"a\":[1],\"b\":[1],\"c\":[1],\"d\":[1],\"e\":[1],\"f\":[1],\"g\":[1],"
                                          "\"h\":[1],\"i\":[1,2,3]}",
                                          0, &problem);
    size_t length = 0;
    assert_int_equal(envelope.span_count, ENVELOPE_SPANS_OWN);
    assert_int_equal(document_array_length(document, "i", &length, &problem), PROBLEM_NONE);
    assert_int_equal(length, 3);
    document_free(document);
}

/* {"a0": [0], "a1": [[1]], …}: with memory for them, however the body was cut; all that there is room for. */
static void many_arrays_take_memory(void **state) {
    (void)state;
    enum { COUNT = ENVELOPE_SPANS_MAX + 2 };
    char body[COUNT * 16] = "{";
    for (size_t i = 0; i < COUNT; i++) {
        size_t used = strlen(body);
        (void)snprintf(body + used, sizeof body - used, i % 2 ? "\"a%zu\":[[%zu]]%s" : "\"a%zu\":[%zu]%s", i, i,
                       i + 1 < COUNT ? "," : "}");
    }
    for (size_t cut = 0; cut <= strlen(body); cut++) {
        struct envelope envelope = {.memory = &plain.base};
        struct problem problem;
        struct document *document = parse_any(&envelope, body, cut, &problem);
        size_t length = 0;
        assert_int_equal(problem.kind, PROBLEM_NONE);
        assert_int_equal(envelope.span_count, ENVELOPE_SPANS_MAX);
        for (size_t i = 0; i < ENVELOPE_SPANS_MAX; i++) {
            const struct envelope_span *span = envelope_span_at(&envelope, i);
            char name[8];
            (void)snprintf(name, sizeof name, "a%zu", i);
            assert_string_equal(span->field->name, name);
            assert_int_equal(span->field->kind, i % 2 ? ENVELOPE_ROWS : ENVELOPE_NUMBERS);
            assert_ptr_equal(envelope_find(&envelope, name), &span->inside);
            assert_int_equal(strtoull(body + span->inside.begin + (i % 2), NULL, 10), i);
        }
        assert_int_equal(document_array_length(document, "a64", &length, &problem), PROBLEM_NONE);
        assert_int_equal(length, 1);
        document_free(document);
        envelope_end(&envelope);
    }
    struct envelope envelope = {.memory = &plain.base};
    struct problem problem;
    body[strlen(body) - 1] = '\0';
    assert_null(parse_any(&envelope, body, 0, &problem));
    assert_int_equal(problem.kind, PROBLEM_INVALID_JSON);
    envelope_end(&envelope);
    envelope_end(&envelope);
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arrays_of_any_name_are_bulk_but_for_the_documents, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arrays_of_any_name_are_limited_and_occur_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_arrays_take_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

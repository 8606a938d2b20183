#include "codecs/json/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct plain_memory plain;

static struct document *parse_good(const char *text) {
    struct document *document = NULL;
    struct problem problem = {0};
    size_t peak_bytes = 0;
    if (document_parse(text, strlen(text), &plain.base, &document, &peak_bytes, &problem)) {
        fail_msg("%s: %s", text, problem.detail);
    }
    return document;
}

/* Both kinds: read without jansson, and by it. */
static void what_a_document_has_not_it_inherits(void **state) {
    (void)state;
    plain_memory_init(&plain, SIZE_MAX);
    static const char *const own[] = {"{\"a\":1}", "{\"a\":1,\"o\":{}}"};
    static const char *const bases[] = {"{\"a\":2,\"b\":\"x\"}", "{\"a\":[2],\"b\":\"x\",\"o\":[]}"};
    static const char *const names[] = {"a", "o", NULL};
    const char *const *const lists[] = {names, NULL};
    for (size_t i = 0; i < 4; i++) {
        struct document *base = parse_good(bases[i / 2]);
        struct document *document = parse_good(own[i % 2]);
        struct problem problem = {0};
        struct text_view text;
        double number = 0;
        assert_int_equal(document_type_of(document, "b"), DOCUMENT_ABSENT);
        document_inherit(document, base);
        assert_int_equal(document_number(document, "a", &number, &problem), PROBLEM_NONE);
        assert_true(number == 1);
        assert_int_equal(document_text(document, "b", &text, &problem), PROBLEM_NONE);
        assert_true(document_has_own(document, "a") && !document_has_own(document, "b"));
        assert_int_equal(document_check_names(document, lists, &problem), PROBLEM_NONE); /* its own alone */
        assert_int_equal(document_type_of(document, "c"), DOCUMENT_ABSENT);
        document_inherit(document, NULL);
        assert_int_equal(document_type_of(document, "b"), DOCUMENT_ABSENT);
        document_free(document);
        document_free(base);
    }
    assert_int_equal(plain.used_bytes, 0);
}

static bool join_name(void *context, const char *name) {
    char *joined = context;
    (void)strncat(joined, name, 8);
    return strlen(joined) < 3;
}

/* Those of the base that aren't the document's own come last. */
static void names_are_visited_with_those_of_the_base(void **state) {
    (void)state;
    plain_memory_init(&plain, SIZE_MAX);
    struct document *small = parse_good("{\"x\":1,\"y\":2}"), *large = parse_good("{\"y\":[[1]],\"z\":2,\"w\":3}");
    char joined[64] = "";
    document_visit_names(small, join_name, joined);
    assert_string_equal(joined, "xy");
    document_inherit(small, large);
    joined[0] = '\0';
    document_visit_names(small, join_name, joined);
    assert_string_equal(joined, "xyz");
    document_free(small);
    document_free(large);
    assert_int_equal(plain.used_bytes, 0);
}

static void expect_refusal(struct document *document, const char *name, enum problem_kind kind, const char *pointer) {
    const char *names[1];
    struct text_view texts[1];
    struct problem problem = {0};
    size_t count = 0;
    assert_int_equal(document_texts(document, name, 1, names, texts, &count, &problem), kind);
    assert_string_equal(problem.pointer, pointer);
}

static void an_object_of_texts_is_read_in_order(void **state) {
    (void)state;
    plain_memory_init(&plain, SIZE_MAX);
    struct document *document = parse_good("{\"e\":{\"b\":\"1\",\"a\":\"x\"},\"n\":{\"a\":1},\"z\":{},\"s\":\"\"}");
    struct text_view texts[2];
    const char *names[2];
    size_t count = 0;
    struct problem problem = {0};
    assert_int_equal(document_texts(document, "e", 2, names, texts, &count, &problem), PROBLEM_NONE);
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "b");
    assert_memory_equal(texts[1].bytes, "x", 2);
    expect_refusal(document, "e", PROBLEM_OUT_OF_RANGE, "/e");
    expect_refusal(document, "n", PROBLEM_WRONG_TYPE, "/n/a");
    expect_refusal(document, "z", PROBLEM_OUT_OF_RANGE, "/z");
    expect_refusal(document, "s", PROBLEM_WRONG_TYPE, "/s");
    expect_refusal(document, "q", PROBLEM_MISSING_FIELD, "/q");
    document_free(document);
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_a_document_has_not_it_inherits),
                                       cmocka_unit_test(names_are_visited_with_those_of_the_base),
                                       cmocka_unit_test(an_object_of_texts_is_read_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

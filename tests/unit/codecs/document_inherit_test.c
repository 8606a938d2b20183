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

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_a_document_has_not_it_inherits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which bytes may have a reference in them: each that document_reference reads, however its name is written. */
#include "codecs/json/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In a block that ends where the bytes do, so that reading beyond is seen. */
static bool may_refer(const char *bytes, size_t length) {
    char *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    bool may = document_may_refer(copy, length);
    free(copy);
    return may;
}

static bool refers(const char *bytes) {
    struct plain_memory plain;
    struct document *document = NULL;
    struct document_reference reference;
    struct problem problem = {0};
    size_t peak_bytes = 0;
    plain_memory_init(&plain, 1 << 20);
    assert_int_equal(document_parse(bytes, strlen(bytes), &plain.base, &document, &peak_bytes, &problem), PROBLEM_NONE);
    bool is_one = document_reference(document, "x", &reference, &problem) == PROBLEM_NONE;
    document_free(document);
    return is_one;
}

static void a_reference_is_never_missed(void **state) {
    (void)state;
    static const char member[] = "data";
    for (unsigned escaped = 0; escaped < 16; escaped++) { /* each letter as it is, or escaped */
        char body[128] = "{\"x\":{\"";
        size_t length = strlen(body);
        for (unsigned i = 0; i < 4; i++) {
            length += (size_t)snprintf(body + length, sizeof body - length, (escaped >> i) & 1 ? "\\u00%02x" : "%c",
                                       member[i]);
        }
        length += (size_t)snprintf(body + length, sizeof body - length, "\"\n : \"name\"}}");
        assert_true(refers(body));
        assert_true(may_refer(body, length));
    }
}

static void most_bodies_have_none(void **state) {
    (void)state;
    static const char *const bodies[] = {"",     "{}",    "{\"x\":[1,2]}", "{\"x\":\"data\"", "{\"datum\":1}",
                                         "data", "\"data"};
    static const bool may[] = {false, false, false, true, false, false, false};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (may_refer(bodies[i], strlen(bodies[i])) != may[i]) {
            fail_msg("%s", bodies[i]);
        }
    }
    assert_false(document_may_refer(NULL, 0));
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reference_is_never_missed),
        cmocka_unit_test(most_bodies_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

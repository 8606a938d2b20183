/* How many spans a collector rejected of those that it answers for with 2xx. */
#include "codecs/json/partial_success.h"

#include "codecs/json/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_rejected(const char *text, uint64_t count, const char *message) {
    char found[PARTIAL_SUCCESS_MESSAGE_BYTES];
    assert_int_equal(partial_success_rejected(text, strlen(text), found), count);
    assert_string_equal(found, message);
}

static void a_string_of_digits_and_a_number_are_counted(void **state) {
    (void)state;
    expect_rejected("{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"too old\"}}", 3, "too old");
    expect_rejected("{\"partialSuccess\": {\"rejectedSpans\": 12}}", 12, "");
    expect_rejected("{\"partialSuccess\":{\"rejectedSpans\":\"9223372036854775807\"}}", INT64_MAX, "");
    expect_rejected("{\"a\":[1],\"partialSuccess\":{\"b\":{},\"rejectedSpans\":\"1\"}}", 1, "");
}

static void a_warning_rejects_nothing(void **state) {
    (void)state;
    expect_rejected("{\"partialSuccess\":{\"errorMessage\":\"slow\"}}", 0, "slow");
    expect_rejected("{\"partialSuccess\":{\"rejectedSpans\":\"0\",\"errorMessage\":\"\"}}", 0, "");
}

static void what_is_no_such_answer_rejects_nothing(void **state) {
    static const char *const texts[] = {"",
                                        "{}",
                                        "ok",
                                        "[]",
                                        "null",
                                        "{\"partialSuccess\":null}",
                                        "{\"partialSuccess\":[3]}",
                                        "{\"partialSuccess\":{}}",
                                        "{\"rejectedSpans\":\"3\"}",
                                        "{\"partialSuccess\":{\"rejectedSpans\":\"-3\"}}",
                                        "{\"partialSuccess\":{\"rejectedSpans\":-3}}",
                                        "{\"partialSuccess\":{\"rejectedSpans\":1.5}}",
                                        "{\"partialSuccess\":{\"rejectedSpans\":\"12345678901234567890\"}}",
                                        "{\"partialSuccess\":{\"rejectedSpans\":\"3\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        expect_rejected(texts[i], 0, "");
    }
}

static void a_message_is_one_readable_line(void **state) {
    enum { LENGTH = 40000 };
    static const char head[] = "{\"partialSuccess\":{\"rejectedSpans\":1,\"errorMessage\":\"";
    char found[PARTIAL_SUCCESS_MESSAGE_BYTES];
    (void)state;
    expect_rejected("{\"partialSuccess\":{\"rejectedSpans\":1,\"errorMessage\":\"a\\nb\"}}", 1, "a\\x0ab");
    char *text = malloc(LENGTH);
    assert_non_null(text);
    memset(text, 'x', LENGTH);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + LENGTH - 3, "\"}}", 3);
    assert_int_equal(partial_success_rejected(text, LENGTH, found), 1);
    assert_in_range(strlen(found), 8, PARTIAL_SUCCESS_MESSAGE_BYTES - 1);
    free(text);
}

static int set_up(void **state) {
    (void)state;
    document_library_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_of_digits_and_a_number_are_counted),
        cmocka_unit_test(a_warning_rejects_nothing),
        cmocka_unit_test(what_is_no_such_answer_rejects_nothing),
        cmocka_unit_test(a_message_is_one_readable_line),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}

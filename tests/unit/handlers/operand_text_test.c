/* Texts of a body against the document codec, for every team: what is read must not depend on who read which piece.
 *
 * ctest: threads */
#include "handlers/operand.h"
#include "handlers/options.h"

#include "tests/unit/handlers/test_call.h"

#include <stdio.h>
#include <stdlib.h>

enum { PLENTY = 1 << 28, THREADS_MAX = 4 };

static struct plain_memory plain;

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    call_release(&call);
    assert_int_equal(plain.used_bytes, 0);
    return 0;
}

static void expect_none(enum problem_kind kind) {
    if (kind || call.problem.kind) {
        fail_msg("%s: %s", problem_slug(call.problem.kind), call.problem.detail);
    }
}

static void begin_call(const char *body, size_t length, unsigned threads) {
    static const struct field fields[] = {{"t", FIELD_BODY}, {NULL, FIELD_TEXT}};
    static const struct envelope_field bulk[] = {{"t", ENVELOPE_TEXT}, {NULL, ENVELOPE_TEXT}};
    open_call(NULL, &plain.base, PLENTY);
    assert_int_equal(plain.used_bytes, 0);
    envelope_begin(&call.envelope, bulk);
    team.threads = threads;
    assert_true(give_body(&plain.base, body, length));
    expect_none(options_decode(&call, fields));
}

static void text_is_what_the_document_reads(void **state) {
    (void)state;
    static const char *const patterns[] = {"plain ", "\\\"a\\n ", "\xc3\xa9 \xf0\x9f\x98\x80",
                                           "\\u0000\\u00e9\\ud83d\\ude00\\/\\\\", "0123456789abcdef\\t"};
    static const size_t repeats[] = {0, 1, 1000, 200000};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        for (size_t j = 0; j < sizeof repeats / sizeof repeats[0]; j++) {
            size_t step = strlen(patterns[i]);
            char *body = malloc(step * repeats[j] + 64);
            assert_non_null(body);
            size_t length = (size_t)snprintf(body, 64, "{\"t\":\"");
            for (size_t k = 0; k < repeats[j]; k++, length += step) {
                memcpy(body + length, patterns[i], step);
            }
            length += (size_t)snprintf(body + length, 64, "\",\"threads\":3}");
            struct plain_memory own;
            plain_memory_init(&own, PLENTY);
            struct document *document = NULL;
            struct text_view expected = {0};
            struct problem problem = {0};
            size_t peak_bytes = 0;
            assert_int_equal(document_parse(body, length, &own.base, &document, &peak_bytes, &problem), PROBLEM_NONE);
            assert_int_equal(document_text(document, "t", &expected, &problem), PROBLEM_NONE);
            for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
                struct operand_text found;
                begin_call(body, length, threads);
                struct operand operand;
                expect_none(operand_find_text(&call, "t", &operand));
                expect_none(operand_load_text(&call, &operand, &found));
                size_t at = 0;
                for (size_t k = 0; k < found.count; at += found.pieces[k++].length) {
                    assert_in_range(found.pieces[k].length, 0, expected.length - at);
                    assert_memory_equal(found.pieces[k].bytes, expected.bytes + at, found.pieces[k].length);
                }
                assert_int_equal(at, expected.length);
                bool is_cut = strchr(patterns[i], '\\') && length > 512 * 1024;
                assert_int_equal(found.count, is_cut ? threads : 1);
            }
            document_free(document);
            free(body);
        }
    }
}

int main(void) {
    document_library_init();
    facts.config.timeout_ns = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_is_what_the_document_reads, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("operand_text", tests, NULL, NULL);
}

#include "server/engine/media.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct expectation {
    const char *header;
    bool expected;
};

static bool accepts_json(const char *accept) {
    enum media chosen;
    return media_choose(accept, MEDIA_JSON, &chosen);
}

static bool is_json(const char *content_type) {
    enum media found;
    char charset[MEDIA_CHARSET_MAX];
    return media_find(content_type, MEDIA_JSON, &found) && media_is_utf8(content_type, charset);
}

static void check(bool (*ask)(const char *), const struct expectation *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (ask(cases[i].header) != cases[i].expected) {
            fail_msg("%s: expected %d", cases[i].header ? cases[i].header : "no header", cases[i].expected);
        }
    }
}

static void the_most_specific_range_decides_what_is_accepted(void **state) {
    (void)state;
    static const struct expectation cases[] = {
        {NULL, true},
        {"", true},
        {" \t", true},
        {"*/*", true},
        {"application/*", true},
        {"application/json", true},
        {"APPLICATION/Json", true},
        {"text/html, application/json", true},
        {"text/html,application/json;q=0.1", true},
        {"text/html , */* ; q=0.01", true},
        {"application/json; version=1", true},
        {"text/html", false},
        {"text/*", false},
        {"application/jsonp", false},
        {"application/jso", false},
        {"application", false},
        {"application/**", false},
        {"applications/*", false},
        {"*", true},
        {"*; q=.2", true},
        {"*;q=0", false},
        {"**", false},
        {"application/json;q=0", false},
        {"application/json; Q=0.000", false},
        {"application/json;q=0, */*", false},
        {"*/*, application/json;q=0", false},
        {"application/*;q=0, */*", false},
        {"application/json, */*;q=0", true},
        {"application/*, */*;q=0", true},
        {"*/*;q=0", false},
        {"text/html;level=\"1,application/json\"", false},
        {"text/html;note=\"a\\\",\", application/json", true},
        {"text/html;note=\"never closed, application/json", false},
        {",,application/json,", true},
        {"application/json;q=", true},
        {"application/json;q=0.001", true},
        {"application/json;version=0;q=0", false},
    };
    check(accepts_json, cases, sizeof cases / sizeof *cases);
}

/* What they really send, or have sent for years. */
static void clients_that_take_anything_get_an_answer(void **state) {
    (void)state;
    static const struct expectation cases[] = {
        {"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", true}, /* Java's HttpURLConnection */
        {"application/json, application/*+json", true},                 /* Spring's RestTemplate */
        {"text/plain, application/json, application/*+json, */*", true},
        {"application/json, text/plain, */*", true},                                                /* axios, Angular */
        {"*/*;q=0.8,application/signed-exchange;v=b3;q=0.7,text/html,application/xhtml+xml", true}, /* Chrome */
        {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", true},
        {"image/gif, image/x-xbitmap, application/x-shockwave-flash, */*", true}, /* Internet Explorer */
        {"application/json, text/xml, application/xml, */*", true},               /* R's httr */
        {"application/json; charset=utf-8", true},
        {"application/json;odata=verbose", true}, /* .NET */
        {"application/json; q=1.0, */*; q=0.1", true},
        {"text/html; q=1.0, text/*; q=0.8, image/gif; q=0.6, */*; q=0.1", true},
    };
    check(accepts_json, cases, sizeof cases / sizeof *cases);
}

static void weights_are_read_as_they_are_meant(void **state) {
    (void)state;
    static const struct expectation cases[] = {
        {"application/json;q=.2", true},
        {"application/json;q=1.", true},
        {"application/json;q=0.", false},
        {"application/json;q=.0", false},
        {"application/json;q=0.0000", false},
        {"application/json;q=00", false},
        {"application/json;q=0.0001", true},
        {"application/json;q=0.12345678", true},
        {"application/json;q=10", true},
        {"application/json; q = 0", false},
        {"application/json\t;\tq\t=\t0\t", false},
        {"application/json;q=\"0\"", false},
        {"application/json;q=\"0.5\"", true},
        {"application/json;q", true},
        {"application/json;q=x", true},
        {"application/json;q=-1", true},
        {"application/json;q=.", true},
        {"application/json;q=0x", true},
        {"application/json;;q=0", false},
        {"application/json;q=0;x=1", false},
        {"application/json;q=0,", false},
    };
    check(accepts_json, cases, sizeof cases / sizeof *cases);
}

/* An answer's media type has no parameters: a range that has some asks for a variant. */
static void a_range_with_parameters_asks_for_the_type_but_refuses_a_variant_alone(void **state) {
    (void)state;
    static const struct expectation cases[] = {
        {"application/json;charset=utf-8", true},
        {"application/json; profile=\"a,b;q=0\"", true},
        {"text/html, application/json; profile=\"a\\\",b\"; q=0.5", true},
        {"application/json;version=2;q=0, */*", true},
        {"application/json;version=2;q=0, application/json", true},
        {"application/json;q=0, application/json;version=2", true},
        {"application/json;version=2;q=0", false},
        {"application/json;version=2;q=0, */*;q=0", false},
    };
    check(accepts_json, cases, sizeof cases / sizeof *cases);
}

static void an_accept_without_any_range_takes_anything(void **state) {
    (void)state;
    static const struct expectation cases[] = {
        {",", true}, {" , ,\t", true}, {";q=0", true}, {", text/html", false}, {";q=0, text/html", false},
    };
    check(accepts_json, cases, sizeof cases / sizeof *cases);
}

static void a_content_type_is_compared_without_case_and_in_utf8(void **state) {
    (void)state;
    static const struct expectation cases[] = {
        {NULL, false},
        {"", false},
        {"application/json", true},
        {" Application/JSON ", true},
        {"application/json;charset=utf-8", true},
        {"application/json ; charset=UTF-8 ", true},
        {"application/json; charset=\"utf-8\"", true},
        {"application/json; profile=x; charset=utf-8", true},
        {"application/json;", true},
        {"application/json; profile=\"a;charset=latin1\"", true},
        {"application/json; charset=latin1", false},
        {"application/json; charset=", false},
        {"application/json; charset=utf-8x", false},
        {"application/json; charset=utf-8; charset=utf-16", false},
        {"application/json, text/plain", false},
        {"application/jsonl", false},
        {"text/plain", false},
        {"*/*", false},
    };
    check(is_json, cases, sizeof cases / sizeof *cases);
}

/* Every name that UTF-8 or ASCII has … */
static const char *const utf8_names[] = {
    "utf-8",
    "UTF-8",
    "utf8",
    "UTF8",
    "Utf_8",
    "csUTF8",
    "unicode-1-1-utf-8",
    "unicode11utf8",
    "unicode20utf8",
    "x-unicode20utf8",
    "utf-8-sig",
    "cp65001",
    "us-ascii",
    "US-ASCII",
    "ascii",
    "csASCII",
    "us",
    "ISO646-US",
    "iso646-us",
    "ANSI_X3.4-1968",
    "ansi_x3.4-1968",
    "ANSI_X3.4-1986",
    "ISO_646.irv:1991",
    "iso-ir-6",
    "IBM367",
    "cp367",
    "646",
    "\"utf-8\"",
    "\"utf\\-8\"",
    "\"\\u\\t\\f\\8\"",
    "'utf-8'",
    " \t utf8 \t ",
};
/* … and what looks like one. */
static const char *const other_names[] = {
    "latin1",   "latin-1", "iso-8859-1",     "ISO8859-1", "windows-1252", "cp1252",    "utf-16",
    "utf-16le", "utf-32",  "utf-7",          "unicode",   "ucs-2",        "shift_jis", "gbk",
    "gb18030",  "binary",  "x-user-defined", "utf",       "utf-8x",       "utf-88",    "xutf-8",
    "utf8mb",   "",        "\"\"",           "\"",        "\"utf-8",      "utf-8\"",   "\"utf-8;\"",
    "utf 8",    "u,t,f,8", "ansi",           "us-asci",   "iso-646",
};
static void charsets_have_many_names(void **state) {
    (void)state;
    char header[128];
    for (size_t i = 0; i < sizeof utf8_names / sizeof *utf8_names; i++) {
        (void)snprintf(header, sizeof header, "application/json;charset=%s", utf8_names[i]);
        if (!is_json(header)) {
            fail_msg("%s is refused", header);
        }
        (void)snprintf(header, sizeof header, "application/json ; a=b ; Charset = %s ; c=\"d\"", utf8_names[i]);
        if (!is_json(header)) {
            fail_msg("%s is refused", header);
        }
    }
    for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++) {
        (void)snprintf(header, sizeof header, "application/json; charset=%s", other_names[i]);
        if (is_json(header)) {
            fail_msg("%s is taken for UTF-8", header);
        }
    }
}

static void a_refused_charset_is_told_as_it_came(void **state) {
    (void)state;
    char charset[MEDIA_CHARSET_MAX];
    assert_false(media_is_utf8("text/plain; charset=ISO-8859-1 ; x=y", charset));
    assert_string_equal(charset, "ISO-8859-1");
    assert_false(media_is_utf8("text/plain; charset=utf8; charset=\"utf\\-16\"", charset));
    assert_string_equal(charset, "utf-16");
    char header[512] = "text/plain; charset=";
    memset(header + strlen(header), 'u', 400);
    assert_false(media_is_utf8(header, charset));
    assert_int_equal(strlen(charset), MEDIA_CHARSET_MAX - 1);
}

/* Expected: what is chosen out of JSON and .npy, 0 for neither. */
static void the_highest_weight_is_chosen_json_among_equals(void **state) {
    (void)state;
    static const struct {
        const char *accept;
        unsigned chosen;
    } cases[] = {
        {NULL, MEDIA_JSON},
        {"*/*", MEDIA_JSON},
        {"application/*", MEDIA_JSON},
        {"application/x-npy", MEDIA_NPY},
        {"application/x-npy, application/json", MEDIA_JSON},
        {"application/x-npy, application/json;q=1", MEDIA_JSON},
        {"application/x-npy;q=1, application/json", MEDIA_JSON},
        {"application/x-npy, application/json;q=0.9", MEDIA_NPY},
        {"application/x-npy;q=0.199, application/json;q=0.2", MEDIA_JSON},
        {"application/json;q=0.199, application/x-npy;q=0.2", MEDIA_NPY},
        {"application/json;q=0.9, application/json;q=0.1, application/x-npy;q=0.5", MEDIA_JSON},
        {"application/json;q=0.1, application/json;q=0.9, application/x-npy;q=0.5", MEDIA_JSON},
        {"application/x-npy;q=0.5, application/json;q=0.501", MEDIA_JSON},
        {"application/x-npy, */*;q=0.5", MEDIA_NPY},
        {"application/json;q=0, */*;q=0.1", MEDIA_NPY},
        {"text/plain, application/yaml", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum media chosen = 0;
        bool found = media_choose(cases[i].accept, MEDIA_JSON | MEDIA_NPY, &chosen);
        if (chosen != cases[i].chosen || found != (cases[i].chosen != 0)) {
            fail_msg("%s: %u instead of %u", cases[i].accept ? cases[i].accept : "no header", chosen, cases[i].chosen);
        }
    }
}

static void names_are_listed_and_found(void **state) {
    (void)state;
    char names[MEDIA_NAMES_MAX];
    enum media found;
    assert_string_equal(media_list(MEDIA_JSON | MEDIA_NPY, names, sizeof names),
                        "application/json or application/x-npy");
    for (unsigned media = MEDIA_JSON; media <= MEDIA_STYLE; media *= 2) {
        assert_true(media_find(media_name((enum media)media), UINT_MAX, &found));
        assert_int_equal(found, media);
    }
    assert_true(media_find("text/plain; charset=UTF-8", MEDIA_JSON | MEDIA_TEXT, &found));
    assert_int_equal(found, MEDIA_TEXT);
    assert_true(media_has_parts(MEDIA_NDJSON));
    assert_false(media_has_parts(MEDIA_JSON));
    assert_false(media_find("application/x-npy", MEDIA_JSON | MEDIA_TEXT, &found));
}

/* At every size, of a block that ends where the size says (AddressSanitizer sees what is behind). */
static void a_list_never_passes_its_buffer(void **state) {
    (void)state;
    static const char *const lists[] = {"",
                                        "application/json",
                                        "application/json or text/plain",
                                        "application/json or text/plain or application/x-npy",
                                        "application/json or text/plain or application/x-npy or application/yaml",
                                        ("application/json or text/plain or application/x-npy or application/yaml or "
                                         "application/x-ndjson"),
                                        ("application/json or text/plain or application/x-npy or application/yaml or "
                                         "application/x-ndjson or text/event-stream"),
                                        ("application/json or text/plain or application/x-npy or application/yaml or "
                                         "application/x-ndjson or text/event-stream or application/openmetrics-text")};
    enum { LISTS = sizeof lists / sizeof *lists };
    unsigned all = MEDIA_JSON | MEDIA_TEXT | MEDIA_NPY | MEDIA_YAML | MEDIA_NDJSON | MEDIA_EVENTS | MEDIA_OPENMETRICS;
    assert_true(strlen(lists[LISTS - 1]) < MEDIA_NAMES_MAX);
    for (size_t size = 1; size <= MEDIA_NAMES_MAX; size++) {
        char *out = malloc(size);
        assert_non_null(out);
        size_t fitting = 0;
        while (fitting + 1 < LISTS && strlen(lists[fitting + 1]) < size) {
            fitting++;
        }
        assert_ptr_equal(media_list(all, out, size), out);
        assert_string_equal(out, lists[fitting]);
        free(out);
    }
    char names[MEDIA_NAMES_MAX];
    const char *everything = "application/json or text/plain or application/x-npy or application/yaml or "
                             "application/x-ndjson or text/event-stream or application/openmetrics-text or "
                             "text/html or text/javascript or text/css";
    assert_string_equal(media_list(UINT_MAX, names, sizeof names), everything);
    assert_string_equal(media_list(0, names, sizeof names), "");
    assert_string_equal(media_list(MEDIA_YAML, names, sizeof names), "application/yaml");
}

static void a_field_lists_media_with_commas(void **state) {
    (void)state;
    char out[MEDIA_NAMES_MAX];
    assert_string_equal(media_field(MEDIA_JSON | MEDIA_TEXT, out, sizeof out), "application/json, text/plain");
    assert_string_equal(media_field(MEDIA_NPY, out, sizeof out), "application/x-npy");
    assert_string_equal(media_field(0, out, sizeof out), "");
    assert_string_equal(media_field(MEDIA_JSON | MEDIA_TEXT, out, 20), "application/json");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_highest_weight_is_chosen_json_among_equals),
        cmocka_unit_test(names_are_listed_and_found),
        cmocka_unit_test(a_list_never_passes_its_buffer),
        cmocka_unit_test(the_most_specific_range_decides_what_is_accepted),
        cmocka_unit_test(clients_that_take_anything_get_an_answer),
        cmocka_unit_test(weights_are_read_as_they_are_meant),
        cmocka_unit_test(a_range_with_parameters_asks_for_the_type_but_refuses_a_variant_alone),
        cmocka_unit_test(an_accept_without_any_range_takes_anything),
        cmocka_unit_test(charsets_have_many_names),
        cmocka_unit_test(a_refused_charset_is_told_as_it_came),
        cmocka_unit_test(a_content_type_is_compared_without_case_and_in_utf8),
        cmocka_unit_test(a_field_lists_media_with_commas),
    };
    return cmocka_run_group_tests_name("media", tests, NULL, NULL);
}

#include "server/engine/media.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
    return media_find(content_type, MEDIA_JSON, &found);
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
        {"*", false},
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
        {"application/x-npy, application/json;q=0.9", MEDIA_NPY},
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
    assert_string_equal(media_name(MEDIA_YAML), "application/yaml");
    assert_true(media_find("text/plain; charset=UTF-8", MEDIA_JSON | MEDIA_TEXT, &found));
    assert_int_equal(found, MEDIA_TEXT);
    assert_false(media_find("application/x-npy", MEDIA_JSON | MEDIA_TEXT, &found));
}

/* At every size, of a block that ends where the size says (AddressSanitizer sees what is behind). */
static void a_list_never_passes_its_buffer(void **state) {
    (void)state;
    static const char *const lists[] = {"", "application/json", "application/json or text/plain",
                                        "application/json or text/plain or application/x-npy",
                                        "application/json or text/plain or application/x-npy or application/yaml"};
    enum { LISTS = sizeof lists / sizeof *lists };
    unsigned all = MEDIA_JSON | MEDIA_TEXT | MEDIA_NPY | MEDIA_YAML;
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
        cmocka_unit_test(a_content_type_is_compared_without_case_and_in_utf8),
        cmocka_unit_test(a_field_lists_media_with_commas),
    };
    return cmocka_run_group_tests_name("media", tests, NULL, NULL);
}

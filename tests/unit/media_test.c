#include "server/media.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct expectation {
    const char *header;
    bool expected;
};

static void check(bool (*ask)(const char *, const char *), const struct expectation *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (ask(cases[i].header, "application/json") != cases[i].expected)
            fail_msg("%s: expected %d", cases[i].header != NULL ? cases[i].header : "no header", cases[i].expected);
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
    check(media_accepts, cases, sizeof cases / sizeof *cases);
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
    check(media_type_is, cases, sizeof cases / sizeof *cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_specific_range_decides_what_is_accepted),
        cmocka_unit_test(a_content_type_is_compared_without_case_and_in_utf8),
    };
    return cmocka_run_group_tests_name("media", tests, NULL, NULL);
}

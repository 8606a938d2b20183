/* A route's path as the outside writes it. */
#include "codecs/path_template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_template(const char *path, const char *expected) {
    char out[PATH_TEMPLATE_BYTES];
    memset(out, '#', sizeof out);
    path_template_print(path, out);
    assert_string_equal(out, expected);
}

static void only_dots_before_the_last_brace_go(void **state) {
    (void)state;
    expect_template("/", "/");
    expect_template("/v1/gaussian", "/v1/gaussian");
    expect_template("/v1/jobs/{id}/result", "/v1/jobs/{id}/result");
    expect_template("/v1/data/{name...}", "/v1/data/{name}");
    expect_template("/a...", "/a...");
}

static void what_is_too_long_is_cut(void **state) {
    char path[2 * PATH_TEMPLATE_BYTES], cut[PATH_TEMPLATE_BYTES];
    (void)state;
    memset(path, 'a', sizeof path);
    memset(cut, 'a', sizeof cut);
    path[sizeof path - 1] = cut[sizeof cut - 1] = '\0';
    expect_template(path, cut);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_dots_before_the_last_brace_go),
        cmocka_unit_test(what_is_too_long_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

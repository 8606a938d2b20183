#include "server/http/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct endpoint rows[] = {
    {.method = ENDPOINT_GET, .path = "/"},
    {.method = ENDPOINT_POST, .path = "/v1/compute"},
    {.method = ENDPOINT_GET, .path = "/v1"},
};
static const struct endpoint *const endpoints[] = {&rows[0], &rows[1], &rows[2]};
enum { COUNT = sizeof endpoints / sizeof *endpoints };

static void expect_path(const char *target, const char *expected) {
    struct text_view path = route_path(target);
    if (path.length != strlen(expected) || memcmp(path.bytes, expected, path.length) != 0) {
        fail_msg("%s: %.*s instead of %s", target, (int)path.length, path.bytes, expected);
    }
}

static void an_absolute_target_loses_scheme_and_host(void **state) {
    (void)state;
    expect_path("/v1/compute", "/v1/compute");
    expect_path("*", "*");
    expect_path("", "");
    expect_path("http://localhost:8080/v1", "/v1");
    expect_path("HTTPS://localhost/v1/http://x/", "/v1/http://x/");
    expect_path("http://localhost", "/");
    expect_path("/http://localhost/v1", "/http://localhost/v1");
    expect_path("ftp://localhost/v1", "ftp://localhost/v1");
}

static void a_path_ends_before_the_query(void **state) {
    (void)state;
    expect_path("/v1?a=/v2?", "/v1");
    expect_path("/?", "/");
    expect_path("?a", "");
    expect_path("http://localhost?a=/v1", "/");
    expect_path("http://localhost/v1?http://x/", "/v1");
    expect_path("/v1%3Fa", "/v1%3Fa");
}

static const struct endpoint *find(const char *target) {
    return route_find(endpoints, COUNT, route_path(target));
}

/* Whatever else a reader of URLs could take for the same path. */
static void only_the_path_itself_is_found(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(find(rows[i].path), &rows[i]);
    }
    assert_ptr_equal(find("http://localhost/v1/compute?threads=2"), &rows[1]);
    static const char *const unknown[] = {
        "",
        "/v1/",
        "/v1/comput",
        "/v1/computes",
        "/V1/compute",
        "//",
        "*",
        "/v1%2fcompute",
        "/v1%2Fcompute",
        "/v1/%63ompute",
        "/%76%31/compute",
        "%2Fv1",
        "%2F",
        "/v1/compute%00",
        "/v1/compute%3Fa",
        "/v1/compute%20",
        "/v1/./compute",
        "/v1/../v1/compute",
        "/v1/%2e/compute",
        "/x/%2e%2e/v1",
        "/v1/compute/..",
        "/v1//compute",
        "//v1/compute",
        "/v1/compute;a=1",
        "/v1/compute#a",
        "/v1\\compute",
        "/v1%5Ccompute",
        "/v1%252fcompute",
        "http://localhost//v1",
        "http://localhost/v1%2fcompute",
    };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        if (find(unknown[i])) {
            fail_msg("%s leads to %s", unknown[i], find(unknown[i])->path);
        }
    }
    assert_null(route_find(endpoints, 0, route_path("/")));
}

static void allow_names_the_methods_of_an_endpoint(void **state) {
    (void)state;
    assert_string_equal(route_allow(&rows[0]), "GET, HEAD, OPTIONS");
    assert_string_equal(route_allow(&rows[1]), "POST, QUERY, OPTIONS");
    assert_string_equal(route_allow(NULL), "GET, HEAD, POST, QUERY, OPTIONS");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absolute_target_loses_scheme_and_host),
        cmocka_unit_test(a_path_ends_before_the_query),
        cmocka_unit_test(only_the_path_itself_is_found),
        cmocka_unit_test(allow_names_the_methods_of_an_endpoint),
    };
    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}

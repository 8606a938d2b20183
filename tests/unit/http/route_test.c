#include "server/http/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct endpoint rows[] = {
    {.method = ENDPOINT_GET, .path = "/"},
    {.method = ENDPOINT_POST, .path = "/v1/compute"},
    {.method = ENDPOINT_GET, .path = "/v1"},
};
static const struct endpoint *const endpoints[] = {&rows[0], &rows[1], &rows[2]};
enum { COUNT = sizeof endpoints / sizeof *endpoints };

static void an_absolute_target_loses_scheme_and_host(void **state) {
    (void)state;
    assert_string_equal(route_path("/v1/compute"), "/v1/compute");
    assert_string_equal(route_path("*"), "*");
    assert_string_equal(route_path(""), "");
    assert_string_equal(route_path("http://localhost:8080/v1"), "/v1");
    assert_string_equal(route_path("HTTPS://localhost/v1/http://x/"), "/v1/http://x/");
    assert_string_equal(route_path("http://localhost"), "/");
    assert_string_equal(route_path("/http://localhost/v1"), "/http://localhost/v1");
    assert_string_equal(route_path("ftp://localhost/v1"), "ftp://localhost/v1");
}

static void only_the_whole_path_is_found(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(route_find(endpoints, COUNT, rows[i].path), &rows[i]);
    }
    static const char *const unknown[] = {"", "/v1/", "/v1/comput", "/v1/computes", "/V1/compute", "//", "*"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_null(route_find(endpoints, COUNT, unknown[i]));
    }
    assert_null(route_find(endpoints, 0, "/"));
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
        cmocka_unit_test(only_the_whole_path_is_found),
        cmocka_unit_test(allow_names_the_methods_of_an_endpoint),
    };
    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}

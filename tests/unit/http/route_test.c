#include "server/http/route.h"

#include "server/engine/metrics.h"

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
    {.method = ENDPOINT_GET, .path = "/v1/jobs/{id}"},
    {.method = ENDPOINT_DELETE, .path = "/v1/jobs/{id}"},
    {.method = ENDPOINT_GET, .path = "/v1/jobs/{id}/result"},
    {.method = ENDPOINT_GET, .path = "/v1/data"},
    {.method = ENDPOINT_GET, .path = "/v1/data/{name...}"},
    {.method = ENDPOINT_PUT, .path = "/v1/data/{name...}"},
    {.method = ENDPOINT_DELETE, .path = "/v1/data/{name...}"},
};
static const struct endpoint *const endpoints[] = {&rows[0], &rows[1], &rows[2], &rows[3], &rows[4],
                                                   &rows[5], &rows[6], &rows[7], &rows[8], &rows[9]};
enum { COUNT = sizeof endpoints / sizeof *endpoints };

static void expect_path(const char *target, const char *expected) {
    struct text_view path = route_path(target);
    if (path.length != strlen(expected) || memcmp(path.bytes, expected, path.length) != 0) {
        fail_msg("%s: %.*s instead of %s", target, (int)path.length, path.bytes, expected);
    }
}

static void the_log_is_told_no_host_and_no_user(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"/v1?a:b@c", "/v1?a:b@c"},
        {"/a:b@c", "/a:b@c"},
        {"*", "*"},
        {"", ""},
        {"livez", "livez"},
        {"livez?a=b:c", "livez?a=b:c"},
        {"http://localhost:80/v1?a", "/v1?a"},
        {"http://user:secret@a/v1", "/v1"},
        {"HTTPS://user:secret@a", "/"},
        {"http://user:secret@a?b", "/"},
        {"http://user:sec", "/"}, /* cut */
        {"ftp://user:secret@a/v1", ""},
        {"http:/user:secret@a/v1", ""},
        {"user:secret@a:443", ""},
        {"user@a", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(route_told(cases[i][0]), cases[i][1]);
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
    expect_path("http:///v1", "/v1");
    expect_path("https:///v1", "/v1");
    expect_path("https:/a/v1", "https:/a/v1");
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
    return route_find(endpoints, COUNT, route_path(target)).endpoint;
}

/* Whatever else a reader of URLs could take for the same path. */
static void only_the_path_itself_is_found(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
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
    assert_null(route_find(endpoints, 0, route_path("/")).endpoint);
    assert_int_equal(route_find(endpoints, COUNT, route_path("/v1/compute")).index, 1);
    assert_int_equal(route_find(endpoints, COUNT, route_path("/v1/computes")).index, COUNT);
}

static void expect_part(const char *target, size_t row, const char *part) {
    struct route route = route_find(endpoints, COUNT, route_path(target));
    if (route.endpoint != &rows[row] || route.part.length != strlen(part) ||
        (*part && memcmp(route.part.bytes, part, route.part.length) != 0)) {
        fail_msg("%s leads to %s with \"%.*s\"", target, route.endpoint ? route.endpoint->path : "nothing",
                 (int)route.part.length, route.part.length > 0 ? route.part.bytes : "");
    }
}

static void braces_stand_for_a_part_of_the_path(void **state) {
    (void)state;
    expect_part("/v1/jobs/17", 3, "17");
    expect_part("/v1/jobs/17?wait=1", 3, "17");
    expect_part("http://localhost/v1/jobs/a%2Fb", 3, "a%2Fb");
    expect_part("/v1/jobs/17/result", 5, "17");
    expect_part("/v1/jobs/result/result", 5, "result");
    expect_part("/v1/data", 6, "");
    expect_part("/v1/data/a", 7, "a");
    expect_part("/v1/data/a/b//c/", 7, "a/b//c/");
    expect_part("/v1/compute", 1, "");
    static const char *const unknown[] = {
        "/v1/jobs",          "/v1/jobs/",           "/v1/jobs//result", "/v1/jobs/17/",
        "/v1/jobs/17/resul", "/v1/jobs/17/results", "/v1/data/",        "/v1/dat"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        if (find(unknown[i])) {
            fail_msg("%s leads to %s", unknown[i], find(unknown[i])->path);
        }
    }
}

static void expect_choice(size_t found, enum request_method method, const struct endpoint *expected) {
    assert_ptr_equal(route_choose(endpoints, COUNT, &rows[found], method), expected);
}

static void a_path_has_a_row_for_each_of_its_methods(void **state) {
    (void)state;
    expect_choice(0, REQUEST_GET, &rows[0]);
    expect_choice(1, REQUEST_POST, &rows[1]);
    expect_choice(1, REQUEST_QUERY, &rows[1]);
    expect_choice(1, REQUEST_GET, NULL);
    expect_choice(1, REQUEST_OTHER_METHOD, NULL);
    expect_choice(3, REQUEST_GET, &rows[3]);
    expect_choice(3, REQUEST_HEAD, &rows[3]);
    expect_choice(3, REQUEST_DELETE, &rows[4]);
    expect_choice(3, REQUEST_PUT, NULL);
    expect_choice(7, REQUEST_PUT, &rows[8]);
    expect_choice(7, REQUEST_DELETE, &rows[9]);
    expect_choice(7, REQUEST_OPTIONS, NULL);
}

static void allow_names_the_methods_of_a_path(void **state) {
    (void)state;
    assert_string_equal(route_allow(endpoints, COUNT, &rows[0]), "GET, HEAD, OPTIONS");
    assert_string_equal(route_allow(endpoints, COUNT, &rows[1]), "POST, QUERY, OPTIONS");
    assert_string_equal(route_allow(endpoints, COUNT, &rows[3]), "GET, HEAD, DELETE, OPTIONS");
    assert_string_equal(route_allow(endpoints, COUNT, &rows[7]), "GET, HEAD, PUT, DELETE, OPTIONS");
    assert_string_equal(route_allow(endpoints, 3, NULL), "GET, HEAD, POST, QUERY, OPTIONS");
    assert_string_equal(route_allow(endpoints, COUNT, NULL), "GET, HEAD, POST, QUERY, PUT, DELETE, OPTIONS");
}

static void methods_are_known_by_their_names(void **state) {
    (void)state;
    static const char *const names[] = {"GET", "HEAD", "POST", "QUERY", "PUT", "DELETE", "OPTIONS"};
    static const char *const others[] = {"", "get", "GETS", "GE", "PATCH", "TRACE", " GET"};
    for (int i = 0; i < REQUEST_OTHER_METHOD; i++) {
        assert_int_equal(route_method(names[i]), i);
        assert_string_equal(metrics_method((unsigned)i), names[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(route_method(others[i]), REQUEST_OTHER_METHOD);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absolute_target_loses_scheme_and_host),
        cmocka_unit_test(the_log_is_told_no_host_and_no_user),
        cmocka_unit_test(a_path_ends_before_the_query),
        cmocka_unit_test(only_the_path_itself_is_found),
        cmocka_unit_test(braces_stand_for_a_part_of_the_path),
        cmocka_unit_test(a_path_has_a_row_for_each_of_its_methods),
        cmocka_unit_test(allow_names_the_methods_of_a_path),
        cmocka_unit_test(methods_are_known_by_their_names),
    };
    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}

#include "server/http/cors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The value of a field; NULL: it isn't there. */
static const char *find(const struct cors *cors, const char *methods, const char *name) {
    static struct answer_field fields[CORS_FIELDS_MAX];
    unsigned count = cors_fields(cors, methods, fields);
    assert_true(count <= CORS_FIELDS_MAX);
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return fields[i].value;
        }
    }
    return NULL;
}

static void off_it_adds_nothing(void **state) {
    (void)state;
    struct answer_field fields[CORS_FIELDS_MAX];
    const struct cors cors = cors_unread(NULL, "https://a");
    assert_int_equal(cors_fields(&cors, "POST", fields), 0);
    assert_int_equal(cors_fields(&cors, NULL, fields), 0);
}

static void any_page_may_read_an_answer_whose_request_was_not_read(void **state) {
    (void)state;
    const struct cors cors = cors_unread("*", "https://a");
    assert_string_equal(find(&cors, NULL, "Access-Control-Allow-Origin"), "*");
    assert_string_equal(find(&cors, NULL, "Timing-Allow-Origin"), "*");
    assert_non_null(strstr(find(&cors, NULL, "Access-Control-Expose-Headers"), "Server-Timing"));
    assert_null(find(&cors, NULL, "Vary"));
}

static void of_a_list_only_the_origin_that_is_known_may(void **state) {
    (void)state;
    struct cors cors = cors_unread("https://a", "");
    assert_string_equal(find(&cors, NULL, "Vary"), "Origin");
    assert_null(find(&cors, NULL, "Access-Control-Allow-Origin"));
    assert_null(find(&cors, NULL, "Timing-Allow-Origin"));
    cors.allow_origin = "https://a";
    assert_string_equal(find(&cors, NULL, "Access-Control-Allow-Origin"), "https://a");
}

static void a_preflight_learns_what_it_may_send(void **state) {
    (void)state;
    struct cors cors = {.allow_origin = "https://a", .depends_on_origin = true, .is_preflight = true};
    assert_string_equal(find(&cors, "POST, QUERY, OPTIONS", "Access-Control-Allow-Methods"), "POST, QUERY, OPTIONS");
    assert_non_null(strstr(find(&cors, "POST", "Access-Control-Allow-Headers"), "Content-Type"));
    assert_non_null(find(&cors, "POST", "Access-Control-Max-Age"));
    assert_null(find(&cors, "POST", "Access-Control-Allow-Private-Network"));
    cors.is_private_network = true;
    assert_string_equal(find(&cors, "POST", "Access-Control-Allow-Private-Network"), "true");
    assert_null(find(&cors, NULL, "Access-Control-Allow-Private-Network")); /* refused before its path was known */
    assert_string_equal(find(&cors, NULL, "Access-Control-Allow-Origin"), "https://a");
    cors.is_preflight = false; /* OPTIONS, but no page asks whether it may */
    assert_null(find(&cors, "POST", "Access-Control-Allow-Methods"));
    assert_non_null(find(&cors, "POST", "Access-Control-Expose-Headers"));
    cors = (struct cors){.allow_origin = "*", .is_preflight = true, .is_private_network = true};
    assert_string_equal(find(&cors, "POST", "Access-Control-Allow-Methods"), "POST");
    assert_null(find(&cors, "POST", "Access-Control-Allow-Private-Network"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_it_adds_nothing),
        cmocka_unit_test(any_page_may_read_an_answer_whose_request_was_not_read),
        cmocka_unit_test(of_a_list_only_the_origin_that_is_known_may),
        cmocka_unit_test(a_preflight_learns_what_it_may_send),
    };
    return cmocka_run_group_tests_name("cors", tests, NULL, NULL);
}

/* Which requests are logged at which level. The lines themselves are tested over HTTP (tests/http). */
#include "server/http/request_log.h"

#include "server/system/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_logged_at(enum log_level level, unsigned status, bool expected) {
    log_open(level, STDERR_FILENO);
    bool is_logged = request_log_has(status);
    log_close();
    if (is_logged != expected) {
        fail_msg("%u: expected %d", status, expected);
    }
}

static void our_own_failures_are_errors(void **state) {
    (void)state;
    assert_logged_at(LOG_ERROR, 500, true);
    assert_logged_at(LOG_ERROR, 501, false);
    assert_logged_at(LOG_ERROR, 503, false);
}

static void what_the_service_could_not_do_is_a_warning(void **state) {
    (void)state;
    assert_logged_at(LOG_WARN, 500, true);
    assert_logged_at(LOG_WARN, 503, true);
    assert_logged_at(LOG_WARN, 504, true);
}

static void a_clients_mistakes_are_said_with_the_rest(void **state) {
    (void)state;
    static const unsigned statuses[] = {200, 400, 499, 505};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        assert_logged_at(LOG_WARN, statuses[i], false);
        assert_logged_at(LOG_INFO, statuses[i], true);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_failures_are_errors),
        cmocka_unit_test(what_the_service_could_not_do_is_a_warning),
        cmocka_unit_test(a_clients_mistakes_are_said_with_the_rest),
    };
    return cmocka_run_group_tests_name("request_log", tests, NULL, NULL);
}

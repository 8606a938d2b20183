#include "server/jobs/callback_sites.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_site_is_silent_until_it_answers_or_a_while_has_passed(void **state) {
    (void)state;
    struct callback_sites sites = {0};
    assert_false(callback_sites_is_silent(&sites, 1, 5));
    assert_false(callback_sites_is_silent(&sites, 0, 0));
    callback_sites_note(&sites, 1, true, 5);
    assert_false(callback_sites_is_silent(&sites, 1, 5));
    callback_sites_note(&sites, 1, false, 10);
    assert_true(callback_sites_is_silent(&sites, 1, 10));
    assert_false(callback_sites_is_silent(&sites, 2, 10));
    assert_true(callback_sites_is_silent(&sites, 1, 10 + CALLBACK_SILENT_NS - 1));
    assert_false(callback_sites_is_silent(&sites, 1, 10 + CALLBACK_SILENT_NS));
    callback_sites_note(&sites, 1, false, 20);
    assert_true(callback_sites_is_silent(&sites, 1, 20 + CALLBACK_SILENT_NS - 1));
    callback_sites_note(&sites, 1, true, 30);
    assert_false(callback_sites_is_silent(&sites, 1, 30));
}

/* Of more than there is room for the last ones are known. */
static void the_oldest_is_forgotten_first(void **state) {
    (void)state;
    struct callback_sites sites = {0};
    for (uint64_t site = 1; site <= CALLBACK_SITES_MAX + 3; site++) {
        callback_sites_note(&sites, site, false, site);
    }
    unsigned known = 0;
    for (uint64_t site = 1; site <= CALLBACK_SITES_MAX + 3; site++) {
        known += callback_sites_is_silent(&sites, site, 100);
    }
    assert_int_equal(known, CALLBACK_SITES_MAX);
    for (uint64_t site = CALLBACK_SITES_MAX + 1; site <= CALLBACK_SITES_MAX + 3; site++) {
        assert_true(callback_sites_is_silent(&sites, site, 100));
    }
    callback_sites_note(&sites, 1000, false, 2 * CALLBACK_SILENT_NS); /* all others are over */
    assert_true(callback_sites_is_silent(&sites, 1000, 2 * CALLBACK_SILENT_NS));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_is_silent_until_it_answers_or_a_while_has_passed),
        cmocka_unit_test(the_oldest_is_forgotten_first),
    };
    return cmocka_run_group_tests_name("callback sites", tests, NULL, NULL);
}

#include "server/jobs/callback_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { FIRST_MS = 5000 };

static uint64_t middle(unsigned tries) {
    return callback_pause_ms(tries, FIRST_MS, UINT32_MAX / 2, 0);
}

static void pauses_grow_four_times_each_up_to_four_hours(void **state) {
    (void)state;
    static const uint64_t expected_s[] = {5, 20, 80, 320, 1280, 5120, 14400, 14400};
    uint64_t all_ms = 0;
    for (unsigned tries = 1; tries <= CALLBACK_TRIES_MAX; tries++) {
        assert_in_range(middle(tries), expected_s[tries - 1] * 1000 - 1, expected_s[tries - 1] * 1000);
        all_ms += tries < CALLBACK_TRIES_MAX ? middle(tries) : 0;
    }
    assert_in_range(all_ms, 5 * 3600 * 1000, 7 * 3600 * 1000); /* "6 hours" */
    assert_in_range(callback_pause_ms(1000000, FIRST_MS, 0, 0), 1, CALLBACK_PAUSE_MAX_MS);
    assert_int_equal(callback_pause_ms(1, 0, UINT32_MAX, 0), 0);
}

static void each_is_drawn_from_a_quarter_less_to_a_quarter_more(void **state) {
    (void)state;
    for (unsigned tries = 1; tries < CALLBACK_TRIES_MAX; tries++) {
        uint64_t least_ms = callback_pause_ms(tries, FIRST_MS, 0, 0);
        uint64_t most_ms = callback_pause_ms(tries, FIRST_MS, UINT32_MAX, 0);
        assert_in_range(least_ms, middle(tries) * 3 / 4, middle(tries) * 3 / 4 + 1);
        assert_in_range(most_ms, middle(tries) * 5 / 4 - 2, middle(tries) * 5 / 4 + 2);
    }
}

static void a_receiver_may_ask_for_more_time_within_bounds(void **state) {
    (void)state;
    assert_int_equal(callback_pause_ms(1, FIRST_MS, 0, 60), 60000);
    assert_int_equal(callback_pause_ms(1, FIRST_MS, UINT32_MAX / 2, 1), middle(1)); /* not for less */
    assert_int_equal(callback_pause_ms(1, FIRST_MS, 0, 4 * 3600), CALLBACK_PAUSE_MAX_MS);
    assert_int_equal(callback_pause_ms(1, FIRST_MS, 0, 4 * 3600 + 1), CALLBACK_PAUSE_MAX_MS);
    assert_int_equal(callback_pause_ms(1, FIRST_MS, 0, UINT64_MAX), CALLBACK_PAUSE_MAX_MS);
}

static void what_an_answer_makes_of_it(void **state) {
    (void)state;
    static const unsigned others[] = {0,   100, 199, 300, 301, 302, 307, 308, 400,
                                      401, 404, 409, 411, 429, 500, 503, 999};
    for (unsigned tries = 1; tries <= CALLBACK_TRIES_MAX; tries++) {
        assert_int_equal(callback_state_after(tries, 200), JOB_DELIVERY_DONE);
        assert_int_equal(callback_state_after(tries, 204), JOB_DELIVERY_DONE);
        assert_int_equal(callback_state_after(tries, 299), JOB_DELIVERY_DONE);
        assert_int_equal(callback_state_after(tries, 410), JOB_DELIVERY_GIVEN_UP);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            assert_int_equal(callback_state_after(tries, others[i]),
                             tries < CALLBACK_TRIES_MAX ? JOB_DELIVERY_DUE : JOB_DELIVERY_GIVEN_UP);
        }
    }
}

static void a_message_has_one_number_and_no_other_has_it(void **state) {
    (void)state;
    char first[CALLBACK_ID_BYTES], other[CALLBACK_ID_BYTES];
    struct job job = {.id = {"night.1", 7}, .number = 3, .created_ms = 1700000000000};
    callback_message_id(&job, first);
    assert_int_equal(strlen(first), CALLBACK_ID_BYTES - 1);
    assert_null(strpbrk(first, ". "));
    job.attempts = 2;
    job.delivery = (struct job_delivery){.state = JOB_DELIVERY_DUE, .tries = 4};
    assert_string_equal(callback_message_id(&job, other), first);
    job.created_ms++;
    assert_string_not_equal(callback_message_id(&job, other), first);
    job.created_ms--;
    job.number++;
    assert_string_not_equal(callback_message_id(&job, other), first);
    job.number--;
    job.id.length--;
    assert_string_not_equal(callback_message_id(&job, other), first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_grow_four_times_each_up_to_four_hours),
        cmocka_unit_test(each_is_drawn_from_a_quarter_less_to_a_quarter_more),
        cmocka_unit_test(a_receiver_may_ask_for_more_time_within_bounds),
        cmocka_unit_test(what_an_answer_makes_of_it),
        cmocka_unit_test(a_message_has_one_number_and_no_other_has_it),
    };
    return cmocka_run_group_tests_name("callback rules", tests, NULL, NULL);
}

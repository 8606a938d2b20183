#include "server/engine/shortage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void it_says_which_limit_it_is_and_what_waits(void **state) {
    (void)state;
    static const struct {
        struct shortage shortage;
        unsigned limit;
        const char *detail;
    } rows[] = {
        {{.waiting = 0}, 0, "the cores are busy, and no request may wait for them (--queue is 0)"},
        {{.waiting = 1}, 1, "1 request is waiting already, which is the limit (--queue)"},
        {{.waiting = 256}, 256, "256 requests are waiting already, which is the limit (--queue)"},
        {{.has_coming = true, .waiting = 2}, 2, "2 requests are waiting or on the way, which is the limit (--queue)"},
        {{.has_coming = true, .waiting = 3},
         2,
         "3 requests are waiting or on the way, more than the limit (--queue is 2)"},
        {{.is_share = true, .waiting = 205, .left = 51},
         256,
         "205 requests of your address are waiting already, which is the limit of one address while the queue has 51 "
         "places left (--queue is 256)"},
        {{.is_share = true, .has_coming = true, .waiting = 1, .left = 1},
         10,
         "1 request of your address is waiting or on the way, which is the limit of one address while the "
         "queue has 1 place left (--queue is 10)"},
        {{.is_share = true, .waiting = 2, .left = 1},
         10,
         "2 requests of your address are waiting already, which is the limit of one address while the queue has 1 "
         "place left (--queue is 10)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct problem problem = {0};
        assert_int_equal(shortage_refuse(&rows[i].shortage, rows[i].limit, &problem), PROBLEM_OVERLOADED);
        assert_string_equal(problem.detail, rows[i].detail);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_says_which_limit_it_is_and_what_waits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

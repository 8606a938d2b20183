/* ctest: threads */
#include "server/engine/memory_budget.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { THREADS = 4, ROUNDS = 20000 };

static void charges_up_to_the_limit_and_no_further(void **state) {
    struct memory_budget budget;
    (void)state;
    memory_budget_init(&budget, 100);
    assert_true(memory_budget_fits(&budget, 100));
    assert_false(memory_budget_fits(&budget, 101));
    assert_true(memory_budget_charge(&budget, 60));
    assert_true(memory_budget_fits(&budget, 40));
    assert_false(memory_budget_fits(&budget, 41));
    assert_false(memory_budget_charge(&budget, 41));
    assert_int_equal(atomic_load(&budget.used_bytes), 60);
    assert_true(memory_budget_charge(&budget, 40));
    assert_false(memory_budget_charge(&budget, 1));
    assert_true(memory_budget_charge(&budget, 0));
    memory_budget_refund(&budget, 100);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
}

static void a_huge_charge_does_not_wrap_around(void **state) {
    struct memory_budget budget;
    (void)state;
    memory_budget_init(&budget, SIZE_MAX - 10);
    assert_true(memory_budget_charge(&budget, 100));
    assert_false(memory_budget_charge(&budget, SIZE_MAX));
    assert_false(memory_budget_charge(&budget, SIZE_MAX - 100));
    assert_int_equal(atomic_load(&budget.used_bytes), 100);
}

struct worker {
    pthread_t thread;
    struct memory_budget *budget;
    size_t granted;
    size_t over;
};

static void *charge_and_refund(void *argument) {
    struct worker *worker = argument;
    for (int i = 0; i < ROUNDS; i++) {
        /* Far too large: must fail, and must not get in the way of the others. */
        if (memory_budget_charge(worker->budget, 1000)) {
            worker->over++;
        }
        if (!memory_budget_charge(worker->budget, 10)) {
            continue;
        }
        worker->granted++;
        if (atomic_load(&worker->budget->used_bytes) > worker->budget->limit_bytes) {
            worker->over++;
        }
        memory_budget_refund(worker->budget, 10);
    }
    return NULL;
}

static void threads_that_fit_together_never_refuse_each_other(void **state) {
    struct memory_budget budget;
    struct worker workers[THREADS];
    (void)state;
    memory_budget_init(&budget, 10 * THREADS);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.budget = &budget};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, charge_and_refund, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].granted, ROUNDS);
        assert_int_equal(workers[i].over, 0);
    }
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charges_up_to_the_limit_and_no_further),
        cmocka_unit_test(a_huge_charge_does_not_wrap_around),
        cmocka_unit_test(threads_that_fit_together_never_refuse_each_other),
    };
    return cmocka_run_group_tests_name("memory_budget", tests, NULL, NULL);
}

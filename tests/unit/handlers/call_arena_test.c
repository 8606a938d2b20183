/* Memory for a team: whole, apart and aligned for every thread; within the budget, and nearly up to it.
 *
 * ctest: threads */
#include "handlers/call_arena.h"

#include "server/engine/account.h"
#include "server/system/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { KIB = 1024, THREADS = 8 };

static struct memory_budget budget;
static struct buffer_pool *pool;
static struct account account;
static const struct order order;
static struct facts facts;
static const struct host host = {.facts = &facts, .memory = &budget};
static struct call call;
static struct call_arena arena;

static int set_up(void **state) {
    (void)state;
    pool = buffer_pool_new(0, 0);
    return pool ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    call_release(&call);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
    buffer_pool_free(pool);
    return 0;
}

static void begin(size_t limit_bytes) {
    memory_budget_init(&budget, limit_bytes);
    account_init(&account, &budget, pool);
    call_init(&call, &order, &host, &account.base);
    call.memory_held_bytes = &account.charged_bytes;
    call_arena_init(&arena, &call);
}

static void nothing_is_taken_before_it_is_asked_for(void **state) {
    (void)state;
    begin(KIB);
    assert_int_equal(account.charged_bytes, 0);
    assert_int_equal(call.block_count, 0);
}

static void parts_are_aligned_and_apart(void **state) {
    (void)state;
    enum { PARTS = 500 };
    static unsigned char *parts[PARTS];
    begin(64 * 1024 * KIB);
    for (size_t i = 0; i < PARTS; i++) {
        parts[i] = call_arena_take(&arena, 1 + i * 37 % 9000);
        assert_non_null(parts[i]);
        assert_int_equal((uintptr_t)parts[i] % 64, 0);
        memset(parts[i], (int)(i % 251), 1 + i * 37 % 9000);
    }
    for (size_t i = 0; i < PARTS; i++) {
        for (size_t at = 0; at < 1 + i * 37 % 9000; at++) {
            assert_int_equal(parts[i][at], i % 251);
        }
    }
    assert_in_range(call.block_count, 4, 8); /* 2.2 MB from 64 KiB on */
}

static void a_part_larger_than_a_block_gets_its_own(void **state) {
    (void)state;
    begin(64 * 1024 * KIB);
    assert_non_null(call_arena_take(&arena, 100));
    char *large = call_arena_take(&arena, 5000 * KIB + 1);
    assert_non_null(large);
    large[5000 * KIB] = 1;
    assert_int_equal(call.block_count, 2);
    assert_non_null(call_arena_take(&arena, 100));
    assert_int_equal(call.block_count, 3);
}

/* Whatever the budget is, most of it can be had, in few blocks; then need and limit are told. */
static void the_budget_is_used_up_and_not_passed(void **state) {
    (void)state;
    enum { PART = 16 * KIB };
    for (size_t limit = PART; limit < 40000 * (size_t)KIB; limit = limit * 5 / 3 + 777) {
        begin(limit);
        size_t got = 0;
        while (call_arena_take(&arena, PART)) {
            got += PART;
        }
        assert_in_range(account.charged_bytes, got, limit);
        assert_true(limit - got < 2 * PART + limit / 16);
        assert_int_equal(call.problem.kind, PROBLEM_MEMORY_LIMIT);
        assert_non_null(strstr(call.problem.detail, "needs 16384 bytes"));
        assert_null(call_arena_take(&arena, 64)); /* what is refused stays refused */
        call_release(&call);
        assert_int_equal(atomic_load(&budget.used_bytes), 0);
    }
}

static void memory_that_others_hold_is_told_apart(void **state) {
    (void)state;
    begin(1024 * KIB);
    assert_true(memory_budget_charge(&budget, 1000 * KIB));
    assert_null(call_arena_take(&arena, 100 * KIB));
    assert_int_equal(call.problem.kind, PROBLEM_MEMORY_BUSY);
    memory_budget_refund(&budget, 1000 * KIB);
}

/* Few blocks reach any budget, but many small ones are fine too. */
static void any_number_of_blocks_is_given(void **state) {
    (void)state;
    enum { BLOCKS = 1000 };
    begin(64 * 1024 * KIB);
    for (unsigned i = 0; i < BLOCKS; i++) {
        arena.next_bytes = 64;
        assert_non_null(call_arena_take(&arena, 64));
    }
    assert_int_equal(call.problem.kind, PROBLEM_NONE);
    assert_int_equal(call.block_count, BLOCKS);
}

static void sizes_that_overflow_are_refused(void **state) {
    (void)state;
    for (size_t less = 0; less < 130; less++) {
        begin(1024 * KIB);
        assert_non_null(call_arena_take(&arena, 64));
        assert_null(call_arena_take(&arena, SIZE_MAX - less));
        assert_int_equal(call.problem.kind, PROBLEM_MEMORY_LIMIT);
        call_release(&call);
    }
}

static void *take_many(void *context) {
    uintptr_t mark = (uintptr_t)context;
    uintptr_t *last = NULL;
    for (size_t i = 0; i < 3000; i++) {
        uintptr_t *part = call_arena_take(&arena, 16 + (i * 97 + mark) % 900);
        if (!part || (last && last[0] != mark)) {
            return NULL;
        }
        part[0] = part[1] = mark;
        last = part;
    }
    return last;
}

static void every_thread_gets_its_own(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    begin(64 * 1024 * KIB);
    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, (void *)i), 0);
    }
    for (uintptr_t i = 0; i < THREADS; i++) {
        void *last = NULL;
        assert_int_equal(pthread_join(threads[i], &last), 0);
        assert_non_null(last);
        assert_int_equal(((uintptr_t *)last)[1], i);
    }
    assert_int_equal(call.problem.kind, PROBLEM_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_taken_before_it_is_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parts_are_aligned_and_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_part_larger_than_a_block_gets_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_budget_is_used_up_and_not_passed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_that_others_hold_is_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_number_of_blocks_is_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sizes_that_overflow_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_thread_gets_its_own, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Blocks that go from a request's account to memory that outlives it. ctest: threads */
#include "server/engine/account.h"
#include "server/engine/shared_memory.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT = 1 << 24, LARGE = 1 << 20, POCKET = 4096 };

static struct memory_budget budget;
static struct buffer_pool *pool;
static struct account account;
static struct shared_memory shared;
static _Alignas(64) char pocket[POCKET];

static int set_up(void **state) {
    (void)state;
    memory_budget_init(&budget, LIMIT);
    pool = buffer_pool_new(LIMIT, UINT32_MAX);
    account_init(&account, &budget, pool);
    account_lend_pocket(&account, pocket, sizeof pocket);
    shared_memory_init(&shared, &budget, pool);
    return pool ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    account_close(&account);
    buffer_pool_free(pool);
    return atomic_load(&budget.used_bytes) == 0 ? 0 : -1;
}

static struct payload body_of(size_t capacity, size_t length) {
    struct payload body;
    assert_true(payload_take(&body, &account.base, capacity));
    memset(body.bytes, 'b', length);
    body.length = length;
    return body;
}

static void a_body_outlives_its_account(void **state) {
    (void)state;
    struct payload body = body_of(LARGE, LARGE);
    const char *bytes = body.bytes;
    size_t used = atomic_load(&budget.used_bytes);
    assert_true(shared_memory_adopt(&shared, &body));
    assert_true(shared_memory_adopt(&shared, &body));
    assert_int_equal(account.charged_bytes, 0);
    assert_int_equal(atomic_load(&budget.used_bytes), used);
    account_close(&account);
    assert_ptr_equal(body.bytes, bytes);
    assert_int_equal(body.bytes[LARGE - 1], 'b');
    payload_drop(&body);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
}

static void what_cannot_be_taken_over_stays_what_it_was(void **state) {
    (void)state;
    struct plain_memory plain;
    plain_memory_init(&plain, LARGE);
    struct payload small = body_of(100, 100);         /* in the pocket */
    struct payload loose = body_of(LARGE, LARGE / 2); /* half of it is of no use */
    struct payload twice = body_of(LARGE, LARGE);
    struct payload other;
    struct payload again = payload_hold(&twice);
    assert_true(payload_take(&other, &plain.base, 100));
    other.length = 100;
    struct payload *const all[] = {&small, &loose, &twice, &other};
    size_t charged = account.charged_bytes;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_false(shared_memory_adopt(&shared, all[i]));
    }
    assert_int_equal(account.charged_bytes, charged);
    payload_drop(&again);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        payload_drop(all[i]);
    }
    assert_int_equal(plain.used_bytes, 0);
    struct payload none = {0};
    assert_false(shared_memory_adopt(&shared, &none));
}

/* An eighth of it at most. */
static void a_body_may_leave_a_little_of_its_block(void **state) {
    (void)state;
    size_t most_left = (LARGE + PAYLOAD_HEAD_BYTES) / 8;
    for (size_t left = most_left - 1; left <= most_left + 1; left++) {
        struct payload body = body_of(LARGE, LARGE - left);
        assert_int_equal(shared_memory_adopt(&shared, &body), left <= most_left);
        payload_drop(&body);
    }
}

static void its_own_blocks_are_charged_and_refunded(void **state) {
    (void)state;
    struct payload payload;
    assert_true(payload_take(&payload, &shared.base, 1000));
    payload.length = 1000;
    assert_true(payload_grow(&payload, LARGE));
    assert_int_equal(atomic_load(&budget.used_bytes), LARGE + PAYLOAD_HEAD_BYTES);
    payload_drop(&payload);
    assert_false(payload_take(&payload, &shared.base, LIMIT));
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
}

static void a_block_may_begin_with_growing(void **state) {
    (void)state;
    void *block = memory_resize(&shared.base, NULL, 0, 1000);
    assert_non_null(block);
    assert_int_equal(atomic_load(&budget.used_bytes), 1000);
    assert_null(memory_resize(&shared.base, NULL, 0, LIMIT));
    assert_null(memory_resize(&shared.base, block, 1000, LIMIT));
    assert_int_equal(atomic_load(&budget.used_bytes), 1000);
    memory_give(&shared.base, block, 1000);
    memory_give(&shared.base, NULL, 1000);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
}

static void *take_and_give(void *context) {
    (void)context;
    for (size_t i = 0; i < 1000; i++) {
        struct payload payload;
        if (payload_take(&payload, &shared.base, i * 300)) {
            payload_drop(&payload);
        }
    }
    return NULL;
}

static void several_threads_use_it_at_once(void **state) {
    (void)state;
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, NULL), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_body_outlives_its_account, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_taken_over_stays_what_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_body_may_leave_a_little_of_its_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(its_own_blocks_are_charged_and_refunded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_block_may_begin_with_growing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_threads_use_it_at_once, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("shared_memory", tests, NULL, NULL);
}

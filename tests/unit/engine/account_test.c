#include "server/engine/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)

struct fixture {
    struct memory_budget budget;
    struct buffer_pool *pool;
    struct account account;
};

static int set_up(void **state) {
    static struct fixture fixture;
    memory_budget_init(&fixture.budget, 4 * MIB);
    fixture.pool = buffer_pool_new(MIB, UINT32_MAX);
    account_init(&fixture.account, &fixture.budget, fixture.pool);
    *state = &fixture;
    return fixture.pool ? 0 : -1;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    account_close(&fixture->account);
    buffer_pool_free(fixture->pool);
    return atomic_load(&fixture->budget.used_bytes) == 0 ? 0 : -1;
}

static size_t used(struct fixture *fixture) {
    assert_int_equal(fixture->account.charged_bytes, atomic_load(&fixture->budget.used_bytes));
    return fixture->account.charged_bytes;
}

static void what_is_taken_is_charged_until_it_is_given(void **state) {
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    void *small = memory_take(memory, 100);
    void *large = memory_take(memory, MIB);
    void *nothing = memory_take(memory, 0);
    assert_non_null(small);
    assert_non_null(large);
    assert_non_null(nothing);
    assert_int_equal(used(fixture), MIB + 100);
    memory_give(memory, small, 100);
    memory_give(memory, NULL, 100);
    assert_int_equal(used(fixture), MIB);
    memory_give(memory, large, MIB);
    memory_give(memory, nothing, 0);
    assert_int_equal(used(fixture), 0);
}

static void a_take_over_the_budget_fails_and_charges_nothing(void **state) {
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    void *block = memory_take(memory, 3 * MIB);
    assert_non_null(block);
    assert_null(memory_take(memory, MIB + 1));
    assert_false(memory_charge(memory, MIB + 1));
    assert_int_equal(used(fixture), 3 * MIB);
    memory_give(memory, block, 3 * MIB);
}

static void a_take_the_system_refuses_charges_nothing(void **state) {
    struct fixture *fixture = *state;
    fixture->budget.limit_bytes = SIZE_MAX;
    assert_null(memory_take(&fixture->account.base, SIZE_MAX / 2));
    assert_int_equal(used(fixture), 0);
    void *block = memory_take(&fixture->account.base, MIB);
    memset(block, 7, MIB);
    assert_null(memory_resize(&fixture->account.base, block, MIB, SIZE_MAX / 2));
    assert_int_equal(used(fixture), MIB);
    assert_int_equal(((unsigned char *)block)[MIB - 1], 7);
    memory_give(&fixture->account.base, block, MIB);
}

static void resizing_charges_the_difference(void **state) {
    static const size_t sizes[] = {100, 2000, 50, 300 * 1024, 2 * MIB, MIB, 60, 0};
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    unsigned char *block = memory_resize(memory, NULL, 0, 10);
    size_t bytes = 10;
    assert_int_equal(used(fixture), 10);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        block = memory_resize(memory, block, bytes, sizes[i]);
        assert_non_null(block);
        bytes = sizes[i];
        assert_int_equal(used(fixture), bytes);
    }
    memory_give(memory, block, bytes);
}

static void a_resize_over_the_budget_keeps_the_block(void **state) {
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    unsigned char *large = memory_take(memory, 2 * MIB);
    unsigned char *small = memory_take(memory, 1000);
    large[2 * MIB - 1] = 9;
    small[999] = 8;
    assert_null(memory_resize(memory, large, 2 * MIB, 5 * MIB));
    assert_null(memory_resize(memory, small, 1000, 3 * MIB));
    assert_int_equal(used(fixture), 2 * MIB + 1000);
    assert_int_equal(large[2 * MIB - 1], 9);
    assert_int_equal(small[999], 8);
    memory_give(memory, large, 2 * MIB);
    memory_give(memory, small, 1000);
}

static void a_large_block_can_grow_to_the_whole_budget(void **state) {
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    void *block = memory_take(memory, 3 * MIB);
    block = memory_resize(memory, block, 3 * MIB, 4 * MIB);
    assert_non_null(block);
    assert_int_equal(used(fixture), 4 * MIB);
    memory_give(memory, block, 4 * MIB);
}

static void charges_for_a_librarys_memory_count_too(void **state) {
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    assert_true(memory_charge(memory, 4 * MIB));
    assert_null(memory_take(memory, 1));
    memory_refund(memory, 4 * MIB);
    assert_int_equal(used(fixture), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_taken_is_charged_until_it_is_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_take_over_the_budget_fails_and_charges_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_take_the_system_refuses_charges_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(resizing_charges_the_difference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_resize_over_the_budget_keeps_the_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_large_block_can_grow_to_the_whole_budget, set_up, tear_down),
        cmocka_unit_test_setup_teardown(charges_for_a_librarys_memory_count_too, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}

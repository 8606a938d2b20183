#include "server/engine/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
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

/* From the smallest large size on, and back to it: nothing is copied, so that the difference is all it takes. */
static void the_smallest_large_block_is_resized_where_it_is(void **state) {
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    char *block = memory_take(memory, BUFFER_POOL_LARGE_BYTES);
    assert_non_null(block);
    size_t others = 4 * MIB - BUFFER_POOL_LARGE_BYTES - 1000;
    assert_true(memory_charge(memory, others));
    block = memory_resize(memory, block, BUFFER_POOL_LARGE_BYTES, BUFFER_POOL_LARGE_BYTES + 1000);
    assert_non_null(block);
    assert_int_equal(used(fixture), 4 * MIB);
    block = memory_resize(memory, block, BUFFER_POOL_LARGE_BYTES + 1000, BUFFER_POOL_LARGE_BYTES);
    assert_non_null(block);
    assert_int_equal(used(fixture), 4 * MIB - 1000);
    memory_refund(memory, others);
    memory_give(memory, block, BUFFER_POOL_LARGE_BYTES);
}

static void charges_for_a_librarys_memory_count_too(void **state) {
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    assert_true(memory_charge(memory, 4 * MIB));
    assert_null(memory_take(memory, 1));
    memory_refund(memory, 4 * MIB);
    assert_int_equal(used(fixture), 0);
}

enum { PAGE = 4096, ANNOUNCED = 230 };

static size_t resident_bytes(char *block, size_t bytes) {
    static unsigned char pages[64 * 1024];
    assert_in_range(bytes / PAGE, 1, sizeof pages);
    assert_int_equal(mincore(block, bytes, pages), 0);
    size_t resident = 0;
    for (size_t i = 0; i < bytes / PAGE; i++) {
        resident += (pages[i] & 1) * (size_t)PAGE;
    }
    return resident;
}

static void what_is_announced_and_not_sent_is_neither_charged_nor_resident(void **state) {
    struct fixture *fixture = *state;
    static struct reservation reservations[ANNOUNCED];
    fixture->budget.limit_bytes = 64 * MIB;
    for (size_t i = 0; i < ANNOUNCED; i++) {
        assert_true(account_reserve(&fixture->account, 64 * MIB, &reservations[i]));
        assert_int_equal(reservations[i].charged_bytes, 0);
        assert_int_equal(resident_bytes(reservations[i].block, 64 * MIB), 0);
    }
    assert_int_equal(used(fixture), 0);
    void *block = memory_take(&fixture->account.base, 63 * MIB); /* another's */
    assert_non_null(block);
    memory_give(&fixture->account.base, block, 63 * MIB);
    for (size_t i = 0; i < ANNOUNCED; i++) {
        account_give_reserved(&fixture->account, &reservations[i]);
        assert_null(reservations[i].block);
    }
}

static void what_is_written_is_charged_before_it_is_resident(void **state) {
    struct fixture *fixture = *state;
    struct reservation body;
    size_t bytes = 11 * MIB + 4096, steps = 0;
    fixture->budget.limit_bytes = 64 * MIB;
    assert_true(account_reserve(&fixture->account, bytes, &body));
    for (size_t written = 0, piece = 1; written < bytes; piece = piece * 3 + 1) {
        piece = piece < bytes - written ? piece : bytes - written;
        size_t before = used(fixture);
        assert_true(account_charge_reserved(&fixture->account, &body, written + piece));
        steps += used(fixture) > before;
        memset(body.block + written, 7, piece);
        written += piece;
        assert_int_equal(used(fixture), body.charged_bytes);
        assert_in_range(body.charged_bytes, written, written + BUFFER_POOL_PAGE_BYTES - 1);
        assert_in_range(resident_bytes(body.block, bytes), 1, body.charged_bytes);
    }
    assert_in_range(steps, 2, 7);
    assert_int_equal(used(fixture), bytes);
    assert_true(account_charge_reserved(&fixture->account, &body, bytes));
    assert_int_equal(used(fixture), bytes);
    memory_give(&fixture->account.base, body.block, bytes); /* like any other block */
}

static void a_small_reservation_is_charged_at_once(void **state) {
    struct fixture *fixture = *state;
    struct reservation body;
    assert_true(account_reserve(&fixture->account, BUFFER_POOL_LARGE_BYTES - 1, &body));
    assert_int_equal(used(fixture), BUFFER_POOL_LARGE_BYTES - 1);
    assert_true(account_charge_reserved(&fixture->account, &body, BUFFER_POOL_LARGE_BYTES - 1));
    assert_int_equal(used(fixture), BUFFER_POOL_LARGE_BYTES - 1);
    account_give_reserved(&fixture->account, &body);
    assert_int_equal(used(fixture), 0);
    account_give_reserved(&fixture->account, &body);
    assert_true(account_reserve(&fixture->account, BUFFER_POOL_LARGE_BYTES, &body));
    assert_int_equal(used(fixture), 0);
    account_give_reserved(&fixture->account, &body);
}

static void a_charge_that_fails_midway_keeps_what_is_charged(void **state) {
    struct fixture *fixture = *state;
    struct reservation first, second, more;
    assert_false(account_reserve(&fixture->account, 4 * MIB + 1, &more));
    assert_null(more.block);
    assert_true(account_reserve(&fixture->account, 4 * MIB, &first));
    assert_true(account_reserve(&fixture->account, 4 * MIB, &second));
    assert_true(account_charge_reserved(&fixture->account, &first, 1));
    assert_true(account_charge_reserved(&fixture->account, &second, 1));
    memset(second.block, 5, second.charged_bytes);
    assert_true(memory_charge(&fixture->account.base, fixture->budget.limit_bytes - used(fixture)));
    size_t held = second.charged_bytes;
    assert_false(account_charge_reserved(&fixture->account, &second, held + 1));
    assert_int_equal(second.charged_bytes, held);
    assert_int_equal(used(fixture), fixture->budget.limit_bytes);
    assert_int_equal(second.block[held - 1], 5);
    assert_false(account_reserve(&fixture->account, MIB, &more));
    assert_false(account_reserve(&fixture->account, 100, &more));
    memory_refund(&fixture->account.base, fixture->budget.limit_bytes - first.charged_bytes - held);
    account_give_reserved(&fixture->account, &first);
    assert_int_equal(used(fixture), held);
    assert_true(account_charge_reserved(&fixture->account, &second, 4 * MIB));
    account_give_reserved(&fixture->account, &second);
    assert_int_equal(used(fixture), 0);
    fixture->budget.limit_bytes = SIZE_MAX;
    assert_false(account_reserve(&fixture->account, SIZE_MAX / 2, &more));
    assert_int_equal(used(fixture), 0);
}

static void await_kept(struct fixture *fixture, size_t bytes) {
    while (buffer_pool_pending_bytes(fixture->pool) > 0) {
        usleep(500);
    }
    assert_int_equal(buffer_pool_kept_bytes(fixture->pool), bytes);
}

/* The pool keeps 1 MiB here. */
static void a_warm_block_that_is_lent_counts_as_kept_until_it_is_charged(void **state) {
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    struct reservation body;
    char *warm = memory_take(memory, MIB / 2);
    char *other = memory_take(memory, MIB / 2);
    memory_give(memory, warm, MIB / 2);
    assert_true(account_reserve(&fixture->account, MIB / 2, &body));
    assert_ptr_equal(body.block, warm);
    assert_int_equal(body.lent_bytes, MIB / 2);
    assert_int_equal(used(fixture), MIB / 2); /* the other's */
    memory_give(memory, other, MIB / 2);
    await_kept(fixture, MIB / 2);
    memory_give(memory, memory_take(memory, MIB), MIB); /* with the lent one that is too much */
    await_kept(fixture, 0);
    memory_give(memory, memory_take(memory, MIB / 2), MIB / 2);
    await_kept(fixture, MIB / 2);
    assert_true(account_charge_reserved(&fixture->account, &body, MIB / 2));
    assert_int_equal(body.lent_bytes, 0);
    void *third = memory_take(memory, MIB / 2);
    void *fourth = memory_take(memory, MIB / 2);
    memory_give(memory, third, MIB / 2);
    memory_give(memory, fourth, MIB / 2);
    await_kept(fixture, MIB);
    account_give_reserved(&fixture->account, &body);
    await_kept(fixture, MIB);
}

static void of_what_is_given_back_unwritten_only_warm_blocks_are_kept(void **state) {
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    struct reservation body;
    assert_true(account_reserve(&fixture->account, MIB, &body));
    account_give_reserved(&fixture->account, &body);
    await_kept(fixture, 0);
    memory_give(memory, memory_take(memory, MIB), MIB);
    assert_true(account_reserve(&fixture->account, MIB - 5000, &body));
    assert_int_equal(buffer_pool_kept_bytes(fixture->pool), 0);
    account_give_reserved(&fixture->account, &body);
    await_kept(fixture, MIB);
    assert_true(account_reserve(&fixture->account, MIB - 5000, &body));
    assert_true(account_charge_reserved(&fixture->account, &body, MIB - 5000));
    assert_int_equal(body.lent_bytes, 0);
    account_give_reserved(&fixture->account, &body);
    await_kept(fixture, MIB);
}

enum { POCKET = 4096 };
static _Alignas(64) char pocket[POCKET];

static bool is_in_pocket(const void *block) {
    return (const char *)block >= pocket && (const char *)block < pocket + POCKET;
}

static void small_blocks_come_from_the_pocket_while_there_is_room(void **state) {
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    account_lend_pocket(&fixture->account, pocket, POCKET);
    char *first = memory_take(memory, 1000);
    char *nothing = memory_take(memory, 0);
    char *second = memory_take(memory, 2000);
    char *beyond = memory_take(memory, 2000);
    assert_true(is_in_pocket(first) && is_in_pocket(nothing) && is_in_pocket(second));
    assert_false(is_in_pocket(beyond));
    assert_int_equal((uintptr_t)second % 64, 0);
    assert_true(first + 1000 <= nothing && nothing < second && second + 2000 <= pocket + POCKET);
    assert_int_equal(used(fixture), 5000);
    memset(first, 1, 1000);
    memset(second, 2, 2000);
    memset(beyond, 3, 2000);
    assert_int_equal(first[999], 1);
    assert_int_equal(second[1999], 2);
    memory_give(memory, second, 2000);
    assert_ptr_equal(memory_take(memory, 1500), second); /* what was cut off last is there again */
    memory_give(memory, first, 1000);
    memory_give(memory, nothing, 0);
    memory_give(memory, second, 1500);
    memory_give(memory, beyond, 2000);
    assert_int_equal(used(fixture), 0);
}

static void blocks_grow_out_of_the_pocket(void **state) {
    static const size_t sizes[] = {100, 50, 3000, 5000, 300 * 1024, 200, MIB, 64};
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    account_lend_pocket(&fixture->account, pocket, POCKET);
    size_t bytes = 60;
    unsigned char *block = memory_resize(memory, NULL, 0, bytes);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(block, (int)i, bytes);
        block = memory_resize(memory, block, bytes, sizes[i]);
        assert_non_null(block);
        size_t kept = bytes < sizes[i] ? bytes : sizes[i];
        assert_int_equal(block[0], i);
        assert_int_equal(block[kept - 1], i);
        bytes = sizes[i];
        assert_int_equal(used(fixture), bytes);
    }
    memory_give(memory, block, bytes);
}

static void a_reservation_in_the_pocket_goes_back_there(void **state) {
    struct fixture *fixture = *state;
    struct reservation reservation;
    account_lend_pocket(&fixture->account, pocket, POCKET);
    assert_true(account_reserve(&fixture->account, 100, &reservation));
    assert_true(is_in_pocket(reservation.block));
    account_give_reserved(&fixture->account, &reservation);
    assert_int_equal(used(fixture), 0);
    assert_true(account_reserve(&fixture->account, POCKET, &reservation));
    assert_ptr_equal(reservation.block, pocket);
    account_give_reserved(&fixture->account, &reservation);
}

static _Alignas(64) char second[POCKET];

static bool is_in_second(const void *block) {
    return (const char *)block >= second && (const char *)block < second + POCKET;
}

/* What waits gives it back for others to use. */
static void a_second_pocket_takes_what_the_first_cannot_and_is_returned_when_nothing_is_in_it(void **state) {
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    account_lend_pocket(&fixture->account, pocket, POCKET);
    account_lend_second(&fixture->account, second, POCKET);
    assert_true(account_has_second(&fixture->account));
    char *first = memory_take(memory, 3000);
    char *other = memory_take(memory, 3000);
    char *small = memory_take(memory, 500);
    char *beyond = memory_take(memory, 3000);
    assert_true(is_in_pocket(first) && is_in_second(other) && is_in_pocket(small));
    assert_false(is_in_pocket(beyond) || is_in_second(beyond));
    assert_int_equal(used(fixture), 9500);
    assert_null(account_return_second(&fixture->account));
    memset(other, 1, 3000);
    memory_give(memory, other, 3000);
    assert_ptr_equal(account_return_second(&fixture->account), second);
    assert_false(account_has_second(&fixture->account));
    assert_null(account_return_second(&fixture->account));
    memset(second, 2, POCKET); /* it is ours again */
    other = memory_take(memory, 3000);
    assert_false(is_in_second(other));
    memory_give(memory, other, 3000);
    memory_give(memory, beyond, 3000);
    memory_give(memory, small, 500);
    memory_give(memory, first, 3000);
    assert_int_equal(used(fixture), 0);
}

static void pockets_may_lie_side_by_side(void **state) {
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    static _Alignas(64) char both[2 * POCKET];
    account_lend_pocket(&fixture->account, both, POCKET);
    account_lend_second(&fixture->account, both + POCKET, POCKET);
    char *first = memory_take(memory, POCKET);
    char *other = memory_take(memory, POCKET);
    assert_ptr_equal(first, both);
    assert_ptr_equal(other, both + POCKET);
    memory_give(memory, other, POCKET);
    assert_ptr_equal(account_return_second(&fixture->account), both + POCKET);
    memory_give(memory, first, POCKET);
}

/* In whatever order they come back. */
static void a_pocket_that_nothing_is_in_is_whole_again(void **state) {
    struct fixture *fixture = *state;
    struct memory *memory = &fixture->account.base;
    account_lend_pocket(&fixture->account, pocket, POCKET);
    char *blocks[4];
    for (size_t i = 0; i < 4; i++) {
        blocks[i] = memory_take(memory, 1000);
    }
    for (size_t i = 0; i < 4; i++) {
        memory_give(memory, blocks[i], 1000);
    }
    char *all = memory_take(memory, POCKET);
    assert_ptr_equal(all, pocket);
    memory_give(memory, all, POCKET);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_taken_is_charged_until_it_is_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_take_over_the_budget_fails_and_charges_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_take_the_system_refuses_charges_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(resizing_charges_the_difference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_resize_over_the_budget_keeps_the_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_large_block_can_grow_to_the_whole_budget, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_smallest_large_block_is_resized_where_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_announced_and_not_sent_is_neither_charged_nor_resident, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_written_is_charged_before_it_is_resident, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_small_reservation_is_charged_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_charge_that_fails_midway_keeps_what_is_charged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_warm_block_that_is_lent_counts_as_kept_until_it_is_charged, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(of_what_is_given_back_unwritten_only_warm_blocks_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(small_blocks_come_from_the_pocket_while_there_is_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(blocks_grow_out_of_the_pocket, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reservation_in_the_pocket_goes_back_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_second_pocket_takes_what_the_first_cannot_and_is_returned_when_nothing_is_in_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pockets_may_lie_side_by_side, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pocket_that_nothing_is_in_is_whole_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(charges_for_a_librarys_memory_count_too, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}

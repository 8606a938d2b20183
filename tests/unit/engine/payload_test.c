#include "server/engine/payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT_BYTES = 4096 };

static struct plain_memory plain;

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, LIMIT_BYTES);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    assert_int_equal(plain.used_bytes, 0);
    return 0;
}

static void what_is_taken_is_empty_writable_and_given_back(void **state) {
    (void)state;
    struct payload payload;
    assert_true(payload_take(&payload, &plain.base, 1000));
    assert_int_equal(payload.length, 0);
    assert_int_equal(payload.capacity, 1000);
    assert_true(payload_is_writable(&payload));
    assert_int_equal((uintptr_t)payload.bytes % 64, 0);
    memset(payload.bytes, 1, 1000);
    assert_in_range(plain.used_bytes, 1000, 1100);
    payload_drop(&payload);
    assert_null(payload.bytes);
    assert_int_equal(plain.used_bytes, 0);
    payload_drop(&payload);
}

static void the_last_reference_gives_the_bytes_back(void **state) {
    (void)state;
    struct payload first;
    assert_true(payload_take(&first, &plain.base, 3));
    memcpy(first.bytes, "abc", 3);
    first.length = 3;
    struct payload second = payload_hold(&first);
    assert_false(payload_is_writable(&first));
    assert_false(payload_is_writable(&second));
    payload_drop(&first);
    assert_true(payload_is_writable(&second));
    assert_int_equal(second.length, 3);
    assert_memory_equal(second.bytes, "abc", 3);
    assert_true(plain.used_bytes > 0);
    payload_drop(&second);
    assert_int_equal(plain.used_bytes, 0);
    struct payload none = payload_hold(&second); /* of nothing */
    assert_null(none.bytes);
    payload_drop(&none);
}

static void growing_keeps_the_bytes(void **state) {
    (void)state;
    struct payload payload;
    assert_true(payload_take(&payload, &plain.base, 10));
    memcpy(payload.bytes, "0123456789", 10);
    payload.length = 10;
    assert_true(payload_grow(&payload, 1500));
    assert_int_equal(payload.capacity, 1500);
    assert_memory_equal(payload.bytes, "0123456789", 10);
    memset(payload.bytes + 10, 1, 1490);
    assert_false(payload_grow(&payload, LIMIT_BYTES));
    assert_false(payload_grow(&payload, SIZE_MAX));
    assert_int_equal(payload.capacity, 1500);
    assert_int_equal(payload.length, 10);
    assert_memory_equal(payload.bytes, "0123456789", 10);
    assert_true(payload_is_writable(&payload));
    payload_drop(&payload);
}

static void without_memory_nothing_changes(void **state) {
    (void)state;
    struct payload payload = {0};
    assert_false(payload_take(&payload, &plain.base, LIMIT_BYTES));
    for (size_t less = 0; less < 70; less++) {
        assert_false(payload_take(&payload, &plain.base, SIZE_MAX - less));
    }
    assert_null(payload.owner);
}

static void a_block_is_known_by_its_payload(void **state) {
    (void)state;
    struct payload payload;
    void *block = NULL;
    size_t block_bytes = 0;
    assert_true(payload_take(&payload, &plain.base, 1000));
    assert_ptr_equal(payload_block(&payload, &block, &block_bytes), &plain.base);
    assert_ptr_equal(block, payload.bytes - PAYLOAD_HEAD_BYTES);
    assert_int_equal(block_bytes, PAYLOAD_HEAD_BYTES + 1000);
    assert_true(payload_grow(&payload, 1500));
    assert_ptr_equal(payload_block(&payload, &block, &block_bytes), &plain.base);
    assert_int_equal(block_bytes, PAYLOAD_HEAD_BYTES + 1500);
    payload_drop(&payload);
    assert_null(payload_block(&payload, &block, &block_bytes));
}

/* An owner that isn't a block: bytes that live elsewhere, and may not be changed whoever holds them. */
static unsigned released;

static void note_release(struct payload_owner *owner) {
    (void)owner;
    released++;
}

static void any_owner_learns_that_the_last_reference_is_gone(void **state) {
    (void)state;
    static char text[] = "constant";
    struct payload_owner owner = {.references = 1, .release = note_release};
    struct payload payload = {.bytes = text, .length = 8, .capacity = 8, .owner = &owner};
    assert_false(payload_is_writable(&payload));
    assert_null(payload_block(&payload, &(void *){NULL}, &(size_t){0}));
    struct payload second = payload_hold(&payload);
    released = 0;
    payload_drop(&payload);
    assert_int_equal(released, 0);
    payload_drop(&second);
    assert_int_equal(released, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_taken_is_empty_writable_and_given_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_reference_gives_the_bytes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(growing_keeps_the_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_nothing_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_block_is_known_by_its_payload, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_owner_learns_that_the_last_reference_is_gone, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("payload", tests, NULL, NULL);
}

/* ctest: threads */
#include "codecs/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void blocks_are_aligned_and_charged(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 63, 64, 65, 100000};
    struct plain_memory plain;
    plain_memory_init(&plain, 1 << 20);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *block = memory_take(&plain.base, sizes[i]);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 64, 0);
        memset(block, 7, sizes[i]);
        assert_int_equal(plain.used_bytes, sizes[i]);
        memory_give(&plain.base, block, sizes[i]);
        assert_int_equal(plain.used_bytes, 0);
    }
}

static void nothing_is_charged_when_the_limit_would_be_passed(void **state) {
    (void)state;
    struct plain_memory plain;
    plain_memory_init(&plain, 100);
    void *block = memory_take(&plain.base, 60);
    assert_non_null(block);
    assert_null(memory_take(&plain.base, 41));
    assert_null(memory_take(&plain.base, SIZE_MAX));
    assert_false(memory_charge(&plain.base, 41));
    assert_int_equal(plain.used_bytes, 60);
    assert_true(memory_charge(&plain.base, 40));
    assert_int_equal(plain.used_bytes, 100);
    memory_refund(&plain.base, 40);
    plain.limit_bytes = 10; /* below what is in use */
    assert_false(memory_charge(&plain.base, 1));
    memory_give(&plain.base, block, 60);
    assert_int_equal(plain.used_bytes, 0);
}

static void resize_keeps_the_content_both_ways(void **state) {
    (void)state;
    struct plain_memory plain;
    plain_memory_init(&plain, 1000);
    char *block = memory_take(&plain.base, 10);
    assert_non_null(block);
    memcpy(block, "0123456789", 10);
    block = memory_resize(&plain.base, block, 10, 500);
    assert_non_null(block);
    assert_memory_equal(block, "0123456789", 10);
    assert_int_equal(plain.used_bytes, 500);
    assert_null(memory_resize(&plain.base, block, 500, 501)); /* both would have to exist for a moment */
    assert_memory_equal(block, "0123456789", 10);
    assert_int_equal(plain.used_bytes, 500);
    block = memory_resize(&plain.base, block, 500, 4);
    assert_non_null(block);
    assert_memory_equal(block, "0123", 4);
    memory_give(&plain.base, block, 4);
    memory_give(&plain.base, NULL, 4);
    assert_int_equal(plain.used_bytes, 0);
}

static void a_fixed_block_grows_in_its_place_and_there_is_one_at_a_time(void **state) {
    (void)state;
    struct fixed_memory fixed;
    fixed_memory_init(&fixed);
    char *block = memory_take(&fixed.base, 10);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 64, 0);
    memcpy(block, "0123456789", 10);
    assert_null(memory_take(&fixed.base, 1));
    assert_ptr_equal(memory_resize(&fixed.base, block, 10, FIXED_MEMORY_BYTES), block);
    assert_memory_equal(block, "0123456789", 10);
    memset(block, 7, FIXED_MEMORY_BYTES);
    assert_null(memory_resize(&fixed.base, block, FIXED_MEMORY_BYTES, FIXED_MEMORY_BYTES + 1));
    memory_give(&fixed.base, NULL, 0);
    assert_null(memory_take(&fixed.base, 1));
    memory_give(&fixed.base, block, FIXED_MEMORY_BYTES);
    assert_null(memory_take(&fixed.base, FIXED_MEMORY_BYTES + 1));
    assert_ptr_equal(memory_resize(&fixed.base, NULL, 0, 20), block);
    assert_true(memory_charge(&fixed.base, FIXED_MEMORY_BYTES));
    assert_false(memory_charge(&fixed.base, FIXED_MEMORY_BYTES + 1));
    memory_refund(&fixed.base, FIXED_MEMORY_BYTES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_charged),
        cmocka_unit_test(nothing_is_charged_when_the_limit_would_be_passed),
        cmocka_unit_test(resize_keeps_the_content_both_ways),
        cmocka_unit_test(a_fixed_block_grows_in_its_place_and_there_is_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The sizes that mappings come in, and what mappings do. */
#include "server/engine/mapping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void classes_are_at_most_a_quarter_apart(void **state) {
    (void)state;
    assert_int_equal(mapping_bytes(0), MAPPING_LEAST_BYTES);
    for (size_t i = 1; i < MAPPING_CLASSES; i++) {
        size_t step = mapping_bytes(i) - mapping_bytes(i - 1);
        assert_in_range(step, 1, mapping_bytes(i - 1) / 4);
        assert_int_equal(mapping_bytes(i) % (64 * 1024), 0);
    }
    assert_int_equal(mapping_bytes(MAPPING_STEPS_PER_DOUBLING), 2 * mapping_bytes(0));
}

static void a_size_has_the_first_class_that_holds_it(void **state) {
    (void)state;
    assert_int_equal(mapping_class(0), 0);
    for (size_t i = 0; i < MAPPING_CLASSES; i++) {
        assert_int_equal(mapping_class(mapping_bytes(i) - 1), i);
        assert_int_equal(mapping_class(mapping_bytes(i)), i);
        assert_int_equal(mapping_class(mapping_bytes(i) + 1), i + 1); /* of the largest one: none */
    }
    assert_int_equal(mapping_class((size_t)1 << 47), MAPPING_CLASSES);
    assert_int_equal(mapping_class(SIZE_MAX), MAPPING_CLASSES);
}

static void what_grows_keeps_its_bytes_and_the_rest_is_zero(void **state) {
    (void)state;
    char *block = mapping_new(0);
    assert_non_null(block);
    memset(block, 'a', mapping_bytes(0));
    block = mapping_grow(block, 0, 5);
    assert_non_null(block);
    for (size_t i = 0; i < mapping_bytes(5); i++) {
        if (block[i] != (i < mapping_bytes(0) ? 'a' : 0)) {
            fail_msg("byte %zu is %d", i, block[i]);
        }
    }
    mapping_free(block, mapping_bytes(5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_at_most_a_quarter_apart),
        cmocka_unit_test(a_size_has_the_first_class_that_holds_it),
        cmocka_unit_test(what_grows_keeps_its_bytes_and_the_rest_is_zero),
    };
    return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}

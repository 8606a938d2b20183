#include "codecs/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { PLENTY = 1 << 20 };

static struct plain_memory plain;
static struct text text;

static void begin(size_t limit_bytes) {
    plain_memory_init(&plain, PLENTY);
    text_init(&text, &plain.base, limit_bytes);
}

static void end(void) {
    text_deinit(&text);
    text_deinit(&text);
    assert_null(text.data);
    assert_int_equal(plain.used_bytes, 0);
}

static void bytes_follow_one_another(void **state) {
    (void)state;
    enum { COUNT = 1000, STEP = 37 };
    begin(PLENTY);
    assert_int_equal(plain.used_bytes, 0);
    for (int i = 0; i < COUNT; i++) {
        char part[STEP];
        memset(part, i % 251, sizeof part);
        text_put(&text, part, sizeof part);
        text_put(&text, NULL, 0);
    }
    assert_false(text_failed(&text));
    assert_int_equal(text.length, COUNT * STEP);
    assert_in_range(text.capacity, text.length, 2 * text.length);
    for (size_t i = 0; i < text.length; i++) {
        assert_int_equal((unsigned char)text.data[i], i / STEP % 251);
    }
    end();
}

static void room_is_for_what_is_added_to_the_length(void **state) {
    (void)state;
    begin(PLENTY);
    char *first = text_room(&text, 10);
    assert_non_null(first);
    assert_ptr_equal(text_room(&text, 10), first); /* nothing was written */
    memcpy(first, "abc", 3);
    text.length += 3;
    assert_ptr_equal(text_room(&text, 5), first + 3);
    memset(text_room(&text, 5000), 'x', 5000);
    text.length += 5000;
    assert_memory_equal(text.data, "abcx", 4);
    end();
}

static void exactly_the_limit_fits(void **state) {
    (void)state;
    for (size_t limit = 0; limit < 3000; limit += 61) {
        begin(limit);
        char byte = 'b';
        for (size_t i = 0; i < limit; i++) {
            text_put(&text, &byte, 1);
        }
        assert_false(text_failed(&text));
        assert_int_equal(text.length, limit);
        assert_true(text.capacity <= limit);
        text_put(&text, &byte, 1);
        assert_int_equal(text.state, TEXT_OVER_LIMIT);
        assert_int_equal(text.refused_bytes, limit + 1);
        assert_int_equal(text.length, limit);
        assert_null(text_room(&text, 0));
        end();
    }
}

static void the_first_failure_stays(void **state) {
    (void)state;
    begin(PLENTY);
    text_put(&text, "kept", 4);
    plain.limit_bytes = plain.used_bytes;
    assert_null(text_room(&text, 10000));
    assert_int_equal(text.state, TEXT_OUT_OF_MEMORY);
    assert_int_equal(text.refused_bytes, 10004);
    plain.limit_bytes = PLENTY;
    text_put(&text, "lost", 4);
    text_reserve(&text, 100000);
    assert_null(text_room(&text, PLENTY));
    assert_int_equal(text.state, TEXT_OUT_OF_MEMORY);
    assert_int_equal(text.length, 4);
    assert_memory_equal(text.data, "kept", 4);
    end();
}

static void a_reservation_is_one_allocation_and_keeps_within_the_limit(void **state) {
    (void)state;
    static const char many[4000];
    begin(5000);
    text_reserve(&text, 4000);
    assert_int_equal(text.capacity, 4000);
    const char *data = text.data;
    text_put(&text, many, sizeof many);
    assert_ptr_equal(text.data, data);
    assert_int_equal(text.capacity, 4000);
    text_reserve(&text, SIZE_MAX); /* an estimate that is too high is no failure */
    assert_int_equal(text.capacity, 5000);
    assert_false(text_failed(&text));
    end();
}

static void deinit_of_a_zeroed_text_does_nothing(void **state) {
    (void)state;
    struct text none = {0};
    text_deinit(&none);
    assert_null(none.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_follow_one_another),
        cmocka_unit_test(room_is_for_what_is_added_to_the_length),
        cmocka_unit_test(exactly_the_limit_fits),
        cmocka_unit_test(the_first_failure_stays),
        cmocka_unit_test(a_reservation_is_one_allocation_and_keeps_within_the_limit),
        cmocka_unit_test(deinit_of_a_zeroed_text_does_nothing),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}

#include "handlers/byte_range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum byte_range_outcome read_range(const char *field, size_t length, size_t *begin, size_t *end) {
    *begin = *end = SIZE_MAX;
    return byte_range_read((struct text_view){field, strlen(field)}, length, begin, end);
}

static void a_part_is_found(void **state) {
    (void)state;
    static const struct {
        const char *field;
        size_t length, begin, end;
    } cases[] = {
        {"bytes=0-0", 10, 0, 1},
        {"bytes=0-9", 10, 0, 10},
        {"bytes=0-99", 10, 0, 10},
        {"bytes=9-", 10, 9, 10},
        {"bytes=-1", 10, 9, 10},
        {"bytes=-10", 10, 0, 10},
        {"bytes=-99", 10, 0, 10},
        {"Bytes= 2-3 ", 10, 2, 4},
        {"bytes=3-3", 10, 3, 4},
        {"bytes=0-99999999999999999999999", 10, 0, 10},
        {"bytes=-99999999999999999999999", 10, 0, 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t begin, end;
        if (read_range(cases[i].field, cases[i].length, &begin, &end) != BYTE_RANGE_PART) {
            fail_msg("%s is no part", cases[i].field);
        }
        assert_int_equal(begin, cases[i].begin);
        assert_int_equal(end, cases[i].end);
    }
}

static void what_begins_behind_the_end_is_outside(void **state) {
    (void)state;
    static const char *const fields[] = {"bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"};
    size_t begin, end;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        assert_int_equal(read_range(fields[i], 10, &begin, &end), BYTE_RANGE_OUTSIDE);
    }
    assert_int_equal(read_range("bytes=0-", 0, &begin, &end), BYTE_RANGE_OUTSIDE);
    assert_int_equal(read_range("bytes=-5", 0, &begin, &end), BYTE_RANGE_OUTSIDE);
}

static void all_else_is_the_whole(void **state) {
    (void)state;
    static const char *const fields[] = {"",          "bytes",     "bytes=",     "bytes=-",     "bytes=a-b",
                                         "bytes=1-a", "rows=0-1",  "0-1",        "bytes=0-1,3", "bytes=3-2",
                                         "bytes=1",   "bytes=--1", "bytes=+1-2", "bytes=1 -2"};
    size_t begin, end;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (read_range(fields[i], 10, &begin, &end) != BYTE_RANGE_WHOLE) {
            fail_msg("%s is a part", fields[i]);
        }
    }
    assert_int_equal(byte_range_read((struct text_view){NULL, 0}, 10, &begin, &end), BYTE_RANGE_WHOLE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_found),
        cmocka_unit_test(what_begins_behind_the_end_is_outside),
        cmocka_unit_test(all_else_is_the_whole),
    };
    return cmocka_run_group_tests_name("byte_range", tests, NULL, NULL);
}

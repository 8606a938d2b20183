/* The index against a sorted array. */
#include "server/data/data_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NAMES = 500, STEPS = 20000 };

static struct data_index names;
static bool is_there[NAMES];
static uint64_t random_state = 88172645463325252U;

static unsigned draw(unsigned below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 20) % below;
}

/* In the order of their numbers. */
static struct text_view name_of(unsigned number, char out[16]) {
    int length = snprintf(out, 16, "n/%04u", number);
    return (struct text_view){out, (size_t)length};
}

static unsigned first_from(unsigned number) {
    while (number < NAMES && !is_there[number]) {
        number++;
    }
    return number;
}

static void expect_entry(const struct data_entry *entry, unsigned number) {
    char name[16];
    if (number == NAMES) {
        assert_null(entry);
        return;
    }
    assert_non_null(entry);
    assert_int_equal(data_name_compare(data_entry_name(entry), name_of(number, name)), 0);
    assert_int_equal((uintptr_t)entry->value, number + 1);
}

static void random_changes_are_as_those_of_a_sorted_array(void **state) {
    (void)state;
    size_t count = 0;
    names.random = 1;
    for (unsigned step = 0; step < STEPS; step++) {
        char text[16];
        unsigned number = draw(NAMES);
        struct text_view name = name_of(number, text);
        struct data_entry *entry = data_index_find(&names, name);
        assert_int_equal(!!entry, is_there[number]);
        if (entry) {
            data_index_remove(&names, entry);
            count--;
        } else {
            entry = data_index_add(&names, name);
            assert_non_null(entry);
            entry->value = (void *)((uintptr_t)number + 1);
            count++;
        }
        is_there[number] = !is_there[number];
        assert_int_equal(names.count, count);
        unsigned from = draw(NAMES);
        expect_entry(data_index_from(&names, name_of(from, text)), first_from(from));
    }
    unsigned number = first_from(0);
    for (struct data_entry *entry = names.first[0]; entry; entry = entry->next[0]) {
        expect_entry(entry, number);
        number = first_from(number + 1);
    }
    assert_int_equal(number, NAMES);
    while (names.first[0]) {
        data_index_remove(&names, names.first[0]);
    }
    assert_int_equal(names.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes_are_as_those_of_a_sorted_array),
    };
    return cmocka_run_group_tests_name("data_index", tests, NULL, NULL);
}

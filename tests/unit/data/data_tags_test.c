#include "server/data/data_tags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char tag[] = "\"1f-2a\"";

static bool has(const char *list, enum data_tags_comparison comparison, bool any) {
    return data_tags_has((struct text_view){list, strlen(list)}, tag, comparison, any);
}

static void a_tag_is_found_in_a_list(void **state) {
    (void)state;
    static const char *const with[] = {"\"1f-2a\"",       " \"1f-2a\" ",  "\"a\", \"1f-2a\"",
                                       "\"1f-2a\",\"b\"", ",, \"1f-2a\"", "\"x,y\",\"1f-2a\""};
    static const char *const without[] = {
        "", "\"1f-2\"", "\"1f-2ab\"", "1f-2a", "\"1f-2a", "\"a\" \"b\"", "\"1f-2a.npy\"", "W/", "W", "\""};
    for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
        assert_true(has(with[i], DATA_TAGS_STRONG, false));
        assert_true(has(with[i], DATA_TAGS_WEAK, true));
    }
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        assert_false(has(without[i], DATA_TAGS_WEAK, false));
    }
}

static void weak_tags_match_weakly_alone(void **state) {
    (void)state;
    assert_true(has("W/\"1f-2a\"", DATA_TAGS_WEAK, false));
    assert_false(has("W/\"1f-2a\"", DATA_TAGS_STRONG, false));
    assert_true(has("W/\"1f-2a\", \"1f-2a\"", DATA_TAGS_STRONG, false));
}

static void other_representations_are_of_the_same_version(void **state) {
    (void)state;
    assert_true(has("\"1f-2a.npy\"", DATA_TAGS_STRONG, true));
    assert_false(has("\"1f-2ab.npy\"", DATA_TAGS_STRONG, true));
}

static void a_star_is_any(void **state) {
    (void)state;
    assert_true(data_tags_is_any((struct text_view){"*", 1}));
    assert_true(data_tags_is_any((struct text_view){" * ", 3}));
    assert_false(data_tags_is_any((struct text_view){"\"*\"", 3}));
    assert_false(data_tags_is_any((struct text_view){"*, \"a\"", 6}));
    assert_false(data_tags_is_any((struct text_view){NULL, 0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_is_found_in_a_list),
        cmocka_unit_test(weak_tags_match_weakly_alone),
        cmocka_unit_test(other_representations_are_of_the_same_version),
        cmocka_unit_test(a_star_is_any),
    };
    return cmocka_run_group_tests_name("data_tags", tests, NULL, NULL);
}

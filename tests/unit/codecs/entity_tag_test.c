#include "codecs/entity_tag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char tag[] = "\"abc,d\"";

static void tags_are_found_in_lists(void **state) {
    (void)state;
    static const char *const lists[] = {
        "\"abc,d\"",
        "W/\"abc,d\"",
        "*",
        " * ",
        "\"x\", \"abc,d\"",
        "\"x\",W/\"abc,d\"",
        ",, \"abc,d\" ,",
        "\"abc,d\", \"y\"",
        "\"\", \"abc,d\"",
        "nonsense, \"abc,d\"",
        "\t\"abc,d\"\t",
        "\"\xc3\xbc\", \"abc,d\"",
        "W/, \"abc,d\"",
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (!entity_tag_is_listed(lists[i], tag)) {
            fail_msg("not in %s", lists[i]);
        }
    }
}

static void other_tags_and_what_is_none_list_nothing(void **state) {
    (void)state;
    static const char *const lists[] = {
        "",
        " ",
        ",",
        "\"abc\"",
        "abc,d",
        "\"ABC,D\"",
        "\"abc,d",
        "abc,d\"",
        "w/\"abc,d\"",
        "W/ \"abc,d\"",
        "W/W/\"abc,d\"",
        "\"abc,d\"x",
        "x\"abc,d\"",
        "\"abc, d\"",
        "\"x\" \"abc,d\"",
        "*, \"x\"",
        "\"*\"",
        "**",
        "\"abc,d \"",
        "W/*",
        "\"abc,d\";q=1",
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (entity_tag_is_listed(lists[i], tag)) {
            fail_msg("in %s", lists[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_found_in_lists),
        cmocka_unit_test(other_tags_and_what_is_none_list_nothing),
    };
    return cmocka_run_group_tests_name("entity_tag", tests, NULL, NULL);
}

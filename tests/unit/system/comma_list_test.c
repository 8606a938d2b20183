#include "server/system/comma_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void elements_come_without_the_blanks_around_them(void **state) {
    (void)state;
    static const struct {
        const char *list;
        const char *elements[4];
    } cases[] = {
        {"a", {"a"}},  {"a,b", {"a", "b"}}, {" a\t, b c ,\td", {"a", "b c", "d"}}, {"", {""}},
        {" \t", {""}}, {",", {"", ""}},     {"a, ,b,", {"a", "", "b", ""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t count = 0;
        for (const char *at = cases[i].list, *next; at; at = next, count++) {
            size_t length = 0;
            const char *element = comma_list_take(at, &length, &next);
            assert_true(count < 4 && cases[i].elements[count]);
            assert_int_equal(length, strlen(cases[i].elements[count]));
            assert_memory_equal(element, cases[i].elements[count], length);
        }
        assert_true(count == 4 || !cases[i].elements[count]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(elements_come_without_the_blanks_around_them)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "server/system/process.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { OPENED = 1500, LIMIT = 4096 };

static const char status[] = "4711 (a ) b (c) S 1 2 3 0 -1 4194560 10 11 12 13 14 15 16 17 20 0 23 0 987654 123456789 "
                             "4321 18446744073709551615 1 1 0\n";

static void threads_and_bytes_stand_behind_a_name_of_any_kind(void **state) {
    (void)state;
    struct process_figures figures = {0};
    assert_true(process_parse(status, 4096, &figures));
    assert_int_equal(figures.threads, 23);
    assert_int_equal(figures.virtual_bytes, 123456789);
    assert_int_equal(figures.resident_bytes, 4321 * 4096);
}

static void a_text_that_is_cut_off_is_none(void **state) {
    (void)state;
    struct process_figures figures = {0};
    size_t resident_at = (size_t)(strstr(status, "4321") - status);
    for (size_t length = 0; length < sizeof status; length++) {
        char *cut = strndup(status, length);
        assert_int_equal(process_parse(cut, 4096, &figures), length >= resident_at);
        free(cut);
    }
}

static void the_size_of_the_table_is_found(void **state) {
    (void)state;
    assert_int_equal(process_parse_table("Name:\ta\nUmask:\t0022\nFDSize:\t256\nGroups:\t0\n"), 256);
    assert_int_equal(process_parse_table("Name:\tFDSize:\nUmask:\t0022\n"), 0);
}

static void both_ways_to_count_descriptors_agree(void **state) {
    (void)state;
    struct process_figures before, after;
    process_read(&before);
    uint64_t counted = process_count_open(LIMIT);
    assert_true(counted >= 3);
    if (before.files_open > 0) {
        assert_int_equal(before.files_open, counted);
    }
    for (int i = 0; i < OPENED; i++) {
        assert_true(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
    }
    process_read(&after);
    assert_int_equal(process_count_open(LIMIT), counted + OPENED);
    assert_int_equal(process_count_open(3), 3);
    if (before.files_open > 0) {
        assert_int_equal(after.files_open, before.files_open + OPENED);
    }
}

static void the_process_is_what_it_is(void **state) {
    (void)state;
    struct process_figures first, second;
    struct rlimit limit;
    process_read(&first);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(first.has_status);
    assert_true(first.threads >= 1);
    assert_true(first.resident_bytes > 0 && first.virtual_bytes >= first.resident_bytes);
    assert_true(first.files_max == limit.rlim_cur);
    process_read(&second);
    assert_true(second.cpu_ns >= first.cpu_ns && first.cpu_ns > 0);
}

int main(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 1;
    }
    limit.rlim_cur = limit.rlim_max < LIMIT ? limit.rlim_max : LIMIT;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_and_bytes_stand_behind_a_name_of_any_kind),
        cmocka_unit_test(a_text_that_is_cut_off_is_none),
        cmocka_unit_test(the_size_of_the_table_is_found),
        cmocka_unit_test(both_ways_to_count_descriptors_agree),
        cmocka_unit_test(the_process_is_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ctest: threads */
#include "server/http/request_id.h"

#include "tests/unit/worker.h"

enum { MAKERS = 4, IDS_EACH = 20000 };

static char ids[MAKERS * IDS_EACH][REQUEST_ID_LENGTH + 1];

static void *make_ids(void *first) {
    char(*own)[REQUEST_ID_LENGTH + 1] = first;
    for (size_t i = 0; i < IDS_EACH; i++) {
        request_id_make(own[i]);
    }
    return NULL;
}

static int compare(const void *left, const void *right) {
    return strcmp(left, right);
}

static void ids_of_all_threads_differ(void **state) {
    (void)state;
    pthread_t makers[MAKERS];
    for (size_t i = 0; i < MAKERS; i++) {
        assert_int_equal(pthread_create(&makers[i], NULL, make_ids, ids[i * IDS_EACH]), 0);
    }
    for (size_t i = 0; i < MAKERS; i++) {
        pthread_join(makers[i], NULL);
    }
    qsort(ids, MAKERS * IDS_EACH, sizeof *ids, compare);
    for (size_t i = 0; i < MAKERS * IDS_EACH; i++) {
        assert_int_equal(strlen(ids[i]), REQUEST_ID_LENGTH);
        assert_int_equal(strspn(ids[i], "0123456789abcdef"), REQUEST_ID_LENGTH);
        if (i > 0) {
            assert_string_not_equal(ids[i], ids[i - 1]);
        }
    }
    assert_true(request_id_is_sane(ids[0], REQUEST_ID_LENGTH));
}

static unsigned digit_of(const char *id, size_t place) {
    return id[place] <= '9' ? (unsigned)(id[place] - '0') : (unsigned)(id[place] - 'a') + 10;
}

/* Each digit takes all values, whatever any other one is: none is made of the others' bits. */
static void every_pair_of_digits_occurs(void **state) {
    (void)state;
    for (size_t left = 0; left < REQUEST_ID_LENGTH; left++) {
        for (size_t right = 0; right < left; right++) {
            bool seen[256] = {false};
            size_t count = 0;
            for (size_t i = 0; i < MAKERS * IDS_EACH; i++) {
                bool *pair = &seen[digit_of(ids[i], left) * 16 + digit_of(ids[i], right)];
                count += !*pair;
                *pair = true;
            }
            assert_int_equal(count, 256);
        }
    }
}

static void only_harmless_characters_are_sane(void **state) {
    (void)state;
    char id[2] = "";
    for (int byte = 1; byte < 256; byte++) {
        id[0] = (char)byte;
        bool harmless = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                        byte == '.' || byte == '_' || byte == '-';
        if (request_id_is_sane(id, 1) != harmless) {
            fail_msg("byte 0x%02x: expected %d", (unsigned)byte, harmless);
        }
    }
}

static void the_length_is_limited(void **state) {
    (void)state;
    assert_false(request_id_is_sane("", 64));
    assert_true(request_id_is_sane("abc", 3));
    assert_false(request_id_is_sane("abcd", 3));
    assert_false(request_id_is_sane("ab c", 64));
    assert_false(request_id_is_sane("abc\r\nX: y", 64));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_all_threads_differ),
        cmocka_unit_test(every_pair_of_digits_occurs),
        cmocka_unit_test(only_harmless_characters_are_sane),
        cmocka_unit_test(the_length_is_limited),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("request_id", tests, NULL, NULL);
}

/* Records are read as they were written; what was not written by this program is refused, whatever it is. */
#include "codecs/json/document.h"
#include "server/data/data_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Shapes have the length 2 along what is behind the columns. */
static struct data_version version_of(enum data_kind kind, enum npy_dtype dtype, unsigned dimensions, size_t rows,
                                      size_t columns) {
    struct data_version version = {
        .name = "a/b.c-d_9",
        .about =
            {.kind = kind, .dtype = dtype, .sent_dtype = NPY_INT16, .dimensions = dimensions, .shape = {rows, columns}},
        .length = kind == DATA_TEXT ? 17 : rows * columns * npy_number_bytes(dtype),
        .tag = "\"0123456789abcdef-0123456789ab\"",
        .created_ms = 1767254400077,
        .expires_ms = 1767254500077,
        .sequence = UINT64_MAX - 5,
    };
    for (unsigned i = 2; i < dimensions; i++) {
        version.about.shape[i] = 2;
        version.length *= 2;
    }
    version.digest = digest_of("abc", 3);
    return version;
}

static size_t print(const struct data_version *version, char out[DATA_RECORD_MAX]) {
    size_t length = data_record_print(version, out);
    assert_true(length > 0 && length < DATA_RECORD_MAX);
    return length;
}

static void records_are_read_as_they_were_written(void **state) {
    (void)state;
    const struct data_version versions[] = {
        version_of(DATA_NUMBERS, NPY_FLOAT64, 1, 1000, 1), version_of(DATA_NUMBERS, NPY_FLOAT32, 0, 1, 1),
        version_of(DATA_NUMBERS, NPY_FLOAT64, 1, 0, 1),    version_of(DATA_ROWS, NPY_FLOAT32, 2, 3, 7),
        version_of(DATA_ROWS, NPY_FLOAT64, 2, 0, 4),       version_of(DATA_TEXT, NPY_FLOAT64, 0, 1, 1),
        version_of(DATA_NUMBERS, NPY_INT64, 1, 9, 1),      version_of(DATA_ROWS, NPY_BOOL, 2, 3, 7),
        version_of(DATA_ARRAY, NPY_FLOAT64, 3, 5, 7),      version_of(DATA_ARRAY, NPY_BOOL, 4, 5, 1),
        version_of(DATA_ARRAY, NPY_INT64, 4, 0, 7),        version_of(DATA_ARRAY, NPY_FLOAT32, 3, SIZE_MAX / 8, 0),
    };
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        const struct data_version *version = &versions[i];
        char bytes[DATA_RECORD_MAX];
        struct data_record record;
        const char *why = NULL;
        size_t length = print(version, bytes);
        if (!data_record_read(&record, bytes, length, &why)) {
            fail_msg("version %zu: %s", i, why);
        }
        assert_int_equal(record.name.length, strlen(version->name));
        assert_memory_equal(record.name.bytes, version->name, record.name.length);
        assert_memory_equal(&record.about, &version->about, sizeof record.about);
        assert_int_equal(record.length, version->length);
        assert_true(digest_equal(&record.digest, &version->digest));
        assert_string_equal(record.tag, version->tag);
        assert_true(record.sequence == version->sequence);
        assert_true(record.created_ms == version->created_ms && record.expires_ms == version->expires_ms);
    }
}

/* As they were before there were more than two dimensions. */
static void records_of_two_dimensions_stay_as_they_were(void **state) {
    (void)state;
    static const char form[] =
        "{\"format\":1,\"name\":\"a/b.c-d_9\",\"kind\":\"%s\",\"dtype\":%d,\"sent_dtype\":4,"
        "\"dimensions\":%u,\"rows\":\"%zu\",\"columns\":\"%zu\",\"length\":\"%zu\",\"sha256\":"
        "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\","
        "\"tag\":\"\\\"0123456789abcdef-0123456789ab\\\"\",\"sequence\":\"18446744073709551610\","
        "\"created_ms\":1767254400077,\"expires_ms\":1767254500077}";
    static const char *const kinds[] = {[DATA_NUMBERS] = "numbers", [DATA_ROWS] = "rows", [DATA_TEXT] = "text"};
    const struct data_version versions[] = {
        version_of(DATA_NUMBERS, NPY_FLOAT32, 0, 1, 1),
        version_of(DATA_NUMBERS, NPY_FLOAT64, 1, 5, 1),
        version_of(DATA_ROWS, NPY_INT64, 2, 2, 3),
        version_of(DATA_TEXT, NPY_FLOAT64, 0, 1, 1),
    };
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        const struct data_about *about = &versions[i].about;
        char expected[DATA_RECORD_MAX];
        char bytes[DATA_RECORD_MAX];
        struct data_record record;
        const char *why = NULL;
        int length = snprintf(expected, sizeof expected, form, kinds[about->kind], (int)about->dtype, about->dimensions,
                              about->shape[0], about->shape[1], versions[i].length);
        assert_int_equal(print(&versions[i], bytes), length);
        assert_memory_equal(bytes, expected, (size_t)length);
        assert_true(data_record_read(&record, expected, (size_t)length, &why));
        assert_memory_equal(&record.about, about, sizeof *about);
    }
}

/* Replaces the first `from`, which is there, by as many bytes. */
static void expect_change_refused(const struct data_version *version, const char *from, const char *to) {
    char bytes[DATA_RECORD_MAX + 1];
    struct data_record record;
    const char *why = NULL;
    size_t length = print(version, bytes);
    bytes[length] = '\0';
    char *at = strstr(bytes, from);
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
    if (data_record_read(&record, bytes, length, &why)) {
        fail_msg("%s was read", bytes);
    }
    assert_non_null(why);
}

static void others_are_refused(void **state) {
    (void)state;
    static const char *const changes[][2] = {
        {"\"format\":1", "\"format\":2"},         {"a/b.c-d_9", "../b.c-d_"},
        {"\"rows\":\"3\"", "\"rows\":\"4\""},     {"\"rows\":\"3\"", "\"rows\":\"x\""},
        {"\"rows\":\"3\"", "\"rows\":\"\" "},     {"\"kind\":\"rows\"", "\"kind\":\"text\""},
        {"\"dimensions\":2", "\"dimensions\":1"}, {"\"length\":\"84\"", "\"length\":\"85\""},
        {"\"dtype\":1", "\"dtype\":4"},           {"\"tag\":\"\\\"0123", "\"tag\":\"\\\"z123"},
        {"\"sha256\":\"ba", "\"sha256\":\"BA"},   {"\"sequence\"", "\"sequense\""},
        {"\"created_ms\":1", "\"created_ms\":-"}, {"{", "["},
    };
    static const char *const changes_of_four[][2] = {
        {"\"kind\":\"array\"", "\"kind\":\"rows\" "}, {"\"dimensions\":4", "\"dimensions\":3"},
        {"\"dimensions\":4", "\"dimensions\":5"},     {"\"length_2\":\"2\"", "\"length_2\":\"3\""},
        {"\"length_3\":\"2\"", "\"length_3\":\"x\""}, {"\"length_3\"", "\"length_4\""},
    };
    const struct data_version rows = version_of(DATA_ROWS, NPY_FLOAT32, 2, 3, 7);
    const struct data_version four = version_of(DATA_ARRAY, NPY_FLOAT32, 4, 3, 7);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        expect_change_refused(&rows, changes[i][0], changes[i][1]);
    }
    for (size_t i = 0; i < sizeof changes_of_four / sizeof *changes_of_four; i++) {
        expect_change_refused(&four, changes_of_four[i][0], changes_of_four[i][1]);
    }
}

static void shapes_that_overflow_are_refused(void **state) {
    (void)state;
    const struct data_version versions[] = {
        version_of(DATA_ROWS, NPY_FLOAT64, 2, SIZE_MAX / 4, 3),
        version_of(DATA_ARRAY, NPY_FLOAT64, 4, SIZE_MAX / 32 + 1, 1), /* 2^64 bytes are as many as none */
    };
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        char bytes[DATA_RECORD_MAX];
        struct data_record record;
        const char *why = NULL;
        assert_false(data_record_read(&record, bytes, print(&versions[i], bytes), &why));
    }
}

static void any_bytes_are_survived(void **state) {
    (void)state;
    struct data_version version = version_of(DATA_ARRAY, NPY_FLOAT64, 4, 100, 3);
    char bytes[DATA_RECORD_MAX];
    uint64_t random = 88172645463325252U;
    size_t length = print(&version, bytes);
    for (unsigned i = 0; i < 20000; i++) {
        char changed[DATA_RECORD_MAX];
        struct data_record record;
        const char *why = NULL;
        memcpy(changed, bytes, length);
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        changed[random % length] = (char)(random >> 32);
        size_t cut = random >> 40 & 1 ? length : (size_t)(random >> 48) % (length + 1);
        if (data_record_read(&record, changed, cut, &why)) {
            assert_true(record.name.length > 0 && record.name.length <= DATA_NAME_MAX);
            assert_true(record.about.kind == DATA_TEXT || record.length % 4 == 0);
        }
    }
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read_as_they_were_written),
        cmocka_unit_test(records_of_two_dimensions_stay_as_they_were),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(shapes_that_overflow_are_refused),
        cmocka_unit_test(any_bytes_are_survived),
    };
    return cmocka_run_group_tests_name("data_record", tests, NULL, NULL);
}

#include "codecs/npy_dtype.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Of all codes of three characters exactly these are read. */
static void codes_of_numbers_are_found(void **state) {
    (void)state;
    static const struct {
        const char *code;
        const char *name;
        size_t bytes;
    } read[] = {{"f8", "float64", 8}, {"f4", "float32", 4}, {"f2", "float16", 2}, {"i1", "int8", 1},
                {"i2", "int16", 2},   {"i4", "int32", 4},   {"i8", "int64", 8},   {"u1", "uint8", 1},
                {"u2", "uint16", 2},  {"u4", "uint32", 4},  {"u8", "uint64", 8},  {"b1", "bool", 1}};
    unsigned found = 0;
    for (unsigned i = 0; i < 1U << 24; i++) {
        const char code[] = {(char)(i & 0xFF), (char)(i >> 8 & 0xFF), (char)(i >> 16), '\0'};
        enum npy_dtype dtype = NPY_DTYPE_COUNT;
        bool big_endian = false;
        if (!npy_dtype_find(code, 3, &dtype, &big_endian)) {
            continue;
        }
        size_t k = 0;
        while (k < sizeof read / sizeof read[0] && strcmp(code + 1, read[k].code) != 0) {
            k++;
        }
        if (k == sizeof read / sizeof read[0] || strcmp(npy_dtype_name(dtype), read[k].name) != 0 ||
            npy_number_bytes(dtype) != read[k].bytes || big_endian != (code[0] == '>' && read[k].bytes > 1)) {
            fail_msg("'%s' is %s", code, npy_dtype_name(dtype));
        }
        found++;
    }
    assert_int_equal(found, 12 * 2 + 3); /* '<' and '>' of all, '|' of single bytes */
}

static void codes_of_other_lengths_are_not(void **state) {
    (void)state;
    static const char *const codes[] = {"", "<", "<f", "f8", "<f88", "<f16", "float64", "<i8 ", "|b1\n"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        enum npy_dtype dtype;
        bool big_endian;
        assert_false(npy_dtype_find(codes[i], strlen(codes[i]), &dtype, &big_endian));
    }
}

static void what_is_not_read_is_explained(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"<f16", ", longdouble", ".astype('f8') converts"},
        {">f12", ", longdouble", ".astype('f8') converts"},
        {"<c8", ", complex numbers", ".real is one"},
        {"<c32", ", complex numbers", ".real is one"},
        {"|O", ", Python objects (a pickle, never read)", ".astype('f8') converts"},
        {"|O8", ", Python objects (a pickle, never read)", ".astype('f8') converts"},
        {"|S5", ", text", ".astype('f8') converts"},
        {"<U2", ", text", ".astype('f8') converts"},
        {"|V2", ", raw bytes",
         ".view('f8'), or what they are, makes numbers of them (of bfloat16 .astype('f4') before saving)"},
        {"<M8[ns]", ", dates", ".astype('i8') converts"},
        {"<m8[s]", ", durations", ".astype('i8') converts"},
        {"", "", ".astype('f8') converts"},
        {"<", "", ".astype('f8') converts"},
        {"complex128", "", ".astype('f8') converts"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *hint = NULL;
        assert_string_equal(npy_dtype_explain(cases[i][0], strlen(cases[i][0]), &hint), cases[i][1]);
        assert_string_equal(hint, cases[i][2]);
    }
}

static void codes_without_their_byte_order_are_spelt(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"f8", "<f8"},      {"=f8", "<f8"},  {"|f8", "<f8"},  {"float64", "<f8"},
                                           {"=i4", "<i4"},     {"u1", "|u1"},   {"=i1", "|i1"},  {"b1", "|b1"},
                                           {"float16", "<f2"}, {"bool", "|b1"}, {"int8", "|i1"}, {"uint64", "<u8"}};
    static const char *const others[] = {"",       "=",        "f",   "f16", "=c8", "float",
                                         "float6", "float649", "!f8", "|O",  "=f8 "};
    char spelling[NPY_CODE_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(npy_dtype_respell(cases[i][0], strlen(cases[i][0]), spelling));
        assert_string_equal(spelling, cases[i][1]);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (npy_dtype_respell(others[i], strlen(others[i]), spelling)) {
            fail_msg("%s is spelt %s", others[i], spelling);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_of_numbers_are_found),
        cmocka_unit_test(codes_of_other_lengths_are_not),
        cmocka_unit_test(what_is_not_read_is_explained),
        cmocka_unit_test(codes_without_their_byte_order_are_spelt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

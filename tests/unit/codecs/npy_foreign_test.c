#include "codecs/npy_foreign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What is said of the bytes, in a block that ends with them; "" for nothing. */
static const char *told(const char *bytes, size_t length) {
    char *block = malloc(length > 0 ? length : 1);
    assert_non_null(block);
    memcpy(block, bytes, length);
    const char *what = npy_foreign(block, length);
    free(block);
    return what ? what : "";
}

static const struct {
    const char *bytes;
    size_t length;
    const char *what;
} cases[] = {
    {"PK\x03\x04\x14\0\0\0", 8, "a .npz archive, or another .zip; send one of its arrays: "},
    {"PK\x05\x06", 4, "a .npz archive"},
    {"\x80\x02"
     "c",
     3, "a pickle, which could run code and is never read; "},
    {"\x80\x03", 2, "a pickle"},
    {"\x80\x04\x95\0", 4, "a pickle"},
    {"\x80\x05\x95\0", 4, "a pickle"},
    {"cnumpy.core.multiarray\n_reconstruct\n", 36, "a pickle"},
    {"cnumpy\nndarray\n", 15, "a pickle"},
    {"cnumpyx", 7, "text; "},
    {"\x1F\x8B\x08", 3, "compressed with gzip; say so: Content-Encoding: gzip"},
    {"\x28\xB5\x2F\xFD\x04", 5, "compressed with zstd; "},
    {"\x89HDF\r\n\x1A\n", 8, "an HDF5 file; "},
    {"PAR1\x15", 5, "a Parquet file; "},
    {"ARROW1\0\0", 8, "an Arrow file; "},
    {"FEA1\0\0\0\0", 8, "a Feather file; "},
    {"BZh91AY&SY\x12", 11, "compressed with bzip2 or xz, which are not read; "},
    {"BZh11AY&SY", 10, "compressed with bzip2 or xz, which are not read; "},
    {"BZh91AY&S", 9, "text; "},
    {"\xFD\x37zXZ\0", 6, "compressed with bzip2 or xz, which are not read; "},
    {"(lp0\nF1.0\na.", 12, "a pickle"},
    {"(dp0\n.", 6, "a pickle"},
    {"]q\0K\1a.", 7, "a pickle"},
    {"}q\0.", 4, "a pickle"},
    {"carray\n_array_reconstructor\n", 28, "a pickle"},
    {"ccopy_reg\n_reconstructor\n", 25, "a pickle"},
    {"c__builtin__\nset\n", 17, "a pickle"},
    {"(1, 2)", 6, "text; "},
    {"MATLAB 5.0 MAT-file", 19, "a MATLAB file; "},
    {"{\"x\": [1]}", 10, "JSON; say so: Content-Type: application/json"},
    {" \r\n\t[1, 2]", 10, "JSON; "},
    {"\xEF\xBB\xBF{\"x\": 1}", 11, "JSON; "},
    {"1,2,3\n4,5,6\n", 12, "text; of CSV "},
    {"-1.5", 4, "text; "},
    {"gr\xC3\xB6\xC3\x9F"
     "e,2\n",
     10, "text; "},
    {"\xEF\xBB\xBFx,y\n", 7, "text; "},
    {"\n", 1, "text; "},
    {"\xFF\xFE"
     "1\0",
     4, "text in UTF-16"},
    {"\xFE\xFF\0"
     "1",
     4, "text in UTF-16"},
    {"", 0, ""},
    {"\0\0\0\0\0\0\xF0\x3F", 8, ""}, /* 1.0 */
    {"\x80\x01", 2, ""},
    {"\x80", 1, ""},
    {"\xEF\xBB\xBF", 3, ""},
    {"abc\0", 4, ""},
    {"abc\x7F", 4, ""},
    {"\x9A\x99\x99\x99\x99\x99\xB9\x3F", 8, ""}, /* 0.1 */
    {"PK", 2, "text; "},
};

static void files_of_other_kinds_are_told_by_their_beginning(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *what = told(cases[i].bytes, cases[i].length);
        if (strncmp(what, cases[i].what, strlen(cases[i].what)) != 0 || (!*cases[i].what && *what)) {
            fail_msg("case %zu: \"%s\", expected \"%s\"", i, what, cases[i].what);
        }
    }
}

/* Beyond the first 64 bytes nothing is looked at: a text may have anything there. */
static void only_the_beginning_is_looked_at(void **state) {
    (void)state;
    char bytes[80];
    memset(bytes, 'a', sizeof bytes);
    bytes[64] = '\0';
    assert_int_equal(strncmp(told(bytes, sizeof bytes), "text; ", 6), 0);
    bytes[63] = '\0';
    assert_string_equal(told(bytes, sizeof bytes), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_other_kinds_are_told_by_their_beginning),
        cmocka_unit_test(only_the_beginning_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

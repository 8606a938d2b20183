#include "codecs/npy_numbers.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILE_MAX = 1024, GUARDED_MAX = 4096 };

/* Inputs end where the page does, and the next one can't be read. */
static char *guard;

static int set_up(void **state) {
    (void)state;
    assert_int_equal(sysconf(_SC_PAGESIZE), GUARDED_MAX);
    char *pages = mmap(NULL, 2 * GUARDED_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    guard = pages + GUARDED_MAX;
    return mprotect(guard, GUARDED_MAX, PROT_NONE);
}

static int tear_down(void **state) {
    (void)state;
    return munmap(guard - GUARDED_MAX, 2 * GUARDED_MAX);
}

static enum problem_kind read_guarded(const char *bytes, size_t length, struct npy_head *head,
                                      struct problem *problem) {
    memcpy(guard - length, bytes, length);
    *problem = (struct problem){0};
    enum problem_kind kind = npy_read_head(guard - length, length, head, "x", problem);
    assert_int_equal(kind, problem->kind);
    return kind;
}

static size_t load(const char *name, char *out) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/npy/%s", FIXTURES, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        fail_msg("%s can't be opened", path);
    }
    size_t length = fread(out, 1, FILE_MAX, file);
    assert_int_equal(fclose(file), 0);
    return length;
}

/* A version 1.0 head around the dictionary. Returns its length. */
static size_t wrap(const char *dictionary, char *out) {
    size_t length = strlen(dictionary);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (char)(length & 0xFF);
    out[9] = (char)(length >> 8);
    memcpy(out + 10, dictionary, length);
    return 10 + length;
}

static const struct {
    const char *name;
    struct npy_head head;
} good_files[] = {
    {"scalar_f8.npy", {true, 128, NPY_FLOAT64, 0, {1, 1}, 1, 8, false, false}},
    {"empty_f8.npy", {true, 128, NPY_FLOAT64, 1, {0, 1}, 0, 0, false, false}},
    {"row_f8.npy", {true, 128, NPY_FLOAT64, 1, {7, 1}, 7, 56, false, false}},
    {"row_f8_version_1.npy", {true, 128, NPY_FLOAT64, 1, {7, 1}, 7, 56, false, false}},
    {"row_f8_version_2.npy", {true, 128, NPY_FLOAT64, 1, {7, 1}, 7, 56, false, false}},
    {"row_f8_version_3.npy", {true, 128, NPY_FLOAT64, 1, {7, 1}, 7, 56, false, false}},
    {"row_f4.npy", {true, 128, NPY_FLOAT32, 1, {4, 1}, 4, 16, false, false}},
    {"matrix_f8.npy", {true, 128, NPY_FLOAT64, 2, {2, 3}, 6, 48, false, false}},
    {"cube_f8.npy", {true, 128, NPY_FLOAT64, 3, {2, 1, 2}, 4, 32, false, false}},
    {"four_dimensions_f4.npy", {true, 128, NPY_FLOAT32, 4, {2, 3, 1, 4}, 24, 96, false, false}},
    {"matrix_fortran_f8.npy", {true, 128, NPY_FLOAT64, 2, {2, 3}, 6, 48, false, true}},
    {"cube_fortran_f8.npy", {true, 128, NPY_FLOAT64, 3, {2, 1, 2}, 4, 32, false, true}},
    {"row_big_endian_f8.npy", {true, 128, NPY_FLOAT64, 1, {3, 1}, 3, 24, true, false}},
    {"row_i8.npy", {true, 128, NPY_INT64, 1, {3, 1}, 3, 24, false, false}},
    {"row_f2.npy", {true, 128, NPY_FLOAT16, 1, {3, 1}, 3, 6, false, false}},
    {"row_bool.npy", {true, 128, NPY_BOOL, 1, {2, 1}, 2, 2, false, false}},
};
enum { GOOD_FILES = sizeof good_files / sizeof good_files[0], FILES_AS_WRITTEN = GOOD_FILES - 6 };

static void expect_head(const char *name, const struct npy_head *head, const struct npy_head *expected) {
    if (head->complete != expected->complete || head->head_bytes != expected->head_bytes ||
        head->dtype != expected->dtype || head->dimensions != expected->dimensions ||
        memcmp(head->shape, expected->shape, head->dimensions * sizeof *head->shape) != 0 ||
        head->count != expected->count || head->data_bytes != expected->data_bytes ||
        head->big_endian != expected->big_endian || head->fortran_order != expected->fortran_order) {
        fail_msg(
            "%s: complete %d, head %zu, dtype %d, %u dimensions, shape %zu %zu, count %zu, data %zu, big-endian %d, "
            "Fortran order %d",
            name, head->complete, head->head_bytes, head->dtype, head->dimensions, head->shape[0], head->shape[1],
            head->count, head->data_bytes, head->big_endian, head->fortran_order);
    }
}

static void files_that_numpy_wrote_are_read(void **state) {
    (void)state;
    for (size_t i = 0; i < GOOD_FILES; i++) {
        char bytes[FILE_MAX];
        struct npy_head head;
        struct problem problem;
        size_t length = load(good_files[i].name, bytes);
        if (read_guarded(bytes, length, &head, &problem)) {
            fail_msg("%s: %s", good_files[i].name, problem.detail);
        }
        expect_head(good_files[i].name, &head, &good_files[i].head);
        assert_int_equal(head.head_bytes + head.data_bytes, length);
    }
}

static void written_heads_equal_numpys(void **state) {
    (void)state;
    for (size_t i = 0; i < FILES_AS_WRITTEN; i++) {
        char bytes[FILE_MAX];
        char written[NPY_HEAD_WRITTEN];
        const struct npy_head *head = &good_files[i].head;
        (void)load(good_files[i].name, bytes);
        if (bytes[6] == 1) {
            npy_write_head(written, head->dtype, head->dimensions, head->shape);
            assert_memory_equal(written, bytes, NPY_HEAD_WRITTEN);
        }
    }
}

static void any_shape_reads_back_as_written(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 9, 10, 123456789, (size_t)1 << 31, (size_t)1 << 59, PTRDIFF_MAX};
    enum { SIZES = sizeof sizes / sizeof sizes[0] };
    size_t read = 0;
    for (size_t i = 0; i < SIZES * SIZES * SIZES * SIZES * (NPY_DIMENSIONS_MAX + 1); i++) {
        char written[NPY_HEAD_WRITTEN];
        struct npy_head head;
        struct problem problem;
        struct npy_head expected = {.complete = true, .head_bytes = NPY_HEAD_WRITTEN, .dtype = NPY_FLOAT32, .count = 1};
        bool fits = true;
        size_t product = 1;
        size_t choice = i / (NPY_DIMENSIONS_MAX + 1);
        expected.dimensions = (unsigned)(i % (NPY_DIMENSIONS_MAX + 1));
        for (unsigned k = 0; k < expected.dimensions; k++) {
            expected.shape[k] = sizes[choice % SIZES];
            choice /= SIZES;
            expected.count *= expected.shape[k];
            __extension__ unsigned __int128 more = (unsigned __int128)product * expected.shape[k];
            fits = fits && more <= PTRDIFF_MAX;
            product = expected.shape[k] > 0 && fits ? (size_t)more : product;
        }
        size_t count = 0;
        assert_int_equal(npy_count(expected.shape, expected.dimensions, &count), fits);
        if (!fits) {
            continue;
        }
        assert_int_equal(count, expected.count);
        expected.data_bytes = count * 4;
        npy_write_head(written, NPY_FLOAT32, expected.dimensions, expected.shape);
        if (count > (PTRDIFF_MAX - NPY_HEAD_READ_MAX) / 4) {
            assert_int_equal(read_guarded(written, sizeof written, &head, &problem), PROBLEM_INVALID_NPY);
            continue;
        }
        if (read_guarded(written, sizeof written, &head, &problem)) {
            fail_msg("%.*s: %s", NPY_HEAD_WRITTEN, written, problem.detail);
        }
        expect_head("written", &head, &expected);
        read++;
    }
    assert_in_range(read, 1000, SIZE_MAX);
}

static void arrays_one_after_the_other_are_read_at_any_alignment(void **state) {
    (void)state;
    static const double expected[] = {0.0, -0.0, 1.5, NAN, -INFINITY, 5e-324, 1.7976931348623157e308};
    char bytes[FILE_MAX];
    struct npy_head head;
    struct problem problem;
    size_t length = load("two_f8.npy", bytes);
    assert_int_equal(read_guarded(bytes, length, &head, &problem), PROBLEM_NONE);
    double doubles[7];
    npy_doubles(doubles, bytes + head.head_bytes, head.dtype, head.count);
    for (int i = 0; i < 3; i++) {
        assert_true(doubles[i] == i + 1);
    }
    size_t second = head.head_bytes + head.data_bytes;
    assert_int_equal(second % sizeof(double), 4);
    assert_int_equal(read_guarded(bytes + second, length - second, &head, &problem), PROBLEM_NONE);
    assert_int_equal(head.count, 7);
    npy_doubles(doubles, bytes + second + head.head_bytes, head.dtype, head.count);
    for (int i = 0; i < 7; i++) {
        if (isnan(expected[i]) ? !isnan(doubles[i]) : memcmp(&doubles[i], &expected[i], sizeof(double)) != 0) {
            fail_msg("number %d: %a, expected %a", i, doubles[i], expected[i]);
        }
    }
}

/* While a head is incomplete, as many bytes are asked for as are known to belong to it. */
static void a_head_may_arrive_byte_by_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < GOOD_FILES; i++) {
        char bytes[FILE_MAX];
        (void)load(good_files[i].name, bytes);
        size_t fixed = bytes[6] == 1 ? 10 : 12;
        for (size_t length = 0; length < NPY_HEAD_WRITTEN; length++) {
            struct npy_head head;
            struct problem problem;
            if (read_guarded(bytes, length, &head, &problem)) {
                fail_msg("%s, %zu bytes: %s", good_files[i].name, length, problem.detail);
            }
            assert_false(head.complete);
            assert_int_equal(head.head_bytes, length < 7 ? 10 : length < fixed ? fixed : NPY_HEAD_WRITTEN);
        }
    }
    struct npy_head head;
    struct problem problem = {0};
    assert_int_equal(npy_read_head(NULL, 0, &head, "x", &problem), PROBLEM_NONE);
    assert_false(head.complete);
}

static void expect_refusal(const char *what, const char *bytes, size_t length, enum problem_kind kind,
                           const char *detail) {
    struct npy_head head;
    struct problem problem;
    enum problem_kind found = read_guarded(bytes, length, &head, &problem);
    if (found != kind || !strstr(problem.detail, detail)) {
        fail_msg("%s: %s, \"%s\"; expected %s, \"%s\"", what, problem_slug(found), problem.detail, problem_slug(kind),
                 detail);
    }
    assert_string_equal(problem.pointer, "/x");
    assert_false(head.complete);
}

static void arrays_of_other_kinds_are_refused_with_the_reason(void **state) {
    (void)state;
    static const struct {
        const char *name;
        const char *detail;
    } cases[] = {
        {"five_dimensions_f8.npy", "\"x\" has 5 dimensions; at most 4 are read"},
        {"row_c16.npy", "\"x\" has dtype '<c16', complex numbers; taken are float16, float32, float64, int8 to int64, "
                        "uint8 to uint64 and bool: x.real is one"},
        {"row_text.npy", "'<U2', text; "},
        {"row_objects.npy", "'|O', Python objects (a pickle, never read); "},
        {"row_structured.npy", "\"x\" has a structured dtype, [('a', '<f8'), ('b', '<f4')]; taken are float16, "},
        {"row_structured_version_3.npy", "\"x\" has a structured dtype, [('\u03b3', '<f8')]; "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char bytes[FILE_MAX];
        size_t length = load(cases[i].name, bytes);
        expect_refusal(cases[i].name, bytes, length, PROBLEM_WRONG_TYPE, cases[i].detail);
    }
}

/* What is offered is there: the first field by its own name, and a spelling that is read. */
static void what_would_be_read_is_named_as_it_is(void **state) {
    (void)state;
    static const struct {
        const char *descr;
        const char *detail;
    } cases[] = {
        {"[('width', '<f8'), ('b', '<f4')]}", "bool: a field of it, x['width'], may be one"},
        {"[ ( \"of rain\" , '<f8')]}", "bool: a field of it, x['of rain'], may be one"},
        {"[('abcdefghijklmnopqrstuvwxyzabcdef', '<f8')]}", "x['abcdefghijklmnopqrstuvwxyzabcdef'], may be one"},
        {"[('abcdefghijklmnopqrstuvwxyzabcdefg', '<f8')]}", "bool: a field of it may be one"},
        {"[('\u03b3', '<f8')]}", "bool: a field of it may be one"},
        {"[('', '|V4'), ('a', '<f8')]}", "bool: a field of it may be one"},
        {"[(('title', 'a'), '<f8')]}", "bool: a field of it may be one"},
        {"[(\"it's\", '<f8')]}", "bool: a field of it may be one"},
        {"('<f8', (2,))}", "bool: a field of it may be one"},
        {"[('a", "bool: a field of it may be one"},
        {"'f8'}", "\"x\" has dtype 'f8'; 'descr' is a code with its byte order, as np.save writes it: '<f8'"},
        {"'=f8'}", "\"x\" has dtype '=f8'; 'descr' is a code with its byte order, as np.save writes it: '<f8'"},
        {"'|f8'}", "as np.save writes it: '<f8'"},
        {"'float32'}", "as np.save writes it: '<f4'"},
        {"'b1'}", "as np.save writes it: '|b1'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char dictionary[128];
        char bytes[FILE_MAX];
        (void)snprintf(dictionary, sizeof dictionary, "{'fortran_order': False, 'shape': (3,), 'descr': %s",
                       cases[i].descr);
        expect_refusal(dictionary, bytes, wrap(dictionary, bytes), PROBLEM_WRONG_TYPE, cases[i].detail);
    }
}

static void other_spellings_of_the_dictionary_are_read(void **state) {
    (void)state;
    static const struct {
        const char *dictionary;
        unsigned dimensions;
        size_t count;
    } cases[] = {
        {"{'shape': (3,), 'descr': '<f8', 'fortran_order': False}", 1, 3},
        {"{\"descr\":\"<f8\",\"fortran_order\":False,\"shape\":(2,4)}", 2, 8},
        {" \t{ 'descr' : '<f8' ,\n'fortran_order'\r\n:\fFalse , 'shape' : ( 2 , 4 , ) , } \n", 2, 8},
        {"{'descr': '<f8', 'fortran_order': True, 'shape': (5,), }\n", 1, 5},
        {"{'descr': '<f8', 'fortran_order': True, 'shape': (5, 1), }\n", 2, 5},
        {"{'descr': '<f8', 'fortran_order': True, 'shape': (1, 5), }\n", 2, 5},
        {"{'descr': '<f8', 'fortran_order': True, 'shape': (0, 5), }\n", 2, 0},
        {"{'descr': '<f8', 'fortran_order': True, 'shape': (), }\n", 0, 1},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (5L, 2L), }\n", 2, 10},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9223372036854775807), }\n", 2, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char bytes[FILE_MAX];
        struct npy_head head;
        struct problem problem;
        size_t length = wrap(cases[i].dictionary, bytes);
        if (read_guarded(bytes, length, &head, &problem)) {
            fail_msg("%s: %s", cases[i].dictionary, problem.detail);
        }
        struct npy_head expected = {true,
                                    length,
                                    NPY_FLOAT64,
                                    cases[i].dimensions,
                                    {head.shape[0], head.shape[1]},
                                    cases[i].count,
                                    8 * cases[i].count,
                                    false,
                                    false};
        expect_head(cases[i].dictionary, &head, &expected);
    }
}

#define REST ", 'descr': '<f8', 'fortran_order': False}"

static const char *const bad_dictionaries[][2] = {
    {"", "at byte 11 of the head of \"x\": a dictionary is expected"},
    {"[]", "a dictionary is expected"},
    {"{}", "has no 'descr'"},
    {"{'descr': '<f8', 'shape': (3,)}", "has no 'fortran_order'"},
    {"{'descr': '<f8', 'fortran_order': False}", "has no 'shape'"},
    {"{'shape': (3,), 'shape': (3,)" REST, "occurs twice"},
    {"{'shape': (3,), 'order': 1" REST, "the keys are"},
    {"{'shape': (3,), 'desc': '<f8'" REST, "the keys are"},
    {"{'shape': (3,), shape: (3,)" REST, "a string is expected"},
    {"{'shape' (3,)" REST, "':' is expected"},
    {"{'shape': (3,) 'descr': '<f8'}", "',' or '}' is expected"},
    {"{'shape': (3,),," REST, "a string is expected"},
    {"{'shape': (3)" REST, "is a tuple: (3,), not (3)"},
    {"{'shape': [3]" REST, "is a tuple"},
    {"{'shape': 3" REST, "is a tuple"},
    {"{'shape': (,)" REST, "is a whole number"},
    {"{'shape': (3,,)" REST, "is a whole number"},
    {"{'shape': (3 4)" REST, "',' or ')' is expected"},
    {"{'shape': (-3,)" REST, "is negative"},
    {"{'shape': (+3,)" REST, "is a whole number"},
    {"{'shape': (03,)" REST, "is a whole number"},
    {"{'shape': (3.0,)" REST, "',' or ')' is expected"},
    {"{'shape': (0x3,)" REST, "',' or ')' is expected"},
    {"{'shape': (1_0,)" REST, "',' or ')' is expected"},
    {"{'shape': (True,)" REST, "is a whole number"},
    {"{'shape': (None,)" REST, "is a whole number"},
    {"{'shape': (9223372036854775808,)" REST, "a dimension is too large"},
    {"{'shape': (99999999999999999999999999,)" REST, "a dimension is too large"},
    {"{'shape': (9223372036854775807,)" REST, "the shape of \"x\" is too large"},
    {"{'shape': (4294967296, 4294967296)" REST, "the shape of \"x\" is too large"},
    {"{'shape': (2305843009213693951, 3)" REST, "the shape of \"x\" is too large"},
    {"{'descr': '<f8', 'fortran_order': 1, 'shape': (3,)}", "True or False"},
    {"{'descr': '<f8', 'fortran_order': false, 'shape': (3,)}", "True or False"},
    {"{'descr': '<f8', 'fortran_order': Falsey, 'shape': (3,)}", "',' or '}' is expected"},
    {"{'descr': 8, 'fortran_order': False, 'shape': (3,)}", "a string is expected"},
    {"{'descr': u'<f8', 'fortran_order': False, 'shape': (3,)}", "a string is expected"},
    {"{'descr': '<f8", "this string does not end"},
    {"{'descr': '<f8\n', 'fortran_order'", "this string does not end"},
    {"{'descr': '\\x3cf8', 'fortran_order'", "this string does not end"},
    {"{'shape': (3,)" REST "{", "only spaces may follow"},
    {"{'shape': (3,)" REST " # x", "only spaces may follow"},
    {"{'shape': (3,", "is a whole number"},
    {"{'shape': (3,)", "',' or '}' is expected"},
};

static void malformed_dictionaries_are_refused_with_the_place(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_dictionaries / sizeof bad_dictionaries[0]; i++) {
        char bytes[FILE_MAX];
        size_t length = wrap(bad_dictionaries[i][0], bytes);
        expect_refusal(bad_dictionaries[i][0], bytes, length, PROBLEM_INVALID_NPY, bad_dictionaries[i][1]);
    }
}

static void a_nul_byte_is_no_space(void **state) {
    (void)state;
    char bytes[FILE_MAX];
    size_t length = wrap("{'shape': (3,)" REST " ", bytes);
    bytes[length - 1] = '\0';
    expect_refusal("NUL", bytes, length, PROBLEM_INVALID_NPY, "only spaces may follow");
    length = wrap("{'shape': (3,)" REST, bytes);
    bytes[11] = '\0';
    expect_refusal("NUL", bytes, length, PROBLEM_INVALID_NPY, "a string is expected");
}

static void unusual_dtypes_are_shown_in_part(void **state) {
    (void)state;
    char bytes[FILE_MAX];
    static const char *const names[] = {
        "", "f8", "=f8", "|f8", "<f88", "float64", "<f8 ", "<d", "0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char dictionary[200];
        char detail[64];
        (void)snprintf(dictionary, sizeof dictionary, "{'descr': '%s', 'fortran_order': False, 'shape': (3,)}",
                       names[i]);
        (void)snprintf(detail, sizeof detail, "dtype '%.32s'; ", names[i]);
        expect_refusal(names[i], bytes, wrap(dictionary, bytes), PROBLEM_WRONG_TYPE, detail);
    }
}

static void other_beginnings_are_refused_at_once(void **state) {
    (void)state;
    expect_refusal("text", "[1", 2, PROBLEM_INVALID_NPY, "\"x\" is JSON; ");
    expect_refusal("zip", "PK\x03\x04", 4, PROBLEM_INVALID_NPY, "\"x\" is a .npz archive, ");
    expect_refusal("bytes", "\x01\x02", 2, PROBLEM_INVALID_NPY, "93 'NUMPY'");
    expect_refusal("case", "\x93Numpy", 3, PROBLEM_INVALID_NPY, "93 'NUMPY'");
    expect_refusal("version", "\x93NUMPY\x00", 7, PROBLEM_INVALID_NPY, "version 0.0; 1.0, 2.0 and 3.0 are read");
    expect_refusal("version", "\x93NUMPY\x04", 7, PROBLEM_INVALID_NPY, "version 4.0");
    expect_refusal("version", "\x93NUMPY\x01\x01", 8, PROBLEM_INVALID_NPY, "version 1.1");
    expect_refusal("version", "\x93NUMPY\xFF\xFF", 8, PROBLEM_INVALID_NPY, "version 255.255");
}

static void heads_of_more_than_64_kib_are_refused(void **state) {
    (void)state;
    struct npy_head head;
    struct problem problem;
    assert_int_equal(read_guarded("\x93NUMPY\x02\x00\x00\x00\x01\x00", 12, &head, &problem), PROBLEM_NONE);
    assert_false(head.complete);
    assert_int_equal(head.head_bytes, NPY_HEAD_READ_MAX);
    expect_refusal("65537", "\x93NUMPY\x02\x00\x01\x00\x01\x00", 12, PROBLEM_INVALID_NPY, "has 65537 bytes");
    expect_refusal("4 GiB", "\x93NUMPY\x03\x00\xFF\xFF\xFF\xFF", 12, PROBLEM_INVALID_NPY, "has 4294967295 bytes");
}

/* Whatever is found, it is consistent. */
static void check_mutant(const char *bytes, size_t length) {
    struct npy_head head;
    struct problem problem;
    if (read_guarded(bytes, length, &head, &problem)) {
        assert_false(head.complete);
        assert_true(problem.detail[0] != '\0');
    } else if (head.complete) {
        assert_in_range(head.head_bytes, 10, length);
        assert_in_range(head.dimensions, 0, NPY_DIMENSIONS_MAX);
        size_t count = 0;
        assert_true(npy_count(head.shape, head.dimensions, &count) && count == head.count);
        assert_int_equal(head.count * npy_number_bytes(head.dtype), head.data_bytes);
        assert_in_range(head.data_bytes, 0, PTRDIFF_MAX - NPY_HEAD_READ_MAX);
    } else {
        assert_in_range(head.head_bytes, length + 1, NPY_HEAD_READ_MAX);
    }
}

static void mutated_heads_never_mislead(void **state) {
    (void)state;
    static const char alphabet[] = " \n'\"{}()[],:0159-LTF<f8x\\\0\x7F\xFF";
    char bytes[FILE_MAX];
    uint64_t random = UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < GOOD_FILES; i++) {
        size_t length = load(good_files[i].name, bytes);
        for (size_t at = 0; at < NPY_HEAD_WRITTEN; at++) {
            char kept = bytes[at];
            for (size_t j = 0; j < sizeof alphabet; j++) {
                bytes[at] = alphabet[j];
                check_mutant(bytes, length);
            }
            bytes[at] = kept;
        }
        for (int round = 0; round < 20000; round++) {
            char mutant[FILE_MAX];
            memcpy(mutant, bytes, length);
            for (int j = 0; j < 3; j++) {
                random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
                mutant[(random >> 33) % 70] = alphabet[(random >> 20) % sizeof alphabet];
            }
            check_mutant(mutant, (random >> 40) % (length + 1));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_numpy_wrote_are_read),
        cmocka_unit_test(written_heads_equal_numpys),
        cmocka_unit_test(any_shape_reads_back_as_written),
        cmocka_unit_test(arrays_one_after_the_other_are_read_at_any_alignment),
        cmocka_unit_test(a_head_may_arrive_byte_by_byte),
        cmocka_unit_test(arrays_of_other_kinds_are_refused_with_the_reason),
        cmocka_unit_test(what_would_be_read_is_named_as_it_is),
        cmocka_unit_test(other_spellings_of_the_dictionary_are_read),
        cmocka_unit_test(malformed_dictionaries_are_refused_with_the_place),
        cmocka_unit_test(a_nul_byte_is_no_space),
        cmocka_unit_test(unusual_dtypes_are_shown_in_part),
        cmocka_unit_test(other_beginnings_are_refused_at_once),
        cmocka_unit_test(heads_of_more_than_64_kib_are_refused),
        cmocka_unit_test(mutated_heads_never_mislead),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Conversions of .npy numbers against the reference: all dtypes, byte orders, orders of dimensions, alignments and
 * sizes; every float16. Blocks are as long as what is in them, so that the sanitizers see each byte beyond. */
#include "codecs/npy_numbers.h"

#include "tests/reference/npy_simple.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 600, SIZE_MAX_TRIED = 300, TURNED_MAX = 100000, HALVES = 65536 };

static uint64_t random_state = UINT64_C(0x9E3779B97F4A7C15);

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static struct npy_head head_of(enum npy_dtype dtype, bool big_endian, bool fortran_order, size_t rows, size_t columns) {
    return (struct npy_head){.complete = true,
                             .dtype = dtype,
                             .dimensions = 2,
                             .shape = {rows, columns},
                             .count = rows * columns,
                             .data_bytes = rows * columns * npy_number_bytes(dtype),
                             .big_endian = big_endian && npy_number_bytes(dtype) > 1,
                             .fortran_order = fortran_order && rows > 1 && columns > 1};
}

static struct npy_head row_of(enum npy_dtype dtype, bool big_endian, size_t count) {
    struct npy_head head = head_of(dtype, big_endian, false, count, 1);
    head.dimensions = 1;
    return head;
}

static void *take(size_t bytes) {
    void *block = malloc(bytes > 0 ? bytes : 1);
    assert_non_null(block);
    return block;
}

/* The index along each dimension of the number that is the index-th in C order. */
static void places_of(const struct npy_head *head, size_t index, size_t places[NPY_DIMENSIONS_MAX]) {
    for (unsigned i = head->dimensions; i-- > 0;) {
        places[i] = index % head->shape[i];
        index /= head->shape[i];
    }
}

/* That number, as the bytes say it. */
static bool expected_at(const struct npy_head *head, const char *data, size_t index, double *value) {
    size_t places[NPY_DIMENSIONS_MAX];
    if (head->fortran_order) {
        places_of(head, index, places);
        index = 0;
        for (unsigned i = head->dimensions; i-- > 0;) {
            index = index * head->shape[i] + places[i];
        }
    }
    const unsigned char *bytes = (const unsigned char *)data + index * npy_number_bytes(head->dtype);
    return npy_number_simple(bytes, head->dtype, head->big_endian, value);
}

/* What is shorter becomes float64 by an instruction that makes a signalling NaN a quiet one. */
static bool same(double found, double expected, enum npy_dtype dtype) {
    const uint64_t quiet = UINT64_C(1) << 51;
    uint64_t bits[2];
    memcpy(&bits[0], &found, sizeof found);
    memcpy(&bits[1], &expected, sizeof expected);
    if (dtype != NPY_FLOAT64 && isnan(expected)) {
        bits[0] |= quiet;
        bits[1] |= quiet;
    }
    return bits[0] == bits[1];
}

/* Pieces from the last one on, which must not matter. Returns the first that is inexact, SIZE_MAX without one. */
static size_t read_all(const struct npy_head *head, const char *data, enum npy_dtype dtype, void *values) {
    size_t wrong = SIZE_MAX;
    for (size_t piece = npy_piece_count(head); piece-- > 0;) {
        if (!npy_read_piece(head, data, piece, dtype, values)) {
            wrong = piece;
        }
    }
    return wrong;
}

static void expect_doubles(const struct npy_head *head, const char *data) {
    double *values = take(head->count * sizeof *values);
    memset(values, 0xA5, head->count * sizeof *values);
    bool all_exact = true;
    size_t wrong = read_all(head, data, NPY_FLOAT64, values);
    for (size_t i = 0; i < head->count; i++) {
        double expected = 0;
        bool is_exact = expected_at(head, data, i, &expected);
        if (!same(values[i], expected, head->dtype)) {
            fail_msg("%s%s%s, %u dimensions, %zu x %zu x %zu x %zu, number %zu: %a, expected %a",
                     head->big_endian ? "big-endian " : "", npy_dtype_name(head->dtype),
                     head->fortran_order ? " in Fortran order" : "", head->dimensions, head->shape[0], head->shape[1],
                     head->shape[2], head->shape[3], i, values[i], expected);
        }
        if (!is_exact && all_exact) {
            struct problem problem = {0};
            char place[96] = "/x";
            size_t places[NPY_DIMENSIONS_MAX];
            places_of(head, i, places);
            for (unsigned k = 0; k < head->dimensions; k++) {
                size_t used = strlen(place);
                (void)snprintf(place + used, sizeof place - used, "/%zu", places[k]);
            }
            assert_in_range(wrong, 0, npy_piece_count(head) - 1);
            assert_int_equal(npy_refuse_piece(head, data, wrong, "x", NULL, &problem), PROBLEM_OUT_OF_RANGE);
            assert_string_equal(problem.pointer, place);
        }
        all_exact = all_exact && is_exact;
    }
    assert_int_equal(wrong == SIZE_MAX, all_exact);
    free(values);
}

static void expect_floats(const struct npy_head *head, const char *data) {
    float *values = take(head->count * sizeof *values);
    memset(values, 0xA5, head->count * sizeof *values);
    assert_true(read_all(head, data, NPY_FLOAT32, values) == SIZE_MAX);
    for (size_t i = 0; i < head->count; i++) {
        double expected = 0;
        (void)expected_at(head, data, i, &expected);
        assert_true(same((double)values[i], expected, NPY_FLOAT32));
    }
    free(values);
}

/* Random bits; of 64-bit integers mostly few, so that both exact and inexact arrays come up. */
static void fill(char *data, const struct npy_head *head) {
    bool is_long = head->dtype == NPY_INT64 || head->dtype == NPY_UINT64;
    unsigned bits_kept = next_random() % 4 == 0 ? 64 : 53;
    for (size_t i = 0; i < head->data_bytes; i += 8) {
        uint64_t bits = next_random();
        size_t left = head->data_bytes - i;
        if (is_long) {
            bits = bits >> (64 - bits_kept) << next_random() % (65 - bits_kept);
            bits = head->dtype == NPY_INT64 && i % 16 == 0 ? 0 - bits : bits;
            bits = head->big_endian ? __builtin_bswap64(bits) : bits;
        }
        memcpy(data + i, &bits, left < 8 ? left : 8);
    }
}

static size_t random_size(void) {
    size_t bits = next_random() % 9;
    return (size_t)(next_random() % SIZE_MAX_TRIED) >> (8 - bits);
}

static void any_array_is_what_the_reference_says(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        enum npy_dtype dtype = (enum npy_dtype)(round % NPY_DTYPE_COUNT);
        struct npy_head head = head_of(dtype, next_random() % 2, next_random() % 2, random_size(), random_size());
        size_t shift = next_random() % 16;
        char *block = take(shift + head.data_bytes);
        char *data = block + shift;
        fill(data, &head);
        expect_doubles(&head, data);
        if (dtype == NPY_FLOAT32) {
            expect_floats(&head, data);
        }
        free(block);
    }
}

static void arrays_of_more_dimensions_are_turned_as_well(void **state) {
    (void)state;
    static const size_t lengths[] = {1, 1, 2, 3, 5, 16, 31, 130, 260};
    for (int round = 0; round < ROUNDS; round++) {
        struct npy_head head = head_of((enum npy_dtype)(round % NPY_DTYPE_COUNT), next_random() % 2, false, 1, 1);
        unsigned long_ones = 0;
        head.dimensions = 1 + (unsigned)(next_random() % NPY_DIMENSIONS_MAX);
        for (unsigned i = 0; i < head.dimensions; i++) {
            size_t length = lengths[next_random() % (sizeof lengths / sizeof lengths[0])];
            head.shape[i] = head.count * length < TURNED_MAX ? length : 1;
            head.count *= head.shape[i];
            long_ones += head.shape[i] > 1;
        }
        head.fortran_order = long_ones > 1 && next_random() % 4 > 0;
        head.data_bytes = head.count * npy_number_bytes(head.dtype);
        char *data = take(head.data_bytes);
        fill(data, &head);
        expect_doubles(&head, data);
        if (head.dtype == NPY_FLOAT32) {
            expect_floats(&head, data);
        }
        free(data);
    }
}

/* Of few columns, or few rows, there are many of the others in a tile. */
static void long_and_narrow_arrays_are_turned_as_well(void **state) {
    (void)state;
    static const size_t shapes[][2] = {{2, 5000},  {5000, 2},  {3, 4097}, {4097, 3},   {64, 129}, {65, 128},
                                       {63, 2049}, {2049, 63}, {2, 2},    {1365, 3},   {1366, 3}, {683, 9},
                                       {2048, 2},  {100, 300}, {32, 64},  {16385, 31}, {1, 16385}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (enum npy_dtype dtype = 0; dtype < NPY_DTYPE_COUNT; dtype += 3) { /* float64, int8, int64, uint32 */
            struct npy_head head = head_of(dtype, i % 2, true, shapes[i][0], shapes[i][1]);
            char *data = take(head.data_bytes);
            fill(data, &head);
            expect_doubles(&head, data);
            free(data);
        }
    }
}

static void every_float16_is_read(void **state) {
    (void)state;
    for (int big_endian = 0; big_endian < 2; big_endian++) {
        struct npy_head head = row_of(NPY_FLOAT16, big_endian, HALVES);
        uint16_t *halves = take(head.data_bytes);
        double *values = take(HALVES * sizeof *values);
        for (unsigned i = 0; i < HALVES; i++) {
            halves[i] = (uint16_t)(big_endian ? i << 8 | i >> 8 : i);
        }
        assert_true(read_all(&head, (const char *)halves, NPY_FLOAT64, values) == SIZE_MAX);
        for (size_t i = 0; i < HALVES; i++) {
            double expected = 0;
            (void)expected_at(&head, (const char *)halves, i, &expected);
            if (!same(values[i], expected, NPY_FLOAT16)) {
                fail_msg("0x%04zX: %a, expected %a", i, values[i], expected);
            }
        }
        assert_true(values[0x0001] == 0x1p-24 && values[0x03FF] == 1023 * 0x1p-24 && values[0x0400] == 0x1p-14);
        assert_true(values[0x3C00] == 1 && values[0x7BFF] == 65504 && values[0x7C00] == INFINITY);
        assert_true(values[0xC000] == -2 && values[0xFC00] == -INFINITY && values[0x8000] == 0 &&
                    signbit(values[0x8000]));
        assert_true(isnan(values[0x7C01]) && isnan(values[0xFFFF]));
        free(values);
        free(halves);
    }
}

static void floats_of_all_kinds_keep_their_value(void **state) {
    (void)state;
    static const double doubles[] = {0.0, -0.0, 5e-324, -0x1p-1022, 0x1.fffffffffffffp1023, INFINITY, -INFINITY, 0.1};
    static const float floats[] = {0.0F, -0.0F, 1e-45F, -0x1p-126F, 0x1.fffffep127F, INFINITY, -INFINITY, 0.1F};
    struct npy_head head = row_of(NPY_FLOAT64, false, 8);
    double values[8];
    assert_true(npy_read_piece(&head, (const char *)doubles, 0, NPY_FLOAT64, values));
    assert_memory_equal(values, doubles, sizeof values);
    head.dtype = NPY_FLOAT32;
    assert_true(npy_read_piece(&head, (const char *)floats, 0, NPY_FLOAT64, values));
    for (size_t i = 0; i < 8; i++) {
        assert_true(values[i] == (double)floats[i] && !signbit(values[i]) == !signbit(floats[i]));
    }
}

static void expect_integer(enum npy_dtype dtype, uint64_t bits, bool is_exact) {
    enum { COUNT = 21, AT = 17 };
    for (int big_endian = 0; big_endian < 2; big_endian++) {
        uint64_t data[COUNT] = {0};
        double values[COUNT];
        char text[32];
        struct problem problem = {0};
        struct npy_head head = row_of(dtype, big_endian, COUNT);
        data[AT] = big_endian ? __builtin_bswap64(bits) : bits;
        if (dtype == NPY_INT64) {
            (void)snprintf(text, sizeof text, "%" PRId64, (int64_t)bits);
        } else {
            (void)snprintf(text, sizeof text, "%" PRIu64, bits);
        }
        if (npy_read_piece(&head, (const char *)data, 0, NPY_FLOAT64, values) != is_exact) {
            fail_msg("%s is %s", text, is_exact ? "exact" : "inexact");
        }
        double expected = dtype == NPY_INT64 ? (double)(int64_t)bits : (double)bits;
        assert_true(values[AT] == expected && values[AT - 1] == 0);
        if (!is_exact) {
            char detail[64];
            assert_int_equal(npy_refuse_piece(&head, (const char *)data, 0, "x", NULL, &problem), PROBLEM_OUT_OF_RANGE);
            (void)snprintf(detail, sizeof detail, "element [17] of \"x\" is %s, ", text);
            assert_string_equal(problem.pointer, "/x/17");
            if (!strstr(problem.detail, detail) || !strstr(problem.detail, "x.astype('f8') rounds")) {
                fail_msg("%s: %s", text, problem.detail);
            }
        }
    }
}

static void integers_beyond_2_53_are_exact_or_refused(void **state) {
    (void)state;
    const uint64_t limit = UINT64_C(1) << 53;
    for (uint64_t i = 0; i < 64; i++) {
        bool is_even = i % 2 == 0;
        expect_integer(NPY_INT64, limit + i, is_even);
        expect_integer(NPY_INT64, 0 - (limit + i), is_even);
        expect_integer(NPY_UINT64, limit + i, is_even);
        expect_integer(NPY_INT64, limit - i, true);
        expect_integer(NPY_INT64, 0 - (limit - i), true);
        expect_integer(NPY_UINT64, limit - i, true);
        expect_integer(NPY_UINT64, UINT64_C(1) << i, true);
        expect_integer(NPY_INT64, UINT64_C(1) << i, true);
        expect_integer(NPY_INT64, 0 - (UINT64_C(1) << i), true);
        expect_integer(NPY_UINT64, (UINT64_C(1) << i) - 1, i <= 53);
        expect_integer(NPY_INT64, 0 - ((UINT64_C(1) << i) - 1), i <= 53);
        expect_integer(NPY_UINT64, (UINT64_C(1) << i) + (UINT64_C(1) << i / 2), true);
    }
    expect_integer(NPY_INT64, INT64_MAX, false);
    expect_integer(NPY_INT64, (uint64_t)INT64_MIN, true);
    expect_integer(NPY_UINT64, UINT64_MAX, false);
    expect_integer(NPY_UINT64, UINT64_MAX - 2047, true);
    expect_integer(NPY_UINT64, UINT64_MAX - 2046, false);
}

/* In Fortran order an element that comes first row after row may come last in the data, and in another tile. */
static void of_several_the_first_row_after_row_is_named(void **state) {
    (void)state;
    enum { ROWS = 200, COLUMNS = 150 };
    static int64_t data[ROWS * COLUMNS];
    static double values[ROWS * COLUMNS];
    struct npy_head head = head_of(NPY_INT64, false, true, ROWS, COLUMNS);
    struct problem problem = {0};
    data[1 * ROWS + 90] = INT64_MAX;
    data[149 * ROWS + 80] = -INT64_MAX;
    data[148 * ROWS + 81] = INT64_MAX;
    size_t piece = read_all(&head, (const char *)data, NPY_FLOAT64, values);
    assert_true(piece != SIZE_MAX);
    assert_int_equal(npy_refuse_piece(&head, (const char *)data, piece, "weights", NULL, &problem),
                     PROBLEM_OUT_OF_RANGE);
    assert_string_equal(problem.pointer, "/weights/80/149");
    assert_non_null(strstr(problem.detail, "element [80, 149] of \"weights\" is -9223372036854775807, "));
    head = head_of(NPY_INT64, false, false, 1, 1);
    head.dimensions = 0;
    problem = (struct problem){0};
    data[0] = INT64_MAX;
    assert_int_equal(npy_refuse_piece(&head, (const char *)data, 0, "y", NULL, &problem), PROBLEM_OUT_OF_RANGE);
    assert_string_equal(problem.pointer, "/y");
    assert_ptr_equal(strstr(problem.detail, "\"y\" is 9223372036854775807, "), problem.detail);
}

/* A search through a long array ends when nobody waits for it any more. */
static void a_search_can_be_cut(void **state) {
    (void)state;
    enum { ROWS = 128, COLUMNS = 400 };
    static int64_t data[ROWS * COLUMNS];
    struct npy_head head = head_of(NPY_INT64, false, true, ROWS, COLUMNS);
    struct problem problem = {0};
    _Atomic bool cancel = true;
    data[ROWS * COLUMNS - 1] = INT64_MAX;
    size_t piece = npy_piece_count(&head) - 1;
    assert_int_equal(npy_refuse_piece(&head, (const char *)data, piece, "x", &cancel, &problem), PROBLEM_NONE);
    cancel = false;
    assert_int_equal(npy_refuse_piece(&head, (const char *)data, piece, "x", &cancel, &problem), PROBLEM_OUT_OF_RANGE);
    assert_string_equal(problem.pointer, "/x/127/399");
}

static void what_needs_no_conversion_is_told(void **state) {
    (void)state;
    struct npy_head head = head_of(NPY_FLOAT32, false, false, 3, 3);
    assert_true(npy_is_plain(&head, NPY_FLOAT32) && !npy_is_plain(&head, NPY_FLOAT64));
    head.fortran_order = true;
    assert_false(npy_is_plain(&head, NPY_FLOAT32));
    head = head_of(NPY_FLOAT64, true, false, 3, 3);
    assert_false(npy_is_plain(&head, NPY_FLOAT64));
    head = head_of(NPY_INT64, false, false, 0, 3);
    assert_int_equal(npy_piece_count(&head), 0);
}

/* Integers but uint64 as int64, bool as 0 and 1, in every order: float64 has them exactly, as far as they are tried. */
static void integers_and_bool_stay_what_they_are(void **state) {
    (void)state;
    static const enum npy_dtype dtypes[] = {NPY_INT8,  NPY_INT16,  NPY_INT32,  NPY_INT64,
                                            NPY_UINT8, NPY_UINT16, NPY_UINT32, NPY_BOOL};
    for (size_t round = 0; round < ROUNDS; round++) {
        enum npy_dtype dtype = dtypes[next_random() % (sizeof dtypes / sizeof *dtypes)];
        struct npy_head head = head_of(dtype, next_random() % 2, next_random() % 2, 1 + next_random() % SIZE_MAX_TRIED,
                                       1 + next_random() % SIZE_MAX_TRIED);
        enum npy_dtype to = dtype == NPY_BOOL ? NPY_BOOL : NPY_INT64;
        char *data = take(head.data_bytes);
        double *doubles = take(head.count * sizeof *doubles);
        char *values = take(head.count * npy_number_bytes(to));
        fill(data, &head);
        for (size_t piece = 0; piece < npy_piece_count(&head); piece++) {
            (void)npy_read_piece(&head, data, piece, NPY_FLOAT64, doubles);
            assert_true(npy_read_piece(&head, data, piece, to, values));
        }
        for (size_t i = 0; i < head.count; i++) {
            double value = to == NPY_BOOL ? (double)((uint8_t *)values)[i] : (double)((int64_t *)(void *)values)[i];
            assert_true(value == doubles[i] || (to == NPY_INT64 && fabs(value) >= 0x1p53));
        }
        free(data);
        free(doubles);
        free(values);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_array_is_what_the_reference_says),
        cmocka_unit_test(long_and_narrow_arrays_are_turned_as_well),
        cmocka_unit_test(arrays_of_more_dimensions_are_turned_as_well),
        cmocka_unit_test(every_float16_is_read),
        cmocka_unit_test(floats_of_all_kinds_keep_their_value),
        cmocka_unit_test(integers_beyond_2_53_are_exact_or_refused),
        cmocka_unit_test(of_several_the_first_row_after_row_is_named),
        cmocka_unit_test(a_search_can_be_cut),
        cmocka_unit_test(what_needs_no_conversion_is_told),
        cmocka_unit_test(integers_and_bool_stay_what_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

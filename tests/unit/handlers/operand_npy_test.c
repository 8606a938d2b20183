/* Arrays in .npy on their way to the kernel: in what they are computed, what is converted, by any team, and what that
 * takes. ctest: threads */
#include "handlers/operand.h"

#include "tests/reference/npy_simple.h"
#include "tests/unit/handlers/test_call.h"

#include <stdio.h>
#include <stdlib.h>

enum { PLENTY = 1 << 28, BODY_MAX = 8 << 20, THREADS_MAX = 4 };

static struct plain_memory plain;
static char body[BODY_MAX];
static size_t body_length;
static uint64_t random_state = UINT64_C(88172645463325252);

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    body_length = 0;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    call_release(&call);
    assert_int_equal(plain.used_bytes, 0);
    return 0;
}

/* Adds an array of random numbers below 2^53, whose head is `extra` bytes longer than it has to be. Returns where they
 * are in the body. */
static size_t add(const char *code, const char *order_name, const char *shape, size_t count, size_t extra) {
    char head[256];
    int length = snprintf(head + 10, sizeof head - 10, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", code,
                          order_name, shape);
    size_t padded = 118 + extra;
    enum npy_dtype dtype;
    bool big_endian;
    memcpy(head, "\x93NUMPY\1\0", 8);
    memset(head + 10 + length, ' ', padded - (size_t)length);
    head[8] = (char)padded;
    head[9] = 0;
    memcpy(body + body_length, head, 10 + padded);
    body_length += 10 + padded;
    assert_true(npy_dtype_find(code, strlen(code), &dtype, &big_endian));
    size_t size = npy_number_bytes(dtype);
    size_t begin = body_length;
    assert_true(begin + count * size + 8 <= sizeof body);
    for (size_t i = 0; i < count; i++) {
        random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t bits = code[1] == 'f' ? random_state : random_state >> 11;
        bits = big_endian ? __builtin_bswap64(bits) >> (64 - 8 * size) : bits;
        memcpy(body + begin + i * size, &bits, 8);
    }
    body_length += count * size;
    return begin;
}

static void begin(unsigned threads) {
    open_call(NULL, &plain.base, PLENTY);
    assert_int_equal(plain.used_bytes, 0);
    order.body_media = MEDIA_NPY;
    team.threads = threads;
    assert_true(give_body(&plain.base, body, body_length));
}

static void expect_none(enum problem_kind kind) {
    if (kind || call.problem.kind) {
        fail_msg("%s at %s: %s", problem_slug(call.problem.kind), call.problem.pointer, call.problem.detail);
    }
}

static void expect_number(const struct operand *operand, size_t index, size_t data) {
    const struct npy_head *head = &operand->head;
    size_t columns = head->shape[1];
    size_t place = head->fortran_order ? index % columns * head->shape[0] + index / columns : index;
    const unsigned char *bytes = (const unsigned char *)body + data + place * npy_number_bytes(head->dtype);
    double expected = 0;
    assert_true(npy_number_simple(bytes, head->dtype, head->big_endian, &expected));
    double found = operand->dtype == NPY_FLOAT32 ? (double)((const float *)operand->values)[index]
                                                 : ((const double *)operand->values)[index];
    if (found != expected && !(__builtin_isnan(found) && __builtin_isnan(expected))) {
        fail_msg("%s, %zu x %zu, number %zu: %a, expected %a", npy_dtype_name(head->dtype), head->shape[0],
                 head->shape[1], index, found, expected);
    }
}

static void load(struct operand *operand) {
    struct operand *const all[OPERANDS_MAX] = {operand, NULL};
    size_t offset = 0;
    expect_none(operand_next(&call, &offset, "x", operand));
    expect_none(operand_check_end(&call, offset));
    operands_promote(all);
    expect_none(operands_load(&call, all));
}

static void any_array_is_loaded_by_any_team(void **state) {
    (void)state;
    static const char *const codes[] = {"<f8", ">f8", "<f4", ">f4", "<f2", ">f2", "|i1", "<i2", ">i2", "<i4", ">i4",
                                        "<i8", ">i8", "|u1", "<u2", ">u2", "<u4", ">u4", "<u8", ">u8", "|b1"};
    static const size_t shapes[][2] = {{1, 1}, {3, 2}, {70000, 3}, {2, 40000}, {300, 301}};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        for (size_t k = 0; k < 10; k++) {
            const size_t *size = shapes[k / 2];
            char shape[64];
            unsigned threads = 1 + (unsigned)(i + k) % THREADS_MAX;
            struct operand operand;
            body_length = 0;
            (void)snprintf(shape, sizeof shape, "(%zu, %zu)", size[0], size[1]);
            size_t data = add(codes[i], k % 2 ? "True" : "False", shape, size[0] * size[1], i % 8);
            begin(threads);
            load(&operand);
            bool is_plain = codes[i][0] == '<' && (codes[i][1] == 'f' && codes[i][2] != '2') && !(k % 2 && k > 1);
            assert_int_equal(npy_is_plain(&operand.head, operand.dtype), is_plain);
            assert_int_equal(operand.dtype, strcmp(codes[i] + 1, "f4") == 0 ? NPY_FLOAT32 : NPY_FLOAT64);
            assert_true(operand.writable && operand.has_head_room);
            assert_int_equal((uintptr_t)operand.values % npy_number_bytes(operand.dtype), 0);
            for (size_t n = 0; n < operand.count; n++) {
                expect_number(&operand, n, data);
            }
            if (!is_plain) { /* others may hold the body */
                assert_memory_equal(call.body.bytes, body, body_length);
            }
        }
    }
}

/* NumPy: np.result_type, but that what becomes float32 beside float32 there, and isn't, becomes float64 here. */
static void float32_is_computed_where_all_arrays_are(void **state) {
    (void)state;
    static const struct {
        const char *codes[3];
        enum npy_dtype dtype;
    } cases[] = {
        {{"<f4", "<f4", "<f4"}, NPY_FLOAT32}, {{"<f4", ">f4", "<f4"}, NPY_FLOAT32},
        {{"<f4", NULL, NULL}, NPY_FLOAT32},   {{"<f4", "<f8", NULL}, NPY_FLOAT64},
        {{"<f8", "<f4", "<f4"}, NPY_FLOAT64}, {{"<f4", "<f4", "<i4"}, NPY_FLOAT64},
        {{"<f4", "|i1", NULL}, NPY_FLOAT64},  {{"<f2", "<f4", NULL}, NPY_FLOAT64},
        {{"<f2", NULL, NULL}, NPY_FLOAT64},   {{"<i8", "<u8", NULL}, NPY_FLOAT64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct operand arrays[4] = {{.name = "weak", .source = OPERAND_NUMBER, .number = 3}};
        struct operand absent = {0};
        struct operand *all[6] = {&arrays[0], &absent, NULL};
        size_t data[4] = {0};
        size_t offset = 0;
        body_length = 0;
        for (size_t k = 0; k < 3 && cases[i].codes[k]; k++) {
            data[k + 1] = add(cases[i].codes[k], "False", "(1000,)", 1000, k);
            all[k + 2] = &arrays[k + 1];
            all[k + 3] = NULL;
        }
        begin(2);
        for (size_t k = 2; all[k]; k++) {
            expect_none(operand_next(&call, &offset, "x", all[k]));
        }
        assert_int_equal(operands_promote(all), cases[i].dtype);
        expect_none(operands_load(&call, all + 2));
        for (size_t k = 2; all[k]; k++) {
            assert_int_equal(all[k]->dtype, cases[i].dtype);
            for (size_t n = 0; n < 1000; n++) {
                expect_number(all[k], n, data[k - 1]);
            }
        }
    }
    assert_int_equal(operands_promote((struct operand *const[]){NULL}), NPY_FLOAT64);
}

/* What is used as it lies takes nothing; new numbers take what was told, and the room before them for a head. */
static void what_is_converted_is_charged_and_costs(void **state) {
    (void)state;
    static const struct {
        const char *code;
        const char *order_name;
        size_t number_bytes; /* of the new ones */
    } cases[] = {{"<f8", "False", 0}, {"<f4", "False", 0}, {"<f8", "True", 8},  {"<f4", "True", 4},
                 {">f8", "False", 8}, {">f4", "True", 4},  {"|i1", "False", 8}, {"<f2", "True", 8}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct operand operand;
        size_t offset = 0;
        body_length = 0;
        (void)add(cases[i].code, cases[i].order_name, "(200, 100)", 20000, 0);
        begin(1);
        expect_none(operand_next(&call, &offset, "x", &operand));
        assert_int_equal(operand_bytes(&operand), 20000 * cases[i].number_bytes);
        assert_int_equal(operand_load_cost_ns(&operand) > 0, cases[i].number_bytes > 0);
        begin(1);
        size_t before = plain.used_bytes;
        load(&operand);
        assert_int_equal(plain.used_bytes - before,
                         cases[i].number_bytes > 0 ? NPY_HEAD_WRITTEN + 20000 * cases[i].number_bytes : 0);
        if (cases[i].number_bytes > 0) {
            struct operand *const all[OPERANDS_MAX] = {&operand, NULL};
            begin(1);
            plain.limit_bytes = plain.used_bytes + 20000 * cases[i].number_bytes;
            offset = 0;
            expect_none(operand_next(&call, &offset, "x", &operand));
            assert_int_equal(operands_load(&call, all), PROBLEM_MEMORY_BUSY);
            plain.limit_bytes = PLENTY;
        }
    }
}

static void an_integer_that_float64_lacks_is_named_by_any_team(void **state) {
    (void)state;
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
        struct operand operand;
        struct operand *const all[OPERANDS_MAX] = {&operand, NULL};
        const int64_t lost = -((INT64_C(1) << 53) + 1);
        size_t offset = 0;
        body_length = 0;
        size_t data = add("<i8", "False", "(200000,)", 200000, threads);
        memcpy(body + data + 8 * 199999, &lost, 8);
        memcpy(body + data + 8 * 123456, &lost, 8);
        memcpy(body + data + 8 * 123457, &lost, 8);
        begin(threads);
        expect_none(operand_next(&call, &offset, "x", &operand));
        assert_int_equal(operands_load(&call, all), PROBLEM_OUT_OF_RANGE);
        assert_string_equal(call.problem.pointer, "/x/123456");
        assert_non_null(strstr(call.problem.detail, "element [123456] of \"x\" is -9007199254740993, "));
    }
}

static void an_integer_without_dimensions_is_a_number(void **state) {
    (void)state;
    for (int is_lost = 0; is_lost < 2; is_lost++) {
        struct operand operand;
        uint64_t bits = __builtin_bswap64((UINT64_C(1) << 60) + (is_lost ? 1 : 0));
        size_t offset = 0;
        body_length = 0;
        size_t data = add(">u8", "True", "()", 1, 3);
        memcpy(body + data, &bits, 8);
        begin(1);
        expect_none(operand_next(&call, &offset, "y", &operand));
        enum problem_kind kind = operand_check_shape(&call, OPERAND_TAKES_NUMBERS | OPERAND_TAKES_NUMBER, &operand);
        if (is_lost) {
            assert_int_equal(kind, PROBLEM_OUT_OF_RANGE);
            assert_string_equal(call.problem.pointer, "/y");
            assert_non_null(strstr(call.problem.detail, "\"y\" is 1152921504606846977, which float64 doesn't have"));
        } else {
            expect_none(kind);
            assert_true(operand.source == OPERAND_NUMBER && operand.number == 0x1p60);
        }
    }
}

/* What a call that nobody waits for has converted doesn't matter, but it ends. */
static void a_cut_ends_the_conversion(void **state) {
    (void)state;
    struct operand operand;
    struct operand *const all[OPERANDS_MAX] = {&operand, NULL};
    size_t offset = 0;
    (void)add("<u2", "True", "(1000, 1000)", 1000000, 0);
    begin(2);
    expect_none(operand_next(&call, &offset, "x", &operand));
    atomic_store(&call.cancel, true);
    assert_int_equal(operands_load(&call, all), PROBLEM_NONE);
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_array_is_loaded_by_any_team, set_up, tear_down),
        cmocka_unit_test_setup_teardown(float32_is_computed_where_all_arrays_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_converted_is_charged_and_costs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_integer_that_float64_lacks_is_named_by_any_team, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_integer_without_dimensions_is_a_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cut_ends_the_conversion, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

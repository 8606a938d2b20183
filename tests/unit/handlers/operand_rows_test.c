/* Arrays of rows on their way from a body into doubles and from doubles into a reply, for every team: what is read and
 * printed must not depend on who read and printed which piece. ctest: threads */
#include "handlers/array_reply.h"
#include "handlers/options.h"

#include "codecs/numbers/number_print.h"
#include "tests/unit/handlers/test_call.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PLENTY = 1 << 28, THREADS_MAX = 4, NUMBER_BYTES = 40 };

static const struct {
    size_t rows;
    size_t columns;
} shapes[] = {{0, 1},    {1, 1},    {1, 4095}, {1, 4096},  {1, 4097}, {4096, 1}, {4097, 1},   {2, 2048},
              {3, 1366}, {64, 64},  {7, 1},    {2, 5},     {91, 101}, {5, 9001}, {20011, 3},  {100, 1009},
              {3, 4096}, {2, 8192}, {8192, 2}, {12289, 1}, {30, 0},   {6000, 0}, {200003, 1}, {0, 0}};
enum { SHAPE_COUNT = sizeof shapes / sizeof shapes[0] };

static struct plain_memory plain;

static int set_up(void **state) {
    (void)state;
    plain_memory_init(&plain, PLENTY);
    return 0;
}

static void end_call(void) {
    call_release(&call);
    assert_int_equal(plain.used_bytes, 0);
}

static int tear_down(void **state) {
    (void)state;
    end_call();
    return 0;
}

static void begin_call(const char *body, size_t length, unsigned threads) {
    end_call();
    open_call(NULL, &plain.base, PLENTY);
    team.threads = threads;
    assert_true(give_body(&plain.base, body, length));
}

static enum problem_kind decode(void) {
    static const struct field fields[] = {{"x", FIELD_BODY}, {"t", FIELD_BODY}, {NULL, FIELD_TEXT}};
    static const struct envelope_field bulk[] = {{"x", ENVELOPE_ROWS}, {"t", ENVELOPE_NUMBERS}, {NULL, ENVELOPE_TEXT}};
    envelope_begin(&call.envelope, bulk);
    return options_decode(&call, fields);
}

static uint64_t next_random(uint64_t *random) {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* Short ones and long ones. */
static double *random_numbers(size_t count) {
    double *values = malloc((count + 1) * sizeof *values);
    assert_non_null(values);
    uint64_t random = 88172645463325252 + count;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = next_random(&random);
        values[i] = bits % 3 ? (double)(int64_t)bits * 0x1p-63 : (double)(int64_t)(bits >> 40) - 1000;
    }
    return values;
}

/* {"x": [[...], ...], "threads": 2}, with spaces here and there. */
static char *print_body(const double *values, size_t rows, size_t columns, size_t *length) {
    static const char *const before[] = {"", " ", "\n\t", "", ""};
    char *body = malloc(rows * columns * NUMBER_BYTES + rows * 16 + 64);
    assert_non_null(body);
    char *at = body + snprintf(body, 64, "{\"x\": [");
    for (size_t i = 0; i < rows; i++) {
        at += snprintf(at, 16, "%s%s[%s", i > 0 ? "," : "", before[i % 5], before[i % 3]);
        for (size_t j = 0; j < columns; j++) {
            at += snprintf(at, NUMBER_BYTES, "%s%s%.17g%s", j > 0 ? "," : "", before[j % 5], values[i * columns + j],
                           before[(i + j) % 5]);
        }
        at += snprintf(at, 16, "]%s", before[i % 4]);
    }
    *length = (size_t)(at - body) + (size_t)snprintf(at, 64, "], \"threads\": 2}");
    return body;
}

static double *read_by_team(struct operand *rows) {
    struct operand *const all[OPERANDS_MAX] = {rows, NULL};
    if (decode() || operand_find(&call, "x", OPERAND_TAKES_ROWS, rows)) {
        return NULL;
    }
    assert_int_equal(rows->source, OPERAND_ROWS);
    return operands_load(&call, all) ? NULL : rows->values;
}

static void every_team_reads_the_rows(void **state) {
    (void)state;
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
        size_t rows = shapes[i].rows;
        size_t columns = shapes[i].columns;
        size_t length = 0;
        if (columns == 0 && rows > 0) {
            continue;
        }
        double *values = random_numbers(rows * columns);
        char *body = print_body(values, rows, columns, &length);
        for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
            struct operand numbers;
            begin_call(body, length, threads);
            const double *found = read_by_team(&numbers);
            if (!found) {
                fail_msg("%zu x %zu: %s", rows, columns, call.problem.detail);
            }
            assert_int_equal(numbers.count, rows * columns);
            assert_int_equal(numbers.shape[0], rows);
            assert_int_equal(numbers.shape[1], rows > 0 ? columns : 0);
            assert_memory_equal(found, values, rows * columns * sizeof *values);
        }
        free(body);
        free(values);
    }
}

static void expect_refused(const char *body, size_t length, enum problem_kind kind, const char *pointer) {
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
        struct operand numbers;
        begin_call(body, length, threads);
        assert_null(read_by_team(&numbers));
        (void)options_refuse(&call);
        if (call.problem.kind != kind || strcmp(call.problem.pointer, pointer) != 0) {
            fail_msg("%u threads: %s at \"%s\" (%s) instead of %s at \"%s\"", threads, problem_slug(call.problem.kind),
                     call.problem.pointer, call.problem.detail, problem_slug(kind), pointer);
        }
    }
}

enum { UNEVEN_ROWS = 20000, NO_ROW = UNEVEN_ROWS };

/* Rows of three numbers, but for one of two, one of four, and one that is no JSON. */
static char *print_uneven(size_t short_row, size_t long_row, size_t broken_row, size_t *length) {
    char *body = malloc(UNEVEN_ROWS * 16 + 64);
    assert_non_null(body);
    char *at = body + snprintf(body, 64, "{\"x\":[");
    for (size_t i = 0; i < UNEVEN_ROWS; i++) {
        const char *row = i == broken_row  ? "[1,,3]"
                          : i == short_row ? "[1,2]"
                          : i == long_row  ? "[1 ,2, 3,\n4]"
                                           : "[1,2,3 ]";
        at += snprintf(at, 16, "%s%s", i > 0 ? "," : "", row);
    }
    *length = (size_t)(at - body) + (size_t)snprintf(at, 64, "]}");
    return body;
}

static void the_first_row_of_another_length_is_named_for_every_team(void **state) {
    (void)state;
    static const size_t wrong[] = {1, 7000, UNEVEN_ROWS - 2};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct {
            size_t short_row;
            size_t long_row;
            size_t broken_row;
        } cases[] = {{wrong[i], NO_ROW, NO_ROW},
                     {NO_ROW, wrong[i], NO_ROW},
                     {wrong[i], wrong[i] + 1, NO_ROW}, /* the total is right */
                     {wrong[i] + 1, wrong[i], NO_ROW},
                     {wrong[i], wrong[i] + 1, UNEVEN_ROWS - 3},
                     {wrong[i], NO_ROW, 0}};
        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
            bool is_broken = cases[k].broken_row != NO_ROW;
            size_t length = 0;
            char pointer[32] = "";
            if (!is_broken) {
                (void)snprintf(pointer, sizeof pointer, "/x/%zu", wrong[i]);
            }
            char *body = print_uneven(cases[k].short_row, cases[k].long_row, cases[k].broken_row, &length);
            expect_refused(body, length, is_broken ? PROBLEM_INVALID_JSON : PROBLEM_LENGTH_MISMATCH, pointer);
            free(body);
        }
    }
}

static void rows_without_numbers_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *body;
        enum problem_kind kind;
        const char *pointer;
    } cases[] = {
        {"{\"x\":[[]]}", PROBLEM_OUT_OF_RANGE, "/x/0"},
        {"{\"x\":[[ ],[\n]]}", PROBLEM_OUT_OF_RANGE, "/x/0"},
        {"{\"x\":[[],[1]]}", PROBLEM_OUT_OF_RANGE, "/x/0"},
        {"{\"x\":[[1],[]]}", PROBLEM_LENGTH_MISMATCH, "/x/1"},
        {"{\"x\":[[1,2],[]]}", PROBLEM_LENGTH_MISMATCH, "/x/1"},
        {"{\"x\":[[1,2],[],[1,2]],\"t\":[1,]}", PROBLEM_INVALID_JSON, ""},
        {"{\"x\":[[1],[]],\"t\":[1e999]}", PROBLEM_NUMBER_OVERFLOW, "/t"},
        {"{\"t\":[1,],\"x\":[[1],[]]}", PROBLEM_INVALID_JSON, ""},
        {"{\"x\":[[],[,]]}", PROBLEM_INVALID_JSON, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_refused(cases[i].body, strlen(cases[i].body), cases[i].kind, cases[i].pointer);
    }
}

static void what_is_no_array_of_rows_is_left_to_the_document(void **state) {
    (void)state;
    static const struct {
        const char *body;
        enum problem_kind kind;
        const char *pointer;
        const char *detail;
    } cases[] = {
        {"{}", PROBLEM_MISSING_FIELD, "/x", "an array of rows, [[1, 2], [3, 4]], or {\"data\": \"name\"}, is expected"},
        {"{\"x\":1}", PROBLEM_WRONG_TYPE, "/x", "\"x\" is a number; an array of rows"},
        {"{\"x\":\"[[1]]\"}", PROBLEM_WRONG_TYPE, "/x", "\"x\" is the string \"[[1]]\"; an array of rows"},
        {"{\"x\":[1,2]}", PROBLEM_WRONG_TYPE, "/x", "[[1], [2]] instead of [1, 2], or x.reshape(-1, 1)"},
        {"{\"x\":[[1],2]}", PROBLEM_WRONG_TYPE, "/x/1", "row 1 of \"x\" is a number; an array of numbers"},
        {"{\"x\":[[1],null,[true]]}", PROBLEM_WRONG_TYPE, "/x/1", "row 1 of \"x\" is null"},
        {"{\"x\":[[1],[2,true]]}", PROBLEM_WRONG_TYPE, "/x/1/1", "element 1 of row 1 of \"x\" is a boolean"},
        {"{\"x\":[[[1]]]}", PROBLEM_WRONG_TYPE, "/x/0/0", "element 0 of row 0 of \"x\" is an array"},
        {"{\"x\":[{}]}", PROBLEM_WRONG_TYPE, "/x/0", "row 0 of \"x\" is an object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct operand numbers;
        begin_call(cases[i].body, strlen(cases[i].body), 1);
        assert_int_equal(decode(), PROBLEM_NONE);
        assert_int_equal(operand_find(&call, "x", OPERAND_TAKES_ROWS, &numbers), cases[i].kind);
        assert_string_equal(call.problem.pointer, cases[i].pointer);
        if (!strstr(call.problem.detail, cases[i].detail)) {
            fail_msg("%s: %s instead of %s", cases[i].body, call.problem.detail, cases[i].detail);
        }
    }
}

/* The whole reply: what the writer has, with the pieces in it. */
static char *join_reply(size_t *length) {
    *length = call.reply.text.length;
    for (size_t i = 0; i < call.reply_piece_count; i++) {
        *length += call.reply_pieces[i].length;
    }
    char *text = malloc(*length + 1);
    assert_non_null(text);
    size_t before = call.reply_piece_count > 0 ? call.reply_pieces_at : call.reply.text.length;
    char *at = text + before;
    memcpy(text, call.reply.text.data, before);
    for (size_t i = 0; i < call.reply_piece_count; i++) {
        memcpy(at, call.reply_pieces[i].bytes, call.reply_pieces[i].length);
        at += call.reply_pieces[i].length;
    }
    memcpy(at, call.reply.text.data + before, call.reply.text.length - before);
    text[*length] = '\0';
    return text;
}

static struct operand matrix_of(const void *values, enum npy_dtype dtype, size_t rows, size_t columns) {
    return (struct operand){.dtype = dtype,
                            .dimensions = 2,
                            .shape = {rows, columns},
                            .count = rows * columns,
                            .values = (void *)(uintptr_t)values};
}

static char *print_by_team(const struct operand *matrix, unsigned precision, unsigned threads) {
    size_t wrong = SIZE_MAX;
    size_t length = 0;
    begin_call("{}", 2, threads);
    json_begin_object(&call.reply);
    assert_int_equal(array_reply_json(&call, "k", matrix, precision, &wrong), PROBLEM_NONE);
    assert_int_equal(wrong, matrix->count);
    json_key(&call.reply, "n");
    json_unsigned(&call.reply, matrix->shape[0]);
    json_end_object(&call.reply);
    assert_false(json_writer_failed(&call.reply));
    assert_int_equal(call.reply_piece_count > 0, matrix->count > 4096);
    char *text = join_reply(&length);
    if (length > array_reply_bytes(matrix->shape[0], matrix->shape[1]) + 64 && matrix->shape[1] > 0) {
        fail_msg("%zu x %zu take %zu bytes", matrix->shape[0], matrix->shape[1], length);
    }
    return text;
}

static void expect_printed(const char *text, const struct operand *matrix, const double *values) {
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
    const json_t *rows = json_object_get(root, "k");
    if (!root || json_array_size(rows) != matrix->shape[0]) {
        fail_msg("%zu x %zu: %.200s", matrix->shape[0], matrix->shape[1], text);
    }
    for (size_t i = 0; i < matrix->shape[0]; i++) {
        const json_t *row = json_array_get(rows, i);
        assert_int_equal(json_array_size(row), matrix->shape[1]);
        for (size_t j = 0; j < matrix->shape[1]; j++) {
            double expected = values[i * matrix->shape[1] + j];
            double found = json_number_value(json_array_get(row, j));
            if (found != expected) {
                fail_msg("element %zu of row %zu is %.17g instead of %.17g", j, i, found, expected);
            }
        }
    }
    json_decref(root);
}

static void every_team_prints_the_same_and_it_reads_back(void **state) {
    (void)state;
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
        size_t count = shapes[i].rows * shapes[i].columns;
        double *values = random_numbers(count);
        float *narrow = malloc((count + 1) * sizeof *narrow);
        assert_non_null(narrow);
        for (enum npy_dtype dtype = NPY_FLOAT64; dtype <= NPY_FLOAT32; dtype++) {
            for (size_t k = 0; dtype == NPY_FLOAT32 && k < count; k++) {
                narrow[k] = (float)values[k];
                values[k] = (double)narrow[k];
            }
            const void *printed = dtype == NPY_FLOAT32 ? (const void *)narrow : values;
            struct operand matrix = matrix_of(printed, dtype, shapes[i].rows, shapes[i].columns);
            char *first = print_by_team(&matrix, NUMBER_PRECISION_MAX, 1);
            expect_printed(first, &matrix, values);
            for (unsigned threads = 2; threads <= THREADS_MAX; threads++) {
                char *text = print_by_team(&matrix, NUMBER_PRECISION_MAX, threads);
                assert_string_equal(text, first);
                free(text);
            }
            free(first);
        }
        free(narrow);
        free(values);
    }
}

static void the_longest_numbers_have_room(void **state) {
    (void)state;
    static double values[9000];
    for (size_t i = 0; i < 9000; i++) {
        values[i] = -1.2345678901234567e-308;
    }
    for (size_t columns = 1; columns <= 9000; columns += columns < 4 ? 1 : 2999) {
        struct operand matrix = matrix_of(values, NPY_FLOAT64, 9000 / columns, columns);
        char *text = print_by_team(&matrix, NUMBER_PRECISION_MAX, 3);
        expect_printed(text, &matrix, values);
        free(text);
    }
}

static void precision_is_kept_to(void **state) {
    (void)state;
    static const double values[] = {1.0 / 3, 2.0 / 3, 1e-300 / 3, 0};
    struct operand matrix = matrix_of(values, NPY_FLOAT64, 2, 2);
    char *text = print_by_team(&matrix, 3, 1);
    assert_string_equal(text, "{\"k\":[[0.333,0.667],[3.33e-301,0]],\"n\":2}");
    free(text);
}

static void the_first_number_that_is_not_finite_is_told(void **state) {
    (void)state;
    static double values[20000];
    static float narrow[20000];
    static const size_t wrong[] = {0, 1, 4095, 4096, 12345, 19999};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memset(values, 0, sizeof values);
        memset(narrow, 0, sizeof narrow);
        values[wrong[i]] = NAN;
        narrow[wrong[i]] = -INFINITY;
        values[19999] = narrow[19999] = INFINITY;
        for (unsigned threads = 1; threads <= 2 * THREADS_MAX; threads++) {
            struct operand matrix = matrix_of(values, NPY_FLOAT64, 200, 100);
            struct operand narrow_matrix = matrix_of(narrow, NPY_FLOAT32, 200, 100);
            if (threads > THREADS_MAX) { /* without rows */
                matrix.dimensions = narrow_matrix.dimensions = 1;
            }
            size_t found = SIZE_MAX;
            begin_call("{}", 2, (threads - 1) % THREADS_MAX + 1);
            assert_int_equal(array_reply_json(&call, "k", &matrix, NUMBER_PRECISION_MAX, &found), PROBLEM_NONE);
            assert_int_equal(found, wrong[i]);
            begin_call("{}", 2, (threads - 1) % THREADS_MAX + 1);
            assert_int_equal(array_reply_json(&call, "k", &narrow_matrix, NUMBER_PRECISION_MAX, &found), PROBLEM_NONE);
            assert_int_equal(found, wrong[i]);
        }
    }
}

static void room_that_no_machine_has_is_told(void **state) {
    (void)state;
    assert_int_equal(array_reply_bytes(0, 5), 0);
    assert_int_equal(array_reply_bytes(2, 3), 6 * NUMBER_PRINT_MAX + 4);
    assert_true(array_reply_bytes((size_t)1 << 40, (size_t)1 << 40) == SIZE_MAX);
    assert_true(array_reply_bytes((size_t)1 << 60, 1) == SIZE_MAX);
}

static void whichever_memory_is_refused_nothing_leaks(void **state) {
    (void)state;
    static const size_t columns[] = {3, 100};
    for (size_t i = 0; i < 2; i++) {
        size_t length = 0;
        double *values = random_numbers(100 * columns[i]);
        char *body = print_body(values, 100, columns[i], &length);
        size_t failures = 0;
        for (size_t limit = length;; limit += 509) {
            plain.limit_bytes = PLENTY;
            begin_call(body, length, 2);
            plain.limit_bytes = limit;
            struct operand numbers;
            size_t wrong = 0;
            const double *found = read_by_team(&numbers);
            struct operand matrix = matrix_of(found, NPY_FLOAT64, 100, columns[i]);
            if (found && !array_reply_json(&call, "k", &matrix, NUMBER_PRECISION_MAX, &wrong) &&
                !json_writer_failed(&call.reply)) {
                break;
            }
            failures++;
            end_call();
        }
        plain.limit_bytes = PLENTY;
        assert_in_range(failures, 4, 2000);
        free(body);
        free(values);
    }
}

static void a_cancelled_call_ends_without_a_problem_and_without_pieces(void **state) {
    (void)state;
    size_t length = 0;
    double *values = random_numbers(60000);
    char *body = print_uneven(9, 10, NO_ROW, &length);
    for (unsigned threads = 1; threads <= THREADS_MAX; threads++) {
        struct operand numbers;
        struct operand matrix = matrix_of(values, NPY_FLOAT64, 20000, 3);
        struct operand *const all[OPERANDS_MAX] = {&numbers, NULL};
        size_t wrong = 0;
        begin_call(body, length, threads);
        assert_int_equal(decode(), PROBLEM_NONE);
        atomic_store(&call.cancel, true);
        assert_int_equal(operand_find(&call, "x", OPERAND_TAKES_ROWS, &numbers), PROBLEM_NONE);
        assert_int_equal(operands_load(&call, all), PROBLEM_NONE);
        assert_int_equal(array_reply_json(&call, "k", &matrix, NUMBER_PRECISION_MAX, &wrong), PROBLEM_NONE);
        assert_int_equal(call.reply_piece_count, 0);
    }
    free(body);
    free(values);
}

int main(void) {
    document_library_init();
    facts.config.timeout_ns = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_team_reads_the_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_row_of_another_length_is_named_for_every_team, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_without_numbers_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_array_of_rows_is_left_to_the_document, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_team_prints_the_same_and_it_reads_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_longest_numbers_have_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(precision_is_kept_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_number_that_is_not_finite_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(room_that_no_machine_has_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whichever_memory_is_refused_nothing_leaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cancelled_call_ends_without_a_problem_and_without_pieces, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

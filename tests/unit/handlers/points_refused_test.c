/* What POST /v1/gaussian/matrix and /v1/gaussian/sum refuse, and how. */
#include "tests/unit/handlers/points_call.h"

#include <math.h>

static void expect_refused(const char *path, enum media media, const char *query, enum problem_kind kind,
                           const char *pointer, const char *detail) {
    begin(path, media, MEDIA_JSON, query);
    if (drive() != kind || strcmp(call.problem.pointer, pointer) != 0 || !strstr(call.problem.detail, detail)) {
        fail_msg("%s?%s: %s at \"%s\": %s; expected %s at \"%s\": %s", path, query, problem_slug(call.problem.kind),
                 call.problem.pointer, call.problem.detail, problem_slug(kind), pointer, detail);
    }
}

static void what_is_not_finite_is_named(void **state) {
    (void)state;
    static double x[] = {0, 0, 0, NAN, 0, 0};
    static double y[] = {0, 0, INFINITY, 0};
    static const double weights[] = {1e308, 1e308};
    add_rows(NPY_FLOAT64, x, 3, 2, 0);
    add_rows(NPY_FLOAT64, y, 2, 2, 0);
    expect_refused(matrix_path, MEDIA_NPY, "gamma=1", PROBLEM_NON_FINITE_RESULT, "/k/1/0",
                   "element 0 of row 1 is NaN: a number of row 1 of \"x\" or 0 of \"y\" isn't finite");
    expect_refused(sum_path, MEDIA_NPY, "gamma=1", PROBLEM_NON_FINITE_RESULT, "/s/1", "sum 1 is NaN");
    y[2] = 0;
    body_length = 0;
    add_rows(NPY_FLOAT64, x, 3, 2, 0);
    add_rows(NPY_FLOAT64, y, 2, 2, 0);
    add_row(NPY_FLOAT64, weights, 2, 0);
    expect_refused(sum_path, MEDIA_NPY, "", PROBLEM_NON_FINITE_RESULT, "/s/0", "Accept: application/x-npy gets it");
}

static void bad_documents_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *path;
        const char *text;
        enum problem_kind kind;
        const char *pointer;
        const char *detail;
    } cases[] = {
        {matrix_path, "", PROBLEM_EMPTY_BODY, "", "a JSON object"},
        {matrix_path, "{}", PROBLEM_MISSING_FIELD, "/x", "\"x\" is missing"},
        {matrix_path, "{\"y\":[[1]]}", PROBLEM_MISSING_FIELD, "/x", "\"x\" is missing"},
        {matrix_path, "{\"x\":[1,2]}", PROBLEM_WRONG_TYPE, "/x", "x.reshape(-1, 1)"},
        {matrix_path, "{\"x\":[[1],[null]]}", PROBLEM_WRONG_TYPE, "/x/1/0", "null"},
        {matrix_path, "{\"x\":[[1]],\"y\":null}", PROBLEM_WRONG_TYPE, "/y", "\"y\" is null"},
        {matrix_path, "{\"x\":[[1]],\"y\":1}", PROBLEM_WRONG_TYPE, "/y", "\"y\" is a number"},
        {matrix_path, "{\"x\":[[1,2],[3]]}", PROBLEM_LENGTH_MISMATCH, "/x/1",
         "row 1 of \"x\" has 1 numbers, row 0 has 2"},
        {matrix_path, "{\"x\":[[1]],\"y\":[[1,2]]}", PROBLEM_LENGTH_MISMATCH, "/y", "have 1 numbers, those of \"y\" 2"},
        {matrix_path, "{\"x\":[[1]],\"weights\":[1]}", PROBLEM_UNKNOWN_FIELD, "/weights", "x, y, gamma, sigma"},
        {matrix_path, "{\"x\":[[1]],\"gamma\":-1}", PROBLEM_OUT_OF_RANGE, "/gamma", "at least 0"},
        {matrix_path, "{\"x\":[[1]],\"gamma\":1,\"sigma\":1}", PROBLEM_CONFLICTING_FIELDS, "/sigma", "one of them"},
        {matrix_path, "{\"x\":[[1]],\"precision\":0}", PROBLEM_OUT_OF_RANGE, "/precision", "1 to 17"},
        {matrix_path, "{\"x\":[[1],[2],]}", PROBLEM_INVALID_JSON, "", "a row expected"},
        {matrix_path, "{\"x\":[[1],[2,3]],\"y\":[[1],[.5]]}", PROBLEM_INVALID_JSON, "", "near '.5'"},
        {matrix_path, "{\"x\":[[1],[2]],\"y\":[[1,2],[1e999,3]],\"gamma\":-1}", PROBLEM_NUMBER_OVERFLOW, "", "1e999"},
        {matrix_path, "{\"y\":[[01]],\"x\":[[1e999]]}", PROBLEM_INVALID_JSON, "", "near '01'"},
        {sum_path, "{\"x\":[[1]],\"weights\":[1,2]}", PROBLEM_LENGTH_MISMATCH, "/weights", "\"x\" has 1 rows"},
        {sum_path, "{\"x\":[[1]],\"y\":[[1],[2]],\"weights\":[1]}", PROBLEM_LENGTH_MISMATCH, "/weights",
         "\"weights\" has 1 numbers, \"y\" has 2 rows"},
        {sum_path, "{\"x\":[[1]],\"weights\":1}", PROBLEM_WRONG_TYPE, "/weights", "\"weights\" is a number"},
        {sum_path, "{\"x\":[[1]],\"weights\":[true]}", PROBLEM_WRONG_TYPE, "/weights/0", "a boolean"},
        {sum_path, "{\"x\":[[1]],\"weights\":[[1]]}", PROBLEM_WRONG_TYPE, "/weights/0", "an array"},
        {sum_path, "{\"weights\":[1,],\"x\":[[1],[2,3]]}", PROBLEM_INVALID_JSON, "", "a number expected"},
        {sum_path, "{\"x\":[[1]],\"weights\":[1e308],\"y\":[[1]],\"z\":1}", PROBLEM_UNKNOWN_FIELD, "/z", "weights"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_text(cases[i].text);
        expect_refused(cases[i].path, MEDIA_JSON, "", cases[i].kind, cases[i].pointer, cases[i].detail);
    }
    set_text("{\"x\":[[1],[1]],\"weights\":[1e308,1e308]}");
    expect_refused(sum_path, MEDIA_JSON, "", PROBLEM_NON_FINITE_RESULT, "/s/0", "sum 0 is");
}

static void bad_arrays_are_refused(void **state) {
    (void)state;
    static const double numbers[64] = {0};
    expect_refused(matrix_path, MEDIA_NPY, "", PROBLEM_EMPTY_BODY, "", "an array in the .npy format");
    add_rows(NPY_FLOAT64, numbers, 3, 2, 0);
    size_t one = body_length;
    expect_refused(matrix_path, MEDIA_NPY, "x=1", PROBLEM_UNKNOWN_FIELD, "/x", "not one of: gamma, sigma, precision");
    expect_refused(sum_path, MEDIA_NPY, "weights=1", PROBLEM_UNKNOWN_FIELD, "/weights", "not one of: gamma");
    expect_refused(matrix_path, MEDIA_NPY, "gamma=-1", PROBLEM_OUT_OF_RANGE, "/gamma", "at least 0");
    body_length = one - 1;
    expect_refused(matrix_path, MEDIA_NPY, "", PROBLEM_INVALID_NPY, "/x", "ends after 47");
    body_length = one;
    body[body_length++] = 0;
    expect_refused(matrix_path, MEDIA_NPY, "", PROBLEM_INVALID_NPY, "/y", "93 'NUMPY'");
    body_length = one;
    add_rows(NPY_FLOAT64, numbers, 3, 3, 0);
    expect_refused(matrix_path, MEDIA_NPY, "", PROBLEM_LENGTH_MISMATCH, "/y", "\"x\" has 2 columns, \"y\" has 3");
    body_length = one;
    add_row(NPY_FLOAT64, numbers, 3, 0);
    expect_refused(matrix_path, MEDIA_NPY, "", PROBLEM_WRONG_TYPE, "/y", "\"y\" has 1 dimension; two are expected");
    begin(sum_path, MEDIA_NPY, MEDIA_JSON, ""); /* where it is the weights */
    expect_good();
    add_rows(NPY_FLOAT64, numbers, 3, 2, 0);
    expect_refused(sum_path, MEDIA_NPY, "", PROBLEM_INVALID_NPY, "", "its end is expected, no more arrays");
    body_length = one;
    add_row(NPY_FLOAT64, numbers, 2, 0);
    expect_refused(sum_path, MEDIA_NPY, "", PROBLEM_LENGTH_MISMATCH, "/weights",
                   "an array of one dimension is \"weights\", \"y\" has two");
    body_length = one;
    add_rows(NPY_FLOAT64, numbers, 4, 2, 0);
    size_t two = body_length;
    expect_refused(matrix_path, MEDIA_NPY, "precision=0", PROBLEM_OUT_OF_RANGE, "/precision", "from 1 to 17");
    add_rows(NPY_FLOAT64, numbers, 4, 1, 0);
    expect_refused(matrix_path, MEDIA_NPY, "", PROBLEM_INVALID_NPY, "", "no more arrays");
    expect_refused(sum_path, MEDIA_NPY, "", PROBLEM_WRONG_TYPE, "/weights", "\"weights\" has 2 dimensions; one");
    body_length = two;
    static const int64_t weights[] = {1, 2, INT64_MAX, 4};
    add("<i8", "(4,)", 0, weights, sizeof weights);
    expect_refused(sum_path, MEDIA_NPY, "", PROBLEM_OUT_OF_RANGE, "/weights/2",
                   "element [2] of \"weights\" is 9223372036854775807, which float64 doesn't have");
    body_length = 0;
    add_row(NPY_FLOAT64, numbers, 3, 0);
    expect_refused(sum_path, MEDIA_NPY, "", PROBLEM_WRONG_TYPE, "/x", "x.reshape(-1, 1)");
    body_length = 0;
    add("<f8", "()", 0, numbers, 8);
    expect_refused(sum_path, MEDIA_NPY, "", PROBLEM_WRONG_TYPE, "/x", "\"x\" has 0 dimensions");
    body_length = 0;
    add_rows(NPY_FLOAT64, numbers, 3, 0, 0);
    expect_refused(sum_path, MEDIA_NPY, "", PROBLEM_OUT_OF_RANGE, "/x", "no columns");
    body_length = 0;
    add_rows(NPY_FLOAT32, numbers, 3, 2, 0);
    expect_refused(sum_path, MEDIA_NPY, "gamma=1e39", PROBLEM_OUT_OF_RANGE, "/gamma", "with arrays of float32");
    expect_refused(matrix_path, MEDIA_NPY, "sigma=1e30", PROBLEM_OUT_OF_RANGE, "/sigma", "with arrays of float32");
}

/* Before anything is taken: the figure is in the detail, and so is the way out. */
static void a_matrix_that_never_fits_is_refused_by_decode(void **state) {
    (void)state;
    set_zeros(10000);
    for (int is_json = 0; is_json < 2; is_json++) {
        char figure[64];
        begin(matrix_path, MEDIA_NPY, is_json ? MEDIA_JSON : MEDIA_NPY, "");
        size_t bytes = 800000000 + (is_json ? (size_t)2500020000 : call.body.capacity);
        (void)snprintf(figure, sizeof figure, "10000 x 10000 numbers takes %zu bytes", bytes);
        budget.limit_bytes = bytes - 1;
        assert_int_equal(order.endpoint->decode(&call), PROBLEM_MEMORY_LIMIT);
        if (!strstr(call.problem.detail, figure) || !strstr(call.problem.detail, "/v1/gaussian/sum needs no matrix")) {
            fail_msg("%s: %s", figure, call.problem.detail);
        }
        begin(matrix_path, MEDIA_NPY, is_json ? MEDIA_JSON : MEDIA_NPY, "");
        budget.limit_bytes = bytes;
        assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
        assert_int_equal(order.endpoint->load(&call), PROBLEM_MEMORY_BUSY); /* plain_memory has less */
    }
    begin(sum_path, MEDIA_NPY, MEDIA_NPY, "");
    budget.limit_bytes = 1 << 20;
    assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
    set_text("{\"x\":[[1],[2]],\"y\":[[3],[4]]}");
    begin(matrix_path, MEDIA_JSON, MEDIA_JSON, "");
    budget.limit_bytes = 10;
    assert_int_equal(order.endpoint->decode(&call), PROBLEM_MEMORY_LIMIT);
    assert_non_null(strstr(call.problem.detail, "takes 168 bytes with its text"));
}

/* What is converted stays beside the matrix; the body goes when the text comes. */
static void numbers_that_are_converted_count_as_well(void **state) {
    (void)state;
    static const int16_t zeros[10000] = {0};
    add("<i2", "(10000, 1)", 0, zeros, sizeof zeros);
    for (int is_json = 0; is_json < 2; is_json++) {
        begin(matrix_path, MEDIA_NPY, is_json ? MEDIA_JSON : MEDIA_NPY, "");
        size_t bytes = 800000000 + 80000 + (is_json ? (size_t)2500020000 : call.body.capacity);
        budget.limit_bytes = bytes - 1;
        assert_int_equal(order.endpoint->decode(&call), PROBLEM_MEMORY_LIMIT);
        begin(matrix_path, MEDIA_NPY, is_json ? MEDIA_JSON : MEDIA_NPY, "");
        budget.limit_bytes = bytes;
        assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
    }
}

static void every_memory_limit_fails_cleanly_until_one_suffices(void **state) {
    (void)state;
    static const float numbers[37 * 5] = {0};
    add_rows(NPY_FLOAT32, numbers, 37, 5, 0);
    add_rows(NPY_FLOAT32, numbers, 23, 5, 0);
    size_t npy_length = body_length;
    static const char text[] = "{\"x\":[[1,2],[3,4],[5,6]],\"y\":[[1,2],[3,4]],\"weights\":[1,2],\"cores\":[0]}";
    CPU_ZERO(&facts.cores.usable);
    CPU_SET(0, &facts.cores.usable);
    for (int way = 0; way < 3; way++) {
        enum media media = way == 0 ? MEDIA_NPY : MEDIA_JSON;
        body_length = npy_length;
        if (way > 0) {
            set_text(text);
        }
        size_t failures = 0;
        for (size_t limit = body_length + 1;; limit += 16) {
            plain.limit_bytes = PLENTY;
            begin(way == 0 ? matrix_path : sum_path, media, way == 2 ? MEDIA_NPY : MEDIA_JSON, "");
            plain.limit_bytes = limit;
            enum problem_kind kind = drive();
            if (kind == PROBLEM_NONE) {
                break;
            }
            failures++;
            assert_true(kind == PROBLEM_MEMORY_LIMIT || kind == PROBLEM_MEMORY_BUSY);
        }
        assert_in_range(failures, 10, 10000);
    }
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bad_documents_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_arrays_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_matrix_that_never_fits_is_refused_by_decode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_that_are_converted_count_as_well, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_memory_limit_fails_cleanly_until_one_suffices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_finite_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* POST /v1/gaussian/matrix and /v1/gaussian/sum, driven through the route table as the server does it: what comes in,
 * what goes out, what is refused. The kernels have tests of their own: values are compared with the formula loosely.
 * ctest: threads */
#include "tests/unit/handlers/points_call.h"

#include <math.h>

#define TOLERANCE 1e-11
#define FLOAT_TOLERANCE 1e-5

static void expect_text(const char *path, const char *text, const char *expected) {
    set_text(text);
    begin(path, MEDIA_JSON, MEDIA_JSON, "");
    expect_good();
    if (call.reply.text.length != strlen(expected) ||
        memcmp(call.reply.text.data, expected, call.reply.text.length) != 0) {
        fail_msg("%s: %.*s instead of %s", text, (int)call.reply.text.length, call.reply.text.data, expected);
    }
}

/* The reply's numbers; checks its head. Columns 0: one dimension. */
static const void *reply_values(enum npy_dtype dtype, size_t rows, size_t columns) {
    struct npy_head head;
    struct problem problem = {0};
    assert_int_equal(call.reply.text.length, 0);
    assert_in_range(call.reply_piece_count, 1, 2);
    const struct reply_piece *first = &call.reply_pieces[0];
    assert_int_equal(npy_read_head(first->bytes, NPY_HEAD_WRITTEN, &head, "x", &problem), PROBLEM_NONE);
    assert_true(head.complete);
    assert_int_equal(head.dimensions, columns > 0 ? 2 : 1);
    assert_int_equal(head.dtype, dtype);
    assert_int_equal(head.shape[0], rows);
    assert_int_equal(head.shape[1], columns > 0 ? columns : 1);
    assert_int_equal(call.reply_piece_count, 1);
    assert_int_equal(first->length, NPY_HEAD_WRITTEN + head.data_bytes);
    return first->bytes + NPY_HEAD_WRITTEN;
}

enum { N = 37, M = 23, D = 5 };
static double x[N * D], y[M * D], weights[M];
static float narrow_x[N * D], narrow_y[M * D], narrow_weights[M];

static void fill_one(double *wide, float *narrow, size_t count, uint64_t *random) {
    for (size_t i = 0; i < count; i++) {
        *random = *random * 6364136223846793005U + 1442695040888963407U;
        narrow[i] = (float)(*random >> 40) * 0x1p-24F - 0.5F;
        wide[i] = (double)narrow[i];
    }
}

static void fill(void) {
    uint64_t random = 1;
    fill_one(x, narrow_x, (size_t)N * D, &random);
    fill_one(y, narrow_y, (size_t)M * D, &random);
    fill_one(weights, narrow_weights, M, &random);
}

static double kernel(const double *a, const double *b, double gamma) {
    double distance = 0;
    for (size_t i = 0; i < D; i++) {
        distance += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return exp(-gamma * distance);
}

static double number_at(enum npy_dtype dtype, const void *values, size_t index) {
    double value = 0;
    npy_doubles(&value, (const char *)values + index * npy_number_bytes(dtype), dtype, 1);
    return value;
}

static void expect_close(double found, double expected, enum npy_dtype dtype, size_t i, size_t j) {
    if (!(fabs(found - expected) <= (dtype == NPY_FLOAT64 ? TOLERANCE : FLOAT_TOLERANCE))) {
        fail_msg("[%zu][%zu] is %.17g instead of %.17g", i, j, found, expected);
    }
}

static void expect_matrix(enum npy_dtype dtype, const double *others, size_t count, double gamma) {
    const void *k = reply_values(dtype, N, count);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < count; j++) {
            double expected = kernel(x + i * D, others + j * D, gamma);
            expect_close(number_at(dtype, k, i * count + j), expected, dtype, i, j);
        }
    }
}

static void expect_sums(enum npy_dtype dtype, const double *others, size_t count, const double *factors, double gamma) {
    const void *s = reply_values(dtype, N, 0);
    for (size_t i = 0; i < N; i++) {
        double expected = 0;
        for (size_t j = 0; j < count; j++) {
            expected += kernel(x + i * D, others + j * D, gamma) * (factors ? factors[j] : 1);
        }
        expect_close(number_at(dtype, s, i), expected, dtype, i, 0);
    }
}

static void small_documents_have_the_formulas_values(void **state) {
    (void)state;
    expect_text(matrix_path, "{\"x\":[[0,0],[3,4]],\"y\":[[0,0]],\"gamma\":0,\"precision\":3}",
                "{\"k\":[[1],[1]],\"gamma\":0}");
    expect_text(matrix_path, "{\"x\":[[0,0],[1,1]],\"precision\":3}", "{\"k\":[[1,0.368],[0.368,1]],\"gamma\":0.5}");
    expect_text(matrix_path, "{\"x\":[[1]],\"y\":[[1],[1]],\"sigma\":0.5}", "{\"k\":[[1,1]],\"gamma\":2}");
    expect_text(sum_path, "{\"x\":[[0,0],[1,1]],\"precision\":3}", "{\"s\":[1.37,1.37],\"gamma\":0.5}");
    expect_text(sum_path, "{\"weights\":[2,-1],\"y\":[[1],[1]],\"x\":[[1],[1],[1]]}", "{\"s\":[1,1,1],\"gamma\":1}");
    expect_text(sum_path, "{\"x\":[[7],[7]],\"weights\":[2,0.5],\"gamma\":3}", "{\"s\":[2.5,2.5],\"gamma\":3}");
}

/* Without rows the number of columns is anybody's. */
static void no_points_give_no_numbers(void **state) {
    (void)state;
    expect_text(matrix_path, "{\"x\":[]}", "{\"k\":[],\"gamma\":1}");
    expect_text(matrix_path, "{\"x\":[],\"y\":[]}", "{\"k\":[],\"gamma\":1}");
    expect_text(matrix_path, "{\"x\":[],\"y\":[[1,2]]}", "{\"k\":[],\"gamma\":0.5}");
    expect_text(matrix_path, "{\"x\":[[1,2],[3,4]],\"y\":[]}", "{\"k\":[[],[]],\"gamma\":0.5}");
    expect_text(sum_path, "{\"x\":[],\"weights\":[]}", "{\"s\":[],\"gamma\":1}");
    expect_text(sum_path, "{\"x\":[[1,2],[3,4]],\"y\":[],\"weights\":[]}", "{\"s\":[0,0],\"gamma\":0.5}");
}

static void arrays_of_both_types_give_theirs_at_any_alignment_for_any_team(void **state) {
    (void)state;
    fill();
    for (size_t extra = 0; extra < 64; extra++) {
        enum npy_dtype dtype = extra % 2 ? NPY_FLOAT32 : NPY_FLOAT64;
        bool is_float = dtype == NPY_FLOAT32;
        body_length = 0;
        add_rows(dtype, is_float ? (const void *)narrow_x : x, N, D, extra % 8);
        add_rows(dtype, is_float ? (const void *)narrow_y : y, M, D, extra / 8);
        begin(matrix_path, MEDIA_NPY, MEDIA_NPY, "gamma=0.75&schedule=dynamic&chunk=1");
        team.threads = 1 + (unsigned)extra % 5;
        expect_good();
        expect_matrix(dtype, y, M, 0.75);
        assert_null(call.body.bytes); /* given back early */
        add_row(dtype, is_float ? (const void *)narrow_weights : weights, M, extra / 3 % 8);
        begin(sum_path, MEDIA_NPY, MEDIA_NPY, "gamma=0.75&schedule=guided");
        team.threads = 1 + (unsigned)extra % 5;
        expect_good();
        expect_sums(dtype, y, M, weights, 0.75);
    }
}

static void y_and_weights_may_be_left_out(void **state) {
    (void)state;
    static double many_weights[N];
    fill();
    for (size_t i = 0; i < N; i++) {
        many_weights[i] = (double)i;
    }
    add_rows(NPY_FLOAT64, x, N, D, 3);
    size_t alone = body_length;
    begin(matrix_path, MEDIA_NPY, MEDIA_NPY, "");
    expect_good();
    expect_matrix(NPY_FLOAT64, x, N, 1 / (double)D);
    begin(sum_path, MEDIA_NPY, MEDIA_NPY, "");
    expect_good();
    expect_sums(NPY_FLOAT64, x, N, NULL, 1 / (double)D);
    add_row(NPY_FLOAT64, many_weights, N, 0);
    begin(sum_path, MEDIA_NPY, MEDIA_NPY, "sigma=1");
    expect_good();
    expect_sums(NPY_FLOAT64, x, N, many_weights, 0.5);
    body_length = alone;
    add_rows(NPY_FLOAT64, y, M, D, 1);
    begin(sum_path, MEDIA_NPY, MEDIA_NPY, "sigma=1");
    expect_good();
    expect_sums(NPY_FLOAT64, y, M, NULL, 0.5);
}

static void json_gives_npy_and_npy_gives_json(void **state) {
    (void)state;
    static const double corner[] = {0, 0, 1, 1};
    static const float narrow_corner[] = {0, 0, 1, 1};
    set_text("{\"x\":[[0,0],[1,1]],\"y\":[[1,1]]}");
    begin(matrix_path, MEDIA_JSON, MEDIA_NPY, "");
    expect_good();
    const double *k = reply_values(NPY_FLOAT64, 2, 1);
    assert_true(fabs(k[0] - exp(-1)) < TOLERANCE && k[1] == 1);
    for (int is_float = 0; is_float < 2; is_float++) {
        static const char *const expected[] = {"{\"k\":[[1,0.1353],[0.1353,1]],\"gamma\":1}",
                                               "{\"s\":[1.135,1.135],\"gamma\":1}"};
        body_length = 0;
        if (is_float) {
            add_rows(NPY_FLOAT32, narrow_corner, 2, 2, 1);
        } else {
            add_rows(NPY_FLOAT64, corner, 2, 2, 1);
        }
        for (size_t i = 0; i < 2; i++) {
            begin(i == 0 ? matrix_path : sum_path, MEDIA_NPY, MEDIA_JSON, "gamma=1&precision=4");
            expect_good();
            assert_int_equal(call.reply.text.length, strlen(expected[i]));
            assert_memory_equal(call.reply.text.data, expected[i], call.reply.text.length);
        }
    }
}

static void what_is_not_finite_passes_as_npy(void **state) {
    (void)state;
    fill();
    x[7 * D + 2] = NAN;
    y[5 * D] = INFINITY;
    add_rows(NPY_FLOAT64, x, N, D, 0);
    add_rows(NPY_FLOAT64, y, M, D, 0);
    begin(matrix_path, MEDIA_NPY, MEDIA_NPY, "gamma=1");
    expect_good();
    const double *k = reply_values(NPY_FLOAT64, N, M);
    assert_true(isnan(k[7 * M]) && isnan(k[7 * M + M - 1]) && k[5] == 0 && !isnan(k[8 * M]));
}

static uint64_t cost_of(const char *path, enum media reply_media) {
    begin(path, MEDIA_NPY, reply_media, "");
    assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
    return call.demand.cost_ns;
}

static void the_cost_grows_with_points_and_with_text(void **state) {
    (void)state;
    set_zeros(100);
    uint64_t few = cost_of(matrix_path, MEDIA_NPY);
    uint64_t few_sums = cost_of(sum_path, MEDIA_NPY);
    uint64_t printed = cost_of(matrix_path, MEDIA_JSON);
    set_zeros(1000);
    assert_true(few > 0 && few_sums > 0 && printed > few + 100000);
    assert_true(cost_of(matrix_path, MEDIA_NPY) > 20 * few);
    assert_true(cost_of(sum_path, MEDIA_NPY) > 20 * few_sums);
    begin(matrix_path, MEDIA_NPY, MEDIA_NPY, "chunk=1");
    assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
    assert_true(call.demand.cost_ns > few);
}

/* 10 of its 16 tiles are computed. */
static void a_symmetric_matrix_costs_less_than_one_of_two_arrays(void **state) {
    (void)state;
    static const double zeros[300 * 200];
    add_rows(NPY_FLOAT64, zeros, 300, 200, 0);
    uint64_t symmetric = cost_of(matrix_path, MEDIA_NPY);
    add_rows(NPY_FLOAT64, zeros, 300, 200, 0);
    uint64_t whole = cost_of(matrix_path, MEDIA_NPY);
    assert_in_range(symmetric, whole / 2, whole / 4 * 3);
    set_zeros(0);
    assert_in_range(cost_of(matrix_path, MEDIA_NPY), 1, 10000);
}

static void a_cancelled_call_ends_without_a_problem(void **state) {
    (void)state;
    fill();
    add_rows(NPY_FLOAT64, x, N, D, 0);
    for (int i = 0; i < 4; i++) {
        begin(i % 2 ? matrix_path : sum_path, MEDIA_NPY, i < 2 ? MEDIA_NPY : MEDIA_JSON, "");
        assert_int_equal(order.endpoint->decode(&call), PROBLEM_NONE);
        assert_int_equal(order.endpoint->load(&call), PROBLEM_NONE);
        atomic_store(&call.cancel, true);
        assert_int_equal(order.endpoint->compute(&call), PROBLEM_NONE);
    }
}

int main(void) {
    document_library_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_documents_have_the_formulas_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_points_give_no_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arrays_of_both_types_give_theirs_at_any_alignment_for_any_team, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(y_and_weights_may_be_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_gives_npy_and_npy_gives_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_finite_passes_as_npy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_cost_grows_with_points_and_with_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_symmetric_matrix_costs_less_than_one_of_two_arrays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cancelled_call_ends_without_a_problem, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

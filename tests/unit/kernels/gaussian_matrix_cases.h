/* What is tested of the Gaussian matrix, for one type of number: the body of gaussian_matrix_test.c and
 * gaussian_float_matrix_test.c, which define REAL, POINTS, MATRIX, MATRIX_SIMPLE, COST and the bounds of
 * gaussian_matrix.h:
 *
 *   UNIT               the unit of rounding
 *   SLOPE(d), BASE(d)  relative error: (SLOPE |a| + BASE) UNIT
 *   PRODUCT_BLUR(d)    b / (gamma n) of gaussian_matrix.h, infinite where products aren't used
 *   LEAST              in addition, for results that are subnormal
 *   NORMAL_ERROR       absolute error on standard-normal points
 *   SPECIAL            numbers strewn into the points
 *   TINY, HUGE_ONE     subnormal; its square overflows */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct progress nothing_watched = {0};
static const struct team alone = {.threads = 1};

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static double uniform(double low, double high) {
    return low + (high - low) * ((double)(next_random() >> 11) * 0x1p-53);
}

/* Memory of exactly that size, so that AddressSanitizer sees each step beyond it. */
static REAL *allocate(size_t count) {
    REAL *values = malloc(count * sizeof *values + (count == 0));
    assert_non_null(values);
    memset(values, 0x55, count * sizeof *values);
    return values;
}

enum content { UNIFORM, NORMAL, STREWN };

static POINTS make_points(size_t count, size_t dimensions, enum content content) {
    static const REAL special[] = {SPECIAL};
    REAL *values = allocate(count * dimensions);
    for (size_t i = 0; i < count * dimensions; i++) {
        values[i] = (REAL)uniform(-1, 1);
        if (content == NORMAL) {
            values[i] = (REAL)(sqrt(-2 * log(uniform(1e-12, 1))) * cos(uniform(0, 6.283185307179586)));
        }
        if (content == STREWN && next_random() % 16 == 0) {
            values[i] = special[next_random() % (sizeof special / sizeof *special)];
        }
    }
    return (POINTS){.values = values, .count = count};
}

static void free_points(POINTS points) {
    free((void *)points.values);
}

static REAL *compute(POINTS x, POINTS y, size_t dimensions, REAL gamma, const struct team *team) {
    REAL *k = allocate(x.count * (y.values ? y.count : x.count));
    assert_int_equal(MATRIX(x, y, dimensions, gamma, k, team, &nothing_watched), KERNEL_DONE);
    return k;
}

static long double exact_argument(POINTS x, size_t i, POINTS y, size_t j, size_t dimensions, REAL gamma) {
    long double square = 0;
    for (size_t c = 0; c < dimensions; c++) {
        long double difference = (long double)x.values[i * dimensions + c] - (long double)y.values[j * dimensions + c];
        square += difference * difference;
    }
    return -(long double)gamma * square;
}

static long double product_blur(POINTS x, size_t i, POINTS y, size_t j, size_t dimensions, REAL gamma) {
    long double norms = 0;
    for (size_t c = 0; c < dimensions; c++) {
        long double left = (long double)x.values[i * dimensions + c], right = (long double)y.values[j * dimensions + c];
        norms += left * left + right * right;
    }
    return (long double)gamma * norms * PRODUCT_BLUR(dimensions);
}

static void expect_within_bound(POINTS x, POINTS y, size_t dimensions, REAL gamma, const REAL *k, long double limit) {
    for (size_t i = 0; i < x.count; i++) {
        for (size_t j = 0; j < y.count; j++) {
            long double a = exact_argument(x, i, y, j, dimensions, gamma), exact = expl(a);
            long double allowed = exact * (SLOPE(dimensions) * fabsl(a) + BASE(dimensions)) * UNIT + LEAST;
            long double blur = product_blur(x, i, y, j, dimensions, gamma);
            if (2 * blur <= NORMAL_ERROR) {
                allowed = fmaxl(allowed, exact * (2.05L * blur + (fabsl(a) + 4) * UNIT) + LEAST);
            }
            long double error = fabsl((long double)k[i * y.count + j] - exact);
            if (!(error <= allowed && error <= limit)) {
                fail_msg("%zu x %zu, d %zu, gamma %a: k[%zu][%zu] is %a, want %La, off by %Lg, allowed %Lg, %Lg",
                         x.count, y.count, dimensions, (double)gamma, i, j, (double)k[i * y.count + j], exact, error,
                         allowed, limit);
            }
        }
    }
}

static void expect_same_bits(const REAL *left, const REAL *right, size_t rows, size_t columns, const char *where) {
    for (size_t i = 0; i < rows * columns; i++) {
        if (memcmp(left + i, right + i, sizeof *left) != 0) {
            fail_msg("%s, %zu x %zu: [%zu][%zu] is %a, not %a", where, rows, columns, i / columns, i % columns,
                     (double)left[i], (double)right[i]);
        }
    }
}

static void entries_stay_within_the_promised_error(void **state) {
    (void)state;
    static const size_t shapes[][3] = {{1, 1, 1},     {1, 200, 2},   {200, 1, 3},  {5, 7, 31},    {6, 8, 32},
                                       {7, 9, 33},    {12, 16, 4},   {13, 17, 63}, {95, 97, 5},   {96, 96, 64},
                                       {97, 95, 65},  {101, 103, 1}, {3, 5, 127},  {20, 200, 10}, {30, 31, 128},
                                       {31, 30, 129}, {4, 3, 1000}};
    static const REAL gammas[] = {GAMMAS};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (size_t g = 0; g < sizeof gammas / sizeof *gammas; g++) {
            size_t dimensions = shapes[s][2];
            POINTS x = make_points(shapes[s][0], dimensions, UNIFORM);
            POINTS y = make_points(shapes[s][1], dimensions, UNIFORM);
            REAL *k = compute(x, y, dimensions, gammas[g], &alone);
            expect_within_bound(x, y, dimensions, gammas[g], k, 1);
            free(k);
            free_points(x);
            free_points(y);
        }
    }
}

/* Also far from the origin, where |x|^2 + |y|^2 - 2 x.y would be left with few digits. */
static void standard_normal_points_stay_within_the_absolute_error(void **state) {
    (void)state;
    static const size_t dimensions[] = {1, 3, 16, 64, 512, 4000};
    for (size_t s = 0; s < sizeof dimensions / sizeof *dimensions; s++) {
        for (int far = 0; far < 2; far++) {
            size_t d = dimensions[s];
            POINTS x = make_points(37, d, NORMAL), y = make_points(41, d, NORMAL);
            for (size_t i = 0; far && i < 37 * d; i++) {
                ((REAL *)x.values)[i] += 1000;
            }
            for (size_t i = 0; far && i < 41 * d; i++) {
                ((REAL *)y.values)[i] += 1000;
            }
            REAL *k = compute(x, y, d, 1 / (REAL)d, &alone);
            expect_within_bound(x, y, d, 1 / (REAL)d, k, NORMAL_ERROR);
            free(k);
            free_points(x);
            free_points(y);
        }
    }
}

static void x_against_itself_is_symmetric_with_ones_on_the_diagonal(void **state) {
    (void)state;
    static const size_t counts[] = {1, 2, 6, 8, 17, 95, 96, 97, 191, 193, 300};
    for (size_t s = 0; s < sizeof counts / sizeof *counts; s++) {
        for (size_t d = 1; d < 200; d = d * 3 + 2) {
            size_t n = counts[s];
            POINTS x = make_points(n, d, NORMAL);
            REAL *k = compute(x, (POINTS){.count = 12345}, d, 2 / (REAL)d, &alone);
            for (size_t i = 0; i < n; i++) {
                assert_true(k[i * n + i] == 1);
                for (size_t j = 0; j < i; j++) {
                    if (memcmp(k + i * n + j, k + j * n + i, sizeof *k) != 0) {
                        fail_msg("n %zu, d %zu: [%zu][%zu] is %a, mirrored %a", n, d, i, j, (double)k[i * n + j],
                                 (double)k[j * n + i]);
                    }
                }
            }
            REAL *twice = compute(x, x, d, 2 / (REAL)d, &alone);
            expect_same_bits(k, twice, n, n, "x given twice");
            free(twice);
            free(k);
            free_points(x);
        }
    }
}

static void bits_do_not_depend_on_team_schedule_or_chunk(void **state) {
    (void)state;
    static const size_t shapes[][3] = {{1, 1, 3}, {97, 400, 3}, {400, 97, 70}, {290, 290, 5}};
    static const size_t chunks[] = {0, 1, 2, 5, 100};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (int symmetric = 0; symmetric < 2; symmetric++) {
            size_t n = shapes[s][0], d = shapes[s][2], m = symmetric ? n : shapes[s][1];
            POINTS x = make_points(n, d, STREWN), y = make_points(symmetric ? 0 : m, d, STREWN), none = {0};
            REAL *expected = compute(x, symmetric ? none : y, d, (REAL)0.5, &alone);
            for (unsigned threads = 1; threads <= 16; threads++) {
                for (int run = 0; run < 15; run++) {
                    struct team team = {
                        .threads = threads, .schedule = (enum team_schedule)(run % 3), .chunk = chunks[run / 3]};
                    REAL *k = compute(x, symmetric ? none : y, d, (REAL)0.5, &team);
                    expect_same_bits(k, expected, n, m, "by a team");
                    free(k);
                }
            }
            free(expected);
            free_points(x);
            free_points(y);
        }
    }
}

static void bits_do_not_depend_on_position_and_company(void **state) {
    (void)state;
    enum { N = 110, M = 115 };
    for (size_t d = 1; d < 100; d = d * 4 + 1) {
        POINTS x = make_points(N, d, STREWN), y = make_points(M, d, STREWN);
        REAL *k = compute(x, y, d, (REAL)0.25, &alone);
        for (size_t i = 0; i < N; i++) {
            for (size_t j = 0; j < M; j += 1 + next_random() % 20) {
                POINTS one = {.values = x.values + i * d, .count = 1}, other = {.values = y.values + j * d, .count = 1};
                REAL *entry = compute(one, other, d, (REAL)0.25, &alone);
                REAL *exchanged = compute(other, one, d, (REAL)0.25, &alone);
                expect_same_bits(entry, k + i * M + j, 1, 1, "alone");
                expect_same_bits(exchanged, entry, 1, 1, "exchanged");
                free(entry);
                free(exchanged);
            }
        }
        free(k);
        free_points(x);
        free_points(y);
    }
}

/* Large enough to go past the caches, at addresses that don't begin a line; row by row it doesn't. */
static void large_results_are_those_of_small_ones(void **state) {
    (void)state;
    enum { N = 1100, M = 1021, DIMENSIONS = 2 };
    POINTS x = make_points(N, DIMENSIONS, UNIFORM), y = make_points(M, DIMENSIONS, UNIFORM);
    REAL *memory = allocate((size_t)N * M + 5);
    struct team team = {.threads = 3, .schedule = TEAM_DYNAMIC};
    for (size_t offset = 0; offset < 4; offset += 3) {
        REAL *k = memory + 1 + offset;
        memset(memory, 0x55, ((size_t)N * M + 5) * sizeof *memory);
        assert_int_equal(MATRIX(x, y, DIMENSIONS, 1, k, &team, &nothing_watched), KERNEL_DONE);
        for (size_t i = 0; i < N; i++) {
            REAL *row = compute((POINTS){.values = x.values + i * DIMENSIONS, .count = 1}, y, DIMENSIONS, 1, &alone);
            expect_same_bits(k + i * M, row, 1, M, "one row");
            free(row);
        }
        assert_memory_equal(k - 1, "\x55\x55\x55\x55", 4);
        if (offset < 3) {
            assert_memory_equal(k + (size_t)N * M, "\x55\x55\x55\x55", 4);
        }
    }
    free(memory);
    REAL *symmetric = compute(x, (POINTS){0}, DIMENSIONS, 1, &team), *whole = compute(x, x, DIMENSIONS, 1, &alone);
    expect_same_bits(symmetric, whole, N, N, "large and symmetric");
    free(symmetric);
    free(whole);
    free_points(x);
    free_points(y);
}

static REAL entry(REAL x, REAL y, REAL gamma) {
    REAL k = -1;
    assert_int_equal(MATRIX((POINTS){&x, 1}, (POINTS){&y, 1}, 1, gamma, &k, &alone, &nothing_watched), KERNEL_DONE);
    return k;
}

static void special_values_follow_the_formula(void **state) {
    (void)state;
    static const REAL nan_cases[][3] = {{NAN, 1, 1},      {1, NAN, 1},     {NAN, NAN, 0}, {INFINITY, INFINITY, 1},
                                        {INFINITY, 1, 0}, {HUGE_ONE, 0, 0}};
    for (size_t i = 0; i < sizeof nan_cases / sizeof *nan_cases; i++) {
        REAL k = entry(nan_cases[i][0], nan_cases[i][1], nan_cases[i][2]);
        if (!isnan(k)) {
            fail_msg("case %zu: %a instead of NaN", i, (double)k);
        }
    }
    static const REAL cases[][4] = {{INFINITY, 1, 1, 0},
                                    {-INFINITY, INFINITY, 1, 0},
                                    {1, -INFINITY, TINY, 0},
                                    {HUGE_ONE, -HUGE_ONE, 1, 0},
                                    {3, 3, 5, 1},
                                    {3, 3, LARGEST, 1},
                                    {7, 3, 0, 1},
                                    {(REAL)0.0, (REAL)-0.0, 1, 1},
                                    {TINY, 0, 1, 1},
                                    {HUGE_ONE, HUGE_ONE, 1, 1},
                                    {1, 0, LARGEST, 0},
                                    {40, 0, 1, 0},
                                    {TINY, 0, 0, 1},
                                    {TINY, -TINY, LARGEST / 4, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        REAL k = entry(cases[i][0], cases[i][1], cases[i][2]);
        if (k != cases[i][3] || signbit(k)) {
            fail_msg("case %zu: %a instead of %a", i, (double)k, (double)cases[i][3]);
        }
    }
}

static void points_that_are_not_finite_have_nan_on_the_diagonal(void **state) {
    (void)state;
    REAL values[] = {1, 2, NAN, 0, 3, INFINITY, 1, 2};
    REAL *k = compute((POINTS){values, 4}, (POINTS){0}, 2, 1, &alone);
    const char *const kinds[] = {"1N01", "NNNN", "0NN0", "1N01"};
    for (size_t i = 0; i < 16; i++) {
        char kind = isnan(k[i]) ? 'N' : k[i] == 1 ? '1' : k[i] == 0 ? '0' : '?';
        if (kind != kinds[i / 4][i % 4]) {
            fail_msg("[%zu][%zu] is %a, not %c", i / 4, i % 4, (double)k[i], kinds[i / 4][i % 4]);
        }
    }
    free(k);
}

static void agrees_with_the_simple_version(void **state) {
    (void)state;
    for (size_t d = 1; d <= 5; d += 2) {
        for (int symmetric = 0; symmetric < 2; symmetric++) {
            POINTS x = make_points(113, d, STREWN), y = make_points(symmetric ? 0 : 99, d, STREWN);
            POINTS given = symmetric ? (POINTS){0} : y;
            size_t entries = 113 * (symmetric ? 113U : 99U);
            REAL *k = compute(x, given, d, 1, &alone), *simple = allocate(entries);
            MATRIX_SIMPLE(x, given, d, 1, simple);
            for (size_t i = 0; i < entries; i++) {
                long double a = simple[i] > 0 ? fabsl(logl(simple[i])) : 0;
                long double allowed = 2 * (simple[i] * (SLOPE(d) * a + BASE(d)) * UNIT + LEAST);
                bool same =
                    isnan(simple[i]) ? isnan(k[i]) : fabsl((long double)k[i] - (long double)simple[i]) <= allowed;
                if (!same) {
                    fail_msg("d %zu, entry %zu: %a, simple %a", d, i, (double)k[i], (double)simple[i]);
                }
            }
            free(k);
            free(simple);
            free_points(x);
            free_points(y);
        }
    }
}

static void without_points_nothing_is_written_and_without_dimensions_all_are_one(void **state) {
    (void)state;
    REAL values[] = {1, 2, 3}, k[9];
    memset(k, 0x55, sizeof k);
    POINTS some = {values, 3}, none = {values, 0};
    struct team team = {.threads = 2};
    assert_int_equal(MATRIX(none, some, 1, 1, k, &team, &nothing_watched), KERNEL_DONE);
    assert_int_equal(MATRIX(some, none, 1, 1, k, &team, &nothing_watched), KERNEL_DONE);
    assert_int_equal(MATRIX(none, (POINTS){0}, 1, 1, k, &team, &nothing_watched), KERNEL_DONE);
    assert_memory_equal(k, "\x55\x55\x55\x55", 4);
    assert_int_equal(MATRIX(some, some, 0, 1, k, &team, &nothing_watched), KERNEL_DONE);
    for (size_t i = 0; i < 9; i++) {
        assert_true(k[i] == 1);
    }
}

static void progress_counts_tiles(void **state) {
    (void)state;
    POINTS x = make_points(300, 2, UNIFORM), y = make_points(97, 2, UNIFORM);
    REAL *k = allocate(300 * 300);
    for (unsigned threads = 1; threads <= 3; threads++) {
        atomic_uint_fast64_t done = 0;
        struct progress progress = {.done = &done};
        struct team team = {.threads = threads, .chunk = 3};
        assert_int_equal(MATRIX(x, y, 2, 1, k, &team, &progress), KERNEL_DONE);
        assert_int_equal(done, 8);
        assert_int_equal(gaussian_matrix_tiles(300, 97, false), 8);
        assert_int_equal(MATRIX(x, (POINTS){0}, 2, 1, k, &team, &progress), KERNEL_DONE);
        assert_int_equal(done, 8 + 10);
        assert_int_equal(gaussian_matrix_tiles(300, 0, true), 10);
    }
    assert_int_equal(gaussian_matrix_tiles(0, 5, false), 0);
    assert_int_equal(gaussian_matrix_tiles(SIZE_MAX, 1, false), SIZE_MAX / 96 + 1);
    free(k);
    free_points(x);
    free_points(y);
}

static void a_set_flag_cancels(void **state) {
    (void)state;
    POINTS x = make_points(300, 2, UNIFORM);
    REAL *k = allocate(300 * 300);
    atomic_bool cancel = true;
    struct progress progress = {.cancel = &cancel};
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct team team = {.threads = threads};
        assert_int_equal(MATRIX(x, x, 2, 1, k, &team, &progress), KERNEL_CANCELLED);
    }
    assert_memory_equal(k, "\x55\x55\x55\x55", 4);
    free(k);
    free_points(x);
}

static void cost_grows_with_points_and_dimensions(void **state) {
    (void)state;
    assert_in_range(COST(0, 0, 3), 1, 10000);
    assert_true(COST(1000, 1000, 3) > 2 * COST(500, 500, 3));
    assert_true(COST(1000, 1000, 512) > 2 * COST(1000, 1000, 64));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(entries_stay_within_the_promised_error),
    cmocka_unit_test(standard_normal_points_stay_within_the_absolute_error),
    cmocka_unit_test(x_against_itself_is_symmetric_with_ones_on_the_diagonal),
    cmocka_unit_test(bits_do_not_depend_on_team_schedule_or_chunk),
    cmocka_unit_test(bits_do_not_depend_on_position_and_company),
    cmocka_unit_test(large_results_are_those_of_small_ones),
    cmocka_unit_test(special_values_follow_the_formula),
    cmocka_unit_test(points_that_are_not_finite_have_nan_on_the_diagonal),
    cmocka_unit_test(agrees_with_the_simple_version),
    cmocka_unit_test(without_points_nothing_is_written_and_without_dimensions_all_are_one),
    cmocka_unit_test(progress_counts_tiles),
    cmocka_unit_test(a_set_flag_cancels),
    cmocka_unit_test(cost_grows_with_points_and_dimensions),
};

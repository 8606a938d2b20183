/* Reductions: against long double and 128-bit integers, and against themselves over all teams and splits.
 *
 * ctest: threads */
#include "kernels/expression/reduction.h"

#include "kernels/team.h"
#include "tests/reference/reduction_simple.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Error bounds of reduction.h, in 2^-53. */
static const long double UNIT = 0x1p-53L, SUM_UNITS = 40, VAR_UNITS = 200;

enum { COUNT_MAX = 300000, KINDS = REDUCTION_STD + 1 };

static const enum reduction_type TYPES = REDUCTION_DOUBLE + 1;

static const enum reduction_kind all_kinds[KINDS] = {
    REDUCTION_SUM, REDUCTION_MEAN,  REDUCTION_PROD,   REDUCTION_MIN,    REDUCTION_MAX, REDUCTION_ANY,
    REDUCTION_ALL, REDUCTION_COUNT, REDUCTION_ARGMIN, REDUCTION_ARGMAX, REDUCTION_VAR, REDUCTION_STD};

static const struct progress nothing_watched = {0};

static uint64_t random_state = 12345;

static uint64_t draw(void) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return random_state >> 16;
}

/* A result of any type, zeroed before, so that it can be compared as bytes. */
struct outcome {
    int64_t status; /* as wide as the rest: no padding */
    union {
        uint8_t boolean;
        int64_t integer;
        float single;
        double number;
    };
};

static size_t size_of(enum reduction_type type) {
    return type == REDUCTION_BOOL ? 1 : type == REDUCTION_FLOAT ? 4 : 8;
}

/* The elements' own types, all ranges on a team. */
struct run {
    struct reduction what;
    const char *values;
    size_t count;
    struct reduction_state states[REDUCTION_RANGES];
};

static void reduce_ranges(void *context, size_t begin, size_t end) {
    struct run *run = context;
    for (size_t r = begin; r < end; r++) {
        size_t last = reduction_begin(run->count, r + 1);
        run->states[r] = (struct reduction_state){0};
        for (size_t i = reduction_begin(run->count, r); i < last; i += REDUCTION_BLOCK) {
            reduction_add(run->what, &run->states[r], run->values + i * size_of(run->what.type),
                          last - i < REDUCTION_BLOCK ? last - i : REDUCTION_BLOCK);
        }
    }
}

static struct outcome close_state(struct reduction what, const struct reduction_state *state) {
    struct outcome outcome;
    memset(&outcome, 0, sizeof outcome);
    outcome.status = reduction_close(what, state, &outcome.boolean);
    return outcome;
}

static struct outcome reduce(struct reduction what, const void *values, size_t count, const struct team *team) {
    static struct run run;
    run = (struct run){.what = what, .values = values, .count = count};
    size_t ranges = reduction_ranges(count);
    assert_int_equal(team_for(team, &nothing_watched, ranges, 1, reduce_ranges, &run), KERNEL_DONE);
    for (size_t r = 1; r < ranges; r++) {
        reduction_merge(what, &run.states[0], &run.states[r]);
    }
    return close_state(what, &run.states[0]);
}

static const struct team alone = {.threads = 1};

/* The largest size of a value, and the sizes' sum. */
static long double sizes_of(struct reduction what, const void *values, size_t count, size_t stride) {
    long double sum = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = i * stride;
        sum += what.type == REDUCTION_DOUBLE  ? fabsl(((const double *)values)[at])
               : what.type == REDUCTION_FLOAT ? fabsl((long double)((const float *)values)[at])
                                              : 0;
    }
    return sum;
}

static long double bound_of(struct reduction what, const void *values, size_t count, size_t stride, long double exact) {
    long double ulp = what.type == REDUCTION_FLOAT ? 0x1p-24L : UNIT, n = (long double)(count > 0 ? count : 1);
    long double rounding = ulp * fabsl(exact) + 0x1p-1074L;
    switch (what.kind) {
    case REDUCTION_SUM:
        return rounding + SUM_UNITS * UNIT * sizes_of(what, values, count, stride);
    case REDUCTION_MEAN:
        return 2 * rounding + SUM_UNITS * UNIT * sizes_of(what, values, count, stride) / n;
    case REDUCTION_PROD:
        return rounding + n * UNIT * fabsl(exact);
    case REDUCTION_VAR:
    case REDUCTION_STD:
        return rounding + VAR_UNITS * UNIT * fabsl(exact);
    default:
        return 0;
    }
}

static void assert_outcome(struct reduction what, struct outcome got, const void *values, size_t count, size_t stride) {
    struct reduction_simple want = reduction_simple(what, values, count, stride);
    enum reduction_type type = reduction_result_type(what);
    assert_int_equal(got.status, want.status);
    if (want.status != REDUCTION_DONE) {
        return;
    }
    if (type == REDUCTION_BOOL || type == REDUCTION_INT64) {
        assert_int_equal(type == REDUCTION_BOOL ? got.boolean : got.integer, want.integer);
        return;
    }
    long double number = type == REDUCTION_FLOAT ? (long double)got.single : (long double)got.number;
    long double bound = bound_of(what, values, count, stride, want.number);
    if (isnan(want.number) ? !isnan(number) : !(fabsl(number - want.number) <= bound) && number != want.number) {
        fail_msg("kind %d, type %d, %zu elements: %.21Lg instead of %.21Lg, off by more than %Lg", (int)what.kind,
                 (int)what.type, count, number, want.number, bound);
    }
}

/* Values of all sizes that a sum of them doesn't exceed; near 1 for products. */
static void fill(struct reduction what, void *values, size_t count) {
    unsigned style = (unsigned)(draw() % 4);
    for (size_t i = 0; i < count; i++) {
        double unit = (double)(draw() % (UINT64_C(1) << 40)) * 0x1p-40 - 0.5;
        double number = style == 0 ? unit : style == 1 ? 1e6 + unit : unit * exp2((double)(draw() % 60) - 30);
        number = what.kind == REDUCTION_PROD ? 1 + unit / 100 : number;
        int64_t integer = style < 2 ? (int64_t)(draw() % 11) - 5 : (int64_t)(draw() << 16) >> (draw() % 48 + 16);
        integer = what.kind == REDUCTION_PROD && draw() % 8 != 0 ? integer % 2 : integer;
        if (what.type == REDUCTION_DOUBLE) {
            ((double *)values)[i] = number;
        } else if (what.type == REDUCTION_FLOAT) {
            ((float *)values)[i] = (float)number;
        } else if (what.type == REDUCTION_INT64) {
            ((int64_t *)values)[i] = integer;
        } else {
            ((uint8_t *)values)[i] = style == 0 ? 0 : style == 1 ? 1 : (uint8_t)(draw() % 2);
        }
    }
}

static void *new_values(size_t count) {
    void *values = malloc((count + 1) * sizeof(double));
    assert_non_null(values);
    return values;
}

static void every_kind_and_type_is_the_references_within_its_bound(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 31, 32, 33, 63, 1000, 1023, 1024, 1025, 16383, 16385, 40000};
    double *values = new_values(40000);
    for (size_t k = 0; k < KINDS; k++) {
        for (enum reduction_type type = 0; type < TYPES; type++) {
            struct reduction what = {.kind = all_kinds[k], .type = type};
            for (size_t c = 0; c < 3 * sizeof counts / sizeof *counts; c++) {
                size_t count = counts[c / 3];
                fill(what, values, count);
                assert_outcome(what, reduce(what, values, count, &alone), values, count, 1);
            }
        }
    }
    free(values);
}

static void bits_are_the_same_for_any_team(void **state) {
    (void)state;
    double *values = new_values(COUNT_MAX);
    for (size_t k = 0; k < KINDS; k++) {
        for (enum reduction_type type = 0; type < TYPES; type++) {
            struct reduction what = {.kind = all_kinds[k], .type = type};
            size_t count = COUNT_MAX - (size_t)(draw() % 2000);
            fill(what, values, count);
            struct outcome one = reduce(what, values, count, &alone);
            for (unsigned threads = 2; threads <= 4; threads++) {
                struct team team = {
                    .threads = threads, .schedule = (enum team_schedule)(draw() % 3), .chunk = (size_t)(draw() % 4)};
                struct outcome other = reduce(what, values, count, &team);
                assert_memory_equal(&one, &other, sizeof one);
            }
        }
    }
    free(values);
}

static void ranges_are_whole_blocks_and_cover_everything(void **state) {
    (void)state;
    for (int i = 0; i < 2000; i++) {
        size_t count = i < 20 ? (size_t)i : (size_t)(draw() >> (draw() % 47));
        size_t ranges = reduction_ranges(count);
        assert_in_range(ranges, 1, REDUCTION_RANGES);
        assert_int_equal(reduction_begin(count, 0), 0);
        assert_int_equal(reduction_begin(count, ranges), count);
        for (size_t r = 1; r < ranges; r++) {
            assert_int_equal(reduction_begin(count, r) % REDUCTION_BLOCK, 0);
            assert_true(reduction_begin(count, r) >= reduction_begin(count, r - 1) + 16 * REDUCTION_BLOCK);
            assert_true(reduction_begin(count, r) < count);
        }
        size_t columns = (size_t)(draw() >> (draw() % 47));
        ranges = reduction_row_ranges(count, columns);
        assert_in_range(ranges, 1, REDUCTION_RANGES);
        assert_true(ranges == 1 || ranges * columns <= REDUCTION_ROW_STATES);
        assert_int_equal(reduction_row_begin(count, columns, ranges), count);
        for (size_t r = 1; r < ranges; r++) {
            assert_true(reduction_row_begin(count, columns, r) >= reduction_row_begin(count, columns, r - 1) + 64);
        }
    }
}

static double number_of(enum reduction_kind kind, const double *values, size_t count) {
    struct outcome outcome = reduce((struct reduction){kind, REDUCTION_DOUBLE}, values, count, &alone);
    assert_int_equal(outcome.status, REDUCTION_DONE);
    return outcome.number;
}

static int64_t integer_of(enum reduction_kind kind, const double *values, size_t count) {
    struct outcome outcome = reduce((struct reduction){kind, REDUCTION_DOUBLE}, values, count, &alone);
    assert_int_equal(outcome.status, REDUCTION_DONE);
    return outcome.integer;
}

static void nan_is_the_least_and_the_greatest_wherever_it_stands(void **state) {
    (void)state;
    enum { COUNT = 5000 };
    double values[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = (double)(draw() % 1000);
    }
    for (int i = 0; i < 50; i++) {
        size_t at = (size_t)(draw() % COUNT), later = at + (size_t)(draw() % (COUNT - at));
        double before = values[at], then = values[later];
        values[at] = NAN;
        values[later] = NAN;
        assert_true(isnan(number_of(REDUCTION_MIN, values, COUNT)));
        assert_true(isnan(number_of(REDUCTION_MAX, values, COUNT)));
        assert_int_equal(integer_of(REDUCTION_ARGMIN, values, COUNT), at);
        assert_int_equal(integer_of(REDUCTION_ARGMAX, values, COUNT), at);
        assert_true(isnan(number_of(REDUCTION_SUM, values, COUNT)));
        assert_true(isnan(number_of(REDUCTION_PROD, values, COUNT)));
        assert_true(isnan(number_of(REDUCTION_VAR, values, COUNT)));
        values[later] = then;
        values[at] = before;
    }
}

static void infinities_are_treated_as_numpy_does(void **state) {
    (void)state;
    enum { COUNT = 3000 };
    double values[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = 1 + (double)(i % 3);
    }
    values[2222] = INFINITY;
    assert_true(number_of(REDUCTION_SUM, values, COUNT) == INFINITY);
    assert_true(number_of(REDUCTION_MEAN, values, COUNT) == INFINITY);
    assert_true(number_of(REDUCTION_PROD, values, COUNT) == INFINITY);
    assert_true(number_of(REDUCTION_MAX, values, COUNT) == INFINITY);
    assert_int_equal(integer_of(REDUCTION_ARGMAX, values, COUNT), 2222);
    assert_int_equal(integer_of(REDUCTION_ARGMIN, values, COUNT), 0);
    assert_true(isnan(number_of(REDUCTION_VAR, values, COUNT)));
    values[5] = -INFINITY;
    assert_true(isnan(number_of(REDUCTION_SUM, values, COUNT)));
    assert_true(number_of(REDUCTION_PROD, values, COUNT) == -INFINITY);
    values[17] = 0;
    assert_true(isnan(number_of(REDUCTION_PROD, values, COUNT)));
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = INFINITY;
    }
    assert_true(number_of(REDUCTION_MIN, values, COUNT) == INFINITY);
    assert_int_equal(integer_of(REDUCTION_ARGMIN, values, COUNT), 0);
}

static void nothing_is_reduced_as_numpy_does(void **state) {
    (void)state;
    double none = 0;
    assert_true(number_of(REDUCTION_SUM, &none, 0) == 0);
    assert_true(number_of(REDUCTION_PROD, &none, 0) == 1);
    assert_true(isnan(number_of(REDUCTION_MEAN, &none, 0)));
    assert_true(isnan(number_of(REDUCTION_VAR, &none, 0)));
    assert_true(isnan(number_of(REDUCTION_STD, &none, 0)));
    for (enum reduction_type type = 0; type < TYPES; type++) {
        static const enum reduction_kind empty[] = {REDUCTION_MIN, REDUCTION_MAX, REDUCTION_ARGMIN, REDUCTION_ARGMAX};
        for (size_t k = 0; k < 4; k++) {
            assert_int_equal(reduce((struct reduction){empty[k], type}, &none, 0, &alone).status, REDUCTION_EMPTY);
        }
        assert_int_equal(reduce((struct reduction){REDUCTION_ANY, type}, &none, 0, &alone).boolean, 0);
        assert_int_equal(reduce((struct reduction){REDUCTION_ALL, type}, &none, 0, &alone).boolean, 1);
        assert_int_equal(reduce((struct reduction){REDUCTION_COUNT, type}, &none, 0, &alone).integer, 0);
    }
    assert_int_equal(reduce((struct reduction){REDUCTION_PROD, REDUCTION_INT64}, &none, 0, &alone).integer, 1);
    assert_int_equal(reduce((struct reduction){REDUCTION_PROD, REDUCTION_BOOL}, &none, 0, &alone).integer, 1);
    assert_int_equal(reduce((struct reduction){REDUCTION_SUM, REDUCTION_INT64}, &none, 0, &alone).integer, 0);
}

static void assert_integers(enum reduction_kind kind, const int64_t *values, size_t count, enum reduction_status status,
                            int64_t expected) {
    struct outcome got = reduce((struct reduction){kind, REDUCTION_INT64}, values, count, &alone);
    assert_int_equal(got.status, status);
    if (status == REDUCTION_DONE) {
        assert_true(got.integer == expected);
    }
}

static void an_integer_overflows_if_and_only_if_the_result_does(void **state) {
    (void)state;
    const int64_t most = INT64_MAX, least = INT64_MIN;
    assert_integers(REDUCTION_SUM, (int64_t[]){most, 1, -1}, 3, REDUCTION_DONE, most);
    assert_integers(REDUCTION_SUM, (int64_t[]){most, most, least, least, 2}, 5, REDUCTION_DONE, 0);
    assert_integers(REDUCTION_SUM, (int64_t[]){most, 1}, 2, REDUCTION_OVERFLOW, 0);
    assert_integers(REDUCTION_SUM, (int64_t[]){least, -1}, 2, REDUCTION_OVERFLOW, 0);
    assert_integers(REDUCTION_SUM, (int64_t[]){least}, 1, REDUCTION_DONE, least);
    assert_integers(REDUCTION_PROD, (int64_t[]){INT64_C(1) << 62, 2, -1}, 3, REDUCTION_DONE, least);
    assert_integers(REDUCTION_PROD, (int64_t[]){INT64_C(1) << 62, 2}, 2, REDUCTION_OVERFLOW, 0);
    assert_integers(REDUCTION_PROD, (int64_t[]){least, -1}, 2, REDUCTION_OVERFLOW, 0);
    assert_integers(REDUCTION_PROD, (int64_t[]){least, least, 0, 7}, 4, REDUCTION_DONE, 0);
    assert_integers(REDUCTION_PROD, (int64_t[]){0, least, least}, 3, REDUCTION_DONE, 0);
    assert_integers(REDUCTION_PROD, (int64_t[]){-3, 5, 7}, 3, REDUCTION_DONE, -105);
    enum { COUNT = 20000 };
    int64_t *many = new_values(COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        many[i] = i % 2 ? most : -most;
    }
    assert_integers(REDUCTION_SUM, many, COUNT, REDUCTION_DONE, 0);
    assert_integers(REDUCTION_SUM, many, COUNT - 1, REDUCTION_DONE, -most);
    for (size_t i = 0; i < COUNT; i++) {
        many[i] = i % 5000 ? 1 : 1 << 15;
    }
    assert_integers(REDUCTION_PROD, many, COUNT, REDUCTION_DONE, INT64_C(1) << 60);
    many[COUNT - 1] = 8;
    assert_integers(REDUCTION_PROD, many, COUNT, REDUCTION_OVERFLOW, 0);
    many[9999] = 0;
    assert_integers(REDUCTION_PROD, many, COUNT, REDUCTION_DONE, 0);
    struct reduction mean = {REDUCTION_MEAN, REDUCTION_INT64};
    assert_true(reduce(mean, (int64_t[]){-1, -2}, 2, &alone).number == -1.5);
    assert_true(reduce(mean, (int64_t[]){most, most}, 2, &alone).number == 0x1p63);
    assert_true(reduce(mean, (int64_t[]){least, least}, 2, &alone).number == -0x1p63);
    free(many);
}

static void variance_doesnt_suffer_from_large_means(void **state) {
    (void)state;
    static const double means[] = {0, 1, -1e3, 1e8, -1e12, 1e15, 0x1p52};
    double *values = new_values(50000);
    for (size_t m = 0; m < sizeof means / sizeof *means; m++) {
        for (size_t i = 0; i < 50000; i++) {
            values[i] = means[m] + (double)(draw() % 1000) / (m < 4 ? 1000 : 1);
        }
        struct reduction what = {REDUCTION_VAR, REDUCTION_DOUBLE};
        assert_outcome(what, reduce(what, values, 50000, &alone), values, 50000, 1);
    }
    for (size_t i = 0; i < 50000; i++) {
        values[i] = i < 25000 ? 1e300 : 1.7e308;
    }
    assert_true(number_of(REDUCTION_VAR, values, 20000) == 0);
    assert_true(number_of(REDUCTION_VAR, values, 50000) == INFINITY);
    static const double equal[] = {0.1, 1e-300, 12345.678e200, -1.0 / 3};
    for (size_t e = 0; e < sizeof equal / sizeof *equal; e++) {
        for (size_t i = 0; i < 50000; i++) {
            values[i] = equal[e];
        }
        assert_true(number_of(REDUCTION_VAR, values, 50000) == 0);
        assert_true(number_of(REDUCTION_STD, values, 1 + (size_t)(draw() % 5000)) == 0);
    }
    free(values);
}

static void variance_doesnt_suffer_from_changing_means(void **state) {
    (void)state;
    const struct reduction var = {REDUCTION_VAR, REDUCTION_DOUBLE};
    double *values = new_values(40000);
    for (int way = 0; way < 2; way++) {
        for (size_t i = 0; i < 40000; i++) {
            values[i] = (double)(draw() % 1000) / 1000 + (way == 0 ? 1e6 * (double)(i / 1024) : i < 3000 ? 1e15 : 0);
        }
        assert_outcome(var, reduce(var, values, 40000, &alone), values, 40000, 1);
    }
    free(values);
}

static void products_come_back_from_beyond_all_numbers(void **state) {
    (void)state;
    enum { COUNT = 4096 };
    double values[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = i < COUNT / 2 ? 1e300 : 1e-300;
    }
    assert_true(fabs(number_of(REDUCTION_PROD, values, COUNT) - 1) < 1e-12);
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = i % 2 ? 0x1p-1074 : 0x1p1000 * (i % 4 == 0 ? 1 : -0x1p-2);
    }
    assert_true(number_of(REDUCTION_PROD, values, 2) == 0x1p-74);
    assert_true(number_of(REDUCTION_PROD, values, 4) == -0x1p-150);
    values[100] = -0.0;
    assert_true(number_of(REDUCTION_PROD, values, COUNT) == 0);
    assert_true(number_of(REDUCTION_PROD, values, 1) == 0x1p1000);
    values[1] = 0x1p50;
    assert_true(number_of(REDUCTION_PROD, values, 2) == INFINITY);
}

/* Columns, their rows given in random splits and ranges. */
static void reduce_columns(struct reduction what, const char *values, size_t rows, size_t width, size_t ranges,
                           struct reduction_state *states) {
    static double memory[REDUCTION_COLUMNS_BYTES / sizeof(double)];
    size_t row_bytes = width * size_of(what.type);
    memset(states, 0, width * sizeof *states);
    for (size_t r = 0; r < ranges; r++) {
        struct reduction_columns columns;
        reduction_columns_init(&columns, what, width, memory);
        size_t end = rows * (r + 1) / ranges;
        for (size_t i = rows * r / ranges, some; i < end; i += some) {
            some = 1 + (size_t)(draw() % (draw() % 2 ? 2 : 3000));
            some = end - i < some ? end - i : some;
            reduction_columns_add(&columns, values + i * row_bytes, some);
        }
        for (size_t c = 0; c < width; c++) {
            struct reduction_state next = reduction_columns_state(&columns, c);
            reduction_merge(what, &states[c], &next);
        }
    }
}

static void columns_are_the_references_however_their_rows_come(void **state) {
    (void)state;
    static const size_t widths[] = {1, 2, 3, 7, 64, 341, 513, 1024};
    static struct reduction_state states[REDUCTION_BLOCK], others[REDUCTION_BLOCK];
    double *values = new_values(20000);
    for (size_t k = 0; k < (size_t)KINDS * TYPES * 8; k++) {
        struct reduction what = {all_kinds[k / 8 % KINDS], (enum reduction_type)(k / 8 / KINDS)};
        size_t width = widths[k % 8], rows = (size_t)(draw() % (20000 / width + 1)), ranges = 1 + (size_t)(draw() % 3);
        fill(what, values, rows * width);
        reduce_columns(what, (const char *)values, rows, width, ranges, states);
        reduce_columns(what, (const char *)values, rows, width, ranges, others);
        for (size_t c = 0; c < width; c++) {
            struct outcome one = close_state(what, &states[c]), other = close_state(what, &others[c]);
            assert_memory_equal(&one, &other, sizeof one);
            assert_outcome(what, one, (const char *)values + c * size_of(what.type), rows, width);
        }
    }
    free(values);
}

static void columns_know_nan_and_large_means(void **state) {
    (void)state;
    enum { ROWS = 3000, WIDTH = 3 };
    static struct reduction_state states[REDUCTION_BLOCK];
    double *values = new_values(ROWS * WIDTH);
    for (size_t i = 0; i < ROWS * WIDTH; i++) {
        values[i] = 1e15 + (double)(draw() % 100);
    }
    struct reduction var = {REDUCTION_VAR, REDUCTION_DOUBLE}, first = {REDUCTION_ARGMIN, REDUCTION_DOUBLE};
    reduce_columns(var, (const char *)values, ROWS, WIDTH, 2, states);
    for (size_t c = 0; c < WIDTH; c++) {
        assert_outcome(var, close_state(var, &states[c]), values + c, ROWS, WIDTH);
    }
    values[1234 * WIDTH + 1] = NAN;
    values[1233 * WIDTH + 2] = NAN;
    values[2345 * WIDTH + 1] = NAN;
    reduce_columns(first, (const char *)values, ROWS, WIDTH, 2, states);
    assert_int_equal(close_state(first, &states[1]).integer, 1234);
    assert_int_equal(close_state(first, &states[2]).integer, 1233);
    free(values);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_and_type_is_the_references_within_its_bound),
        cmocka_unit_test(bits_are_the_same_for_any_team),
        cmocka_unit_test(ranges_are_whole_blocks_and_cover_everything),
        cmocka_unit_test(nan_is_the_least_and_the_greatest_wherever_it_stands),
        cmocka_unit_test(infinities_are_treated_as_numpy_does),
        cmocka_unit_test(nothing_is_reduced_as_numpy_does),
        cmocka_unit_test(an_integer_overflows_if_and_only_if_the_result_does),
        cmocka_unit_test(variance_doesnt_suffer_from_large_means),
        cmocka_unit_test(variance_doesnt_suffer_from_changing_means),
        cmocka_unit_test(products_come_back_from_beyond_all_numbers),
        cmocka_unit_test(columns_are_the_references_however_their_rows_come),
        cmocka_unit_test(columns_know_nan_and_large_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is tested of the Gaussian sum, for one type of number: the body of gaussian_sum_test.c and
 * gaussian_float_sum_test.c, which define REAL, POINTS, SUM, SUM_SIMPLE and the bound of gaussian_sum.h (for the gamma
 * as it is given):
 *
 *   UNIT            the unit of rounding
 *   BASE, SLOPE     relative error of a term: (BASE + 4 d + (d + SLOPE) |a|) UNIT
 *   LEAST           of each weight in addition
 *   SPECIAL         numbers strewn into the points
 *   TINY, HUGE_ONE  subnormal; its square overflows */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One element of the team's range, in terms. */
#define RANGE ((size_t)GAUSSIAN_SUM_RANGE)

static const struct progress nothing_watched = {0};
static const struct team alone = {.threads = 1};

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static REAL uniform(double low, double high) {
    return (REAL)(low + (high - low) * ((double)(next_random() >> 11) * 0x1p-53));
}

struct problem {
    POINTS x, y;
    size_t dimensions;
    REAL gamma;
    REAL *weights;
};

/* Memory of exactly that size, so that AddressSanitizer sees each step beyond it. */
static REAL *random_numbers(size_t count, double range) {
    REAL *values = malloc(count * sizeof *values + (count == 0));
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) {
        values[i] = uniform(-range, range);
    }
    return values;
}

static struct problem make_problem(size_t n, size_t m, size_t dimensions, REAL gamma) {
    return (struct problem){.x = {random_numbers(n * dimensions, 1), n},
                            .y = {random_numbers(m * dimensions, 1), m},
                            .dimensions = dimensions,
                            .gamma = gamma,
                            .weights = random_numbers(m, 1)};
}

static void free_problem(struct problem problem) {
    free((void *)problem.x.values);
    free((void *)problem.y.values);
    free(problem.weights);
}

static enum kernel_status try_sum(const struct problem *problem, REAL *s, const struct team *team,
                                  const struct progress *progress) {
    size_t m = problem->y.values ? problem->y.count : problem->x.count;
    size_t bytes = gaussian_sum_scratch_bytes(problem->x.count, m, problem->dimensions);
    void *scratch = NULL;
    assert_int_equal(posix_memalign(&scratch, 64, bytes + (bytes == 0)), 0);
    memset(scratch, 0xff, bytes); /* NaN */
    enum kernel_status status =
        SUM(problem->x, problem->y, problem->dimensions, problem->gamma, problem->weights, s, scratch, team, progress);
    free(scratch);
    return status;
}

static void run_sum(const struct problem *problem, REAL *s, const struct team *team) {
    assert_int_equal(try_sum(problem, s, team, &nothing_watched), KERNEL_DONE);
}

/* The sum for x i in long double, and how far from it the header allows. */
static long double exact_sum(const struct problem *problem, size_t i, long double *allowed) {
    long double sum = 0;
    size_t dimensions = problem->dimensions;
    POINTS y = problem->y.values ? problem->y : problem->x;
    *allowed = 0;
    for (size_t j = 0; j < y.count; j++) {
        long double square = 0, weight = problem->weights ? problem->weights[j] : 1;
        for (size_t k = 0; k < dimensions; k++) {
            long double difference =
                (long double)problem->x.values[i * dimensions + k] - (long double)y.values[j * dimensions + k];
            square += difference * difference;
        }
        long double a = -(long double)problem->gamma * square, term = weight * expl(a);
        long double width = (long double)dimensions;
        sum += term;
        *allowed += fabsl(term) * (BASE + 4 * width + (width + SLOPE) * fabsl(a)) * UNIT + fabsl(weight) * LEAST;
    }
    return sum;
}

static void expect_sums_within_bound(const struct problem *problem, const REAL *s) {
    for (size_t i = 0; i < problem->x.count; i++) {
        long double allowed, exact = exact_sum(problem, i, &allowed);
        if (!(fabsl((long double)s[i] - exact) <= allowed)) {
            fail_msg("n %zu m %zu d %zu gamma %a, sum %zu: got %a, want %La, off by %Lg, allowed %Lg", problem->x.count,
                     problem->y.count, problem->dimensions, (double)problem->gamma, i, (double)s[i], exact,
                     (long double)s[i] - exact, allowed);
        }
    }
}

static void check_problem(const struct problem *problem) {
    REAL *s = random_numbers(problem->x.count, 1);
    run_sum(problem, s, &alone);
    expect_sums_within_bound(problem, s);
    free(s);
}

static void expect_same_bits(const REAL *left, const REAL *right, size_t count, struct team team) {
    for (size_t i = 0; i < count; i++) {
        if (memcmp(left + i, right + i, sizeof *left) != 0) {
            fail_msg("sum %zu of %zu: %a is not %a with %u threads, schedule %d, chunk %zu", i, count, (double)left[i],
                     (double)right[i], team.threads, (int)team.schedule, team.chunk);
        }
    }
}

static void sums_of_any_shape_stay_within_the_promised_error(void **state) {
    (void)state;
    static const size_t ms[] = {1, 2, 15, 16, 17, 31, 32, 33, 63, 65, 511, 512, 513, 1023, 1025, 1601};
    static const size_t dimensions[] = {0, 1, 2, 3, 4, 5, 7, 16, 61};
    for (size_t d = 0; d < sizeof dimensions / sizeof *dimensions; d++) {
        for (size_t m = 0; m < sizeof ms / sizeof *ms; m++) {
            struct problem problem = make_problem(next_random() % 20, ms[m], dimensions[d], (REAL)(m % 3 ? 0.3 : 40.0));
            check_problem(&problem);
            free_problem(problem);
        }
    }
}

static void sums_over_several_ranges_stay_within_the_promised_error(void **state) {
    (void)state;
    static const size_t ms[] = {RANGE - 1, RANGE, RANGE + 1, 3 * RANGE + 77};
    for (size_t m = 0; m < sizeof ms / sizeof *ms; m++) {
        for (size_t d = 1; d < 7; d += 2) {
            struct problem problem = make_problem(3, ms[m], d, (REAL)0.5);
            check_problem(&problem);
            free_problem(problem);
        }
    }
}

static void without_y_x_meets_itself_and_without_weights_they_are_ones(void **state) {
    (void)state;
    struct problem problem = make_problem(333, 333, 3, 2);
    struct problem itself = problem, ones = problem;
    REAL s[333], same[333];
    memcpy((void *)problem.y.values, problem.x.values, 333 * 3 * sizeof(REAL));
    itself.y = (POINTS){0};
    run_sum(&problem, s, &alone);
    run_sum(&itself, same, &alone);
    expect_same_bits(same, s, 333, alone);
    expect_sums_within_bound(&itself, same);
    ones.weights = NULL;
    for (size_t j = 0; j < 333; j++) {
        problem.weights[j] = 1;
    }
    run_sum(&problem, s, &alone);
    run_sum(&ones, same, &alone);
    expect_same_bits(same, s, 333, alone);
    expect_sums_within_bound(&ones, same);
    free_problem(problem);
}

static void sums_over_nothing_are_zero(void **state) {
    (void)state;
    struct problem problem = make_problem(20, 0, 3, 1);
    REAL s[20];
    memset(s, 0xff, sizeof s);
    run_sum(&problem, s, &alone);
    for (size_t i = 0; i < 20; i++) {
        assert_true(s[i] == 0);
    }
    free_problem(problem);
    problem = make_problem(0, 20, 3, 1);
    run_sum(&problem, s, &alone);
    free_problem(problem);
}

/* Weights of changing sign that cancel but for a trifle, from very small to very large. */
static void ill_conditioned_weights_cost_no_more_than_promised(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct problem problem = make_problem(5, 5000, 3, (REAL)0.01);
        for (size_t j = 0; j < 5000; j++) {
            REAL size = kind < 2 ? 1 : kind == 2 ? (REAL)ldexp(1, (int)(next_random() % 160) - 80) : HUGE_ONE;
            problem.weights[j] = (REAL)((j % 2 ? -1 : 1) * (kind == 1 ? 1 + (double)j : 1)) * size;
        }
        if (kind == 3) { /* the sums themselves must not overflow, their terms may come near */
            for (size_t j = 0; j < 5000; j++) {
                problem.weights[j] *= (REAL)1e-3;
            }
        }
        check_problem(&problem);
        free_problem(problem);
    }
}

static void extreme_gammas_and_points_stay_within_the_promised_error(void **state) {
    (void)state;
    static const REAL gammas[] = {0, GAMMAS};
    for (size_t g = 0; g < sizeof gammas / sizeof *gammas; g++) {
        struct problem problem = make_problem(7, 700, 3, gammas[g]);
        memcpy((void *)problem.y.values, problem.x.values, 7 * 3 * sizeof(REAL)); /* distances of 0 */
        check_problem(&problem);
        REAL *y = (REAL *)problem.y.values;
        double furthest = sqrt((double)LARGEST) / 4;
        for (size_t k = 0; k < 2100; k++) { /* exponentials all along the way to 0 */
            double distance = sqrt((double)k / 2 / (double)(gammas[g] > 0 ? gammas[g] : 1));
            y[k] = problem.x.values[k % 3] + (REAL)(distance < furthest ? distance : furthest);
        }
        check_problem(&problem);
        for (size_t k = 0; k < 2100; k++) {
            y[k] *= TINY;
        }
        check_problem(&problem);
        free_problem(problem);
    }
}

static REAL one(REAL x, REAL y, REAL gamma, REAL weight) {
    struct problem problem = {.x = {&x, 1}, .y = {&y, 1}, .dimensions = 1, .gamma = gamma, .weights = &weight};
    REAL s = -1;
    run_sum(&problem, &s, &alone);
    return s;
}

static void special_values_follow_the_formula(void **state) {
    (void)state;
    const REAL infinite = (REAL)INFINITY, unknown = (REAL)NAN;
    assert_true(isnan(one(unknown, 1, 1, 1)));
    assert_true(isnan(one(1, unknown, 1, 0)));
    assert_true(isnan(one(1, 1, 1, unknown)));
    assert_true(isnan(one(infinite, infinite, 1, 1)));
    assert_true(isnan(one(infinite, 1, 0, 1)));
    assert_true(isnan(one(HUGE_ONE, -HUGE_ONE, 0, 1)));
    assert_true(isnan(one(infinite, 1, 1, infinite)));
    struct {
        REAL x, y, gamma, weight, sum;
    } cases[] = {
        {infinite, 1, 1, 2, 0},        {HUGE_ONE, -HUGE_ONE, 1, 2, 0},
        {HUGE_ONE, HUGE_ONE, 1, 2, 2}, {3, 3, LARGEST, 5, 5},
        {3, 4, LARGEST, 5, 0},         {3, 9, 0, 5, 5},
        {3, 9, TINY, -5, -5},          {TINY, 0, 1, LARGEST, LARGEST},
        {1, 1, 1, infinite, infinite}, {1, 1, 1, -infinite, -infinite},
        {1, 1, 1, TINY, TINY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        REAL sum = one(cases[i].x, cases[i].y, cases[i].gamma, cases[i].weight);
        if (sum != cases[i].sum) {
            fail_msg("case %zu: got %a, want %a", i, (double)sum, (double)cases[i].sum);
        }
    }
}

/* Every x alone gets the bits it gets in company, with any team. Special numbers included. */
static void bits_do_not_depend_on_team_schedule_chunk_or_the_other_points(void **state) {
    (void)state;
    static const size_t shapes[][3] = {{1, 1, 1},      {1, 2 * RANGE + 5, 1}, {2, RANGE + 700, 3},
                                       {37, 700, 3},   {45, 33, 2},           {50, 17, 5},
                                       {18, 1100, 65}, {101, 1, 4},           {3, 40, 700}};
    static const size_t chunks[] = {0, 1, 7, 1000};
    static const REAL special[] = {SPECIAL};
    for (size_t shape = 0; shape < sizeof shapes / sizeof *shapes; shape++) {
        size_t n = shapes[shape][0], d = shapes[shape][2];
        struct problem problem = make_problem(n, shapes[shape][1], d, (REAL)0.5);
        REAL *x = (REAL *)problem.x.values, *expected = random_numbers(n, 1), *s = random_numbers(n, 1);
        for (size_t k = 0; k < n * d; k++) {
            if (next_random() % 7 == 0) {
                x[k] = special[next_random() % (sizeof special / sizeof *special)];
            }
        }
        for (size_t i = 0; i < n; i++) {
            struct problem single = problem;
            single.x = (POINTS){x + i * d, 1};
            run_sum(&single, expected + i, &alone);
        }
        for (unsigned threads = 1; threads <= 16; threads++) {
            for (int run = 0; run < 12; run++) {
                struct team team = {
                    .threads = threads, .schedule = (enum team_schedule)(run % 3), .chunk = chunks[run / 3]};
                run_sum(&problem, s, &team);
                expect_same_bits(s, expected, n, team);
            }
        }
        free(expected);
        free(s);
        free_problem(problem);
    }
}

/* More of them than partial sums are kept of. */
static void many_points_are_summed_like_few(void **state) {
    (void)state;
    enum { MANY = 270011 };
    struct problem problem = make_problem(MANY, 3, 1, 1);
    REAL *s = random_numbers(MANY, 1), alone_sum;
    struct team team = {.threads = 3, .schedule = TEAM_DYNAMIC};
    run_sum(&problem, s, &team);
    for (size_t i = 0; i < MANY; i += 1 + next_random() % 999) {
        struct problem single = problem;
        single.x = (POINTS){problem.x.values + i, 1};
        run_sum(&single, &alone_sum, &alone);
        expect_same_bits(s + i, &alone_sum, 1, team);
    }
    free(s);
    free_problem(problem);
}

static void agrees_with_the_simple_version(void **state) {
    (void)state;
    struct problem problem = make_problem(40, 900, 3, 1);
    REAL simple[40];
    SUM_SIMPLE(problem.x, problem.y, 3, problem.gamma, problem.weights, simple);
    expect_sums_within_bound(&problem, simple); /* 900 additions from left to right err less than that here */
    free_problem(problem);
}

static void progress_counts_points_per_range(void **state) {
    (void)state;
    struct problem problem = make_problem(29, 2 * RANGE + 1, 2, 1);
    REAL s[29];
    for (unsigned threads = 1; threads < 4; threads++) {
        atomic_uint_fast64_t done = 0;
        struct progress progress = {.done = &done};
        struct team team = {.threads = threads};
        assert_int_equal(try_sum(&problem, s, &team, &progress), KERNEL_DONE);
        assert_int_equal(done, 29 * 3);
    }
    free_problem(problem);
}

static void a_set_flag_cancels(void **state) {
    (void)state;
    struct problem problem = make_problem(64, 200, 2, 1);
    REAL s[64] = {0};
    atomic_bool cancel = true;
    struct progress progress = {.cancel = &cancel};
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct team team = {.threads = threads};
        assert_int_equal(try_sum(&problem, s, &team, &progress), KERNEL_CANCELLED);
    }
    free_problem(problem);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(sums_of_any_shape_stay_within_the_promised_error),
    cmocka_unit_test(sums_over_several_ranges_stay_within_the_promised_error),
    cmocka_unit_test(without_y_x_meets_itself_and_without_weights_they_are_ones),
    cmocka_unit_test(sums_over_nothing_are_zero),
    cmocka_unit_test(ill_conditioned_weights_cost_no_more_than_promised),
    cmocka_unit_test(extreme_gammas_and_points_stay_within_the_promised_error),
    cmocka_unit_test(special_values_follow_the_formula),
    cmocka_unit_test(bits_do_not_depend_on_team_schedule_chunk_or_the_other_points),
    cmocka_unit_test(many_points_are_summed_like_few),
    cmocka_unit_test(agrees_with_the_simple_version),
    cmocka_unit_test(progress_counts_points_per_range),
    cmocka_unit_test(a_set_flag_cancels),
};

/* ctest: threads */
#include "server/engine/metrics.h"

#include "server/system/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUTES = 3, BLOCKS = 3, ROUNDS = 20000, LINE = 64 };

static const uint64_t edges_ns[] = {
#define X(edge_ns, name) UINT64_C(edge_ns),
    METRICS_DURATIONS(X)
#undef X
};

static const char *const edge_names[] = {
#define X(edge_ns, name) name,
    METRICS_DURATIONS(X)
#undef X
};

static void count(struct metrics_block *block, size_t route, unsigned status, const struct times *times) {
    const struct metrics_request request = {.route = route, .status = status, .id = "a", .times = times};
    metrics_count_request(block, &request);
}

static void edges_are_what_they_are_called_and_about_double(void **state) {
    (void)state;
    for (size_t i = 0; i < METRICS_EDGES; i++) {
        assert_true(strtod(edge_names[i], NULL) * 1e9 == (double)edges_ns[i]);
        if (i > 0) {
            double factor = (double)edges_ns[i] / (double)edges_ns[i - 1];
            assert_true(factor >= 2 && factor <= 3);
        }
    }
}

static void a_duration_is_in_the_bucket_whose_bound_it_does_not_pass(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new(ROUTES, 1);
    struct metrics_block *block = metrics_take_block(metrics);
    uint64_t expected_sum = 0;
    for (size_t i = 0; i < METRICS_EDGES; i++) {
        for (int past = -1; past <= 1; past++) {
            struct metrics_histogram before, after;
            const struct times times = {.decode = edges_ns[i] + (uint64_t)(int64_t)past};
            metrics_durations(metrics, 1, METRICS_DECODE, &before);
            count(block, 1, 200, &times);
            metrics_durations(metrics, 1, METRICS_DECODE, &after);
            expected_sum += times.decode;
            assert_int_equal(after.sum, expected_sum);
            for (size_t bucket = 0; bucket < METRICS_BUCKETS; bucket++) {
                size_t wanted = past > 0 ? i + 1 : i;
                assert_int_equal(after.buckets[bucket] - before.buckets[bucket], bucket == wanted);
            }
        }
    }
    const struct times longest = {.decode = UINT64_MAX / 2};
    struct metrics_histogram durations;
    count(block, 1, 200, &longest);
    metrics_durations(metrics, 1, METRICS_DECODE, &durations);
    assert_int_equal(durations.buckets[METRICS_BUCKETS - 1], 2); /* and a nanosecond more than the last bound */
    metrics_free(metrics);
}

static void each_phase_has_its_own_durations(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new(ROUTES, 1);
    const struct times times = {.receive = 1, .queue = 2, .decode = 3, .compute = 4, .encode = 5, .total = 7, .cpu = 8};
    const struct metrics_request request = {.route = 0, .status = 200, .id = "a", .times = &times, .send_ns = 6};
    metrics_count_request(metrics_take_block(metrics), &request);
    for (unsigned phase = 0; phase < METRICS_PHASES; phase++) {
        struct metrics_histogram durations;
        metrics_durations(metrics, 0, (enum metrics_phase)phase, &durations);
        assert_int_equal(durations.sum, phase + 1);
        assert_int_equal(durations.buckets[0], 1);
    }
    assert_int_equal(metrics_amount(metrics, 0, METRICS_CPU_NS), 8);
    metrics_free(metrics);
}

static unsigned place_of(unsigned status) {
    unsigned place = 1;
    while (place < metrics_code_count() && metrics_code(place) != status) {
        place++;
    }
    return place < metrics_code_count() ? place : 0;
}

static void every_status_that_is_answered_has_its_place(void **state) {
    (void)state;
    static const unsigned others[] = {200, 201, 202, 204, 206, 304};
    for (int kind = PROBLEM_NONE + 1; kind < PROBLEM_KIND_COUNT; kind++) {
        if (place_of(problem_status((enum problem_kind)kind)) == 0) {
            fail_msg("%u has no place", problem_status((enum problem_kind)kind));
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_not_equal(place_of(others[i]), 0);
    }
    assert_int_equal(metrics_code(0), 0);
}

static void requests_are_counted_by_path_method_and_status(void **state) {
    (void)state;
    static const unsigned strange[] = {0, 100, 199, 418, 599, 600, 70000};
    struct metrics *metrics = metrics_new(ROUTES, 1);
    struct metrics_block *block = metrics_take_block(metrics);
    const struct times times = {0};
    for (size_t route = 0; route <= ROUTES; route++) {
        for (unsigned method = 0; method < METRICS_METHODS; method++) {
            for (unsigned place = 1; place < metrics_code_count(); place++) {
                const struct metrics_request request = {
                    .route = route, .method = method, .status = metrics_code(place), .id = "a", .times = &times};
                assert_int_equal(metrics_requests(metrics, route, method, place), 0);
                metrics_count_request(block, &request);
                assert_int_equal(metrics_requests(metrics, route, method, place), 1);
            }
        }
    }
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        count(block, ROUTES, strange[i], &times);
        assert_int_equal(metrics_requests(metrics, ROUTES, 0, 0), i + 1);
    }
    assert_string_equal(metrics_method(METRICS_OTHER_METHOD), "other");
    metrics_free(metrics);
}

static void widths_are_in_buckets_up_to_powers_of_two(void **state) {
    (void)state;
    static const struct {
        unsigned threads;
        unsigned bucket;
    } cases[] = {{1, 0}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {8, 3}, {9, 4}, {512, 9}, {513, 10}, {1024, 10}, {1025, 11}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct metrics *metrics = metrics_new(ROUTES, 1);
        struct metrics_histogram granted, requested;
        const struct answer_threads threads = {.requested = 1, .granted = cases[i].threads};
        metrics_count_job(metrics_take_block(metrics), 0, 1, &threads);
        metrics_threads(metrics, METRICS_GRANTED, &granted);
        metrics_threads(metrics, METRICS_REQUESTED, &requested);
        assert_int_equal(granted.buckets[cases[i].bucket], 1);
        assert_int_equal(granted.sum, cases[i].threads);
        assert_int_equal(requested.buckets[0], 1);
        metrics_free(metrics);
    }
}

static void threads_are_counted_where_some_were_granted_or_named(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new(ROUTES, 1);
    struct metrics_block *block = metrics_take_block(metrics);
    struct metrics_histogram granted, requested;
    const struct answer_threads never = {.requested = 4}, unnamed = {.granted = 2};
    metrics_count_job(block, 0, 5, &never);
    metrics_count_job(block, 0, 6, &unnamed);
    metrics_threads(metrics, METRICS_GRANTED, &granted);
    metrics_threads(metrics, METRICS_REQUESTED, &requested);
    assert_int_equal(granted.sum, 2);
    assert_int_equal(requested.sum, 0);
    assert_int_equal(requested.buckets[0], 0);
    assert_int_equal(metrics_amount(metrics, 0, METRICS_CPU_NS), 11);
    metrics_free(metrics);
}

static void blocks_are_added_up_and_share_no_line(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new(ROUTES, BLOCKS);
    struct metrics_block *blocks[BLOCKS];
    const struct times times = {.total = 10, .cpu = 3};
    static const unsigned states[METRICS_STATES] = {1, 2, 3, 4, 5, 6, 7};
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = metrics_take_block(metrics);
        assert_int_equal((uintptr_t)blocks[i] % LINE, 0);
        const struct metrics_request request = {.route = 2,
                                                .status = 503,
                                                .problem = PROBLEM_OVERLOADED,
                                                .id = "a",
                                                .times = &times,
                                                .received_bytes = 100,
                                                .sent_bytes = 1000};
        metrics_count_request(blocks[i], &request);
        metrics_count_cancellation(blocks[i], METRICS_DEADLINE);
        metrics_set_connections(blocks[i], states);
    }
    assert_null(metrics_take_block(metrics));
    assert_int_equal(metrics_problems(metrics, PROBLEM_OVERLOADED), BLOCKS);
    assert_int_equal(metrics_problems(metrics, PROBLEM_NOT_FOUND), 0);
    assert_int_equal(metrics_cancellations(metrics, METRICS_DEADLINE), BLOCKS);
    assert_int_equal(metrics_cancellations(metrics, METRICS_CLIENT_GONE), 0);
    assert_int_equal(metrics_connections(metrics, 6), 7 * BLOCKS);
    assert_int_equal(metrics_amount(metrics, 2, METRICS_CPU_NS), 3 * BLOCKS);
    assert_int_equal(metrics_amount(metrics, 2, METRICS_RECEIVED_BYTES), 100 * BLOCKS);
    assert_int_equal(metrics_amount(metrics, 2, METRICS_SENT_BYTES), 1000 * BLOCKS);
    assert_int_equal(metrics_requests(metrics, 2, 0, place_of(503)), BLOCKS);
    metrics_free(metrics);
}

static void without_a_block_nothing_is_counted(void **state) {
    (void)state;
    static const unsigned states[METRICS_STATES] = {0};
    const struct answer_threads threads = {0};
    const struct times times = {0};
    assert_null(metrics_take_block(NULL));
    count(NULL, 0, 200, &times);
    metrics_count_job(NULL, 0, 0, &threads);
    metrics_count_cancellation(NULL, METRICS_DEADLINE);
    metrics_set_connections(NULL, states);
    metrics_count_commit(NULL, 1);
    metrics_free(NULL);
}

static void commits_are_counted(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new(ROUTES, 1);
    struct metrics_histogram commits;
    metrics_count_commit(metrics, 1000000);
    metrics_count_commit(metrics, 1000001);
    metrics_commits(metrics, &commits);
    assert_int_equal(commits.sum, 2000001);
    assert_int_equal(commits.buckets[4], 1);
    assert_int_equal(commits.buckets[5], 1);
    metrics_free(metrics);
}

static void note(struct metrics_block *block, const char *id, uint64_t total_ns, uint64_t now_ns) {
    const struct times times = {.total = total_ns};
    const struct metrics_request request = {
        .status = 200, .problem = PROBLEM_CLIENT_GONE, .id = id, .times = &times, .now_ns = now_ns, .sent_bytes = 1};
    metrics_count_request(block, &request);
}

static void the_latest_exemplar_is_shown_and_changes_once_a_second(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new(ROUTES, 2);
    struct metrics_block *first = metrics_take_block(metrics), *second = metrics_take_block(metrics);
    struct metrics_exemplar seen;
    char longest[ORDER_ID_MAX + 1];
    memset(longest, 'x', ORDER_ID_MAX);
    longest[ORDER_ID_MAX] = '\0';
    assert_false(metrics_exemplar(metrics, 0, 0, &seen));
    note(first, "one", 10, 5);
    note(first, "two", 20, NS_PER_S + 4);
    assert_true(metrics_exemplar(metrics, 0, 0, &seen));
    assert_string_equal(seen.id, "one");
    assert_int_equal(seen.total_ns, 10);
    assert_int_equal(seen.at_ns, 5);
    note(first, "three", 30, NS_PER_S + 5);
    assert_true(metrics_exemplar(metrics, 0, 0, &seen));
    assert_string_equal(seen.id, "three");
    note(second, longest, 40, NS_PER_S + 4);
    assert_true(metrics_exemplar(metrics, 0, 0, &seen));
    assert_string_equal(seen.id, "three");
    note(second, longest, 50, 3 * NS_PER_S);
    assert_true(metrics_exemplar(metrics, 0, 0, &seen));
    assert_string_equal(seen.id, longest);
    assert_int_equal(seen.total_ns, 50);
    assert_false(metrics_exemplar(metrics, 0, 1, &seen));
    note(second, "long", 50001, 3 * NS_PER_S);
    assert_true(metrics_exemplar(metrics, 0, 1, &seen));
    assert_string_equal(seen.id, "long");
    metrics_free(metrics);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

static struct metrics *shared;

/* The id of an exemplar is one letter throughout, which its duration says as well. */
static void *count_much(void *unused) {
    (void)unused;
    struct metrics_block *block = metrics_take_block(shared);
    for (unsigned i = 0; i < ROUNDS; i++) {
        char id[ORDER_ID_MAX + 1] = "";
        memset(id, 'a' + (int)(i % 26), ORDER_ID_MAX);
        note(block, id, i % 26, i * NS_PER_S);
    }
    return NULL;
}

static void a_reader_sees_whole_numbers_whole_exemplars_and_whole_requests(void **state) {
    (void)state;
    pthread_t threads[BLOCKS];
    shared = metrics_new(ROUTES, BLOCKS);
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_much, NULL), 0);
    }
    uint64_t seen = 0;
    while (seen < (uint64_t)BLOCKS * ROUNDS) {
        struct metrics_exemplar exemplar;
        uint64_t now = metrics_requests(shared, 0, 0, place_of(200));
        assert_true(now >= seen);
        assert_true(metrics_problems(shared, PROBLEM_CLIENT_GONE) >= now);
        assert_true(metrics_amount(shared, 0, METRICS_SENT_BYTES) >= now);
        seen = now;
        if (metrics_exemplar(shared, 0, 0, &exemplar)) {
            assert_int_equal(strspn(exemplar.id, (const char[]){exemplar.id[0], '\0'}), ORDER_ID_MAX);
            assert_int_equal(exemplar.id[0], 'a' + (int)exemplar.total_ns);
        }
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        pthread_join(threads[i], NULL);
    }
    metrics_free(shared);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_are_what_they_are_called_and_about_double),
        cmocka_unit_test(a_duration_is_in_the_bucket_whose_bound_it_does_not_pass),
        cmocka_unit_test(each_phase_has_its_own_durations),
        cmocka_unit_test(every_status_that_is_answered_has_its_place),
        cmocka_unit_test(requests_are_counted_by_path_method_and_status),
        cmocka_unit_test(widths_are_in_buckets_up_to_powers_of_two),
        cmocka_unit_test(threads_are_counted_where_some_were_granted_or_named),
        cmocka_unit_test(blocks_are_added_up_and_share_no_line),
        cmocka_unit_test(without_a_block_nothing_is_counted),
        cmocka_unit_test(commits_are_counted),
        cmocka_unit_test(the_latest_exemplar_is_shown_and_changes_once_a_second),
        cmocka_unit_test(a_reader_sees_whole_numbers_whole_exemplars_and_whole_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

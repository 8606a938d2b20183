/* team_for: every element once, whatever the team; cancel, progress and CPU time.
 *
 * ctest: threads */
#include "kernels/team.h"

#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const struct progress nothing_watched = {0};

static const enum team_schedule schedules[] = {TEAM_STATIC, TEAM_DYNAMIC, TEAM_GUIDED};

struct record {
    atomic_uchar hits[5000];
    int owner[5000];
    size_t piece, slice, count;
    atomic_size_t calls, misplaced;
};

static void record_piece(void *context, size_t begin, size_t end) {
    struct record *record = context;
    atomic_fetch_add(&record->calls, 1);
    size_t first = begin - begin % record->piece;
    size_t last = record->count - first < record->piece ? record->count : first + record->piece;
    bool full = end == last || (end - begin == record->slice && last - end >= record->slice);
    if (begin >= end || end > last || (begin - first) % record->slice != 0 || !full) {
        atomic_fetch_add(&record->misplaced, 1);
    }
    for (size_t i = begin; i < end && i < record->count; i++) {
        atomic_fetch_add(&record->hits[i], 1);
        record->owner[i] = omp_get_thread_num();
    }
}

static void cover(struct record *record, const struct team *team, size_t count, size_t piece) {
    memset(record, 0, sizeof *record);
    record->piece = team->chunk ? team->chunk : piece;
    if (team->threads == 1) {
        record->piece = count + 1; /* one run of slices */
    }
    record->slice = piece;
    record->count = count;
    struct progress progress = {0};
    assert_int_equal(team_for(team, &progress, count, piece, record_piece, record), KERNEL_DONE);
    assert_int_equal(atomic_load(&record->misplaced), 0);
    if (record->piece < 2 * piece) {
        assert_int_equal(atomic_load(&record->calls), (count + record->piece - 1) / record->piece);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(atomic_load(&record->hits[i]), 1);
    }
}

static void each_element_is_covered_exactly_once(void **state) {
    (void)state;
    static const size_t chunks[] = {0, 1, 7, 64, 4096, 1000000};
    static const size_t counts[] = {0, 1, 63, 64, 65, 1009, 5000};
    static struct record record;
    for (unsigned threads = 1; threads <= 8; threads++) {
        for (size_t s = 0; s < 3; s++) {
            for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
                for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
                    struct team team = {.threads = threads, .schedule = schedules[s], .chunk = chunks[c]};
                    cover(&record, &team, counts[n], 64);
                }
            }
        }
    }
}

static void static_without_chunk_gives_each_thread_one_contiguous_run(void **state) {
    (void)state;
    static struct record record;
    struct team team = {.threads = 3, .schedule = TEAM_STATIC};
    cover(&record, &team, 5000, 10);
    for (size_t i = 1; i < 5000; i++) {
        assert_true(record.owner[i] == record.owner[i - 1] || record.owner[i] == record.owner[i - 1] + 1);
    }
    assert_int_equal(record.owner[0], 0);
    assert_int_equal(record.owner[4999], 2);
}

static void static_with_chunk_deals_pieces_in_turn(void **state) {
    (void)state;
    static struct record record;
    struct team team = {.threads = 3, .schedule = TEAM_STATIC, .chunk = 10};
    cover(&record, &team, 5000, 64);
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(record.owner[i], i / 10 % 3);
    }
}

static void note_team_size(void *context, size_t begin, size_t end) {
    (void)begin, (void)end;
    atomic_store((atomic_int *)context, omp_get_level() == 0 ? 0 : omp_get_num_threads());
}

static void one_thread_never_enters_openmp_and_more_make_a_team_of_that_size(void **state) {
    (void)state;
    for (unsigned threads = 1; threads <= 4; threads++) {
        atomic_int seen = -1;
        struct team team = {.threads = threads, .schedule = TEAM_DYNAMIC};
        assert_int_equal(team_for(&team, &nothing_watched, 100, 1, note_team_size, &seen), KERNEL_DONE);
        assert_int_equal(atomic_load(&seen), threads == 1 ? 0 : threads);
    }
}

static void add_length(void *context, size_t begin, size_t end) {
    atomic_fetch_add((atomic_size_t *)context, end - begin);
}

static void the_largest_range_does_not_overflow(void **state) {
    (void)state;
    for (unsigned threads = 1; threads <= 2; threads++) {
        atomic_size_t sum = 0;
        struct team team = {.threads = threads};
        assert_int_equal(team_for(&team, &nothing_watched, SIZE_MAX, SIZE_MAX / 4, add_length, &sum), KERNEL_DONE);
        assert_int_equal(atomic_load(&sum), SIZE_MAX);
    }
}

static void pieces_beyond_the_limit_of_turns_are_all_run(void **state) {
    (void)state;
    static const size_t counts[] = {65535, 65536, 65537, 131071, 131072, 131073, 1000003};
    for (size_t s = 0; s < 3; s++) {
        for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
            atomic_size_t sum = 0;
            struct team team = {.threads = 2, .schedule = schedules[s], .chunk = 1};
            assert_int_equal(team_for(&team, &nothing_watched, counts[n], 64, add_length, &sum), KERNEL_DONE);
            assert_int_equal(atomic_load(&sum), counts[n]);
        }
    }
}

/* 2^40 pieces: only a loop that doesn't visit each of them ends in this test's lifetime. */
static void a_flag_set_before_skips_everything(void **state) {
    (void)state;
    atomic_bool cancel = true;
    struct progress progress = {.cancel = &cancel};
    for (unsigned threads = 1; threads <= 4; threads++) {
        for (size_t s = 0; s < 3; s++) {
            atomic_size_t sum = 0;
            struct team team = {.threads = threads, .schedule = schedules[s], .chunk = 1};
            assert_int_equal(team_for(&team, &progress, (size_t)1 << 40, 64, add_length, &sum), KERNEL_CANCELLED);
            assert_int_equal(atomic_load(&sum), 0);
        }
    }
}

static void finished_elements_are_counted(void **state) {
    (void)state;
    for (unsigned threads = 1; threads <= 3; threads++) {
        atomic_uint_fast64_t done = 0, total = 0;
        struct team team = {.threads = threads};
        struct progress progress = {.done = &done, .total = &total};
        atomic_size_t length = 0;
        for (unsigned time = 1; time <= 2; time++) {
            assert_int_equal(team_for(&team, &progress, 100003, 64, add_length, &length), KERNEL_DONE);
            assert_int_equal(atomic_load(&done), 100003 * time);
            assert_int_equal(atomic_load(&total), 100003 * time);
        }
    }
}

struct half {
    atomic_uint_fast64_t total;
    uint64_t seen;
};

static void look_at_total(void *context, size_t begin, size_t end) {
    struct half *half = context;
    (void)begin, (void)end;
    half->seen = atomic_load(&half->total);
}

/* Else it would seem to be nearly done all the while. */
static void how_many_there_are_is_known_from_the_start(void **state) {
    (void)state;
    struct half half = {0};
    struct progress progress = {.total = &half.total};
    struct team team = {.threads = 1};
    assert_int_equal(team_for(&team, &progress, 1000, 1000, look_at_total, &half), KERNEL_DONE);
    assert_int_equal(half.seen, 1000);
}

static void an_empty_range_is_done_even_if_cancelled(void **state) {
    (void)state;
    atomic_bool cancel = true;
    struct progress progress = {.cancel = &cancel};
    atomic_size_t sum = 0;
    struct team team = {.threads = 2};
    assert_int_equal(team_for(&team, &progress, 0, 64, add_length, &sum), KERNEL_DONE);
    assert_int_equal(atomic_load(&sum), 0);
}

struct cancelling {
    atomic_bool cancel;
    atomic_size_t done;
};

static void cancel_from_inside(void *context, size_t begin, size_t end) {
    struct cancelling *cancelling = context;
    atomic_fetch_add(&cancelling->done, end - begin);
    atomic_store(&cancelling->cancel, true);
}

static void skip_the_rest(size_t chunk, size_t slice) {
    for (unsigned threads = 1; threads <= 4; threads++) {
        for (size_t s = 0; s < 3; s++) {
            struct cancelling cancelling = {.cancel = false};
            struct progress progress = {.cancel = &cancelling.cancel};
            struct team team = {.threads = threads, .schedule = schedules[s], .chunk = chunk};
            assert_int_equal(team_for(&team, &progress, 1000, 64, cancel_from_inside, &cancelling), KERNEL_CANCELLED);
            size_t least = threads == 1 ? 64 : slice;
            assert_in_range(atomic_load(&cancelling.done), least, least * threads);
        }
    }
}

static void a_flag_set_midway_skips_the_rest(void **state) {
    (void)state;
    skip_the_rest(2, 2);
    skip_the_rest(0, 64);
}

static void a_flag_set_within_a_large_chunk_skips_its_rest(void **state) {
    (void)state;
    skip_the_rest(500, 64);
    skip_the_rest((size_t)1 << 53, 64);
}

static uint64_t cpu_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

enum { BURN_NS = 2000000 };

static void burn(void *context, size_t begin, size_t end) {
    (void)context, (void)begin, (void)end;
    uint64_t until = cpu_now_ns() + BURN_NS;
    while (cpu_now_ns() < until) {
        continue;
    }
}

static void cpu_time_counts_the_other_threads_only(void **state) {
    (void)state;
    for (unsigned threads = 1; threads <= 3; threads++) {
        atomic_uint_fast64_t cpu_ns = 0;
        struct progress progress = {.cpu_ns = &cpu_ns};
        struct team team = {.threads = threads};
        assert_int_equal(team_for(&team, &progress, 3 * threads, 3, burn, NULL), KERNEL_DONE);
        uint64_t others = threads - 1;
        assert_in_range(atomic_load(&cpu_ns), others * BURN_NS, others * 2 * BURN_NS);
    }
}

enum { WIDE = 4, OUTER = 400 };

struct numbers {
    unsigned outer[OUTER]; /* the number of the thread that had the element */
    atomic_uint wrong;
};

static void expect_alone(void *context, size_t begin, size_t end) {
    atomic_uint *wrong = context;
    atomic_fetch_add(wrong, team_thread() != 0 || end - begin != 1);
}

/* A kernel within a kernel, as the items of a batch. */
static void run_within(void *context, size_t begin, size_t end) {
    const struct team alone = {.threads = 1};
    struct numbers *numbers = context;
    for (size_t i = begin; i < end; i++) {
        unsigned thread = team_begin_alone();
        numbers->outer[i] = thread;
        expect_alone(&numbers->wrong, 0, 1);
        if (team_for(&alone, &nothing_watched, 3, 1, expect_alone, &numbers->wrong)) {
            atomic_fetch_add(&numbers->wrong, 1);
        }
        team_end_alone(thread);
        atomic_fetch_add(&numbers->wrong, team_thread() != thread || thread != (unsigned)omp_get_thread_num());
    }
}

static void a_body_knows_its_thread_and_runs_kernels_alone(void **state) {
    (void)state;
    for (unsigned threads = 1; threads <= WIDE; threads++) {
        static struct numbers numbers;
        bool seen[WIDE] = {false};
        const struct team team = {.threads = threads};
        assert_int_equal(team_for(&team, &nothing_watched, OUTER, 1, run_within, &numbers), KERNEL_DONE);
        assert_int_equal(atomic_load(&numbers.wrong), 0);
        for (size_t i = 0; i < OUTER; i++) {
            assert_true(numbers.outer[i] < threads);
            seen[numbers.outer[i]] = true;
        }
        for (unsigned i = 0; i < threads; i++) {
            assert_true(seen[i]); /* static: each has its run */
        }
        assert_int_equal(team_thread(), 0);
    }
}

static void the_instruction_set_has_a_name(void **state) {
    (void)state;
    const char *name = team_instruction_set();
    assert_non_null(name);
#if defined(__x86_64__)
    assert_int_equal(strncmp(name, "x86-64", 6), 0);
#else
    assert_true(strlen(name) > 0);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_element_is_covered_exactly_once),
        cmocka_unit_test(static_without_chunk_gives_each_thread_one_contiguous_run),
        cmocka_unit_test(static_with_chunk_deals_pieces_in_turn),
        cmocka_unit_test(one_thread_never_enters_openmp_and_more_make_a_team_of_that_size),
        cmocka_unit_test(the_largest_range_does_not_overflow),
        cmocka_unit_test(pieces_beyond_the_limit_of_turns_are_all_run),
        cmocka_unit_test(a_flag_set_before_skips_everything),
        cmocka_unit_test(finished_elements_are_counted),
        cmocka_unit_test(how_many_there_are_is_known_from_the_start),
        cmocka_unit_test(an_empty_range_is_done_even_if_cancelled),
        cmocka_unit_test(a_flag_set_midway_skips_the_rest),
        cmocka_unit_test(a_flag_set_within_a_large_chunk_skips_its_rest),
        cmocka_unit_test(cpu_time_counts_the_other_threads_only),
        cmocka_unit_test(a_body_knows_its_thread_and_runs_kernels_alone),
        cmocka_unit_test(the_instruction_set_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Whose turn it is, without threads or lanes: works are added and picked by hand, and each test says how many cores are
 * free. */
#include "server/engine/work_queue.h"

#include "tests/unit/fake_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CORES = 2, PASSES = CORES * WORK_QUEUE_PASSES_PER_CORE, MANY = 1000 };

static const struct work_room one_core = {1, {CORES, CORES, CORES}, {CORES, CORES, CORES}};
static const struct work_room all_cores = {CORES, {CORES, CORES, CORES}, {CORES, CORES, CORES}};

static struct work_queue *queue;
static struct work works[MANY];

static int set_up(void **state) {
    (void)state;
    queue = work_queue_new(CORES, 100, UINT64_MAX);
    return queue ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    work_queue_free(queue);
    return 0;
}

static struct work *add(unsigned index, enum work_class class, uint64_t principal, unsigned size) {
    struct work *work = &works[index];
    *work = (struct work){.class = class, .principal = principal, .threads = size, .size = size};
    work_queue_add(queue, work, false);
    return work;
}

static struct work *narrow(unsigned index, uint64_t principal) {
    return add(index, WORK_INTERACTIVE, principal, 1);
}

static struct work *wide(unsigned index, uint64_t principal) {
    return add(index, WORK_INTERACTIVE, principal, 2);
}

static void assert_next(struct work *expected) {
    assert_ptr_equal(work_queue_pick(queue, &one_core), expected);
}

static void assert_empty(void) {
    assert_int_equal(work_queue_length(queue), 0);
    assert_null(work_queue_pick(queue, &all_cores));
}

static void classes_take_turns(void **state) {
    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        add(i, i % 3, i, 1);
    }
    for (int round = 0; round < 5; round++) {
        unsigned starts[WORK_CLASSES] = {0};
        for (int i = 0; i < 7; i++) {
            starts[work_queue_pick(queue, &one_core)->class]++;
        }
        assert_int_equal(starts[WORK_INTERACTIVE], 4);
        assert_int_equal(starts[WORK_STREAM], 2);
        assert_int_equal(starts[WORK_JOB], 1);
    }
    for (unsigned left = 60 - 35; left > 0; left--) { /* what has nothing leaves its turns to the others */
        assert_int_equal(work_queue_length(queue), left);
        assert_non_null(work_queue_pick(queue, &one_core));
    }
    assert_empty();
}

/* So often that principals meet in a bucket, which are drawn by lot: of 256 two meet in about a hundred of these. */
enum { DRAWS = 20000 };

static void draw_again(void) {
    work_queue_free(queue);
    queue = work_queue_new(CORES, 100, UINT64_MAX);
    assert_non_null(queue);
}

static void a_single_work_of_another_is_next_however_many_wait(void **state) {
    (void)state;
    for (unsigned i = 0; i < 900; i++) {
        narrow(i, 7);
    }
    assert_next(&works[0]);
    assert_next(&works[1]);
    struct work *other = narrow(999, 8);
    assert_next(other);
    assert_next(&works[2]);
    assert_int_equal(work_queue_line_length(queue, WORK_INTERACTIVE, 7), 897);
    assert_int_equal(work_queue_line_length(queue, WORK_INTERACTIVE, 8), 0);
    assert_int_equal(work_queue_line_length(queue, WORK_STREAM, 7), 0);
    for (unsigned i = 3; i < 900; i++) {
        assert_next(&works[i]);
    }
    assert_empty();
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        draw_again();
        narrow(0, draw);
        narrow(1, draw);
        assert_next(&works[0]);
        narrow(2, draw + 1);
        assert_next(&works[2]);
        assert_next(&works[1]);
    }
    assert_empty();
}

/* Also where more of them wait than there are buckets, be the queue short or long. */
static void each_principal_has_a_line_of_its_own(void **state) {
    (void)state;
    enum { PRINCIPALS = 600 };
    for (unsigned limit = 100; limit <= 1000; limit += 900) {
        work_queue_free(queue);
        queue = work_queue_new(CORES, limit, UINT64_MAX);
        assert_non_null(queue);
        for (unsigned i = 0; i < PRINCIPALS; i++) {
            narrow(i, i);
        }
        for (unsigned i = 0; i < PRINCIPALS; i++) {
            assert_int_equal(work_queue_line_length(queue, WORK_INTERACTIVE, i), 1);
        }
        for (unsigned i = 0; i < PRINCIPALS; i++) {
            assert_next(&works[i]);
        }
        assert_empty();
    }
}

static void who_comes_back_at_once_has_one_start_a_round(void **state) {
    (void)state;
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        draw_again();
        for (unsigned i = 0; i < 3; i++) {
            narrow(2 * i, 1);
            narrow(2 * i + 1, 2);
        }
        narrow(100, 3);
        for (unsigned i = 0; i < 3; i++) {
            assert_next(&works[2 * i]);
            assert_next(&works[2 * i + 1]);
            assert_next(&works[100 + i]);
            narrow(100 + i + 1, 3);
        }
        assert_next(&works[103]);
        assert_empty();
    }
}

/* However many rounds another class is ahead. */
static void a_start_is_known_until_its_own_class_has_another_round(void **state) {
    (void)state;
    const struct work_room interactive = {1, {CORES, CORES, CORES}, {CORES, 0, 0}},
                           jobs = {1, {CORES, CORES, CORES}, {0, 0, CORES}};
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        draw_again();
        struct work *quick;
        for (unsigned i = 0; i < 6; i++) {
            quick = narrow(0, draw);
            assert_ptr_equal(work_queue_pick(queue, &interactive), quick);
        }
        struct work *first = add(1, WORK_JOB, 1, 1), *last = add(2, WORK_JOB, 1, 1), *other = add(3, WORK_JOB, 2, 1);
        assert_ptr_equal(work_queue_pick(queue, &jobs), first);
        assert_ptr_equal(work_queue_pick(queue, &jobs), other);
        quick = narrow(0, draw);
        assert_ptr_equal(work_queue_pick(queue, &interactive), quick);
        struct work *back = add(4, WORK_JOB, 2, 1);
        assert_ptr_equal(work_queue_pick(queue, &jobs), last);
        assert_ptr_equal(work_queue_pick(queue, &jobs), back);
        assert_empty();
    }
}

static void a_line_is_in_order_and_what_fits_may_pass(void **state) {
    (void)state;
    struct work *first = narrow(0, 1);
    struct work *pair = wide(1, 1);
    struct work *second = narrow(2, 1);
    struct work *third = narrow(3, 1);
    assert_next(first);
    assert_next(second);
    assert_ptr_equal(work_queue_pick(queue, &all_cores), pair);
    assert_next(third);
    assert_empty();
}

static void a_smaller_wide_one_may_pass_too(void **state) {
    (void)state;
    struct work_room two_of_four = {2, {4, 4, 4}, {4, 4, 4}};
    struct work *quad = add(0, WORK_INTERACTIVE, 1, 4);
    struct work *pair = add(1, WORK_INTERACTIVE, 1, 2);
    assert_ptr_equal(work_queue_pick(queue, &two_of_four), pair);
    assert_null(work_queue_pick(queue, &two_of_four));
    work_queue_remove(queue, quad);
    assert_empty();
}

/* So many lines are looked at, and so many wide works of a line, and what is beyond is not. */
static void what_fits_is_looked_for_among_the_first_ones(void **state) {
    (void)state;
    const struct work_room two_of_four = {2, {4, 4, 4}, {4, 4, 4}};
    const unsigned seen[] = {WORK_QUEUE_LINES_SEEN, WORK_QUEUE_WIDES_SEEN};
    for (unsigned is_one_line = 0; is_one_line < 2; is_one_line++) {
        for (unsigned more = 0; more < 2; more++) { /* nothing has started yet: all lines are in their first round */
            unsigned before = seen[is_one_line] - more;
            for (unsigned i = 0; i < before; i++) {
                add(i, WORK_INTERACTIVE, is_one_line ? 1 : i, 4);
            }
            struct work *pair = add(before, WORK_INTERACTIVE, is_one_line ? 1 : before, 2);
            bool is_seen = before < seen[is_one_line];
            assert_ptr_equal(work_queue_pick(queue, &two_of_four), is_seen ? pair : NULL);
            for (unsigned i = 0; i < before + !is_seen; i++) {
                work_queue_remove(queue, &works[i]);
            }
            assert_empty();
        }
    }
}

static void a_wide_work_claims_cores_after_so_many_starts_of_anybody(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < WORK_CLASSES; kind++) { /* whatever its own class is */
        struct work *pair = add(0, kind, 1, 2);
        for (unsigned i = 1; i <= 20; i++) {
            add(i, i % 3, 1 + i % 5, 1);
        }
        for (int i = 0; i < PASSES; i++) {
            assert_int_equal(work_queue_pick(queue, &one_core)->size, 1);
        }
        assert_null(work_queue_pick(queue, &one_core));
        assert_null(work_queue_pick(queue, &one_core));
        assert_ptr_equal(work_queue_pick(queue, &all_cores), pair);
        for (int i = 0; i < 20 - PASSES; i++) {
            assert_non_null(work_queue_pick(queue, &one_core));
        }
        assert_empty();
    }
}

/* Whatever stands before it in its own line: any number of narrow works. */
static void a_wide_work_at_the_end_of_a_line_claims_too(void **state) {
    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        narrow(i, 1);
    }
    struct work *pair = wide(500, 1);
    for (unsigned i = 0; i < PASSES; i++) {
        assert_next(&works[i]);
    }
    assert_null(work_queue_pick(queue, &one_core));
    assert_ptr_equal(work_queue_pick(queue, &all_cores), pair);
    for (unsigned i = PASSES; i < 500; i++) {
        assert_next(&works[i]);
    }
    assert_empty();
}

static void between_two_claims_others_have_their_turns(void **state) {
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        wide(i, 1);
        wide(10 + i, 2);
    }
    for (unsigned i = 0; i < 200; i++) {
        narrow(100 + i, 3 + i % 10);
    }
    unsigned since = 0;
    for (unsigned claims = 0; claims < 10;) {
        struct work *work = work_queue_pick(queue, &one_core);
        if (!work) { /* the principals' wide ones in turn */
            work = work_queue_pick(queue, &all_cores);
            assert_ptr_equal(work, &works[claims % 2 * 10 + claims / 2]);
            assert_int_equal(since, PASSES);
            claims++;
            since = 0;
        } else {
            assert_int_equal(work->size, 1);
            since++;
        }
    }
    while (work_queue_pick(queue, &one_core)) {
    }
    assert_empty();
}

static void a_withdrawn_claim_lets_others_go_on(void **state) {
    (void)state;
    struct work *pair = wide(0, 1);
    for (unsigned i = 1; i <= PASSES + 1; i++) {
        narrow(i, 2);
    }
    for (unsigned i = 1; i <= PASSES; i++) {
        assert_next(&works[i]);
    }
    assert_next(NULL);
    work_queue_remove(queue, pair);
    assert_next(&works[PASSES + 1]);
    assert_empty();
}

static void withdrawing_does_not_keep_a_place_before_others(void **state) {
    (void)state;
    wide(0, 1);
    wide(1, 1);
    struct work *pair = wide(2, 2);
    for (unsigned i = 0; i < PASSES; i++) { /* its line always has a wide one, and a new one */
        narrow(10 + i, 3);
        assert_next(&works[10 + i]);
        work_queue_remove(queue, &works[i % 2]);
        wide(i % 2, 1);
    }
    narrow(99, 3);
    assert_next(NULL);
    assert_ptr_equal(work_queue_pick(queue, &all_cores), pair);
    work_queue_remove(queue, &works[0]);
    work_queue_remove(queue, &works[1]);
    assert_next(&works[99]);
    assert_empty();
}

static void a_wide_work_claims_cores_after_so_long(void **state) {
    (void)state;
    work_queue_free(queue);
    queue = work_queue_new(CORES, 100, 1000000);
    fake_clock_install(NS_PER_S);
    struct work *pair = wide(0, 1);
    fake_clock_advance(999999);
    assert_next(NULL); /* it doesn't fit, whoever claims */
    struct work *early = narrow(1, 2);
    assert_next(early);
    struct work *late = narrow(2, 2);
    fake_clock_advance(1);
    assert_next(NULL);
    assert_ptr_equal(work_queue_pick(queue, &all_cores), pair);
    assert_next(late);
    assert_empty();
    fake_clock_remove();
}

static void what_keeps_its_place_comes_first_in_its_class(void **state) {
    (void)state;
    struct work *first = narrow(0, 1);
    struct work *second = narrow(1, 2);
    assert_next(first);
    assert_next(second);
    struct work *new_one = narrow(2, 3);
    work_queue_add(queue, second, true);
    work_queue_add(queue, first, true); /* it was before the other, and is again */
    assert_int_equal(work_queue_line_length(queue, WORK_INTERACTIVE, 1), 0);
    assert_next(first);
    work_queue_remove(queue, second);
    assert_next(new_one);
    assert_empty();
}

static void jobs_have_their_limit_and_their_width(void **state) {
    (void)state;
    struct work_room room = {CORES, {1, 1, 1}, {1, 1, 0}};
    struct work *narrow_job = add(2, WORK_JOB, 1, 1);
    assert_null(work_queue_pick(queue, &room));
    work_queue_remove(queue, narrow_job);
    struct work *job = add(0, WORK_JOB, 1, 2);
    assert_null(work_queue_pick(queue, &room));
    struct work *pair = wide(1, 1); /* with one thread: jobs leave no more */
    assert_ptr_equal(work_queue_pick(queue, &room), pair);
    room.limit[WORK_JOB] = 1;
    assert_ptr_equal(work_queue_pick(queue, &room), job);
    assert_empty();
}

static void what_waits_for_the_end_of_jobs_claims_nothing(void **state) {
    (void)state;
    struct work_room room = {1, {CORES, CORES, CORES}, {CORES, CORES, 0}};
    struct work *job = add(0, WORK_JOB, 1, 2);
    for (unsigned i = 0; i < 3 * PASSES; i++) {
        narrow(1, 1);
        assert_ptr_equal(work_queue_pick(queue, &room), &works[1]);
    }
    work_queue_remove(queue, job);
    assert_empty();
}

/* Against a list of what should be there: everything that goes in comes out once, whatever leaves from the middle. */
static void lines_survive_their_hosts(void **state) {
    (void)state;
    bool waits[MANY] = {false};
    unsigned length = 0;
    uint64_t seed = 88172645463325252U;
    for (int i = 0; i < 200000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        unsigned index = (unsigned)(seed >> 20) % MANY;
        if (seed % 16 < 4) {
            struct work *work = work_queue_pick(queue, seed % 2 ? &one_core : &all_cores);
            if (work) {
                assert_true(waits[work - works]);
                waits[work - works] = false;
                length--;
            }
        } else if (waits[index]) {
            work_queue_remove(queue, &works[index]);
            waits[index] = false;
            length--;
        } else if (seed % 16 < 12) {
            add(index, (seed >> 40) % 3, (seed >> 44) % 20, (seed >> 50) % 2 + 1);
            waits[index] = true;
            length++;
        }
        assert_int_equal(work_queue_length(queue), length);
    }
    while (work_queue_pick(queue, &all_cores)) {
        length--;
    }
    assert_int_equal(length, 0);
    assert_empty();
}

static void the_oldest_of_each_class_is_known(void **state) {
    (void)state;
    uint64_t before_ns = clock_now_ns();
    assert_true(work_queue_oldest_ns(queue, WORK_INTERACTIVE) == UINT64_MAX);
    for (unsigned i = 0; i < 4; i++) {
        add(i, WORK_INTERACTIVE, i / 2, 1 + i % 2);
    }
    add(4, WORK_JOB, 1, 1);
    uint64_t last_ns = before_ns;
    for (unsigned i = 0; i < 5; i++) {
        assert_true(works[i].arrived_ns >= last_ns);
        last_ns = works[i].arrived_ns;
    }
    work_queue_remove(queue, &works[1]);
    assert_int_equal(work_queue_oldest_ns(queue, WORK_INTERACTIVE), works[0].arrived_ns);
    work_queue_remove(queue, &works[0]);
    assert_int_equal(work_queue_oldest_ns(queue, WORK_INTERACTIVE), works[2].arrived_ns);
    assert_int_equal(work_queue_oldest_ns(queue, WORK_JOB), works[4].arrived_ns);
    assert_true(work_queue_oldest_ns(queue, WORK_STREAM) == UINT64_MAX);
    while (work_queue_pick(queue, &all_cores)) {
        /* all start */
    }
    assert_true(work_queue_oldest_ns(queue, WORK_INTERACTIVE) == UINT64_MAX);
    assert_true(work_queue_oldest_ns(queue, WORK_JOB) == UINT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(classes_take_turns),
        TEST(a_single_work_of_another_is_next_however_many_wait),
        TEST(each_principal_has_a_line_of_its_own),
        TEST(who_comes_back_at_once_has_one_start_a_round),
        TEST(a_start_is_known_until_its_own_class_has_another_round),
        TEST(a_line_is_in_order_and_what_fits_may_pass),
        TEST(a_smaller_wide_one_may_pass_too),
        TEST(what_fits_is_looked_for_among_the_first_ones),
        TEST(a_wide_work_claims_cores_after_so_many_starts_of_anybody),
        TEST(a_wide_work_at_the_end_of_a_line_claims_too),
        TEST(between_two_claims_others_have_their_turns),
        TEST(a_withdrawn_claim_lets_others_go_on),
        TEST(withdrawing_does_not_keep_a_place_before_others),
        TEST(a_wide_work_claims_cores_after_so_long),
        TEST(what_keeps_its_place_comes_first_in_its_class),
        TEST(jobs_have_their_limit_and_their_width),
        TEST(what_waits_for_the_end_of_jobs_claims_nothing),
        TEST(lines_survive_their_hosts),
        TEST(the_oldest_of_each_class_is_known),
    };
    return cmocka_run_group_tests_name("work_queue", tests, NULL, NULL);
}

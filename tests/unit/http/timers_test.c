/* Random operations on many timers beside a list that is searched as a whole: the same deadlines, in order, nothing
 * lost and nothing twice; and what keeps the cost bounded: lists sorted by construction, a heap that is one. */
#include "server/http/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TIMERS = 300, STEPS = 100000 };

static struct timers timers;
static struct timer all[TIMERS];
static uint64_t deadlines[TIMERS]; /* the reference: 0 is not set */
static uint64_t random_state;

static uint64_t random_below(uint64_t bound) {
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    return (random_state >> 33) % bound;
}

static int set_up(void **state) {
    (void)state;
    timers = (struct timers){0};
    for (int i = 0; i < TIMERS; i++) {
        all[i] = (struct timer){0};
        deadlines[i] = 0;
    }
    random_state = 1;
    return 0;
}

static size_t index_of(const struct timer *timer) {
    return (size_t)(timer - all);
}

/* --- structure --------------------------------------------------------------------------------------------------- */

/* No deadline in a heap is before its parent's, and each node knows who is before it. Returns how many there are. */
static size_t check_heap(const struct timer *node) {
    size_t count = 1;
    const struct timer *before = node;
    assert_true(node->is_odd);
    for (const struct timer *child = node->child; child; child = child->next) {
        assert_true(child->deadline_ns >= node->deadline_ns);
        assert_ptr_equal(child->previous, before);
        before = child;
        count += check_heap(child);
    }
    return count;
}

static size_t check_list(const struct timer_list *list, enum timer_kind kind) {
    size_t count = 0;
    const struct timer *before = NULL;
    for (const struct timer *timer = list->first; timer; timer = timer->next) {
        assert_false(timer->is_odd);
        assert_int_equal(timer->kind, kind);
        assert_ptr_equal(timer->previous, before);
        assert_true(!before || before->deadline_ns <= timer->deadline_ns);
        before = timer;
        count++;
    }
    assert_ptr_equal(list->last, before);
    return count;
}

/* All that are set are in there, each once. */
static void check(void) {
    size_t found = 0, expected = 0;
    uint64_t earliest = UINT64_MAX;
    for (int kind = 0; kind < TIMER_KINDS; kind++) {
        found += check_list(&timers.lists[kind], (enum timer_kind)kind);
    }
    if (timers.heap) {
        assert_null(timers.heap->previous);
        assert_null(timers.heap->next);
        found += check_heap(timers.heap);
    }
    for (int i = 0; i < TIMERS; i++) {
        assert_int_equal(all[i].deadline_ns, deadlines[i]);
        expected += deadlines[i] != 0;
        earliest = deadlines[i] != 0 && deadlines[i] < earliest ? deadlines[i] : earliest;
    }
    assert_int_equal(found, expected);
    assert_int_equal(timers_next_ns(&timers), earliest);
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static void set(size_t i, enum timer_kind kind, uint64_t deadline_ns) {
    timers_set(&timers, &all[i], kind, deadline_ns);
    deadlines[i] = deadline_ns;
    assert_int_equal(all[i].kind, kind);
}

static void cancel(size_t i) {
    timers_cancel(&timers, &all[i]);
    deadlines[i] = 0;
}

/* Takes out all that is due, and compares each with the earliest there is. */
static void take_due(uint64_t now_ns) {
    struct timer *timer;
    uint64_t before = 0;
    while ((timer = timers_take_due(&timers, now_ns))) {
        size_t i = index_of(timer);
        assert_in_range(deadlines[i], 1, now_ns);
        assert_true(deadlines[i] >= before);
        before = deadlines[i];
        assert_int_equal(timer->deadline_ns, 0);
        deadlines[i] = 0;
    }
    for (int i = 0; i < TIMERS; i++) {
        assert_true(deadlines[i] == 0 || deadlines[i] > now_ns);
    }
}

static void nothing_is_due_where_nothing_is_set(void **state) {
    (void)state;
    assert_int_equal(timers_next_ns(&timers), UINT64_MAX);
    assert_null(timers_take_due(&timers, UINT64_MAX));
    timers_cancel(&timers, &all[0]);
    check();
}

static void a_deadline_is_due_from_its_nanosecond_on(void **state) {
    (void)state;
    set(0, TIMER_BODY, 1000);
    assert_null(timers_take_due(&timers, 999));
    assert_ptr_equal(timers_take_due(&timers, 1000), &all[0]);
    assert_int_equal(all[0].kind, TIMER_BODY); /* which one went off */
    assert_null(timers_take_due(&timers, UINT64_MAX));
}

/* In order they go to their list, and to its end among equals; the odd one goes to the heap. */
static void only_odd_deadlines_go_to_the_heap(void **state) {
    (void)state;
    for (size_t i = 0; i < 100; i++) {
        set(i, (enum timer_kind)(i % TIMER_KINDS), 1000 + i / TIMER_KINDS);
        assert_false(all[i].is_odd);
    }
    assert_null(timers.heap);
    set(100, TIMER_WORK, 999);
    assert_true(all[100].is_odd);
    assert_ptr_equal(timers.heap, &all[100]);
    check();
    assert_int_equal(timers_next_ns(&timers), 999);
    assert_ptr_equal(timers_take_due(&timers, 999), &all[100]);
    set(100, TIMER_WORK, 5000); /* not odd any more */
    assert_false(all[100].is_odd);
    check();
}

static void random_operations_agree_with_a_search(void **state) {
    (void)state;
    uint64_t now_ns = 1000;
    for (int step = 0; step < STEPS; step++) {
        size_t i = random_below(TIMERS);
        uint64_t what = random_below(100);
        enum timer_kind kind = (enum timer_kind)random_below(TIMER_KINDS);
        if (what < 50) { /* a phase's own time: in order but for the clock's steps */
            set(i, kind, now_ns + 1000 * ((uint64_t)kind + 1));
        } else if (what < 70) { /* a time of its own */
            set(i, kind, now_ns + 1 + random_below(10000));
        } else if (what < 90) {
            cancel(i);
        } else {
            now_ns += random_below(300);
            take_due(now_ns);
        }
        if (step % 64 == 0) {
            check();
        }
    }
    take_due(UINT64_MAX - 1);
    check();
}

/* Odd ones alone, and cancelled from anywhere in the heap: its root, a first child, a middle and a last sibling. */
static void the_heap_survives_any_cancelling(void **state) {
    (void)state;
    for (int round = 0; round < 200; round++) {
        set(TIMERS - 1, TIMER_WORK, 1000000); /* what makes the others odd */
        for (size_t i = 0; i < 40; i++) {
            set(i, TIMER_WORK, 1 + random_below(50));
        }
        for (size_t left = 40; left > 20; left--) {
            cancel(random_below(40));
            check();
        }
        take_due(25);
        check();
        for (size_t i = 0; i < TIMERS; i++) {
            cancel(i);
        }
        check();
        assert_null(timers.heap);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_due_where_nothing_is_set, set_up),
        cmocka_unit_test_setup(a_deadline_is_due_from_its_nanosecond_on, set_up),
        cmocka_unit_test_setup(only_odd_deadlines_go_to_the_heap, set_up),
        cmocka_unit_test_setup(random_operations_agree_with_a_search, set_up),
        cmocka_unit_test_setup(the_heap_survives_any_cancelling, set_up),
    };
    return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}

/* What producers put comes out in order and whole, within a bound, and nobody waits for who has left. ctest: threads */
#include "server/engine/outlet.h"

#include "server/engine/memory_budget.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 64, LARGE_ROOM = 5000, LINES = 3000, PRODUCERS = 3, LINE_MAX_BYTES = 200, LIMIT = 1 << 20 };

static struct memory_budget budget;
static const struct host host = {.memory = &budget};
static struct mailbox mailbox;
static atomic_uint wakes;
static int run; /* stands for one: only its address matters */

static void wake(void *context) {
    (void)context;
    atomic_fetch_add(&wakes, 1);
}

static struct outlet *open_outlet(size_t bytes) {
    memory_budget_init(&budget, LIMIT);
    mailbox_init(&mailbox, wake, NULL);
    atomic_store(&wakes, 0);
    struct outlet *outlet = outlet_new(&host, &mailbox, (struct run *)(void *)&run, bytes);
    assert_non_null(outlet);
    return outlet;
}

static void close_outlet(struct outlet *outlet) {
    outlet_leave(outlet);
    outlet_drop(outlet);
    for (struct mailbox_link *link = mailbox_take(&mailbox); link; link = link->next) {
        assert_null(outlet_of_link(link));
        break; /* there is one at most, and it may be gone now */
    }
    mailbox_deinit(&mailbox);
    assert_true(memory_budget_charge(&budget, LIMIT)); /* all is given back */
}

/* How many links there were: 0 or 1. */
static unsigned hear(void) {
    struct mailbox_link *link = mailbox_take(&mailbox);
    if (!link) {
        return 0;
    }
    assert_int_equal(link->kind, MAILBOX_OUTLET);
    assert_null(link->next);
    assert_ptr_equal(outlet_of_link(link), &run);
    return 1;
}

/* Empty, it begins anew: so around the ring it goes with what is left in it each time, at every offset. */
static void what_is_put_is_taken(void **state) {
    (void)state;
    static const size_t rooms[] = {ROOM, LARGE_ROOM};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        struct outlet *outlet = open_outlet(rooms[i]);
        char out[ROOM];
        assert_true(outlet_put(outlet, "9", 1));
        for (size_t round = 0; round < 3 * rooms[i]; round++) {
            assert_true(outlet_put(outlet, "0123456789", 10));
            assert_true(outlet_put(outlet, NULL, 0));
            assert_int_equal(outlet_take(outlet, out, 4), 4);
            assert_memory_equal(out, "9012", 4);
            assert_int_equal(outlet_take(outlet, out, 6), 6);
            assert_memory_equal(out, "345678", 6);
        }
        assert_int_equal(outlet_take(outlet, out, sizeof out), 1);
        assert_true(outlet_put(outlet, "abc", 3)); /* it had nothing left */
        assert_int_equal(outlet_take(outlet, out, sizeof out), 3);
        assert_memory_equal(out, "abc", 3);
        close_outlet(outlet);
    }
}

/* Streams that are silent are many: what one holds meanwhile isn't its room. As the heap's allocator counts, which
 * sanitizers replace. */
static void a_small_one_that_is_empty_has_no_room(void **state) {
    (void)state;
    enum { SMALL_ROOM = 4096 };
    static const char much[SMALL_ROOM];
    char out[SMALL_ROOM - 1];
    size_t before = mallinfo2().uordblks;
    struct outlet *outlet = open_outlet(SMALL_ROOM);
    size_t silent = mallinfo2().uordblks - before;
    assert_true(outlet_offer(outlet, "abc", 3));
    size_t saying_little = mallinfo2().uordblks - before;
    assert_int_equal(outlet_take(outlet, out, sizeof out), 3);
    assert_true(outlet_offer(outlet, much, sizeof much));
    size_t speaking = mallinfo2().uordblks - before;
    assert_int_equal(outlet_take(outlet, out, sizeof out), sizeof out);
    assert_int_equal(outlet_take(outlet, out, sizeof out), sizeof much - sizeof out);
    size_t silent_again = mallinfo2().uordblks - before;
    close_outlet(outlet);
    if (speaking > 0) {
        assert_true(speaking >= sizeof much);
        assert_true(silent < SMALL_ROOM / 2 && saying_little < SMALL_ROOM / 2 && silent_again < SMALL_ROOM / 2);
    }
}

/* Its room grows with what is put into it, wherever what is there begins and ends. */
static void a_small_one_grows_as_far_as_it_may(void **state) {
    (void)state;
    enum { SMALL_ROOM = 16 };
    struct outlet *outlet = open_outlet(SMALL_ROOM);
    char out[SMALL_ROOM + 1] = "";
    assert_true(outlet_offer(outlet, "abcd", 4));
    assert_int_equal(outlet_take(outlet, out, 3), 3);
    assert_true(outlet_offer(outlet, "efg", 3)); /* around the end */
    assert_true(outlet_offer(outlet, "hijkl", 5));
    assert_false(outlet_offer(outlet, "12345678", 8));
    assert_true(outlet_offer(outlet, "mnopqrs", 7));
    assert_false(outlet_offer(outlet, "t", 1));
    assert_int_equal(outlet_take(outlet, out, sizeof out), SMALL_ROOM);
    assert_string_equal(out, "defghijklmnopqrs");
    close_outlet(outlet);
}

static void the_owner_is_told_when_it_has_found_nothing(void **state) {
    (void)state;
    struct outlet *outlet = open_outlet(ROOM);
    char out[ROOM];
    assert_true(outlet_put(outlet, "", 0));
    assert_int_equal(hear(), 0); /* nothing is nothing */
    assert_true(outlet_put(outlet, "a", 1));
    assert_true(outlet_put(outlet, "b", 1));
    assert_int_equal(atomic_load(&wakes), 1);
    assert_int_equal(hear(), 1);
    assert_int_equal(outlet_take(outlet, out, sizeof out), 2);
    assert_true(outlet_put(outlet, "c", 1));
    assert_int_equal(hear(), 0); /* it will look again by itself */
    assert_int_equal(outlet_take(outlet, out, sizeof out), 1);
    assert_int_equal(outlet_take(outlet, out, sizeof out), 0);
    assert_int_equal(outlet_take(outlet, out, sizeof out), 0);
    assert_true(outlet_put(outlet, "d", 1));
    assert_true(outlet_put(outlet, "e", 1));
    assert_int_equal(hear(), 1);
    assert_int_equal(hear(), 0);
    close_outlet(outlet);
}

static void what_is_offered_fits_or_not(void **state) {
    (void)state;
    struct outlet *outlet = open_outlet(ROOM);
    char bytes[ROOM + 1] = "";
    assert_false(outlet_offer(outlet, bytes, ROOM + 1));
    assert_true(outlet_offer(outlet, bytes, ROOM - 1));
    assert_int_equal(hear(), 1);
    assert_false(outlet_offer(outlet, bytes, 2));
    assert_true(outlet_offer(outlet, bytes, 1));
    assert_false(outlet_offer(outlet, bytes, 1));
    assert_true(outlet_offer(outlet, bytes, 0));
    assert_int_equal(outlet_take(outlet, bytes, 1), 1);
    assert_true(outlet_offer(outlet, bytes, 1));
    outlet_give_up(outlet);
    assert_int_equal(outlet_take(outlet, bytes, 1), 1);
    assert_false(outlet_offer(outlet, bytes, 1));
    close_outlet(outlet);
}

static void memory_is_asked_for(void **state) {
    (void)state;
    memory_budget_init(&budget, ROOM);
    mailbox_init(&mailbox, wake, NULL);
    assert_null(outlet_new(&host, &mailbox, NULL, ROOM));
    assert_true(memory_budget_charge(&budget, ROOM));
    mailbox_deinit(&mailbox);
    outlet_give_up(NULL);
    outlet_leave(NULL);
    outlet_drop(NULL);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

struct producer {
    struct outlet *outlet;
    unsigned number;
    atomic_bool has_failed;
    atomic_bool is_done;
    pthread_t thread;
};

static size_t write_line(unsigned producer, unsigned line, char out[LINE_MAX_BYTES]) {
    int head = snprintf(out, LINE_MAX_BYTES, "%u %u ", producer, line);
    size_t length = (size_t)head + (producer * 31 + line * 7) % (LINE_MAX_BYTES - 40);
    memset(out + head, 'a' + (int)(line % 26), length - (size_t)head);
    out[length++] = '\n';
    return length;
}

static void *produce(void *context) {
    struct producer *producer = context;
    for (unsigned i = 0; i < LINES; i++) {
        char line[LINE_MAX_BYTES];
        size_t length = write_line(producer->number, i, line);
        if (!outlet_put(producer->outlet, line, length)) {
            atomic_store(&producer->has_failed, true);
            break;
        }
    }
    atomic_store(&producer->is_done, true);
    return NULL;
}

static void start(struct producer *producers, struct outlet *outlet) {
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.outlet = outlet, .number = i};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
}

static void join(struct producer *producers) {
    for (unsigned i = 0; i < PRODUCERS; i++) {
        assert_int_equal(pthread_join(producers[i].thread, NULL), 0);
    }
}

/* Lines longer than the room, of several threads, whole and each thread's in order; the owner looks when it was told.
 */
static void lines_of_several_threads_do_not_mix(void **state) {
    (void)state;
    struct outlet *outlet = open_outlet(ROOM);
    struct producer producers[PRODUCERS];
    unsigned next[PRODUCERS] = {0};
    char line[LINE_MAX_BYTES];
    size_t length = 0;
    size_t lines = 0;
    start(producers, outlet);
    while (lines < PRODUCERS * LINES) {
        while (hear() == 0) {
            sched_yield();
        }
        char out[7];
        size_t taken;
        while ((taken = outlet_take(outlet, out, sizeof out)) > 0) {
            for (size_t i = 0; i < taken; i++) {
                assert_true(length < sizeof line);
                line[length++] = out[i];
                if (out[i] == '\n') {
                    char expected[LINE_MAX_BYTES];
                    unsigned producer = (unsigned)strtoul(line, NULL, 10);
                    assert_true(producer < PRODUCERS);
                    assert_int_equal(write_line(producer, next[producer]++, expected), length);
                    assert_memory_equal(line, expected, length);
                    length = 0;
                    lines++;
                }
            }
        }
    }
    join(producers);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        assert_false(atomic_load(&producers[i].has_failed));
    }
    close_outlet(outlet);
}

/* Nobody takes anything: no more than the room is put, and all give up when they are told to. The line that is being
 * put is ended. */
static void producers_wait_for_room_and_give_up(void **state) {
    (void)state;
    for (int leaves = 0; leaves < 2; leaves++) {
        struct outlet *outlet = open_outlet(ROOM);
        struct producer producers[PRODUCERS];
        start(producers, outlet);
        while (outlet_offer(outlet, "", 0)) { /* until one waits */
            sched_yield();
        }
        for (unsigned i = 0; i < PRODUCERS; i++) {
            assert_false(atomic_load(&producers[i].is_done));
        }
        if (leaves) {
            outlet_leave(outlet);
        } else {
            outlet_give_up(outlet);
        }
        join(producers);
        for (unsigned i = 0; i < PRODUCERS; i++) {
            assert_true(atomic_load(&producers[i].has_failed));
        }
        assert_false(outlet_put(outlet, "a", 1));
        char out[2 * ROOM];
        size_t taken = outlet_take(outlet, out, sizeof out);
        assert_int_equal(taken, out[ROOM - 1] == '\n' ? ROOM : ROOM + 1);
        assert_int_equal(out[taken - 1], '\n'); /* of a line that is cut off, too */
        assert_int_equal(outlet_take(outlet, out, sizeof out), 0);
        close_outlet(outlet);
    }
}

/* A link that is on its way keeps it, and a producer's own reference. */
static void what_is_referred_to_stays(void **state) {
    (void)state;
    struct outlet *outlet = open_outlet(ROOM);
    struct outlet *ours = outlet_hold(outlet);
    assert_true(outlet_put(outlet, "a", 1));
    outlet_leave(outlet);
    outlet_drop(outlet);
    assert_false(outlet_put(ours, "a", 1));
    outlet_drop(ours);
    struct mailbox_link *link = mailbox_take(&mailbox);
    assert_non_null(link);
    assert_false(memory_budget_charge(&budget, LIMIT));
    assert_null(outlet_of_link(link));
    assert_true(memory_budget_charge(&budget, LIMIT));
    mailbox_deinit(&mailbox);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_taken),
        cmocka_unit_test(a_small_one_that_is_empty_has_no_room),
        cmocka_unit_test(a_small_one_grows_as_far_as_it_may),
        cmocka_unit_test(the_owner_is_told_when_it_has_found_nothing),
        cmocka_unit_test(what_is_offered_fits_or_not),
        cmocka_unit_test(memory_is_asked_for),
        cmocka_unit_test(lines_of_several_threads_do_not_mix),
        cmocka_unit_test(producers_wait_for_room_and_give_up),
        cmocka_unit_test(what_is_referred_to_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is asked of the disk's thread is done there, one thing after the other, and all of it before the end.
 *
 * ctest: threads */
#include "server/engine/disk_thread.h"

#include "tests/unit/worker.h"

enum { ERRANDS = 100 };

struct errand {
    struct disk_task task; /* first: a struct disk_task * is a struct errand * */
    struct errand *next;   /* what it asks for itself */
    pid_t ran_on;
    unsigned place; /* in the order of their ends, from 1 on; 0: it wasn't run */
    bool gated;
    bool gate;
    bool finished;
};

static struct disk_thread *thread;
static unsigned finished_count; /* the disk's thread's */

static void run(struct disk_task *task) {
    struct errand *errand = (struct errand *)task;
    if (errand->gated) {
        await(&errand->gate);
    }
    errand->ran_on = gettid();
    errand->place = ++finished_count;
    if (errand->next) {
        disk_thread_do(thread, &errand->next->task, run);
    }
    raise_flag(&errand->finished);
}

static int set_up(void **state) {
    (void)state;
    finished_count = 0;
    thread = disk_thread_new();
    return thread ? 0 : -1;
}

static void one_thing_is_done_after_the_other_in_order(void **state) {
    (void)state;
    struct errand errands[ERRANDS] = {{.gated = true}};
    for (unsigned i = 0; i < ERRANDS; i++) {
        disk_thread_do(thread, &errands[i].task, run);
    }
    assert_false(look(&errands[1].finished));
    raise_flag(&errands[0].gate);
    await(&errands[ERRANDS - 1].finished);
    for (unsigned i = 0; i < ERRANDS; i++) {
        assert_int_equal(errands[i].place, i + 1);
        assert_int_equal(errands[i].ran_on, errands[0].ran_on);
    }
    assert_int_not_equal(errands[0].ran_on, gettid());
    disk_thread_free(thread);
}

/* Each time it has gone to sleep, perhaps. */
static void what_is_asked_later_is_done_as_well(void **state) {
    (void)state;
    for (unsigned i = 0; i < ERRANDS; i++) {
        struct errand errand = {0};
        disk_thread_do(thread, &errand.task, run);
        await(&errand.finished);
        assert_int_equal(errand.place, i + 1);
    }
    disk_thread_free(thread);
}

static void the_end_waits_for_what_was_asked_and_what_that_asks_for(void **state) {
    (void)state;
    struct errand errands[ERRANDS] = {0};
    for (unsigned i = 0; i + 1 < ERRANDS; i++) {
        errands[i].next = &errands[i + 1];
    }
    disk_thread_do(thread, &errands[0].task, run);
    disk_thread_free(thread);
    for (unsigned i = 0; i < ERRANDS; i++) {
        assert_int_equal(errands[i].place, i + 1);
    }
    disk_thread_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_thing_is_done_after_the_other_in_order, set_up),
        cmocka_unit_test_setup(what_is_asked_later_is_done_as_well, set_up),
        cmocka_unit_test_setup(the_end_waits_for_what_was_asked_and_what_that_asks_for, set_up),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("disk_thread", tests, NULL, NULL);
}

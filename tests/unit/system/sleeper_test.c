/* A thread that sleeps until it is woken or something is due: no wake-up is lost, what is due is noticed by the clock
 * that is set. A sleep that doesn't end is a test that doesn't.
 *
 * ctest: threads */
#include "server/system/sleeper.h"
#include "tests/unit/fake_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROUNDS = 2000 };

/* What the thread and its test tell each other, under the lock. */
struct owner {
    struct sleeper sleeper;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    unsigned asked, answers;
    bool closing;
    uint64_t due_ns;
};

static void open_owner(struct owner *owner, void *(*run)(void *)) {
    *owner = (struct owner){.due_ns = UINT64_MAX};
    pthread_mutex_init(&owner->lock, NULL);
    pthread_cond_init(&owner->answered, NULL);
    sleeper_init(&owner->sleeper);
    assert_int_equal(sleeper_start(&owner->sleeper, "sleeper", run, owner), 0);
}

static void close_owner(struct owner *owner) {
    pthread_mutex_lock(&owner->lock);
    owner->closing = true;
    sleeper_wake(&owner->sleeper);
    pthread_mutex_unlock(&owner->lock);
    sleeper_join(&owner->sleeper);
    sleeper_deinit(&owner->sleeper);
    pthread_cond_destroy(&owner->answered);
    pthread_mutex_destroy(&owner->lock);
}

static void await_answers(struct owner *owner, unsigned answers) {
    while (owner->answers < answers) {
        pthread_cond_wait(&owner->answered, &owner->lock);
    }
}

static void *answer(void *context) {
    struct owner *owner = context;
    pthread_mutex_lock(&owner->lock);
    while (!owner->closing) {
        while (owner->answers < owner->asked) {
            owner->answers++;
            pthread_cond_signal(&owner->answered);
        }
        sleeper_sleep(&owner->sleeper, &owner->lock, owner->due_ns);
    }
    pthread_mutex_unlock(&owner->lock);
    return NULL;
}

static void no_wake_up_is_lost(void **state) {
    (void)state;
    struct owner owner;
    open_owner(&owner, answer);
    pthread_mutex_lock(&owner.lock);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        owner.due_ns = round % 2 ? UINT64_MAX : clock_now_ns() + 3600 * NS_PER_S;
        owner.asked = round;
        sleeper_wake(&owner.sleeper);
        await_answers(&owner, round);
    }
    pthread_mutex_unlock(&owner.lock);
    close_owner(&owner);
}

/* Answers when its time has come, once. */
static void *answer_when_due(void *context) {
    struct owner *owner = context;
    pthread_mutex_lock(&owner->lock);
    while (!owner->closing) {
        if (owner->due_ns != UINT64_MAX && clock_left_ns(owner->due_ns) == 0) {
            owner->due_ns = UINT64_MAX;
            owner->answers++;
            pthread_cond_signal(&owner->answered);
        }
        sleeper_sleep(&owner->sleeper, &owner->lock, owner->due_ns);
    }
    pthread_mutex_unlock(&owner->lock);
    return NULL;
}

static void what_is_due_is_noticed_without_a_wake_up(void **state) {
    (void)state;
    struct owner owner;
    open_owner(&owner, answer_when_due);
    pthread_mutex_lock(&owner.lock);
    for (unsigned round = 1; round <= 10; round++) {
        owner.due_ns = clock_now_ns() + NS_PER_MS;
        sleeper_wake(&owner.sleeper); /* to look at what is due, which isn't yet */
        await_answers(&owner, round);
        assert_true(owner.due_ns == UINT64_MAX);
    }
    pthread_mutex_unlock(&owner.lock);
    close_owner(&owner);
}

static void what_is_due_already_is_no_sleep(void **state) {
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct sleeper sleeper;
    sleeper_init(&sleeper);
    fake_clock_install(1000);
    pthread_mutex_lock(&lock);
    sleeper_sleep(&sleeper, &lock, 0);
    sleeper_sleep(&sleeper, &lock, 1000);
    fake_clock_advance(3600 * NS_PER_S); /* the clock that is set decides */
    sleeper_sleep(&sleeper, &lock, 3600 * NS_PER_S);
    pthread_mutex_unlock(&lock);
    fake_clock_remove();
    sleeper_deinit(&sleeper);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wake_up_is_lost),
        cmocka_unit_test(what_is_due_is_noticed_without_a_wake_up),
        cmocka_unit_test(what_is_due_already_is_no_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A thread has its name and no signals from its first instruction on, and its starter has its own as before.
 *
 * ctest: threads */
#include "server/system/thread.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    sigset_t blocked;
    char name[16];
};

static void *look(void *context) {
    struct seen *seen = context;
    pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
    (void)pthread_getname_np(pthread_self(), seen->name, sizeof seen->name);
    return seen;
}

static void it_has_its_name_and_returns_to_who_joins_it(void **state) {
    (void)state;
    static const char *const names[] = {"a", "fifteen bytes  "};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct seen seen = {0};
        pthread_t thread;
        void *returned = NULL;
        assert_int_equal(thread_start(&thread, names[i], look, &seen), 0);
        assert_int_equal(pthread_join(thread, &returned), 0);
        assert_ptr_equal(returned, &seen);
        assert_string_equal(seen.name, names[i]);
    }
}

static void signals_are_left_to_other_threads(void **state) {
    (void)state;
    sigset_t before, after;
    struct seen seen = {0};
    pthread_t thread;
    sigemptyset(&before);
    sigaddset(&before, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(thread_start(&thread, "test", look, &seen), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (int signal = 1; signal < SIGRTMIN; signal++) {
        bool is_glibcs_own = sigismember(&before, signal) < 0 || signal > SIGSYS;
        bool is_never_blocked = signal == SIGKILL || signal == SIGSTOP;
        assert_int_equal(sigismember(&after, signal), sigismember(&before, signal));
        if (!is_glibcs_own && !is_never_blocked && sigismember(&seen.blocked, signal) != 1) {
            fail_msg("signal %d is not blocked", signal);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_its_name_and_returns_to_who_joins_it),
        cmocka_unit_test(signals_are_left_to_other_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

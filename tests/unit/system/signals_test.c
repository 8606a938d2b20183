/* What signals do, each in a child process of its own. */
#include "server/system/signals.h"

#include "server/system/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { GOOD = 0, BAD = 1 };

/* The wait status of a child that does `work` with the signal's number and exits with what that returns. */
static int status_of(int (*work)(int number), int number) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        _exit(work(number));
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assert_exits_with(int expected, int (*work)(int number), int number) {
    int status = status_of(work, number);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != expected) {
        fail_msg("signal %d: wait status %#x instead of exit status %d", number, (unsigned)status, expected);
    }
}

static int survive(int number) {
    signals_init();
    kill(getpid(), number);
    return GOOD;
}

static void stray_signals_do_nothing(void **state) {
    static const int strays[] = {SIGHUP,  SIGUSR1, SIGUSR2,   SIGPIPE, SIGALRM,
                                 SIGPROF, SIGPOLL, SIGVTALRM, SIGXFSZ, SIGSTKFLT};
    (void)state;
    for (size_t i = 0; i < sizeof strays / sizeof *strays; i++) {
        assert_exits_with(GOOD, survive, strays[i]);
    }
    for (int number = 32; number <= SIGRTMAX; number++) {
        if (number != SIGRTMIN - 1) { /* glibc's own handler, from the first thread on */
            assert_exits_with(GOOD, survive, number);
        }
    }
}

static int await_one(int number) {
    char expected[32] = "SIG";
    signals_init();
    kill(getpid(), number);
    strncat(expected, sigabbrev_np(number), sizeof expected - 4);
    return strcmp(signals_await_stop(), expected) == 0 ? GOOD : BAD;
}

static void those_that_stop_are_waited_for_and_named(void **state) {
    static const int stops[] = {SIGTERM, SIGINT, SIGQUIT, SIGPWR, SIGXCPU};
    (void)state;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        assert_exits_with(GOOD, await_one, stops[i]);
    }
}

static uint64_t now_ns = 7 * NS_PER_S;

static uint64_t tell_now(void) {
    return now_ns;
}

static const struct clock_source own_clock = {.now_ns = tell_now, .thread_cpu_ns = tell_now};

/* Another signal so long after the first. */
static int be_hasty_after(int number, uint64_t pause_ns) {
    clock_set_source(&own_clock);
    signals_init();
    kill(getpid(), SIGTERM);
    signals_await_stop();
    now_ns += pause_ns;
    kill(getpid(), number);
    signals_await_haste(1000);
    return GOOD;
}

static int be_hasty(int number) {
    return be_hasty_after(number, 200 * NS_PER_MS);
}

static int repeat_at_once(int number) {
    return be_hasty_after(number, 200 * NS_PER_MS - 1);
}

static void a_second_one_ends_the_process_if_somebody_wants_it(void **state) {
    (void)state;
    assert_exits_with(128 + SIGTERM, be_hasty, SIGTERM);
    assert_exits_with(128 + SIGINT, be_hasty, SIGINT);
    assert_exits_with(128 + SIGQUIT, be_hasty, SIGQUIT);
    assert_exits_with(GOOD, be_hasty, SIGPWR);
    assert_exits_with(GOOD, be_hasty, SIGXCPU);
    assert_exits_with(GOOD, be_hasty, SIGHUP);
}

static void one_wish_may_come_twice(void **state) {
    (void)state;
    assert_exits_with(GOOD, repeat_at_once, SIGTERM);
    assert_exits_with(GOOD, repeat_at_once, SIGINT);
}

static volatile sig_atomic_t handled;

static void handle(int number) {
    handled = number;
}

static int keep_handler(int number) {
    signal(number, handle);
    signals_init();
    kill(getpid(), number);
    return handled == number ? GOOD : BAD;
}

static int keep_handler_with_facts(int number) {
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_handler = handle; /* the same place; the facts aren't looked at */
    sigaction(number, &action, NULL);
    signals_init();
    kill(getpid(), number);
    return handled == number ? GOOD : BAD;
}

static void a_handler_that_somebody_has_set_stays(void **state) {
    (void)state;
    assert_exits_with(GOOD, keep_handler, SIGPROF);
    assert_exits_with(GOOD, keep_handler_with_facts, SIGPROF);
    assert_exits_with(GOOD, keep_handler, SIGRTMIN + 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stray_signals_do_nothing),
        cmocka_unit_test(those_that_stop_are_waited_for_and_named),
        cmocka_unit_test(a_second_one_ends_the_process_if_somebody_wants_it),
        cmocka_unit_test(one_wish_may_come_twice),
        cmocka_unit_test(a_handler_that_somebody_has_set_stays),
    };
    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}

#include "server/system/signals.h"

#include "server/system/clock.h"
#include "server/system/log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The first three are somebody's wish, and sent once. */
static const int stops[] = {SIGTERM, SIGINT, SIGQUIT, SIGPWR, SIGXCPU};
enum { STOPS_ALL = sizeof stops / sizeof *stops, STOPS_HASTY = 3 };

static const int ignored[] = {SIGHUP,  SIGUSR1, SIGUSR2,   SIGPIPE, SIGALRM,
                              SIGPROF, SIGPOLL, SIGVTALRM, SIGXFSZ, SIGSTKFLT};

/* The first of those that glibc keeps for itself, in its case for pthread_cancel, which nothing here calls. */
enum { SIGNAL_OF_CANCEL = 32 };

static sigset_t set_of(size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) {
        sigaddset(&set, stops[i]);
    }
    return set;
}

static void ignore(int number) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL) {
        signal(number, SIG_IGN);
    }
}

void signals_init(void) {
    sigset_t stop = set_of(STOPS_ALL);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        ignore(ignored[i]);
    }
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
        ignore(number);
    }
    /* The kernel's own struct sigaction begins with the handler, and is shorter than this. */
    struct {
        void (*handler)(int);
        uint64_t rest[7];
    } nothing = {.handler = SIG_IGN};
    (void)syscall(SYS_rt_sigaction, SIGNAL_OF_CANCEL, &nothing, NULL, sizeof(uint64_t));
}

/* Wrappers send one wish several times: coreutils' timeout signals its child and then the child's group, a shell the
 * whole group that a person's Ctrl-C has reached already. */
#define ONE_WISH_NS (200 * NS_PER_MS)

static uint64_t stopped_ns;

const char *signals_await_stop(void) {
    static char name[32];
    sigset_t stop = set_of(STOPS_ALL);
    int caught = 0;
    sigwait(&stop, &caught);
    stopped_ns = clock_now_ns();
    (void)snprintf(name, sizeof name, "SIG%s", sigabbrev_np(caught));
    return name;
}

void signals_await_haste(uint64_t wait_ns) {
    sigset_t hasty = set_of(STOPS_HASTY);
    struct timespec wait = {(time_t)(wait_ns / NS_PER_S), (long)(wait_ns % NS_PER_S)};
    int caught = sigtimedwait(&hasty, NULL, &wait);
    if (caught > 0 && clock_now_ns() - stopped_ns >= ONE_WISH_NS) {
        log_event(LOG_WARN, "ended", "SIG%s received while draining; what is not answered yet is cut off",
                  sigabbrev_np(caught));
        log_close();
        _exit(128 + caught);
    }
}

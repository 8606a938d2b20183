/* Compiled without sanitizers (CMakeLists.txt): keep_out runs before they are there. It calls nothing for that reason.
 */
#include "server/system/openmp_environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Waiting threads spin for a moment and then sleep: spinning burns the CPU quota of a container, sleeping at once costs
 * 57 µs a region against 0.7 (bench/README.md, "OpenMP teams"). The stacks are as service.c gives all other threads. */
static char needed[][32] = {"OMP_WAIT_POLICY=passive", "GOMP_SPINCOUNT=1000", "OMP_DYNAMIC=false",
                            "OMP_MAX_ACTIVE_LEVELS=1", "OMP_STACKSIZE=2M"};
static const char *const prefixes[] = {"OMP_", "GOMP_", "KMP_", "HWLOC_"};

enum { NEEDED_COUNT = sizeof needed / sizeof *needed, NAMED_MAX = 16, NAMED_BYTES = 48 };

/* What keep_out found. */
static const char *foreign[NAMED_MAX];
static size_t foreign_count;
static unsigned present; /* bit i: needed[i] */

static bool starts_with(const char *text, const char *start) {
    while (*start != '\0' && *text == *start) {
        text++;
        start++;
    }
    return *start == '\0';
}

/* Its bit in `present`, 0 if it isn't one of those needed. */
static unsigned needed_bit(const char *entry) {
    for (unsigned i = 0; i < NEEDED_COUNT; i++) {
        if (starts_with(entry, needed[i]) && starts_with(needed[i], entry)) {
            return 1U << i;
        }
    }
    return 0;
}

static bool is_kept_out(const char *entry) {
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (starts_with(entry, prefixes[i])) {
            return true;
        }
    }
    return false;
}

/* Removes from an environment, in place, what is OpenMP's or hwloc's and not needed. */
static void keep_out(int argc, char **argv, char **environment) {
    (void)argc;
    (void)argv;
    char **kept = environment;
    for (char **entry = environment; *entry; entry++) {
        unsigned bit = needed_bit(*entry);
        present |= bit;
        if (bit || !is_kept_out(*entry)) {
            *kept++ = *entry;
            continue;
        }
        if (foreign_count < NAMED_MAX) {
            foreign[foreign_count] = *entry;
        }
        foreign_count++;
    }
    *kept = NULL;
}

/* Run by the dynamic loader before the constructors of all libraries. */
__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(int, char **,
                                                                                       char **) = keep_out;

static void say_foreign(void) {
    char list[NAMED_MAX * (NAMED_BYTES + 2) + 1];
    size_t used = 0, named = foreign_count < NAMED_MAX ? foreign_count : NAMED_MAX;
    for (size_t i = 0; i < named; i++) {
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%.*s", i == 0 ? "" : ", ", NAMED_BYTES, foreign[i]);
    }
    log_event(LOG_WARN, "environment-ignored",
              "threads, cores and pinning come from this service's own settings, the topology from the system, none of "
              "it from %s%s",
              list, named < foreign_count ? " and others" : "");
}

static bool set_needed(void) {
    for (size_t i = 0; i < NEEDED_COUNT; i++) {
        if (putenv(needed[i]) != 0) {
            return false;
        }
    }
    return true;
}

void openmp_environment_settle(char **argv, enum log_level level) {
    if (foreign_count > 0 && level >= LOG_WARN) {
        say_foreign();
    }
    if (foreign_count == 0 && present == (1U << NEEDED_COUNT) - 1) {
        return;
    }
    keep_out(0, argv, environ); /* what constructors may have added: the program would start again and again */
    if (set_needed()) {
        execv("/proc/self/exe", argv);
    }
    fprintf(stderr, "forkjoin: cannot restart itself with %s (%s); idle teams will spin\n", needed[0], strerror(errno));
}

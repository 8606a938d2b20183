/* To be preloaded: the allocations from number MALLOC_FAILS_FROM to MALLOC_FAILS_TO (counted from 1, in all threads
 * together; a child process goes on counting, but none of its own fail with MALLOC_SPARES_CHILDREN set) fail. With
 * MALLOC_REPORTS set the process tells on stderr, when it exits, how many there were. */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* glibc's own, which need no looking up. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static atomic_ulong count, first, last;
static atomic_bool is_set_up;
static pid_t whole; /* the one process in which they fail, 0: in all */

static unsigned long number(const char *name) {
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : 0;
}

static bool fails(void) {
    if (!atomic_exchange(&is_set_up, true)) {
        first = number("MALLOC_FAILS_FROM");
        last = number("MALLOC_FAILS_TO");
        whole = getenv("MALLOC_SPARES_CHILDREN") ? getpid() : 0;
    }
    unsigned long own = atomic_fetch_add(&count, 1) + 1;
    if (own < first || own > last || (whole && whole != getpid())) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

void *malloc(size_t bytes) {
    return fails() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t members, size_t bytes) {
    return fails() ? NULL : __libc_calloc(members, bytes);
}

void *realloc(void *block, size_t bytes) {
    return fails() ? NULL : __libc_realloc(block, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    return fails() ? NULL : __libc_memalign(alignment, bytes);
}

__attribute__((destructor)) static void report(void) {
    char line[32];
    if (getenv("MALLOC_REPORTS")) {
        int length = snprintf(line, sizeof line, "%lu\n", atomic_load(&count));
        (void)!write(STDERR_FILENO, line, (size_t)length);
    }
}

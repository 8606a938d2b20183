#pragma once
/* The team of threads a kernel runs with, and the one parallel loop all kernels share.
 *
 * A kernel splits its index range into pieces and hands them to team_for, which runs them on the calling thread
 * (one thread: OpenMP is never entered) or on an OpenMP team of exactly `threads` under the given schedule. Before each
 * piece, and within those that are longer than the kernel would choose, the cancel flag is polled; once it is set what
 * remains is skipped.
 *
 * The result of a kernel must not depend on how its range was split: integer sums are exact, and elementwise results
 * depend on the element alone. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum team_schedule { TEAM_STATIC, TEAM_DYNAMIC, TEAM_GUIDED };

struct team {
    unsigned threads;            /* >= 1 */
    enum team_schedule schedule; /* of pieces over threads */
    size_t chunk;                /* elements (bytes for text) per piece, 0 = the kernel's choice */
};

/* What others may see and ask of a kernel while it runs. Any member may be NULL. */
struct progress {
    const atomic_bool *cancel;    /* set by others: stop soon */
    atomic_uint_fast64_t *cpu_ns; /* CPU time the team's other threads used, added by the kernel */
    atomic_uint_fast64_t *done;   /* elements of the kernel's range that are finished, added piece by piece … */
    atomic_uint_fast64_t *total;  /* … and how many there are, added by team_for when it begins. A kernel that calls
                                     that for one part after the other adds all of them at first, and gives no `total` */
};

enum kernel_status {
    KERNEL_DONE,
    KERNEL_CANCELLED,
    KERNEL_NO_MEMORY /* of kernels that take memory while they run */
};

/* Works on elements [begin, end). Runs on any thread of the team, many at once. */
typedef void team_body(void *context, size_t begin, size_t end);

/* What is dealt out at once is one piece, or several neighbours where there would be more turns than this: dealing one
 * out takes 20 to 50 ns, so a cancelled loop ends within 3 ms. */
enum { TEAM_TURNS_MAX = 1 << 16 };

/* Covers [0, count) with pieces of `team->chunk` elements (of `piece` where that is 0; the last may be shorter). With
 * TEAM_STATIC and chunk 0 each thread gets one contiguous run of pieces, otherwise they are dealt out one by one, or
 * several neighbours at once (TEAM_TURNS_MAX). Every element is handed to body exactly once, unless cancelled; what a
 * thread has been dealt, in order, in slices of `piece` elements, the last of less than twice that. One thread, or a
 * single piece: the calling one. `piece` >= 1; `progress` isn't NULL. Returns KERNEL_CANCELLED if anything was
 * skipped. */
enum kernel_status team_for(const struct team *team, const struct progress *progress, size_t count, size_t piece,
                            team_body *body, void *context) __attribute__((warn_unused_result));

/* Which of its team's threads the calling one is, from 0 on: 0 outside of bodies. */
unsigned team_thread(void);

/* For a body that itself runs kernels, each with a team of one: for those the calling thread is thread 0. Returns what
 * it was, which ends it. */
unsigned team_begin_alone(void);
void team_end_alone(unsigned thread);

/* Name of the instruction set the kernels' vector code runs with here: "x86-64-v4", "x86-64-v3", "x86-64", or the
 * architecture's name elsewhere. Static string. */
const char *team_instruction_set(void);

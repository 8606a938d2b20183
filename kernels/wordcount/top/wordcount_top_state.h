#pragma once
/* Internal to kernels/wordcount/top. A frequency count between two windows.
 *
 * Each thread of the team has a worker of its own, with its own memory and table, so that counting shares nothing; what
 * several of them have met is added up at the end. */
#include "kernels/team.h"
#include "kernels/wordcount/top/wordcount_top_brief.h"

#include <stdalign.h>

struct top_worker {
    alignas(64) struct top_arena arena; /* apart from its neighbours' cache lines */
    struct top_brief brief;
    struct top_table table; /* of longer words; no slots: not set up yet */
    uint64_t words;
    uint8_t *scratch; /* a word in lower case */
    size_t scratch_bytes;
};

struct wordcount_top {
    struct top_arena arena; /* of the calling thread */
    struct top_table_key key;
    const atomic_bool *cancel; /* the call's at work; may be NULL */
    atomic_int stopped;        /* enum kernel_status: why the pieces that are left needn't be counted */
    uint8_t *carry;            /* the beginning of a word that has not ended */
    size_t carry_length, carry_capacity;
    unsigned threads;
    struct top_worker workers[];
};

/* The worker of the calling thread, set up for the call at work; NULL where memory was refused, which is noted in
 * `stopped`. */
struct top_worker *top_worker(struct wordcount_top *top);

static inline void top_stop(struct wordcount_top *top, enum kernel_status status) {
    atomic_store_explicit(&top->stopped, (int)status, memory_order_relaxed);
}

/* What a call returns: whatever failed, that it was cancelled comes first, for that is told by any failure. */
static inline enum kernel_status top_status(struct wordcount_top *top, enum kernel_status status) {
    enum kernel_status stopped = (enum kernel_status)atomic_load_explicit(&top->stopped, memory_order_relaxed);
    return top_cancelled(top->cancel) ? KERNEL_CANCELLED : stopped != KERNEL_DONE ? stopped : status;
}

/* Asked between pieces of work of 0.2 ms at most. */
static inline bool top_stopped(struct wordcount_top *top) {
    return top_cancelled(top->cancel) || atomic_load_explicit(&top->stopped, memory_order_relaxed) != KERNEL_DONE;
}

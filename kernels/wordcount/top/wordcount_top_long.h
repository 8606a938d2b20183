#pragma once
/* Internal to kernels/wordcount/top. What may be as long as the text, with a look at the cancel flag (NULL: there is
 * none) every TOP_PAUSE_BYTES, which take less than 0.2 ms, page faults included. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOP_PAUSE_BYTES = 64 << 10 };

static inline bool top_cancelled(const atomic_bool *cancel) {
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* False: cancelled, and not all is copied. */
bool top_long_copy(void *to, const void *from, size_t bytes, const atomic_bool *cancel);
bool top_long_clear(void *to, size_t bytes, const atomic_bool *cancel);

/* As memcmp; anything once cancelled. */
int top_long_compare(const void *a, const void *b, size_t bytes, const atomic_bool *cancel);

#pragma once
/* Internal to kernels. Of all that fails in a kernel's pieces, in whatever order they come: the first, as a number
 * whose order is theirs. It begins as UINT64_MAX: nothing has failed. Any thread; read when all have ended. */
#include <stdatomic.h>
#include <stdint.h>

static inline void first_failure_note(atomic_uint_fast64_t *first, uint64_t failure) {
    uint_fast64_t known = atomic_load_explicit(first, memory_order_relaxed);
    while (failure < known &&
           !atomic_compare_exchange_weak_explicit(first, &known, failure, memory_order_relaxed, memory_order_relaxed)) {
    }
}

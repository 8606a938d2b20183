/* One atomic counter. A compare-and-swap loop rather than add-then-undo: an attempt that is far too large must not make
 * another thread's small one fail while it is being undone. Relaxed order is enough, since the counter publishes
 * nothing. */
#include "server/engine/memory_budget.h"

#include <assert.h>

void memory_budget_init(struct memory_budget *budget, size_t limit_bytes) {
    budget->limit_bytes = limit_bytes;
    atomic_init(&budget->used_bytes, 0);
}

bool memory_budget_charge(struct memory_budget *budget, size_t bytes) {
    size_t used = atomic_load_explicit(&budget->used_bytes, memory_order_relaxed);
    do {
        if (bytes > budget->limit_bytes - used) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&budget->used_bytes, &used, used + bytes, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

void memory_budget_refund(struct memory_budget *budget, size_t bytes) {
    size_t before = atomic_fetch_sub_explicit(&budget->used_bytes, bytes, memory_order_relaxed);
    assert(before >= bytes);
    (void)before;
}

bool memory_budget_fits(const struct memory_budget *budget, size_t bytes) {
    return bytes <= budget->limit_bytes - atomic_load_explicit(&budget->used_bytes, memory_order_relaxed);
}

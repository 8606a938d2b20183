#pragma once
/* How many bytes all requests together may hold: charged before memory is allocated, refunded after it is freed. Any
 * thread. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct memory_budget {
    size_t limit_bytes;
    atomic_size_t used_bytes; /* never above limit_bytes, not even for a moment */
};

void memory_budget_init(struct memory_budget *budget, size_t limit_bytes);

/* False, and nothing charged, if it would pass the limit. */
bool memory_budget_charge(struct memory_budget *budget, size_t bytes) __attribute__((warn_unused_result));

/* bytes: no more than is charged. */
void memory_budget_refund(struct memory_budget *budget, size_t bytes);

/* Would it fit just now? The next moment may tell otherwise. */
bool memory_budget_fits(const struct memory_budget *budget, size_t bytes);

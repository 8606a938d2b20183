#pragma once
/* Memory that outlives requests: charged to the server's budget and taken from its pool as theirs is, but by nobody's
 * account. Unlike every other `struct memory` it may be used by several threads at once. */
#include "server/engine/buffer_pool.h"
#include "server/engine/memory_budget.h"
#include "server/engine/payload.h"

struct shared_memory {
    struct memory base; /* first: a struct memory * is a struct shared_memory * */
    struct memory_budget *budget;
    struct buffer_pool *pool;
};

/* Both are borrowed and outlive all that is taken. */
void shared_memory_init(struct shared_memory *shared, struct memory_budget *budget, struct buffer_pool *pool);

/* Makes a payload of a request's, held once, this memory's: it outlives the request then. Its bytes stay where they
 * are, with their charge. False, and nothing has changed, where they can't: the block is a small one that belongs to
 * the request, or more than an eighth of it is of no use. What is this memory's already is fine. */
bool shared_memory_adopt(struct shared_memory *shared, struct payload *payload) __attribute__((warn_unused_result));

#pragma once
/* The memory of one request (a `struct memory`): every byte is charged to the server's budget before it is taken from
 * the pool. Like every `struct memory`, used by one thread at a time. */
#include "codecs/memory.h"
#include "server/engine/buffer_pool.h"
#include "server/engine/memory_budget.h"

struct account {
    struct memory base; /* first: a struct memory * is a struct account * */
    struct memory_budget *budget;
    struct buffer_pool *pool;
    size_t charged_bytes;
};

/* budget and pool are borrowed and outlive the account. */
void account_init(struct account *account, struct memory_budget *budget, struct buffer_pool *pool);

/* Everything taken must have been given back: asserted in debug builds; release builds refund the rest to the budget.
 */
void account_close(struct account *account);

#pragma once
/* The memory of one request (a `struct memory`): every byte is charged to the server's budget before it is taken from
 * the pool. Like every `struct memory`, used by one thread at a time.
 *
 * What is announced and may never come (a declared body) is reserved instead, and charged as it comes: until then it is
 * address space, which costs nothing. What the budget doesn't count: blocks that the pool keeps, and what isn't charged
 * yet of reserved blocks that it kept before; both together count against the pool's own limit (buffer_pool.h). So who
 * announces without sending takes warm memory from others at worst, never room. */
#include "codecs/memory.h"
#include "server/engine/buffer_pool.h"
#include "server/engine/memory_budget.h"

/* account.c's own. */
struct pocket {
    char *next; /* its free part */
    char *start, *end;
    unsigned in_use; /* blocks */
};

enum { ACCOUNT_POCKETS = 2 };

struct account {
    struct memory base; /* first: a struct memory * is a struct account * */
    struct memory_budget *budget;
    struct buffer_pool *pool;
    size_t charged_bytes;
    struct pocket pockets[ACCOUNT_POCKETS];
};

/* budget and pool are borrowed and outlive the account. */
void account_init(struct account *account, struct memory_budget *budget, struct buffer_pool *pool);

/* Small blocks are cut from here first, while there is room: a few instructions in place of malloc's few hundred, five
 * times a request. Charged as all others. 64-byte aligned, borrowed, and the account's alone until it is closed. */
void account_lend_pocket(struct account *account, char *pocket, size_t bytes);
/* As that, for what has no room in the first one. */
void account_lend_second(struct account *account, char *pocket, size_t bytes);
bool account_has_second(const struct account *account);
/* The second pocket, which isn't the account's any more. NULL: a block of it is in use, or there is none. */
char *account_return_second(struct account *account);

/* Everything taken must have been given back: asserted in debug builds; release builds refund the rest to the budget.
 */
void account_close(struct account *account);

/* The account that this memory is; NULL where it is of another kind. */
struct account *account_of(struct memory *memory);

/* The block, of `bytes`, leaves the account together with its charge: whoever has it then gives it back to the pool and
 * refunds them to the budget. False, and nothing happens: it is a small one that lies in the pocket. */
bool account_part(struct account *account, const void *block, size_t bytes) __attribute__((warn_unused_result));

/* Large blocks only: smaller ones are charged whole when they are reserved. */
struct reservation {
    char *block; /* NULL: none */
    size_t bytes;
    size_t charged_bytes; /* from the start on: these may be written */
    size_t lent_bytes;    /* kept by the pool before and not charged yet */
    bool was_kept;
};

/* A block of `bytes`, at least 1, to be written from its start on. False when so much doesn't fit just now, charged or
 * not (call_memory_short says which kind of problem that is), or the system refuses it: nothing is reserved then. That
 * it fits now is no promise. */
bool account_reserve(struct account *account, size_t bytes, struct reservation *reservation)
    __attribute__((warn_unused_result));

/* To be called before the first `written_bytes`, at most `bytes`, have all been written; charges what that makes
 * resident, in steps of BUFFER_POOL_PAGE_BYTES. False when that doesn't fit: what is charged stays as it was (the
 * problem is call_memory_short of bytes - charged_bytes), and no more than that may be written.
 *
 * Once all `bytes` are charged the block is one like any other of the account: memory_give(&account->base, block,
 * bytes) is right for it, and memory_resize. */
bool account_charge_reserved(struct account *account, struct reservation *reservation, size_t written_bytes)
    __attribute__((warn_unused_result));

/* Gives it back, however much of it is charged, and refunds that. The reservation is empty then; it may be before. */
void account_give_reserved(struct account *account, struct reservation *reservation);

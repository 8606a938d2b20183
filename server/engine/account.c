#include "server/engine/account.h"

#include <assert.h>

static bool charge(struct memory *memory, size_t bytes) {
    struct account *account = (struct account *)memory;
    if (!memory_budget_charge(account->budget, bytes)) {
        return false;
    }
    account->charged_bytes += bytes;
    return true;
}

static void refund(struct memory *memory, size_t bytes) {
    struct account *account = (struct account *)memory;
    assert(account->charged_bytes >= bytes);
    account->charged_bytes -= bytes;
    memory_budget_refund(account->budget, bytes);
}

static void *take(struct memory *memory, size_t bytes) {
    struct account *account = (struct account *)memory;
    if (!charge(memory, bytes)) {
        return NULL;
    }
    void *block = buffer_pool_take(account->pool, bytes);
    if (!block) {
        refund(memory, bytes);
    }
    return block;
}

static void give(struct memory *memory, void *block, size_t bytes) {
    if (!block) {
        return;
    }
    buffer_pool_give(((struct account *)memory)->pool, block, bytes);
    refund(memory, bytes);
}

/* Where the pool copies, old and new block exist at once: both are charged meanwhile. Between large sizes mremap leaves
 * only one. */
static void *resize(struct memory *memory, void *block, size_t old_bytes, size_t new_bytes) {
    struct account *account = (struct account *)memory;
    bool in_place = block && old_bytes >= BUFFER_POOL_LARGE_BYTES && new_bytes >= BUFFER_POOL_LARGE_BYTES;
    size_t added = !in_place ? new_bytes : new_bytes > old_bytes ? new_bytes - old_bytes : 0;
    if (!charge(memory, added)) {
        return NULL;
    }
    void *resized = buffer_pool_resize(account->pool, block, old_bytes, new_bytes);
    if (!resized) {
        refund(memory, added);
        return NULL;
    }
    refund(memory, (block ? old_bytes : 0) + added - new_bytes);
    return resized;
}

void account_init(struct account *account, struct memory_budget *budget, struct buffer_pool *pool) {
    *account = (struct account){
        .base = {.take = take, .resize = resize, .give = give, .charge = charge, .refund = refund},
        .budget = budget,
        .pool = pool,
    };
}

void account_close(struct account *account) {
    assert(account->charged_bytes == 0);
    memory_budget_refund(account->budget, account->charged_bytes);
    account->charged_bytes = 0;
}

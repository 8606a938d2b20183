#include "server/engine/shared_memory.h"

#include "server/engine/account.h"

static struct shared_memory *shared_of(struct memory *memory) {
    return (struct shared_memory *)memory;
}

static bool shared_charge(struct memory *memory, size_t bytes) {
    return memory_budget_charge(shared_of(memory)->budget, bytes);
}

static void shared_refund(struct memory *memory, size_t bytes) {
    memory_budget_refund(shared_of(memory)->budget, bytes);
}

static void *shared_take(struct memory *memory, size_t bytes) {
    if (!shared_charge(memory, bytes)) {
        return NULL;
    }
    void *block = buffer_pool_take(shared_of(memory)->pool, bytes);
    if (!block) {
        shared_refund(memory, bytes);
    }
    return block;
}

static void shared_give(struct memory *memory, void *block, size_t bytes) {
    if (block) {
        buffer_pool_give(shared_of(memory)->pool, block, bytes);
        shared_refund(memory, bytes);
    }
}

/* Old and new block may exist at once: both are charged meanwhile. */
static void *shared_resize(struct memory *memory, void *block, size_t old_bytes, size_t new_bytes) {
    if (!shared_charge(memory, new_bytes)) {
        return NULL;
    }
    void *resized = buffer_pool_resize(shared_of(memory)->pool, block, block ? old_bytes : 0, new_bytes);
    shared_refund(memory, !resized ? new_bytes : block ? old_bytes : 0);
    return resized;
}

void shared_memory_init(struct shared_memory *shared, struct memory_budget *budget, struct buffer_pool *pool) {
    *shared = (struct shared_memory){
        .base = {.take = shared_take,
                 .resize = shared_resize,
                 .give = shared_give,
                 .charge = shared_charge,
                 .refund = shared_refund},
        .budget = budget,
        .pool = pool,
    };
}

bool shared_memory_adopt(struct shared_memory *shared, struct payload *payload) {
    void *block = NULL;
    size_t bytes = 0;
    struct memory *memory = payload_block(payload, &block, &bytes);
    if (memory == &shared->base) {
        return true;
    }
    struct account *account = memory ? account_of(memory) : NULL;
    bool is_worth_it = payload->capacity - payload->length <= bytes / 8;
    if (!account || account->pool != shared->pool || !is_worth_it || !payload_is_writable(payload) ||
        !account_part(account, block, bytes)) {
        return false;
    }
    payload_entrust(payload, &shared->base);
    return true;
}

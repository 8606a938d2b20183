#include "server/engine/account.h"

#include "server/engine/fence.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static bool account_charge(struct memory *memory, size_t bytes) {
    struct account *account = (struct account *)memory;
    if (!memory_budget_charge(account->budget, bytes)) {
        return false;
    }
    account->charged_bytes += bytes;
    return true;
}

static void account_refund(struct memory *memory, size_t bytes) {
    struct account *account = (struct account *)memory;
    assert(account->charged_bytes >= bytes);
    account->charged_bytes -= bytes;
    memory_budget_refund(account->budget, bytes);
}

/* --- pockets: what was cut off last is the first to come back, the rest when nothing of the pocket is in use -------
 */

static size_t pocket_size(size_t bytes) {
    return bytes == 0 ? ALIGNMENT : (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* NULL: it is in none. */
static struct pocket *pocket_of(struct account *account, const void *block) {
    for (size_t i = 0; i < ACCOUNT_POCKETS; i++) {
        struct pocket *pocket = &account->pockets[i];
        if ((const char *)block >= pocket->start && (const char *)block < pocket->end) {
            return pocket;
        }
    }
    return NULL;
}

/* NULL: there is no room. */
static void *cut(struct pocket *pocket, size_t bytes) {
    size_t room = (size_t)(pocket->end - pocket->next);
    if (bytes > room || pocket_size(bytes) > room) {
        return NULL;
    }
    char *block = pocket->next;
    pocket->next += pocket_size(bytes);
    pocket->in_use++;
    UNFENCE(block, bytes);
    return block;
}

static void *obtain(struct account *account, size_t bytes) {
    for (size_t i = 0; i < ACCOUNT_POCKETS; i++) {
        void *block = cut(&account->pockets[i], bytes);
        if (block) {
            return block;
        }
    }
    return buffer_pool_take(account->pool, bytes);
}

static void release(struct account *account, void *block, size_t bytes) {
    struct pocket *pocket = pocket_of(account, block);
    if (!pocket) {
        buffer_pool_give(account->pool, block, bytes);
        return;
    }
    FENCE(block, pocket_size(bytes));
    if (--pocket->in_use == 0) {
        pocket->next = pocket->start;
    } else if ((char *)block + pocket_size(bytes) == pocket->next) {
        pocket->next = block;
    }
}

static void *copy_over(struct account *account, void *block, size_t old_bytes, size_t new_bytes) {
    void *fresh = obtain(account, new_bytes);
    if (fresh && block) {
        memcpy(fresh, block, old_bytes < new_bytes ? old_bytes : new_bytes);
        release(account, block, old_bytes);
    }
    return fresh;
}

static void lend(struct pocket *pocket, char *start, size_t bytes) {
    *pocket = (struct pocket){.next = start, .start = start, .end = start + bytes};
    FENCE(start, bytes);
}

void account_lend_pocket(struct account *account, char *pocket, size_t bytes) {
    lend(&account->pockets[0], pocket, bytes);
}

void account_lend_second(struct account *account, char *pocket, size_t bytes) {
    lend(&account->pockets[1], pocket, bytes);
}

bool account_has_second(const struct account *account) {
    return account->pockets[1].start;
}

char *account_return_second(struct account *account) {
    struct pocket *pocket = &account->pockets[1];
    char *start = pocket->in_use == 0 ? pocket->start : NULL;
    if (start) {
        UNFENCE(start, (size_t)(pocket->end - start));
        *pocket = (struct pocket){0};
    }
    return start;
}

/* --- charged blocks ---------------------------------------------------------------------------------------------- */

static void *account_take(struct memory *memory, size_t bytes) {
    struct account *account = (struct account *)memory;
    if (!account_charge(memory, bytes)) {
        return NULL;
    }
    void *block = obtain(account, bytes);
    if (!block) {
        account_refund(memory, bytes);
    }
    return block;
}

static void account_give(struct memory *memory, void *block, size_t bytes) {
    if (!block) {
        return;
    }
    release((struct account *)memory, block, bytes);
    account_refund(memory, bytes);
}

/* Where it is copied, old and new block exist at once: both are charged meanwhile. Between large sizes mremap leaves
 * only one. */
static void *account_resize(struct memory *memory, void *block, size_t old_bytes, size_t new_bytes) {
    struct account *account = (struct account *)memory;
    bool in_place = block && old_bytes >= BUFFER_POOL_LARGE_BYTES && new_bytes >= BUFFER_POOL_LARGE_BYTES;
    size_t added = !in_place ? new_bytes : new_bytes > old_bytes ? new_bytes - old_bytes : 0;
    if (!account_charge(memory, added)) {
        return NULL;
    }
    void *resized = in_place ? buffer_pool_resize(account->pool, block, old_bytes, new_bytes)
                             : copy_over(account, block, old_bytes, new_bytes);
    if (!resized) {
        account_refund(memory, added);
        return NULL;
    }
    account_refund(memory, (block ? old_bytes : 0) + added - new_bytes);
    return resized;
}

struct account *account_of(struct memory *memory) {
    return memory->take == account_take ? (struct account *)memory : NULL;
}

bool account_part(struct account *account, const void *block, size_t bytes) {
    if (pocket_of(account, block)) {
        return false;
    }
    assert(account->charged_bytes >= bytes);
    account->charged_bytes -= bytes;
    return true;
}

bool account_reserve(struct account *account, size_t bytes, struct reservation *reservation) {
    *reservation = (struct reservation){.bytes = bytes};
    if (bytes < BUFFER_POOL_LARGE_BYTES) {
        reservation->block = account_take(&account->base, bytes);
        reservation->charged_bytes = reservation->block ? bytes : 0;
    } else if (memory_budget_fits(account->budget, bytes)) {
        reservation->block = buffer_pool_lend(account->pool, bytes, &reservation->lent_bytes);
        reservation->was_kept = reservation->lent_bytes > 0;
    }
    return reservation->block;
}

static void settle(struct account *account, struct reservation *reservation, size_t bytes) {
    reservation->lent_bytes -= bytes;
    buffer_pool_settle(account->pool, bytes);
}

bool account_charge_reserved(struct account *account, struct reservation *reservation, size_t written_bytes) {
    if (written_bytes <= reservation->charged_bytes) {
        return true;
    }
    assert(written_bytes <= reservation->bytes);
    uintptr_t start = (uintptr_t)reservation->block;
    uintptr_t page_end =
        (start + written_bytes + BUFFER_POOL_PAGE_BYTES - 1) & ~(uintptr_t)(BUFFER_POOL_PAGE_BYTES - 1);
    size_t target = page_end - start < reservation->bytes ? page_end - start : reservation->bytes;
    size_t added = target - reservation->charged_bytes;
    if (!account_charge(&account->base, added)) {
        return false;
    }
    reservation->charged_bytes = target;
    bool is_whole = target == reservation->bytes; /* what a mapping has beyond that is the pool's affair, as always */
    settle(account, reservation, is_whole || added > reservation->lent_bytes ? reservation->lent_bytes : added);
    return true;
}

/* A fresh block of which little came would be a cold one among the kept. */
void account_give_reserved(struct account *account, struct reservation *reservation) {
    if (!reservation->block) {
        return;
    }
    settle(account, reservation, reservation->lent_bytes);
    if (reservation->was_kept || reservation->charged_bytes == reservation->bytes) {
        release(account, reservation->block, reservation->bytes);
    } else {
        buffer_pool_discard(account->pool, reservation->block, reservation->bytes);
    }
    account_refund(&account->base, reservation->charged_bytes);
    *reservation = (struct reservation){0};
}

void account_init(struct account *account, struct memory_budget *budget, struct buffer_pool *pool) {
    *account = (struct account){
        .base = {.take = account_take,
                 .resize = account_resize,
                 .give = account_give,
                 .charge = account_charge,
                 .refund = account_refund},
        .budget = budget,
        .pool = pool,
    };
}

void account_close(struct account *account) {
    assert(account->charged_bytes == 0);
    memory_budget_refund(account->budget, account->charged_bytes);
    account->charged_bytes = 0;
}

#include "server/engine/run_block.h"

#include "server/engine/fence.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

enum {
    OWN_BYTES = 384, /* parts of a head, and what a waiting call to jobs holds: 64 each */
    SECOND_BYTES =
        8 * 1024, /* of a call with a short body: its document (2 KiB), a kernel's carry (4), its answer (1) */
    ALIGNMENT = 64
};

struct run_block {
    struct run run;
    _Alignas(ALIGNMENT) char own[OWN_BYTES];
};

/* Charged is what is cut from both for a call, not what is left of them: a charge for each would cost every small
 * request two more atomic additions, for what connections bound. docs/operation.md, "Memory", tells operators. */
static_assert(sizeof(struct run_block) <= 5 * 1024 && sizeof(struct run_block) + SECOND_BYTES <= 13 * 1024,
              "as docs/operation.md says");

static struct run_block *block_of(struct run *run) {
    return (struct run_block *)(void *)((char *)run - offsetof(struct run_block, run));
}

struct run *run_block_take(struct mailbox *mailbox) {
    struct run_block *block = mailbox ? mailbox->spare : NULL;
    if (block) {
        mailbox->spare = NULL;
        UNFENCE(block, sizeof *block);
    } else {
        block = aligned_alloc(_Alignof(struct run_block), sizeof *block);
    }
    return block ? &block->run : NULL;
}

static char *take_second(struct mailbox *mailbox) {
    char *second = mailbox ? mailbox->spare_second : NULL;
    if (second) {
        mailbox->spare_second = NULL;
    }
    return second;
}

static void keep_second(struct mailbox *mailbox, char *second) {
    if (mailbox && !mailbox->spare_second) {
        mailbox->spare_second = second;
    } else {
        free(second);
    }
}

void run_block_lend(struct run *run) {
    struct run_block *block = block_of(run);
    char *second = take_second(run->mailbox);
    account_lend_pocket(&run->account, block->own, sizeof block->own);
    if (!second) {
        second = aligned_alloc(ALIGNMENT, SECOND_BYTES);
    }
    if (second) {
        account_lend_second(&run->account, second, SECOND_BYTES);
    }
}

void run_block_free(struct run *run) {
    free(account_return_second(&run->account));
    free(block_of(run));
}

void run_block_put_by(struct run *run) {
    struct mailbox *mailbox = run->mailbox;
    if (!mailbox || mailbox->spare) {
        run_block_free(run);
        return;
    }
    keep_second(mailbox, account_return_second(&run->account));
    mailbox->spare = block_of(run);
    FENCE(mailbox->spare, sizeof(struct run_block));
}

void run_block_rest(struct run *run) {
    char *second = account_return_second(&run->account);
    if (second) {
        keep_second(run->mailbox, second);
    }
}

void run_block_rise(struct run *run) {
    char *second = account_has_second(&run->account) ? NULL : take_second(run->mailbox);
    if (second) {
        account_lend_second(&run->account, second, SECOND_BYTES);
    }
}

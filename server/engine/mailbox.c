/* A list that is pushed to, and taken as a whole: no lock, which an owner that has just been woken would find taken by
 * who woke it, and sleep once more. */
#include "server/engine/mailbox.h"

#include <sched.h>
#include <stdlib.h>

void mailbox_init(struct mailbox *mailbox, void (*wake)(void *context), void *context) {
    *mailbox = (struct mailbox){.wake = wake, .context = context};
}

void mailbox_deinit(struct mailbox *mailbox) {
    while (atomic_load_explicit(&mailbox->posting, memory_order_acquire) > 0) {
        (void)sched_yield();
    }
    free(mailbox->spare);
    free(mailbox->spare_second);
}

void mailbox_post(struct mailbox *mailbox, struct mailbox_link *link) {
    atomic_fetch_add_explicit(&mailbox->posting, 1, memory_order_relaxed);
    struct mailbox_link *before = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);
    do {
        link->next = before;
    } while (!atomic_compare_exchange_weak(&mailbox->newest, &before, link));
    if (!before) {
        mailbox->wake(mailbox->context);
    }
    atomic_fetch_sub_explicit(&mailbox->posting, 1, memory_order_release);
}

struct mailbox_link *mailbox_take(struct mailbox *mailbox) {
    struct mailbox_link *newest = atomic_exchange(&mailbox->newest, NULL);
    struct mailbox_link *oldest = NULL;
    while (newest) {
        struct mailbox_link *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

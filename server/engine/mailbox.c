#include "server/engine/mailbox.h"

#include <stdlib.h>

void mailbox_init(struct mailbox *mailbox, void (*wake)(void *context), void *context) {
    *mailbox = (struct mailbox){.wake = wake, .context = context};
    pthread_mutex_init(&mailbox->mutex, NULL);
}

void mailbox_deinit(struct mailbox *mailbox) {
    free(mailbox->spare);
    free(mailbox->spare_second);
    pthread_mutex_destroy(&mailbox->mutex);
}

void mailbox_post(struct mailbox *mailbox, struct mailbox_link *link) {
    pthread_mutex_lock(&mailbox->mutex);
    bool is_first = !mailbox->newest;
    link->next = mailbox->newest;
    mailbox->newest = link;
    if (is_first) {
        mailbox->wake(mailbox->context); /* under the lock: without it the owner could end, and be freed, before */
    }
    pthread_mutex_unlock(&mailbox->mutex);
}

struct mailbox_link *mailbox_take(struct mailbox *mailbox) {
    pthread_mutex_lock(&mailbox->mutex);
    struct mailbox_link *newest = mailbox->newest;
    mailbox->newest = NULL;
    pthread_mutex_unlock(&mailbox->mutex);
    struct mailbox_link *oldest = NULL;
    while (newest) {
        struct mailbox_link *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

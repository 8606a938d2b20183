#include "server/engine/mailbox.h"

#include "server/engine/run.h"

void mailbox_init(struct mailbox *mailbox, void (*wake)(void *context), void *context) {
    *mailbox = (struct mailbox){.wake = wake, .context = context};
    pthread_mutex_init(&mailbox->mutex, NULL);
}

void mailbox_deinit(struct mailbox *mailbox) {
    pthread_mutex_destroy(&mailbox->mutex);
}

void mailbox_post(struct mailbox *mailbox, struct run *run) {
    pthread_mutex_lock(&mailbox->mutex);
    bool is_first = !mailbox->newest;
    run->next_posted = mailbox->newest;
    mailbox->newest = run;
    if (is_first) {
        mailbox->wake(mailbox->context); /* under the lock: without it the owner could end, and be freed, before */
    }
    pthread_mutex_unlock(&mailbox->mutex);
}

struct run *mailbox_take(struct mailbox *mailbox) {
    pthread_mutex_lock(&mailbox->mutex);
    struct run *newest = mailbox->newest;
    mailbox->newest = NULL;
    pthread_mutex_unlock(&mailbox->mutex);
    struct run *oldest = NULL;
    while (newest) {
        struct run *next = newest->next_posted;
        newest->next_posted = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

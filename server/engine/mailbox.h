#pragma once
/* Where runs are put when they come back from a lane, for whoever started them: an event loop, a job's runner.
 *
 * Lanes post; the mailbox's owner, one thread, does all the rest. The owner is woken once for all that was posted since
 * it last looked. */
#include <stdatomic.h>
#include <stdbool.h>

enum mailbox_kind {
    MAILBOX_RUN,   /* it has come back: run_of_link */
    MAILBOX_OUTLET /* there is something to be taken from it: outlet_of_link */
};

/* Member of what is posted. */
struct mailbox_link {
    struct mailbox_link *next;
    enum mailbox_kind kind;
};

struct mailbox {
    _Atomic(struct mailbox_link *) newest;
    atomic_uint posting; /* threads that are in mailbox_post */
    void (*wake)(void *context);
    void *context;
    /* The owner's: */
    unsigned awaited;   /* runs that are with the scheduler or in the box */
    void *spare;        /* the memory of one that is over, for the next (run_block.h), and … */
    void *spare_second; /* … its second part; both from the heap. NULL: none */
};

/* `wake` is called on the thread that posts: it must not wait, nor call the mailbox. */
void mailbox_init(struct mailbox *mailbox, void (*wake)(void *context), void *context);
/* The owner, while nobody begins to post any more. What was posted may have been taken before its poster has left:
 * until this returns `context` may be used. */
void mailbox_deinit(struct mailbox *mailbox);

/* Any thread. After that the run is the owner's again. */
void mailbox_post(struct mailbox *mailbox, struct mailbox_link *link);

/* The owner: everything that was posted, oldest first, linked by `next`. NULL: nothing. */
struct mailbox_link *mailbox_take(struct mailbox *mailbox);

#pragma once
/* A thread that waits for the disk, so that event loops, lanes and a job's runner needn't: it reads, writes, syncs and
 * unmaps. One thing after the other, in the order it was asked. */
#include "server/engine/mailbox.h"

#include <stdatomic.h>

struct disk_thread;

/* A member of what it is about; the thread has both until `work` returns, or has given them on. */
struct disk_task {
    struct mailbox_link link;
    void (*work)(struct disk_task *task);
};

/* NULL: no memory, or no thread (errno). */
struct disk_thread *disk_thread_new(void);
/* All that was asked is done before it returns, and what that has asked for. NULL is fine. */
void disk_thread_free(struct disk_thread *thread);

/* Any thread. */
void disk_thread_do(struct disk_thread *thread, struct disk_task *task, void (*work)(struct disk_task *task));

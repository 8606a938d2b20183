#pragma once
/* The thread of a runner that waits for the disk: it maps and checks bodies, writes results, unmaps what was mapped,
 * and does what others ask for by runner_do. One thing after the other, in the order it was asked. */
#include "server/engine/mailbox.h"

#include <stdatomic.h>

struct job_files;

/* A member of what it is about; the thread has both until `work` returns, or has given them on. */
struct job_files_task {
    struct mailbox_link link;
    void (*work)(struct job_files_task *task);
};

/* NULL: no memory, or no thread (errno). */
struct job_files *job_files_new(void);
/* All that was asked is done before it returns. NULL is fine. */
void job_files_free(struct job_files *files);

/* Any thread. */
void job_files_do(struct job_files *files, struct job_files_task *task, void (*work)(struct job_files_task *task));

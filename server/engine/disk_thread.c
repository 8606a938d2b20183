#include "server/engine/disk_thread.h"

#include "server/system/thread.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdlib.h>

struct disk_thread {
    struct mailbox tasks;
    sem_t posted;
    atomic_bool is_closing;
    pthread_t thread;
};

static void *serve(void *context) {
    struct disk_thread *thread = context;
    for (;;) {
        bool is_closing = atomic_load(&thread->is_closing); /* before looking: then nothing comes after */
        struct mailbox_link *link = mailbox_take(&thread->tasks);
        if (!link && is_closing) {
            return NULL;
        }
        while (link) {
            struct disk_task *task = (struct disk_task *)((char *)link - offsetof(struct disk_task, link));
            link = link->next;
            task->work(task);
        }
        while (sem_wait(&thread->posted) != 0) {
            /* a signal's handler ran */
        }
    }
}

static void wake(void *context) {
    (void)sem_post(context);
}

struct disk_thread *disk_thread_new(void) {
    struct disk_thread *thread = calloc(1, sizeof *thread);
    if (!thread) {
        return NULL;
    }
    mailbox_init(&thread->tasks, wake, &thread->posted);
    (void)sem_init(&thread->posted, 0, 0);
    int error = thread_start(&thread->thread, "disk", serve, thread);
    if (error) {
        mailbox_deinit(&thread->tasks);
        (void)sem_destroy(&thread->posted);
        free(thread);
        errno = error;
        return NULL;
    }
    return thread;
}

void disk_thread_free(struct disk_thread *thread) {
    if (thread) {
        atomic_store(&thread->is_closing, true);
        (void)sem_post(&thread->posted);
        pthread_join(thread->thread, NULL);
        mailbox_deinit(&thread->tasks);
        (void)sem_destroy(&thread->posted);
        free(thread);
    }
}

void disk_thread_do(struct disk_thread *thread, struct disk_task *task, void (*work)(struct disk_task *task)) {
    task->work = work;
    mailbox_post(&thread->tasks, &task->link);
}

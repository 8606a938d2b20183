#include "server/jobs/job_files.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

struct job_files {
    struct mailbox tasks;
    sem_t posted;
    atomic_bool is_closing;
    pthread_t thread;
};

static void *serve(void *context) {
    struct job_files *files = context;
    pthread_setname_np(pthread_self(), "job-files");
    for (;;) {
        bool is_closing = atomic_load(&files->is_closing); /* before looking: then nothing comes after */
        struct mailbox_link *link = mailbox_take(&files->tasks);
        if (!link && is_closing) {
            return NULL;
        }
        while (link) {
            struct job_files_task *task =
                (struct job_files_task *)((char *)link - offsetof(struct job_files_task, link));
            link = link->next;
            task->work(task);
        }
        while (sem_wait(&files->posted) != 0) {
            /* a signal's handler ran */
        }
    }
}

static void wake(void *context) {
    (void)sem_post(context);
}

struct job_files *job_files_new(void) {
    struct job_files *files = calloc(1, sizeof *files);
    if (!files) {
        return NULL;
    }
    mailbox_init(&files->tasks, wake, &files->posted);
    (void)sem_init(&files->posted, 0, 0);
    sigset_t all, before;
    sigfillset(&all); /* handlers run in threads that want them */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&files->thread, NULL, serve, files);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        mailbox_deinit(&files->tasks);
        (void)sem_destroy(&files->posted);
        free(files);
        errno = error;
        return NULL;
    }
    return files;
}

void job_files_free(struct job_files *files) {
    if (files) {
        atomic_store(&files->is_closing, true);
        (void)sem_post(&files->posted);
        pthread_join(files->thread, NULL);
        mailbox_deinit(&files->tasks);
        (void)sem_destroy(&files->posted);
        free(files);
    }
}

void job_files_do(struct job_files *files, struct job_files_task *task, void (*work)(struct job_files_task *task)) {
    task->work = work;
    mailbox_post(&files->tasks, &task->link);
}

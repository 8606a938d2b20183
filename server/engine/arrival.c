#include "server/engine/arrival.h"

#include "server/engine/disk_thread.h"

#include <semaphore.h>
#include <stdlib.h>

/* Two for each arrival, which hash and write the same piece: one alone would take far longer for both than receiving
 * does (80 MB, CPU time: 51 and 48 ms, against 22). Disks work at several things at once, and who waits for its file to
 * be synced should keep few others waiting. */
enum { THREADS = 4 };

/* So much is written, then the disk is asked to begin with it. */
enum { BEGIN_BYTES = 4 * 1024 * 1024 };

struct arrivals {
    struct disk_thread *threads[THREADS];
    atomic_uint begun; /* arrivals: they take turns with the threads */
};

struct arrival {
    struct disk_task hashing;
    struct disk_task writing;
    struct disk_thread *hasher;
    struct disk_thread *writer;
    struct digester digester; /* the hasher's */
    struct durable_file file; /* the writer's, as the next */
    bool has_begun;
    atomic_uint busy; /* of the two */
    /* The piece that they have. */
    const char *bytes;
    size_t length;
    bool last;
    void (*done)(void *context);
    void *context;
};

struct arrivals *arrivals_new(void) {
    struct arrivals *arrivals = calloc(1, sizeof *arrivals);
    for (int i = 0; arrivals && i < THREADS; i++) {
        arrivals->threads[i] = disk_thread_new();
        if (!arrivals->threads[i]) {
            arrivals_free(arrivals);
            return NULL;
        }
    }
    return arrivals;
}

struct mark {
    struct disk_task task;
    sem_t is_reached;
};

static void reach(struct disk_task *task) {
    struct mark *mark = (struct mark *)((char *)task - offsetof(struct mark, task));
    (void)sem_post(&mark->is_reached);
}

/* What was asked of the thread before is done. */
static void await_thread(struct disk_thread *thread) {
    struct mark mark;
    (void)sem_init(&mark.is_reached, 0, 0);
    disk_thread_do(thread, &mark.task, reach);
    while (sem_wait(&mark.is_reached) != 0) {
        /* a signal's handler ran */
    }
    (void)sem_destroy(&mark.is_reached);
}

void arrivals_settle(struct arrivals *arrivals) {
    for (int i = 0; arrivals && i < THREADS && arrivals->threads[i]; i++) {
        await_thread(arrivals->threads[i]);
    }
}

void arrivals_free(struct arrivals *arrivals) {
    arrivals_settle(arrivals); /* who leaves a piece last may ask another thread to discard the file */
    for (int i = 0; arrivals && i < THREADS; i++) {
        disk_thread_free(arrivals->threads[i]);
    }
    free(arrivals);
}

struct remains {
    struct disk_task task;
    bool has_file;
    struct durable_file file;
    struct durable_view view;
};

static void clear(struct remains *remains) {
    if (remains->has_file) {
        durable_discard(&remains->file);
    }
    durable_unmap(&remains->view);
}

static void clear_and_free(struct disk_task *task) {
    struct remains *remains = (struct remains *)((char *)task - offsetof(struct remains, task));
    clear(remains);
    free(remains);
}

void arrivals_clear(struct arrivals *arrivals, const struct durable_file *file, const struct durable_view *view) {
    struct remains remains = {.has_file = file, .view = *view};
    if (file) {
        remains.file = *file;
    }
    struct remains *kept = malloc(sizeof *kept);
    if (!kept) {
        clear(&remains);
        return;
    }
    *kept = remains;
    unsigned number = atomic_fetch_add(&arrivals->begun, 1);
    disk_thread_do(arrivals->threads[number % THREADS], &kept->task, clear_and_free);
    /* cppcheck-suppress memleak ; the thread has it */
}

struct arrival *arrival_new(struct arrivals *arrivals, int folder) {
    struct arrival *arrival = calloc(1, sizeof *arrival);
    if (arrival) {
        unsigned number = atomic_fetch_add(&arrivals->begun, 1);
        arrival->writer = arrivals->threads[number % THREADS];
        arrival->hasher = arrivals->threads[(number + THREADS / 2) % THREADS];
        arrival->file = (struct durable_file){.folder = folder, .descriptor = -1};
        digester_init(&arrival->digester);
    }
    return arrival;
}

/* --- on its threads ---------------------------------------------------------------------------------------------- */

/* Whoever is done with the piece last. */
static void leave_piece(struct arrival *arrival) {
    struct durable_file *file = &arrival->file;
    if (atomic_fetch_sub(&arrival->busy, 1) > 1) {
        return;
    }
    int error = file->error;
    if (!error && arrival->last) {
        file->digester = arrival->digester;
        error = durable_seal(file);
    }
    if (error) {
        durable_discard(file); /* at once: the disk may be full */
    }
    arrival->done(arrival->context);
}

static void hash(struct disk_task *task) {
    struct arrival *arrival = (struct arrival *)((char *)task - offsetof(struct arrival, hashing));
    digester_add(&arrival->digester, arrival->bytes, arrival->length);
    leave_piece(arrival);
}

static struct arrival *arrival_of(struct disk_task *writing) {
    return (struct arrival *)((char *)writing - offsetof(struct arrival, writing));
}

static void write_down(struct disk_task *task) {
    struct arrival *arrival = arrival_of(task);
    struct durable_file *file = &arrival->file;
    int error = arrival->has_begun ? 0 : durable_begin(file, file->folder);
    arrival->has_begun = true;
    if (!error && !durable_write_unhashed(file, arrival->bytes, arrival->length) &&
        file->length - file->begun_bytes >= BEGIN_BYTES) {
        durable_begin_sync(file);
    }
    leave_piece(arrival);
}

static void discard(struct disk_task *task) {
    struct arrival *arrival = arrival_of(task);
    durable_discard(&arrival->file);
    free(arrival);
}

/* ----------------------------------------------------------------------------------------------------------------- */

void arrival_add(struct arrival *arrival, const char *bytes, size_t length, bool last, void (*done)(void *context),
                 void *context) {
    arrival->bytes = bytes;
    arrival->length = length;
    arrival->last = last;
    arrival->done = done;
    arrival->context = context;
    bool is_hashed = length > 0;
    atomic_store(&arrival->busy, is_hashed ? 2 : 1);
    if (is_hashed) {
        disk_thread_do(arrival->hasher, &arrival->hashing, hash);
    }
    disk_thread_do(arrival->writer, &arrival->writing, write_down);
}

int arrival_error(const struct arrival *arrival) {
    return arrival->file.error;
}

struct durable_file *arrival_file(struct arrival *arrival) {
    return &arrival->file;
}

void arrival_drop(struct arrival *arrival) {
    const struct durable_file *file = arrival ? &arrival->file : NULL;
    bool leaves_something = file && (file->descriptor >= 0 || file->part[0] != '\0' || file->holds_replaced);
    if (leaves_something) {
        disk_thread_do(arrival->writer, &arrival->writing, discard);
    } else {
        free(arrival);
    }
}

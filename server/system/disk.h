#pragma once
/* Internal to server/system. What changes a disk, through one seam: tests put calls of their own in place of the
 * system's, which fail, do half of what they are asked, or end the process. As the system's: -1 and errno where one
 * fails. Any thread. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

/* None is NULL. Names are relative to `folder`, a descriptor. */
struct disk_calls {
    ssize_t (*write)(int file, const void *bytes, size_t length);
    int (*sync)(int file_or_folder);
    int (*rename)(int folder, const char *from, const char *to);
    int (*unlink)(int folder, const char *name);
};

/* What is called from now on; NULL: the system's. Borrowed. Set it before the threads that write are started. */
void disk_set_calls(const struct disk_calls *calls);

/* For the functions below only. */
extern _Atomic(const struct disk_calls *) disk_calls_set;

/* How often disk_sync was called. */
extern atomic_uint_fast64_t disk_sync_count;

static inline ssize_t disk_write(int file, const void *bytes, size_t length) {
    const struct disk_calls *calls = atomic_load_explicit(&disk_calls_set, memory_order_acquire);
    return calls ? calls->write(file, bytes, length) : write(file, bytes, length);
}

static inline int disk_sync(int file_or_folder) {
    atomic_fetch_add_explicit(&disk_sync_count, 1, memory_order_relaxed);
    const struct disk_calls *calls = atomic_load_explicit(&disk_calls_set, memory_order_acquire);
    return calls ? calls->sync(file_or_folder) : fsync(file_or_folder);
}

static inline int disk_rename(int folder, const char *from, const char *to) {
    const struct disk_calls *calls = atomic_load_explicit(&disk_calls_set, memory_order_acquire);
    return calls ? calls->rename(folder, from, to) : renameat(folder, from, folder, to);
}

static inline int disk_unlink(int folder, const char *name) {
    const struct disk_calls *calls = atomic_load_explicit(&disk_calls_set, memory_order_acquire);
    return calls ? calls->unlink(folder, name) : unlinkat(folder, name, 0);
}

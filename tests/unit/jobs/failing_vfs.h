#pragma once
/* SQLite's way to the disk, in a test's hand: it fails at the call that a test says, counts what is synced, and keeps
 * in memory what a power failure would leave of each file: all that was synced, and of what was written since any
 * sectors by chance. One for the whole program, registered before a store is opened; one store at a time. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VFS_FILES = 4, VFS_NAME_BYTES = 512, VFS_SECTOR_BYTES = 512 };

struct vfs_write {
    struct vfs_write *next;
    long long offset;
    int length;
    char bytes[];
};

struct vfs_shadow {
    char name[VFS_NAME_BYTES]; /* "": free */
    char *synced;
    size_t length;
    size_t capacity;
    struct vfs_write *pending; /* in order */
    struct vfs_write **last;
};

struct vfs_file {
    sqlite3_file base;
    struct vfs_shadow *shadow; /* NULL: a temporary one */
    sqlite3_file *real;
};

static sqlite3_vfs *vfs_below;
static struct vfs_shadow vfs_shadows[VFS_FILES];
static atomic_long vfs_calls; /* writes, truncations and syncs, counted from 1 */
static atomic_long vfs_syncs;
static atomic_long vfs_fail_at; /* 0: never */
static atomic_int vfs_error;    /* what it fails with then */
static atomic_bool vfs_stays;   /* and ever after */
static bool vfs_is_real = true; /* false: syncs cost nothing */

static inline struct vfs_file *vfs_file_of(sqlite3_file *file) {
    return (struct vfs_file *)(void *)file;
}

/* 0, or what this call fails with. */
static inline int vfs_mishap(void) {
    long at = atomic_fetch_add(&vfs_calls, 1) + 1, planned = atomic_load(&vfs_fail_at);
    bool fails = planned > 0 && (at == planned || (at > planned && atomic_load(&vfs_stays)));
    return fails ? atomic_load(&vfs_error) : SQLITE_OK;
}

static inline void vfs_apply(struct vfs_shadow *shadow, long long offset, const char *bytes, size_t length) {
    size_t end = (size_t)offset + length;
    if (end > shadow->capacity) {
        shadow->capacity = 2 * end;
        shadow->synced = realloc(shadow->synced, shadow->capacity);
    }
    if (end > shadow->length) {
        memset(shadow->synced + shadow->length, 0, end - shadow->length);
        shadow->length = end;
    }
    memcpy(shadow->synced + offset, bytes, length);
}

static inline void vfs_forget_pending(struct vfs_shadow *shadow) {
    for (struct vfs_write *write = shadow->pending, *next; write; write = next) {
        next = write->next;
        free(write);
    }
    shadow->pending = NULL;
    shadow->last = &shadow->pending;
}

static inline void vfs_forget(struct vfs_shadow *shadow) {
    vfs_forget_pending(shadow);
    free(shadow->synced);
    *shadow = (struct vfs_shadow){0};
    shadow->last = &shadow->pending;
}

static inline struct vfs_shadow *vfs_shadow_of(const char *name) {
    struct vfs_shadow *free_one = NULL;
    for (size_t i = 0; i < VFS_FILES; i++) {
        if (strcmp(vfs_shadows[i].name, name) == 0) {
            return &vfs_shadows[i];
        }
        free_one = vfs_shadows[i].name[0] ? free_one : &vfs_shadows[i];
    }
    if (free_one) {
        char block[4096];
        int file = open(name, O_RDONLY | O_CLOEXEC); /* what is there already has reached the disk */
        vfs_forget(free_one);
        strncpy(free_one->name, name, sizeof free_one->name - 1);
        for (ssize_t count; file >= 0 && (count = read(file, block, sizeof block)) > 0;) {
            vfs_apply(free_one, (long long)free_one->length, block, (size_t)count);
        }
        if (file >= 0) {
            close(file);
        }
    }
    return free_one;
}

static inline int vfs_close(sqlite3_file *file) {
    sqlite3_file *real = vfs_file_of(file)->real;
    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}
static inline int vfs_read(sqlite3_file *file, void *out, int length, sqlite3_int64 offset) {
    sqlite3_file *real = vfs_file_of(file)->real;
    return real->pMethods->xRead(real, out, length, offset);
}
static inline int vfs_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset) {
    struct vfs_file *one = vfs_file_of(file);
    int error = one->shadow ? vfs_mishap() : SQLITE_OK;
    if (error) {
        return error;
    }
    if (one->shadow) {
        struct vfs_write *write = malloc(sizeof *write + (size_t)length);
        *write = (struct vfs_write){.offset = offset, .length = length};
        memcpy(write->bytes, bytes, (size_t)length);
        *one->shadow->last = write;
        one->shadow->last = &write->next;
    }
    return one->real->pMethods->xWrite(one->real, bytes, length, offset);
}
static inline int vfs_truncate(sqlite3_file *file, sqlite3_int64 length) {
    struct vfs_file *one = vfs_file_of(file);
    int error = one->shadow ? vfs_mishap() : SQLITE_OK;
    return error ? error : one->real->pMethods->xTruncate(one->real, length);
}
static inline int vfs_sync(sqlite3_file *file, int flags) {
    struct vfs_file *one = vfs_file_of(file);
    int error = one->shadow ? vfs_mishap() : SQLITE_OK;
    if (error) {
        return error;
    }
    if (one->shadow) {
        atomic_fetch_add(&vfs_syncs, 1);
        for (const struct vfs_write *write = one->shadow->pending; write; write = write->next) {
            vfs_apply(one->shadow, write->offset, write->bytes, (size_t)write->length);
        }
        vfs_forget_pending(one->shadow);
    }
    return vfs_is_real ? one->real->pMethods->xSync(one->real, flags) : SQLITE_OK;
}
static inline int vfs_size(sqlite3_file *file, sqlite3_int64 *length) {
    sqlite3_file *real = vfs_file_of(file)->real;
    return real->pMethods->xFileSize(real, length);
}
static inline int vfs_lock(sqlite3_file *file, int level) {
    sqlite3_file *real = vfs_file_of(file)->real;
    return real->pMethods->xLock(real, level);
}
static inline int vfs_unlock(sqlite3_file *file, int level) {
    sqlite3_file *real = vfs_file_of(file)->real;
    return real->pMethods->xUnlock(real, level);
}
static inline int vfs_reserved(sqlite3_file *file, int *out) {
    sqlite3_file *real = vfs_file_of(file)->real;
    return real->pMethods->xCheckReservedLock(real, out);
}
static inline int vfs_control(sqlite3_file *file, int op, void *argument) {
    sqlite3_file *real = vfs_file_of(file)->real;
    return real->pMethods->xFileControl(real, op, argument);
}
static inline int vfs_sector(sqlite3_file *file) {
    sqlite3_file *real = vfs_file_of(file)->real;
    return real->pMethods->xSectorSize(real);
}
static inline int vfs_device(sqlite3_file *file) {
    sqlite3_file *real = vfs_file_of(file)->real;
    return real->pMethods->xDeviceCharacteristics(real);
}

static inline int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
    static const sqlite3_io_methods methods = {1,           vfs_close,  vfs_read,   vfs_write,  vfs_truncate,
                                               vfs_sync,    vfs_size,   vfs_lock,   vfs_unlock, vfs_reserved,
                                               vfs_control, vfs_sector, vfs_device, NULL,       NULL,
                                               NULL,        NULL,       NULL,       NULL};
    struct vfs_file *one = vfs_file_of(file);
    (void)vfs;
    one->real = (sqlite3_file *)(void *)(one + 1);
    one->shadow = (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) ? vfs_shadow_of(name) : NULL;
    int result = vfs_below->xOpen(vfs_below, name, one->real, flags, out);
    one->base.pMethods = one->real->pMethods ? &methods : NULL;
    return result;
}

/* A file that is removed has nothing any more. */
static inline int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    (void)vfs;
    vfs_forget(vfs_shadow_of(name));
    return vfs_below->xDelete(vfs_below, name, sync_folder);
}

/* From now on SQLite goes through here. */
static inline void failing_vfs_register(void) {
    static sqlite3_vfs vfs;
    vfs_below = sqlite3_vfs_find(NULL);
    vfs = *vfs_below;
    vfs.zName = "failing";
    vfs.szOsFile = (int)sizeof(struct vfs_file) + vfs_below->szOsFile;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    (void)sqlite3_vfs_register(&vfs, 1);
}

static inline void failing_vfs_plan(long at, int error, bool stays) {
    atomic_store(&vfs_calls, 0);
    atomic_store(&vfs_syncs, 0);
    atomic_store(&vfs_error, error);
    atomic_store(&vfs_stays, stays);
    atomic_store(&vfs_fail_at, at);
}

static inline void failing_vfs_forget(void) {
    failing_vfs_plan(0, SQLITE_OK, false);
    for (size_t i = 0; i < VFS_FILES; i++) {
        vfs_forget(&vfs_shadows[i]);
    }
}

/* Overwrites the files by what a power failure may have left of them. `chance` gives numbers by chance. */
static inline void failing_vfs_cut_power(unsigned (*chance)(void)) {
    for (size_t i = 0; i < VFS_FILES; i++) {
        struct vfs_shadow *shadow = &vfs_shadows[i];
        if (!shadow->name[0]) {
            continue;
        }
        unsigned kept_of_4 = chance() % 5; /* none, some, all */
        for (const struct vfs_write *write = shadow->pending; write; write = write->next) {
            for (int done = 0; done < write->length;) {
                long long offset = write->offset + done;
                int sector_left = VFS_SECTOR_BYTES - (int)(offset % VFS_SECTOR_BYTES);
                int length = sector_left < write->length - done ? sector_left : write->length - done;
                if (chance() % 4 < kept_of_4) {
                    vfs_apply(shadow, offset, write->bytes + done, (size_t)length);
                }
                done += length;
            }
        }
        int file = open(shadow->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        (void)!write(file, shadow->synced, shadow->length);
        close(file);
    }
}

#include "server/jobs/sqlite_store.h"

#include "server/system/clock.h"
#include "server/system/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* LOG_BYTES: what the log has before it is written back, 1,000 pages of 4 KiB by SQLite's default. */
enum { LOG_BYTES = 4 * 1024 * 1024, RESERVE_BYTES = 2 * LOG_BYTES };

void store_fail(struct store *store, int error, int system_error) {
    if (!store_failed(store)) {
        store->error = error;
        store->system_error = system_error;
    }
}

/* The system's error as well: what writes and syncs of a full disk is told by SQLite as a failure like others. */
static void fail_as_told(struct store *store, int error) {
    store_fail(store, error, sqlite3_system_errno(store->database));
}

bool store_is_full(const struct store *store) {
    bool is_system_full =
        store->system_error == ENOSPC || store->system_error == EDQUOT || store->system_error == EFBIG;
    return store->error == SQLITE_FULL || ((store->error & 0xff) == SQLITE_IOERR && is_system_full);
}

sqlite3_stmt *store_prepare(struct store *store, enum store_statement which) {
    sqlite3_stmt *statement = store->statements[which];
    (void)sqlite3_reset(statement); /* tells again what the last step told */
    (void)sqlite3_clear_bindings(statement);
    return statement;
}

bool store_step(struct store *store, sqlite3_stmt *statement) {
    if (store_failed(store)) {
        return false;
    }
    int result = sqlite3_step(statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        fail_as_told(store, result);
    }
    if (result != SQLITE_ROW) {
        (void)sqlite3_reset(statement); /* one that isn't reset would keep its transaction open */
    }
    return result == SQLITE_ROW;
}

void store_run(struct store *store, sqlite3_stmt *statement) {
    while (store_step(store, statement)) {
        /* what it returns was looked at already, or isn't wanted */
    }
}

void store_run_with(struct store *store, enum store_statement which, uint64_t number) {
    sqlite3_stmt *statement = store_prepare(store, which);
    sqlite3_bind_int64(statement, 1, (int64_t)number);
    store_run(store, statement);
}

int64_t store_number(struct store *store, sqlite3_stmt *statement) {
    int64_t number = store_step(store, statement) ? sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return number;
}

void store_begin(struct store *store) {
    store->error = SQLITE_OK;
    store->system_error = 0;
    store->room = STORE_ROOM_UNKNOWN;
    store->counts_before = store->counts;
    store->has_published = false;
    store->is_ready = store->is_due = false;
    store_run(store, store_prepare(store, STORE_BEGIN));
}

bool store_commit(struct store *store) {
    if (!store_failed(store) && store->has_published) {
        int error = durable_sync_folder(store->files); /* files first: a row's are there when it is */
        if (error) {
            store_fail(store, SQLITE_IOERR_WRITE, error);
        }
    }
    uint64_t begun_ns = clock_now_ns();
    store_run(store, store_prepare(store, STORE_COMMIT));
    if (store_failed(store)) {
        store_roll_back(store);
        return false;
    }
    metrics_count_commit(store->settings.metrics, clock_now_ns() - begun_ns);
    return true;
}

void store_roll_back(struct store *store) {
    for (size_t i = 0; i < STORE_STATEMENT_COUNT; i++) {
        (void)sqlite3_reset(store->statements[i]);
    }
    if (sqlite3_get_autocommit(store->database) == 0) { /* some errors roll back themselves */
        (void)sqlite3_step(store->statements[STORE_ROLLBACK]);
        (void)sqlite3_reset(store->statements[STORE_ROLLBACK]);
    }
    store->counts = store->counts_before;
}

void store_hold_file(struct store *store, struct durable_file *file, const struct digest *digest, uint64_t length) {
    if (store_failed(store)) {
        return;
    }
    if (file && (file->part[0] != '\0' || file->error)) { /* else it was, for a transaction that was rolled back */
        int error = durable_publish(file);
        if (error) {
            store_fail(store, SQLITE_IOERR_WRITE, error);
            return;
        }
    }
    if (file) {
        store->has_published = true;
    }
    sqlite3_stmt *statement = store_prepare(store, STORE_FILE_HOLD);
    sqlite3_bind_blob(statement, 1, digest->bytes, sizeof digest->bytes, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (int64_t)length);
    if (store_step(store, statement) && sqlite3_column_int64(statement, 0) == 1) {
        store->counts.used_bytes += length;
    }
    store_run(store, statement);
}

void store_doom(struct store *store, const struct digest *digest) {
    struct store_doomed *doomed = &store->doomed;
    if (doomed->count == doomed->capacity) {
        size_t capacity = doomed->capacity * 2 + 16;
        struct digest *digests = realloc(doomed->digests, capacity * sizeof *digests);
        if (!digests) {
            return; /* the sweep finds it one day */
        }
        doomed->digests = digests;
        doomed->capacity = capacity;
    }
    doomed->digests[doomed->count++] = *digest;
}

void store_drop_file(struct store *store, const struct digest *digest) {
    sqlite3_stmt *statement = store_prepare(store, STORE_FILE_DROP);
    sqlite3_bind_blob(statement, 1, digest->bytes, sizeof digest->bytes, SQLITE_STATIC);
    if (!store_step(store, statement)) {
        return;
    }
    int64_t holders = sqlite3_column_int64(statement, 0);
    uint64_t length = (uint64_t)sqlite3_column_int64(statement, 1);
    store_run(store, statement);
    if (holders <= 0) {
        statement = store_prepare(store, STORE_FILE_DELETE);
        sqlite3_bind_blob(statement, 1, digest->bytes, sizeof digest->bytes, SQLITE_STATIC);
        store_run(store, statement);
        store->counts.used_bytes -= length;
        store_doom(store, digest);
    }
}

bool store_has_file(struct store *store, const struct digest *digest) {
    sqlite3_stmt *statement = store_prepare(store, STORE_FILE_FIND);
    sqlite3_bind_blob(statement, 1, digest->bytes, sizeof digest->bytes, SQLITE_STATIC);
    return store_number(store, statement) != 0;
}

void store_remove_doomed(struct store *store) {
    store->error = SQLITE_OK;
    for (size_t i = 0; i < store->doomed.count; i++) {
        const struct digest *digest = &store->doomed.digests[i];
        bool is_held = store_has_file(store, digest);
        int error = is_held || store_failed(store) ? 0 : durable_remove_content(store->files, digest);
        if (error) {
            log_event(LOG_WARN, "jobs-file-kept", "a file that no job needs can't be removed: %s", strerror(error));
        }
    }
    store->doomed.count = 0;
}

/* As st_blocks counts, whatever the file system's own are. */
enum { BLOCK_BYTES = 512 };

/* Blocks behind the file's end, which keep its size; file systems that have no such thing have no reserve. To ask again
 * for those that are there would write the file's inode each time. */
static int reserve(int file, uint64_t bytes) {
    struct stat status;
    if (fstat(file, &status) == 0 && (uint64_t)status.st_blocks * BLOCK_BYTES >= bytes) {
        return 0;
    }
    int error = fallocate(file, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) == 0 ? 0 : errno;
    return error == ENOSPC || error == EDQUOT || error == EFBIG ? error : 0;
}

/* Zeros behind the file's end, which are the end of a log as well. To sync what is written over them takes one write;
 * to sync a file that grew takes the file system's own log, too (ext4: 0.19 ms in place of 0.15). */
static int fill(int file) {
    static const char zeros[64 * 1024];
    off_t end = lseek(file, 0, SEEK_END);
    while (end >= 0 && end < LOG_BYTES) {
        size_t left = (size_t)(LOG_BYTES - end);
        ssize_t written = pwrite(file, zeros, left < sizeof zeros ? left : sizeof zeros, end);
        if (written < 0) {
            return errno;
        }
        end += written;
    }
    return end >= 0 && fdatasync(file) == 0 ? 0 : errno;
}

void store_reserve_log(const char *path) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    int error = file < 0 ? errno : reserve(file, RESERVE_BYTES);
    error = error ? error : fill(file);
    if (error) {
        log_event(LOG_WARN, "jobs-disk-full", "there is no room for %s: %s", path, strerror(error));
    }
    if (file >= 0) {
        (void)close(file);
    }
}

void store_note_full(struct store *store, bool is_full) {
    if (is_full && !store->is_full) {
        log_event(LOG_WARN, "jobs-disk-full", "jobs are refused until the disk has room again");
    }
    store->is_full = is_full;
}

/* Of the database, without its free pages. By pragmas that are prepared: as tables of a SELECT each would be compiled
 * anew whenever it is read. */
static uint64_t count_page_bytes(struct store *store) {
    int64_t pages = store_number(store, store_prepare(store, STORE_PAGE_COUNT));
    int64_t free_pages = store_number(store, store_prepare(store, STORE_FREE_PAGE_COUNT));
    return (uint64_t)(pages - free_pages) * (uint64_t)store_number(store, store_prepare(store, STORE_PAGE_SIZE));
}

bool store_has_room(struct store *store) {
    if (store->room == STORE_ROOM_UNKNOWN && !store_failed(store)) {
        /* Each time: when a log was written back whole, SQLite cuts the database to its size. Its free pages are room.
         */
        uint64_t bytes = count_page_bytes(store) + RESERVE_BYTES;
        store->room = reserve(store->database_file, bytes) ? STORE_NO_ROOM : STORE_ROOM;
        store_note_full(store, store->room == STORE_NO_ROOM);
    }
    return store->room == STORE_ROOM;
}

uint64_t store_used_bytes(struct store *store) {
    return store->counts.used_bytes + count_page_bytes(store);
}

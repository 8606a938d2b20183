#pragma once
/* Internal to server/jobs. What the thread of an SQLite journal works with: the connection, its statements, and one
 * transaction at a time. All of it is that thread's, but for opening and closing.
 *
 * Errors are sticky: the first one of a transaction is kept, nothing is done after it, and whoever began the
 * transaction rolls it back. So callers of the functions below check store_failed where they need to know. */
#include "server/jobs/journal.h"

#include <sqlite3.h>

/* X(name, sql) */
#define STORE_ROW                                                                                                      \
    "number, id, status, failure, attempts, crashes, priority, rank, created_ms, started_ms, finished_ms, "            \
    "expires_ms, is_expired, keep_s, deadline_ms, principal, idempotency_key, op, query, callback, body_media, "       \
    "reply_media, body_coding, reply_coding, reply_must_be_coded, fingerprint, body_digest, body_length, "             \
    "body_in_file, pins, pin_notes, result_status, result_type, result_fields, result_digest, result_length, "         \
    "result_in_file, result_seal, "
/* What stands last in a row, or of that only what is printed of a finished job. */
#define STORE_LONG "body, result, traceparent, result_metadata"
#define STORE_NOTHING_LONG "NULL, NULL, NULL, result_metadata"

#define STORE_STATEMENTS(X)                                                                                            \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                                        \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")                                                                                            \
    X(BY_ID, "SELECT " STORE_ROW STORE_LONG " FROM jobs WHERE id = ?1")                                                \
    X(BY_KEY, "SELECT " STORE_ROW STORE_NOTHING_LONG " FROM jobs WHERE principal = ?1 AND idempotency_key = ?2")       \
    X(BY_NUMBER, "SELECT " STORE_ROW STORE_LONG " FROM jobs WHERE number = ?1")                                        \
    X(INSERT,                                                                                                          \
      "INSERT INTO jobs VALUES (?1, ?2, ?3, 0, ?4, 0, ?5, ?6, ?7, ?8, 0, 0, 0, NULL, ?9, ?10, ?11, ?12, ?13, ?14, "    \
      "?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, 0, '', '', NULL, 0, 0, NULL, ?27, ?26, NULL, ?28, "      \
      "NULL)")                                                                                                         \
    X(LIST_ALL, "SELECT " STORE_ROW STORE_NOTHING_LONG " FROM jobs WHERE number < ?1 ORDER BY number DESC LIMIT ?2")   \
    X(LIST_STATUS, "SELECT " STORE_ROW STORE_NOTHING_LONG                                                              \
                   " FROM jobs WHERE number < ?1 AND status = ?3 ORDER BY number DESC LIMIT ?2")                       \
    X(FIRST_WAITING,                                                                                                   \
      "SELECT number, rank FROM jobs INDEXED BY jobs_waiting WHERE status = 0 ORDER BY rank, number LIMIT 1")          \
    X(PLACE, "SELECT count(*) FROM (SELECT 1 FROM jobs INDEXED BY jobs_waiting "                                       \
             "WHERE status = 0 AND (rank, number) < (?1, ?2) LIMIT ?3)")                                               \
    X(START, "UPDATE jobs SET status = 1, attempts = attempts + 1, started_ms = ?2 WHERE number = ?1")                 \
    X(WAIT, "UPDATE jobs SET status = 0, crashes = ?2 WHERE number = ?1")                                              \
    X(FINISH,                                                                                                          \
      "UPDATE jobs SET status = ?2, failure = ?3, crashes = ?4, finished_ms = ?5, expires_ms = ?6, due_ms = ?6, "      \
      "result_status = ?7, result_type = ?8, result_fields = ?9, result_digest = ?10, result_length = ?11, "           \
      "result_in_file = ?12, result_seal = ?13, result = ?14, body = NULL, body_in_file = 0, pins = NULL, "            \
      "pin_notes = NULL, traceparent = NULL, result_metadata = ?15 WHERE number = ?1")                                 \
    X(EXPIRE, "UPDATE jobs SET is_expired = 1, due_ms = ?2, result_status = 0, result_in_file = 0, result = NULL, "    \
              "result_metadata = NULL WHERE number = ?1")                                                              \
    X(DELETE, "DELETE FROM jobs WHERE number = ?1")                                                                    \
    X(DUE, "SELECT number FROM jobs WHERE due_ms <= ?1 ORDER BY due_ms LIMIT 1")                                       \
    X(LEASE_ALL, "INSERT INTO temp.leases SELECT number, 0 FROM jobs WHERE status = 1")                                \
    X(LEASE, "INSERT OR REPLACE INTO temp.leases VALUES (?1, ?2)")                                                     \
    X(LEASE_END, "DELETE FROM temp.leases WHERE number = ?1")                                                          \
    X(LEASE_OVER, "SELECT number FROM temp.leases WHERE end_ns <= ?1 ORDER BY end_ns LIMIT 1")                         \
    X(DELIVERY, "SELECT state, tries, coalesce(due_ms, 0), error FROM deliveries WHERE number = ?1")                   \
    X(DELIVERY_PUT, "INSERT OR REPLACE INTO deliveries VALUES (?1, ?2, ?3, ?4, ?5)")                                   \
    X(DELIVERY_DELETE, "DELETE FROM deliveries WHERE number = ?1")                                                     \
    X(DELIVERY_FIRST, "SELECT number, due_ms FROM deliveries INDEXED BY deliveries_due WHERE due_ms IS NOT NULL "      \
                      "AND number NOT IN (SELECT number FROM temp.delivering) ORDER BY due_ms, number LIMIT 1")        \
    X(DELIVERING, "INSERT OR REPLACE INTO temp.delivering VALUES (?1, ?2)")                                            \
    X(DELIVERING_END, "DELETE FROM temp.delivering WHERE number = ?1")                                                 \
    X(DELIVERING_OVER, "DELETE FROM temp.delivering WHERE end_ns <= ?1")                                               \
    X(FILE_HOLD, "INSERT INTO files VALUES (?1, ?2, 1) ON CONFLICT (digest) DO UPDATE SET holders = holders + 1 "      \
                 "RETURNING holders")                                                                                  \
    X(FILE_DROP, "UPDATE files SET holders = holders - 1 WHERE digest = ?1 RETURNING holders, length")                 \
    X(FILE_DELETE, "DELETE FROM files WHERE digest = ?1")                                                              \
    X(FILE_FIND, "SELECT 1 FROM files WHERE digest = ?1")                                                              \
    X(FILE_BYTES, "SELECT coalesce(sum(length), 0) FROM files")                                                        \
    X(OLDEST_WAITING,                                                                                                  \
      "SELECT created_ms FROM jobs INDEXED BY jobs_by_status WHERE status = 0 ORDER BY number LIMIT 1")                \
    X(COUNT, "SELECT count(*) FROM jobs WHERE status = ?1")                                                            \
    X(LAST_NUMBER, "SELECT coalesce(max(number), 0) FROM jobs")                                                        \
    X(LAST_AGE, "SELECT coalesce(max(rank + priority * ?1), 0) FROM jobs WHERE status IN (0, 1)")                      \
    X(PAGE_COUNT, "PRAGMA page_count")                                                                                 \
    X(FREE_PAGE_COUNT, "PRAGMA freelist_count")                                                                        \
    X(PAGE_SIZE, "PRAGMA page_size")

enum store_statement {
#define X(name, sql) STORE_##name,
    STORE_STATEMENTS(X)
#undef X
        STORE_STATEMENT_COUNT
};

/* Contents that nobody holds any more, unless somebody does again until they are removed. */
struct store_doomed {
    struct digest *digests;
    size_t count;
    size_t capacity;
};

struct store {
    struct journal_settings settings;
    sqlite3 *database;
    sqlite3_stmt *statements[STORE_STATEMENT_COUNT];
    int files;         /* owned, as the next */
    int database_file; /* the same file that SQLite has: closed after it, since that gives up SQLite's locks */
    int error;         /* SQLite's, extended; SQLITE_OK: none in this transaction */
    int system_error;
    enum { STORE_ROOM_UNKNOWN, STORE_ROOM, STORE_NO_ROOM } room; /* in this transaction */
    bool is_full;                                                /* as the log was told last */
    struct journal_counts counts;                                /* used_bytes: of the files alone */
    struct journal_counts counts_before;
    struct store_doomed doomed;
    uint64_t next_number;
    int64_t age_base_ms; /* what journal_rank is of: this at opened_ns, and older since */
    uint64_t opened_ns;
    bool has_published; /* in this transaction: the folder has to be synced */
    bool is_ready;      /* something came in this transaction that can be claimed */
    bool is_due;        /* or delivered */
};

static inline bool store_failed(const struct store *store) {
    return store->error != SQLITE_OK;
}

/* Records an error; system_error: errno where it is one of the system's, else 0. */
void store_fail(struct store *store, int error, int system_error);

/* No room on the disk, rather than something that won't get better. */
bool store_is_full(const struct store *store);

/* The statement, reset, without values. */
sqlite3_stmt *store_prepare(struct store *store, enum store_statement which);

/* Steps it. True: there is a row; false: it is done, or failed. */
bool store_step(struct store *store, sqlite3_stmt *statement);

/* Steps it to its end. */
void store_run(struct store *store, sqlite3_stmt *statement);

/* The same of a statement that takes a job's number alone. */
void store_run_with(struct store *store, enum store_statement which, uint64_t number);

/* The whole number that it gives first; 0: none. */
int64_t store_number(struct store *store, sqlite3_stmt *statement);

/* A transaction. store_commit false: it failed and was rolled back. */
void store_begin(struct store *store);
bool store_commit(struct store *store);
void store_roll_back(struct store *store);

/* Publishes a sealed file, or what is content of the folder already (`file` NULL), and counts one holder more. */
void store_hold_file(struct store *store, struct durable_file *file, const struct digest *digest, uint64_t length);
void store_drop_file(struct store *store, const struct digest *digest);
/* Does anybody hold it? */
bool store_has_file(struct store *store, const struct digest *digest);

/* Removes what nobody holds, outside of a transaction, when no submission is under way: it may have published what it
 * doesn't hold yet. */
void store_remove_doomed(struct store *store);
/* Such as a submission that failed may have published. */
void store_doom(struct store *store, const struct digest *digest);

/* Room on the disk, so that where it is full jobs can still be claimed, finished, dismissed and forgotten, which write
 * as well: the write-ahead log gets its room once, when the store is opened, the first half of it filled with zeros;
 * and before each submission room is made for what the database may grow by when the log is written back. False: there
 * is none for submissions. */
void store_reserve_log(const char *path);
bool store_has_room(struct store *store);

/* Whether the disk has room, as it just turned out: the log is told when it hasn't any more. */
void store_note_full(struct store *store, bool is_full);

/* All that is used, in bytes. The write-ahead log isn't counted, nor room that was made ahead. */
uint64_t store_used_bytes(struct store *store);

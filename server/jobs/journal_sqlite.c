/* The thread takes all that was posted since it last looked as one batch, does it in one transaction, commits, and
 * tells everybody: what comes during the commit's fsync is the next batch. Where a transaction fails each of its
 * requests is tried again alone, so that one that there is no room for takes none with it. A submission that comes
 * alone, and whose answer is waited for, has its job begun before the commit, which waits a little for the job's end.
 *
 * A file is renamed to its digest within the transaction of the row that needs it, before the commit, and removed when
 * no row needs it, after a commit and between batches; both by this thread alone. So a crash leaves files that no row
 * has, never rows without their files; the former are found by a slow walk through the folder (sweep). */
#include "server/jobs/journal_sqlite.h"

#include "server/jobs/journal_rules.h"
#include "server/jobs/sqlite_log.h"
#include "server/jobs/sqlite_schema.h"
#include "server/jobs/sqlite_verbs.h"
#include "server/system/clock.h"
#include "server/system/log.h"
#include "server/system/thread.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATABASE_NAME "jobs.db"
#define FILES_NAME "jobs"

/* A batch in one transaction: long enough to pay for its fsync many times over. */
enum { BATCH_MAX = 512, SWEEP_MAX = 64, CHECKED_BYTES = 64 * 1024 * 1024 };

struct sqlite_journal {
    struct journal base;
    struct mailbox requests;
    sem_t posted;
    atomic_bool is_closing;
    pthread_t thread;
    /* The thread's. */
    struct store store;
    bool is_stopped;  /* nothing is written any more */
    bool wants_sweep; /* the next stretch of the folder */
    DIR *swept;       /* where the walk is; NULL: it is over */
};

static struct sqlite_journal *sqlite_of(struct journal *journal) {
    return (struct sqlite_journal *)((char *)journal - offsetof(struct sqlite_journal, base));
}

static struct journal_request *request_of(struct mailbox_link *link) {
    return (struct journal_request *)((char *)link - offsetof(struct journal_request, link));
}

static void stop(struct sqlite_journal *journal) {
    const struct store *store = &journal->store;
    journal->is_stopped = true;
    log_event(LOG_ERROR, "jobs-stopped", "the store of jobs can't be used until the next start: %s%s%s",
              sqlite3_errstr(store->error), store->system_error ? ": " : "",
              store->system_error ? strerror(store->system_error) : "");
}

/* Without room or memory another transaction may succeed; where the disk failed or what is on it is wrong, none should:
 * what a disk says after a sync that failed is not to be believed. */
static enum journal_outcome outcome_of_failure(struct sqlite_journal *journal) {
    struct store *store = &journal->store;
    if (store_is_full(store)) {
        store_note_full(store, true);
        return JOURNAL_FULL;
    }
    if ((store->error & 0xff) != SQLITE_NOMEM) {
        stop(journal);
    }
    return JOURNAL_UNAVAILABLE;
}

/* All of them in one transaction; false: none of them. */
static bool commit_all(struct sqlite_journal *journal, struct journal_request *const *batch, size_t count) {
    struct store *store = &journal->store;
    store_begin(store);
    for (size_t i = 0; i < count && !store_failed(store); i++) {
        batch[i]->jobs = NULL;
        store_do(store, batch[i]);
    }
    if (store_commit(store)) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        store_undo(batch[i]);
    }
    return false;
}

static void note_room(struct sqlite_journal *journal) {
    if (journal->base.room.limit_bytes > 0) {
        atomic_store(&journal->base.room.used_bytes, store_used_bytes(&journal->store));
    }
}

/* Outside of transactions: where it can't be read the next one tells. */
static void show(struct sqlite_journal *journal) {
    struct store *store = &journal->store;
    bool is_any = store->counts.jobs[JOB_ACCEPTED] > 0;
    int64_t oldest_ms = is_any ? store_number(store, store_prepare(store, STORE_OLDEST_WAITING)) : 0;
    journal_show(&journal->base, store->counts.jobs, oldest_ms);
}

/* After a transaction, or several: nothing more is to be told than this. */
static void end_batch(struct sqlite_journal *journal, struct journal_request *const *batch, size_t count, bool is_ready,
                      bool is_due) {
    if (!journal->is_stopped) {
        store_remove_doomed(&journal->store);
        note_room(journal);
        show(journal);
    }
    if (is_ready && journal->store.settings.ready) {
        journal->store.settings.ready(journal->store.settings.context);
    }
    if (is_due && journal->store.settings.due) {
        journal->store.settings.due(journal->store.settings.due_context);
    }
    for (size_t i = 0; i < count; i++) {
        batch[i]->done(batch[i]);
    }
}

static void do_batch(struct sqlite_journal *journal, struct journal_request *const *batch, size_t count) {
    bool is_ready = false, is_due = false, is_whole = false;
    for (size_t i = 0; i < count; i++) {
        journal_request_reset(batch[i]);
        journal->wants_sweep |= batch[i]->verb == JOURNAL_TIDY;
    }
    if (!journal->is_stopped && count > 1) {
        is_whole = commit_all(journal, batch, count);
        is_ready = is_whole && journal->store.is_ready;
        is_due = is_whole && journal->store.is_due;
        if (!is_whole) {
            (void)outcome_of_failure(journal); /* stops, or each has its own below */
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_whole) {
            if (journal->is_stopped) {
                batch[i]->outcome = JOURNAL_UNAVAILABLE;
            } else if (commit_all(journal, &batch[i], 1)) {
                is_ready |= journal->store.is_ready;
                is_due |= journal->store.is_due;
            } else {
                batch[i]->outcome = outcome_of_failure(journal);
            }
        }
        store_settle(&journal->store, batch[i]);
    }
    end_batch(journal, batch, count, is_ready, is_due);
}

/* What is posted within JOURNAL_LINGER_NS; NULL: nothing is. */
static struct mailbox_link *await_post(struct sqlite_journal *journal) {
    struct timespec until;
    struct mailbox_link *link;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t ns = (uint64_t)until.tv_nsec + JOURNAL_LINGER_NS;
    until.tv_sec += (time_t)(ns / NS_PER_S);
    until.tv_nsec = (long)(ns % NS_PER_S);
    do {
        link = mailbox_take(&journal->requests);
    } while (!link && (sem_clockwait(&journal->posted, CLOCK_MONOTONIC, &until) == 0 || errno == EINTR));
    return link;
}

static bool is_end_of(const struct journal_request *submission, const struct journal_request *other) {
    const struct text_view *id = &submission->jobs->id;
    return other->verb == JOURNAL_FINISH && other->finish.id.length == id->length &&
           memcmp(other->finish.id.bytes, id->bytes, id->length) == 0;
}

static void tell_end(struct journal_request *submission, const struct journal_request *end) {
    struct job *ended = end->outcome == JOURNAL_DONE && end->jobs ? job_copy(end->jobs) : NULL;
    if (ended) {
        jobs_free(submission->jobs);
        submission->jobs = ended;
    }
}

static bool begins_early(const struct sqlite_journal *journal, const struct journal_request *request) {
    return request->verb == JOURNAL_SUBMIT && request->submit.begun && !journal->is_stopped;
}

/* A submission, and the end of its job if that is what comes next. None is tried again: the job has begun under the id
 * that it was given. Returns what has come and isn't done. */
static struct mailbox_link *do_early(struct sqlite_journal *journal, struct journal_request *submission) {
    struct store *store = &journal->store;
    struct journal_request *batch[2] = {submission};
    struct mailbox_link *link = NULL;
    size_t count = 1;
    store_begin(store);
    store_do(store, submission);
    if (!store_failed(store) && submission->outcome == JOURNAL_DONE && submission->jobs->status == JOB_RUNNING) {
        submission->submit.begun(submission);
        link = await_post(journal);
    }
    if (link && is_end_of(submission, request_of(link))) {
        batch[count++] = request_of(link);
        link = link->next;
        store_do(store, batch[1]);
        tell_end(submission, batch[1]);
    }
    bool is_done = store_commit(store);
    for (size_t i = 0; i < count && !is_done; i++) {
        store_undo(batch[i]);
        batch[i]->outcome = i == 0 ? outcome_of_failure(journal) : JOURNAL_MISSING;
    }
    for (size_t i = 0; i < count; i++) {
        store_settle(store, batch[i]);
    }
    end_batch(journal, batch, count, is_done && store->is_ready, is_done && store->is_due);
    return link;
}

/* Looks at some more of the files: what a crash has left behind is removed. Between batches, when what is in the folder
 * under a digest is somebody's or nobody's. */
static void sweep(struct sqlite_journal *journal) {
    const struct dirent *entry = NULL;
    struct digest digest;
    for (unsigned i = 0; journal->swept && i < SWEEP_MAX && (entry = readdir(journal->swept)); i++) {
        if (digest_parse(&digest, entry->d_name)) {
            store_doom(&journal->store, &digest);
        }
    }
    store_remove_doomed(&journal->store);
    if (journal->swept && !entry) {
        (void)closedir(journal->swept);
        journal->swept = NULL;
    }
}

static void *serve(void *context) {
    struct sqlite_journal *journal = context;
    for (;;) {
        bool is_closing = atomic_load(&journal->is_closing); /* before looking: then nothing comes after */
        struct mailbox_link *link = mailbox_take(&journal->requests);
        if (!link && is_closing) {
            return NULL;
        }
        while (link) {
            struct journal_request *batch[BATCH_MAX];
            size_t count = 0;
            for (; link && count < BATCH_MAX; link = link->next) {
                batch[count++] = request_of(link);
            }
            if (count == 1 && begins_early(journal, batch[0])) {
                link = do_early(journal, batch[0]);
            } else {
                do_batch(journal, batch, count);
            }
        }
        if (journal->wants_sweep && !journal->is_stopped) {
            sweep(journal);
        }
        journal->wants_sweep = false;
        while (!atomic_load(&journal->is_closing) && sem_wait(&journal->posted) != 0) {
            /* a signal's handler ran */
        }
    }
}

static void wake(void *context) {
    (void)sem_post(context);
}

static void sqlite_ask(struct journal *base, struct journal_request *request) {
    mailbox_post(&sqlite_of(base)->requests, &request->link);
}

static void close_store(struct store *store) {
    for (size_t i = 0; i < STORE_STATEMENT_COUNT; i++) {
        (void)sqlite3_finalize(store->statements[i]);
    }
    (void)sqlite3_close(store->database);
    if (store->database_file >= 0) {
        (void)close(store->database_file);
    }
    free(store->doomed.digests);
    if (store->files >= 0) {
        (void)close(store->files);
    }
}

static void sqlite_close(struct journal *base) {
    struct sqlite_journal *journal = sqlite_of(base);
    atomic_store(&journal->is_closing, true);
    (void)sem_post(&journal->posted);
    pthread_join(journal->thread, NULL);
    if (journal->is_stopped) {
        /* What is wrong with it isn't made worse by a last checkpoint. */
        (void)sqlite3_db_config(journal->store.database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    close_store(&journal->store);
    if (journal->swept) {
        (void)closedir(journal->swept);
    }
    mailbox_deinit(&journal->requests);
    (void)sem_destroy(&journal->posted);
    free(journal);
}

static bool refuse(char *reason, const char *why) {
    (void)snprintf(reason, JOURNAL_REASON_BYTES, "%s", why);
    return false;
}

static bool run(sqlite3 *database, const char *sql, char *reason) {
    return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK || refuse(reason, sqlite3_errmsg(database));
}

static int expect_text(void *expected, int columns, char **values, char **names) {
    (void)names;
    return columns == 1 && values[0] && strcmp(values[0], expected) == 0 ? 0 : 1;
}

/* Runs a statement whose one answer must be this text. */
static bool run_expecting(sqlite3 *database, const char *sql, char *expected, char *reason) {
    char *message = NULL;
    int result = sqlite3_exec(database, sql, expect_text, expected, &message);
    sqlite3_free(message);
    if (result == SQLITE_ABORT) {
        (void)snprintf(reason, JOURNAL_REASON_BYTES, "%s isn't answered by %s", sql, expected);
        return false;
    }
    return result == SQLITE_OK || refuse(reason, sqlite3_errmsg(database));
}

/* A small store is looked through as a whole, at about 2 ns a byte; of a large one what is corrupt is found when it is
 * read. */
static bool is_sound(const struct store *store, char *reason) {
    static char good[] = "ok";
    struct stat file;
    if (fstat(store->database_file, &file) != 0) {
        return refuse(reason, strerror(errno));
    }
    return file.st_size > CHECKED_BYTES || run_expecting(store->database, "PRAGMA quick_check(1)", good, reason);
}

/* Nothing is written before the schema was checked, nor when the connection is closed because of it. */
static bool open_database(struct store *store, const char *path, char *reason) {
    static char wal[] = "wal", exclusive[] = "exclusive";
    int version = 0;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &store->database, flags, NULL) != SQLITE_OK) {
        return refuse(reason, store->database ? sqlite3_errmsg(store->database) : "there is no memory");
    }
    (void)sqlite3_db_config(store->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_db_config(store->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(store->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (sqlite3_db_readonly(store->database, "main") != 0) {
        return refuse(reason, "it can't be written");
    }
    if (!run_expecting(store->database, "PRAGMA locking_mode = EXCLUSIVE", exclusive, reason) ||
        !sqlite_schema_check(store->database, &sqlite_jobs_schema, &version, reason)) {
        return false;
    }
    return run(store->database, "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192",
               reason) &&
           is_sound(store, reason) && run_expecting(store->database, "PRAGMA journal_mode = WAL", wal, reason) &&
           run(store->database, "PRAGMA synchronous = FULL", reason) &&
           sqlite_schema_migrate(store->database, &sqlite_jobs_schema, version, reason) &&
           run(store->database,
               "CREATE TEMP TABLE leases (number INTEGER PRIMARY KEY, end_ns INTEGER NOT NULL);"
               "CREATE INDEX temp.leases_by_end ON leases (end_ns);"
               "CREATE TEMP TABLE delivering (number INTEGER PRIMARY KEY, end_ns INTEGER NOT NULL)",
               reason);
}

static bool prepare_statements(struct store *store, char *reason) {
    static const char *const sql[] = {
#define X(name, text) text,
        STORE_STATEMENTS(X)
#undef X
    };
    for (size_t i = 0; i < STORE_STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v3(store->database, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL) !=
            SQLITE_OK) {
            return refuse(reason, sqlite3_errmsg(store->database));
        }
    }
    return true;
}

/* What is known beside the rows. Writes nothing to the disk, so that a full one doesn't keep anybody from results. */
static bool take_up(struct store *store, char *reason) {
    sqlite3_stmt *statement;
    store_begin(store);
    for (int status = 0; status < JOB_STATUS_COUNT; status++) {
        statement = store_prepare(store, STORE_COUNT);
        sqlite3_bind_int(statement, 1, status);
        store->counts.jobs[status] = (uint64_t)store_number(store, statement);
    }
    store->counts.used_bytes = (uint64_t)store_number(store, store_prepare(store, STORE_FILE_BYTES));
    store->next_number = (uint64_t)store_number(store, store_prepare(store, STORE_LAST_NUMBER)) + 1;
    statement = store_prepare(store, STORE_LAST_AGE);
    sqlite3_bind_int64(statement, 1, (int64_t)JOURNAL_AGEING_MS);
    store->age_base_ms = store_number(store, statement);
    store->opened_ns = clock_now_ns();
    store_run(store, store_prepare(store, STORE_LEASE_ALL)); /* over: the first JOURNAL_TIDY ends them */
    if (!store_commit(store)) {
        return refuse(reason, sqlite3_errstr(store->error));
    }
    return true;
}

/* To read a store SQLite makes the log that it doesn't have. Where the store is refused then, that goes again as it
 * came: SQLite removes an empty log when it closes, under its own lock, and writes nothing. */
static void leave_no_log(struct store *store, const char *log) {
    struct stat made;
    if (store->database && stat(log, &made) == 0 && made.st_size == 0) {
        (void)sqlite3_db_config(store->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    }
}

/* What makes it no store of this program's is found before anything is written or removed. */
static bool open_store(struct store *store, const struct state_folder *state, const char *path, char *reason) {
    char why[STATE_REASON_BYTES], log[PATH_MAX + sizeof DATABASE_NAME + sizeof "-wal"];
    (void)snprintf(log, sizeof log, "%s-wal", path);
    store->files = state_folder_within(state, FILES_NAME, why);
    if (store->files < 0) {
        (void)snprintf(reason, JOURNAL_REASON_BYTES, "%.*s", JOURNAL_REASON_BYTES / 2, why);
        return false;
    }
    store->database_file =
        open(path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR); /* SQLite would let others read */
    if (store->database_file < 0) {
        (void)snprintf(reason, JOURNAL_REASON_BYTES, "it can't be written: %s", strerror(errno));
        return false;
    }
    bool has_log = access(log, F_OK) == 0;
    if (!sqlite_log_is_whole(log, reason) || !open_database(store, path, reason) ||
        !prepare_statements(store, reason) || !take_up(store, reason)) {
        if (!has_log) {
            leave_no_log(store, log);
        }
        return false;
    }
    store_reserve_log(log);
    int error = durable_sweep(store->files);
    error = error ? error : durable_sync_folder(state->folder); /* the database's own name */
    if (error) {
        return refuse(reason, strerror(error));
    }
    (void)sqlite3_db_config(store->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return true;
}

struct journal *journal_sqlite_open(const struct journal_settings *settings, const struct state_folder *state,
                                    char reason[JOURNAL_REASON_BYTES]) {
    static const struct journal_calls calls = {.ask = sqlite_ask, .close = sqlite_close};
    char path[PATH_MAX + sizeof DATABASE_NAME], why[JOURNAL_REASON_BYTES] = "there is no memory";
    struct sqlite_journal *journal = calloc(1, sizeof *journal);
    (void)snprintf(path, sizeof path, "%s/" DATABASE_NAME, state->path);
    if (journal) {
        journal->store = (struct store){.settings = *settings, .files = -1, .database_file = -1};
    }
    if (!journal || !open_store(&journal->store, state, path, why)) {
        goto refused;
    }
    journal->base = (struct journal){
        .calls = &calls, .files = journal->store.files, .is_durable = true, .room.limit_bytes = settings->limit_bytes};
    note_room(journal);
    show(journal);
    journal->swept = durable_list(journal->store.files);
    mailbox_init(&journal->requests, wake, &journal->posted);
    (void)sem_init(&journal->posted, 0, 0);
    int error = thread_start(&journal->thread, "journal", serve, journal);
    if (!error) {
        return &journal->base;
    }
    (void)snprintf(why, sizeof why, "there is no thread for it: %s", strerror(error));
    mailbox_deinit(&journal->requests);
    (void)sem_destroy(&journal->posted);
refused:
    (void)snprintf(reason, JOURNAL_REASON_BYTES, "jobs can't be kept in %.*s: %.*s", JOURNAL_REASON_BYTES / 2, path,
                   JOURNAL_REASON_BYTES / 3, why);
    if (journal) {
        close_store(&journal->store);
        free(journal);
    }
    return NULL;
}

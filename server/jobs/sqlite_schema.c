#include "server/jobs/sqlite_schema.h"

#include <stdio.h>

/* Numbers in columns named as an enum's are that enum's values, which never change therefore (sqlite_rows.c asserts
 * it). What is long stands last: SQLite reads a row from its start. */
static const char version_1[] =
    "CREATE TABLE jobs ("
    "  number INTEGER PRIMARY KEY," /* order of acceptance */
    "  id TEXT NOT NULL UNIQUE,"
    "  status INTEGER NOT NULL,"
    "  failure INTEGER NOT NULL,"
    "  attempts INTEGER NOT NULL,"
    "  crashes INTEGER NOT NULL,"
    "  priority INTEGER NOT NULL,"
    "  rank INTEGER NOT NULL," /* journal_rank */
    "  created_ms INTEGER NOT NULL,"
    "  started_ms INTEGER NOT NULL,"
    "  finished_ms INTEGER NOT NULL,"
    "  expires_ms INTEGER NOT NULL,"
    "  is_expired INTEGER NOT NULL,"
    "  due_ms INTEGER," /* when it expires, or once it has, is forgotten; NULL: not finished */
    "  keep_s INTEGER NOT NULL,"
    "  deadline_ms INTEGER NOT NULL,"
    "  principal INTEGER NOT NULL," /* 64 bits, unsigned ones as two's complement */
    "  idempotency_key TEXT,"
    "  op TEXT NOT NULL,"
    "  query TEXT NOT NULL,"
    "  callback TEXT NOT NULL,"
    "  body_media INTEGER NOT NULL,"
    "  reply_media INTEGER NOT NULL,"
    "  body_coding INTEGER NOT NULL,"
    "  reply_coding INTEGER NOT NULL,"
    "  reply_must_be_coded INTEGER NOT NULL,"
    "  fingerprint BLOB NOT NULL,"
    "  body_digest BLOB NOT NULL,"
    "  body_length INTEGER NOT NULL,"
    "  body_in_file INTEGER NOT NULL,"
    "  pins BLOB," /* digest and length (8 bytes, least first) of each */
    "  result_status INTEGER NOT NULL,"
    "  result_type TEXT NOT NULL,"
    "  result_fields TEXT NOT NULL,"
    "  result_digest BLOB,"
    "  result_length INTEGER NOT NULL,"
    "  result_in_file INTEGER NOT NULL,"
    "  result_seal BLOB," /* job_result_seal */
    /* What whoever has pinned contents wrote of them, behind the SHA-256 of that and of the column `pins`; NULL: names
     * are looked up when the job runs. */
    "  pin_notes BLOB,"
    "  body BLOB,"
    "  result BLOB"
    ") STRICT;"
    "CREATE UNIQUE INDEX jobs_by_key ON jobs (principal, idempotency_key) WHERE idempotency_key IS NOT NULL;"
    "CREATE INDEX jobs_by_status ON jobs (status);"
    "CREATE INDEX jobs_waiting ON jobs (rank) WHERE status = 0;"
    "CREATE INDEX jobs_due ON jobs (due_ms) WHERE due_ms IS NOT NULL;"
    /* Contents in the folder of files, and how many bodies, results and pins they are. */
    "CREATE TABLE files ("
    "  digest BLOB PRIMARY KEY,"
    "  length INTEGER NOT NULL,"
    "  holders INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    /* Deliveries of callbacks, of finished jobs that have one: most have none. */
    "CREATE TABLE deliveries ("
    "  number INTEGER PRIMARY KEY," /* the job's */
    "  state INTEGER NOT NULL,"
    "  tries INTEGER NOT NULL,"
    "  due_ms INTEGER," /* the next try; NULL: none */
    "  error TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX deliveries_due ON deliveries (due_ms) WHERE due_ms IS NOT NULL;";

/* A job's `trace` as the value of a field `traceparent`, 55 bytes, while it isn't over; NULL: it is a part of none. A
 * column that is added stands behind what is long, so that only who reads a row's body reads it. */
static const char version_2[] = "ALTER TABLE jobs ADD COLUMN traceparent TEXT;";

/* What a finished job's run had and took, as its document says it, behind the SHA-256 of that; NULL: it isn't known.
 * Lists read it too, past a result in the row. */
static const char version_3[] = "ALTER TABLE jobs ADD COLUMN result_metadata BLOB;";

static const char *const steps[] = {version_1, version_2, version_3};

const struct sqlite_schema sqlite_jobs_schema = {
    .application_id = 0x666a6f62, /* "fjob" */
    .steps = steps,
    .version = sizeof steps / sizeof *steps,
};

/* The one number that a statement gives. */
static bool ask(sqlite3 *database, const char *sql, int *value, char *reason) {
    sqlite3_stmt *statement = NULL;
    bool is_good =
        sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
    if (is_good) {
        *value = sqlite3_column_int(statement, 0);
    } else {
        (void)snprintf(reason, JOURNAL_REASON_BYTES, "it can't be read: %s", sqlite3_errmsg(database));
    }
    (void)sqlite3_finalize(statement);
    return is_good;
}

bool sqlite_schema_check(sqlite3 *database, const struct sqlite_schema *schema, int *version,
                         char reason[JOURNAL_REASON_BYTES]) {
    int application = 0, tables = 0;
    if (!ask(database, "PRAGMA user_version", version, reason) ||
        !ask(database, "PRAGMA application_id", &application, reason) ||
        !ask(database, "SELECT count(*) FROM sqlite_schema", &tables, reason)) {
        return false;
    }
    bool is_empty = *version == 0 && application == 0 && tables == 0;
    if (!is_empty && (application != schema->application_id || *version <= 0)) {
        (void)snprintf(reason, JOURNAL_REASON_BYTES, "it is a database of something else");
        return false;
    }
    if (*version > schema->version) {
        (void)snprintf(reason, JOURNAL_REASON_BYTES,
                       "its schema is version %d, this program's is %d: move it away, or name another folder", *version,
                       schema->version);
        return false;
    }
    return true;
}

static bool run(sqlite3 *database, const char *sql) {
    return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK;
}

bool sqlite_schema_migrate(sqlite3 *database, const struct sqlite_schema *schema, int version,
                           char reason[JOURNAL_REASON_BYTES]) {
    char mark[128];
    if (version == schema->version) {
        return true;
    }
    (void)snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                   schema->application_id, schema->version);
    bool is_good = run(database, "BEGIN IMMEDIATE");
    for (int step = version; is_good && step < schema->version; step++) {
        is_good = run(database, schema->steps[step]);
    }
    if (is_good && run(database, mark)) {
        return true;
    }
    (void)snprintf(reason, JOURNAL_REASON_BYTES, "version %d of its schema can't be made version %d: %s", version,
                   schema->version, sqlite3_errmsg(database));
    if (sqlite3_get_autocommit(database) == 0) {
        (void)run(database, "ROLLBACK");
    }
    return false;
}

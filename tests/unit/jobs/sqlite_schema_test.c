/* The steps from every earlier version to the newest, with schemas made up for it. */
#include "server/jobs/sqlite_schema.h"
#include "server/jobs/sqlite_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Each step works only on what the one before it made. */
static const char *const steps[] = {
    "CREATE TABLE things (name TEXT); INSERT INTO things VALUES ('made by 1');",
    "ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 7;",
    "CREATE TABLE sizes AS SELECT size, count(*) AS n FROM things GROUP BY size; UPDATE things SET size = size + 1;",
};
enum { VERSIONS = sizeof steps / sizeof *steps };

static struct sqlite_schema schema_of(int version) {
    return (struct sqlite_schema){.application_id = 12345, .steps = steps, .version = version};
}

static sqlite3 *database;
static char reason[JOURNAL_REASON_BYTES];

static int set_up(void **state) {
    (void)state;
    reason[0] = '\0';
    return sqlite3_open(":memory:", &database);
}

static int tear_down(void **state) {
    (void)state;
    return sqlite3_close(database);
}

static int64_t ask(const char *sql) {
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void run(const char *sql) {
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void make(int version) {
    struct sqlite_schema schema = schema_of(version);
    int found = -1;
    assert_true(sqlite_schema_check(database, &schema, &found, reason));
    assert_true(sqlite_schema_migrate(database, &schema, found, reason));
    assert_int_equal(ask("PRAGMA user_version"), version);
}

static void every_version_becomes_the_newest(void **state) {
    for (int version = 0; version <= VERSIONS; version++) {
        tear_down(state);
        set_up(state);
        if (version > 0) {
            make(version);
            run("INSERT INTO things (name) VALUES ('kept')");
        }
        make(VERSIONS);
        assert_int_equal(ask("SELECT count(*) FROM things"), version > 0 ? 2 : 1);
        assert_int_equal(ask("SELECT count(*) FROM sizes"), 1);
        assert_int_equal(ask("SELECT size FROM things WHERE name = 'made by 1'"), 8);
        assert_int_equal(ask("PRAGMA application_id"), 12345);
        make(VERSIONS); /* again: nothing is left to do */
        assert_int_equal(ask("SELECT size FROM things WHERE name = 'made by 1'"), 8);
    }
}

static void a_newer_version_is_refused_and_stays(void **state) {
    (void)state;
    make(VERSIONS);
    for (int known = 1; known < VERSIONS; known++) {
        struct sqlite_schema schema = schema_of(known);
        int found = -1;
        assert_false(sqlite_schema_check(database, &schema, &found, reason));
        assert_non_null(strstr(reason, "version 3"));
    }
    assert_int_equal(ask("PRAGMA user_version"), VERSIONS);
}

static void what_is_something_else_is_refused(void **state) {
    struct sqlite_schema schema = schema_of(VERSIONS);
    const char *const others[] = {
        "CREATE TABLE x (y)",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 12345",
        "PRAGMA application_id = 99; PRAGMA user_version = 1; CREATE TABLE x (y)",
        "PRAGMA application_id = 12345; PRAGMA user_version = -1",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        int found = -1;
        tear_down(state);
        set_up(state);
        run(others[i]);
        assert_false(sqlite_schema_check(database, &schema, &found, reason));
        assert_non_null(strstr(reason, "something else"));
    }
}

/* All steps or none. */
static void a_step_that_fails_changes_nothing(void **state) {
    (void)state;
    const char *const broken[] = {steps[0], steps[1], "CREATE TABLE sizes (a); INSERT INTO nowhere VALUES (1);"};
    struct sqlite_schema schema = {.application_id = 12345, .steps = broken, .version = 3};
    int found = -1;
    make(1);
    assert_true(sqlite_schema_check(database, &schema, &found, reason));
    assert_int_equal(found, 1);
    assert_false(sqlite_schema_migrate(database, &schema, found, reason));
    assert_non_null(strstr(reason, "nowhere"));
    assert_int_equal(ask("PRAGMA user_version"), 1);
    assert_int_equal(ask("SELECT count(*) FROM pragma_table_info('things')"), 1);
    assert_int_equal(ask("SELECT count(*) FROM sqlite_schema"), 1);
    make(VERSIONS);
}

/* The SHA-256 of each step: one that was released never changes, another has to be added. */
static const char *const released[] = {
    "49468b456bf878f7fc3c1e335921199953660668b2a0f6308123ad698e3085fa",
    "eb30c21296404838ed8026425b20550992eb69130576db6446ff288ea906161a",
    "9541b9b43512646b9aca48c542125752ce8ea0dfd6bf3b7bd73fb0250d0f51c2",
};

static void the_released_versions_are_what_they_were(void **state) {
    (void)state;
    int found = -1;
    assert_int_equal(sqlite_jobs_schema.version, sizeof released / sizeof *released);
    for (int i = 0; i < sqlite_jobs_schema.version; i++) {
        char printed[DIGEST_TEXT_LENGTH + 1];
        struct digest digest = digest_of(sqlite_jobs_schema.steps[i], strlen(sqlite_jobs_schema.steps[i]));
        assert_string_equal(digest_print(&digest, printed), released[i]);
    }
    assert_true(sqlite_schema_check(database, &sqlite_jobs_schema, &found, reason));
    assert_true(sqlite_schema_migrate(database, &sqlite_jobs_schema, found, reason));
    assert_int_equal(ask("SELECT count(*) FROM pragma_table_info('jobs')"), 43);
    assert_int_equal(ask("SELECT count(*) FROM pragma_table_info('files')"), 3);
    assert_int_equal(ask("SELECT count(*) FROM pragma_table_info('deliveries')"), 5);
}

static void a_store_of_a_later_program_is_refused(void **state) {
    for (int version = sqlite_jobs_schema.version + 1; version < sqlite_jobs_schema.version + 4; version++) {
        char later[96], said[128];
        int found = -1;
        tear_down(state);
        set_up(state);
        (void)snprintf(later, sizeof later, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                       sqlite_jobs_schema.application_id, version);
        (void)snprintf(said, sizeof said,
                       "its schema is version %d, this program's is %d: move it away, or name another folder", version,
                       sqlite_jobs_schema.version);
        run(later);
        assert_false(sqlite_schema_check(database, &sqlite_jobs_schema, &found, reason));
        assert_string_equal(reason, said);
        assert_int_equal(ask("PRAGMA user_version"), version);
    }
}

/* A store of each version that was ever released becomes one of this, and keeps what is in it. */
static void every_released_version_becomes_the_newest(void **state) {
    for (int version = 1; version <= sqlite_jobs_schema.version; version++) {
        struct sqlite_schema older = sqlite_jobs_schema;
        int found = -1;
        tear_down(state);
        set_up(state);
        older.version = version;
        assert_true(sqlite_schema_check(database, &older, &found, reason));
        assert_true(sqlite_schema_migrate(database, &older, found, reason));
        run("INSERT INTO files VALUES (x'01', 5, 1)");
        run("INSERT INTO jobs (number, id, status, failure, attempts, crashes, priority, rank, created_ms, started_ms, "
            "finished_ms, expires_ms, is_expired, keep_s, deadline_ms, principal, op, query, callback, body_media, "
            "reply_media, body_coding, reply_coding, reply_must_be_coded, fingerprint, body_digest, body_length, "
            "body_in_file, result_status, result_type, result_fields, result_length, result_in_file) "
            "VALUES (7, 'kept', 0, 0, 0, 0, 4, 9, 1, 0, 0, 0, 0, 60, 0, 3, '/v1/gaussian', '', '', 1, 1, 0, 0, 0, "
            "x'02', "
            "x'03', 2, 0, 0, '', '', 0, 0)");
        assert_true(sqlite_schema_check(database, &sqlite_jobs_schema, &found, reason));
        assert_int_equal(found, version);
        assert_true(sqlite_schema_migrate(database, &sqlite_jobs_schema, found, reason));
        assert_int_equal(ask("PRAGMA user_version"), sqlite_jobs_schema.version);
        assert_int_equal(ask("SELECT number FROM jobs WHERE id = 'kept' AND rank = 9 AND keep_s = 60"), 7);
        assert_int_equal(ask("SELECT count(*) FROM jobs WHERE traceparent IS NULL AND result_metadata IS NULL"), 1);
        assert_int_equal(ask("SELECT length FROM files"), 5);
        assert_int_equal(ask("SELECT count(*) FROM deliveries"), 0);
    }
}

/* A million jobs cost no more than a few: each statement finds its rows by an index, or by their number. */
static void no_statement_looks_at_every_job(void **state) {
    (void)state;
    static const char *const sql[] = {
#define X(name, text) #name, text,
        STORE_STATEMENTS(X)
#undef X
    };
    int version = 0;
    assert_true(sqlite_schema_check(database, &sqlite_jobs_schema, &version, reason));
    assert_true(sqlite_schema_migrate(database, &sqlite_jobs_schema, version, reason));
    run("CREATE TEMP TABLE leases (number INTEGER PRIMARY KEY, end_ns INTEGER NOT NULL);"
        "CREATE INDEX temp.leases_by_end ON leases (end_ns);"
        "CREATE TEMP TABLE delivering (number INTEGER PRIMARY KEY, end_ns INTEGER NOT NULL)");
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i += 2) {
        char explain[8192];
        sqlite3_stmt *statement = NULL;
        assert_true(snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql[i + 1]) < (int)sizeof explain);
        assert_int_equal(sqlite3_prepare_v2(database, explain, -1, &statement, NULL), SQLITE_OK);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(statement, 3);
            bool scans_jobs = strcmp(detail, "SCAN jobs") == 0 || strstr(detail, "TEMP B-TREE");
            bool scans_index = strncmp(detail, "SCAN", 4) == 0 && strstr(detail, "jobs USING");
            /* The first of an index is found at once; the other one is asked when the store is opened. */
            bool may_scan = strcmp(sql[i], "FIRST_WAITING") == 0 || strcmp(sql[i], "LAST_AGE") == 0;
            if (scans_jobs || (scans_index && !may_scan)) {
                fail_msg("%s: %s", sql[i], detail);
            }
        }
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_version_becomes_the_newest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_newer_version_is_refused_and_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_something_else_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_step_that_fails_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_released_versions_are_what_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_of_a_later_program_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_released_version_becomes_the_newest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_statement_looks_at_every_job, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("schema versions", tests, NULL, NULL);
}

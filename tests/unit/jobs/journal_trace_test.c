/* The trace that a job was submitted in is told with each of its attempts, and outlives the process where jobs do.
 *
 * ctest: threads */
#include "tests/unit/jobs/journal_case.h"

#include <sqlite3.h>

#define SUBMISSION "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define ANOTHER "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-00"

/* Claimed at once where lease_ms > 0. */
static enum journal_outcome submit_within(const char *id, const char *traceparent, uint64_t lease_ms) {
    struct job job = plain_job(id, "{}");
    if (traceparent) {
        assert_true(trace_context_read(traceparent, &job.trace));
    }
    return ask((struct journal_request){.verb = JOURNAL_SUBMIT, .submit = {.job = &job, .lease_ms = lease_ms}});
}

/* The job in `answer`; NULL: of no trace. */
static void assert_trace(const char *traceparent) {
    struct trace_context wanted = {0};
    const struct trace_context *found = &answer.request.jobs->trace;
    if (traceparent) {
        assert_true(trace_context_read(traceparent, &wanted));
    }
    assert_string_equal(found->trace_id, wanted.trace_id);
    assert_string_equal(found->span_id, wanted.span_id);
    assert_int_equal(found->is_sampled, wanted.is_sampled);
}

static void assert_claimed_within(const char *id, unsigned attempt, const char *traceparent) {
    assert_claimed(id);
    assert_int_equal(answer.request.jobs->attempts, attempt);
    assert_trace(traceparent);
}

static void each_attempt_has_the_trace(void **state) {
    (void)state;
    assert_int_equal(submit_within("x", SUBMISSION, 0), JOURNAL_DONE);
    assert_trace(SUBMISSION);
    assert_claimed_within("x", 1, SUBMISSION);
    assert_int_equal(on_attempt(JOURNAL_RELEASE, "x", 1), JOURNAL_DONE);
    assert_claimed_within("x", 2, SUBMISSION);
    fake_clock_advance((LEASE_MS + 1) * NS_PER_MS);
    tidy_all();
    assert_claimed_within("x", 3, SUBMISSION);
}

static void one_that_is_claimed_at_once_has_it_too(void **state) {
    (void)state;
    assert_int_equal(submit_within("x", ANOTHER, LEASE_MS), JOURNAL_DONE);
    assert_int_equal(answer.request.jobs->status, JOB_RUNNING);
    assert_trace(ANOTHER);
    assert_int_equal(on_attempt(JOURNAL_RELEASE, "x", 1), JOURNAL_DONE);
    assert_claimed_within("x", 2, ANOTHER);
}

static void one_of_no_trace_has_none(void **state) {
    (void)state;
    assert_int_equal(submit_within("x", SUBMISSION, 0), JOURNAL_DONE);
    assert_int_equal(submit_within("y", NULL, 0), JOURNAL_DONE); /* nor has it its neighbour's */
    assert_trace(NULL);
    assert_claimed_within("x", 1, SUBMISSION);
    assert_claimed_within("y", 1, NULL);
}

/* The trace is none of what makes two submissions the same. */
static void one_that_is_repeated_stays_in_the_first_trace(void **state) {
    (void)state;
    assert_int_equal(submit_within("x", SUBMISSION, 0), JOURNAL_DONE);
    assert_int_equal(submit_within("x", ANOTHER, 0), JOURNAL_SAME);
    assert_int_equal(submit_within("x", NULL, 0), JOURNAL_SAME);
    assert_claimed_within("x", 1, SUBMISSION);
}

/* --- on the disk ------------------------------------------------------------------------------------------------- */

static void run_sql(const char *sql) {
    char path[PATH_MAX];
    sqlite3 *database;
    (void)snprintf(path, sizeof path, "%s/jobs.db", tree.root);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

/* `sql` NULL: nothing happens in between. */
static void restart_after(const char *sql) {
    close_journal();
    if (sql) {
        run_sql(sql);
    }
    open_journal();
    tidy_all();
}

static void the_trace_outlives_the_process(void **state) {
    (void)state;
    assert_int_equal(submit_within("runs", SUBMISSION, LEASE_MS), JOURNAL_DONE);
    assert_int_equal(submit_within("waits", ANOTHER, 0), JOURNAL_DONE);
    assert_int_equal(submit_within("alone", NULL, 0), JOURNAL_DONE);
    restart_after(NULL);
    assert_claimed_within("runs", 2, SUBMISSION);
    assert_claimed_within("waits", 1, ANOTHER);
    assert_claimed_within("alone", 1, NULL);
}

/* A store that a program of the first version has left. */
static void jobs_of_the_first_version_go_on_without(void **state) {
    (void)state;
    submit_plain("old");
    restart_after("ALTER TABLE jobs DROP COLUMN result_metadata; ALTER TABLE jobs DROP COLUMN traceparent; "
                  "PRAGMA user_version = 1");
    assert_int_equal(submit_within("new", SUBMISSION, 0), JOURNAL_DONE);
    assert_claimed_within("old", 1, NULL);
    assert_claimed_within("new", 1, SUBMISSION);
    assert_int_equal(finish("old", 1, "[1]"), JOURNAL_DONE);
    assert_int_equal(finish("new", 1, "[2]"), JOURNAL_DONE);
    restart_after(NULL);
    assert_content(&look_up("old")->result.content, "[1]", 3);
    assert_content(&look_up("new")->result.content, "[2]", 3);
}

/* A trace that isn't whole is worth no job. */
static void a_damaged_trace_is_left_out(void **state) {
    static const char *const changes[] = {"traceparent = ''", "traceparent = substr(traceparent, 2)",
                                          "traceparent = traceparent || 'x'",
                                          "traceparent = replace(traceparent, 'f', 'F')"};
    (void)state;
    for (unsigned i = 0; i < sizeof changes / sizeof *changes; i++) {
        char id[16], sql[128];
        (void)snprintf(id, sizeof id, "x%u", i);
        (void)snprintf(sql, sizeof sql, "UPDATE jobs SET %s", changes[i]);
        assert_int_equal(submit_within(id, SUBMISSION, 0), JOURNAL_DONE);
        restart_after(sql);
        assert_claimed_within(id, 1, NULL);
        assert_int_equal(finish(id, 1, "[]"), JOURNAL_DONE);
    }
}

/* What is over is run no more: its row gives back what only its runs needed. */
static void a_job_that_is_over_keeps_no_trace(void **state) {
    (void)state;
    assert_int_equal(submit_within("x", SUBMISSION, LEASE_MS), JOURNAL_DONE);
    assert_int_equal(finish("x", 1, "[]"), JOURNAL_DONE);
    restart_after("CREATE TEMP TABLE t (n INTEGER CHECK (n = 0));"
                  "INSERT INTO t SELECT count(*) FROM jobs WHERE traceparent IS NOT NULL");
}

int main(void) {
#define COMMON(X)                                                                                                      \
    X(each_attempt_has_the_trace)                                                                                      \
    X(one_that_is_claimed_at_once_has_it_too)                                                                          \
    X(one_of_no_trace_has_none)                                                                                        \
    X(one_that_is_repeated_stays_in_the_first_trace)
#define ON_DISK(X)                                                                                                     \
    X(the_trace_outlives_the_process)                                                                                  \
    X(jobs_of_the_first_version_go_on_without)                                                                         \
    X(a_damaged_trace_is_left_out)                                                                                     \
    X(a_job_that_is_over_keeps_no_trace)
    const struct CMUnitTest in_memory[] = {COMMON(JOURNAL_IN_MEMORY)};
    const struct CMUnitTest in_sqlite[] = {COMMON(JOURNAL_IN_SQLITE) ON_DISK(JOURNAL_IN_SQLITE)};
    alarm(TEST_LIMIT_S);
    int failures = cmocka_run_group_tests_name("in memory", in_memory, NULL, NULL);
    return failures + cmocka_run_group_tests_name("in SQLite", in_sqlite, NULL, NULL);
}

/* Stores that can't be used are refused and stay as they are; damaged ones give nothing that is wrong.
 *
 * ctest: threads */
#include "tests/unit/jobs/journal_case.h"

#include <sqlite3.h>
#include <sys/wait.h>

enum { SPARE_BYTES = 4096, LIST_BYTES = 4096 };

static void database_path(char path[PATH_MAX], const char *ending) {
    (void)snprintf(path, PATH_MAX, "%s/jobs.db%s", tree.root, ending);
}

static char *read_whole(const char *ending, size_t *length) {
    char path[PATH_MAX];
    struct stat there;
    database_path(path, ending);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    *length = 0;
    if (file < 0) {
        return calloc(1, SPARE_BYTES);
    }
    assert_int_equal(fstat(file, &there), 0);
    char *bytes = calloc(1, (size_t)there.st_size + SPARE_BYTES);
    *length = (size_t)read(file, bytes, (size_t)there.st_size);
    assert_int_equal(*length, there.st_size);
    close(file);
    return bytes;
}

static void write_whole(const char *ending, const char *bytes, size_t length) {
    char path[PATH_MAX];
    database_path(path, ending);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, length), length);
    close(file);
}

enum { LOG_HEAD = 32, FRAME_HEAD = 24, FRAME = FRAME_HEAD + 4096 };

/* The log without the zeros that it was given for room: those aren't of its round. */
static char *read_log(size_t *length) {
    char *log = read_whole("-wal", length);
    size_t used = LOG_HEAD;
    while (used + FRAME <= *length && memcmp(log + used + 8, log + 16, 8) == 0) {
        used += FRAME;
    }
    assert_true(used < *length);
    *length = used;
    return log;
}

/* Of the state folder and the one in it. */
static void list_files(char out[LIST_BYTES]) {
    size_t length = tree_list(&tree, "", out, LIST_BYTES);
    (void)tree_list(&tree, "jobs", out + length, LIST_BYTES - length);
}

/* Opening is refused, with these words in the reason; no byte of the files changes, none comes and none goes. */
static void assert_refused(const char *words) {
    char reason[STATE_REASON_BYTES], files_before[LIST_BYTES], files_after[LIST_BYTES];
    size_t lengths[4];
    list_files(files_before);
    char *before = read_whole("", &lengths[0]), *wal_before = read_whole("-wal", &lengths[1]);
    assert_int_equal(state_folder_open(&state_folder, tree.root, reason), 0);
    assert_null(journal_sqlite_open(&settings, &state_folder, reason));
    state_folder_close(&state_folder);
    list_files(files_after);
    assert_string_equal(files_after, files_before);
    if (!strstr(reason, words) || !strstr(reason, "jobs.db") || strchr(reason, '\n')) {
        fail_msg("%s", reason);
    }
    char *after = read_whole("", &lengths[2]), *wal_after = read_whole("-wal", &lengths[3]);
    assert_int_equal(lengths[0], lengths[2]);
    assert_int_equal(lengths[1], lengths[3]);
    assert_memory_equal(before, after, lengths[0]);
    assert_memory_equal(wal_before, wal_after, lengths[1]);
    free(before);
    free(wal_before);
    free(after);
    free(wal_after);
}

static void run_sql(const char *sql) {
    char path[PATH_MAX];
    sqlite3 *database;
    database_path(path, "");
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void what_cant_be_used_is_refused_and_stays_as_it_is(void **state) {
    (void)state;
    submit_plain("a");
    close_journal();
    size_t length;
    char *good = read_whole("", &length);
    char part[PATH_MAX]; /* that a newer program may have a use for */
    (void)snprintf(part, sizeof part, "%s/jobs/7.part", tree.root);
    close(open(part, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    run_sql("PRAGMA user_version = 1000");
    assert_refused("version 1000");
    run_sql("PRAGMA user_version = 4");
    assert_refused("its schema is version 4, this program's is 3");
    run_sql("PRAGMA user_version = 2; PRAGMA application_id = 5");
    assert_refused("something else");
    run_sql("PRAGMA application_id = 1718251362; DROP INDEX jobs_by_key; DROP TABLE jobs");
    assert_refused("jobs");
    write_whole("", "This is no database at all, but a text that is long enough to be told from one.", 80);
    assert_refused("not a database");
    write_whole("", good, 100);
    assert_refused("");
    write_whole("", good, length);
    assert_int_equal(access(part, F_OK), 0);
    open_journal();
    assert_int_not_equal(access(part, F_OK), 0);
    assert_status("a", JOB_ACCEPTED, 0);
    free(good);
}

static void a_database_that_another_process_has_is_refused(void **state) {
    (void)state;
    char path[PATH_MAX], reason[STATE_REASON_BYTES];
    sqlite3 *shell;
    submit_plain("a");
    struct state_folder second;
    assert_int_equal(state_folder_open(&second, tree.root, reason), EWOULDBLOCK);
    database_path(path, "");
    assert_int_equal(sqlite3_open(path, &shell), SQLITE_OK); /* in this process SQLite sees its own locks as well */
    assert_int_equal(sqlite3_exec(shell, "SELECT count(*) FROM jobs", NULL, NULL, NULL), SQLITE_BUSY);
    close_journal();
    assert_int_equal(sqlite3_exec(shell, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(state_folder_open(&state_folder, tree.root, reason), 0);
    assert_null(journal_sqlite_open(&settings, &state_folder, reason));
    assert_non_null(strstr(reason, "locked"));
    assert_int_equal(sqlite3_close(shell), SQLITE_OK);
    state_folder_close(&state_folder);
    open_journal();
    assert_status("a", JOB_ACCEPTED, 0);
}

/* A user without the right to write has neither the folder nor the file. */
static void a_database_that_cant_be_written_is_refused(void **state) {
    (void)state;
    enum { NOBODY = 65534 };
    submit_plain("a");
    close_journal();
    char path[PATH_MAX];
    database_path(path, "");
    assert_int_equal(chmod(path, 0444), 0);
    if (getuid() == 0) {
        assert_int_equal(chown(tree.root, NOBODY, NOBODY), 0);
        char below[PATH_MAX];
        (void)snprintf(below, sizeof below, "%s/jobs", tree.root);
        assert_int_equal(chown(below, NOBODY, NOBODY), 0);
        (void)snprintf(below, sizeof below, "%s/lock", tree.root);
        assert_int_equal(chown(below, NOBODY, NOBODY), 0);
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (getuid() == 0 && setuid(NOBODY) != 0) {
            _exit(3);
        }
        assert_refused("can't be written");
        _exit(0);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(path, 0600), 0);
    open_journal();
    assert_status("a", JOB_ACCEPTED, 0);
}

enum { DAMAGED_JOBS = 6 };

/* Jobs of every status, in a store that was closed, or that was copied while it was open: with a write-ahead log. */
static void make_history(void) {
    for (int i = 0; i < DAMAGED_JOBS; i++) {
        char id[16], body[64];
        (void)snprintf(id, sizeof id, "j%d", i);
        (void)snprintf(body, sizeof body, "the body of job %d, which is of some length", i);
        struct job job = plain_job(id, body);
        job.idempotency_key = text(id);
        char notes[64];
        (void)snprintf(notes, sizeof notes, "what job %d was given", i);
        const struct job_pin pin = {.digest = digest_of(notes, strlen(notes)), .length = strlen(notes)};
        job.pin_notes = text(notes);
        job.pins = &pin;
        job.pin_count = 1;
        assert_int_equal(submit(&job), JOURNAL_DONE);
    }
    assert_int_equal(claim(3), JOURNAL_DONE);
    assert_int_equal(finish("j0", 1, "the result of job 0"), JOURNAL_DONE);
    assert_int_equal(finish("j1", 1, "the result of job 1"), JOURNAL_DONE);
}

/* Either it is refused, or whatever it gives is right: never other bytes than were told. Returns how many jobs it has.
 */
static int assert_right_or_refused(void) {
    char reason[STATE_REASON_BYTES] = "";
    int found = 0;
    assert_int_equal(state_folder_open(&state_folder, tree.root, reason), 0);
    journal = journal_sqlite_open(&settings, &state_folder, reason);
    if (!journal) {
        assert_true(strlen(reason) > 0 && !strchr(reason, '\n'));
        state_folder_close(&state_folder);
        return -1;
    }
    for (int i = 0; i < DAMAGED_JOBS; i++) {
        char id[16], expected[64];
        (void)snprintf(id, sizeof id, "j%d", i);
        if (on_id(JOURNAL_LOOKUP, id) != JOURNAL_DONE) {
            assert_true(answer.request.outcome == JOURNAL_MISSING || answer.request.outcome == JOURNAL_UNAVAILABLE);
            continue;
        }
        const struct job *job = answer.request.jobs;
        found++;
        if (job->result.status != 0) {
            (void)snprintf(expected, sizeof expected, "the result of job %d", i);
            assert_int_equal(job->result.status, 200);
            assert_content(&job->result.content, expected, strlen(expected));
        }
    }
    (void)ask((struct journal_request){.verb = JOURNAL_TIDY});
    if (claim(DAMAGED_JOBS) == JOURNAL_DONE) {
        for (const struct job *job = answer.request.jobs; job; job = job->next) {
            char expected[64]; /* by its number: nothing seals the id that it is found under */
            (void)snprintf(expected, sizeof expected, "the body of job %d, which is of some length",
                           (int)job->number - 1);
            assert_content(&job->body, expected, strlen(expected));
            assert_text(job->op, "/v1/gaussian");
            assert_text(job->query, "threads=2");
            (void)snprintf(expected, sizeof expected, "what job %d was given", (int)job->number - 1);
            struct digest digest = digest_of(expected, strlen(expected));
            assert_text(job->pin_notes, expected);
            assert_true(job->pin_count == 1 && digest_equal(&job->pins->digest, &digest));
            assert_int_equal(job->pins->length, strlen(expected));
        }
    }
    (void)list_jobs(0, JOB_STATUS_COUNT, 100);
    close_journal();
    return found;
}

static void a_database_cut_anywhere_gives_nothing_wrong(void **state) {
    (void)state;
    make_history();
    close_journal();
    size_t length;
    char *whole = read_whole("", &length);
    assert_true(length >= 6 * 4096);
    for (size_t cut = 0; cut < length; cut += cut % 4096 == 0 && cut > 0 ? 4095 : 1) {
        if (cut > 0 && cut < 4095) { /* within the head, and around the end of each page */
            cut = cut < 112 ? cut + 9 : 4095;
        }
        write_whole("", whole, cut);
        int found = assert_right_or_refused();
        assert_true(found <= 0 || cut > 4096);
    }
    write_whole("", whole, length);
    assert_int_equal(assert_right_or_refused(), DAMAGED_JOBS);
    free(whole);
}

/* A small store is looked through at start: also in pages that nobody would read then. */
static void a_broken_page_is_refused_at_once(void **state) {
    (void)state;
    make_history();
    close_journal();
    size_t length;
    char *whole = read_whole("", &length);
    for (size_t page = 1; page < length / 4096; page++) {
        char kept = whole[page * 4096];
        whole[page * 4096] = 77; /* what kind of page it is */
        write_whole("", whole, length);
        assert_refused("");
        whole[page * 4096] = kept;
    }
    write_whole("", whole, length);
    assert_int_equal(assert_right_or_refused(), DAMAGED_JOBS);
    free(whole);
}

static void a_changed_byte_gives_nothing_wrong(void **state) {
    (void)state;
    uint64_t chance = 12345;
    make_history();
    close_journal();
    size_t length;
    char *whole = read_whole("", &length);
    for (int i = 0; i < 240; i++) {
        chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        /* Half of them where texts are. */
        size_t at = (size_t)(chance >> 20) % length;
        char *body = memmem(whole, length, "the ", 4);
        if (i % 2 == 0 && body) {
            at = ((size_t)(body - whole) + (chance >> 20) % 700) % length;
        }
        char kept = whole[at];
        whole[at] = (char)(kept ^ (1 << (chance >> 60) % 8));
        write_whole("", whole, length);
        (void)assert_right_or_refused();
        whole[at] = kept;
    }
    write_whole("", whole, length);
    assert_int_equal(assert_right_or_refused(), DAMAGED_JOBS);
    free(whole);
}

/* Puts other bytes of the same length in every place where the text stands. */
static void replace_all(const char *from, const char *to) {
    size_t length, found = 0;
    char *whole = read_whole("", &length);
    for (char *at = whole; (at = memmem(at, length - (size_t)(at - whole), from, strlen(from))); at++, found++) {
        memcpy(at, to, strlen(to));
    }
    assert_true(found > 0);
    write_whole("", whole, length);
    free(whole);
}

/* Changes that SQLite takes no notice of. */
/* They are printed as they are, and no result depends on them. */
static void changed_metadata_are_unknown(void **state) {
    (void)state;
    make_history();
    close_journal();
    replace_all("\"timing\":{}", "\"timing\":[]");
    open_journal();
    assert_status("j1", JOB_SUCCESSFUL, 1);
    assert_int_equal(answer.request.jobs->result.metadata.length, 0);
    assert_int_equal(answer.request.jobs->result.status, 200);
}

static void changed_texts_are_noticed(void **state) {
    (void)state;
    make_history();
    close_journal();
    replace_all("the result of job 0", "the result of job 1");
    replace_all("the body of job 3", "the body of job 4");
    open_journal();
    assert_int_equal(on_id(JOURNAL_LOOKUP, "j0"), JOURNAL_UNAVAILABLE);
    assert_null(answer.request.jobs);
    assert_status("j1", JOB_SUCCESSFUL, 1);
    assert_int_equal(claim(10), JOURNAL_DONE);
    for (const struct job *job = answer.request.jobs; job; job = job->next) {
        assert_true(job->id.bytes[1] != '3');
    }
    assert_status("j3", JOB_FAILED, 0);
    assert_int_equal(answer.request.jobs->failure, JOB_DAMAGED);
    submit_plain("later");
    close_journal();
    replace_all("threads=2", "threads=3"); /* what was asked for, beside the body */
    replace_all("application/json", "application/JSON");
    open_journal();
    tidy_all();
    assert_int_equal(claim(10), JOURNAL_DONE);
    assert_null(answer.request.jobs);
    assert_status("later", JOB_FAILED, 0);
    assert_int_equal(on_id(JOURNAL_LOOKUP, "j1"), JOURNAL_UNAVAILABLE);
}

/* A log that was cut has the jobs of the commits that are whole, the first ones. */
static void a_log_cut_anywhere_has_the_first_commits(void **state) {
    (void)state;
    make_history();
    size_t length, database_length;
    char *log = read_log(&length), *database = read_whole("", &database_length);
    assert_true(length > 10 * FRAME);
    close_journal();
    int before = 0;
    for (size_t frame = 0; LOG_HEAD + frame * FRAME <= length; frame++) {
        for (size_t more = 0; more < 48; more += 23) {
            size_t cut = LOG_HEAD + frame * FRAME + more;
            write_whole("", database, database_length);
            write_whole("-wal", log, cut < length ? cut : length);
            int found = assert_right_or_refused();
            assert_true(found >= before); /* never fewer of a longer one */
            before = found;
        }
    }
    assert_int_equal(before, DAMAGED_JOBS);
    free(log);
    free(database);
}

static bool ends_commit(const char *log, size_t frame) {
    static const char none[4];
    return memcmp(log + LOG_HEAD + frame * FRAME + 4, none, sizeof none) != 0;
}

/* Every part of every frame: what was told of before the last commit is there, or opening is refused. */
static void a_changed_byte_of_the_log_loses_nothing_unseen(void **state) {
    (void)state;
    make_history();
    size_t length, database_length, refused = 0;
    char *log = read_log(&length), *database = read_whole("", &database_length);
    close_journal();
    size_t frames = (length - LOG_HEAD) / FRAME, last = frames - 1;
    while (last > 0 && !ends_commit(log, last - 1)) { /* the first frame of the last commit */
        last--;
    }
    assert_true(ends_commit(log, frames - 1) && last > 10);
    for (size_t frame = 0; frame < frames; frame++) {
        static const size_t parts[] = {0, 5, 9, 17, FRAME_HEAD, FRAME - 1};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            char *at = log + LOG_HEAD + frame * FRAME + parts[i];
            *at ^= 0x20;
            write_whole("", database, database_length);
            write_whole("-wal", log, length);
            if (frame < last) {
                assert_refused("log is damaged");
                refused++;
            } else {
                int found = assert_right_or_refused(); /* as after a crash, or noticed after all */
                assert_true(found < 0 || found >= DAMAGED_JOBS - 1);
            }
            *at ^= 0x20;
        }
    }
    assert_true(refused > 50);
    for (size_t at = 0; at < LOG_HEAD; at++) {
        log[at] ^= 1;
        write_whole("", database, database_length);
        write_whole("-wal", log, length);
        assert_refused("damaged head");
        log[at] ^= 1;
    }
    write_whole("-wal", log, length);
    assert_int_equal(assert_right_or_refused(), DAMAGED_JOBS);
    free(log);
    free(database);
}

/* As a crash before the first commit leaves it; and the zeros behind the commits are no part of them. */
static void zeros_in_the_log_are_room(void **state) {
    (void)state;
    static char zeros[LOG_HEAD + 20 * FRAME];
    make_history();
    size_t length, database_length, whole_length;
    char *whole = read_whole("-wal", &whole_length), *log = read_log(&length);
    close_journal();
    char *database = read_whole("", &database_length);
    for (size_t more = 0; more < 3; more++) {
        write_whole("-wal", zeros, LOG_HEAD + more * 10 * FRAME);
        assert_int_equal(assert_right_or_refused(), DAMAGED_JOBS);
        write_whole("", database, database_length);
    }
    zeros[sizeof zeros - 1] = 1;
    write_whole("-wal", zeros, sizeof zeros);
    assert_refused("damaged head");
    zeros[sizeof zeros - 1] = 0;
    for (size_t at = length; at < length + FRAME; at += 100) {
        whole[at] = 1;
        write_whole("", database, database_length);
        write_whole("-wal", whole, length + FRAME);
        assert_int_equal(assert_right_or_refused(), DAMAGED_JOBS);
        whole[at] = 0;
    }
    free(whole);
    free(log);
    free(database);
}

#define TESTS(X)                                                                                                       \
    X(what_cant_be_used_is_refused_and_stays_as_it_is)                                                                 \
    X(a_database_that_another_process_has_is_refused)                                                                  \
    X(a_database_that_cant_be_written_is_refused)                                                                      \
    X(a_database_cut_anywhere_gives_nothing_wrong)                                                                     \
    X(a_broken_page_is_refused_at_once)                                                                                \
    X(a_changed_byte_gives_nothing_wrong)                                                                              \
    X(changed_metadata_are_unknown)                                                                                    \
    X(changed_texts_are_noticed)                                                                                       \
    X(a_changed_byte_of_the_log_loses_nothing_unseen)                                                                  \
    X(a_log_cut_anywhere_has_the_first_commits)                                                                        \
    X(zeros_in_the_log_are_room)

int main(void) {
    const struct CMUnitTest tests[] = {TESTS(JOURNAL_IN_SQLITE)};
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("damaged stores", tests, NULL, NULL);
}

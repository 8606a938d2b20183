/* What is on the disk: after a restart, damaged in every way, and beside it the files.
 *
 * ctest: threads */
#include "tests/unit/jobs/journal_case.h"

#include <sqlite3.h>
#include <sys/wait.h>

enum { LONG_BYTES = 20000, SPARE_BYTES = 4096 };

static char long_bytes[LONG_BYTES + 1];

static void restart(void) {
    close_journal();
    open_journal();
}

static void what_was_told_is_there_after_a_restart(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "j%d", i);
        submit_plain(id);
    }
    assert_int_equal(claim(3), JOURNAL_DONE);
    assert_int_equal(finish("j0", 1, "[0]"), JOURNAL_DONE);
    assert_int_equal(on_id(JOURNAL_DISMISS, "j4"), JOURNAL_DONE);
    uint64_t number = look_up("j4")->number;
    struct journal_counts before = count_jobs();
    restart();
    struct journal_counts after = count_jobs();
    for (int status = 0; status < JOB_STATUS_COUNT; status++) {
        assert_int_equal(after.jobs[status], before.jobs[status]);
    }
    assert_status("j1", JOB_RUNNING, 1);
    tidy_all();
    assert_content(&look_up("j0")->result.content, "[0]", 3);
    assert_status("j0", JOB_SUCCESSFUL, 1);
    assert_status("j1", JOB_ACCEPTED, 1);
    assert_int_equal(answer.request.jobs->crashes, 1);
    assert_status("j3", JOB_ACCEPTED, 0);
    assert_status("j4", JOB_DISMISSED, 0);
    assert_int_equal(finish("j1", 1, "[1]"), JOURNAL_STALE); /* somebody from before */
    assert_int_equal(claim(1), JOURNAL_DONE);
    assert_text(answer.request.jobs->id, "j1"); /* in its old place */
    assert_int_equal(answer.request.jobs->attempts, 2);
    assert_int_equal(submit_plain("new"), JOURNAL_DONE);
    assert_true(answer.request.jobs->number > number);
}

static void a_job_that_always_crashes_fails_at_last(void **state) {
    (void)state;
    submit_plain("x");
    for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++) {
        assert_int_equal(claim(1), JOURNAL_DONE);
        assert_int_equal(answer.request.jobs->attempts, attempt);
        restart();
        tidy_all();
        assert_status("x", attempt < ATTEMPTS ? JOB_ACCEPTED : JOB_FAILED, attempt);
    }
    assert_int_equal(answer.request.jobs->failure, JOB_CRASHED);
    /* One that was given back has not crashed. */
    submit_plain("y");
    assert_int_equal(claim(1), JOURNAL_DONE);
    assert_int_equal(on_attempt(JOURNAL_RELEASE, "y", 1), JOURNAL_DONE);
    restart();
    tidy_all();
    assert_status("y", JOB_ACCEPTED, 1);
    assert_int_equal(answer.request.jobs->crashes, 0);
}

static void ages_go_on_after_a_restart(void **state) {
    (void)state;
    struct job job = plain_job("old", "{}");
    job.priority = 0;
    assert_int_equal(submit(&job), JOURNAL_DONE);
    fake_clock_advance(2 * JOURNAL_AGEING_MS * NS_PER_MS);
    job.id = text("second");
    assert_int_equal(submit(&job), JOURNAL_DONE);
    close_journal();
    fake_clock_remove();
    fake_clock_install(NS_PER_S); /* the machine was started anew: its clock as well */
    open_journal();
    job.id = text("third");
    job.priority = 1;
    assert_int_equal(submit(&job), JOURNAL_DONE); /* a minute's worth, not two */
    const char *const order[] = {"old", "third", "second"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(claim(1), JOURNAL_DONE);
        assert_text(answer.request.jobs->id, order[i]);
    }
}

static unsigned count_in_folder(void) {
    unsigned count = 0;
    DIR *listing = durable_list(journal->files);
    assert_non_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing));) {
        count += entry->d_name[0] != '.';
    }
    closedir(listing);
    return count;
}

static struct durable_file seal(const char *bytes, size_t length) {
    struct durable_file file;
    assert_int_equal(durable_begin(&file, journal->files), 0);
    assert_int_equal(durable_write(&file, bytes, length), 0);
    assert_int_equal(durable_seal(&file), 0);
    return file;
}

static enum journal_outcome submit_file(const char *id, struct durable_file *body, struct durable_file *pin) {
    struct job job = plain_job(id, "");
    struct job_pin pins[1] = {{{{0}}, 0}};
    if (pin) {
        pins[0] = (struct job_pin){.digest = pin->digest, .length = pin->length};
        job.pins = pins;
        job.pin_count = 1;
    }
    return ask(
        (struct journal_request){.verb = JOURNAL_SUBMIT, .submit = {.job = &job, .body_file = body, .pin_files = pin}});
}

/* The same bytes are one file, as long as somebody needs them. */
static void files_are_there_as_long_as_a_job_needs_them(void **state) {
    (void)state;
    struct durable_file file = seal(long_bytes, LONG_BYTES), other = seal(long_bytes, LONG_BYTES);
    assert_int_equal(submit_file("a", &file, NULL), JOURNAL_DONE);
    assert_int_equal(submit_file("b", &other, NULL), JOURNAL_DONE);
    assert_int_equal(count_in_folder(), 1);
    other = seal(long_bytes, LONG_BYTES);
    assert_int_equal(submit_file("b", &other, NULL), JOURNAL_SAME);
    other = seal(long_bytes, LONG_BYTES - 1);
    assert_int_equal(submit_file("b", &other, NULL), JOURNAL_CONFLICT);
    assert_int_equal(count_in_folder(), 1);
    assert_int_equal(claim(1), JOURNAL_DONE);
    assert_content(&answer.request.jobs->body, long_bytes, LONG_BYTES);
    assert_int_equal(finish("a", 1, long_bytes), JOURNAL_DONE); /* the result is what the other's body is */
    assert_int_equal(count_in_folder(), 1);
    other = seal(long_bytes, LONG_BYTES);
    struct job_result result = {.status = 200};
    assert_int_equal(
        ask((struct journal_request){
            .verb = JOURNAL_FINISH,
            .finish = {.id = text("a"), .attempt = 1, .status = JOB_SUCCESSFUL, .result = &result, .file = &other}}),
        JOURNAL_STALE);
    assert_int_equal(count_in_folder(), 1);
    assert_int_equal(on_id(JOURNAL_DISMISS, "b"), JOURNAL_DONE);
    assert_content(&look_up("a")->result.content, long_bytes, LONG_BYTES);
    assert_int_equal(count_in_folder(), 1);
    assert_int_equal(on_id(JOURNAL_FORGET, "a"), JOURNAL_DONE);
    assert_int_equal(on_id(JOURNAL_LOOKUP, "b"), JOURNAL_DONE);
    assert_int_equal(count_in_folder(), 0);
}

static void what_is_pinned_stays_until_the_job_is_finished(void **state) {
    (void)state;
    struct durable_file body = seal("x", 1), pin = seal("named data", 10);
    assert_int_equal(submit_file("a", &body, &pin), JOURNAL_DONE);
    restart();
    tidy_all();
    assert_int_equal(claim(1), JOURNAL_DONE);
    const struct job *job = answer.request.jobs;
    assert_int_equal(job->pin_count, 1);
    struct durable_view view;
    assert_int_equal(durable_map(journal->files, &job->pins[0].digest, job->pins[0].length, &view), DURABLE_GOOD);
    assert_memory_equal(view.bytes, "named data", 10);
    durable_unmap(&view);
    assert_int_equal(count_in_folder(), 2);
    assert_int_equal(finish("a", 1, "[]"), JOURNAL_DONE);
    assert_int_equal(on_id(JOURNAL_LOOKUP, "a"), JOURNAL_DONE);
    assert_int_equal(answer.request.jobs->pin_count, 0);
    assert_int_equal(count_in_folder(), 0);
    /* As many as there may be, with files that are there already. */
    struct job_pin pins[JOB_PINS_MAX + 1];
    struct job many = plain_job("many", "{}");
    for (size_t i = 0; i <= JOB_PINS_MAX; i++) {
        struct durable_file one = seal(long_bytes + i, 10 + i);
        assert_int_equal(durable_publish(&one), 0);
        pins[i] = (struct job_pin){.digest = one.digest, .length = UINT64_C(1) << (i % 40)};
    }
    many.pins = pins;
    many.pin_count = JOB_PINS_MAX + 1;
    assert_int_equal(submit(&many), JOURNAL_REFUSED);
    many.pin_count = JOB_PINS_MAX;
    assert_int_equal(submit(&many), JOURNAL_DONE);
    restart();
    job = look_up("many");
    assert_int_equal(job->pin_count, JOB_PINS_MAX);
    for (size_t i = 0; i < JOB_PINS_MAX; i++) {
        assert_true(digest_equal(&job->pins[i].digest, &pins[i].digest) && job->pins[i].length == pins[i].length);
    }
}

/* What a crash left in the folder goes; what is needed stays, and what isn't the journal's. */
static void files_that_nobody_needs_are_swept_away(void **state) {
    (void)state;
    struct durable_file body = seal(long_bytes, LONG_BYTES);
    assert_int_equal(submit_file("a", &body, NULL), JOURNAL_DONE);
    for (int i = 0; i < 200; i++) {
        struct durable_file orphan = seal(long_bytes + i, 100);
        assert_int_equal(durable_publish(&orphan), 0);
    }
    struct durable_file part;
    assert_int_equal(durable_begin(&part, journal->files), 0);
    close(part.descriptor);
    int note = openat(journal->files, "somebody.bad", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(note);
    assert_int_equal(count_in_folder(), 203);
    restart();
    assert_int_equal(count_in_folder(), 202);
    for (int i = 0; i < 10; i++) {
        tidy_all();
    }
    assert_int_equal(count_jobs().jobs[JOB_ACCEPTED], 1);
    assert_int_equal(count_in_folder(), 2);
    assert_content(&look_up("a")->body, long_bytes, LONG_BYTES);
}

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

/* Opening is refused, with these words in the reason, and no byte of the files changes. */
static void assert_refused(const char *words) {
    char reason[STATE_REASON_BYTES];
    size_t lengths[4];
    char *before = read_whole("", &lengths[0]), *wal_before = read_whole("-wal", &lengths[1]);
    assert_int_equal(state_folder_open(&state_folder, tree.root, reason), 0);
    assert_null(journal_sqlite_open(&settings, &state_folder, reason));
    state_folder_close(&state_folder);
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
    run_sql("PRAGMA user_version = 2");
    assert_refused("version 2");
    run_sql("PRAGMA user_version = 1; PRAGMA application_id = 5");
    assert_refused("something else");
    run_sql("PRAGMA application_id = 1718251362; DROP INDEX jobs_by_key; DROP TABLE jobs");
    assert_refused("jobs");
    write_whole("", "This is no database at all, but a text that is long enough to be told from one.", 80);
    assert_refused("not a database");
    write_whole("", good, 100);
    assert_refused("");
    write_whole("", good, length);
    open_journal();
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
        char id[8], body[64];
        (void)snprintf(id, sizeof id, "j%d", i);
        (void)snprintf(body, sizeof body, "the body of job %d, which is of some length", i);
        struct job job = plain_job(id, body);
        job.idempotency_key = text(id);
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
        char id[8], expected[64];
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
            char expected[64];
            (void)snprintf(expected, sizeof expected, "the body of job %c, which is of some length", job->id.bytes[1]);
            assert_content(&job->body, expected, strlen(expected));
            assert_text(job->op, "/v1/gaussian");
            assert_text(job->query, "threads=2");
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
        if (cut > 200 && cut < 4095) {
            cut = 4095;
        }
        write_whole("", whole, cut);
        int found = assert_right_or_refused();
        assert_true(found <= 0 || cut > 4096);
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
    for (int i = 0; i < 600; i++) {
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
    char *log = read_whole("-wal", &length), *database = read_whole("", &database_length);
    assert_true(length > 10 * 4096);
    close_journal();
    int before = 0;
    for (size_t frame = 0; 32 + frame * (4096 + 24) <= length; frame++) {
        for (size_t more = 0; more < 48; more += 23) {
            size_t cut = 32 + frame * (4096 + 24) + more;
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

static int set_up(void **state) {
    (void)state;
    for (size_t i = 0; i < LONG_BYTES; i++) {
        long_bytes[i] = (char)('a' + (i * 7 + i / 26) % 26);
    }
    set_up_journal(false);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    tear_down_journal();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_told_is_there_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_job_that_always_crashes_fails_at_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ages_go_on_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_are_there_as_long_as_a_job_needs_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_pinned_stays_until_the_job_is_finished, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_nobody_needs_are_swept_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cant_be_used_is_refused_and_stays_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_database_that_another_process_has_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_database_that_cant_be_written_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_database_cut_anywhere_gives_nothing_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_changed_byte_gives_nothing_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changed_texts_are_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_cut_anywhere_has_the_first_commits, set_up, tear_down),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("journal in SQLite alone", tests, NULL, NULL);
}

/* What is on the disk: after a restart, and the files beside it.
 *
 * ctest: threads */
#include "tests/unit/failing_disk.h"
#include "tests/unit/jobs/journal_case.h"

enum { LONG_BYTES = 20000 };

static char long_bytes[LONG_BYTES + 1];

static void restart(void) {
    close_journal();
    open_journal();
}

static void what_was_told_is_there_after_a_restart(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        char id[16];
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

/* What whoever pinned has written comes back to the byte, and goes with the pins. */
static void notes_are_kept_with_what_is_pinned(void **state) {
    (void)state;
    static const char *const notes[] = {"", "one\n", "\0two\n\xff"};
    static const size_t lengths[] = {0, 4, 6};
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        struct job job = plain_job("a", "{}");
        job.pin_notes = (struct text_view){notes[i], lengths[i]};
        assert_int_equal(submit(&job), JOURNAL_DONE);
        restart();
        assert_int_equal(claim(1), JOURNAL_DONE);
        assert_non_null(answer.request.jobs->pin_notes.bytes);
        assert_int_equal(answer.request.jobs->pin_notes.length, lengths[i]);
        assert_memory_equal(answer.request.jobs->pin_notes.bytes, notes[i], lengths[i]);
        assert_int_equal(finish("a", 1, "[]"), JOURNAL_DONE);
        assert_null(look_up("a")->pin_notes.bytes);
        assert_int_equal(on_id(JOURNAL_FORGET, "a"), JOURNAL_DONE);
    }
    assert_int_equal(submit_plain("b"), JOURNAL_DONE);
    assert_null(look_up("b")->pin_notes.bytes);
}

/* Only what isn't there already counts, and one that isn't accepted leaves nothing behind. */
static void what_is_pinned_counts_once(void **state) {
    (void)state;
    settings.limit_bytes = count_jobs().used_bytes + LONG_BYTES + 8192;
    restart();
    struct durable_file empty = seal("", 0), pin = seal(long_bytes, LONG_BYTES);
    assert_int_equal(submit_file("a", &empty, &pin), JOURNAL_DONE);
    uint64_t used_bytes = count_jobs().used_bytes;
    empty = seal("", 0);
    pin = seal(long_bytes, LONG_BYTES);
    assert_int_equal(submit_file("b", &empty, &pin), JOURNAL_DONE);
    assert_true(count_jobs().used_bytes < used_bytes + LONG_BYTES);
    empty = seal("", 0);
    pin = seal(long_bytes, LONG_BYTES - 1);
    assert_int_equal(submit_file("c", &empty, &pin), JOURNAL_FULL);
    assert_int_equal(count_in_folder(), 2);
    assert_int_equal(on_id(JOURNAL_DISMISS, "a"), JOURNAL_DONE);
    assert_int_equal(count_in_folder(), 2);
    assert_int_equal(on_id(JOURNAL_DISMISS, "b"), JOURNAL_DONE);
    assert_int_equal(on_id(JOURNAL_LOOKUP, "b"), JOURNAL_DONE);
    assert_int_equal(count_in_folder(), 0);
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

/* Every call for a file fails in turn: the job isn't taken, nothing of it is left, and the next one is. */
static void a_file_that_cant_be_written_is_told(void **state) {
    (void)state;
    struct job job = plain_job("a", long_bytes);
    enum journal_outcome outcome;
    long at = 0;
    do {
        for (int mishap = DISK_FAILS; mishap <= DISK_HALF; mishap++) {
            failing_disk_plan((enum disk_mishap)mishap, ++at, ENOSPC);
            outcome = submit(&job);
            failing_disk_remove();
            if (outcome == JOURNAL_DONE) {
                break;
            }
            assert_int_equal(outcome, JOURNAL_FULL);
            assert_int_equal(on_id(JOURNAL_LOOKUP, "a"), JOURNAL_MISSING);
            assert_int_equal(count_in_folder(), 0);
            assert_int_equal(submit_plain("b"), JOURNAL_DONE);
            assert_int_equal(on_id(JOURNAL_FORGET, "b"), JOURNAL_DONE);
            at -= mishap == DISK_FAILS;
        }
    } while (outcome != JOURNAL_DONE && at < 20);
    assert_int_equal(outcome, JOURNAL_DONE);
    assert_true(at > 3); /* a write, a sync, a rename, the folder's sync */
    assert_content(&look_up("a")->body, long_bytes, LONG_BYTES);
    /* A disk that fails is another matter: nothing it says afterwards is to be believed. */
    job.id = text("c");
    job.body.bytes.length--;
    failing_disk_plan(DISK_FAILS, 2, EIO);
    assert_int_equal(submit(&job), JOURNAL_UNAVAILABLE);
    failing_disk_remove();
    assert_int_equal(on_id(JOURNAL_LOOKUP, "a"), JOURNAL_UNAVAILABLE);
    restart();
    assert_content(&look_up("a")->body, long_bytes, LONG_BYTES);
    assert_int_equal(on_id(JOURNAL_LOOKUP, "c"), JOURNAL_MISSING);
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
        cmocka_unit_test_setup_teardown(notes_are_kept_with_what_is_pinned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_pinned_counts_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_cant_be_written_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_nobody_needs_are_swept_away, set_up, tear_down),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("journal in SQLite alone", tests, NULL, NULL);
}

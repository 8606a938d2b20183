/* The disk fails at any moment, is full, or the power fails: what was told of is found again, and nothing else than
 * what was asked for.
 *
 * With an argument, that many rounds of each, with other chances: journal_power_test 5000 [seed].
 *
 * ctest: threads */
#include "tests/unit/failing_disk.h"
#include "tests/unit/jobs/failing_vfs.h"
#include "tests/unit/jobs/journal_case.h"

enum { ROUNDS = 60, JOBS = 24, STEPS = 80 };

static unsigned rounds = ROUNDS;
static uint64_t chance_state = 1;

static unsigned chance(void) {
    chance_state = chance_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(chance_state >> 33);
}

/* What was told of a job. What wasn't told may have happened or not. */
struct told {
    bool is_accepted;
    bool is_finished;
    bool may_be_finished;
    unsigned attempts;
};

static struct told told[JOBS];

static void name(size_t i, char out[16]) {
    (void)snprintf(out, 16, "job-%zu", i);
}

static void write_body(size_t i, unsigned attempt, char out[64]) {
    (void)snprintf(out, 64, "%s of %zu in all its length, with attempt %u", attempt ? "result" : "body", i, attempt);
}

static void submit_one(size_t i) {
    char id[16], body[64];
    name(i, id);
    write_body(i, 0, body);
    struct job job = plain_job(id, body);
    job.priority = (unsigned)i % 10;
    enum journal_outcome outcome = submit(&job);
    if (outcome == JOURNAL_DONE || outcome == JOURNAL_SAME) {
        told[i].is_accepted = true;
    } else {
        assert_true(outcome == JOURNAL_FULL || outcome == JOURNAL_UNAVAILABLE);
    }
}

/* Submitted, and ended before its commit. */
static struct asked early_end;

static void end_early(struct journal_request *request) {
    early_end.request.finish.attempt = request->jobs->attempts;
    journal_ask(journal, &early_end.request);
}

static void run_early(size_t i) {
    char id[16], body[64], bytes[64];
    name(i, id);
    write_body(i, 0, body);
    write_body(i, 1, bytes);
    struct job job = plain_job(id, body);
    struct job_result result = {.status = 200, .content = {.bytes = {.bytes = bytes, .length = strlen(bytes)}}};
    bool was_there = told[i].is_accepted;
    sem_init(&early_end.over, 0, 0);
    early_end.request = (struct journal_request){
        .verb = JOURNAL_FINISH,
        .done = be_over,
        .finish = {.id = text(id), .status = JOB_SUCCESSFUL, .result = &result, .wants_job = true}};
    enum journal_outcome outcome = ask((struct journal_request){
        .verb = JOURNAL_SUBMIT, .submit = {.job = &job, .begun = end_early, .lease_ms = LEASE_MS}});
    if (early_end.request.finish.attempt > 0) {
        assert_false(was_there);
        while (sem_wait(&early_end.over) != 0) {
            /* interrupted */
        }
        told[i].may_be_finished = true;
        told[i].is_finished = early_end.request.outcome == JOURNAL_DONE;
        told[i].attempts = told[i].is_finished;
        assert_int_equal(told[i].is_finished, outcome == JOURNAL_DONE);
        jobs_free(early_end.request.jobs);
    }
    sem_destroy(&early_end.over);
    told[i].is_accepted |= outcome == JOURNAL_DONE || outcome == JOURNAL_SAME;
}

static size_t index_of(struct text_view id) {
    size_t i = 0;
    assert_true(id.length > 4 && id.length < 8);
    for (size_t k = 4; k < id.length; k++) {
        i = i * 10 + (size_t)(id.bytes[k] - '0');
    }
    assert_in_range(i, 0, JOBS - 1);
    return i;
}

static void run_one(void) {
    char id[16], result[64];
    if (claim(1) != JOURNAL_DONE || !answer.request.jobs) {
        return;
    }
    size_t i = index_of(answer.request.jobs->id);
    unsigned attempt = answer.request.jobs->attempts;
    assert_false(told[i].is_finished); /* nothing that is done is run again */
    assert_true(attempt > told[i].attempts);
    told[i].attempts = attempt;
    if (chance() % 3 == 0) {
        return; /* left running */
    }
    name(i, id);
    write_body(i, attempt, result);
    told[i].may_be_finished = true;
    if (finish(id, attempt, result) == JOURNAL_DONE) {
        told[i].is_finished = true;
    }
}

static void do_steps(unsigned steps) {
    for (unsigned step = 0; step < steps; step++) {
        unsigned kind = chance() % 10;
        if (kind < 5) {
            submit_one(chance() % JOBS);
        } else if (kind < 7) {
            run_early(chance() % JOBS);
        } else {
            run_one();
        }
    }
}

/* The whole history. */
static void check_all(void) {
    for (size_t i = 0; i < JOBS; i++) {
        char id[16], expected[64];
        name(i, id);
        enum journal_outcome outcome = on_id(JOURNAL_LOOKUP, id);
        if (outcome == JOURNAL_MISSING) {
            assert_false(told[i].is_accepted);
            continue;
        }
        assert_int_equal(outcome, JOURNAL_DONE);
        const struct job *job = answer.request.jobs;
        told[i].is_accepted = true;
        assert_true(job->attempts >= told[i].attempts);
        if (job->status == JOB_SUCCESSFUL) {
            assert_true(told[i].may_be_finished);
            write_body(i, job->attempts, expected);
            assert_content(&job->result.content, expected, strlen(expected));
            told[i].is_finished = true;
        } else {
            assert_false(told[i].is_finished);
            assert_true(job->status == JOB_ACCEPTED || job->status == JOB_RUNNING || job->failure == JOB_CRASHED);
            write_body(i, 0, expected);
            if (!job_is_finished(job)) {
                assert_content(&job->body, expected, strlen(expected));
            }
        }
    }
}

static void begin_round(void) {
    memset(told, 0, sizeof told);
    settings.attempts_max = 1000;
}

/* After the failure the store is opened anew, and everything goes on. */
static void go_on(void) {
    open_journal();
    tidy_all();
    check_all();
    do_steps(STEPS / 4);
    check_all();
}

static void the_power_fails(void **state) {
    (void)state;
    for (unsigned round = 0; round < rounds; round++) {
        begin_round();
        for (unsigned cut = 0; cut < 3; cut++) {
            failing_vfs_plan(1 + (long)(chance() % 200), SQLITE_IOERR_WRITE, true);
            do_steps(STEPS);
            close_journal();
            failing_vfs_cut_power(chance);
            failing_vfs_forget();
            /* What is in the files now has reached the disk. */
            go_on();
        }
        close_journal();
        tear_down_journal();
        failing_vfs_forget();
        set_up_journal(false);
    }
}

/* Every call fails in turn: once, and from then on. */
static void writing_fails(void **state) {
    (void)state;
    const int errors[] = {SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC};
    for (unsigned round = 0; round < rounds; round++) {
        int error = errors[round % 3];
        begin_round();
        long at = 1 + (long)(round / 3 * 2 % 200);
        failing_vfs_plan(at, error, chance() % 2 == 0);
        while (atomic_load(&vfs_calls) < at) {
            do_steps(STEPS / 8);
        }
        bool is_full = error == SQLITE_FULL;
        failing_vfs_plan(0, SQLITE_OK, false);
        if (is_full) { /* there is room again: it works again, without a restart */
            do_steps(STEPS / 4);
            submit_one(0);
            assert_true(told[0].is_accepted);
            check_all();
        } else { /* what a disk that failed says afterwards is not to be believed */
            assert_int_equal(on_id(JOURNAL_LOOKUP, "job-0"), JOURNAL_UNAVAILABLE);
        }
        close_journal();
        go_on();
        close_journal();
        tear_down_journal();
        failing_vfs_forget();
        set_up_journal(false);
    }
}

/* The thread is held while submissions come: they are one commit, and one sync is told of by all of them. */
enum { TOGETHER = 100 };

static sem_t held, released;

static void hold(struct journal_request *request) {
    sem_post(&held);
    while (sem_wait(&released) != 0) {
        /* interrupted */
    }
    be_over(request);
}

static void what_comes_during_a_commit_is_one_commit(void **state) {
    (void)state;
    static struct asked asked[TOGETHER];
    static struct job jobs[TOGETHER];
    static char ids[TOGETHER][16];
    struct asked first = {.request = {.verb = JOURNAL_COUNT, .done = hold}};
    sem_init(&held, 0, 0);
    sem_init(&released, 0, 0);
    sem_init(&first.over, 0, 0);
    journal_ask(journal, &first.request);
    while (sem_wait(&held) != 0) {
        /* interrupted */
    }
    failing_vfs_plan(0, SQLITE_OK, false);
    for (size_t i = 0; i < TOGETHER; i++) {
        name(i, ids[i]);
        jobs[i] = plain_job(ids[i], "{}");
        asked[i].request =
            (struct journal_request){.verb = JOURNAL_SUBMIT, .done = be_over, .submit = {.job = &jobs[i]}};
        sem_init(&asked[i].over, 0, 0);
        journal_ask(journal, &asked[i].request);
    }
    sem_post(&released);
    for (size_t i = 0; i < TOGETHER; i++) {
        while (sem_wait(&asked[i].over) != 0) {
            /* interrupted */
        }
        assert_int_equal(asked[i].request.outcome, JOURNAL_DONE);
        assert_true(atomic_load(&vfs_syncs) >= 1); /* before anybody was told */
        jobs_free(asked[i].request.jobs);
    }
    assert_in_range(atomic_load(&vfs_syncs), 1, 2);
    /* Reading costs none. */
    failing_vfs_plan(0, SQLITE_OK, false);
    look_up("job-3");
    count_jobs();
    assert_int_equal(list_jobs(0, JOB_STATUS_COUNT, 100), JOURNAL_DONE);
    assert_int_equal(claim(0), JOURNAL_DONE);
    assert_int_equal(atomic_load(&vfs_syncs), 0);
    assert_int_equal(atomic_load(&vfs_calls), 0);
}

/* One that there is no room for takes none of the others with it; a disk that fails takes all. */
static void fail_a_batch(int error, enum journal_outcome expected) {
    enum { COUNT = 8 };
    struct asked asked[COUNT], first = {.request = {.verb = JOURNAL_COUNT, .done = hold}};
    struct job jobs[COUNT];
    char ids[COUNT][16];
    sem_init(&held, 0, 0);
    sem_init(&released, 0, 0);
    sem_init(&first.over, 0, 0);
    journal_ask(journal, &first.request);
    while (sem_wait(&held) != 0) {
        /* interrupted */
    }
    failing_vfs_plan(1, error, false); /* the first write, of all together */
    for (size_t i = 0; i < COUNT; i++) {
        name(i, ids[i]);
        jobs[i] = plain_job(ids[i], "{}");
        asked[i].request =
            (struct journal_request){.verb = JOURNAL_SUBMIT, .done = be_over, .submit = {.job = &jobs[i]}};
        sem_init(&asked[i].over, 0, 0);
        journal_ask(journal, &asked[i].request);
    }
    sem_post(&released);
    for (size_t i = 0; i < COUNT; i++) {
        while (sem_wait(&asked[i].over) != 0) {
            /* interrupted */
        }
        assert_int_equal(asked[i].request.outcome, expected);
        if (expected == JOURNAL_DONE) {
            assert_text(asked[i].request.jobs->id, ids[i]);
        } else {
            assert_null(asked[i].request.jobs);
        }
        jobs_free(asked[i].request.jobs);
    }
    failing_vfs_plan(0, SQLITE_OK, false);
    if (expected != JOURNAL_DONE) {
        close_journal();
        open_journal();
    }
    assert_int_equal(count_jobs().jobs[JOB_ACCEPTED], expected == JOURNAL_DONE ? COUNT : 0);
}

static void each_of_a_batch_fails_alone(void **state) {
    (void)state;
    fail_a_batch(SQLITE_FULL, JOURNAL_DONE);
}

static void a_disk_that_fails_stops_the_journal(void **state) {
    (void)state;
    fail_a_batch(SQLITE_IOERR_WRITE, JOURNAL_UNAVAILABLE);
}

/* How many syncs of the store there were when a file's folder was synced last, and when a file was renamed last. */
static atomic_long renamed_at = -1, folder_synced_at = -1;

static int note_sync(int file) {
    (void)file;
    atomic_store(&folder_synced_at, atomic_load(&vfs_syncs));
    return 0;
}

static int note_rename(int folder, const char *from, const char *to) {
    atomic_store(&renamed_at, atomic_load(&vfs_syncs));
    return renameat(folder, from, folder, to);
}

static void files_reach_the_disk_before_their_row(void **state) {
    (void)state;
    static const struct disk_calls noting = {failing_write, note_sync, note_rename, failing_unlink};
    static char body[JOURNAL_INLINE_BYTES + 1];
    const struct disk_calls *before = atomic_load(&disk_calls_set);
    struct job job = plain_job("a", "");
    job.body.bytes = (struct payload){.bytes = body, .length = sizeof body};
    disk_set_calls(&noting);
    failing_vfs_plan(0, SQLITE_OK, false);
    assert_int_equal(submit(&job), JOURNAL_DONE);
    assert_int_equal(atomic_load(&renamed_at), 0);
    assert_int_equal(atomic_load(&folder_synced_at), 0);
    assert_true(atomic_load(&vfs_syncs) > 0);
    disk_set_calls(before);
}

static int set_up(void **state) {
    (void)state;
    set_up_journal(false);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    tear_down_journal();
    failing_vfs_forget();
    return 0;
}

/* Folders needn't be synced where no power fails but that of failing_vfs.h. */
static int sync_at_once(int file) {
    (void)file;
    return 0;
}

int main(int argc, char **argv) {
    static const struct disk_calls quick = {failing_write, sync_at_once, failing_rename, failing_unlink};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_power_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writing_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_comes_during_a_commit_is_one_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_of_a_batch_fails_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_disk_that_fails_stops_the_journal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_reach_the_disk_before_their_row, set_up, tear_down),
    };
    if (argc > 1) {
        rounds = (unsigned)strtoul(argv[1], NULL, 10);
        chance_state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    } else {
        alarm(TEST_LIMIT_S);
    }
    failing_vfs_register();
    vfs_is_real = false;
    disk_set_calls(&quick);
    return cmocka_run_group_tests_name("journal and the disk", tests, NULL, NULL);
}

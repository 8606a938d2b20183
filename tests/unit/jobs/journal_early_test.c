/* Submissions whose jobs begin before their commit: with the job's end, if it comes in time, they take one.
 *
 * ctest: threads */
#include "tests/unit/jobs/journal_case.h"

#include "tests/unit/jobs/failing_vfs.h"

enum { ENDS_MAX = 2 };

/* What is posted when the job has begun, one after the other. */
static struct asked posts[ENDS_MAX];
static unsigned post_count;
static unsigned begun_count;
static unsigned begun_attempt;
static char begun_id[JOB_ID_MAX + 1];

static struct job_result right = {.status = 200,
                                  .type = {"application/json", 16},
                                  .fields = {"Vary: Accept\r\n", 14},
                                  .content = {.bytes = {.bytes = (char *)"{\"z\": 1}", .length = 8}}};

static void note_begun(struct journal_request *request) {
    const struct job *job = request->jobs;
    begun_count++;
    begun_attempt = job->attempts;
    memcpy(begun_id, job->id.bytes, job->id.length);
    begun_id[job->id.length] = '\0';
    assert_int_equal(job->status, JOB_RUNNING);
    for (unsigned i = 0; i < post_count; i++) {
        journal_ask(journal, &posts[i].request);
    }
}

static void will_post(struct journal_request request) {
    struct asked *post = &posts[post_count++];
    sem_init(&post->over, 0, 0);
    post->request = request;
    post->request.done = be_over;
}

static void will_end(const char *id, unsigned attempt) {
    will_post((struct journal_request){
        .verb = JOURNAL_FINISH,
        .finish = {.id = text(id), .attempt = attempt, .status = JOB_SUCCESSFUL, .result = &right, .wants_job = true}});
}

static void await_posts(void) {
    for (unsigned i = 0; i < post_count; i++) {
        while (sem_wait(&posts[i].over) != 0) {
            /* interrupted */
        }
    }
}

static void forget_posts(void) {
    for (unsigned i = 0; i < post_count; i++) {
        jobs_free(posts[i].request.jobs);
        sem_destroy(&posts[i].over);
    }
    post_count = begun_count = 0;
    memset(posts, 0, sizeof posts);
}

static int begin_case(void **state) {
    (void)state;
    failing_vfs_plan(0, SQLITE_OK, false);
    set_up_journal(false);
    forget_posts();
    return 0;
}

static int end_case(void **state) {
    (void)state;
    tear_down_journal(); /* after which nothing has what was posted */
    forget_posts();
    failing_vfs_forget();
    return 0;
}

/* How many syncs it took, where nothing else was asked. */
static long submit_early(const struct job *job, enum journal_outcome expected) {
    long before = atomic_load(&vfs_syncs);
    enum journal_outcome outcome = ask((struct journal_request){
        .verb = JOURNAL_SUBMIT, .submit = {.job = job, .begun = note_begun, .lease_ms = LEASE_MS}});
    assert_int_equal(outcome, expected);
    return atomic_load(&vfs_syncs) - before;
}

static void assert_result(const struct job *job) {
    assert_int_equal(job->status, JOB_SUCCESSFUL);
    assert_int_equal(job->attempts, 1);
    assert_int_equal(job->result.status, 200);
    assert_text(job->result.fields, "Vary: Accept\r\n");
    assert_content(&job->result.content, "{\"z\": 1}", 8);
}

static void an_end_in_time_is_in_the_same_commit(void **state) {
    (void)state;
    for (int i = 0; i < 30; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "j%d", i);
        struct job job = plain_job(id, "{}");
        will_end(id, 1);
        assert_int_equal(submit_early(&job, JOURNAL_DONE), 1);
        assert_int_equal(begun_count, 1);
        assert_result(answer.request.jobs);
        await_posts();
        assert_int_equal(posts[0].request.outcome, JOURNAL_DONE);
        assert_result(posts[0].request.jobs);
        assert_result(look_up(id));
        forget_posts();
    }
    close_journal();
    open_journal();
    assert_result(look_up("j0"));
    assert_result(look_up("j29"));
    assert_int_equal(count_jobs().jobs[JOB_SUCCESSFUL], 30);
    assert_int_equal(count_jobs().jobs[JOB_RUNNING], 0);
}

static void without_an_end_it_is_told_as_running(void **state) {
    (void)state;
    struct job job = plain_job("j", "{}");
    assert_int_equal(submit_early(&job, JOURNAL_DONE), 1);
    assert_int_equal(begun_count, 1);
    assert_int_equal(begun_attempt, 1);
    assert_int_equal(answer.request.jobs->status, JOB_RUNNING);
    assert_int_equal(finish("j", 1, "{\"z\": 1}"), JOURNAL_DONE);
    assert_result(look_up("j"));
}

static void it_is_told_under_the_name_that_it_has_got(void **state) {
    (void)state;
    struct job job = plain_job(NULL, "{}");
    assert_int_equal(submit_early(&job, JOURNAL_DONE), 1);
    assert_text(answer.request.jobs->id, begun_id);
    assert_int_equal(finish(begun_id, begun_attempt, "{\"z\": 1}"), JOURNAL_DONE);
}

static void what_else_comes_is_done_after_the_commit(void **state) {
    (void)state;
    struct job job = plain_job("j", "{}");
    will_post((struct journal_request){.verb = JOURNAL_LOOKUP, .id = text("j")});
    will_end("j", 1);
    (void)submit_early(&job, JOURNAL_DONE);
    assert_int_equal(answer.request.jobs->status, JOB_RUNNING);
    await_posts();
    assert_int_equal(posts[0].request.jobs->status, JOB_RUNNING);
    assert_int_equal(posts[1].request.outcome, JOURNAL_DONE);
    forget_posts();

    struct job other = plain_job("k", "{}");
    will_end("k", 1);
    will_post((struct journal_request){.verb = JOURNAL_LOOKUP, .id = text("k")});
    (void)submit_early(&other, JOURNAL_DONE);
    assert_result(answer.request.jobs);
    await_posts();
    assert_result(posts[1].request.jobs);
}

static void ends_of_others_are_none(void **state) {
    (void)state;
    assert_int_equal(submit_claiming("other", 4), JOB_RUNNING);
    const char *const ids[] = {"other", "j", "jj", "nobody"};
    const unsigned attempts[] = {1, 2, 1, 1};
    const enum journal_outcome outcomes[] = {JOURNAL_DONE, JOURNAL_STALE, JOURNAL_MISSING, JOURNAL_MISSING};
    for (size_t i = 0; i < 4; i++) {
        struct job job = plain_job("j", "{}");
        will_end(ids[i], attempts[i]);
        (void)submit_early(&job, JOURNAL_DONE);
        assert_int_equal(answer.request.jobs->status, JOB_RUNNING);
        await_posts();
        assert_int_equal(posts[0].request.outcome, outcomes[i]);
        assert_status("j", JOB_RUNNING, 1);
        assert_int_equal(on_id(JOURNAL_FORGET, "j"), JOURNAL_DONE);
        forget_posts();
    }
    assert_status("other", JOB_SUCCESSFUL, 1);
}

static void what_is_not_claimed_does_not_begin(void **state) {
    (void)state;
    struct job first = plain_job("j", "{}"), same = first, conflicting = plain_job("j", "[]");
    assert_int_equal(submit(&first), JOURNAL_DONE);
    (void)submit_early(&same, JOURNAL_SAME);
    (void)submit_early(&conflicting, JOURNAL_CONFLICT);
    struct job waiting = plain_job("k", "{}"); /* behind j */
    (void)submit_early(&waiting, JOURNAL_DONE);
    assert_int_equal(answer.request.jobs->status, JOB_ACCEPTED);
    struct job nameless = plain_job("no/name", "{}");
    (void)submit_early(&nameless, JOURNAL_REFUSED);
    assert_int_equal(begun_count, 0);
}

/* Each call of the commit fails once: then there is no such job, whoever ran it is told so, and it can be submitted
 * again. */
static void a_job_whose_commit_fails_was_none(void **state) {
    (void)state;
    for (int ends = 0; ends < 2; ends++) {
        char id[16];
        (void)snprintf(id, sizeof id, "ends%d", ends);
        struct job job = plain_job(id, "{}");
        long at = 1;
        for (;; at++) {
            if (ends) {
                will_end(id, 1);
            }
            failing_vfs_plan(at, SQLITE_FULL, false);
            enum journal_outcome outcome = ask((struct journal_request){
                .verb = JOURNAL_SUBMIT, .submit = {.job = &job, .begun = note_begun, .lease_ms = LEASE_MS}});
            failing_vfs_plan(0, SQLITE_OK, false);
            assert_int_equal(begun_count, 1);
            if (outcome == JOURNAL_DONE) {
                break;
            }
            assert_int_equal(outcome, JOURNAL_FULL);
            assert_null(answer.request.jobs);
            await_posts();
            assert_int_equal(ends ? posts[0].request.outcome : JOURNAL_MISSING, JOURNAL_MISSING);
            assert_int_equal(on_id(JOURNAL_LOOKUP, id), JOURNAL_MISSING);
            assert_int_equal(finish(id, 1, "{}"), JOURNAL_MISSING);
            assert_int_equal(count_jobs().jobs[JOB_RUNNING], 0);
            forget_posts();
        }
        assert_true(at > 3);
        await_posts();
        forget_posts();
        assert_status(id, ends ? JOB_SUCCESSFUL : JOB_RUNNING, 1);
        assert_int_equal(on_id(JOURNAL_FORGET, id), JOURNAL_DONE);
    }
}

static void a_disk_that_fails_ends_both(void **state) {
    (void)state;
    struct job job = plain_job("j", "{}");
    will_end("j", 1);
    failing_vfs_plan(1, SQLITE_IOERR_WRITE, true);
    (void)submit_early(&job, JOURNAL_UNAVAILABLE);
    await_posts();
    assert_int_equal(posts[0].request.outcome, JOURNAL_MISSING);
    (void)submit_early(&job, JOURNAL_UNAVAILABLE);
    assert_int_equal(begun_count, 1);
    failing_vfs_plan(0, SQLITE_OK, false);
    close_journal();
    open_journal();
    assert_int_equal(on_id(JOURNAL_LOOKUP, "j"), JOURNAL_MISSING);
}

static sem_t has_begun;

static void note_and_go_on(struct journal_request *request) {
    note_begun(request);
    sem_post(&has_begun);
}

/* While it waits for the job's end. */
static void closing_waits_for_no_end(void **state) {
    (void)state;
    struct job job = plain_job("j", "{}");
    sem_init(&has_begun, 0, 0);
    answer.request = (struct journal_request){.verb = JOURNAL_SUBMIT,
                                              .done = be_over,
                                              .submit = {.job = &job, .begun = note_and_go_on, .lease_ms = LEASE_MS}};
    journal_ask(journal, &answer.request);
    while (sem_wait(&has_begun) != 0) {
        /* interrupted */
    }
    close_journal();
    assert_int_equal(sem_trywait(&answer.over), 0);
    assert_int_equal(answer.request.outcome, JOURNAL_DONE);
    sem_destroy(&has_begun);
    open_journal();
    tidy_all();
    assert_status("j", JOB_ACCEPTED, 1);
}

static void in_memory_nothing_begins_early(void **state) {
    (void)state;
    tear_down_journal();
    set_up_journal(true);
    struct job job = plain_job("j", "{}");
    (void)submit_early(&job, JOURNAL_DONE);
    assert_int_equal(answer.request.jobs->status, JOB_RUNNING);
    assert_int_equal(begun_count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_end_in_time_is_in_the_same_commit, begin_case, end_case),
        cmocka_unit_test_setup_teardown(without_an_end_it_is_told_as_running, begin_case, end_case),
        cmocka_unit_test_setup_teardown(it_is_told_under_the_name_that_it_has_got, begin_case, end_case),
        cmocka_unit_test_setup_teardown(what_else_comes_is_done_after_the_commit, begin_case, end_case),
        cmocka_unit_test_setup_teardown(ends_of_others_are_none, begin_case, end_case),
        cmocka_unit_test_setup_teardown(what_is_not_claimed_does_not_begin, begin_case, end_case),
        cmocka_unit_test_setup_teardown(a_job_whose_commit_fails_was_none, begin_case, end_case),
        cmocka_unit_test_setup_teardown(a_disk_that_fails_ends_both, begin_case, end_case),
        cmocka_unit_test_setup_teardown(closing_waits_for_no_end, begin_case, end_case),
        cmocka_unit_test_setup_teardown(in_memory_nothing_begins_early, begin_case, end_case),
    };
    failing_vfs_register();
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("jobs that begin before their commit", tests, NULL, NULL);
}

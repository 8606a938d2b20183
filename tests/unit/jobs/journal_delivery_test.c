/* Deliveries of callbacks: due when a job ends, had by one until its lease is over, told of once.
 *
 * ctest: threads */
#include "tests/unit/jobs/journal_case.h"

static const char url[] = "https://hooks.example.org/done";
static atomic_uint dues;

static void note_due(void *context) {
    assert_ptr_equal(context, &dues);
    atomic_fetch_add(&dues, 1);
}

/* With the hook that the case doesn't have. */
static void reopen(void) {
    close_journal();
    atomic_store(&dues, 0);
    settings.due = note_due;
    settings.due_context = &dues;
    open_journal();
}

static void submit_calling(const char *id) {
    struct job job = plain_job(id, "{}");
    job.callback = text(url);
    assert_int_equal(submit(&job), JOURNAL_DONE);
}

static void end(const char *id) {
    assert_claimed(id);
    assert_int_equal(finish(id, 1, "[1]"), JOURNAL_DONE);
}

static const struct job *take(unsigned limit) {
    assert_int_equal(
        ask((struct journal_request){.verb = JOURNAL_DELIVERIES, .deliveries = {.limit = limit, .lease_ms = LEASE_MS}}),
        JOURNAL_DONE);
    return answer.request.jobs;
}

static enum journal_outcome tell(const char *id, unsigned tries, enum job_delivery_state state, uint64_t delay_ms,
                                 const char *error) {
    return ask((struct journal_request){
        .verb = JOURNAL_DELIVERED,
        .delivered = {.id = text(id), .tries = tries, .state = state, .delay_ms = delay_ms, .error = text(error)}});
}

static void assert_taken(const char *id, unsigned tries) {
    const struct job *job = take(1);
    assert_non_null(job);
    assert_text(job->id, id);
    assert_text(job->callback, url);
    assert_int_equal(job->delivery.state, JOB_DELIVERY_DUE);
    assert_int_equal(job->delivery.tries, tries);
    assert_null(job->next);
}

static void assert_nothing_due(uint64_t next_ms) {
    assert_null(take(10));
    assert_true(answer.request.next_ms == next_ms);
}

static void a_job_with_a_callback_is_due_when_it_ends(void **state) {
    (void)state;
    reopen();
    submit_plain("without");
    end("without");
    assert_nothing_due(UINT64_MAX);
    assert_int_equal(atomic_load(&dues), 0);
    submit_calling("good");
    assert_nothing_due(UINT64_MAX);
    assert_int_equal(look_up("good")->delivery.state, JOB_DELIVERY_WAITS);
    assert_text(look_up("good")->callback, url);
    end("good");
    assert_int_equal(atomic_load(&dues), 1);
    assert_taken("good", 0);
    assert_int_equal(answer.request.jobs->status, JOB_SUCCESSFUL);
    submit_calling("dismissed");
    assert_int_equal(on_id(JOURNAL_DISMISS, "dismissed"), JOURNAL_DONE);
    assert_int_equal(atomic_load(&dues), 2);
    assert_taken("dismissed", 0);
    assert_int_equal(answer.request.jobs->status, JOB_DISMISSED);
    submit_calling("crashed");
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        assert_claimed("crashed");
        fake_clock_advance(LEASE_MS * NS_PER_MS);
        tidy_all();
    }
    assert_int_equal(atomic_load(&dues), 3);
    assert_int_equal(look_up("crashed")->delivery.state, JOB_DELIVERY_DUE);
}

static void what_is_taken_is_not_given_again_before_its_lease_is_over(void **state) {
    (void)state;
    submit_calling("a");
    end("a");
    assert_taken("a", 0);
    assert_nothing_due(UINT64_MAX);
    fake_clock_advance(LEASE_MS * NS_PER_MS - 1);
    assert_nothing_due(UINT64_MAX);
    fake_clock_advance(1);
    assert_taken("a", 0);
    assert_int_equal(tell("a", 0, JOB_DELIVERY_DONE, 0, ""), JOURNAL_DONE);
    fake_clock_advance(LEASE_MS * NS_PER_MS);
    assert_nothing_due(UINT64_MAX);
}

static void it_is_told_once(void **state) {
    (void)state;
    submit_calling("a");
    assert_int_equal(tell("a", 0, JOB_DELIVERY_DONE, 0, ""), JOURNAL_STALE);
    end("a");
    assert_taken("a", 0);
    assert_int_equal(tell("b", 0, JOB_DELIVERY_DONE, 0, ""), JOURNAL_MISSING);
    assert_int_equal(tell("a", 1, JOB_DELIVERY_DONE, 0, ""), JOURNAL_STALE);
    assert_int_equal(tell("a", 0, JOB_DELIVERY_DUE, 500, "answered 500"), JOURNAL_DONE);
    assert_int_equal(tell("a", 0, JOB_DELIVERY_DONE, 0, ""), JOURNAL_STALE);
    assert_int_equal(tell("a", 1, JOB_DELIVERY_GIVEN_UP, 0, "answered 410"), JOURNAL_DONE);
    assert_int_equal(tell("a", 2, JOB_DELIVERY_DONE, 0, ""), JOURNAL_STALE);
    const struct job *job = look_up("a");
    assert_int_equal(job->delivery.state, JOB_DELIVERY_GIVEN_UP);
    assert_int_equal(job->delivery.tries, 2);
    assert_int_equal(job->delivery.due_ms, 0);
    assert_text(job->delivery.error, "answered 410");
    assert_content(&job->result.content, "[1]", 3);
    assert_nothing_due(UINT64_MAX);
}

static void what_failed_is_due_again_after_its_pause(void **state) {
    (void)state;
    reopen();
    submit_calling("a");
    end("a");
    assert_taken("a", 0);
    atomic_store(&dues, 0);
    assert_int_equal(tell("a", 0, JOB_DELIVERY_DUE, 700, "Timeout was reached"), JOURNAL_DONE);
    assert_int_equal(atomic_load(&dues), 1);
    assert_text(look_up("a")->delivery.error, "Timeout was reached");
    assert_int_equal(look_up("a")->delivery.due_ms, atomic_load(&day_ms) + 700);
    assert_nothing_due(700);
    atomic_fetch_add(&day_ms, 699);
    assert_nothing_due(1);
    atomic_fetch_add(&day_ms, 1);
    assert_taken("a", 1);
    assert_int_equal(tell("a", 1, JOB_DELIVERY_DONE, 0, ""), JOURNAL_DONE);
    assert_text(look_up("a")->delivery.error, "");
    assert_int_equal(look_up("a")->delivery.tries, 2);
    assert_int_equal(tell("a", 2, JOB_DELIVERY_DUE, UINT64_MAX, ""), JOURNAL_STALE);
}

static void what_is_put_off_was_not_tried(void **state) {
    (void)state;
    submit_calling("a");
    end("a");
    assert_taken("a", 0);
    assert_int_equal(tell("a", 0, JOB_DELIVERY_DUE, 10, "answered 500"), JOURNAL_DONE);
    atomic_fetch_add(&day_ms, 10);
    assert_taken("a", 1);
    struct journal_request request = {.verb = JOURNAL_DELIVERED,
                                      .delivered = {.id = text("a"), .tries = 0, .is_put_off = true, .delay_ms = 700}};
    assert_int_equal(ask(request), JOURNAL_STALE);
    request.delivered.tries = 1;
    assert_int_equal(ask(request), JOURNAL_DONE);
    assert_int_equal(look_up("a")->delivery.tries, 1);
    assert_text(look_up("a")->delivery.error, "answered 500");
    assert_nothing_due(700);
    atomic_fetch_add(&day_ms, 700);
    assert_taken("a", 1);
}

static void the_longest_due_comes_first_and_no_more_than_asked_for(void **state) {
    (void)state;
    static const char *const ids[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        submit_calling(ids[i]);
        end(ids[i]);
        atomic_fetch_add(&day_ms, 10);
    }
    const struct job *job = take(2);
    assert_text(job->id, "a");
    assert_text(job->next->id, "b");
    assert_null(job->next->next);
    assert_int_equal(answer.request.next_ms, 0);
    assert_int_equal(tell("a", 0, JOB_DELIVERY_DUE, 5, "x"), JOURNAL_DONE);
    atomic_fetch_add(&day_ms, 100);
    job = take(10);
    assert_text(job->id, "c");
    assert_text(job->next->id, "a");
    assert_null(job->next->next);
    assert_null(take(0));
}

static void an_error_is_cut(void **state) {
    (void)state;
    char error[2 * JOB_DELIVERY_ERROR_MAX] = "";
    memset(error, 'e', sizeof error - 1);
    submit_calling("a");
    end("a");
    assert_int_equal(tell("a", 0, JOB_DELIVERY_DUE, UINT64_MAX, error), JOURNAL_DONE);
    assert_int_equal(look_up("a")->delivery.error.length, JOB_DELIVERY_ERROR_MAX);
    assert_int_equal(look_up("a")->delivery.due_ms, INT64_MAX);
}

static void a_url_that_is_too_long_is_refused(void **state) {
    (void)state;
    char longest[JOB_CALLBACK_MAX + 2] = "";
    struct job job = plain_job("a", "{}");
    memset(longest, 'u', JOB_CALLBACK_MAX + 1);
    job.callback = text(longest);
    assert_int_equal(submit(&job), JOURNAL_REFUSED);
    job.callback.length--;
    assert_int_equal(submit(&job), JOURNAL_DONE);
    assert_int_equal(look_up("a")->callback.length, JOB_CALLBACK_MAX);
}

/* It expires as ever, and is there until its end was told, or for a week. */
static void a_job_is_not_forgotten_while_its_delivery_is_due(void **state) {
    (void)state;
    submit_calling("a");
    submit_calling("b");
    end("a");
    end("b");
    atomic_fetch_add(&day_ms, INT64_C(1000) * KEEP_S);
    tidy_all();
    assert_true(look_up("a")->is_expired);
    atomic_fetch_add(&day_ms, INT64_C(1000) * KEEP_S);
    tidy_all();
    assert_true(look_up("a")->is_expired);
    assert_int_equal(take(1)->delivery.tries, 0);
    assert_int_equal(tell("a", 0, JOB_DELIVERY_DONE, 0, ""), JOURNAL_DONE);
    atomic_fetch_add(&day_ms, 60000);
    tidy_all();
    assert_int_equal(on_id(JOURNAL_LOOKUP, "a"), JOURNAL_MISSING);
    assert_int_equal(look_up("b")->delivery.state, JOB_DELIVERY_DUE);
    atomic_fetch_add(&day_ms, (int64_t)JOURNAL_DELIVERY_KEEP_S * 1000);
    tidy_all();
    assert_int_equal(on_id(JOURNAL_LOOKUP, "b"), JOURNAL_MISSING);
    fake_clock_advance(LEASE_MS * NS_PER_MS);
    assert_nothing_due(UINT64_MAX);
    assert_int_equal(count_jobs().jobs[JOB_SUCCESSFUL], 0);
}

static void what_is_forgotten_is_not_delivered(void **state) {
    (void)state;
    submit_calling("a");
    submit_calling("b");
    end("a");
    end("b");
    assert_taken("a", 0);
    assert_int_equal(on_id(JOURNAL_FORGET, "a"), JOURNAL_DONE);
    assert_int_equal(on_id(JOURNAL_FORGET, "b"), JOURNAL_DONE);
    assert_int_equal(tell("a", 0, JOB_DELIVERY_DUE, 0, ""), JOURNAL_MISSING);
    fake_clock_advance(LEASE_MS * NS_PER_MS);
    assert_nothing_due(UINT64_MAX);
    submit_plain("a"); /* under the same name another one, without a callback */
    end("a");
    assert_nothing_due(UINT64_MAX);
    assert_int_equal(look_up("a")->delivery.state, JOB_DELIVERY_WAITS);
}

/* What another process had taken is due at once, and what was told stays told. */
static void deliveries_outlive_the_process(void **state) {
    (void)state;
    static const char *const ids[] = {"taken", "later", "done"};
    if (is_in_memory) {
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        submit_calling(ids[i]);
        end(ids[i]);
    }
    assert_non_null(take(3));
    assert_int_equal(tell("later", 0, JOB_DELIVERY_DUE, 5000, "answered 503"), JOURNAL_DONE);
    assert_int_equal(tell("done", 0, JOB_DELIVERY_DONE, 0, ""), JOURNAL_DONE);
    close_journal();
    open_journal();
    assert_taken("taken", 0);
    assert_nothing_due(5000);
    assert_int_equal(look_up("done")->delivery.state, JOB_DELIVERY_DONE);
    assert_text(look_up("later")->delivery.error, "answered 503");
    atomic_fetch_add(&day_ms, 5000);
    assert_taken("later", 1);
}

static void lists_tell_of_deliveries(void **state) {
    (void)state;
    submit_calling("a");
    submit_plain("b");
    end("a");
    end("b");
    assert_int_equal(tell("a", 0, JOB_DELIVERY_DUE, 5000, "answered 503"), JOURNAL_DONE);
    assert_int_equal(list_jobs(0, JOB_STATUS_COUNT, 10), JOURNAL_DONE);
    const struct job *job = answer.request.jobs;
    assert_text(job->id, "b");
    assert_int_equal(job->delivery.state, JOB_DELIVERY_WAITS);
    assert_text(job->next->id, "a");
    assert_text(job->next->delivery.error, "answered 503");
    assert_int_equal(job->next->delivery.tries, 1);
}

#define TESTS(X)                                                                                                       \
    X(a_job_with_a_callback_is_due_when_it_ends)                                                                       \
    X(what_is_taken_is_not_given_again_before_its_lease_is_over)                                                       \
    X(it_is_told_once)                                                                                                 \
    X(what_failed_is_due_again_after_its_pause)                                                                        \
    X(what_is_put_off_was_not_tried)                                                                                   \
    X(the_longest_due_comes_first_and_no_more_than_asked_for)                                                          \
    X(an_error_is_cut)                                                                                                 \
    X(a_url_that_is_too_long_is_refused)                                                                               \
    X(a_job_is_not_forgotten_while_its_delivery_is_due)                                                                \
    X(what_is_forgotten_is_not_delivered)                                                                              \
    X(deliveries_outlive_the_process)                                                                                  \
    X(lists_tell_of_deliveries)

JOURNAL_MAIN(TESTS)

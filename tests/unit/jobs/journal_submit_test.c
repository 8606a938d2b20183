/* What is asked for, under which name, and who gets it next: one table of tests, run with every store.
 *
 * ctest: threads */
#include "tests/unit/jobs/journal_case.h"

static void a_submitted_job_is_kept_as_it_was_asked_for(void **state) {
    (void)state;
    struct job job = plain_job("mine", "{\"x\": [1]}");
    job.idempotency_key = text("key 1");
    job.callback = text("https://example.org/done");
    job.body_coding = CONTENT_ZSTD;
    job.reply_coding = CONTENT_GZIP;
    job.reply_must_be_coded = true;
    job.principal = UINT64_MAX - 3;
    job.priority = JOB_PRIORITY_MAX;
    job.keep_s = 77;
    job.deadline_ms = 123456;
    assert_int_equal(submit(&job), JOURNAL_DONE);
    assert_int_equal(atomic_load(&readies), 1);
    for (int again = 0; again < 2; again++) { /* what submitting tells, and looking it up */
        const struct job *kept = again ? look_up("mine") : answer.request.jobs;
        assert_text(kept->id, "mine");
        assert_text(kept->idempotency_key, "key 1");
        assert_text(kept->op, "/v1/gaussian");
        assert_text(kept->query, "threads=2");
        assert_text(kept->callback, "https://example.org/done");
        assert_int_equal(kept->body_media, MEDIA_JSON);
        assert_int_equal(kept->reply_media, MEDIA_NPY);
        assert_int_equal(kept->body_coding, CONTENT_ZSTD);
        assert_int_equal(kept->reply_coding, CONTENT_GZIP);
        assert_true(kept->reply_must_be_coded);
        assert_true(kept->principal == UINT64_MAX - 3);
        assert_int_equal(kept->priority, JOB_PRIORITY_MAX);
        assert_int_equal(kept->keep_s, 77);
        assert_int_equal(kept->deadline_ms, 123456);
        assert_int_equal(kept->body.length, 10);
        if (again) {
            assert_content(&kept->body, "{\"x\": [1]}", 10);
        }
        assert_int_equal(kept->status, JOB_ACCEPTED);
        assert_int_equal(kept->attempts, 0);
        assert_int_equal(kept->created_ms, 1000000);
        assert_true(kept->started_ms == 0 && kept->finished_ms == 0 && kept->expires_ms == 0);
        assert_true(kept->number > 0);
        assert_int_equal(kept->result.status, 0);
    }
    assert_int_equal(on_id(JOURNAL_LOOKUP, "Mine"), JOURNAL_MISSING);
}

static void jobs_without_a_name_get_one_that_nobody_has(void **state) {
    (void)state;
    char before[JOB_ID_MAX + 1] = "";
    for (int i = 0; i < 50; i++) {
        struct job job = plain_job(NULL, "{}");
        assert_int_equal(submit(&job), JOURNAL_DONE);
        struct text_view id = answer.request.jobs->id;
        assert_int_equal(id.length, JOB_NEW_ID_LENGTH);
        assert_true(job_id_allowed(id));
        char now[JOB_ID_MAX + 1] = "";
        memcpy(now, id.bytes, id.length);
        assert_string_not_equal(now, before);
        memcpy(before, now, sizeof now);
        look_up(now);
        assert_int_equal(answer.request.jobs->keep_s, KEEP_S);
    }
}

static void what_cant_be_kept_is_refused(void **state) {
    (void)state;
    char too_long[JOB_KEY_MAX + 2];
    memset(too_long, 'a', sizeof too_long);
    const char *const names[] = {".", "..", "../x", "a/b", "/etc/passwd", "a b", "a\nb", "a%2fb", "\xc3\xa9", "a\\b"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(submit_plain(names[i]), JOURNAL_REFUSED);
    }
    struct job job = plain_job("x", "{}");
    job.id = (struct text_view){"a\0b", 3};
    assert_int_equal(submit(&job), JOURNAL_REFUSED);
    job.id = (struct text_view){too_long, JOB_ID_MAX + 1};
    assert_int_equal(submit(&job), JOURNAL_REFUSED);
    job.id = (struct text_view){too_long, JOB_ID_MAX};
    assert_int_equal(submit(&job), JOURNAL_DONE);
    job.id = text("...");
    job.priority = JOB_PRIORITY_MAX + 1;
    assert_int_equal(submit(&job), JOURNAL_REFUSED);
    job.priority = 0;
    job.idempotency_key = (struct text_view){too_long, JOB_KEY_MAX + 1};
    assert_int_equal(submit(&job), JOURNAL_REFUSED);
    job.idempotency_key.length = JOB_KEY_MAX;
    assert_int_equal(submit(&job), JOURNAL_DONE);
    assert_int_equal(count_jobs().jobs[JOB_ACCEPTED], 2);
}

static void a_name_or_key_stands_for_one_payload(void **state) {
    (void)state;
    struct job job = plain_job("named", "{}");
    job.idempotency_key = text("k");
    assert_int_equal(submit(&job), JOURNAL_DONE);
    uint64_t number = answer.request.jobs->number;
    assert_int_equal(submit(&job), JOURNAL_SAME);
    assert_int_equal(answer.request.jobs->number, number);
    job.id = text(NULL); /* the key alone */
    assert_int_equal(submit(&job), JOURNAL_SAME);
    assert_text(answer.request.jobs->id, "named");
    job.priority = 1; /* says nothing of what is computed */
    assert_int_equal(submit(&job), JOURNAL_SAME);
    struct job others[8];
    for (size_t i = 0; i < 8; i++) {
        others[i] = job;
    }
    others[0].op = text("/v1/matrix");
    others[1].query = text("threads=3");
    others[2].body_media = MEDIA_NPY;
    others[3].reply_media = MEDIA_JSON;
    others[4].body_coding = CONTENT_GZIP;
    others[5].reply_coding = CONTENT_GZIP;
    others[6].reply_must_be_coded = true;
    others[7].body.bytes.bytes = (char *)"[]";
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(submit(&others[i]), JOURNAL_CONFLICT);
        assert_int_equal(answer.request.jobs->number, number);
        others[i].idempotency_key = text(NULL);
        others[i].id = text("named");
        assert_int_equal(submit(&others[i]), JOURNAL_CONFLICT);
    }
    job.principal++; /* somebody else's key */
    assert_int_equal(submit(&job), JOURNAL_DONE);
    assert_int_equal(count_jobs().jobs[JOB_ACCEPTED], 2);
    /* However it ended, it is that job. */
    assert_int_equal(on_id(JOURNAL_DISMISS, "named"), JOURNAL_DONE);
    job.principal--;
    assert_int_equal(submit(&job), JOURNAL_SAME);
    assert_int_equal(answer.request.jobs->status, JOB_DISMISSED);
    assert_int_equal(on_id(JOURNAL_FORGET, "named"), JOURNAL_DONE);
    assert_int_equal(submit(&job), JOURNAL_DONE);
}

/* Nothing is accepted, but what was accepted before is found. */
static void one_that_is_only_looked_for_is_found_or_missing(void **state) {
    (void)state;
    struct job job = plain_job("a", "{}"), other = plain_job("a", "[]");
    job.idempotency_key = other.idempotency_key = text("key");
    struct journal_request request = {.verb = JOURNAL_SUBMIT, .submit = {.job = &job, .finds_only = true}};
    assert_int_equal(ask(request), JOURNAL_MISSING);
    assert_null(answer.request.jobs);
    assert_int_equal(count_jobs().jobs[JOB_ACCEPTED], 0);
    assert_int_equal(submit(&job), JOURNAL_DONE);
    assert_int_equal(ask(request), JOURNAL_SAME);
    assert_text(answer.request.jobs->id, "a");
    request.submit.job = &other;
    assert_int_equal(ask(request), JOURNAL_CONFLICT);
    job.id = other.id = text("");
    request.submit.job = &job;
    assert_int_equal(ask(request), JOURNAL_SAME);
    job.idempotency_key = text("another");
    assert_int_equal(ask(request), JOURNAL_MISSING);
    assert_int_equal(count_jobs().jobs[JOB_ACCEPTED], 1);
}

static void the_urgent_come_first_and_all_grow_older(void **state) {
    (void)state;
    submit_with("first", 0);
    submit_with("second", 0);
    submit_with("urgent", 9);
    submit_with("middle", 5);
    fake_clock_advance(3 * JOURNAL_AGEING_MS * NS_PER_MS);
    submit_with("late-2", 2);
    submit_with("late-4", 4);
    submit_with("late-9", 9);
    /* Ranks in minutes: urgent -9, late-9 -6, middle -5, late-4 -1, first 0, second 0, late-2 1. */
    const char *const order[] = {"urgent", "late-9", "middle", "late-4", "first", "second", "late-2"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        assert_int_equal(on_id(JOURNAL_LOOKUP, order[i]), JOURNAL_DONE);
        assert_int_equal(answer.request.place, i);
    }
    assert_claimed("urgent");
    assert_int_equal(on_id(JOURNAL_LOOKUP, "first"), JOURNAL_DONE);
    assert_int_equal(answer.request.place, 3);
    assert_int_equal(claim(100), JOURNAL_DONE); /* the others, in their order */
    const struct job *job = answer.request.jobs;
    for (size_t i = 1; i < sizeof order / sizeof *order; i++, job = job->next) {
        assert_non_null(job);
        assert_text(job->id, order[i]);
    }
    assert_null(job);
    assert_int_equal(claim(1), JOURNAL_DONE);
    assert_null(answer.request.jobs);
}

static void a_submission_can_be_claimed_at_once_unless_others_wait(void **state) {
    (void)state;
    assert_int_equal(submit_claiming("a", 4), JOB_RUNNING);
    assert_int_equal(answer.request.jobs->attempts, 1);
    assert_int_equal(answer.request.jobs->started_ms, 1000000);
    assert_int_equal(atomic_load(&readies), 0);
    submit_with("waits", 4);
    assert_int_equal(submit_claiming("b", 4), JOB_ACCEPTED);
    assert_int_equal(submit_claiming("c", 5), JOB_RUNNING);
    assert_status("a", JOB_RUNNING, 1);
    assert_claimed("waits");
    assert_claimed("b");
    /* Its lease is one as any other. */
    fake_clock_advance((LEASE_MS + 1) * NS_PER_MS);
    tidy_all();
    assert_status("a", JOB_ACCEPTED, 1);
    assert_status("c", JOB_ACCEPTED, 1);
}

#define TESTS(X)                                                                                                       \
    X(a_submitted_job_is_kept_as_it_was_asked_for)                                                                     \
    X(jobs_without_a_name_get_one_that_nobody_has)                                                                     \
    X(what_cant_be_kept_is_refused)                                                                                    \
    X(a_name_or_key_stands_for_one_payload)                                                                            \
    X(one_that_is_only_looked_for_is_found_or_missing)                                                                 \
    X(the_urgent_come_first_and_all_grow_older)                                                                        \
    X(a_submission_can_be_claimed_at_once_unless_others_wait)

JOURNAL_MAIN(TESTS)

/* What becomes of jobs that were accepted: one table of tests, run with every store.
 *
 * ctest: threads */
#include "tests/unit/jobs/journal_case.h"

enum { LONG_BYTES = 100000 };

static void a_result_is_written_once_by_the_attempt_that_runs(void **state) {
    (void)state;
    assert_int_equal(finish("x", 1, "[]"), JOURNAL_MISSING);
    submit_with("x", 0);
    assert_int_equal(finish("x", 0, "[0]"), JOURNAL_STALE); /* it doesn't run */
    atomic_store(&day_ms, 1000500);
    assert_claimed("x");
    assert_int_equal(answer.request.jobs->attempts, 1);
    assert_content(&answer.request.jobs->body, "{}", 2);
    assert_int_equal(finish("x", 2, "[2]"), JOURNAL_STALE);
    atomic_store(&day_ms, 1000700);
    assert_int_equal(finish("x", 1, "[1]"), JOURNAL_DONE);
    assert_int_equal(finish("x", 1, "[3]"), JOURNAL_STALE);
    const struct job *job = look_up("x");
    assert_int_equal(job->status, JOB_SUCCESSFUL);
    assert_int_equal(job->result.status, 200);
    assert_text(job->result.type, "application/json");
    assert_text(job->result.fields, "Vary: Accept\r\n");
    assert_text(job->result.metadata, "\"timing\":{}");
    assert_content(&job->result.content, "[1]", 3);
    assert_int_equal(job->started_ms, 1000500);
    assert_int_equal(job->finished_ms, 1000700);
    assert_int_equal(job->expires_ms, 1000700 + KEEP_S * 1000);
    assert_int_equal(job->body.bytes.length, 0); /* isn't needed any more … */
    assert_int_equal(job->body.length, 2);       /* … but is known */
}

/* What may end the process takes nothing with it that hasn't begun. */
static void one_that_has_crashed_comes_alone(void **state) {
    (void)state;
    submit_with("crashes", 4);
    assert_claimed("crashes");
    fake_clock_advance(LEASE_MS * NS_PER_MS);
    tidy_all();
    submit_with("urgent", 9);
    submit_with("behind", 4);
    submit_with("last", 4);
    const char *const expected[] = {"urgent", "crashes", "behind"};
    for (size_t i = 0; i < 3; i++) {
        unsigned told = atomic_load(&readies);
        assert_int_equal(claim(10), JOURNAL_DONE);
        assert_text(answer.request.jobs->id, expected[i]);
        assert_int_equal(answer.request.jobs->crashes, i == 1);
        assert_int_equal(!answer.request.jobs->next, i != 2);
        assert_int_equal(atomic_load(&readies), told + (i < 2)); /* there is more */
    }
}

static void a_lease_that_ends_is_a_crash(void **state) {
    (void)state;
    submit_with("x", 0);
    for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++) {
        assert_claimed("x");
        assert_int_equal(answer.request.jobs->attempts, attempt);
        fake_clock_advance((LEASE_MS - 1) * NS_PER_MS);
        tidy_all();
        assert_status("x", JOB_RUNNING, attempt);
        assert_int_equal(on_attempt(JOURNAL_RENEW, "x", attempt), JOURNAL_DONE);
        fake_clock_advance((LEASE_MS - 1) * NS_PER_MS);
        tidy_all();
        assert_status("x", JOB_RUNNING, attempt);
        unsigned told = atomic_load(&readies);
        fake_clock_advance(NS_PER_MS);
        tidy_all();
        assert_status("x", attempt < ATTEMPTS ? JOB_ACCEPTED : JOB_FAILED, attempt);
        assert_int_equal(answer.request.jobs->crashes, attempt);
        assert_int_equal(atomic_load(&readies), told + (attempt < ATTEMPTS));
        assert_int_equal(finish("x", attempt, "[]"), JOURNAL_STALE);
        assert_int_equal(on_attempt(JOURNAL_RENEW, "x", attempt), JOURNAL_STALE);
        assert_int_equal(on_attempt(JOURNAL_RELEASE, "x", attempt), JOURNAL_STALE);
    }
    const struct job *job = look_up("x");
    assert_int_equal(job->failure, JOB_CRASHED);
    assert_int_equal(job->result.status, 0);
    assert_int_equal(job->expires_ms, job->finished_ms + KEEP_S * 1000);
}

static void what_is_released_waits_in_its_old_place(void **state) {
    (void)state;
    submit_with("a", 0);
    submit_with("b", 0);
    for (unsigned attempt = 1; attempt <= ATTEMPTS + 2; attempt++) {
        assert_claimed("a");
        unsigned told = atomic_load(&readies);
        assert_int_equal(on_attempt(JOURNAL_RELEASE, "a", attempt), JOURNAL_DONE);
        assert_int_equal(atomic_load(&readies), told + 1);
        assert_status("a", JOB_ACCEPTED, attempt);
        assert_int_equal(answer.request.jobs->crashes, 0);
    }
    assert_claimed("a");
    assert_claimed("b");
}

static void assert_seen(uint64_t waiting, uint64_t running, int64_t oldest_ms) {
    assert_int_equal(atomic_load(&journal->sight.jobs[JOB_ACCEPTED]), waiting);
    assert_int_equal(atomic_load(&journal->sight.jobs[JOB_RUNNING]), running);
    assert_int_equal(atomic_load(&journal->sight.oldest_ms), oldest_ms);
}

static void numbers_and_the_oldest_that_waits_are_seen_without_asking(void **state) {
    (void)state;
    assert_seen(0, 0, 0);
    submit_with("a", 0);
    atomic_store(&day_ms, 1000010);
    submit_with("b", 9);
    atomic_store(&day_ms, 1000020);
    submit_with("c", 0);
    assert_seen(3, 0, 1000000);
    assert_claimed("b");
    assert_seen(2, 1, 1000000);
    assert_claimed("a");
    assert_seen(1, 2, 1000020);
    assert_int_equal(on_attempt(JOURNAL_RELEASE, "b", 1), JOURNAL_DONE);
    assert_seen(2, 1, 1000010);
    assert_int_equal(on_id(JOURNAL_FORGET, "b"), JOURNAL_DONE);
    assert_seen(1, 1, 1000020);
    assert_claimed("c");
    assert_seen(0, 2, 0);
    assert_int_equal(on_attempt(JOURNAL_RELEASE, "c", 1), JOURNAL_DONE);
    assert_seen(1, 1, 1000020);
    close_journal();
    open_journal();
    assert_seen(is_in_memory ? 0 : 1, is_in_memory ? 0 : 1, is_in_memory ? 0 : 1000020);
}

static void dismissing_ends_what_isnt_finished(void **state) {
    (void)state;
    assert_int_equal(on_id(JOURNAL_DISMISS, "x"), JOURNAL_MISSING);
    submit_with("waiting", 0);
    submit_claiming("running", 9);
    submit_claiming("done", 9);
    assert_int_equal(finish("done", 1, "[]"), JOURNAL_DONE);
    const char *const unfinished[] = {"waiting", "running"};
    for (size_t i = 0; i < 2; i++) {
        for (int again = 0; again < 2; again++) {
            assert_int_equal(on_id(JOURNAL_DISMISS, unfinished[i]), JOURNAL_DONE);
            assert_int_equal(answer.request.jobs->status, JOB_DISMISSED);
            assert_int_equal(answer.request.jobs->finished_ms, 1000000);
        }
    }
    assert_int_equal(finish("running", 1, "[]"), JOURNAL_STALE);
    assert_int_equal(on_id(JOURNAL_DISMISS, "done"), JOURNAL_DONE);
    assert_int_equal(answer.request.jobs->status, JOB_SUCCESSFUL);
    assert_int_equal(claim(10), JOURNAL_DONE);
    assert_null(answer.request.jobs);
    fake_clock_advance((LEASE_MS + 1) * NS_PER_MS);
    tidy_all();
    assert_status("running", JOB_DISMISSED, 1);
}

static void what_is_forgotten_is_gone_whatever_it_was(void **state) {
    (void)state;
    submit_with("waiting", 0);
    submit_claiming("running", 9);
    submit_claiming("done", 9);
    assert_int_equal(finish("done", 1, "[]"), JOURNAL_DONE);
    const char *const all[] = {"waiting", "running", "done"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(on_id(JOURNAL_FORGET, all[i]), JOURNAL_DONE);
        assert_int_equal(on_id(JOURNAL_FORGET, all[i]), JOURNAL_MISSING);
        assert_int_equal(on_id(JOURNAL_LOOKUP, all[i]), JOURNAL_MISSING);
        assert_int_equal(finish(all[i], 1, "[]"), JOURNAL_MISSING);
        assert_int_equal(on_attempt(JOURNAL_RENEW, all[i], 1), JOURNAL_MISSING);
    }
    assert_int_equal(list_jobs(0, JOB_STATUS_COUNT, 10), JOURNAL_DONE);
    assert_null(answer.request.jobs);
    assert_int_equal(claim(10), JOURNAL_DONE);
    assert_null(answer.request.jobs);
    fake_clock_advance((LEASE_MS + 1) * NS_PER_MS);
    atomic_fetch_add(&day_ms, 10 * KEEP_S * 1000);
    tidy_all();
    submit_with("running", 0);
    assert_status("running", JOB_ACCEPTED, 0);
}

/* Every page of a status, one after the other, holds the jobs whose numbers are expected, newest first. */
static void assert_listed(enum job_status status, unsigned limit, const unsigned *numbers, size_t count) {
    uint64_t before = 0;
    size_t found = 0;
    for (;;) {
        assert_int_equal(list_jobs(before, status, limit), JOURNAL_DONE);
        size_t on_page = 0;
        for (const struct job *job = answer.request.jobs; job; job = job->next, on_page++, found++) {
            char id[16];
            assert_true(found < count);
            (void)snprintf(id, sizeof id, "j%u", numbers[found]);
            assert_text(job->id, id);
            assert_true(before == 0 || job->number < before);
            assert_null(job->body.bytes.owner);
            before = job->number;
        }
        assert_true(on_page <= limit);
        if (on_page < limit) {
            break;
        }
    }
    assert_int_equal(found, count);
}

static void lists_are_newest_first_by_pages(void **state) {
    (void)state;
    enum { COUNT = 200 };
    unsigned all[COUNT], kept[COUNT], accepted[COUNT];
    char id[16];
    size_t kept_count = 0, accepted_count = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        atomic_fetch_sub(&day_ms, 10); /* the day's time goes backwards: it isn't what counts */
        (void)snprintf(id, sizeof id, "j%u", i);
        submit_with(id, 0);
        all[COUNT - 1 - i] = i;
    }
    for (unsigned limit = 1; limit <= COUNT + 1; limit += 50) {
        assert_listed(JOB_STATUS_COUNT, limit, all, COUNT);
    }
    assert_int_equal(claim(30), JOURNAL_DONE); /* j0 … j29 */
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned number = all[i];
        (void)snprintf(id, sizeof id, "j%u", number);
        if (number % 8 != 0) { /* most of them: the memory store closes its gaps */
            assert_int_equal(on_id(JOURNAL_FORGET, id), JOURNAL_DONE);
        } else {
            kept[kept_count++] = number;
            accepted[accepted_count] = number;
            accepted_count += number >= 30;
        }
    }
    for (unsigned limit = 1; limit <= COUNT; limit += 13) {
        assert_listed(JOB_STATUS_COUNT, limit, kept, kept_count);
        assert_listed(JOB_ACCEPTED, limit, accepted, accepted_count);
        assert_listed(JOB_RUNNING, limit, kept + accepted_count, kept_count - accepted_count);
        assert_listed(JOB_FAILED, limit, NULL, 0);
    }
    /* From a job on that has been forgotten since. */
    assert_int_equal(list_jobs(look_up("j40")->number + 2, JOB_STATUS_COUNT, 1), JOURNAL_DONE);
    assert_text(answer.request.jobs->id, "j40");
}

static void jobs_expire_and_are_forgotten_later(void **state) {
    (void)state;
    struct job job = plain_job("short", "{}");
    job.keep_s = 10;
    assert_int_equal(submit(&job), JOURNAL_DONE);
    submit_with("long", 9);
    submit_with("waits", 0);
    assert_int_equal(claim(2), JOURNAL_DONE);
    assert_int_equal(finish("short", 1, "[1]"), JOURNAL_DONE);
    assert_int_equal(finish("long", 1, "[2]"), JOURNAL_DONE);
    atomic_fetch_add(&day_ms, 10 * 1000 - 1);
    tidy_all();
    assert_content(&look_up("short")->result.content, "[1]", 3);
    atomic_fetch_add(&day_ms, 1);
    tidy_all();
    const struct job *expired = look_up("short");
    assert_true(expired->is_expired);
    assert_int_equal(expired->status, JOB_SUCCESSFUL);
    assert_int_equal(expired->expires_ms, 1010000);
    assert_int_equal(expired->result.status, 0);
    assert_null(expired->result.content.bytes.owner);
    assert_int_equal(submit(&job), JOURNAL_SAME); /* it still has its name */
    assert_content(&look_up("long")->result.content, "[2]", 3);
    atomic_fetch_add(&day_ms, 10 * 1000 - 1);
    tidy_all();
    look_up("short");
    atomic_fetch_add(&day_ms, 1);
    tidy_all();
    assert_int_equal(on_id(JOURNAL_LOOKUP, "short"), JOURNAL_MISSING);
    atomic_fetch_add(&day_ms, 1000 * 1000 * 1000);
    tidy_all();
    assert_int_equal(on_id(JOURNAL_LOOKUP, "long"), JOURNAL_MISSING);
    assert_status("waits", JOB_ACCEPTED, 0);
    assert_int_equal(count_jobs().jobs[JOB_SUCCESSFUL], 0);
}

static void a_clock_that_jumps_back_takes_nothing(void **state) {
    (void)state;
    submit_with("a", 0);
    atomic_store(&day_ms, 500);
    assert_claimed("a");
    assert_int_equal(answer.request.jobs->started_ms, 1000000); /* not before it was created */
    atomic_store(&day_ms, -7);
    assert_int_equal(finish("a", 1, "[]"), JOURNAL_DONE);
    assert_int_equal(look_up("a")->finished_ms, 1000000);
    assert_int_equal(answer.request.jobs->expires_ms, 1000000 + KEEP_S * 1000);
    submit_with("b", 0);
    assert_claimed("b");
    fake_clock_advance((LEASE_MS - 1) * NS_PER_MS);
    tidy_all();
    assert_status("a", JOB_SUCCESSFUL, 1);
    assert_status("b", JOB_RUNNING, 1);
    assert_int_equal(list_jobs(0, JOB_STATUS_COUNT, 1), JOURNAL_DONE);
    assert_text(answer.request.jobs->id, "b");
    struct job job = plain_job("for ever", "{}");
    job.id = text("for-ever");
    job.keep_s = UINT64_MAX;
    assert_int_equal(submit(&job), JOURNAL_DONE);
    assert_claimed("for-ever");
    assert_int_equal(finish("for-ever", 1, "[]"), JOURNAL_DONE);
    assert_true(look_up("for-ever")->expires_ms == INT64_MAX);
    tidy_all();
    assert_status("for-ever", JOB_SUCCESSFUL, 1);
}

/* Nor does one that was set back while there was no process. */
static void a_clock_that_was_set_back_before_a_restart_takes_nothing(void **state) {
    (void)state;
    if (is_in_memory) {
        return;
    }
    submit_claiming("done", 9);
    assert_int_equal(finish("done", 1, "[1]"), JOURNAL_DONE);
    submit_with("waits", 4);
    close_journal();
    atomic_store(&day_ms, 500);
    open_journal();
    tidy_all();
    submit_with("later", 4);
    assert_content(&look_up("done")->result.content, "[1]", 3);
    assert_int_equal(answer.request.jobs->expires_ms, 1000000 + KEEP_S * 1000);
    assert_int_equal(look_up("later")->created_ms, 500);
    assert_int_equal(list_jobs(0, JOB_STATUS_COUNT, 1), JOURNAL_DONE);
    assert_text(answer.request.jobs->id, "later");
    assert_claimed("waits");
    assert_claimed("later");
    assert_int_equal(finish("later", 1, "[2]"), JOURNAL_DONE);
    assert_int_equal(look_up("later")->expires_ms, 500 + KEEP_S * 1000);
    atomic_store(&day_ms, 500 + KEEP_S * 1000); /* each expires by the time that it was given */
    tidy_all();
    assert_true(look_up("later")->is_expired);
    assert_false(look_up("done")->is_expired);
    atomic_store(&day_ms, 1000000 + KEEP_S * 1000);
    tidy_all();
    assert_true(look_up("done")->is_expired);
}

static void contents_of_every_length_come_back(void **state) {
    (void)state;
    static char bytes[LONG_BYTES];
    const size_t lengths[] = {0,    1,         JOURNAL_INLINE_BYTES - 1, JOURNAL_INLINE_BYTES, JOURNAL_INLINE_BYTES + 1,
                              9000, LONG_BYTES};
    for (size_t i = 0; i < LONG_BYTES; i++) {
        bytes[i] = (char)(i * 131 + i / 251);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct payload payload = {.bytes = bytes, .length = lengths[i]};
        struct job job = plain_job(NULL, "");
        struct job_result result = {.status = 422, .content = {.bytes = payload}};
        job.body.bytes = payload;
        assert_int_equal(submit(&job), JOURNAL_DONE);
        assert_int_equal(claim(1), JOURNAL_DONE);
        assert_content(&answer.request.jobs->body, bytes, lengths[i]);
        char id[JOB_NEW_ID_LENGTH + 1] = "";
        memcpy(id, answer.request.jobs->id.bytes, JOB_NEW_ID_LENGTH);
        assert_int_equal(ask((struct journal_request){
                             .verb = JOURNAL_FINISH,
                             .finish = {.id = text(id), .attempt = 1, .status = JOB_FAILED, .result = &result}}),
                         JOURNAL_DONE);
        assert_content(&look_up(id)->result.content, bytes, lengths[i]);
        assert_int_equal(answer.request.jobs->status, JOB_FAILED);
        assert_int_equal(answer.request.jobs->failure, JOB_ANSWERED);
        assert_int_equal(answer.request.jobs->result.status, 422);
        assert_text(answer.request.jobs->result.type, "");
    }
}

static void counts_follow_and_the_limit_refuses(void **state) {
    (void)state;
    static char bytes[LONG_BYTES];
    struct journal_counts empty = count_jobs();
    assert_int_equal(empty.limit_bytes, 0);
    submit_with("a", 0);
    submit_with("b", 0);
    assert_claimed("a");
    assert_int_equal(on_id(JOURNAL_DISMISS, "b"), JOURNAL_DONE);
    struct journal_counts counts = count_jobs();
    assert_true(counts.jobs[JOB_ACCEPTED] == 0 && counts.jobs[JOB_RUNNING] == 1 && counts.jobs[JOB_DISMISSED] == 1);
    assert_int_equal(on_id(JOURNAL_FORGET, "a"), JOURNAL_DONE);
    assert_int_equal(on_id(JOURNAL_FORGET, "b"), JOURNAL_DONE);
    counts = count_jobs();
    assert_true(counts.jobs[JOB_RUNNING] == 0 && counts.jobs[JOB_DISMISSED] == 0);
    uint64_t used = counts.used_bytes;
    close_journal();
    settings.limit_bytes = used + 2 * LONG_BYTES + LONG_BYTES / 2;
    open_journal();
    assert_int_equal(count_jobs().limit_bytes, settings.limit_bytes);
    const char *const ids[] = {"one", "two", "three"};
    for (size_t i = 0; i < 3; i++) {
        struct job job = plain_job(ids[i], "");
        bytes[0] = (char)i; /* other contents: the same would be one file */
        job.body.bytes = (struct payload){.bytes = bytes, .length = LONG_BYTES};
        assert_int_equal(submit(&job), i < 2 ? JOURNAL_DONE : JOURNAL_FULL);
    }
    assert_int_equal(on_id(JOURNAL_LOOKUP, "three"), JOURNAL_MISSING);
    assert_true(count_jobs().used_bytes >= 2 * LONG_BYTES);
    submit_with("small", 9);                                       /* there is room for this one */
    assert_int_equal(on_id(JOURNAL_DISMISS, "one"), JOURNAL_DONE); /* its body goes */
    struct job job = plain_job("three", "");
    job.body.bytes = (struct payload){.bytes = bytes, .length = LONG_BYTES};
    assert_int_equal(submit(&job), JOURNAL_DONE);
}

/* Known without asking, and shared by what is on its way. */
static void room_is_told_ahead(void **state) {
    (void)state;
    assert_true(journal_has_room(journal, UINT64_MAX)); /* there is no limit */
    uint64_t used = count_jobs().used_bytes;
    close_journal();
    settings.limit_bytes = used + 2 * LONG_BYTES;
    open_journal();
    tidy_all(); /* the first transaction says what is used */
    assert_true(journal_has_room(journal, LONG_BYTES));
    assert_false(journal_has_room(journal, 3 * LONG_BYTES));
    assert_false(journal_has_room(journal, UINT64_MAX));
    assert_true(journal_expect(journal, LONG_BYTES));
    assert_false(journal_expect(journal, LONG_BYTES + LONG_BYTES / 2));
    journal_unexpect(journal, LONG_BYTES);
    assert_true(journal_has_room(journal, LONG_BYTES + LONG_BYTES / 2));
    static char bytes[LONG_BYTES];
    struct job job = plain_job("one", "");
    job.body.bytes = (struct payload){.bytes = bytes, .length = LONG_BYTES};
    assert_int_equal(submit(&job), JOURNAL_DONE);
    assert_false(journal_has_room(journal, LONG_BYTES + LONG_BYTES / 2));
    assert_int_equal(on_id(JOURNAL_FORGET, "one"), JOURNAL_DONE);
    assert_true(journal_has_room(journal, LONG_BYTES + LONG_BYTES / 2));
}

#define TESTS(X)                                                                                                       \
    X(a_result_is_written_once_by_the_attempt_that_runs)                                                               \
    X(one_that_has_crashed_comes_alone)                                                                                \
    X(a_lease_that_ends_is_a_crash)                                                                                    \
    X(what_is_released_waits_in_its_old_place)                                                                         \
    X(numbers_and_the_oldest_that_waits_are_seen_without_asking)                                                       \
    X(dismissing_ends_what_isnt_finished)                                                                              \
    X(what_is_forgotten_is_gone_whatever_it_was)                                                                       \
    X(lists_are_newest_first_by_pages)                                                                                 \
    X(jobs_expire_and_are_forgotten_later)                                                                             \
    X(a_clock_that_jumps_back_takes_nothing)                                                                           \
    X(a_clock_that_was_set_back_before_a_restart_takes_nothing)                                                        \
    X(contents_of_every_length_come_back)                                                                              \
    X(counts_follow_and_the_limit_refuses)                                                                             \
    X(room_is_told_ahead)

JOURNAL_MAIN(TESTS)

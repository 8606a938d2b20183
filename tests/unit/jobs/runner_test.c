/* What becomes of a job: its body, its result, its problems, its time.
 *
 * ctest: threads */
#include "tests/unit/jobs/runner_case.h"

static void an_answer_becomes_the_result_byte_for_byte(void **state) {
    (void)state;
    start_runner();
    submit("one");
    struct job *job = await_end("one");
    char *body = content_of(&job->result.content);
    assert_has(body, "{\"sum\":294,\"threads\":{\"requested\":1,\"granted\":1},\"timing\":{");
    assert_int_equal(job->result.type.length, strlen("application/json"));
    assert_memory_equal(job->result.type.bytes, "application/json", strlen("application/json"));
    assert_int_equal(job->result.fields.length, 0);
    assert_int_equal(body[job->result.content.length - 1], '}');
    free(body);
    jobs_free(job);
    assert_success("one", 1, "\"sum\":294,");
    assert_int_equal(seen.count[AT_COMPUTE], 1);
}

static void what_the_answer_says_of_itself_is_kept(void **state) {
    (void)state;
    start_runner();
    plan.reply_bytes = 50000;
    struct job asked = plain_job("coded", "/whole", "abc", 3);
    asked.reply_coding = CONTENT_GZIP;
    submit_job(&asked);
    struct job *job = await_end("coded");
    static const char fields[] = "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n";
    assert_int_equal(job->result.fields.length, strlen(fields));
    assert_memory_equal(job->result.fields.bytes, fields, strlen(fields));
    char *body = content_of(&job->result.content);
    assert_memory_equal(body, "\x1f\x8b", 2);
    free(body);
    jobs_free(job);
}

static void long_bodies_and_results_go_through(void **state) {
    (void)state;
    start_runner();
    static const size_t lengths[] = {0, 1, 4096, 4097, 300000};
    char *body = make_body(300000), id[32], part[64];
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        plan.reply_bytes = lengths[i];
        (void)snprintf(id, sizeof id, "job-%zu", i);
        struct job job = plain_job(id, "/whole", body, lengths[i]);
        submit_job(&job);
        (void)snprintf(part, sizeof part, "\"sum\":%llu,", (unsigned long long)sum_of(body, lengths[i]));
        assert_success(id, 1, part);
    }
    free(body);
}

static void texts_are_worked_on_in_windows(void **state) {
    (void)state;
    start_runner();
    static const size_t lengths[] = {0, 1, STREAM_WINDOW_BYTES, 2 * STREAM_WINDOW_BYTES + 1, LONG_BYTES};
    char *body = make_body(LONG_BYTES), id[32], part[64];
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memset(&seen, 0, sizeof seen);
        (void)snprintf(id, sizeof id, "text-%zu", i);
        struct job job = plain_job(id, "/stream", body, lengths[i]);
        submit_job(&job);
        (void)snprintf(part, sizeof part, "\"sum\":%llu,", (unsigned long long)sum_of(body, lengths[i]));
        assert_success(id, 1, part);
        size_t windows = lengths[i] == 0 ? 1 : (lengths[i] + STREAM_WINDOW_BYTES - 1) / STREAM_WINDOW_BYTES;
        assert_int_equal(seen.count[AT_WINDOW], windows);
    }
    free(body);
}

static void assert_failure(const char *id, enum problem_kind kind) {
    struct job *job = await_end(id);
    char *body = content_of(&job->result.content);
    assert_string_equal(job_status_name(job->status), "failed");
    assert_int_equal(job->failure, JOB_ANSWERED);
    assert_int_equal(job->result.status, problem_status(kind));
    assert_has(body, problem_slug(kind));
    assert_memory_equal(job->result.type.bytes, "application/problem+json", job->result.type.length);
    free(body);
    jobs_free(job);
}

static void a_problem_is_a_result(void **state) {
    (void)state;
    start_runner();
    plan.fails[AT_COMPUTE] = PROBLEM_OUT_OF_RANGE;
    submit("wrong");
    assert_failure("wrong", PROBLEM_OUT_OF_RANGE);
    struct job job = plain_job("gone", "/no-such-op", "abc", 3);
    submit_job(&job);
    assert_failure("gone", PROBLEM_NOT_FOUND);
    scene.facts.config.max_body_bytes = 2;
    submit("long");
    assert_failure("long", PROBLEM_BODY_TOO_LARGE);
    assert_int_equal(seen.count[AT_COMPUTE], 1);
}

static atomic_uint computed;

static void be_busy_twice(struct call *call) {
    if (atomic_fetch_add(&computed, 1) < 2) {
        problem_set(&call->problem, PROBLEM_MEMORY_BUSY, NULL, "not now");
    }
}

/* It says nothing of the job. */
static void a_busy_server_is_no_result(void **state) {
    (void)state;
    start_runner();
    atomic_store(&computed, 0);
    plan.during_compute = be_busy_twice;
    submit("patient");
    assert_success("patient", 1, "\"sum\":294,");
    assert_int_equal(atomic_load(&computed), 3);
}

static void jobs_have_no_deadline_but_their_own(void **state) {
    (void)state;
    scene.facts.config.timeout_ns = 1;
    start_runner();
    submit("unlimited");
    assert_success("unlimited", 1, "\"sum\":294,");
    plan.demand.timeout_ns = 5 * MS;
    plan.is_stopped[AT_COMPUTE] = true;
    submit("limited");
    assert_failure("limited", PROBLEM_DEADLINE_EXCEEDED);
    plan.demand.threads = 0;
    plan.is_stopped[AT_COMPUTE] = false;
    plan.is_stopped[AT_WINDOW] = true;
    struct job job = plain_job("text", "/stream", "abc", 3);
    submit_job(&job);
    assert_failure("text", PROBLEM_DEADLINE_EXCEEDED);
    char *body = make_body(LONG_BYTES); /* and one that its windows are full of */
    job = plain_job("long-text", "/stream", body, LONG_BYTES);
    submit_job(&job);
    assert_failure("long-text", PROBLEM_DEADLINE_EXCEEDED);
    free(body);
}

/* Whatever it waits for cores, its own time begins with its computing. */
static void time_begins_with_computing(void **state) {
    (void)state;
    const struct timespec longer = {.tv_sec = 1, .tv_nsec = 200000000};
    start_runner();
    plan.demand.timeout_ns = NS_PER_S; /* far longer than two threads take to begin, on a busy machine too */
    plan.demand.threads = 2;
    hold_cores(1);
    submit("wide");
    await_step(AT_DECODE);
    await_waiting(1);
    nanosleep(&longer, NULL);
    let_cores_go(1);
    assert_success("wide", 1, "\"granted\":2");
}

static void a_damaged_body_fails_the_job(void **state) {
    (void)state;
    char *body = make_body(10000);
    struct job asked = plain_job("damaged", "/whole", body, 10000);
    submit_job(&asked);
    free(body);
    spoil_bodies();
    start_runner();
    struct job *job = await_end("damaged");
    assert_string_equal(job_status_name(job->status), "failed");
    assert_int_equal(job->failure, JOB_DAMAGED);
    assert_int_equal(job->result.status, 0);
    jobs_free(job);
    assert_int_equal(seen.count[AT_DECODE], 0);
}

/* --- what was pinned ---------------------------------------------------------------------------------------------- */

static struct {
    enum durable_outcome outcomes[3]; /* of one restoring after the other */
    atomic_uint count;
    struct payload_owner owner;
    atomic_bool is_released;
} pins;

static void note_released(struct payload_owner *owner) {
    assert_ptr_equal(owner, &pins.owner);
    atomic_store(&pins.is_released, true);
}

static enum durable_outcome restore(void *context, struct text_view notes, int files, struct payload *pinned) {
    assert_ptr_equal(context, &pins);
    assert_int_equal(notes.length, 5);
    assert_memory_equal(notes.bytes, "notes", 5);
    assert_int_equal(files, before.inner->files);
    enum durable_outcome outcome = pins.outcomes[atomic_fetch_add(&pins.count, 1)];
    if (outcome == DURABLE_GOOD) {
        *pinned = (struct payload){.owner = &pins.owner};
    }
    return outcome;
}

static int open_with_pins(void **state) {
    int result = open_on_disk(state);
    close_jobs(0);
    memset(&pins, 0, sizeof pins);
    pins.owner.release = note_released;
    atomic_init(&pins.owner.references, 1);
    runner_settings.restore = restore;
    runner_settings.context = &pins;
    open_jobs();
    return result;
}

static void look_at_pins(struct call *call) {
    assert_ptr_equal(call->order->pins.owner, &pins.owner);
    assert_false(atomic_load(&pins.is_released));
}

static void submit_pinned(const char *id) {
    struct job job = plain_job(id, "/whole", "abc", 3);
    job.pin_notes = text("notes");
    submit_job(&job);
}

static void what_was_pinned_is_there_when_it_runs(void **state) {
    (void)state;
    pins.outcomes[0] = DURABLE_FAILED; /* a disk that fails for a moment */
    plan.during_compute = look_at_pins;
    start_runner();
    submit_pinned("job");
    assert_success("job", 1, "\"sum\":294,");
    assert_int_equal(atomic_load(&pins.count), 2);
    close_jobs(0);
    assert_true(atomic_load(&pins.is_released));
}

static void one_that_is_held_is_not_restored(void **state) {
    (void)state;
    plan.during_compute = look_at_pins;
    start_runner();
    struct attempt *place = await_offer();
    struct job job = plain_job("job", "/whole", "abc", 3);
    job.pin_notes = text("notes");
    struct journal_request done = ask(
        (struct journal_request){.verb = JOURNAL_SUBMIT, .submit = {.job = &job, .lease_ms = runner_lease_ms(runner)}});
    assert_int_equal(done.jobs->status, JOB_RUNNING);
    done.jobs->pinned = (struct payload){.owner = &pins.owner};
    runner_take(place, done.jobs, "abc", 3, false);
    assert_success("job", 1, "\"sum\":294,");
    assert_int_equal(atomic_load(&pins.count), 0);
    close_jobs(0);
    assert_true(atomic_load(&pins.is_released));
}

static void damaged_pins_fail_the_job(void **state) {
    (void)state;
    static const enum durable_outcome outcomes[] = {DURABLE_BAD, DURABLE_MISSING};
    start_runner();
    for (size_t i = 0; i < 2; i++) {
        const char *id = i == 0 ? "bad" : "missing";
        pins.outcomes[i] = outcomes[i];
        submit_pinned(id);
        struct job *job = await_end(id);
        assert_string_equal(job_status_name(job->status), "failed");
        assert_int_equal(job->failure, JOB_DAMAGED);
        jobs_free(job);
    }
    assert_int_equal(seen.count[AT_DECODE], 0);
}

static void count_up(struct call *call) {
    atomic_store(&call->total, 200);
    atomic_store(&call->done, 50);
}

static void progress_is_told_while_it_runs(void **state) {
    (void)state;
    struct runner_progress progress;
    start_runner();
    plan.during_compute = count_up;
    plan.is_stopped[AT_COMPUTE] = true;
    assert_false(runner_progress(runner, text("job"), &progress));
    submit("job");
    await_step(AT_COMPUTE);
    do {
        assert_true(runner_progress(runner, text("job"), &progress));
    } while (progress.done == 0 || progress.times.compute == 0);
    assert_true(progress.done == 50 && progress.total == 200 && progress.threads == 1);
    assert_true(progress.left_ns / 4 < progress.times.compute && progress.left_ns > progress.times.compute);
    assert_true(progress.elapsed_ns > progress.times.compute && progress.times.total == progress.elapsed_ns);
    assert_false(runner_progress(runner, text("other"), &progress));
    open_gate(AT_COMPUTE);
    assert_success("job", 1, "\"sum\":294,");
    while (runner_progress(runner, text("job"), &progress)) {
        /* until the runner has heard that it is finished */
    }
}

static void progress_of_a_text_is_what_was_worked_on(void **state) {
    (void)state;
    struct runner_progress progress;
    start_runner();
    plan.is_stopped[AT_WINDOW] = true;
    char *body = make_body(LONG_BYTES);
    struct job job = plain_job("text", "/stream", body, LONG_BYTES);
    submit_job(&job);
    await_step(AT_WINDOW);
    assert_true(runner_progress(runner, text("text"), &progress));
    assert_int_equal(progress.done, 0);
    assert_int_equal(progress.total, LONG_BYTES);
    assert_int_equal(progress.left_ns, UINT64_MAX);
    open_gate(AT_WINDOW);
    uint64_t before_done = 0;
    while (runner_progress(runner, text("text"), &progress)) {
        assert_true(progress.done >= before_done && progress.done <= LONG_BYTES);
        before_done = progress.done;
    }
    assert_int_equal(status_of("text"), JOB_SUCCESSFUL);
    free(body);
}

static struct job *submit_claimed(const char *id, uint64_t lease_ms) {
    struct job job = plain_job(id, "/whole", "abc", 3);
    struct journal_request done =
        ask((struct journal_request){.verb = JOURNAL_SUBMIT, .submit = {.job = &job, .lease_ms = lease_ms}});
    assert_int_equal(done.outcome, JOURNAL_DONE);
    return done.jobs;
}

static void a_submission_may_claim_its_job(void **state) {
    (void)state;
    struct attempt *place;
    start_runner();
    place = await_offer();
    unsigned claims = atomic_load(&before.asked[JOURNAL_CLAIM]);
    struct job *job = submit_claimed("quick", runner_lease_ms(runner));
    assert_int_equal(job->status, JOB_RUNNING);
    runner_take(place, job, "abc", 3, false);
    assert_success("quick", 1, "\"sum\":294,");
    char *body = make_body(10000), part[64]; /* in a file, where there are files */
    struct job asked = plain_job("long", "/whole", body, 10000);
    place = await_offer();
    struct journal_request done = ask((struct journal_request){
        .verb = JOURNAL_SUBMIT, .submit = {.job = &asked, .lease_ms = runner_lease_ms(runner)}});
    runner_take(place, done.jobs, body, 10000, false);
    (void)snprintf(part, sizeof part, "\"sum\":%llu,", (unsigned long long)sum_of(body, 10000));
    free(body);
    assert_success("long", 1, part);
    assert_int_equal(atomic_load(&before.asked[JOURNAL_CLAIM]), claims);
    place = await_offer(); /* not taken: it is claimed in its turn */
    jobs_free(submit_claimed("slow", 0));
    runner_decline(place);
    assert_success("slow", 1, "\"sum\":294,");
}

static void no_more_places_are_offered_than_there_are(void **state) {
    (void)state;
    struct attempt *places[RUNNER_PLACES_MAX + 1];
    unsigned count = 0;
    assert_null(runner_offer(runner)); /* not started */
    start_runner();
    places[count++] = await_offer();
    while ((places[count] = runner_offer(runner))) {
        count++;
        assert_true(count <= RUNNER_PLACES_MAX);
    }
    assert_true(count >= CORES); /* of jobs that take as long as they may be claimed ahead */
    submit("waits");
    await_runner();
    assert_int_equal(status_of("waits"), JOB_ACCEPTED);
    while (count > 0) {
        runner_decline(places[--count]);
    }
    assert_success("waits", 1, "\"sum\":294,");
    runner_drain(runner);
    assert_null(runner_offer(runner));
}

/* Claimed in groups, none run twice. */
static void hundreds_of_tiny_jobs(void **state) {
    (void)state;
    enum { JOBS = 600 };
    char id[32];
    plan.demand.cost_ns = 1000;
    start_runner();
    for (int i = 0; i < JOBS; i++) {
        (void)snprintf(id, sizeof id, "tiny-%d", i);
        submit(id);
    }
    for (int i = 0; i < JOBS; i++) {
        (void)snprintf(id, sizeof id, "tiny-%d", i);
        assert_success_within(id, 1, 3, "\"sum\":294,"); /* given back where another one is held up */
    }
    assert_true(seen.count[AT_COMPUTE] >= JOBS);
    assert_true(atomic_load(&before.asked[JOURNAL_CLAIM]) <= JOBS + 2);
}

#define IN_BOTH(test)                                                                                                  \
    {#test " (memory)", test, open_in_memory, close_case, NULL}, {                                                     \
        #test " (disk)", test, open_on_disk, close_case, NULL                                                          \
    }

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOTH(an_answer_becomes_the_result_byte_for_byte),
        IN_BOTH(what_the_answer_says_of_itself_is_kept),
        IN_BOTH(long_bodies_and_results_go_through),
        IN_BOTH(texts_are_worked_on_in_windows),
        IN_BOTH(a_problem_is_a_result),
        IN_BOTH(a_busy_server_is_no_result),
        IN_BOTH(jobs_have_no_deadline_but_their_own),
        IN_BOTH(time_begins_with_computing),
        cmocka_unit_test_setup_teardown(a_damaged_body_fails_the_job, open_on_disk, close_case),
        cmocka_unit_test_setup_teardown(what_was_pinned_is_there_when_it_runs, open_with_pins, close_case),
        cmocka_unit_test_setup_teardown(one_that_is_held_is_not_restored, open_with_pins, close_case),
        cmocka_unit_test_setup_teardown(damaged_pins_fail_the_job, open_with_pins, close_case),
        IN_BOTH(progress_is_told_while_it_runs),
        IN_BOTH(progress_of_a_text_is_what_was_worked_on),
        IN_BOTH(a_submission_may_claim_its_job),
        IN_BOTH(no_more_places_are_offered_than_there_are),
        IN_BOTH(hundreds_of_tiny_jobs),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

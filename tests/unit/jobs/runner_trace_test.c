/* What is told of attempts to run a job that is a part of a trace: a line each, whatever became of them.
 *
 * ctest: threads */
#include "tests/unit/jobs/runner_case.h"

#include "server/system/log.h"

#include <sys/mman.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define SECOND_OF_SPAN "65f4c1e958b31632" /* trace_context_make_span of 4 phases and attempt 2 */

static char told[16384]; /* zero-terminated */
static int file = -1;

/* Whose body is "abc", unless it has one. */
static void submit_within(const char *id, const char *traceparent, const char *body, size_t length) {
    struct job job = plain_job(id, "/whole", body ? body : "abc", body ? length : 3);
    if (traceparent) {
        assert_true(trace_context_read(traceparent, &job.trace));
    }
    submit_job(&job);
}

static void submit_traced(const char *id) {
    submit_within(id, "00-" TRACE "-" SPAN "-01", NULL, 0);
}

/* All that was told, once the job isn't here any more. */
static void hear(const char *id) {
    await_gone(id);
    log_close();
    ssize_t length = pread(file, told, sizeof told - 1, 0);
    assert_true(length >= 0);
    told[length] = '\0';
    log_open(LOG_INFO, file);
}

/* The job's attempts have this many lines, and one of this attempt says all of that. */
static void expect_lines(unsigned count, const char *begin, const char *const parts[]) {
    unsigned found = 0;
    const char *wanted = NULL;
    for (const char *line = strstr(told, "\"event\":\"job\""); line; line = strstr(line + 1, "\"event\":\"job\"")) {
        found++;
        wanted = strncmp(line, begin, strlen(begin)) == 0 ? line : wanted;
    }
    if (found != count || !wanted) {
        fail_msg("%u lines, and not %u with %s, in %s", found, count, begin, told);
    }
    char line[2048];
    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(wanted, "\n"), wanted);
    for (size_t i = 0; parts[i]; i++) {
        assert_has(line, parts[i]);
    }
}

static void await_line(void) {
    const struct timespec pause = {.tv_nsec = 200000};
    do {
        nanosleep(&pause, NULL);
        hear("nobody");
    } while (!strstr(told, "\"event\":\"job\""));
}

static void one_that_succeeds(void **state) {
    (void)state;
    static const char *const parts[] = {"\"trace_id\":\"" TRACE "\"",
                                        "\"parent_span_id\":\"" SPAN "\"",
                                        "\"op\":\"/whole\"",
                                        "\"outcome\":\"successful\",\"status\":200,",
                                        "\"threads\":{\"requested\":1,",
                                        NULL};
    start_runner();
    submit_traced("job");
    submit_within("alone", NULL, NULL, 0); /* is none */
    assert_success("job", 1, "\"sum\":294,");
    assert_success("alone", 1, "\"sum\":294,");
    await_gone("alone");
    hear("job");
    expect_lines(1, "\"event\":\"job\",\"job\":\"job\",\"attempt\":1,", parts);
    assert_has(told, "\"level\":\"info\"");
}

static void one_that_is_not_sampled_has_a_line_too(void **state) {
    (void)state;
    static const char *const parts[] = {"\"trace_id\":\"" TRACE "\"", NULL};
    start_runner();
    submit_within("job", "00-" TRACE "-" SPAN "-00", NULL, 0);
    assert_success("job", 1, "\"sum\":294,");
    hear("job");
    expect_lines(1, "\"event\":\"job\",\"job\":\"job\",\"attempt\":1,", parts);
}

static void one_that_fails(void **state) {
    (void)state;
    static const char *const parts[] = {
        "\"outcome\":\"failed\",\"status\":422,\"problem\":\"out-of-range\",\"detail\":", NULL};
    plan.fails[AT_COMPUTE] = PROBLEM_OUT_OF_RANGE;
    start_runner();
    submit_traced("job");
    jobs_free(await_end("job"));
    hear("job");
    expect_lines(1, "\"event\":\"job\",\"job\":\"job\",\"attempt\":1,", parts);
}

static void one_whose_body_is_damaged(void **state) {
    (void)state;
    static const char *const parts[] = {"\"outcome\":\"failed\",\"status\":500,\"problem\":\"job-damaged\"", NULL};
    char *body = make_body(10000);
    submit_within("job", "00-" TRACE "-" SPAN "-01", body, 10000);
    free(body);
    spoil_bodies();
    start_runner();
    jobs_free(await_end("job"));
    hear("job");
    expect_lines(1, "\"event\":\"job\",\"job\":\"job\",\"attempt\":1,", parts);
    assert_has(told, "\"level\":\"error\"");
}

static void one_that_is_cancelled(void **state) {
    (void)state;
    static const char *const parts[] = {"\"outcome\":\"dismissed\",", NULL};
    start_runner();
    plan.is_stopped[AT_COMPUTE] = true;
    submit_traced("job");
    await_step(AT_COMPUTE);
    dismiss("job");
    runner_cancel(runner, text("job"));
    hear("job");
    expect_lines(1, "\"event\":\"job\",\"job\":\"job\",\"attempt\":1,", parts);
    assert_null(strstr(told, "\"status\":"));
    assert_null(strstr(told, "\"problem\":"));
}

/* Nobody has dismissed it: it is given back, and another attempt is another span of the same trace. */
static void one_that_is_given_back_and_its_next_attempt(void **state) {
    (void)state;
    static const char *const released[] = {"\"outcome\":\"released\",", "\"parent_span_id\":\"" SPAN "\"", NULL};
    static const char *const successful[] = {"\"outcome\":\"successful\",", "\"trace_id\":\"" TRACE "\"",
                                             "\"span_id\":\"" SECOND_OF_SPAN "\",\"parent_span_id\":\"" SPAN "\"",
                                             NULL};
    start_runner();
    plan.is_stopped[AT_COMPUTE] = true;
    submit_traced("job");
    await_step(AT_COMPUTE);
    runner_cancel(runner, text("job"));
    await_line();
    open_gate(AT_COMPUTE);
    assert_success("job", 2, "\"sum\":294,");
    hear("job");
    expect_lines(2, "\"event\":\"job\",\"job\":\"job\",\"attempt\":1,", released);
    expect_lines(2, "\"event\":\"job\",\"job\":\"job\",\"attempt\":2,", successful);
}

static int open_with_short_leases(void **state) {
    int result = open_in_memory(state);
    runner_free(runner);
    journal_close(before.inner);
    runner_settings.lease_ms = 15;
    open_jobs();
    return result;
}

static void one_whose_lease_is_lost(void **state) {
    (void)state;
    static const char *const parts[] = {"\"outcome\":\"lost\",", NULL};
    plan.is_stopped[AT_COMPUTE] = true;
    start_runner();
    submit_traced("job");
    await_step(AT_COMPUTE);
    atomic_store(&before.loses_leases, true);
    hear("job");
    expect_lines(1, "\"event\":\"job\",\"job\":\"job\",\"attempt\":1,", parts);
}

static int listen(int result) {
    file = memfd_create("log", MFD_CLOEXEC);
    log_open(LOG_INFO, file);
    return file >= 0 ? result : -1;
}

static int listen_in_memory(void **state) {
    return listen(open_in_memory(state));
}

static int listen_on_disk(void **state) {
    return listen(open_on_disk(state));
}

static int listen_with_short_leases(void **state) {
    return listen(open_with_short_leases(state));
}

static int close_log(void **state) {
    int result = close_case(state);
    log_close();
    (void)close(file);
    return result;
}

#define IN_BOTH(test)                                                                                                  \
    {#test " (memory)", test, listen_in_memory, close_log, NULL}, {                                                    \
        #test " (disk)", test, listen_on_disk, close_log, NULL                                                         \
    }

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOTH(one_that_succeeds),
        IN_BOTH(one_that_is_not_sampled_has_a_line_too),
        IN_BOTH(one_that_fails),
        cmocka_unit_test_setup_teardown(one_whose_body_is_damaged, listen_on_disk, close_log),
        IN_BOTH(one_that_is_cancelled),
        IN_BOTH(one_that_is_given_back_and_its_next_attempt),
        cmocka_unit_test_setup_teardown(one_whose_lease_is_lost, listen_with_short_leases, close_log),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

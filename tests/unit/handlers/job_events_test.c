/* When a stream of events says something, and when it is silent, by a clock that the test moves. The job is never
 * begun.
 *
 * ctest: threads */
#include "tests/unit/engine/run_case.h"

#include "handlers/jobs.h"
#include "server/engine/outlet.h"
#include "server/jobs/journal_memory.h"
#include "server/jobs/runner.h"

#include <semaphore.h>

#define SILENT_NS (15 * NS_PER_S)
enum { ROOM = 4096 };

static const struct text_view id = {"job", 3}, nobody = {"nobody", 6};
static struct runner *runner;
static struct journal *journal;

/* --- the job ----------------------------------------------------------------------------------------------------- */

static void done_already(struct journal_request *request) {
    (void)request;
}

/* A journal in memory has done it when it returns. */
static void ask_journal(struct journal_request request) {
    request.done = done_already;
    journal_ask(journal, &request);
    assert_int_equal(request.outcome, JOURNAL_DONE);
    jobs_free(request.jobs);
}

static int open_case(void **state) {
    const struct runner_settings settings = {.lease_ms = 60000};
    const struct journal_settings kept = {.keep_s = 1000, .attempts_max = 1};
    char reason[JOURNAL_REASON_BYTES];
    int result = open_scene(state);
    fake_clock_install(1000 * NS_PER_S);
    start_scheduler();
    runner = scene.host.runner = runner_new(&scene.host, &settings);
    assert_non_null(runner);
    journal = scene.host.journal = journal_memory_open(&kept, reason);
    assert_non_null(journal);
    runner_drain(runner);
    assert_true(runner_start(runner, journal));
    const struct job job = {.id = id, .op = {"/whole", 6}, .body = {.bytes = {.bytes = (char[]){"abc"}, .length = 3}}};
    ask_journal((struct journal_request){.verb = JOURNAL_SUBMIT, .submit = {.job = &job}});
    return result;
}

static int close_case(void **state) {
    runner_stop(runner, 0);
    journal_close(journal);
    runner_free(runner);
    return close_scene(state);
}

/* --- the stream -------------------------------------------------------------------------------------------------- */

static char said[ROOM + 1]; /* since it was taken last */

/* What was posted to the owner: the run, which goes on, or that there is something to take. */
static enum run_state go_on(struct run *run) {
    struct mailbox_link *link = NULL;
    while (!link) {
        pthread_mutex_lock(&lock);
        await_locked(&scene.is_posted);
        scene.is_posted = false;
        pthread_mutex_unlock(&lock);
        link = mailbox_take(&scene.mailbox);
    }
    assert_null(link->next);
    if (link->kind == MAILBOX_RUN) {
        assert_ptr_equal(run_of_link(link), run);
        return run_resume(run);
    }
    assert_ptr_equal(outlet_of_link(link), run);
    size_t length = outlet_take(run->outlet, said, ROOM);
    assert_int_equal(outlet_take(run->outlet, said + length, ROOM - length), 0);
    said[length] = '\0';
    return RUN_WORKS;
}

static const char *await_said(struct run *run) {
    said[0] = '\0';
    while (!said[0]) {
        assert_int_equal(go_on(run), RUN_WORKS);
    }
    return said;
}

static struct run *open_stream(void) {
    static const struct run_policy streaming = {
        .decode_bytes = SIZE_MAX, .compute_ns = UINT64_MAX, .outlet_bytes = ROOM};
    struct run *run = make_run(&jobs_events_endpoint);
    run->order.body_media = MEDIA_NONE;
    run->order.reply_media = MEDIA_EVENTS;
    run->order.part = id;
    assert_int_equal(run_open(run), PROBLEM_NONE);
    assert_int_equal(run_start(run, &streaming), RUN_WORKS);
    return run;
}

struct watcher {
    struct runner_watch watch;
    sem_t is_told;
};

static void note_told(struct runner_watch *watch) {
    sem_post(&((struct watcher *)watch)->is_told);
}

/* Whoever had to be told something by now has been. */
static void await_runner(void) {
    for (int turn = 0; turn < 2; turn++) { /* of the first one the timers come after this */
        struct watcher watcher = {.watch = {.id = nobody, .until_ns = UINT64_MAX, .told = note_told}};
        sem_init(&watcher.is_told, 0, 0);
        runner_watch(runner, &watcher.watch);
        while (sem_wait(&watcher.is_told) != 0) {
            /* interrupted */
        }
        assert_int_equal(watcher.watch.news, RUNNER_MISSING);
        sem_destroy(&watcher.is_told);
    }
}

static void assert_silent(void) {
    await_runner();
    assert_null(mailbox_take(&scene.mailbox));
}

static void it_is_never_silent_for_longer_than_15_seconds(void **state) {
    (void)state;
    struct run *run = open_stream();
    assert_non_null(strstr(await_said(run), "event: status\ndata: {\"id\":\"job\","));
    assert_non_null(strstr(said, "\"status\":\"accepted\""));
    for (int i = 0; i < 3; i++) {
        assert_silent();
        fake_clock_advance(SILENT_NS - 1);
        assert_silent();
        fake_clock_advance(1);
        await_runner();
        assert_string_equal(await_said(run), ":\n\n");
    }
    ask_journal((struct journal_request){.verb = JOURNAL_DISMISS, .id = id});
    runner_note(runner, id, JOB_DISMISSED);
    assert_int_equal(settle(run), RUN_DONE);
    assert_body_has(run, "\"status\":\"dismissed\"");
    run_free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_never_silent_for_longer_than_15_seconds, open_case, close_case),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#pragma once
/* What tests of the runner share: the planned endpoints and the host of run_case.h, a journal of either kind, and
 * before it one that fails or holds what it is asked as a test wants it. Time is the system's, and no test measures it:
 * each waits for what has to happen. */
#include "tests/unit/engine/run_bodies.h"

#include "server/jobs/journal_memory.h"
#include "server/jobs/journal_sqlite.h"
#include "server/jobs/runner.h"
#include "tests/unit/fake_tree.h"

#include <fcntl.h>
#include <semaphore.h>

enum { VERBS = JOURNAL_TIDY + 1, LEASE_MS = 60000, ATTEMPTS = 3 };

/* --- a journal before the journal -------------------------------------------------------------------------------- */

static struct {
    struct journal base;
    struct journal *inner;
    atomic_int failing[VERBS]; /* how many of each fail */
    enum journal_outcome outcome;
    atomic_bool loses_leases;
    atomic_bool holds[VERBS]; /* what comes isn't done before the test lets it */
    struct journal_request *_Atomic held;
    atomic_uint asked[VERBS];
} before;

static inline void discard_files(struct journal_request *request) {
    if (request->verb == JOURNAL_FINISH && request->finish.file) {
        durable_discard(request->finish.file);
    }
}

static inline void ask_before(struct journal *journal, struct journal_request *request) {
    (void)journal;
    enum journal_verb verb = request->verb;
    atomic_fetch_add(&before.asked[verb], 1);
    bool fails = atomic_fetch_sub(&before.failing[verb], 1) > 0;
    if (!fails) {
        atomic_fetch_add(&before.failing[verb], 1);
    }
    if (fails || (verb == JOURNAL_RENEW && atomic_load(&before.loses_leases))) {
        discard_files(request);
        request->jobs = NULL;
        request->outcome = fails ? before.outcome : JOURNAL_STALE;
        request->done(request);
    } else if (atomic_load(&before.holds[verb])) {
        atomic_store(&before.held, request);
    } else {
        journal_ask(before.inner, request);
    }
}

static inline void close_before(struct journal *journal) {
    (void)journal;
}

static inline struct journal_request *await_held(void) {
    const struct timespec pause = {.tv_nsec = 200000};
    struct journal_request *request;
    while (!(request = atomic_exchange(&before.held, NULL))) {
        nanosleep(&pause, NULL);
    }
    return request;
}

static inline void let_go(enum journal_verb verb) {
    struct journal_request *request = await_held();
    atomic_store(&before.holds[verb], false);
    journal_ask(before.inner, request);
}

/* --- the scene --------------------------------------------------------------------------------------------------- */

static const struct endpoint *const endpoints[] = {&whole_endpoint, &stream_endpoint};

static bool is_in_memory;
static struct fake_tree tree;
static struct state_folder state_folder = {.folder = -1, .lock = -1};
static struct runner *runner;
static struct runner_settings runner_settings;

static inline void open_jobs(void) {
    char reason[STATE_REASON_BYTES] = "";
    runner = runner_new(&scene.host, &runner_settings);
    assert_non_null(runner);
    struct journal_settings settings = {
        .keep_s = 1000, .attempts_max = ATTEMPTS, .ready = runner_ready, .context = runner};
    if (is_in_memory) {
        before.inner = journal_memory_open(&settings, reason);
    } else {
        if (state_folder_open(&state_folder, tree.root, reason) != 0) {
            fail_msg("%s", reason);
        }
        before.inner = journal_sqlite_open(&settings, &state_folder, reason);
    }
    if (!before.inner) {
        fail_msg("%s", reason);
    }
    assert_non_null(before.inner);
    static const struct journal_calls calls = {ask_before, close_before};
    before.base =
        (struct journal){.calls = &calls, .files = before.inner->files, .is_durable = before.inner->is_durable};
}

static inline void start_runner(void) {
    assert_true(runner_start(runner, &before.base));
}

/* `until_ns` 0: what runs is cut. */
static inline void close_jobs(uint64_t until_ns) {
    runner_stop(runner, until_ns);
    journal_close(before.inner);
    before.inner = NULL;
    runner_free(runner);
    runner = NULL;
    state_folder_close(&state_folder);
}

static inline int open_case(void **state, bool in_memory) {
    is_in_memory = in_memory;
    int result = open_scene(state);
    scene.facts.endpoints = endpoints;
    scene.facts.endpoint_count = sizeof endpoints / sizeof *endpoints;
    runner_settings = (struct runner_settings){.lease_ms = LEASE_MS};
    memset(&before, 0, sizeof before);
    tree_init(&tree);
    start_scheduler();
    memset(&seen, 0, sizeof seen);
    plan.demand = (struct demand){.threads = 1, .cost_ns = NS_PER_S};
    open_jobs();
    return result;
}

static inline int open_in_memory(void **state) {
    return open_case(state, true);
}

static inline int open_on_disk(void **state) {
    return open_case(state, false);
}

static inline int close_case(void **state) {
    for (int step = 0; step < STEPS; step++) {
        open_gate((enum step)step);
    }
    if (runner) {
        close_jobs(0);
    }
    tree_deinit(&tree);
    return close_scene(state);
}

/* --- what is asked, and what came of it -------------------------------------------------------------------------- */

struct question {
    struct journal_request request;
    sem_t over;
};

static inline void question_over(struct journal_request *request) {
    sem_post(&((struct question *)((char *)request - offsetof(struct question, request)))->over);
}

/* Straight to the journal, past what fails. The jobs are the caller's. */
static inline struct journal_request ask(struct journal_request request) {
    struct question question = {.request = request};
    question.request.done = question_over;
    sem_init(&question.over, 0, 0);
    journal_ask(before.inner, &question.request);
    while (sem_wait(&question.over) != 0) {
        /* interrupted */
    }
    sem_destroy(&question.over);
    return question.request;
}

static inline struct text_view text(const char *string) {
    return (struct text_view){string, strlen(string)};
}

static inline struct job plain_job(const char *id, const char *op, const char *body, size_t length) {
    return (struct job){.id = text(id),
                        .op = text(op),
                        .body_media = strcmp(op, "/stream") == 0 ? MEDIA_TEXT : MEDIA_JSON,
                        .reply_media = MEDIA_JSON,
                        .principal = 7,
                        .body = {.bytes = {.bytes = (char *)(uintptr_t)body, .length = length}}};
}

static inline void submit_job(const struct job *job) {
    struct journal_request done = ask((struct journal_request){.verb = JOURNAL_SUBMIT, .submit = {.job = job}});
    assert_int_equal(done.outcome, JOURNAL_DONE);
    jobs_free(done.jobs);
}

/* Whose body is "abc". */
static inline void submit(const char *id) {
    struct job job = plain_job(id, "/whole", "abc", 3);
    submit_job(&job);
}

/* The caller's. */
static inline struct job *look_up(const char *id) {
    struct journal_request done = ask((struct journal_request){.verb = JOURNAL_LOOKUP, .id = text(id)});
    assert_int_equal(done.outcome, JOURNAL_DONE);
    assert_non_null(done.jobs);
    return done.jobs;
}

static inline enum job_status status_of(const char *id) {
    struct job *job = look_up(id);
    enum job_status status = job->status;
    jobs_free(job);
    return status;
}

static inline void await_status(const char *id, enum job_status status) {
    const struct timespec pause = {.tv_nsec = 500000};
    while (status_of(id) != status) {
        nanosleep(&pause, NULL);
    }
}

/* As soon as it is finished. The caller's. */
static inline struct job *await_end(const char *id) {
    const struct timespec pause = {.tv_nsec = 500000};
    for (;;) {
        struct job *job = look_up(id);
        if (job_is_finished(job)) {
            return job;
        }
        jobs_free(job);
        nanosleep(&pause, NULL);
    }
}

static inline void dismiss(const char *id) {
    struct journal_request done = ask((struct journal_request){.verb = JOURNAL_DISMISS, .id = text(id)});
    assert_int_equal(done.outcome, JOURNAL_DONE);
    jobs_free(done.jobs);
}

/* Zero-terminated; the caller's. */
static inline char *content_of(const struct job_content *content) {
    char *copy = malloc(content->length + 1);
    assert_non_null(copy);
    if (content->in_file && !content->bytes.owner) {
        struct durable_view view;
        assert_int_equal(durable_map(before.inner->files, &content->digest, content->length, &view), DURABLE_GOOD);
        memcpy(copy, view.bytes, content->length);
        durable_unmap(&view);
    } else {
        assert_int_equal(content->bytes.length, content->length);
        memcpy(copy, content->bytes.bytes, content->length);
    }
    copy[content->length] = '\0';
    return copy;
}

static inline void assert_has(const char *whole, const char *part) {
    if (!strstr(whole, part)) {
        fail_msg("\"%s\" is not in: %.400s", part, whole);
    }
}

/* It succeeded at one of these attempts, and its answer has that in it. */
static inline void assert_success_within(const char *id, unsigned least, unsigned most, const char *part) {
    struct job *job = await_end(id);
    char *body = content_of(&job->result.content);
    assert_has(body, part);
    assert_string_equal(job_status_name(job->status), "successful");
    assert_int_equal(job->result.status, 200);
    assert_in_range(job->attempts, least, most);
    assert_int_equal(job->crashes, 0);
    free(body);
    jobs_free(job);
}

static inline void assert_success(const char *id, unsigned attempts, const char *part) {
    assert_success_within(id, attempts, attempts, part);
}

/* Changes a byte of each body that is in a file. */
static inline void spoil_bodies(void) {
    DIR *folder = durable_list(before.inner->files);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] != '.') {
            int file = openat(before.inner->files, entry->d_name, O_WRONLY | O_CLOEXEC);
            assert_true(file >= 0);
            assert_int_equal(pwrite(file, "!", 1, 77), 1);
            close(file);
        }
    }
    closedir(folder);
}

static inline bool runs_here(const char *id) {
    struct runner_progress progress;
    return runner_progress(runner, text(id), &progress);
}

static inline void await_gone(const char *id) {
    const struct timespec pause = {.tv_nsec = 200000};
    while (runs_here(id)) {
        nanosleep(&pause, NULL);
    }
}

/* --- watches ----------------------------------------------------------------------------------------------------- */

struct watcher {
    struct runner_watch watch;
    unsigned told;       /* under the lock, as … */
    size_t result_bytes; /* … what the job that it was told has; 0: none, or it was told none */
};

static inline void note_told(struct runner_watch *watch) {
    struct watcher *watcher = (struct watcher *)watch;
    pthread_mutex_lock(&lock);
    watcher->told++;
    watcher->result_bytes = watch->job ? watch->job->result.content.bytes.length : 0;
    jobs_free(watch->job);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static inline void watch(struct watcher *watcher, const char *id, enum job_status known, uint64_t until_ns) {
    *watcher = (struct watcher){.watch = {.id = text(id), .known = known, .until_ns = until_ns, .told = note_told}};
    runner_watch(runner, &watcher->watch);
}

static inline void await_told(struct watcher *watcher, enum runner_news news) {
    pthread_mutex_lock(&lock);
    while (watcher->told == 0) {
        pthread_cond_wait(&changed, &lock);
    }
    assert_int_equal(watcher->told, 1);
    pthread_mutex_unlock(&lock);
    assert_int_equal(watcher->watch.news, news);
}

static inline void await_news(struct watcher *watcher, enum job_status status) {
    await_told(watcher, RUNNER_CHANGED);
    assert_string_equal(job_status_name(watcher->watch.status), job_status_name(status));
}

/* All that was posted to the runner's thread before has been done: so has this. */
static inline void await_runner(void) {
    struct watcher watcher;
    watch(&watcher, "nobody", JOB_ACCEPTED, UINT64_MAX);
    await_told(&watcher, RUNNER_MISSING);
}

/* As soon as there is a place: the claim that a start begins with has them all until it is back. */
static inline struct attempt *await_offer(void) {
    const struct timespec pause = {.tv_nsec = 200000};
    struct attempt *place;
    while (!(place = runner_offer(runner))) {
        nanosleep(&pause, NULL);
    }
    return place;
}

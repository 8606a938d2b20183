#pragma once
/* What tests of journals share: a folder of their own, both clocks in the test's hand, and requests that are waited
 * for. One journal at a time is `journal`; what a request brought stays until the next one. Waiting has no limit of its
 * own: each test program sets alarm(). */
#include "server/jobs/journal_memory.h"
#include "server/jobs/journal_sqlite.h"

#include "tests/unit/fake_clock.h"
#include "tests/unit/fake_tree.h"

#include <fcntl.h>
#include <semaphore.h>

enum { TEST_LIMIT_S = 170, KEEP_S = 100, ATTEMPTS = 3, LEASE_MS = 1000 };

struct asked {
    struct journal_request request;
    sem_t over;
};

static struct fake_tree tree;
static struct state_folder state_folder = {.folder = -1, .lock = -1};
static struct journal *journal;
static bool is_in_memory;
static atomic_int_fast64_t day_ms;
static atomic_uint readies;
static struct asked answer; /* of the last request */

static inline int64_t read_day(void) {
    return atomic_load(&day_ms);
}

static inline void note_ready(void *context) {
    assert_ptr_equal(context, &readies);
    atomic_fetch_add(&readies, 1);
}

static struct journal_settings settings = {
    .keep_s = KEEP_S, .attempts_max = ATTEMPTS, .now_ms = read_day, .ready = note_ready, .context = &readies};

static inline void open_journal(void) {
    char reason[STATE_REASON_BYTES] = "";
    if (is_in_memory) {
        journal = journal_memory_open(&settings, reason);
    } else {
        if (state_folder_open(&state_folder, tree.root, reason) != 0) {
            fail_msg("%s", reason);
        }
        journal = journal_sqlite_open(&settings, &state_folder, reason);
    }
    if (!journal) {
        fail_msg("%s", reason);
    }
}

static inline void close_journal(void) {
    journal_close(journal);
    journal = NULL;
    state_folder_close(&state_folder);
}

static inline void set_up_journal(bool in_memory) {
    is_in_memory = in_memory;
    settings = (struct journal_settings){
        .keep_s = KEEP_S, .attempts_max = ATTEMPTS, .now_ms = read_day, .ready = note_ready, .context = &readies};
    atomic_store(&day_ms, 1000000);
    atomic_store(&readies, 0);
    fake_clock_install(50 * NS_PER_S);
    tree_init(&tree);
    memset(&answer, 0, sizeof answer);
    sem_init(&answer.over, 0, 0);
    open_journal();
}

static inline void tear_down_journal(void) {
    jobs_free(answer.request.jobs);
    answer.request.jobs = NULL;
    if (journal) {
        close_journal();
    }
    sem_destroy(&answer.over);
    tree_deinit(&tree);
    fake_clock_remove();
}

static inline void be_over(struct journal_request *request) {
    sem_post(&((struct asked *)((char *)request - offsetof(struct asked, request)))->over);
}

/* Asks and waits: the outcome; jobs and the rest are in `answer`. */
static inline enum journal_outcome ask(struct journal_request request) {
    jobs_free(answer.request.jobs);
    answer.request = request;
    answer.request.done = be_over;
    journal_ask(journal, &answer.request);
    while (sem_wait(&answer.over) != 0) {
        /* interrupted */
    }
    return answer.request.outcome;
}

static inline struct text_view text(const char *string) {
    return (struct text_view){string, string ? strlen(string) : 0};
}

/* What a test asks for, where nothing else is said. The bytes are borrowed: `.owner` is none. */
static inline struct job plain_job(const char *id, const char *body) {
    return (struct job){.id = text(id),
                        .op = text("/v1/gaussian"),
                        .query = text("threads=2"),
                        .body_media = MEDIA_JSON,
                        .reply_media = MEDIA_NPY,
                        .principal = 7,
                        .priority = 4,
                        .body = {.bytes = {.bytes = (char *)body, .length = strlen(body)}}};
}

static inline enum journal_outcome submit(const struct job *job) {
    return ask((struct journal_request){.verb = JOURNAL_SUBMIT, .submit = {.job = job}});
}

static inline enum journal_outcome submit_plain(const char *id) {
    struct job job = plain_job(id, "{}");
    return submit(&job);
}

static inline enum journal_outcome claim(unsigned limit) {
    return ask((struct journal_request){.verb = JOURNAL_CLAIM, .claim = {.limit = limit, .lease_ms = LEASE_MS}});
}

static inline enum journal_outcome finish(const char *id, unsigned attempt, const char *bytes) {
    struct job_result result = {.status = 200,
                                .type = text("application/json"),
                                .fields = text("Vary: Accept\r\n"),
                                .metadata = text("\"timing\":{}"),
                                .content = {.bytes = {.bytes = (char *)bytes, .length = strlen(bytes)}}};
    return ask((struct journal_request){
        .verb = JOURNAL_FINISH,
        .finish = {.id = text(id), .attempt = attempt, .status = JOB_SUCCESSFUL, .result = &result}});
}

static inline enum journal_outcome on_id(enum journal_verb verb, const char *id) {
    return ask((struct journal_request){.verb = verb, .id = text(id)});
}

static inline enum journal_outcome on_attempt(enum journal_verb verb, const char *id, unsigned attempt) {
    return ask(
        (struct journal_request){.verb = verb, .lease = {.id = text(id), .attempt = attempt, .lease_ms = LEASE_MS}});
}

static inline enum journal_outcome list_jobs(uint64_t before, enum job_status status, unsigned limit) {
    return ask(
        (struct journal_request){.verb = JOURNAL_LIST, .list = {.before = before, .status = status, .limit = limit}});
}

/* Until it says that there is no more. */
static inline void tidy_all(void) {
    do {
        assert_int_equal(ask((struct journal_request){.verb = JOURNAL_TIDY}), JOURNAL_DONE);
    } while (answer.request.has_more);
}

static inline struct journal_counts count_jobs(void) {
    assert_int_equal(ask((struct journal_request){.verb = JOURNAL_COUNT}), JOURNAL_DONE);
    return answer.request.counts;
}

/* The job of that id, in `answer`. */
static inline const struct job *look_up(const char *id) {
    assert_int_equal(on_id(JOURNAL_LOOKUP, id), JOURNAL_DONE);
    assert_non_null(answer.request.jobs);
    return answer.request.jobs;
}

static inline void assert_text(struct text_view found, const char *expected) {
    assert_int_equal(found.length, strlen(expected));
    assert_memory_equal(found.length > 0 ? found.bytes : "", expected, found.length);
}

static inline void assert_status(const char *id, enum job_status status, unsigned attempts) {
    const struct job *job = look_up(id);
    assert_int_equal(job->status, status);
    assert_int_equal(job->attempts, attempts);
}

/* A job's body or result, wherever it is. */
static inline void assert_content(const struct job_content *content, const char *bytes, size_t length) {
    struct digest digest = digest_of(bytes, length);
    assert_int_equal(content->length, length);
    assert_true(digest_equal(&content->digest, &digest));
    if (content->in_file) {
        struct durable_view view;
        assert_int_equal(durable_map(journal->files, &content->digest, content->length, &view), DURABLE_GOOD);
        assert_memory_equal(view.bytes, bytes, length);
        durable_unmap(&view);
    } else {
        assert_int_equal(content->bytes.length, length);
        if (length > 0) {
            assert_memory_equal(content->bytes.bytes, bytes, length);
        }
    }
}

static inline void submit_with(const char *id, unsigned priority) {
    struct job job = plain_job(id, "{}");
    job.priority = priority;
    assert_int_equal(submit(&job), JOURNAL_DONE);
}

static inline void assert_claimed(const char *id) {
    assert_int_equal(claim(1), JOURNAL_DONE);
    assert_non_null(answer.request.jobs);
    assert_null(answer.request.jobs->next);
    assert_text(answer.request.jobs->id, id);
    assert_int_equal(answer.request.jobs->status, JOB_RUNNING);
}

static inline enum job_status submit_claiming(const char *id, unsigned priority) {
    struct job job = plain_job(id, "{}");
    job.priority = priority;
    assert_int_equal(
        ask((struct journal_request){.verb = JOURNAL_SUBMIT, .submit = {.job = &job, .lease_ms = LEASE_MS}}),
        JOURNAL_DONE);
    return answer.request.jobs->status;
}

static inline int set_up_in_memory(void **state) {
    (void)state;
    set_up_journal(true);
    return 0;
}

static inline int set_up_in_sqlite(void **state) {
    (void)state;
    set_up_journal(false);
    return 0;
}

static inline int tear_down_case(void **state) {
    (void)state;
    tear_down_journal();
    return 0;
}

/* The whole program: a table of tests, X(name) each, run with every store. */
#define JOURNAL_IN_MEMORY(name) cmocka_unit_test_setup_teardown(name, set_up_in_memory, tear_down_case),
#define JOURNAL_IN_SQLITE(name) cmocka_unit_test_setup_teardown(name, set_up_in_sqlite, tear_down_case),
#define JOURNAL_MAIN(TESTS)                                                                                            \
    int main(void) {                                                                                                   \
        const struct CMUnitTest in_memory[] = {TESTS(JOURNAL_IN_MEMORY)};                                              \
        const struct CMUnitTest in_sqlite[] = {TESTS(JOURNAL_IN_SQLITE)};                                              \
        alarm(TEST_LIMIT_S);                                                                                           \
        int failures = cmocka_run_group_tests_name("in memory", in_memory, NULL, NULL);                                \
        return failures + cmocka_run_group_tests_name("in SQLite", in_sqlite, NULL, NULL);                             \
    }

/* Several threads ask at once: each job is run by one of them, each name is one job, and everybody is told.
 *
 * ctest: threads */
#include "tests/unit/jobs/journal_case.h"

#include <pthread.h>

enum { ASKERS = 4, EACH = 150, NAMES = ASKERS * EACH / 2 };

static atomic_uint submitted, same, finished, runs[NAMES];

static enum journal_outcome ask_alone(struct asked *one) {
    one->request.done = be_over;
    journal_ask(journal, &one->request);
    while (sem_wait(&one->over) != 0) {
        /* interrupted */
    }
    return one->request.outcome;
}

/* Claims what there is and finishes it, once in a while twice. */
static void run_some(struct asked *one) {
    one->request = (struct journal_request){.verb = JOURNAL_CLAIM, .claim = {.limit = 2, .lease_ms = LEASE_MS}};
    assert_int_equal(ask_alone(one), JOURNAL_DONE);
    struct job *jobs = one->request.jobs;
    for (const struct job *job = jobs; job; job = job->next) {
        unsigned number = (unsigned)strtoul(job->id.bytes + 1, NULL, 10);
        struct job_result result = {.status = 200, .content = {.bytes = {.bytes = (char *)"[]", .length = 2}}};
        atomic_fetch_add(&runs[number], 1);
        for (int again = 0; again < 2; again++) {
            one->request = (struct journal_request){.verb = JOURNAL_FINISH};
            one->request.finish.id = job->id;
            one->request.finish.attempt = job->attempts;
            one->request.finish.status = JOB_SUCCESSFUL;
            one->request.finish.result = &result;
            assert_int_equal(ask_alone(one), again ? JOURNAL_STALE : JOURNAL_DONE);
        }
        atomic_fetch_add(&finished, 1);
    }
    jobs_free(jobs);
}

/* Every name is submitted by two of them. */
static void *ask_around(void *argument) {
    unsigned asker = *(const unsigned *)argument;
    struct asked one;
    memset(&one, 0, sizeof one);
    sem_init(&one.over, 0, 0);
    for (unsigned i = 0; i < EACH; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "j%u", (asker / 2 * EACH + (asker % 2 ? EACH - 1 - i : i)) % NAMES);
        struct job job = plain_job(id, "{}");
        one.request = (struct journal_request){.verb = JOURNAL_SUBMIT, .submit = {.job = &job}};
        enum journal_outcome outcome = ask_alone(&one);
        assert_true(outcome == JOURNAL_DONE || outcome == JOURNAL_SAME);
        atomic_fetch_add(outcome == JOURNAL_DONE ? &submitted : &same, 1);
        jobs_free(one.request.jobs);
        one.request = (struct journal_request){.verb = JOURNAL_LOOKUP, .id = text(id)};
        assert_int_equal(ask_alone(&one), JOURNAL_DONE);
        jobs_free(one.request.jobs);
        if (i % 2) {
            run_some(&one);
        }
    }
    sem_destroy(&one.over);
    return NULL;
}

static void everything_happens_once(void **state) {
    (void)state;
    pthread_t threads[ASKERS];
    unsigned numbers[ASKERS];
    atomic_store(&submitted, 0);
    atomic_store(&same, 0);
    atomic_store(&finished, 0);
    for (unsigned i = 0; i < NAMES; i++) {
        atomic_store(&runs[i], 0);
    }
    for (unsigned i = 0; i < ASKERS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, ask_around, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&submitted), NAMES);
    assert_int_equal(atomic_load(&same), ASKERS * EACH - NAMES);
    struct asked one;
    memset(&one, 0, sizeof one);
    sem_init(&one.over, 0, 0);
    for (unsigned i = 0; i < NAMES; i++) { /* what is left */
        run_some(&one);
    }
    sem_destroy(&one.over);
    assert_int_equal(atomic_load(&finished), NAMES);
    for (unsigned i = 0; i < NAMES; i++) {
        assert_int_equal(atomic_load(&runs[i]), 1);
    }
    struct journal_counts counts = count_jobs();
    assert_int_equal(counts.jobs[JOB_SUCCESSFUL], NAMES);
    assert_int_equal(counts.jobs[JOB_ACCEPTED] + counts.jobs[JOB_RUNNING], 0);
}

#define TESTS(X) X(everything_happens_once)

JOURNAL_MAIN(TESTS)

/* The thread that sends callbacks and the journal behind it, where that refuses, or doesn't answer. Nobody listens at
 * the URL, so that every try fails at once; what receivers do is for the HTTP tests.
 *
 * ctest: threads */
#include "server/jobs/callbacks.h"

#include "codecs/json/json_writer.h"
#include "server/jobs/callback_rules.h"
#include "server/jobs/journal_memory.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEST_LIMIT_S = 120 };

/* A journal before the journal. */
static struct {
    struct journal base;
    struct journal *inner;
    enum journal_verb verb; /* that is refused or held */
    atomic_int refusals;    /* so often */
    atomic_bool holds;
    struct journal_request *_Atomic held;
    atomic_uint asked; /* deliveries */
    atomic_uint told;
    atomic_uint asked_when_refused;
} before;

static void ask_before(struct journal *journal, struct journal_request *request) {
    (void)journal;
    bool is_due = request->verb == JOURNAL_DELIVERIES;
    if (is_due) {
        atomic_fetch_add(&before.asked, 1);
    } else if (request->verb == JOURNAL_DELIVERED) {
        atomic_fetch_add(&before.told, 1);
    }
    if (request->verb == before.verb && atomic_fetch_sub(&before.refusals, 1) > 0) {
        atomic_store(&before.asked_when_refused, atomic_load(&before.asked));
        request->jobs = NULL;
        request->outcome = JOURNAL_FULL;
        request->done(request);
    } else if (request->verb == before.verb && atomic_load(&before.holds)) {
        atomic_store(&before.held, request);
    } else {
        journal_ask(before.inner, request);
    }
}

static void close_before(struct journal *journal) {
    (void)journal;
}

static void describe(struct json_writer *out, const struct host *host, const struct job *job) {
    (void)host;
    json_begin_object(out);
    json_key(out, "id");
    json_text(out, job->id.bytes, job->id.length);
    json_end_object(out);
}

static struct facts facts;
static const struct host host = {.facts = &facts, .describe_job = describe};
static struct callbacks *callbacks;

static int set_up(void **state) {
    (void)state;
    static const struct journal_calls calls = {.ask = ask_before, .close = close_before};
    static const struct webhook_keys no_keys;
    char reason[JOURNAL_REASON_BYTES];
    memset(&before, 0, sizeof before);
    before.base = (struct journal){.calls = &calls, .files = -1};
    facts.version = "0";
    facts.config.callback_allow = "127.0.0.1:*";
    facts.config.callback_retry_ns = NS_PER_MS;
    facts.config.callback_timeout_ns = 30 * NS_PER_S;
    callbacks = callbacks_new(&host, &no_keys);
    const struct journal_settings settings = {
        .keep_s = 1000, .attempts_max = 1, .due = callbacks_due, .due_context = callbacks};
    before.inner = journal_memory_open(&settings, reason);
    return callbacks && before.inner ? 0 : -1;
}

static void close_all(void) {
    callbacks_stop(callbacks, clock_now_ns());
    journal_close(before.inner);
    callbacks_free(callbacks);
    callbacks = NULL;
}

static void be_done(struct journal_request *request) {
    (void)request; /* a journal in memory is done before it returns */
}

static struct text_view text(const char *string) {
    return (struct text_view){string, strlen(string)};
}

/* A job that has ended, and calls nobody. */
static void end_job(const char *id) {
    struct job job = {.id = text(id), .op = text("/v1/x"), .callback = text("http://127.0.0.1:1/")};
    struct journal_request submit = {.verb = JOURNAL_SUBMIT, .done = be_done, .submit = {.job = &job}};
    journal_ask(before.inner, &submit);
    assert_int_equal(submit.outcome, JOURNAL_DONE);
    jobs_free(submit.jobs);
    struct journal_request dismiss = {.verb = JOURNAL_DISMISS, .done = be_done, .id = text(id)};
    journal_ask(before.inner, &dismiss);
    assert_int_equal(dismiss.outcome, JOURNAL_DONE);
    jobs_free(dismiss.jobs);
}

static struct job *look_up(const char *id) {
    struct journal_request request = {.verb = JOURNAL_LOOKUP, .done = be_done, .id = text(id)};
    journal_ask(before.inner, &request);
    assert_int_equal(request.outcome, JOURNAL_DONE);
    return request.jobs;
}

/* Waits until so many tries are over. */
static void await_tries(const char *id, unsigned tries) {
    unsigned found = 0;
    while (found < tries) {
        struct job *job = look_up(id);
        found = job->delivery.tries;
        jobs_free(job);
        (void)sched_yield();
    }
}

static void it_is_tried_eight_times_and_given_up(void **state) {
    (void)state;
    end_job("before"); /* what an earlier process has left */
    assert_true(callbacks_start(callbacks, &before.base));
    end_job("after");
    await_tries("before", CALLBACK_TRIES_MAX);
    await_tries("after", CALLBACK_TRIES_MAX);
    struct job *job = look_up("after");
    assert_int_equal(job->delivery.state, JOB_DELIVERY_GIVEN_UP);
    assert_true(job->delivery.error.length > 0);
    jobs_free(job);
    close_all();
    assert_int_equal(atomic_load(&before.told), 2 * CALLBACK_TRIES_MAX);
}

static void what_the_journal_refuses_is_told_again_and_nothing_is_sent_meanwhile(void **state) {
    (void)state;
    before.verb = JOURNAL_DELIVERED;
    atomic_store(&before.refusals, 4);
    end_job("a");
    assert_true(callbacks_start(callbacks, &before.base));
    while (atomic_load(&before.told) == 0) {
        (void)sched_yield();
    }
    end_job("b");
    await_tries("a", 1);
    unsigned asked = atomic_load(&before.asked_when_refused); /* when it was refused the last time */
    assert_true(atomic_load(&before.told) >= 5);
    await_tries("b", 1);
    assert_true(atomic_load(&before.asked) >= 2);
    assert_in_range(asked, 1, 2); /* the second may have been under way when the first refusal came */
    close_all();
}

static void what_it_cannot_say_is_asked_again(void **state) {
    (void)state;
    before.verb = JOURNAL_DELIVERIES;
    atomic_store(&before.refusals, 3);
    end_job("a");
    assert_true(callbacks_start(callbacks, &before.base));
    await_tries("a", 2);
    assert_true(atomic_load(&before.asked) >= 5);
    close_all();
}

/* It is answered when the thread has ended already. */
static void end_while_held(enum journal_verb verb) {
    before.verb = verb;
    atomic_store(&before.holds, true);
    end_job("a");
    assert_true(callbacks_start(callbacks, &before.base));
    while (!atomic_load(&before.held)) {
        (void)sched_yield();
    }
    callbacks_drain(callbacks);
    callbacks_stop(callbacks, clock_now_ns());
    journal_ask(before.inner, atomic_load(&before.held));
    struct job *job = look_up("a");
    assert_int_equal(job->delivery.state, JOB_DELIVERY_DUE);
    assert_int_equal(job->delivery.tries, verb == JOURNAL_DELIVERED);
    jobs_free(job);
    close_all();
}

static void an_end_does_not_wait_for_a_journal_that_is_told(void **state) {
    (void)state;
    end_while_held(JOURNAL_DELIVERED);
}

static void an_end_does_not_wait_for_a_journal_that_is_asked(void **state) {
    (void)state;
    end_while_held(JOURNAL_DELIVERIES);
}

static void it_may_end_before_it_began(void **state) {
    (void)state;
    end_job("a");
    close_all();
    callbacks_drain(NULL);
    callbacks_stop(NULL, 0);
    callbacks_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_tried_eight_times_and_given_up, set_up),
        cmocka_unit_test_setup(what_the_journal_refuses_is_told_again_and_nothing_is_sent_meanwhile, set_up),
        cmocka_unit_test_setup(what_it_cannot_say_is_asked_again, set_up),
        cmocka_unit_test_setup(an_end_does_not_wait_for_a_journal_that_is_told, set_up),
        cmocka_unit_test_setup(an_end_does_not_wait_for_a_journal_that_is_asked, set_up),
        cmocka_unit_test_setup(it_may_end_before_it_began, set_up),
    };
    alarm(TEST_LIMIT_S);
    return cmocka_run_group_tests_name("callbacks", tests, NULL, NULL);
}

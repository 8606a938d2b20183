/* Both stores are asked the same, by chance and for long, and answer the same.
 *
 * With arguments other chances, and more of them: journal_twins_test <steps> [seed].
 *
 * ctest: threads */
#include "tests/unit/jobs/journal_case.h"

enum { STEPS = 3000, NAMES = 12, KEYS = 4 };

static unsigned long steps = STEPS;
static uint64_t chance_state = 1;

static unsigned chance(unsigned below) {
    chance_state = chance_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(chance_state >> 33) % below;
}

static void assert_same_text(struct text_view a, struct text_view b) {
    assert_int_equal(a.length, b.length);
    if (a.length > 0) {
        assert_memory_equal(a.bytes, b.bytes, a.length);
    }
}

static void assert_same_content(const struct job_content *a, const struct job_content *b) {
    assert_int_equal(a->length, b->length);
    assert_true(digest_equal(&a->digest, &b->digest));
    assert_int_equal(a->bytes.length, b->bytes.length); /* short ones only: in both at hand, or in none */
    if (a->bytes.length > 0) {
        assert_memory_equal(a->bytes.bytes, b->bytes.bytes, a->bytes.length);
    }
}

/* Who submits and who claims is told its trace. */
static void assert_same_job(const struct job *a, const struct job *b, bool has_trace) {
    assert_same_text(a->id, b->id);
    assert_same_text(a->idempotency_key, b->idempotency_key);
    assert_same_text(a->op, b->op);
    assert_same_text(a->query, b->query);
    assert_same_content(&a->body, &b->body);
    assert_true(digest_equal(&a->fingerprint, &b->fingerprint));
    assert_true(a->principal == b->principal && a->priority == b->priority && a->keep_s == b->keep_s);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->failure, b->failure);
    assert_int_equal(a->attempts, b->attempts);
    assert_int_equal(a->crashes, b->crashes);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->started_ms, b->started_ms);
    assert_int_equal(a->finished_ms, b->finished_ms);
    assert_int_equal(a->expires_ms, b->expires_ms);
    assert_int_equal(a->is_expired, b->is_expired);
    if (has_trace) {
        assert_memory_equal(&a->trace, &b->trace, sizeof a->trace);
    }
    assert_same_text(a->callback, b->callback);
    assert_int_equal(a->delivery.state, b->delivery.state);
    assert_int_equal(a->delivery.tries, b->delivery.tries);
    assert_int_equal(a->delivery.due_ms, b->delivery.due_ms);
    assert_same_text(a->delivery.error, b->delivery.error);
    assert_int_equal(a->result.status, b->result.status);
    if (a->result.status > 0) {
        assert_same_text(a->result.type, b->result.type);
        assert_same_text(a->result.fields, b->result.fields);
        assert_same_text(a->result.metadata, b->result.metadata);
        assert_same_content(&a->result.content, &b->result.content);
    }
}

static struct journal *twins[2];

/* What is shown without asking, too. */
static void assert_same_sight(void) {
    for (int status = 0; status < JOB_STATUS_COUNT; status++) {
        assert_int_equal(atomic_load(&twins[0]->sight.jobs[status]), atomic_load(&twins[1]->sight.jobs[status]));
    }
    assert_int_equal(atomic_load(&twins[0]->sight.oldest_ms), atomic_load(&twins[1]->sight.oldest_ms));
}

/* What both say. The jobs are those of the second. */
static enum journal_outcome ask_both(const struct journal_request *request) {
    journal = twins[0];
    enum journal_outcome outcome = ask(*request);
    struct journal_request first = answer.request;
    answer.request.jobs = NULL;
    journal = twins[1];
    assert_int_equal(ask(*request), outcome);
    const struct job *a = first.jobs, *b = answer.request.jobs;
    for (; a && b; a = a->next, b = b->next) {
        assert_same_job(a, b, request->verb == JOURNAL_CLAIM || (request->verb == JOURNAL_SUBMIT && !outcome));
    }
    assert_true(!a && !b);
    if (request->verb == JOURNAL_COUNT) {
        assert_memory_equal(first.counts.jobs, answer.request.counts.jobs, sizeof first.counts.jobs);
    } else if (request->verb == JOURNAL_LOOKUP) {
        assert_int_equal(first.place, answer.request.place);
    } else if (request->verb == JOURNAL_TIDY) {
        assert_int_equal(first.has_more, answer.request.has_more);
    } else if (request->verb == JOURNAL_DELIVERIES) {
        assert_true(first.next_ms == answer.request.next_ms);
    }
    jobs_free(first.jobs);
    assert_same_sight();
    return outcome;
}

static void submit_by_chance(const char *id) {
    static const char *const keys[KEYS] = {NULL, NULL, "a", "b"};
    static const char *const bodies[] = {"{}", "[]", ""};
    struct job job = plain_job(id, bodies[chance(10) > 0 ? 0 : chance(3)]);
    job.idempotency_key = text(keys[chance(KEYS)]);
    job.priority = chance(JOB_PRIORITY_MAX + 2);
    job.principal = chance(2);
    job.keep_s = chance(3) * 7;
    job.callback = text(chance(2) ? "http://a" : NULL);
    if (chance(2)) {
        (void)trace_context_read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", &job.trace);
        job.trace.span_id[chance(TRACE_SPAN_DIGITS)] = 'a';
    }
    struct journal_request request = {.verb = JOURNAL_SUBMIT};
    request.submit.job = &job;
    request.submit.lease_ms = chance(2) * (1 + chance(2000));
    request.submit.finds_only = chance(8) == 0;
    (void)ask_both(&request);
}

static void finish_by_chance(const char *id) {
    char bytes[16];
    (void)snprintf(bytes, sizeof bytes, "[%u]", chance(1000));
    struct job_result result = {.status = 200 + chance(300), .type = text("text/plain"), .fields = text("X: y\r\n")};
    result.content.bytes = (struct payload){.bytes = bytes, .length = strlen(bytes)};
    struct journal_request request = {.verb = JOURNAL_FINISH};
    request.finish.id = text(id);
    request.finish.attempt = 1 + chance(4);
    request.finish.status = chance(3) ? JOB_SUCCESSFUL : JOB_FAILED;
    request.finish.result = &result;
    request.finish.wants_job = chance(2);
    (void)ask_both(&request);
}

static void deliver_by_chance(const char *id) {
    static const char *const errors[] = {"", "answered 500", "Timeout was reached"};
    struct journal_request request = {.verb = chance(2) ? JOURNAL_DELIVERIES : JOURNAL_DELIVERED};
    if (request.verb == JOURNAL_DELIVERIES) {
        request.deliveries.limit = chance(4);
        request.deliveries.lease_ms = chance(5000);
    } else {
        request.delivered.id = text(id);
        request.delivered.tries = chance(3);
        request.delivered.state = (enum job_delivery_state)(JOB_DELIVERY_DUE + chance(3));
        request.delivered.delay_ms = chance(4000);
        request.delivered.is_put_off = chance(4) == 0;
        request.delivered.error = text(errors[chance(3)]);
    }
    (void)ask_both(&request);
}

static void step_by_chance(void) {
    char id[8];
    struct journal_request request = {0};
    (void)snprintf(id, sizeof id, "j%u", chance(NAMES));
    unsigned kind = chance(17);
    if (kind < 4) {
        submit_by_chance(id);
        return;
    }
    if (kind < 6) {
        finish_by_chance(id);
        return;
    }
    if (kind >= 14) {
        deliver_by_chance(id);
        return;
    }
    if (kind == 6) {
        fake_clock_advance(chance(3000) * NS_PER_MS);
        atomic_fetch_add(&day_ms, (int64_t)chance(9000) - 2000);
    }
    static const enum journal_verb verbs[] = {JOURNAL_TIDY,    JOURNAL_CLAIM,   JOURNAL_RENEW,
                                              JOURNAL_RELEASE, JOURNAL_LOOKUP,  JOURNAL_LIST,
                                              JOURNAL_COUNT,   JOURNAL_DISMISS, JOURNAL_FORGET};
    request.verb = verbs[kind < 8 ? kind - 6 : chance(sizeof verbs / sizeof *verbs)];
    if (request.verb == JOURNAL_CLAIM) {
        request.claim.limit = chance(3);
        request.claim.lease_ms = chance(2000);
    } else if (request.verb == JOURNAL_RENEW || request.verb == JOURNAL_RELEASE) {
        request.lease.id = text(id);
        request.lease.attempt = 1 + chance(4);
        request.lease.lease_ms = chance(2000);
    } else if (request.verb == JOURNAL_LIST) {
        request.list.before = chance(3) * chance(500);
        request.list.status = (enum job_status)chance(JOB_STATUS_COUNT + 1);
        request.list.limit = chance(20);
    } else if (request.verb >= JOURNAL_DISMISS && request.verb <= JOURNAL_LOOKUP) {
        request.id = text(id);
    }
    (void)ask_both(&request);
}

static void both_answer_the_same(void **state) {
    (void)state;
    char reason[JOURNAL_REASON_BYTES];
    twins[1] = journal;
    twins[0] = journal_memory_open(&settings, reason);
    assert_non_null(twins[0]);
    settings.ready = NULL;
    for (unsigned long step = 0; step < steps; step++) {
        step_by_chance();
    }
    struct journal_request count = {.verb = JOURNAL_COUNT};
    (void)ask_both(&count);
    journal_close(twins[0]);
    journal = twins[1];
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {JOURNAL_IN_SQLITE(both_answer_the_same)};
    if (argc > 1) {
        steps = strtoul(argv[1], NULL, 10);
        chance_state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    } else {
        alarm(TEST_LIMIT_S);
    }
    return cmocka_run_group_tests_name("both stores", tests, NULL, NULL);
}

/* What was asked becomes a job's row, its body as it came, and the answer is 202, or the job's own if the client waits
 * for it (`wait=N`) and it is done in time. */
#include "codecs/prefer.h"
#include "handlers/job_call.h"
#include "handlers/job_document.h"
#include "handlers/job_result.h"
#include "handlers/jobs.h"
#include "server/jobs/open_keys.h"
#include "server/jobs/runner.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum step { BEGINS, HAS_ASKED, HAS_WATCHED };

struct submission {
    struct job_call *call; /* first: job_call_of */
    struct open_key *key;  /* NULL: it has none */
    struct prefer prefer;
    char id[JOB_ID_MAX];
};

static_assert(sizeof(struct submission) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct submission *submission_of(struct call *call) {
    return (struct submission *)(void *)call->arguments;
}

static enum problem_kind check_preferences(struct call *call, const struct prefer *prefer) {
    if (prefer->wrong) {
        return problem_set(&call->problem, PROBLEM_WRONG_TYPE, NULL, "the %s in Prefer is no number of digits alone",
                           prefer->wrong);
    }
    if (prefer->has_keep && prefer->keep_s == 0) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, NULL,
                           "the keep_s in Prefer is 0: a result is kept for a second at least; leave it out for "
                           "--job-ttl");
    }
    if (prefer->has_priority && prefer->priority > JOB_PRIORITY_MAX) {
        return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, NULL,
                           "the priority in Prefer is %u; 0 to %d are allowed", prefer->priority, JOB_PRIORITY_MAX);
    }
    return prefer->callback.bytes ? job_call_check_callback(call, prefer->callback, NULL) : PROBLEM_NONE;
}

static void describe(struct call *call, const struct prefer *prefer, struct job *job) {
    const struct order *order = call->order;
    bool has_key = order->fields.idempotency_key.length > 0;
    *job = (struct job){.idempotency_key = has_key ? order->fields.idempotency_key : (struct text_view){0},
                        .op = {order->deferred->path, strlen(order->deferred->path)},
                        .query = order->query,
                        .body_media = order->body_media,
                        .reply_media = order->reply_media,
                        .body_coding = order->body_coding,
                        .reply_coding = order->reply_coding,
                        .reply_must_be_coded = order->reply_must_be_coded,
                        .principal = order->principal,
                        .priority = prefer->has_priority ? prefer->priority : JOB_PRIORITY_USUAL,
                        .keep_s = prefer->has_keep ? prefer->keep_s : 0,
                        .callback = prefer->callback,
                        .body = {.bytes = call->body, .length = call->body.length}};
}

/* What will be run when the job is. */
static struct order order_of(const struct call *call) {
    struct order order = *call->order;
    order.endpoint = order.deferred;
    order.deferred = NULL;
    return order;
}

static void leave_keys(void *key) {
    open_keys_leave(key);
}

/* Whether a second request of the same key asks for the same is known when the first one is here. */
static enum problem_kind submission_open(struct call *call) {
    const struct text_view *key = &call->order->fields.idempotency_key;
    struct runner *runner = call->host->runner;
    if (key->length == 0 || !runner) {
        return PROBLEM_NONE;
    }
    struct open_key *entry = call_take(call, sizeof *entry);
    if (!entry) {
        return call->problem.kind;
    }
    if (!open_keys_enter(runner_keys(runner), entry, call->order->principal, *key)) {
        return problem_set(
            &call->problem, PROBLEM_IDEMPOTENCY_BUSY, NULL,
            "the first request of this Idempotency-Key hasn't come to its end yet; ask again, and its job "
            "is found");
    }
    submission_of(call)->key = entry;
    return call_own(call, entry, leave_keys);
}

static enum problem_kind submission_decode(struct call *call) {
    struct submission *submission = submission_of(call);
    if (submission->key) {
        open_keys_leave(submission->key); /* it has been received */
    }
    if (job_call_begin(call)) {
        return call->problem.kind;
    }
    prefer_read(call->order->fields.prefer.bytes, &submission->prefer);
    struct job *job = call_take(call, sizeof *job);
    if (!job || check_preferences(call, &submission->prefer)) {
        return call->problem.kind;
    }
    const struct order order = order_of(call);
    describe(call, &submission->prefer, job);
    if (job_call_take(submission->call, job, &order, "")) {
        return call->problem.kind;
    }
    job_call_grant_wait(submission->call, submission->prefer.wait_s);
    return PROBLEM_NONE;
}

static void look_up(struct call *call) {
    struct submission *submission = submission_of(call);
    struct journal_request *request = &submission->call->request;
    memcpy(submission->id, request->jobs->id.bytes, request->jobs->id.length);
    request->id = (struct text_view){submission->id, request->jobs->id.length};
    request->verb = JOURNAL_LOOKUP;
    job_call_ask(submission->call);
}

/* Was it looked up, and is over? Then its answer is this one's. */
static bool has_answer(struct call *call) {
    const struct journal_request *request = &job_call_of(call)->request;
    return request->verb == JOURNAL_LOOKUP && job_is_finished(request->jobs);
}

/* Submitted; then, as long as the client waits for the answer, looked up at each change. */
static bool submission_ask(struct call *call) {
    struct job_call *job = job_call_of(call);
    if (job->step == BEGINS) {
        job->step = HAS_ASKED;
        if (job_call_submit(job)) {
            return true;
        }
    }
    if (job->step == HAS_WATCHED) {
        job->step = HAS_ASKED;
        look_up(call);
        return true;
    }
    if (job_call_check(job)) {
        return false;
    }
    if (has_answer(call)) {
        job_result_predict(call);
        return false;
    }
    if (job->until_ns > 0 && job_is_finished(job->request.jobs)) { /* it was there already */
        look_up(call);
        return true;
    }
    job->step = HAS_WATCHED;
    return job_call_wait(job);
}

static enum problem_kind accept(struct call *call) {
    const struct job *job = job_call_of(call)->request.jobs;
    char seconds[16];
    call->status = 202;
    call->content_type = "application/json";
    (void)snprintf(seconds, sizeof seconds, "%u", job_document_retry_s(call, job, JOB_PLACE_UNKNOWN));
    return call_add_field(call, "Retry-After", seconds);
}

/* Of what `store` has kept. */
static bool names_location(const struct call *call) {
    for (unsigned i = 0; i < call->field_count; i++) {
        if (strcmp(call->fields[i].name, "Location") == 0) {
            return true;
        }
    }
    return false;
}

static enum problem_kind submission_compute(struct call *call) {
    const struct prefer *prefer = &submission_of(call)->prefer;
    char path[JOB_PATH_BYTES];
    char applied[48];
    (void)snprintf(applied, sizeof applied, prefer->has_wait ? "respond-async, wait=%u" : "respond-async",
                   prefer->wait_s < JOB_WAIT_MAX_S ? prefer->wait_s : JOB_WAIT_MAX_S);
    if ((has_answer(call) ? job_result_load(call, false) : accept(call)) ||
        call_add_field(call, "Preference-Applied", applied) || names_location(call)) {
        return call->problem.kind;
    }
    return call_add_field(call, "Location", job_document_path(job_call_of(call)->request.jobs, "", path));
}

static enum problem_kind submission_encode(struct call *call) {
    if (has_answer(call)) {
        return job_result_print(call);
    }
    job_document_print(call, job_call_of(call)->request.jobs, JOB_PLACE_UNKNOWN);
    return PROBLEM_NONE;
}

const struct endpoint jobs_submission_endpoint = {.summary = "submits a job",
                                                  .path = "",
                                                  .method = ENDPOINT_POST,
                                                  .is_blind = true,
                                                  .writes_all = true,
                                                  .produces = MEDIA_JSON,
                                                  .open = submission_open,
                                                  .decode = submission_decode,
                                                  .ask = submission_ask,
                                                  .unask = job_call_unask,
                                                  .compute = submission_compute,
                                                  .encode = submission_encode};

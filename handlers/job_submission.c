/* What was asked becomes a job's row, its body as it came, and the answer is 202, or the job's own if the client waits
 * for it (`wait=N`) and it is done in time.
 *
 * A long text that would be counted while it arrives goes to a file while it does, so that it takes two windows of
 * memory. It is limited as it will be when the job runs, and by what jobs may take of the disk. */
#include "codecs/prefer.h"
#include "handlers/job_arrival.h"
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
    struct job_call job;  /* first: job_call_of */
    struct open_key *key; /* NULL: it has none */
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
    if (prefer_check_wait(prefer, &call->problem)) {
        return call->problem.kind;
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
                        .trace = order->trace,
                        .body = {.bytes = call->body, .length = call->body.length}};
}

static enum keeping submission_keeps(const struct call *call) {
    const struct order *order = call->order;
    size_t limit = call->host->facts->config.max_body_bytes;
    bool is_short =
        order->is_declared && order->declared_bytes < JOB_FILE_LEAST_BYTES && order->declared_bytes <= limit;
    bool is_stream = order->body_media == MEDIA_TEXT && order->deferred->window;
    return job_arrival_is_possible(call) && is_stream && !is_short ? KEEP_WINDOWS : KEEP_NOTHING;
}

/* Refused before it comes; but under a key it may be there already, which needs no room: the journal says that. */
static enum problem_kind check_room(struct call *call) {
    const struct order *order = call->order;
    bool may_be_there = order->fields.idempotency_key.length > 0;
    bool is_known = call->host->journal && order->is_declared && !may_be_there;
    return !is_known || journal_has_room(call->host->journal, order->declared_bytes)
               ? PROBLEM_NONE
               : job_arrival_refuse_full(call, order->declared_bytes);
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
        return check_room(call);
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

static void note_received(struct submission *submission) {
    if (submission->key) {
        open_keys_leave(submission->key);
    }
}

static enum problem_kind submission_decode(struct call *call) {
    struct submission *submission = submission_of(call);
    if (!submission_keeps(call)) { /* else it is to come */
        note_received(submission);
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
    if (job_call_take(&submission->job, job, &order, "")) {
        return call->problem.kind;
    }
    job_call_grant_wait(&submission->job, submission->prefer.wait_s);
    return PROBLEM_NONE;
}

/* --- a long text -------------------------------------------------------------------------------------------------- */

/* One that turns out to be short goes into the row, as one that was declared to be does. */
static void hold(struct call *call, const char *bytes, size_t length) {
    if (length > 0 && !payload_take(&call->body, call->memory, length)) {
        (void)call_memory_short(call, length); /* the call's problem says the same */
    } else if (length > 0) {
        memcpy(call->body.bytes, bytes, length);
        call->body.length = length;
    }
}

static bool submission_keep(struct call *call, const char *bytes, size_t length, bool last) {
    struct job_call *job = job_call_of(call);
    if (!job->arrival && last && length < JOB_FILE_LEAST_BYTES) {
        hold(call, bytes, length);
        return false;
    }
    return job_arrival_add(job, bytes, length, last);
}

/* It is all here. */
static enum problem_kind take_kept(struct call *call) {
    struct submission *submission = submission_of(call);
    struct job_call *job = &submission->job;
    const struct durable_file *file = job_arrival_file(job);
    note_received(submission);
    if (job_arrival_check(job)) {
        return call->problem.kind;
    }
    job->asked->body = (struct job_content){.bytes = call->body, .length = file ? file->length : call->body.length};
    job_call_grant_wait(job, submission->prefer.wait_s); /* once more: it may have come slowly */
    return PROBLEM_NONE;
}

/* --- its way through the journal --------------------------------------------------------------------------------- */

static void look_up(struct call *call) {
    struct submission *submission = submission_of(call);
    struct journal_request *request = &submission->job.request;
    memcpy(submission->id, request->jobs->id.bytes, request->jobs->id.length);
    request->id = (struct text_view){submission->id, request->jobs->id.length};
    request->verb = JOURNAL_LOOKUP;
    job_call_ask(&submission->job);
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
        if (submission_keeps(call) && take_kept(call)) {
            return false;
        }
        if (job_call_submit(job)) {
            return true;
        }
    }
    job_arrival_end(job);
    if (job->step == HAS_WATCHED) {
        job->step = HAS_ASKED;
        if (!job_call_has_news(job)) {
            look_up(call);
            return true;
        }
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

/* Only a look-up tells. To count those that come first costs more than all else of a submission. */
static uint64_t place_of(const struct journal_request *request) {
    return request->verb == JOURNAL_LOOKUP ? request->place : JOB_PLACE_UNKNOWN;
}

/* No more come before it than wait. */
static uint64_t count_before(const struct call *call, uint64_t place) {
    uint64_t waiting = atomic_load_explicit(&call->host->journal->sight.jobs[JOB_ACCEPTED], memory_order_relaxed);
    return place != JOB_PLACE_UNKNOWN ? place : waiting - (waiting > 0); /* which it does itself */
}

static enum problem_kind accept(struct call *call) {
    const struct journal_request *request = &job_call_of(call)->request;
    call->status = 202;
    call->content_type = "application/json";
    return job_document_retry(call, request->jobs, count_before(call, place_of(request)));
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
    const struct journal_request *request = &job_call_of(call)->request;
    job_document_print(call, request->jobs, place_of(request));
    return PROBLEM_NONE;
}

const struct endpoint jobs_submission_endpoint = {.summary = "submits a job",
                                                  .path = "",
                                                  .method = ENDPOINT_POST,
                                                  .is_blind = true,
                                                  .writes_all = true,
                                                  .produces = MEDIA_JSON,
                                                  .open = submission_open,
                                                  .keeps = submission_keeps,
                                                  .keep = submission_keep,
                                                  .decode = submission_decode,
                                                  .ask = submission_ask,
                                                  .unask = job_call_unask,
                                                  .compute = submission_compute,
                                                  .encode = submission_encode};

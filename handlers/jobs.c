/* Each endpoint asks the journal in `ask`, which is called again when the answer is there: `step` says what for. */
#include "handlers/jobs.h"

#include "codecs/entity_tag.h"
#include "codecs/json/document.h"
#include "codecs/prefer.h"
#include "handlers/job_call.h"
#include "handlers/job_document.h"
#include "handlers/job_result.h"
#include "handlers/options.h"
#include "server/jobs/runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void jobs_describe(struct json_writer *out, const struct host *host, const struct job *job) {
    job_document_write(out, host, job, JOB_PLACE_UNKNOWN);
}

static const struct field no_fields[] = {{NULL, FIELD_TEXT}};

/* --- GET /v1/jobs ------------------------------------------------------------------------------------------------ */

enum { LISTED = 50 };

static enum problem_kind list_decode(struct call *call) {
    static const struct field fields[] = {
        {"status", FIELD_TEXT}, {"after", FIELD_INTEGER}, {"limit", FIELD_INTEGER}, {NULL, FIELD_TEXT}};
    if (job_call_begin(call) || options_read(call, fields, OPTIONS_NONE)) {
        return call->problem.kind;
    }
    const char *names[JOB_STATUS_COUNT + 1] = {NULL};
    for (int i = 0; i < JOB_STATUS_COUNT; i++) {
        names[i] = job_status_name((enum job_status)i);
    }
    int64_t after = 0;
    int64_t limit = LISTED;
    size_t status = JOB_STATUS_COUNT;
    if (document_type_of(call->document, "status") != DOCUMENT_ABSENT &&
        document_choice(call->document, "status", names, &status, &call->problem)) {
        return call->problem.kind;
    }
    if (job_call_number(call, "after", 1, (INT64_C(1) << 53) - 1, &after) ||
        job_call_number(call, "limit", 1, JOURNAL_LIST_MAX, &limit)) {
        return call->problem.kind;
    }
    struct journal_request *request = &job_call_of(call)->request;
    request->verb = JOURNAL_LIST;
    request->list.status = (enum job_status)status;
    request->list.before = (uint64_t)after;
    request->list.limit = (unsigned)limit;
    return PROBLEM_NONE;
}

/* For what takes one request. */
static bool ask_once(struct call *call) {
    struct job_call *job = job_call_of(call);
    if (job->step++ == 0) {
        job_call_ask(job);
        return true;
    }
    enum problem_kind found = job_call_check(job);
    (void)found; /* it is the call's, too */
    return false;
}

static enum problem_kind compute_nothing(struct call *call) {
    (void)call;
    return PROBLEM_NONE;
}

/* Where the next page begins, in the order of the list. */
static void print_next(struct json_writer *reply, const struct journal_request *request, uint64_t last) {
    char path[128];
    int length = snprintf(path, sizeof path, "/v1/jobs?after=%" PRIu64 "&limit=%u", last, request->list.limit);
    if (request->list.status != JOB_STATUS_COUNT) {
        (void)snprintf(path + length, sizeof path - (size_t)length, "&status=%s",
                       job_status_name(request->list.status));
    }
    json_key(reply, "next");
    json_cstring(reply, path);
}

static enum problem_kind list_encode(struct call *call) {
    const struct journal_request *request = &job_call_of(call)->request;
    struct json_writer *reply = &call->reply;
    uint64_t last = 0;
    unsigned count = 0;
    json_begin_object(reply);
    json_key(reply, "jobs");
    json_begin_array(reply);
    for (const struct job *job = request->jobs; job; job = job->next) {
        job_document_print(call, job, JOB_PLACE_UNKNOWN);
        last = job->number;
        count++;
    }
    json_end_array(reply);
    if (count == request->list.limit) {
        print_next(reply, request, last);
    }
    json_end_object(reply);
    return PROBLEM_NONE;
}

const struct endpoint jobs_list_endpoint = {.path = "/v1/jobs",
                                            .summary = "jobs, newest first",
                                            .method = ENDPOINT_GET,
                                            .writes_all = true,
                                            .produces = MEDIA_JSON,
                                            .decode = list_decode,
                                            .ask = ask_once,
                                            .compute = compute_nothing,
                                            .encode = list_encode};

/* --- GET /v1/jobs/{id} ------------------------------------------------------------------------------------------- */

static enum problem_kind look_up(struct call *call) {
    struct journal_request *request = &job_call_of(call)->request;
    request->verb = JOURNAL_LOOKUP;
    return job_call_names(call, &request->id) ? PROBLEM_NONE : job_call_refuse_missing(call);
}

static enum problem_kind bare_decode(struct call *call) {
    if (job_call_begin(call) || options_read(call, no_fields, OPTIONS_NONE)) {
        return call->problem.kind;
    }
    return look_up(call);
}

/* How long the client would wait for the job: ?wait=30, or Prefer: wait=30. */
static enum problem_kind get_decode(struct call *call) {
    static const struct field fields[] = {{"wait", FIELD_INTEGER}, {NULL, FIELD_TEXT}};
    if (job_call_begin(call) || options_read(call, fields, OPTIONS_NONE)) {
        return call->problem.kind;
    }
    struct prefer prefer = {0};
    int64_t wait_s = 0;
    if (call->order->fields.prefer.bytes) {
        prefer_read(call->order->fields.prefer.bytes, &prefer);
        if (prefer_check_wait(&prefer, &call->problem)) {
            return call->problem.kind;
        }
        wait_s = prefer.wait_s < JOB_WAIT_MAX_S ? prefer.wait_s : JOB_WAIT_MAX_S;
    }
    if (job_call_number(call, "wait", 0, JOB_WAIT_MAX_S, &wait_s)) {
        return call->problem.kind;
    }
    job_call_forget_options(call);
    job_call_grant_wait(job_call_of(call), (unsigned)wait_s);
    return look_up(call);
}

/* Is it as the client knows it? If it says what it knows. */
static bool is_known(struct call *call) {
    char tag[JOB_TAG_BYTES];
    const char *held = call->order->fields.if_none_match.bytes;
    return held && entity_tag_is_listed(held, job_document_tag(job_call_of(call)->request.jobs, tag));
}

/* Waits for the job's end, or where the client says what it knows, for any change. */
static bool get_ask(struct call *call) {
    enum { BEGINS, HAS_LOOKED, HAS_WATCHED };
    struct job_call *job = job_call_of(call);
    if (job->step != HAS_LOOKED && !job_call_has_news(job)) {
        job->step = HAS_LOOKED;
        job_call_ask(job);
        return true;
    }
    if (job_call_check(job)) {
        return false;
    }
    job->step = HAS_WATCHED;
    bool may_wait = !call->order->fields.if_none_match.bytes || is_known(call);
    return may_wait && job_call_wait_bare(job);
}

/* The client may have seen it in this state. */
static enum problem_kind get_compute(struct call *call) {
    char tag[JOB_TAG_BYTES];
    job_document_tag(job_call_of(call)->request.jobs, tag);
    if (is_known(call)) {
        call->status = 304;
    }
    return call_add_field(call, "ETag", tag) ? call->problem.kind : call_add_field(call, "Cache-Control", "no-cache");
}

static enum problem_kind get_encode(struct call *call) {
    const struct journal_request *request = &job_call_of(call)->request;
    if (call->status != 204 && call->status != 304) {
        job_document_print(call, request->jobs, request->verb == JOURNAL_LOOKUP ? request->place : JOB_PLACE_UNKNOWN);
    }
    return PROBLEM_NONE;
}

const struct endpoint jobs_get_endpoint = {.path = "/v1/jobs/{id}",
                                           .summary = "a job's status",
                                           .method = ENDPOINT_GET,
                                           .writes_all = true,
                                           .produces = MEDIA_JSON,
                                           .decode = get_decode,
                                           .ask = get_ask,
                                           .unask = job_call_unask,
                                           .compute = get_compute,
                                           .encode = get_encode};

/* --- DELETE /v1/jobs/{id} ---------------------------------------------------------------------------------------- */

/* A job that isn't over is cancelled, and can be looked at; one that is over is forgotten. What isn't there is deleted
 * already, so that a client may repeat it. */
static bool delete_ask(struct call *call) {
    enum { LOOKS, ENDS, HAS_ENDED };
    struct job_call *job = job_call_of(call);
    struct journal_request *request = &job->request;
    bool is_first = job->step++ == LOOKS;
    if (is_first) {
        job_call_ask(job);
        return true;
    }
    bool has_looked = job->step == HAS_ENDED;
    if (request->outcome == JOURNAL_MISSING) {
        enum problem_kind refused = has_looked ? job_call_check_conditions(call, NULL) : PROBLEM_NONE;
        (void)refused; /* it is the call's, too */
        return false;
    }
    if (job_call_check(job) || (has_looked && job_call_check_conditions(call, request->jobs))) {
        return false;
    }
    if (has_looked) {
        request->verb = job_is_finished(request->jobs) ? JOURNAL_FORGET : JOURNAL_DISMISS;
        job_call_ask(job);
        return true;
    }
    if (request->verb == JOURNAL_DISMISS) {
        runner_cancel(call->host->runner, request->id);
        runner_note(call->host->runner, request->id, request->jobs->status);
    }
    return false;
}

static enum problem_kind delete_compute(struct call *call) {
    call->status = job_call_of(call)->request.jobs ? 200 : 204;
    return PROBLEM_NONE;
}

const struct endpoint jobs_delete_endpoint = {.path = "/v1/jobs/{id}",
                                              .summary = "cancels a job, or forgets one that is over",
                                              .method = ENDPOINT_DELETE,
                                              .writes_all = true,
                                              .produces = MEDIA_JSON,
                                              .decode = bare_decode,
                                              .ask = delete_ask,
                                              .compute = delete_compute,
                                              .encode = get_encode};

/* --- GET /v1/jobs/{id}/result ------------------------------------------------------------------------------------ */

static bool result_ask(struct call *call) {
    bool waits = ask_once(call);
    if (!waits && !call->problem.kind) {
        job_result_predict(call);
    }
    return waits;
}

static enum problem_kind result_compute(struct call *call) {
    return job_result_load(call, true);
}

const struct endpoint jobs_result_endpoint = {.path = "/v1/jobs/{id}/result",
                                              .summary = "a job's answer, byte for byte",
                                              .method = ENDPOINT_GET,
                                              .writes_all = true,
                                              .produces = MEDIA_JSON | MEDIA_NPY |
                                                          MEDIA_NDJSON, /* whatever it was asked for in */
                                              .decode = bare_decode,
                                              .ask = result_ask,
                                              .compute = result_compute,
                                              .encode = job_result_print};

/* A job under a name of the client's own: to ask again is safe, since the name has the job already. */
#include "codecs/json/document.h"
#include "handlers/job_call.h"
#include "handlers/job_document.h"
#include "handlers/jobs.h"
#include "handlers/op_name.h"
#include "handlers/options.h"

#include <stdio.h>
#include <string.h>

/* May a job be of it? */
static bool is_op(const struct call *call, const struct endpoint *endpoint) {
    (void)call;
    return endpoint->method == ENDPOINT_POST && (endpoint->consumes & MEDIA_JSON);
}

/* The member as it stands in the body, braces included. */
static enum problem_kind read_request(struct call *call, struct job *job) {
    const struct json_span *inside = envelope_find(&call->envelope, "request");
    if (!inside) {
        return document_refuse(call->document, "request", "an object", &call->problem);
    }
    job->body.bytes = call->body;
    job->body.bytes.bytes += inside->begin - 1;
    job->body.bytes.length = job->body.length = inside->end - inside->begin + 2;
    return PROBLEM_NONE;
}

/* Is the request what its endpoint can read at all? As a job it would be told so too late, and count bytes from its own
 * beginning. What its members mean is the job's to find out. */
static enum problem_kind check_request(struct call *call, const struct endpoint *op) {
    const struct json_span *inside = envelope_find(&call->envelope, "request");
    if (!inside) {
        return PROBLEM_NONE; /* there is none, or no object: that is for who describes the job */
    }
    size_t end = inside->end + 1;
    size_t peak_bytes = 0;
    struct envelope envelope;
    struct document *document = NULL;
    struct problem found = {0};
    envelope_begin(&envelope, op->bulk);
    envelope.memory = call->memory;
    envelope.begin = inside->begin - 1;
    envelope_split(&envelope, call->body.bytes, end, true, call->progress.cancel);
    if (!envelope_parse(&envelope, call->memory, call->progress.cancel, &document, &peak_bytes, &found)) {
        (void)!envelope_check_bulk(&envelope, end, call->progress.cancel, &found);
    }
    document_free(document);
    envelope_end(&envelope);
    if (found.kind == PROBLEM_MEMORY_LIMIT) {
        return call_memory_short(call, peak_bytes);
    }
    char pointer[sizeof "/request" + sizeof found.pointer] = "";
    if (found.pointer[0]) {
        (void)snprintf(pointer, sizeof pointer, "/request%s", found.pointer);
    }
    return found.kind ? problem_set(&call->problem, found.kind, pointer, "%s", found.detail) : PROBLEM_NONE;
}

/* Copied: it is needed longer than the document. */
static enum problem_kind read_callback(struct call *call, struct job *job) {
    struct text_view url;
    if (document_text(call->document, "callback", &url, &call->problem) ||
        job_call_check_callback(call, url, "/callback")) {
        return call->problem.kind;
    }
    char *copy = call_take(call, url.length);
    if (copy) {
        memcpy(copy, url.bytes, url.length);
        job->callback = (struct text_view){copy, url.length};
    }
    return call->problem.kind;
}

static enum problem_kind describe(struct call *call, const struct endpoint *op, struct job *job) {
    int64_t priority = JOB_PRIORITY_USUAL;
    int64_t keep_s = 0; /* the journal's own */
    *job = (struct job){.id = call->order->part,
                        .op = {op->path, strlen(op->path)},
                        .body_media = MEDIA_JSON,
                        .reply_media = MEDIA_JSON,
                        .principal = call->order->principal,
                        .trace = call->order->trace};
    if (read_request(call, job) || job_call_number(call, "priority", 0, JOB_PRIORITY_MAX, &priority) ||
        job_call_number(call, "keep_s", 1, UINT32_MAX, &keep_s)) {
        return call->problem.kind;
    }
    if (document_type_of(call->document, "callback") != DOCUMENT_ABSENT && read_callback(call, job)) {
        return call->problem.kind;
    }
    job->priority = (unsigned)priority;
    job->keep_s = (uint64_t)keep_s;
    return PROBLEM_NONE;
}

static enum problem_kind put_decode(struct call *call) {
    static const struct field fields[] = {{"op", FIELD_TEXT},          {"request", FIELD_BODY},
                                          {"priority", FIELD_INTEGER}, {"keep_s", FIELD_INTEGER},
                                          {"callback", FIELD_TEXT},    {NULL, FIELD_TEXT}};
    if (job_call_begin(call) || options_read(call, fields, OPTIONS_NONE)) {
        return options_refuse(call);
    }
    struct job *job = call_take(call, sizeof *job);
    const struct endpoint *op = job ? op_name_find(call, is_op) : NULL;
    if (!op || check_request(call, op) || describe(call, op, job)) {
        return options_refuse(call);
    }
    const struct order order = {.endpoint = op,
                                .body_media = job->body_media,
                                .reply_media = job->reply_media,
                                .class = WORK_JOB,
                                .principal = job->principal};
    job_call_of(call)->must_be_there = call->order->fields.if_match.bytes;
    return job_call_take(job_call_of(call), job, &order, "/request");
}

static bool put_ask(struct call *call) {
    struct job_call *job = job_call_of(call);
    if (job->step++ == 0 && job_call_submit(job)) {
        return true;
    }
    enum journal_outcome outcome = job->request.outcome;
    bool is_told = !job->disk_error && (outcome == JOURNAL_SAME || outcome == JOURNAL_CONFLICT ||
                                        (outcome == JOURNAL_MISSING && !job->refusal));
    if (!is_told || !job_call_check_conditions(call, outcome == JOURNAL_MISSING ? NULL : job->request.jobs)) {
        enum problem_kind found = job_call_check(job);
        (void)found; /* it is the call's, too */
    }
    return false;
}

static enum problem_kind put_compute(struct call *call) {
    const struct journal_request *request = &job_call_of(call)->request;
    char path[JOB_PATH_BYTES];
    call->status = request->outcome == JOURNAL_DONE ? 201 : 200;
    return call_add_field(call, "Location", job_document_path(request->jobs, "", path));
}

static enum problem_kind put_encode(struct call *call) {
    job_document_print(call, job_call_of(call)->request.jobs, JOB_PLACE_UNKNOWN);
    return PROBLEM_NONE;
}

static const struct envelope_field put_bulk[] = {{"request", ENVELOPE_MEMBERS}, {NULL, ENVELOPE_MEMBERS}};

const struct endpoint jobs_put_endpoint = {.path = "/v1/jobs/{id}",
                                           .summary = "submits a job under a name of the client's own",
                                           .method = ENDPOINT_PUT,
                                           .writes_all = true,
                                           .consumes = MEDIA_JSON,
                                           .produces = MEDIA_JSON,
                                           .bulk = put_bulk,
                                           .decode = put_decode,
                                           .ask = put_ask,
                                           .compute = put_compute,
                                           .encode = put_encode};

#include "handlers/job_result.h"

#include "codecs/entity_tag.h"
#include "handlers/byte_range.h"
#include "handlers/job_document.h"
#include "server/system/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A file is read once to be compared with its digest, at 1.5 GB/s and more, and has to be there first. */
enum { FILE_BYTES_PER_NS = 1 };

void job_result_predict(struct call *call) {
    const struct job *job = job_call_of(call)->request.jobs;
    if (job && job->result.content.in_file) {
        call->demand.leaves_owner = true;
        call->demand.cost_ns = NS_PER_MS + job->result.content.length / FILE_BYTES_PER_NS;
    }
}

static enum problem_kind refuse_early(struct call *call, const struct job *job) {
    const struct journal_request *request = &job_call_of(call)->request;
    return job_document_retry(call, job, request->place)
               ? call->problem.kind
               : problem_set(&call->problem, PROBLEM_RESULT_NOT_READY, NULL,
                             "the job is %s: ask again, or wait for it (GET /v1/jobs/{id}?wait=30)",
                             job_status_name(job->status));
}

/* Why there is none (any more). */
static enum problem_kind refuse_absent(struct call *call, const struct job *job) {
    struct problem *problem = &call->problem;
    if (!job_is_finished(job)) {
        return refuse_early(call, job);
    }
    if (job->is_expired) {
        char time[JOB_TIME_BYTES];
        return problem_set(problem, PROBLEM_RESULT_GONE, NULL,
                           "the result was kept as long as was asked (keep_s, --job-ttl), until %s",
                           job_document_time(job->expires_ms, time));
    }
    if (job->status == JOB_DISMISSED) {
        return problem_set(problem, PROBLEM_RESULT_GONE, NULL, "the job was cancelled, and has no result");
    }
    if (job->failure == JOB_CRASHED) {
        return problem_set(problem, PROBLEM_JOB_CRASHED, NULL,
                           "the service ended while the job ran, %u times (--job-attempts): it is not tried again",
                           job->crashes);
    }
    return problem_set(problem, PROBLEM_JOB_DAMAGED, NULL,
                       "the job's request, or named data that it was given, is not on the disk as it was accepted "
                       "(another checksum, or gone), so it was not run; submit it again");
}

static enum problem_kind map_content(struct call *call, const struct job_content *content) {
    struct job_call *job = job_call_of(call);
    switch (durable_map(call->host->journal->files, &content->digest, content->length, &job->view)) {
    case DURABLE_GOOD:
        job->content = (struct reply_piece){job->view.bytes, job->view.length};
        return PROBLEM_NONE;
    case DURABLE_MISSING:
        return problem_set(&call->problem, PROBLEM_RESULT_GONE, NULL,
                           "the result is not on the disk any more: the job was deleted just now, or the file was");
    case DURABLE_BAD:
        return problem_set(&call->problem, PROBLEM_JOB_DAMAGED, NULL,
                           "the job's result is not on the disk as it was stored (another checksum) and was set aside; "
                           "submit the job again");
    case DURABLE_FAILED:
        break;
    }
    return problem_set(&call->problem, PROBLEM_JOBS_UNAVAILABLE, NULL, "the result can't be read from the disk");
}

static enum problem_kind keep_type(struct call *call, struct text_view type) {
    char *text = call_take(call, type.length + 1);
    if (text) {
        memcpy(text, type.bytes, type.length);
        text[type.length] = '\0';
        call->content_type = text;
    }
    return call->problem.kind;
}

/* "Name: value" lines, each ended by CR LF, as the runner stored them. */
static enum problem_kind add_fields(struct call *call, struct text_view fields) {
    char *text = call_take(call, fields.length + 1);
    if (!text) {
        return call->problem.kind;
    }
    memcpy(text, fields.bytes ? fields.bytes : "", fields.length);
    text[fields.length] = '\0';
    for (char *line = text; *line != '\0';) {
        char *colon = strstr(line, ": ");
        char *end = strstr(line, "\r\n");
        if (!colon || !end || colon > end) {
            return problem_set(&call->problem, PROBLEM_INTERNAL, NULL, "the result's header fields can't be read");
        }
        *colon = *end = '\0';
        bool is_tag = strcmp(line, "ETag") == 0; /* of what `store` has kept: this one is the result's */
        if (!is_tag && call_add_field(call, line, colon + 2)) {
            return call->problem.kind;
        }
        line = end + 2;
    }
    return PROBLEM_NONE;
}

/* RFC 9530: of what is sent, or of what that is a part of. */
static enum problem_kind add_content_fields(struct call *call, const struct digest *digest) {
    char text[DIGEST_BASE64_LENGTH + 16];
    char base64[DIGEST_BASE64_LENGTH + 1];
    const char *name = call->status == 206 ? "Repr-Digest" : "Content-Digest";
    (void)snprintf(text, sizeof text, "sha-256=:%s:", digest_print_base64(digest, base64));
    return call_add_field(call, name, text) ? call->problem.kind : call_add_field(call, "Accept-Ranges", "bytes");
}

static const char *make_tag(const struct digest *digest, char tag[DIGEST_TEXT_LENGTH + 3]) {
    char text[DIGEST_TEXT_LENGTH + 1];
    (void)snprintf(tag, DIGEST_TEXT_LENGTH + 3, "\"%s\"", digest_print(digest, text));
    return tag;
}

/* A part, where one is asked for and can be had. */
static enum problem_kind cut(struct call *call, struct reply_piece *content, const char *tag) {
    const struct order_fields *fields = &call->order->fields;
    char range[96];
    size_t begin = 0;
    size_t end = 0;
    bool is_other = fields->if_range.bytes && strcmp(fields->if_range.bytes, tag) != 0;
    enum byte_range_outcome outcome =
        is_other ? BYTE_RANGE_WHOLE : byte_range_read(fields->range, content->length, &begin, &end);
    switch (outcome) {
    case BYTE_RANGE_WHOLE:
        return PROBLEM_NONE;
    case BYTE_RANGE_OUTSIDE:
        (void)snprintf(range, sizeof range, "bytes */%zu", content->length);
        return call_add_field(call, "Content-Range", range)
                   ? call->problem.kind
                   : problem_set(&call->problem, PROBLEM_RANGE_NOT_SATISFIABLE, NULL, "the result has %zu bytes",
                                 content->length);
    case BYTE_RANGE_PART:
        break;
    }
    (void)snprintf(range, sizeof range, "bytes %zu-%zu/%zu", begin, end - 1, content->length);
    *content = (struct reply_piece){content->bytes + begin, end - begin};
    call->status = 206;
    return call_add_field(call, "Content-Range", range);
}

enum problem_kind job_result_load(struct call *call, bool is_conditional) {
    struct job_call *job_call = job_call_of(call);
    const struct job *job = job_call->request.jobs;
    const struct job_result *result = &job->result;
    const char *held = call->order->fields.if_none_match.bytes;
    char tag[DIGEST_TEXT_LENGTH + 3];
    if (result->status == 0) {
        return refuse_absent(call, job);
    }
    call->is_verbatim = true;
    call->status = result->status;
    make_tag(&result->content.digest, tag);
    if ((result->type.length > 0 && keep_type(call, result->type)) || call_add_field(call, "ETag", tag) ||
        add_fields(call, result->fields)) {
        return call->problem.kind;
    }
    if (is_conditional && held && entity_tag_is_listed(held, tag)) {
        call->status = 304;
        return PROBLEM_NONE;
    }
    job_call->content = (struct reply_piece){result->content.bytes.bytes, result->content.bytes.length};
    bool may_be_cut = is_conditional && result->status == 200;
    if ((result->content.in_file && map_content(call, &result->content)) ||
        (may_be_cut && cut(call, &job_call->content, tag))) {
        return call->problem.kind;
    }
    return add_content_fields(call, &result->content.digest);
}

enum problem_kind job_result_print(struct call *call) {
    const struct job_call *job = job_call_of(call);
    if (call->status != 304 && job->content.length > 0) {
        call->reply_pieces = &job->content;
        call->reply_piece_count = 1;
    }
    return PROBLEM_NONE;
}

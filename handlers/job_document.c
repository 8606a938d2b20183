#include "handlers/job_document.h"

#include "server/engine/answer.h"
#include "server/jobs/runner.h"
#include "server/system/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* Seconds that a client is asked to be silent for at most: what is told of a long queue is soon another thing. */
enum { RETRY_MAX_S = 60 };

const char *job_document_time(int64_t time_ms, char out[JOB_TIME_BYTES]) {
    struct tm parts;
    time_t seconds = (time_t)(time_ms / 1000);
    out[0] = '\0';
    if (time_ms > 0 && gmtime_r(&seconds, &parts)) {
        size_t length = strftime(out, JOB_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
        (void)snprintf(out + length, JOB_TIME_BYTES - length, ".%03dZ", (int)(time_ms % 1000));
    }
    return out;
}

static void print_time(struct json_writer *reply, const char *key, int64_t time_ms) {
    char text[JOB_TIME_BYTES];
    if (job_document_time(time_ms, text)[0]) {
        json_key(reply, key);
        json_cstring(reply, text);
    }
}

static void print_text(struct json_writer *reply, const char *key, struct text_view text) {
    if (text.length > 0) {
        json_key(reply, key);
        json_text(reply, text.bytes, text.length);
    }
}

static void print_number(struct json_writer *reply, const char *key, uint64_t number) {
    json_key(reply, key);
    json_unsigned(reply, number);
}

static void print_link(struct json_writer *reply, const char *key, const struct job *job, const char *behind) {
    char path[JOB_PATH_BYTES];
    json_key(reply, key);
    json_cstring(reply, job_document_path(job, behind, path));
}

const char *job_document_path(const struct job *job, const char *behind, char out[JOB_PATH_BYTES]) {
    (void)snprintf(out, JOB_PATH_BYTES, "/v1/jobs/%.*s%s", (int)job->id.length, job->id.bytes, behind);
    return out;
}

static void print_links(struct json_writer *reply, const struct job *job) {
    json_key(reply, "links");
    json_begin_object(reply);
    print_link(reply, "self", job, "");
    print_link(reply, "result", job, "/result");
    print_link(reply, "events", job, "/events");
    json_end_object(reply);
}

/* Why it failed without an answer of its own. */
static void print_failure(struct json_writer *reply, const struct job *job) {
    static const char *const slugs[] = {[JOB_CRASHED] = "job-crashed", [JOB_DAMAGED] = "job-damaged"};
    if (job->failure != JOB_ANSWERED) {
        json_key(reply, "failure");
        json_cstring(reply, slugs[job->failure]);
    }
}

/* Of a job that runs here: how far it is, what it has, and what it took until now. */
static void print_progress(struct json_writer *reply, const struct runner_progress *progress) {
    uint64_t done = progress->done < progress->total ? progress->done : progress->total;
    print_number(reply, "progress", done == 0 ? 0 : (uint64_t)((double)done / (double)progress->total * 100));
    if (progress->left_ns != UINT64_MAX) {
        json_key(reply, "eta_s");
        uint64_t left_ms = progress->left_ns / NS_PER_MS;
        json_double(reply, (double)left_ms / 1000);
    }
    if (progress->threads > 0) {
        json_key(reply, "threads");
        json_begin_object(reply);
        print_number(reply, "granted", progress->threads);
        json_end_object(reply);
    }
    json_key(reply, "timing");
    json_begin_object(reply);
    times_write(reply, &progress->times);
    json_end_object(reply);
}

/* Of one that is over: what it had and took, in the words of its run. */
static void print_metadata(struct json_writer *reply, struct text_view metadata) {
    if (metadata.length > 0) {
        text_put(&reply->text, ",", reply->comma_due);
        text_put(&reply->text, metadata.bytes, metadata.length);
        reply->comma_due = true;
    }
}

/* One that was running when it was looked up, and isn't here, is on its way here or is finished meanwhile: nothing is
 * known of its progress then, and a 0 might go back behind what was said before. */
static void print_activity(struct json_writer *reply, const struct host *host, const struct job *job, uint64_t place) {
    struct runner_progress progress;
    if (job->status == JOB_ACCEPTED && place != JOB_PLACE_UNKNOWN) {
        print_number(reply, "place", place);
    }
    if (job->result.status != 0) {
        print_number(reply, "progress", 100);
        print_metadata(reply, job->result.metadata);
    } else if (job->status == JOB_RUNNING && runner_progress(host->runner, job->id, &progress)) {
        print_progress(reply, &progress);
    } else if (job->status == JOB_ACCEPTED) {
        print_number(reply, "progress", 0);
    }
}

/* How far the callback's delivery is. */
static void print_callback(struct json_writer *reply, const struct job *job) {
    static const char *const states[] = {[JOB_DELIVERY_WAITS] = "waiting",
                                         [JOB_DELIVERY_DUE] = "due",
                                         [JOB_DELIVERY_DONE] = "delivered",
                                         [JOB_DELIVERY_GIVEN_UP] = "given-up"};
    const struct job_delivery *delivery = &job->delivery;
    if (job->callback.length == 0) {
        return;
    }
    json_key(reply, "callback");
    json_begin_object(reply);
    print_text(reply, "url", job->callback);
    json_key(reply, "state");
    json_cstring(reply, states[delivery->state]);
    print_number(reply, "tries", delivery->tries);
    print_time(reply, "next", delivery->due_ms);
    print_text(reply, "error", delivery->error);
    json_end_object(reply);
}

void job_document_write(struct json_writer *reply, const struct host *host, const struct job *job, uint64_t place) {
    json_begin_object(reply);
    print_text(reply, "id", job->id);
    print_text(reply, "op", job->op);
    json_key(reply, "status");
    json_cstring(reply, job_status_name(job->status));
    print_failure(reply, job);
    print_activity(reply, host, job, place);
    if (job->result.status != 0) {
        print_number(reply, "result_status", job->result.status);
    }
    print_number(reply, "attempts", job->attempts);
    print_number(reply, "priority", job->priority);
    json_key(reply, "durable");
    json_bool(reply, host->journal->is_durable);
    print_time(reply, "created", job->created_ms);
    print_time(reply, "started", job->started_ms);
    print_time(reply, "finished", job->finished_ms);
    print_time(reply, "expires", job->expires_ms);
    if (job->is_expired) {
        json_key(reply, "expired");
        json_bool(reply, true);
    }
    print_callback(reply, job);
    print_links(reply, job);
    json_end_object(reply);
}

void job_document_print(struct call *call, const struct job *job, uint64_t place) {
    job_document_write(&call->reply, call->host, job, place);
}

const char *job_document_tag(const struct job *job, char out[JOB_TAG_BYTES]) {
    char delivery[24] = "";
    if (job->callback.length > 0) {
        (void)snprintf(delivery, sizeof delivery, ".c%u.%u", (unsigned)job->delivery.state, job->delivery.tries);
    }
    (void)snprintf(out, JOB_TAG_BYTES, "\"%" PRIu64 ".%u.%u%s%s\"", job->number, (unsigned)job->status, job->attempts,
                   job->is_expired ? ".x" : "", delivery);
    return out;
}

enum problem_kind job_document_retry(struct call *call, const struct job *job, uint64_t before) {
    struct runner *runner = call->host->runner;
    struct runner_progress progress;
    uint64_t left_ns = 0;
    char seconds[16];
    if (job->status == JOB_ACCEPTED) {
        left_ns = runner_wait_ns(runner, before);
    } else if (job->status == JOB_RUNNING && runner_progress(runner, job->id, &progress) &&
               progress.left_ns != UINT64_MAX) {
        left_ns = progress.left_ns;
    }
    uint64_t left_s = left_ns / NS_PER_S;
    (void)snprintf(seconds, sizeof seconds, "%" PRIu64, left_s < RETRY_MAX_S ? 1 + left_s : RETRY_MAX_S);
    return call_add_field(call, "Retry-After", seconds);
}

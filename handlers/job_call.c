#include "handlers/job_call.h"

#include "codecs/json/document.h"
#include "handlers/job_document.h"
#include "server/data/data_tags.h"
#include "server/jobs/callback_url.h"
#include "server/jobs/journal_sqlite.h"
#include "server/system/clock.h"
#include "server/system/facts.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static_assert(sizeof(struct job_call) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

struct job_call *job_call_of(struct call *call) {
    return (struct job_call *)(void *)call->arguments;
}

static void release_job(void *object) {
    struct job_call *job = object;
    jobs_free(job->request.jobs);
    jobs_free(job->watch.job);
    if (job->file || job->view.mapping) { /* calls end on event loops */
        arrivals_clear(job->call->host->arrivals, job->file, &job->view);
    }
    journal_unexpect(job->call->host->journal, job->expected_bytes);
    arrival_drop(job->arrival);
}

enum problem_kind job_call_begin(struct call *call) {
    if (!call->host->journal) {
        return problem_set(&call->problem, PROBLEM_JOBS_UNAVAILABLE, NULL, "%s", call->host->facts->jobs_reason);
    }
    struct job_call *job = job_call_of(call);
    *job = (struct job_call){.call = call};
    return call_own(call, job, release_job);
}

enum problem_kind job_call_number(struct call *call, const char *name, int64_t lowest, int64_t highest,
                                  int64_t *number) {
    if (document_type_of(call->document, name) == DOCUMENT_ABSENT) {
        return PROBLEM_NONE;
    }
    return document_integer(call->document, name, lowest, highest, number, &call->problem);
}

void job_call_forget_options(struct call *call) {
    document_free(call->document);
    call->document = NULL;
}

enum problem_kind job_call_check_callback(struct call *call, struct text_view url, const char *pointer) {
    char reason[CALLBACK_REASON_BYTES];
    return callback_url_check(call->host->facts->config.callback_allow, url, reason)
               ? PROBLEM_NONE
               : problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, pointer, "%s", reason);
}

static struct job_call *job_call_of_request(struct journal_request *request) {
    return (struct job_call *)(void *)((char *)request - offsetof(struct job_call, request));
}

static void wake(struct journal_request *request) {
    call_wake(job_call_of_request(request)->call);
}

/* Whether or not anybody waits for the answer still: what was claimed is run. */
static void begin_claimed(struct journal_request *request) {
    struct job_call *job = job_call_of_request(request);
    const struct payload *body = &request->submit.job->body.bytes;
    bool is_claimed = request->outcome == JOURNAL_DONE && request->jobs->status == JOB_RUNNING;
    struct job *copy = is_claimed ? job_copy(request->jobs) : NULL;
    if (copy) {
        copy->pinned = payload_hold(&request->submit.job->pinned);
        runner_take(job->place, copy, body->bytes, body->length, job->until_ns > 0);
    } else {
        runner_decline(job->place); /* without memory the lease ends, and another attempt begins */
    }
    job->place = NULL;
}

static void claimed(struct journal_request *request) {
    struct job_call *job = job_call_of_request(request);
    if (job->place) { /* it hasn't begun yet */
        begin_claimed(request);
    } else if (request->outcome == JOURNAL_DONE && job_is_finished(request->jobs)) {
        request->verb = JOURNAL_LOOKUP; /* whose answer it is as well */
    }
    call_wake(job->call);
}

void job_call_ask(struct job_call *job) {
    jobs_free(job->request.jobs);
    job->request.jobs = NULL;
    job->request.done = wake;
    if (job->watches && job->watch.news == RUNNER_ENDED) {
        job->until_ns = 0; /* the service stops: nobody waits any more */
    }
    job->watches = false;
    journal_ask(job->call->host->journal, &job->request);
}

bool job_call_has_news(struct job_call *job) {
    if (!job->watches || !job->watch.job) {
        return false;
    }
    jobs_free(job->request.jobs);
    job->request.verb = JOURNAL_LOOKUP;
    job->request.outcome = JOURNAL_DONE;
    job->request.jobs = job->watch.job;
    job->watch.job = NULL;
    job->watches = false;
    return true;
}

void job_call_grant_wait(struct job_call *job, unsigned wait_s) {
    uint64_t wait_ns = (wait_s < JOB_WAIT_MAX_S ? wait_s : JOB_WAIT_MAX_S) * NS_PER_S;
    job->until_ns = wait_s > 0 ? clock_now_ns() + wait_ns : 0;
    job->call->demand.timeout_ns = wait_ns + job->call->host->facts->config.timeout_ns;
}

static void wake_watch(struct runner_watch *watch) {
    struct job_call *job = (struct job_call *)(void *)((char *)watch - offsetof(struct job_call, watch));
    call_wake(job->call);
}

static bool would_wait(const struct job_call *job) {
    return !job_is_finished(job->request.jobs) && job->until_ns > clock_now_ns();
}

static void watch(struct job_call *job, struct text_view id, enum job_status known) {
    job->watches = true;
    job->watch = (struct runner_watch){.id = id, .known = known, .until_ns = job->until_ns, .told = wake_watch};
    runner_watch(job->call->host->runner, &job->watch);
}

bool job_call_wait(struct job_call *job) {
    bool waits = would_wait(job);
    if (waits) {
        watch(job, job->request.jobs->id, job->request.jobs->status);
    }
    return waits;
}

bool job_call_wait_bare(struct job_call *job) {
    bool waits = would_wait(job);
    if (waits) {
        enum job_status known = job->request.jobs->status;
        jobs_free(job->request.jobs);
        job->request.jobs = NULL;
        watch(job, job->request.id, known);
    }
    return waits;
}

void job_call_unask(struct call *call) {
    struct job_call *job = job_call_of(call);
    if (job->watches) {
        runner_unwatch(&job->watch);
    }
}

/* --- submissions ------------------------------------------------------------------------------------------------- */

static enum problem_kind refuse_disk(struct call *call, int error) {
    bool is_full = error == ENOSPC || error == EDQUOT;
    return is_full
               ? problem_set(&call->problem, PROBLEM_STATE_FULL, NULL,
                             "the disk has no room for the body, or for the data that it refers to")
               : problem_set(&call->problem, PROBLEM_JOBS_UNAVAILABLE, NULL,
                             "the body, or the data that it refers to, can't be written: %s", strerrordesc_np(error));
}

/* What was accepted once is found again, though what it refers to be gone. */
static enum problem_kind put_by(struct job_call *job) {
    struct call *call = job->call;
    struct problem *refusal = call_take(call, sizeof *refusal);
    if (!refusal) {
        return call->problem.kind;
    }
    *refusal = call->problem;
    job->refusal = refusal;
    call->problem = (struct problem){0};
    return PROBLEM_NONE;
}

static enum problem_kind find_pins(struct job_call *job, const struct order *order, const char *at) {
    struct problem *problem = &job->call->problem;
    struct job *asked = job->asked;
    if (!job_pins_find(job->call, order, asked, &job->pins)) {
        return PROBLEM_NONE;
    }
    if (problem->kind != PROBLEM_UNKNOWN_DATA) {
        return problem->kind;
    }
    char pointer[sizeof problem->pointer];
    (void)snprintf(pointer, sizeof pointer, "%s%s", at, problem->pointer);
    memcpy(problem->pointer, pointer, sizeof pointer);
    bool may_be_there = asked->id.length > 0 || asked->idempotency_key.bytes;
    return may_be_there ? put_by(job) : problem->kind;
}

/* The journal's from here on. */
static void describe(struct job_call *job) {
    struct journal_request *request = &job->request;
    request->verb = JOURNAL_SUBMIT;
    request->submit.job = job->asked;
    request->submit.body_file = job->file ? job->file : job->arrival ? arrival_file(job->arrival) : NULL;
    request->submit.finds_only = job->refusal || job->must_be_there;
    job->file = NULL;
}

static void ask_submit(struct job_call *job) {
    struct runner *runner = job->call->host->runner;
    struct journal_request *request = &job->request;
    bool may_be_claimed = job->asked->body.length <= JOURNAL_INLINE_BYTES && !job->refusal && !job->must_be_there;
    describe(job);
    job->place = may_be_claimed ? runner_offer(runner) : NULL;
    request->submit.lease_ms = job->place ? runner_lease_ms(runner) : 0;
    /* Under a name others could submit a job of theirs while one that wasn't accepted still ends. */
    request->submit.begun = job->place && job->until_ns > 0 && job->asked->id.length == 0 ? begin_claimed : NULL;
    request->done = job->place ? claimed : wake;
    journal_ask(job->call->host->journal, request);
}

static void write_pins(struct disk_task *task) {
    struct job_call *job = (struct job_call *)(void *)((char *)task - offsetof(struct job_call, task));
    job->disk_error = job_pins_write(&job->pins, job->call->host->journal->files, job->asked);
    if (job->disk_error) {
        call_wake(job->call);
    } else {
        job->request.submit.pin_files = job->pins.files;
        ask_submit(job);
    }
}

bool job_call_submit(struct job_call *job) {
    const struct host *host = job->call->host;
    if (job->is_submitted) {
        return false;
    }
    if (host->journal->files >= 0 && job->asked->pinned.owner) {
        runner_do(host->runner, &job->task, write_pins);
    } else {
        ask_submit(job);
    }
    return true;
}

static enum problem_kind write_body(struct job_call *job) {
    const struct payload *body = &job->asked->body.bytes;
    struct durable_file *file = call_take(job->call, sizeof *file);
    if (!file) {
        return job->call->problem.kind;
    }
    int error = durable_begin(file, job->call->host->journal->files);
    if (error) {
        return refuse_disk(job->call, error);
    }
    job->file = file;
    error = durable_write(file, body->bytes, body->length);
    if (!error) {
        error = durable_seal(file);
    }
    return error ? refuse_disk(job->call, error) : PROBLEM_NONE;
}

static void done_already(struct journal_request *request) {
    (void)request;
}

/* A journal in memory copies what it is given before it returns: of a long body, here and not on an event loop. */
static void submit_here(struct job_call *job) {
    describe(job);
    job->request.done = done_already;
    journal_ask(job->call->host->journal, &job->request);
    job->is_submitted = true;
}

enum problem_kind job_call_take(struct job_call *job, struct job *asked, const struct order *order, const char *at) {
    struct call *call = job->call;
    job->asked = asked;
    if (find_pins(job, order, at)) {
        return call->problem.kind;
    }
    if (asked->body.length < JOB_FILE_LEAST_BYTES) {
        return PROBLEM_NONE;
    }
    if (call->host->journal->files >= 0) {
        return write_body(job);
    }
    submit_here(job);
    return PROBLEM_NONE;
}

/* --- what came of it --------------------------------------------------------------------------------------------- */

bool job_call_names(struct call *call, struct text_view *id) {
    *id = call->order->part;
    return job_id_allowed(*id);
}

enum problem_kind job_call_refuse_missing(struct call *call) {
    const struct text_view *id = &call->order->part;
    const char *advice = id->length > 0 && memchr(id->bytes, '%', id->length) ? "; an id needs no escapes" : "";
    return problem_set(&call->problem, PROBLEM_NO_SUCH_JOB, NULL,
                       "there is no job \"%.*s\": it never was, or was forgotten%s",
                       id->length < 80 ? (int)id->length : 80, id->bytes, advice);
}

static enum problem_kind refuse_condition(struct call *call, const char *field, const struct job *found,
                                          const char *tag) {
    return problem_set(&call->problem, PROBLEM_PRECONDITION_FAILED, NULL, "%s doesn't allow it: the job is %s%s", field,
                       found ? "there, its ETag is " : "not there", found ? tag : "");
}

enum problem_kind job_call_check_conditions(struct call *call, const struct job *found) {
    const struct text_view *match = &call->order->fields.if_match;
    const struct text_view *none = &call->order->fields.if_none_match;
    char tag[JOB_TAG_BYTES] = "";
    if (found) {
        job_document_tag(found, tag);
    }
    bool is_matched = found && (data_tags_is_any(*match) || data_tags_has(*match, tag, DATA_TAGS_STRONG, false));
    if (match->bytes && !is_matched) {
        return refuse_condition(call, "If-Match", found, tag);
    }
    if (none->bytes && found && (data_tags_is_any(*none) || data_tags_has(*none, tag, DATA_TAGS_WEAK, false))) {
        return refuse_condition(call, "If-None-Match", found, tag);
    }
    return PROBLEM_NONE;
}

/* By its first character that can't be there, if it is wrong by one: it may be too long as well, "." or "..". */
static enum problem_kind refuse_name(struct call *call, struct text_view name) {
    char at_fault[48] = "";
    for (size_t i = 0; i < name.length && !at_fault[0]; i++) {
        unsigned char byte = (unsigned char)name.bytes[i];
        if (!job_id_allowed((struct text_view){(const char[]){'a', name.bytes[i]}, 2})) {
            const char *form = byte >= 0x20 && byte < 0x7f ? "character %zu of the name is '%c'; "
                                                           : "character %zu of the name is byte %u; ";
            (void)snprintf(at_fault, sizeof at_fault, form, i + 1, byte);
        }
    }
    if (name.length > JOB_ID_MAX) {
        (void)snprintf(at_fault, sizeof at_fault, "the name has %zu characters; ", name.length);
    }
    return problem_set(&call->problem, PROBLEM_OUT_OF_RANGE, NULL,
                       "%sa job's name has 1 to %d letters, digits, '.', '_' and '-'", at_fault, JOB_ID_MAX);
}

/* What else there is to refuse has been found before: only a key can be too long, or a name be none. */
static enum problem_kind refuse_submission(struct job_call *job) {
    size_t length = job->asked->idempotency_key.length;
    return length > JOB_KEY_MAX
               ? problem_set(&job->call->problem, PROBLEM_OUT_OF_RANGE, NULL,
                             "the Idempotency-Key has %zu bytes; it has at most %d", length, JOB_KEY_MAX)
               : refuse_name(job->call, job->asked->id);
}

enum problem_kind job_call_check(struct job_call *job) {
    struct problem *problem = &job->call->problem;
    if (job->disk_error) {
        return refuse_disk(job->call, job->disk_error);
    }
    if (job->refusal && job->request.outcome == JOURNAL_MISSING) {
        *problem = *job->refusal;
        return problem->kind;
    }
    switch (job->request.outcome) {
    case JOURNAL_DONE:
    case JOURNAL_SAME:
        return PROBLEM_NONE;
    case JOURNAL_CONFLICT:
        return problem_set(problem, PROBLEM_IDEMPOTENCY_CONFLICT, NULL,
                           "there is a job of this %s already, and it was asked for something else",
                           job->asked->idempotency_key.bytes ? "Idempotency-Key" : "name");
    case JOURNAL_REFUSED:
        return refuse_submission(job);
    case JOURNAL_MISSING:
        return job_call_refuse_missing(job->call);
    case JOURNAL_FULL:
        return problem_set(problem, PROBLEM_STATE_FULL, NULL,
                           "there is no room for one more job (--state-limit, or the disk): results that nobody needs "
                           "can be deleted");
    case JOURNAL_STALE:
    case JOURNAL_UNAVAILABLE:
        break;
    }
    return problem_set(problem, PROBLEM_JOBS_UNAVAILABLE, NULL,
                       "the store of jobs can't be read or written; the service's log says why");
}

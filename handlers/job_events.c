/* What becomes of a job, as server-sent events (WHATWG HTML, 9.2): "status" when its status has changed, with an id
 * that a client which comes again names in Last-Event-ID, "progress" in between, and comments so that whoever stands
 * between doesn't take the connection for dead. The stream ends with the job.
 *
 * No thread waits: each time there is news, or a moment has passed, `ask` looks the job up and puts what there is to
 * say into the call's outlet. What doesn't fit, since the client doesn't take it, is left out; a status is tried again.
 */
#include "codecs/json/document.h"
#include "handlers/job_call.h"
#include "handlers/job_document.h"
#include "handlers/jobs.h"
#include "handlers/options.h"
#include "server/engine/outlet.h"
#include "server/system/clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* How often a job that runs is looked at, and how long a stream is silent at most. */
#define PROGRESS_NS NS_PER_S
#define SILENT_NS (15 * NS_PER_S)
#define STREAM_NS (UINT64_C(86400) * NS_PER_S) /* a client comes again */

struct events {
    struct job_call job; /* first: job_call_of */
    bool has_watched;
    bool has_spoken;
    char told[JOB_TAG_BYTES]; /* the status that the client knows */
    uint64_t spoken_ns;       /* when something was said last */
    uint64_t done;            /* of what progress was said last */
};

static_assert(sizeof(struct events) <= CALL_ARGUMENT_BYTES, "arguments fit the call");

static struct events *events_of(struct call *call) {
    return (struct events *)(void *)call->arguments;
}

static enum problem_kind events_decode(struct call *call) {
    static const struct field no_fields[] = {{NULL, FIELD_TEXT}};
    const struct text_view *last = &call->order->fields.last_event_id;
    if (job_call_begin(call) || options_read(call, no_fields, OPTIONS_NONE)) {
        return call->problem.kind;
    }
    job_call_forget_options(call);
    struct events *events = events_of(call);
    struct journal_request *request = &events->job.request;
    call->demand.timeout_ns = STREAM_NS;
    events->spoken_ns = clock_now_ns();
    if (last->length + 2 < sizeof events->told) {
        (void)snprintf(events->told, sizeof events->told, "\"%.*s\"", (int)last->length,
                       last->bytes ? last->bytes : "");
    }
    request->verb = JOURNAL_LOOKUP;
    if (!job_call_names(call, &request->id)) {
        return job_call_refuse_missing(call);
    }
    return call_add_field(call, "Cache-Control", "no-cache") ? call->problem.kind
                                                             : call_add_field(call, "X-Accel-Buffering", "no");
}

/* The event, in the call's reply: what is said now, or in the end where there is no outlet. */
static void print_event(struct call *call, const char *name, const char *tag) {
    const struct journal_request *request = &job_call_of(call)->request;
    struct text *text = &call->reply.text;
    char line[JOB_TAG_BYTES + 32];
    int length = tag ? snprintf(line, sizeof line, "id: %.*s\nevent: %s\ndata: ", (int)strlen(tag) - 2, tag + 1, name)
                     : snprintf(line, sizeof line, "event: %s\ndata: ", name);
    text_put(text, line, (size_t)length);
    call->reply.comma_due = false;
    job_document_print(call, request->jobs, request->place);
    text_put(text, "\n\n", 2);
}

/* True: it was taken. */
static bool say(struct call *call) {
    struct events *events = events_of(call);
    struct text *text = &call->reply.text;
    bool is_said = !text_failed(text) && outlet_offer(call->outlet, text->data, text->length);
    text_deinit(text); /* a stream is silent for most of its time, and holds no memory then */
    if (is_said) {
        events->has_spoken = true;
        events->spoken_ns = clock_now_ns();
    }
    return is_said;
}

/* True: there is a new one, and it was said. */
static bool say_status(struct call *call) {
    char tag[JOB_TAG_BYTES];
    struct events *events = events_of(call);
    job_document_tag(events->job.request.jobs, tag);
    if (strcmp(tag, events->told) == 0) {
        return false;
    }
    print_event(call, "status", tag);
    bool is_said = say(call);
    if (is_said) {
        memcpy(events->told, tag, sizeof tag);
    }
    return is_said;
}

static bool say_progress(struct call *call) {
    struct events *events = events_of(call);
    const struct job *job = events->job.request.jobs;
    struct runner_progress progress;
    if (job->status != JOB_RUNNING || !runner_progress(call->host->runner, job->id, &progress) ||
        progress.done == events->done) {
        return false;
    }
    events->done = progress.done;
    print_event(call, "progress", NULL);
    return say(call);
}

static void say_something(struct call *call) {
    if (!say_status(call) && !say_progress(call) && clock_now_ns() - events_of(call)->spoken_ns >= SILENT_NS) {
        text_put(&call->reply.text, ":\n\n", 3);
        (void)say(call);
    }
}

/* It was woken because time had passed, and no more: nothing is known that wasn't. */
static bool is_time(const struct events *events) {
    return events->has_watched && events->job.watch.news == RUNNER_OVER;
}

static bool watch(struct events *events) {
    struct job_call *job = &events->job;
    bool is_running = job->request.jobs->status == JOB_RUNNING;
    job->until_ns = clock_now_ns() + (is_running ? PROGRESS_NS : SILENT_NS);
    events->has_watched = true;
    return job_call_wait(job);
}

static bool events_ask(struct call *call) {
    enum { BEGINS, HAS_LOOKED, HAS_WATCHED };
    struct events *events = events_of(call);
    struct job_call *job = &events->job;
    bool is_to_look = job->step == BEGINS || (job->step == HAS_WATCHED && !is_time(events));
    if (is_to_look && !job_call_has_news(job)) {
        job->step = HAS_LOOKED;
        job_call_ask(job);
        return true;
    }
    bool is_sent_away = events->has_watched && job->until_ns == 0; /* the service stops */
    if (job->step == HAS_LOOKED && job_call_check(job)) {
        return false;
    }
    if (job_is_finished(job->request.jobs) || is_sent_away) {
        return false; /* what is still to be said is the answer's end */
    }
    if (call->outlet) {
        say_something(call);
    }
    job->step = HAS_WATCHED;
    return watch(events);
}

/* Who knows the end already is told so, and doesn't come again (HTML, 9.2.2). */
static enum problem_kind events_compute(struct call *call) {
    const struct events *events = events_of(call);
    char tag[JOB_TAG_BYTES];
    bool knows = strcmp(events->told, job_document_tag(events->job.request.jobs, tag)) == 0;
    call->status = knows && !events->has_spoken ? 204 : 200;
    return PROBLEM_NONE;
}

/* What could not be said on the way. */
static enum problem_kind events_encode(struct call *call) {
    const struct events *events = events_of(call);
    char tag[JOB_TAG_BYTES];
    if (strcmp(events->told, job_document_tag(events->job.request.jobs, tag)) != 0) {
        print_event(call, "status", tag);
    }
    return PROBLEM_NONE;
}

const struct endpoint jobs_events_endpoint = {.path = "/v1/jobs/{id}/events",
                                              .summary = "what becomes of a job, as server-sent events",
                                              .method = ENDPOINT_GET,
                                              .writes_all = true,
                                              .produces = MEDIA_EVENTS,
                                              .decode = events_decode,
                                              .ask = events_ask,
                                              .unask = job_call_unask,
                                              .compute = events_compute,
                                              .encode = events_encode};

/* Of a job that is a part of a trace each attempt is a span of that trace: the collector is told, where there is one,
 * and the log has a line. The span's id follows from the submission's and the attempt's number, so nobody keeps it;
 * what a crash took away was never told. */
#include "server/jobs/attempt.h"

#include "server/engine/endpoint.h"
#include "server/system/clock.h"
#include "server/system/facts.h"
#include "server/system/log.h"
#include "server/tracing/span_exporter.h"

#include <assert.h>
#include <string.h>

const struct endpoint *attempt_find_endpoint(const struct facts *facts, struct text_view op) {
    for (size_t i = 0; i < facts->endpoint_count; i++) {
        const struct endpoint *endpoint = facts->endpoints[i];
        if (endpoint->method == ENDPOINT_POST && strlen(endpoint->path) == op.length &&
            memcmp(endpoint->path, op.bytes, op.length) == 0) {
            return endpoint;
        }
    }
    return NULL;
}

/* What became of an attempt. */
struct ending {
    const char *outcome; /* static */
    struct problem problem;
    unsigned status; /* of the answer that was stored; 0: none was */
    struct answer_threads threads;
    struct times times; /* total: of the attempt */
    struct trace_context trace;
};

static bool is_stored(const struct attempt *attempt) {
    return attempt->state == ATTEMPT_STORES && attempt->end.request.outcome == JOURNAL_DONE;
}

static const char *outcome_of(const struct attempt *attempt) {
    if (is_stored(attempt)) {
        return job_status_name(attempt->status);
    }
    if (attempt->state == ATTEMPT_RELEASES && attempt->end.request.outcome == JOURNAL_DONE) {
        return "released";
    }
    return attempt->is_cancelled ? "dismissed" : "lost";
}

static void describe_ending(const struct attempt *attempt, struct ending *ending) {
    const struct run *run = attempt->run; /* NULL where what it was asked can't be read */
    *ending = (struct ending){.outcome = outcome_of(attempt), .times = attempt->times, .trace = attempt->job->trace};
    ending->times.total = clock_now_ns() - attempt->taken_ns;
    trace_context_make_span(&attempt->job->trace, span_attempt_number(attempt->job->attempts), ending->trace.span_id);
    if (run) {
        ending->threads = run->answer.threads;
    }
    if (is_stored(attempt) && attempt->is_damaged) {
        (void)problem_set(&ending->problem, PROBLEM_JOB_DAMAGED, NULL, "what it was asked is not what it was any more");
        ending->status = problem_status(PROBLEM_JOB_DAMAGED);
    } else if (is_stored(attempt) && run) {
        ending->problem = run->answer.problem ? *run->answer.problem : (struct problem){0};
        ending->status = attempt->result.status;
    }
}

/* --- for the collector ------------------------------------------------------------------------------------------- */

static void offer_span(struct span_exporter *spans, const struct attempt *attempt, const struct ending *ending) {
    static_assert((int)SPAN_JOB_ID_MAX == JOB_ID_MAX, "span.h repeats it");
    const struct job *job = attempt->job;
    const struct endpoint *endpoint = attempt_find_endpoint(attempt->runner->host->facts, job->op);
    const struct times *times = &ending->times;
    uint64_t waited_ns = times->opened > attempt->taken_ns ? times->opened - attempt->taken_ns : 0; /* for the disk */
    struct span span = {.kind = SPAN_JOB,
                        .trace = ending->trace,
                        .route = endpoint ? endpoint->path : NULL,
                        .problem = ending->problem.kind ? problem_slug(ending->problem.kind) : NULL,
                        .status = ending->status,
                        .threads_granted = ending->threads.granted,
                        .begin_unix_ns = clock_unix_ns(attempt->taken_ns),
                        .total_ns = times->total,
                        .receive_ns = waited_ns + times->receive,
                        .phase_ns = {[SPAN_QUEUE] = times->queue,
                                     [SPAN_DECODE] = times->decode,
                                     [SPAN_COMPUTE] = times->compute,
                                     [SPAN_ENCODE] = times->encode},
                        .job = {.outcome = ending->outcome, .attempt = job->attempts}};
    memcpy(span.parent_span_id, job->trace.span_id, sizeof span.parent_span_id);
    memcpy(span.job.id, job->id.bytes, job->id.length);
    span_exporter_offer(spans, &span);
}

/* --- for the log ------------------------------------------------------------------------------------------------- */

static void put_text(struct json_writer *log, const char *key, struct text_view text) {
    json_key(log, key);
    json_text(log, text.bytes, text.length);
}

static void put_member(struct json_writer *log, const char *key, const char *value) {
    put_text(log, key, (struct text_view){value, strlen(value)});
}

static void write_ids(struct json_writer *log, const struct job *job, const struct ending *ending) {
    put_text(log, "job", job->id);
    json_key(log, "attempt");
    json_unsigned(log, job->attempts);
    put_member(log, "trace_id", ending->trace.trace_id);
    put_member(log, "span_id", ending->trace.span_id);
    put_member(log, "parent_span_id", job->trace.span_id);
    put_text(log, "op", job->op);
}

static void write_ending(struct json_writer *log, const struct ending *ending) {
    put_member(log, "outcome", ending->outcome);
    if (ending->status > 0) {
        json_key(log, "status");
        json_unsigned(log, ending->status);
    }
    if (ending->problem.kind) {
        put_member(log, "problem", problem_slug(ending->problem.kind));
        put_member(log, "detail", ending->problem.detail);
    }
    if (ending->threads.granted > 0) {
        json_key(log, "threads");
        json_begin_object(log);
        answer_write_threads(log, &ending->threads);
        json_end_object(log);
    }
    times_write(log, &ending->times);
}

/* As those of requests (request_log.h). */
static void write_line(const struct job *job, const struct ending *ending) {
    enum log_level level = ending->status == 500 ? LOG_ERROR : ending->status > 500 ? LOG_WARN : LOG_INFO;
    struct fixed_memory memory;
    struct json_writer log;
    char time[LOG_TIME_BYTES];
    if (!log_enabled(level)) {
        return;
    }
    fixed_memory_init(&memory);
    json_writer_init(&log, &memory.base, FIXED_MEMORY_BYTES);
    json_begin_object(&log);
    put_text(&log, "time", (struct text_view){time, log_time(time, sizeof time)});
    put_member(&log, "level", log_level_name(level));
    put_member(&log, "event", "job");
    write_ids(&log, job, ending);
    write_ending(&log, ending);
    json_end_object(&log);
    text_put(&log.text, "\n", 1);
    if (!json_writer_failed(&log)) {
        log_lines(log.text.data, log.text.length);
    }
    json_writer_deinit(&log);
}

void attempt_tell(const struct attempt *attempt) {
    struct span_exporter *spans = attempt->runner->host->spans;
    struct ending ending;
    if (attempt->job->trace.trace_id[0] == '\0') {
        return;
    }
    describe_ending(attempt, &ending);
    write_line(attempt->job, &ending);
    if (spans && ending.trace.is_sampled) {
        offer_span(spans, attempt, &ending);
    }
}

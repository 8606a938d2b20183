#include "server/jobs/attempt.h"

#include "server/engine/endpoint.h"
#include "server/engine/metrics.h"
#include "server/jobs/watches.h"
#include "server/system/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A long result is written in pieces of this size, and left in between where the server stops. */
enum { PIECE_BYTES = 4 * 1024 * 1024 };

static bool is_type(const struct answer_field *field) {
    return strcmp(field->name, "Content-Type") == 0;
}

/* "Name: value\r\n" each, but for the media type. */
static size_t write_fields(const struct answer *answer, char *out) {
    size_t length = 0;
    for (unsigned i = 0; i < answer->field_count; i++) {
        const struct answer_field *field = &answer->fields[i];
        const char *const parts[] = {field->name, ": ", field->value, "\r\n"};
        for (size_t p = 0; !is_type(field) && p < sizeof parts / sizeof *parts; p++) {
            size_t part = strlen(parts[p]);
            if (out) {
                memcpy(out + length, parts[p], part);
            }
            length += part;
        }
    }
    return length;
}

/* As the JSON of an answer says it at its end. */
static void write_metadata(struct attempt *attempt) {
    const struct run *run = attempt->run;
    struct times times = run->times;
    struct fixed_memory memory;
    struct json_writer json;
    times.total = run->lap.clock_ns - times.opened;
    fixed_memory_init(&memory);
    json_writer_init(&json, &memory.base, sizeof attempt->metadata);
    if (run->answer.threads.granted > 0) {
        json_key(&json, "threads");
        json_begin_object(&json);
        answer_write_threads(&json, &run->answer.threads);
        json_end_object(&json);
    }
    json_key(&json, "timing");
    json_begin_object(&json);
    times_write(&json, &times);
    json_end_object(&json);
    if (!json_writer_failed(&json)) {
        memcpy(attempt->metadata, json.text.data, json.text.length);
        attempt->result.metadata = (struct text_view){attempt->metadata, json.text.length};
    }
    json_writer_deinit(&json);
}

/* All but its content. False without memory. */
static bool describe(struct attempt *attempt) {
    const struct answer *answer = &attempt->run->answer;
    attempt->status = answer->problem ? JOB_FAILED : JOB_SUCCESSFUL;
    attempt->result = (struct job_result){.status = answer->status};
    write_metadata(attempt);
    for (unsigned i = 0; i < answer->field_count; i++) {
        if (is_type(&answer->fields[i])) {
            attempt->result.type = (struct text_view){answer->fields[i].value, strlen(answer->fields[i].value)};
        }
    }
    size_t length = write_fields(answer, NULL);
    if (length > 0) {
        free(attempt->fields);
        attempt->fields = malloc(length);
        if (!attempt->fields) {
            return false;
        }
        (void)write_fields(answer, attempt->fields);
        attempt->result.fields = (struct text_view){attempt->fields, length};
    }
    return true;
}

static bool join(struct attempt *attempt) {
    const struct answer *answer = &attempt->run->answer;
    free(attempt->joined);
    attempt->joined = malloc(answer->length > 0 ? answer->length : 1);
    if (!attempt->joined) {
        return false;
    }
    struct answer_cursor cursor = {.answer = answer};
    size_t length = answer_read(&cursor, 0, attempt->joined, answer->length);
    attempt->result.content.bytes = (struct payload){.bytes = attempt->joined, .length = length, .capacity = length};
    return true;
}

/* The first row of the endpoint's path. */
static size_t route_of(const struct facts *facts, const struct endpoint *endpoint) {
    size_t i = endpoint ? 0 : facts->endpoint_count;
    while (i < facts->endpoint_count && strcmp(facts->endpoints[i]->path, endpoint->path) != 0) {
        i++;
    }
    return i;
}

static void count_end(const struct attempt *attempt) {
    const struct run *run = attempt->run;
    struct metrics_block *metrics = attempt->runner->metrics;
    metrics_count_job(metrics, route_of(run->host->facts, run->order.endpoint), run->times.cpu, &run->answer.threads);
    if (answer_problem_kind(&run->answer) == PROBLEM_DEADLINE_EXCEEDED) {
        metrics_count_cancellation(metrics, METRICS_DEADLINE);
    }
}

static void finished(struct runner *runner, struct runner_post *post) {
    struct attempt *attempt = RING_OWNER(runner_asked_of(post), struct attempt, end);
    enum journal_outcome outcome = attempt->end.request.outcome;
    struct job *ended = attempt->end.request.jobs;
    if (runner->is_closed) {
        jobs_free(ended);
        return;
    }
    if (journal_is_out(outcome) && !attempt->is_lost) {
        attempt_pause(attempt, attempt_store); /* what was computed stays until then */
        return;
    }
    if (outcome == JOURNAL_DONE && attempt->run) {
        count_end(attempt);
    }
    if (ended) {
        watches_tell_end(runner, ended);
        jobs_free(ended);
    } else if (outcome == JOURNAL_DONE) {
        watches_tell(runner, attempt->job->id, attempt->status);
    } else {
        watches_look(runner, attempt->job->id);
    }
    attempt_end(attempt);
}

static void ask_finish(struct attempt *attempt, struct durable_file *file) {
    attempt->end.request =
        (struct journal_request){.verb = JOURNAL_FINISH,
                                 .finish = {.id = attempt->job->id,
                                            .attempt = attempt->job->attempts,
                                            .status = attempt->status,
                                            .failure = attempt->is_damaged ? JOB_DAMAGED : JOB_ANSWERED,
                                            .result = &attempt->result,
                                            .file = file,
                                            .wants_job = attempt->is_awaited}};
    runner_ask(attempt->runner, &attempt->end, finished);
}

/* --- long ones, on the files' thread ----------------------------------------------------------------------------- */

/* It couldn't be written. */
static void came_back(struct runner *runner, struct runner_post *post) {
    if (!runner->is_closed) {
        attempt_pause(RING_OWNER(post, struct attempt, back), attempt_store);
    }
}

static int write_piece(struct attempt *attempt, const struct reply_piece *piece) {
    int error = 0;
    for (size_t at = 0; at < piece->length && !error; at += PIECE_BYTES) {
        size_t left = piece->length - at;
        error = atomic_load(&attempt->runner->hurries)
                    ? ECANCELED
                    : durable_write(&attempt->file, piece->bytes + at, left < PIECE_BYTES ? left : PIECE_BYTES);
    }
    return error;
}

static int write_file(struct attempt *attempt) {
    const struct answer *answer = &attempt->run->answer;
    int error = durable_begin(&attempt->file, attempt->runner->journal->files);
    if (error) {
        return error;
    }
    for (size_t i = 0; i < answer->piece_count && !error; i++) {
        error = write_piece(attempt, &answer->pieces[i]);
    }
    error = error ? error : durable_seal(&attempt->file);
    if (error) {
        durable_discard(&attempt->file);
    }
    return error;
}

static void write_result(struct disk_task *task) {
    struct attempt *attempt = RING_OWNER(task, struct attempt, task);
    bool has_files = attempt->runner->journal->files >= 0;
    if (has_files ? write_file(attempt) != 0 : !join(attempt)) {
        runner_send(attempt->runner, &attempt->back, came_back);
    } else {
        ask_finish(attempt,
                   has_files ? &attempt->file : NULL); /* here, since a journal in memory copies and hashes it */
    }
}

void attempt_store(struct attempt *attempt) {
    attempt->state = ATTEMPT_STORES;
    attempt->is_awaited |=
        watches_any(&attempt->runner->watches, attempt->job->id); /* here: the thread's that has them */
    if (attempt->is_damaged) {
        attempt->status = JOB_FAILED;
        ask_finish(attempt, NULL);
        return;
    }
    bool is_long = attempt->run->answer.length > JOURNAL_INLINE_BYTES;
    if (!describe(attempt) || (!is_long && !join(attempt))) {
        attempt_pause(attempt, attempt_store);
    } else if (is_long) {
        disk_thread_do(attempt->runner->files, &attempt->task, write_result);
    } else {
        ask_finish(attempt, NULL);
    }
}

#pragma once
/* Internal to handlers. A job as clients see it. */
#include "server/engine/call.h"
#include "server/jobs/job.h"

/* Prints it as one JSON object, into call->reply or elsewhere. place: how many come before it in the queue, while it
 * waits; JOB_PLACE_UNKNOWN: nobody looked. */
#define JOB_PLACE_UNKNOWN UINT64_MAX
void job_document_print(struct call *call, const struct job *job, uint64_t place);
void job_document_write(struct json_writer *reply, const struct host *host, const struct job *job, uint64_t place);

/* Names the state that job_document_print shows, but for progress and place: a quoted entity tag. */
enum { JOB_TAG_BYTES = 72 };
const char *job_document_tag(const struct job *job, char out[JOB_TAG_BYTES]);

/* RFC 3339, in UTC, of milliseconds since 1970: "2026-01-01T08:00:00.000Z". Empty for 0, which is no time. Returns
 * out. */
enum { JOB_TIME_BYTES = 40 };
const char *job_document_time(int64_t time_ms, char out[JOB_TIME_BYTES]);

enum { JOB_PATH_BYTES = 160 };
/* "/v1/jobs/{id}" and what is behind it. Returns out. */
const char *job_document_path(const struct job *job, const char *behind, char out[JOB_PATH_BYTES]);

/* Adds Retry-After: the seconds, 1 to 60, that whoever waits for the job had better wait before it asks again: where it
 * runs by what is left of it, where it waits by the `before` jobs that come first. */
MUST_CHECK enum problem_kind job_document_retry(struct call *call, const struct job *job, uint64_t before);

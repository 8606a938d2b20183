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

enum { JOB_PATH_BYTES = 160 };
/* "/v1/jobs/{id}" and what is behind it. Returns out. */
const char *job_document_path(const struct job *job, const char *behind, char out[JOB_PATH_BYTES]);

/* Seconds that whoever waits for the job had better wait before it asks again: for Retry-After. */
unsigned job_document_retry_s(struct call *call, const struct job *job, uint64_t place);

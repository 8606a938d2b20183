#pragma once
/* Jobs as clients see them: submitted, listed, looked at, cancelled, forgotten, and their
 * results. What is asked is in server/jobs/journal.h, who runs them in server/jobs/runner.h. */
#include "server/engine/endpoint.h"
#include "server/jobs/job.h"

extern const struct endpoint jobs_list_endpoint;   /* GET /v1/jobs */
extern const struct endpoint jobs_get_endpoint;    /* GET /v1/jobs/{id} */
extern const struct endpoint jobs_put_endpoint;    /* PUT /v1/jobs/{id}: submits one under this name */
extern const struct endpoint jobs_delete_endpoint; /* DELETE /v1/jobs/{id}: cancels it, or forgets one that is over */
extern const struct endpoint jobs_events_endpoint; /* GET /v1/jobs/{id}/events */
extern const struct endpoint jobs_result_endpoint; /* GET /v1/jobs/{id}/result */

/* What GET /v1/jobs/{id} answers: for host->describe_job. */
void jobs_describe(struct json_writer *out, const struct host *host, const struct job *job);

/* What `Prefer: respond-async` puts in an endpoint's place (struct host). In no table: it has no path. */
extern const struct endpoint jobs_submission_endpoint;

#pragma once
/* Internal to handlers. The answer of a job, byte for byte as its run gave it. */
#include "handlers/job_call.h"

/* For `ask`, when the journal has said what it knows of the job: what loading will take goes into call->demand. */
void job_result_predict(struct call *call);

/* For compute: gets the result of the job in job_call_of(call)->request.jobs, or the problem that stands in its place.
 * Content in a file is mapped, which waits for the disk. Sets the answer's status and header fields; what the request
 * says of ranges and tags counts with `is_conditional`. */
MUST_CHECK enum problem_kind job_result_load(struct call *call, bool is_conditional);

/* For encode, of what was loaded. */
MUST_CHECK enum problem_kind job_result_print(struct call *call);

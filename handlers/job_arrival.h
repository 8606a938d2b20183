#pragma once
/* Internal to handlers. A job's body on its way to a file, which becomes the journal's with the submission. */
#include "handlers/job_call.h"

/* Are there files? */
bool job_arrival_is_possible(const struct call *call);

/* The next bytes, which stay where they are until the call is woken. False: there is nothing to wait for, and a
 * problem; there is one too where jobs have no room for so much. */
MUST_CHECK bool job_arrival_add(struct job_call *job, const char *bytes, size_t length, bool last);

/* What the last piece has met with: call->problem.kind. */
MUST_CHECK enum problem_kind job_arrival_check(const struct job_call *job);

/* The file for the submission; NULL: the body isn't in one. */
struct durable_file *job_arrival_file(const struct job_call *job);

/* It counts among what jobs take from now on, or doesn't come any more. */
void job_arrival_end(struct job_call *job);

/* For a body of which so many bytes more are known to come. */
enum problem_kind job_arrival_refuse_full(struct call *call, uint64_t more_bytes);

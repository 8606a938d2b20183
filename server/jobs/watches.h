#pragma once
/* Internal to server/jobs. Who waits for which job: found by its id, and by when the waiting ends. No event passes
 * those whom it doesn't concern, so ten thousand cost as much as one. The runner's thread's, but for coming and leaving
 * (runner_watch, runner_unwatch). */
#include "server/jobs/runner_state.h"

bool watches_init(struct watches *watches) __attribute__((warn_unused_result));
void watches_deinit(struct watches *watches);

/* The job's status is this one now: whoever knew another is told. */
void watches_tell(struct runner *runner, struct text_view id, enum job_status status);

/* The job is over, and is this now: whoever watches it is told, and gets a copy. */
void watches_tell_end(struct runner *runner, const struct job *job);

/* Does anybody watch the job? */
bool watches_any(const struct watches *watches, struct text_view id);

/* The job's status may have changed: it is looked up for each who watches it. */
void watches_look(struct runner *runner, struct text_view id);

/* Tells those whose time is over. */
void watches_expire(struct runner *runner, uint64_t now_ns);

/* When that is due next; UINT64_MAX: never. */
uint64_t watches_due_ns(const struct watches *watches);

/* The runner ends: all are told, but those whose job is being looked up, which are told when that is done. */
void watches_end(struct runner *runner);

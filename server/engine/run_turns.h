#pragma once
/* Internal to server/engine. A run's turns with the scheduler, and its end. */
#include "server/engine/run.h"

struct run *run_of(struct work *work);

/* How long it may take; UINT64_MAX: as long as it takes, which only jobs may that don't say it themselves. */
uint64_t run_timeout_ns(const struct run *run);
/* From when on it is late whose time began at `from_ns`. A job's begins with its computing, so that it is the owner's
 * to look at (run.h, limit_ns): UINT64_MAX. */
uint64_t run_late_ns(const struct run *run, uint64_t from_ns);

/* It is on its way to the scheduler, or at its end: its announcement has done its duty, if there is one. */
void run_unannounce(struct run *run);

/* Hands it to the scheduler, as run->work says: RUN_WORKS, or RUN_DONE where the queue is full. From then on it is the
 * lane's, so what is read of it is read before. */
MUST_CHECK enum run_state run_submit(struct run *run);
/* The owner: from now on it works, until it is reported and taken back. */
void run_hand_over(struct run *run);
/* Whoever has it: back to the owner, or to nobody. */
void run_report(struct run *run);
/* The owner: it has come back, or was withdrawn. */
void run_take_back(struct run *run);
/* Records that the queue has no place: returns call->problem.kind. */
enum problem_kind run_refuse_overload(struct run *run, const struct shortage *shortage);
/* Records why it ends before its time, whatever else was wrong. */
void run_explain(struct run *run, enum problem_kind why);
/* Makes the answer: RUN_DONE. */
enum run_state run_conclude(struct run *run);

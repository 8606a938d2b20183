#pragma once
/* Internal to server/engine. The steps of a run's stages and the time they take, on whatever thread has the run. */
#include "server/engine/run.h"

bool run_is_cancelled(const struct run *run);

/* Time since the last lap: phases follow one another without gaps, so one look at the clock ends one and begins the
 * next. */
uint64_t run_lap(struct run *run);
/* Adds the CPU time since the last call: that of this thread on a lane, and of its team; on the owner's thread, which
 * doesn't sleep between two laps, the time itself. */
void run_count_cpu(struct run *run);

/* Is work that takes so long for the thread that started the run? */
bool run_is_tiny(const struct run *run, uint64_t cost_ns);
unsigned run_team_size(const struct run *run); /* how many threads the computing shall have */
/* The call's team for what follows. */
void run_grant(struct run *run, const struct team *team);
void run_grant_one(struct run *run); /* this thread alone */
/* The work has reached its lane. */
void run_arrive(struct run *run, const struct team *team);

/* Computing begins, and its kernel does: the first time counts. For others' eyes (run.h, live). */
void run_note_begun(struct run *run);
void run_note_computing(struct run *run);

/* Each ends early where there is a problem, or the call is cancelled. */
void run_decode(struct run *run);
void run_compute(struct run *run); /* and what follows */
void run_encode(struct run *run);
/* Compresses the reply, where that is wanted. */
void run_fold(struct run *run);
/* The same, but at once only where the team is one thread; otherwise the work is to be run again, by one. */
void run_fold_alone(struct run *run);

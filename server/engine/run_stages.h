#pragma once
/* Internal to server/engine: what a run's stages have in common, on whatever thread has the run. */
#include "server/engine/run.h"

bool run_is_cancelled(const struct run *run);
struct run *run_of(struct work *work);

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

/* The steps. Each ends early where there is a problem, or the call is cancelled. */
void run_decode(struct run *run);
void run_compute(struct run *run);
void run_encode(struct run *run);

/* Prints "threads" and "timing" behind what the handler has printed. */
void run_finish_reply(struct run *run);

/* work.done: back to the owner. */
void run_report(struct work *work);

/* run_body.c: the body is all there: from now on it is a payload like any other. */
MUST_CHECK enum problem_kind run_complete_body(struct run *run);
/* Gives back a body that isn't. */
void run_drop_reserved(struct run *run);

/* run_windows.c: the run is a stream. */
MUST_CHECK enum problem_kind windows_open(struct run *run);
MUST_CHECK enum run_feeding windows_feed(struct run *run, const char *bytes, size_t length, size_t *taken);
MUST_CHECK enum run_state windows_end(struct run *run);
MUST_CHECK enum run_state windows_resume(struct run *run);
void windows_close(struct run *run);

/* run.c */
enum run_state run_submit(struct run *run);   /* RUN_WORKS, or RUN_DONE where the queue is full */
enum run_state run_conclude(struct run *run); /* makes the answer: RUN_DONE */
void run_explain_cut(struct run *run);        /* records why it was stopped */
void run_take_back(struct run *run);          /* it isn't working any more: folds the stage's times */

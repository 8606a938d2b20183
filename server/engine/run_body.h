#pragma once
/* Internal to server/engine. A run's body, while it is collected. */
#include "server/engine/run.h"

/* It is all there: from now on it is a payload like any other. */
MUST_CHECK enum problem_kind run_body_complete(struct run *run);
/* Of one that is kept as a whole, while nobody has a piece of it: gives the next one, if it is due. RUN_RECEIVES where
 * the run can go on: run->keeping says whether all is kept. */
MUST_CHECK enum run_state run_body_keep(struct run *run);
/* Gives back one that isn't complete. */
void run_body_drop(struct run *run);

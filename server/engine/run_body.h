#pragma once
/* Internal to server/engine. A run's body, while it is collected. */
#include "server/engine/run.h"

/* It is all there: from now on it is a payload like any other. */
MUST_CHECK enum problem_kind run_body_complete(struct run *run);
/* Gives back one that isn't. */
void run_body_drop(struct run *run);

#pragma once
/* Internal to server/engine. A run whose body is worked on while it arrives. Functions of run.h for that case. */
#include "server/engine/run.h"

MUST_CHECK enum problem_kind run_windows_open(struct run *run);
MUST_CHECK enum run_feeding run_windows_feed(struct run *run, const char *bytes, size_t length, size_t *taken);
MUST_CHECK enum run_state run_windows_end(struct run *run, const struct run_policy *policy);
MUST_CHECK enum run_state run_windows_resume(struct run *run);
/* All of the body is kept: what comes next is what comes after decode, without windows. */
bool run_windows_are_kept(const struct run *run);
void run_windows_close(struct run *run);

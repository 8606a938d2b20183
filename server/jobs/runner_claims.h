#pragma once
/* Internal to server/jobs. How jobs come to a runner: those that it claims when it has places, and those that
 * submissions have claimed for it (runner_offer). The runner's thread. */
#include "server/jobs/runner_state.h"

/* Is there something to claim, and a place for it? */
bool runner_may_claim(const struct runner *runner);

/* Which attempts take long; those that were claimed ahead of them are given back. Before runner_claim. */
void runner_look_ahead(struct runner *runner, uint64_t now_ns);

/* Claims, where it may, and the pause after one that failed is over. */
void runner_claim(struct runner *runner, uint64_t now_ns);

/* Tells runner_offer how many places there are, and runner_wait_ns how many cores. After each turn. */
void runner_publish_places(struct runner *runner);

#pragma once
/* Internal to server/engine. A run that waits for what isn't the scheduler's: endpoint.h, `ask`. */
#include "server/engine/run.h"

/* On the owner's thread. True: the run waits, and will be reported. */
MUST_CHECK bool run_ask(struct run *run);

/* The same of a piece of its body, for whoever keeps it. */
MUST_CHECK bool run_keep_piece(struct run *run, const char *bytes, size_t length, bool last);

/* All of the body is kept: until now it has waited for that, which is nobody's CPU time. */
void run_end_keeping(struct run *run);

/* Is that what it waits for, if it works? */
bool run_is_asking(const struct run *run);

/* It shall not wait any longer: it will be reported soon. */
void run_unask(struct run *run);

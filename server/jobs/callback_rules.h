#pragma once
/* Internal to server/jobs. What becomes of a try to deliver a callback. Pure functions.
 *
 * The first try is made at once, the second after --callback-retry (5 s), each further one after four times as long as
 * the one before, up to 4 hours; every pause is drawn from ± a quarter of itself, so that what failed together doesn't
 * come again together. After 8 tries, which is 6 hours, it is given up. */
#include "server/jobs/job.h"

enum { CALLBACK_TRIES_MAX = 8 };

#define CALLBACK_PAUSE_MAX_MS (UINT64_C(4) * 3600 * 1000)

/* The pause after `tries` failures, 1 and more. `chance`: any number, evenly distributed. `asked_s`: what the receiver
 * asked for (Retry-After), which makes the pause longer, up to CALLBACK_PAUSE_MAX_MS; 0: nothing. */
uint64_t callback_pause_ms(unsigned tries, uint64_t first_ms, uint32_t chance, uint64_t asked_s);

/* What the receiver's answer, or 0 where there was none, makes of a delivery after so many tries, this one among them:
 * 2xx has it, 410 wants none, everything else is tried again, redirections too, which aren't followed. */
enum job_delivery_state callback_state_after(unsigned tries, unsigned status);

/* The number of the message, the same for every try: "msg_" and 32 digits, of the job's id, number and time, since
 * names may be used again. Returns out. */
enum { CALLBACK_ID_BYTES = 4 + 32 + 1 };
const char *callback_message_id(const struct job *job, char out[CALLBACK_ID_BYTES]);

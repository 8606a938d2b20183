#pragma once
/* A trial: what another endpoint's decode makes of a body that a call has, before anybody runs it. In the memory of
 * that call, and with all that was taken given back; the body is only read. One thread's work, and for a long body, or
 * one that has to be unfolded, it takes long. */
#include "server/engine/call.h"

/* Decodes with `order`, whose endpoint it is; of a body that would be worked on while it arrives its options alone.
 * What was wrong is *problem; the call's own problem is set, and returned, only where there was no memory to try. */
MUST_CHECK enum problem_kind trial_decode(struct call *call, const struct order *order, const struct payload *body,
                                          struct problem *problem);

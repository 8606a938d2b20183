#pragma once
/* Internal to server/http. What framing.h does between heads: bodies, and chunks up to the trailer. */
#include "server/http/framing_state.h"

/* A step in one of the states from FRAMING_BODY on. */
const char *framing_step_in_body(struct framing *framing, const char *at, const char *end);

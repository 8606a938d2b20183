#pragma once
#include "server/system/config.h"

/* What --healthcheck does: asks /livez of the service that runs on this machine with this configuration. Returns the
 * exit status: 0 if it answers 200 within two seconds in all; otherwise 1, after one line on stderr that says why. */
int healthcheck_run(const struct config *config) __attribute__((warn_unused_result));

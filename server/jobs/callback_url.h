#pragma once
/* URLs of callbacks: which a client may name. Pure functions; any thread. */
#include "server/jobs/job.h"

/* Is it an http or https URL of up to JOB_CALLBACK_MAX bytes, without user info, to a host that is listed
 * (--callback-allow, server/system/allowed_hosts.h; NULL: none is)? False, and why, as a sentence. Where the host's
 * name leads to is seen when it is called. */
bool callback_url_check(const char *allow, struct text_view url, char reason[CALLBACK_REASON_BYTES])
    __attribute__((warn_unused_result));

#pragma once
/* Jobs in memory: gone when the process ends. For `--jobs memory`, and where there is no folder for others. Contents
 * come as bytes only, and the limit is of memory. Requests are done before journal_ask returns, on its thread. A page
 * of a list is found at once, but one of a rare status only by passing those of others. */
#include "server/jobs/journal.h"

/* NULL, and why in one line, without memory. */
struct journal *journal_memory_open(const struct journal_settings *settings, char reason[JOURNAL_REASON_BYTES])
    __attribute__((warn_unused_result));

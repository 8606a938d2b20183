#pragma once
/* Tells others of jobs' ends: brings the status document of a job that has a callback to its URL, as often as is needed
 * (callback_rules.h), by a thread of its own, "callbacks", with libcurl.
 *
 * What is due is in the journal, and stays due until the journal has what became of it: so each is delivered once or
 * more, whatever happens to the process. Where the journal takes nothing, nothing new is sent.
 *
 * Life: callbacks_new -> the journal is opened with callbacks_due -> callbacks_start -> callbacks_drain ->
 * callbacks_stop
 * -> journal_close -> callbacks_free. Idle, it costs nothing: no timer runs while nothing is due or will be. */
#include "server/engine/host.h"
#include "server/jobs/journal.h"
#include "server/system/webhook.h"

/* Sent at once, at most. */
enum { CALLBACKS_AT_ONCE = 32 };

struct callbacks;

/* The hosts, times and the rest are facts->config's; `keys` are copied. NULL: no memory. *host outlives it. */
struct callbacks *callbacks_new(const struct host *host, const struct webhook_keys *keys);

/* For journal_settings.due, whose context the callbacks are. Any thread. */
void callbacks_due(void *context);

/* False: the system has no threads (errno); as if it had not been called then. */
bool callbacks_start(struct callbacks *callbacks, struct journal *journal) __attribute__((warn_unused_result));

/* Nothing is begun from now on: what is due stays so. NULL is fine, here and below. */
void callbacks_drain(struct callbacks *callbacks);

/* What is under way may end until `until_ns` of clock_now_ns, and is cut then: it stays due. */
void callbacks_stop(struct callbacks *callbacks, uint64_t until_ns);

/* After journal_close; or when callbacks_start was never called. */
void callbacks_free(struct callbacks *callbacks);

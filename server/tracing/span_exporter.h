#pragma once
/* Sends spans of requests and jobs to a collector, as OTLP/JSON over HTTP (--otlp), from a thread of its own: whoever
 * has a span puts it into a bounded queue and goes on. Where the collector is slow or away the queue gets full, and
 * what comes then is dropped and counted.
 *
 * Spans are sent in groups, a second after the first of a group came at the latest. What the collector asks to have
 * later, or isn't there for, is tried EXPORTER_TRIES times, with pauses in between; nothing else is sent meanwhile.
 * What it has taken is never sent again, though it rejected some of it. */
#include "server/tracing/span.h"

enum { EXPORTER_TRIES = 4 };

/* What became of spans: each is counted once, if its fate is known. */
enum span_fate {
    SPAN_SENT,     /* the collector answered 2xx, and didn't reject it */
    SPAN_DROPPED,  /* there was no room for it, or no time at the end */
    SPAN_FAILED,   /* the collector refused it, or didn't take it for long enough */
    SPAN_REJECTED, /* the collector answered 2xx, and rejected it (OTLP's partial success) */
    SPAN_FATES
};

struct span_exporter;

/* To <url>/v1/traces (server/system/collector_url.h says which URLs there are), as this version of the service. Both
 * are borrowed. NULL: no memory or no thread (errno). */
struct span_exporter *span_exporter_new(const char *url, const char *version);

/* What is in the queue is sent, for EXPORTER_FLUSH_S at most, and the rest dropped; nobody offers any more. NULL is
 * fine. */
enum { EXPORTER_FLUSH_S = 3 };
void span_exporter_free(struct span_exporter *exporter);

/* Copies it, or drops it; never waits for the collector. Any thread. */
void span_exporter_offer(struct span_exporter *exporter, const struct span *span);

/* How many spans there were, those of phases included. Any thread. */
uint64_t span_exporter_count(const struct span_exporter *exporter, enum span_fate fate);

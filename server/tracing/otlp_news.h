#pragma once
/* Internal to server/tracing. What the log is told of a collector's answers: news, and not every answer.
 *
 * It takes what it is sent or it doesn't: a line when that changes ("otlp-failed", "otlp-recovered"). That it rejects
 * some of what it takes otherwise, or warns, often comes with every other answer, so these are no such state: the first
 * has a line ("otlp-rejected", "otlp-warning"), and later ones none, until OTLP_NEWS_QUIET_NS have passed without. How
 * many were rejected is counted (span_exporter_count). One thread. */
#include "server/system/clock.h"
#include "server/tracing/otlp_post.h"

#define OTLP_NEWS_QUIET_NS (60 * NS_PER_S)

/* Zeroed at first. */
struct otlp_news {
    bool has_failed;           /* it was said */
    uint64_t rejected_till_ns; /* a rejection before this isn't news */
    uint64_t warned_till_ns;   /* nor is a warning before this */
};

/* Of the answer to a POST of so many spans to the collector of this URL, at `now_ns` of the clock. */
void otlp_news_tell(struct otlp_news *news, const char *url, enum otlp_outcome outcome,
                    const struct otlp_answer *answer, uint64_t spans, uint64_t now_ns);

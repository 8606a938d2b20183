#pragma once
/* Internal to handlers. One answer of GET /metrics under construction, and what writes the samples of families that
 * have more than one: each gets its family's name. */
#include "handlers/metrics_text.h"
#include "server/engine/host.h"
#include "server/engine/metrics.h"
#include "server/system/facts.h"

struct scrape {
    struct metrics_text text;
    const struct host *host;
    const struct facts *facts;
    const struct metrics *metrics;
    uint64_t now_ns;      /* of the clock … */
    uint64_t now_unix_ns; /* … and by the day's time */
};

/* One sample with one label. */
void scrape_labelled(struct scrape *scrape, const char *name, const char *key, const char *value, uint64_t number);

/* Of paths without a request there is nothing in the first two. */
void scrape_requests(struct scrape *scrape, const char *name);
void scrape_durations(struct scrape *scrape, const char *name);
void scrape_received(struct scrape *scrape, const char *name);
void scrape_sent(struct scrape *scrape, const char *name);
void scrape_cpu(struct scrape *scrape, const char *name);
void scrape_threads_requested(struct scrape *scrape, const char *name);
void scrape_threads_granted(struct scrape *scrape, const char *name);
void scrape_problems(struct scrape *scrape, const char *name);
void scrape_cancellations(struct scrape *scrape, const char *name);
void scrape_commits(struct scrape *scrape, const char *name);

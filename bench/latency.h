#pragma once
/* Latencies in a log-linear histogram: 64 buckets per octave, so percentiles are right within 1.6 %; the maximum is
 * exact. Fixed size, no allocation, one thread. */
#include <stdint.h>

enum { LATENCY_BUCKETS = 4096 };

struct latency {
    uint64_t count;
    uint64_t max_ns;
    uint64_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct latency *latency, uint64_t ns);

/* Upper edge of the bucket that holds the given share (0 … 1) of all latencies, never above the maximum; 0 if empty. */
double latency_percentile_ms(const struct latency *latency, double share);

#include "bench/latency.h"

enum { SUB_BITS = 6, SUB_COUNT = 1 << SUB_BITS };

static unsigned place(uint64_t ns) {
    if (ns < SUB_COUNT) {
        return (unsigned)ns;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - SUB_BITS;
    return (shift << SUB_BITS) + (unsigned)(ns >> shift);
}

/* The largest value that place() puts into this bucket. */
static uint64_t upper_edge(unsigned bucket) {
    if (bucket < 2 * SUB_COUNT) {
        return bucket;
    }
    unsigned shift = (bucket >> SUB_BITS) - 1;
    return ((bucket - ((uint64_t)shift << SUB_BITS) + 1) << shift) - 1;
}

void latency_add(struct latency *latency, uint64_t ns) {
    latency->count++;
    latency->buckets[place(ns)]++;
    if (ns > latency->max_ns) {
        latency->max_ns = ns;
    }
}

double latency_percentile_ms(const struct latency *latency, double share) {
    if (latency->count == 0) {
        return 0;
    }
    uint64_t rank = (uint64_t)(share * (double)(latency->count - 1)) + 1;
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
        seen += latency->buckets[bucket];
        if (seen < rank) {
            continue;
        }
        uint64_t edge = upper_edge(bucket);
        return (double)(edge < latency->max_ns ? edge : latency->max_ns) / 1e6;
    }
    return (double)latency->max_ns / 1e6;
}

#pragma once
/* A CPU load of known size: the last of the triangular numbers n(n+1)/2 for n = 0, 1, … r-1, which is r(r-1)/2, found
 * by computing every one of them. That is the point: the time is proportional to r (about one cycle of the core each),
 * and needs no memory. One range is one task, so a range never uses more than one core.
 *
 * Results are exact: for r up to TRIANGULAR_RANGE_MAX no intermediate value needs more than 64 bits. */
#include "kernels/team.h"

/* n(n+1) for n = 4e9 - 1 is 1.6e19, the largest unsigned 64-bit number 1.8e19. */
#define TRIANGULAR_RANGE_MAX UINT64_C(4000000000)

struct triangular_result {
    uint64_t last; /* 0 where the range is 0: there is no n */
    int core;      /* id of the core on which the loop ended; -1 where the system doesn't say */
};

/* results[i] is that of ranges[i] (up to TRIANGULAR_RANGE_MAX), for i < count. team->chunk is in ranges; 0 is 1, but
 * with TEAM_STATIC each thread gets one contiguous run of ranges then. The cancel flag is polled within a
 * range as well, about every quarter of a millisecond. On KERNEL_CANCELLED some results aren't written, or are too
 * small. */
enum kernel_status triangular(const uint64_t *ranges, struct triangular_result *results, size_t count,
                              const struct team *team, const struct progress *progress)
    __attribute__((warn_unused_result));

/* The last number of one range, from the formula: for those who need the result without the load. */
uint64_t triangular_last(uint64_t range);

/* Predicted time of one range on one thread, in nanoseconds. */
uint64_t triangular_cost_ns(uint64_t range);

#pragma once
/* The rounds of tests of many. Sanitizers take ten times the time, and look for what goes wrong in most rounds or in
 * none: a third is enough for them, drawn by chance, so that nothing that a round's number chooses is left out for
 * good. */
#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LONGEST_STRIDE = 5 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { LONGEST_STRIDE = 5 };
#else
enum { LONGEST_STRIDE = 1 };
#endif
#else
enum { LONGEST_STRIDE = 1 };
#endif

/* The round behind one. For one thread. */
static inline size_t next_round(size_t round) {
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return round + 1 + (state >> 16) % LONGEST_STRIDE;
}

#pragma once
/* From one round of a test of many to the next that is run. Sanitizers take ten times the time, and look for what goes
 * wrong in most rounds or in none: a third is enough for them. No multiple of three may choose what a round is about
 * there. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { ROUND_STRIDE = 3 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { ROUND_STRIDE = 3 };
#else
enum { ROUND_STRIDE = 1 };
#endif
#else
enum { ROUND_STRIDE = 1 };
#endif

#pragma once
/* Internal to kernels/wordcount/search. Keys of runs (wordcount_table.h) and their places, KEYS_WORDS runs at a time.
 */
#include "kernels/wordcount/search/wordcount_avx512.h"

#if HAS_AVX512
enum { KEYS_WORDS = 8 };

/* Runs whose keys are computed before they are looked up: what is done of one run waits for nothing of another, and one
 * kind of work at a time lets the processor see further ahead (both together take 1.5 times as long, bench/texts). */
enum { KEYS_AHEAD = 32 * KEYS_WORDS };

/* Of `count` runs, a multiple of KEYS_WORDS, both halves of their keys; and of the first half alone, which is all of a
 * run that is shorter. `edges` of the runs are places in `bytes`, from each of which 16 bytes, or eight, are readable.
 */
void keys_avx512(uint64_t multiplier, const uint8_t *bytes, const uint16_t *edges, size_t count, uint64_t *low,
                 uint64_t *high, uint16_t *places);
void keys_brief_avx512(uint64_t multiplier, const uint8_t *bytes, const uint16_t *edges, size_t count, uint64_t *low,
                       uint16_t *places);
#endif

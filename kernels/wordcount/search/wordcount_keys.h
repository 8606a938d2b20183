#pragma once
/* Internal to kernels/wordcount/search. Keys of runs (wordcount_runs.h), by which the tables know them, and their
 * places there.
 *
 * A key is a run's first bytes, as they are in memory, but with the bit turned that a space has: so none of them is
 * zero, for no run has a space in it, and zeros behind the run say how long it is. Its place is the first bits of its
 * product with some odd number; of a key of two words, of their sum. */
#include "kernels/wordcount/search/wordcount_avx512.h"

#define KEYS_SPACES UINT64_C(0x2020202020202020)
enum { KEYS_PLACE_BITS = 12 };

/* The sieve: a bit for each eight neighbouring places, set where one of them is taken. So it tells most runs that are
 * no needle, all but an eighth with 64 needles. It is as long as a vector, so that eight keys are asked about at once.
 */
enum { KEYS_SIEVE_WORDS = 8 };

static inline void keys_sieve_add(uint64_t sieve[KEYS_SIEVE_WORDS], uint64_t product) {
    sieve[product >> 61] |= UINT64_C(1) << (product >> 55 & 63);
}

/* With AVX-512, KEYS_WORDS runs at a time. */
#if HAS_AVX512
enum { KEYS_WORDS = 8 };

/* Runs whose keys are computed before they are looked up: what is done of one run waits for nothing of another, and one
 * kind of work at a time lets the processor see further ahead (both together take 1.5 times as long; 256 at a
 * time, with which a block of English takes two turns, a twentieth longer: bench/texts). */
enum { KEYS_AHEAD = 56 * KEYS_WORDS };

/* Of `count` runs, a multiple of KEYS_WORDS, both halves of their keys, and their places. `edges` of the runs are
 * places in `bytes`, from each of which 16 bytes are readable. */
void keys_avx512(uint64_t multiplier, const uint8_t *bytes, const uint16_t *edges, size_t count, uint64_t *low,
                 uint64_t *high, uint16_t *places);

/* Of the first half alone, which is all of a run that is shorter; only eight bytes have to be readable. */
void keys_brief_avx512(uint64_t multiplier, const uint8_t *bytes, const uint16_t *edges, size_t count, uint64_t *low,
                       uint16_t *places);

/* As keys_brief_avx512, but with a bit for each run that the sieve lets through, 64 to a word, in place of places;
 * zeros behind the last. */
void keys_sift_avx512(uint64_t multiplier, const uint64_t sieve[KEYS_SIEVE_WORDS], const uint8_t *bytes,
                      const uint16_t *edges, size_t count, uint64_t *low, uint64_t *pass);
#endif

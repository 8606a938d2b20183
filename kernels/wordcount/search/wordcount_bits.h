#pragma once
/* Internal to kernels/wordcount/search. Truth values of a block's bytes as bits of words, where they can be added and
 * shifted, and the places of those that are set. */
#include "kernels/wordcount/search/wordcount_avx512.h"

#include <stddef.h>
#include <stdint.h>

/* Room for the places of `bytes` bits, of which more are written than there are. */
#define BITS_ROOM(bytes) ((bytes) + 64)

/* Bit i of `bits` becomes bit `which` of flags[i]; `groups` times 64 of them. */
void bits_gather(const uint8_t *flags, unsigned which, size_t groups, uint64_t *bits);

/* Writes the places of the bits that are set, in order; returns their number. */
size_t bits_list(const uint64_t *bits, size_t groups, uint16_t *places);

/* The same with AVX-512, where the processor has it; the above ask. */
#if HAS_AVX512
void bits_gather_avx512(const uint8_t *flags, unsigned which, size_t groups, uint64_t *bits);
size_t bits_list_avx512(const uint64_t *bits, size_t groups, uint16_t *places);
#endif

/* The same in portable C. */
void bits_gather_portable(const uint8_t *flags, unsigned which, size_t groups, uint64_t *bits);
size_t bits_list_portable(const uint64_t *bits, size_t groups, uint16_t *places);

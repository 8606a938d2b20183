#pragma once
/* Internal to kernels/wordcount/search. Truth values of a block's bytes as bits of words, where they can be added and
 * shifted, and the places of those that are set. */
#include "kernels/wordcount/search/wordcount_scan.h"

/* A block and what of the bytes behind it is looked at, in words of 64 bits. */
enum { BITS_GROUPS = SCAN_BLOCK / 64 + 1, BITS_BYTES = 64 * BITS_GROUPS };

/* Room for the places of `bytes` bits, of which more are written than there are. */
#define BITS_ROOM(bytes) ((bytes) + 64)

/* Bit i of `bits` becomes bit `which` of flags[i]; `groups` times 64 of them. */
void bits_gather(const uint8_t *flags, unsigned which, size_t groups, uint64_t *bits);

/* Writes the places of the bits that are set, in order; returns their number. */
size_t bits_list(const uint64_t *bits, size_t groups, uint16_t *places);

/* The same where the processor has AVX512_VBMI2; the above ask. */
#if defined(__x86_64__) && defined(__GNUC__)
#define BITS_HAS_VBMI2 1
void bits_gather_vbmi2(const uint8_t *flags, unsigned which, size_t groups, uint64_t *bits);
size_t bits_list_vbmi2(const uint64_t *bits, size_t groups, uint16_t *places);
#else
#define BITS_HAS_VBMI2 0
#endif

/* The same in portable C. */
void bits_gather_portable(const uint8_t *flags, unsigned which, size_t groups, uint64_t *bits);
size_t bits_list_portable(const uint64_t *bits, size_t groups, uint16_t *places);

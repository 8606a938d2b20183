#pragma once
/* Sixteen bytes at a time in GCC's portable vectors: what every x86-64 (and aarch64) does in one instruction.
 * Comparisons give 0xFF for true, 0 for false. */
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef uint8_t byte_vector __attribute__((vector_size(16)));
typedef uint64_t word_vector __attribute__((vector_size(16)));

enum { VECTOR_BYTES = sizeof(byte_vector) };

static inline byte_vector vector_load(const char *bytes) {
    byte_vector vector;
    memcpy(&vector, bytes, sizeof vector);
    return vector;
}

/* The first `length` < 16 bytes, then `filler`. */
static inline byte_vector vector_load_part(const char *bytes, size_t length, char filler) {
    char padded[VECTOR_BYTES];
    memset(padded, filler, sizeof padded);
    for (size_t i = 0; i < length; i++) {
        padded[i] = bytes[i];
    }
    return vector_load(padded);
}

static inline void vector_store(char *bytes, byte_vector vector) {
    memcpy(bytes, &vector, sizeof vector);
}

static inline byte_vector vector_of(uint8_t byte) {
    return (byte_vector){0} + byte;
}
static inline byte_vector vector_equal(byte_vector vector, uint8_t byte) {
    return (byte_vector)(vector == vector_of(byte));
}
static inline byte_vector vector_at_least(byte_vector vector, uint8_t byte) {
    return (byte_vector)(vector >= vector_of(byte));
}
static inline byte_vector vector_below(byte_vector vector, uint8_t byte) {
    return (byte_vector)(vector < vector_of(byte));
}

/* Bit i is set where byte i is 0xFF; bytes are 0 or 0xFF. */
static inline unsigned vector_mask(byte_vector vector) {
#ifdef __SSE2__
    return (unsigned)_mm_movemask_epi8((__m128i)vector); /* text is scanned twice as fast with it */
#else
    word_vector words = (word_vector)vector;
    uint64_t low = (le64toh(words[0]) & 0x8040201008040201) * 0x0101010101010101 >> 56;
    uint64_t high = (le64toh(words[1]) & 0x8040201008040201) * 0x0101010101010101 >> 56;
    return (unsigned)(low | high << 8);
#endif
}

static inline bool vector_any(byte_vector vector) {
    return vector_mask(vector) != 0;
}

/* Index of the first byte that isn't 0; there is one. */
static inline size_t vector_first(byte_vector vector) {
    return (size_t)__builtin_ctz(vector_mask(vector));
}

/* 64 bytes: a word has a bit for each. */
enum { STRIDE_BYTES = 4 * VECTOR_BYTES };

/* The bits of a stride's bytes that equal `byte`. */
static inline uint64_t stride_equal(const byte_vector stride[4], uint8_t byte) {
    uint64_t mask = 0;
    for (unsigned i = 4; i-- > 0;) {
        mask = mask << VECTOR_BYTES | vector_mask(vector_equal(stride[i], byte));
    }
    return mask;
}

#pragma once
/* Internal to kernels/wordcount/search. Bytes compared into masks, for processors with AVX-512: no truth value is ever
 * a byte. What stands before or after a byte is a matter of shifting bits, from the group of 64 bytes before as well.
 * For files of their own, which ask avx512_can before they are called. */
#include "kernels/wordcount/search/wordcount_space.h"

#include <stdbool.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_AVX512 1
#include <immintrin.h>

static inline bool avx512_can(void) {
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512vbmi2");
}

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt")))
#define TARGET_INLINE TARGET static inline __attribute__((always_inline))

TARGET_INLINE uint64_t avx512_equal(__m512i bytes, uint8_t value) {
    return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8((char)value));
}

/* low <= byte < low + count */
TARGET_INLINE uint64_t avx512_within(__m512i bytes, uint8_t low, uint8_t count) {
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8((char)low)), _mm512_set1_epi8((char)count));
}

/* Bits moved to the byte after, or before; `other`: of the group that is on that side. */
TARGET_INLINE uint64_t avx512_after(uint64_t bits, uint64_t other) {
    return bits << 1 | other >> 63;
}

TARGET_INLINE uint64_t avx512_before(uint64_t bits, uint64_t other) {
    return bits >> 1 | other << 63;
}

/* Bits of bytes that may begin white space, and of what they may go on with, as left by the group before. */
struct space_carry {
    uint64_t c2, e1, e2, e3, e1_9a, e2_80, e2_81, e3_80;
};

/* Of white space of several bytes the last one, two (second) and three (third) bytes long. */
TARGET_INLINE void avx512_mark_spaces(__m512i bytes, struct space_carry *carry, uint64_t *second, uint64_t *third) {
    uint64_t b80 = avx512_equal(bytes, 0x80);
    struct space_carry now = {.c2 = avx512_equal(bytes, 0xc2),
                              .e1 = avx512_equal(bytes, 0xe1),
                              .e2 = avx512_equal(bytes, 0xe2),
                              .e3 = avx512_equal(bytes, 0xe3)};
    now.e1_9a = avx512_after(now.e1, carry->e1) & avx512_equal(bytes, 0x9a);
    now.e2_80 = avx512_after(now.e2, carry->e2) & b80;
    now.e2_81 = avx512_after(now.e2, carry->e2) & avx512_equal(bytes, 0x81);
    now.e3_80 = avx512_after(now.e3, carry->e3) & b80;
    *second = avx512_after(now.c2, carry->c2) & (avx512_equal(bytes, 0x85) | avx512_equal(bytes, 0xa0));
    uint64_t general = avx512_within(bytes, 0x80, 0x0b) | avx512_within(bytes, 0xa8, 2) | avx512_equal(bytes, 0xaf);
    *third = (avx512_after(now.e2_80, carry->e2_80) & general) |
             (avx512_after(now.e2_81, carry->e2_81) & avx512_equal(bytes, 0x9f)) |
             ((avx512_after(now.e1_9a, carry->e1_9a) | avx512_after(now.e3_80, carry->e3_80)) & b80);
    *carry = now;
}

TARGET_INLINE uint64_t avx512_may_begin(__m512i bytes) {
    return avx512_equal(bytes, 0xc2) | avx512_within(bytes, 0xe1, 3);
}

#define AVX512_LAST UINT64_C(0x8000000000000000)

/* As if a group with these two bytes at its end had been before. */
TARGET_INLINE struct space_carry avx512_begin_spaces(const uint8_t *left) {
    uint8_t a = left[-1], b = left[0];
    return (struct space_carry){.c2 = b == 0xc2 ? AVX512_LAST : 0,
                                .e1 = b == 0xe1 ? AVX512_LAST : 0,
                                .e2 = b == 0xe2 ? AVX512_LAST : 0,
                                .e3 = b == 0xe3 ? AVX512_LAST : 0,
                                .e1_9a = a == 0xe1 && b == 0x9a ? AVX512_LAST : 0,
                                .e2_80 = a == 0xe2 && b == 0x80 ? AVX512_LAST : 0,
                                .e2_81 = a == 0xe2 && b == 0x81 ? AVX512_LAST : 0,
                                .e3_80 = a == 0xe3 && b == 0x80 ? AVX512_LAST : 0};
}

#else
#define HAS_AVX512 0
#endif

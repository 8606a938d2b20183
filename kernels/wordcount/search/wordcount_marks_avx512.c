/* Marks from compares into masks: half of the portable version's time in Cyrillic (0.16 against 0.34 ns per byte), two
 * thirds in ASCII (bench/texts).
 *
 * What the bytes of a character are is known at its last one, from bits of those before it that are shifted on, and
 * shifted back to them afterwards. */
#include "kernels/wordcount/search/wordcount_marks.h"

#include "kernels/wordcount/search/wordcount_avx512.h"

#if HAS_AVX512
/* Bytes behind what is marked. */
#define BEHIND (UINT64_MAX << MARKS_MORE)

TARGET_INLINE __m512i load_group(const uint8_t *at, size_t g, size_t groups) {
    __mmask64 readable = g + 1 < groups ? UINT64_MAX : (UINT64_C(1) << MARKS_AHEAD) - 1;
    return _mm512_maskz_loadu_epi8(readable, at + 64 * g);
}

TARGET void marks_exact_avx512(struct marks *marks, size_t groups, const uint8_t *at) {
    uint64_t lines[MARKS_GROUPS + 1], returns[MARKS_GROUPS];
    for (size_t g = 0; g < groups; g++) {
        __m512i bytes = load_group(at, g, groups);
        lines[g] = avx512_equal(bytes, '\n');
        returns[g] = avx512_equal(bytes, '\r');
        marks->separators[g] = lines[g] | avx512_equal(bytes, ' ');
    }
    lines[groups] = 0;
    for (size_t g = 0; g < groups; g++) {
        marks->separators[g] |= returns[g] & avx512_before(lines[g], lines[g + 1]);
    }
    marks->separators[groups - 1] |= BEHIND;
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

TARGET void marks_words_avx512(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at) {
    uint64_t wide = space_may_begin(left[0]) | space_may_begin(left[-1]);
    for (size_t g = 0; g < groups; g++) {
        __m512i bytes = load_group(at, g, groups);
        marks->separators[g] = avx512_within(bytes, '\t', 5) | avx512_equal(bytes, ' ');
        wide |= avx512_may_begin(bytes);
    }
    if (wide) {
        uint64_t second[MARKS_GROUPS + 1], third[MARKS_GROUPS + 1];
        struct space_carry carry = avx512_begin_spaces(left);
        for (size_t g = 0; g < groups; g++) {
            avx512_mark_spaces(load_group(at, g, groups), &carry, &second[g], &third[g]);
        }
        second[groups] = third[groups] = 0;
        for (size_t g = 0; g < groups; g++) {
            uint64_t ends = second[g] | third[g], next = second[g + 1] | third[g + 1];
            marks->separators[g] |= ends | avx512_before(ends, next) | third[g] >> 2 | third[g + 1] << 62;
        }
    }
    marks->separators[groups - 1] |= BEHIND;
}

/* ---- letters ---------------------------------------------------------------------------------------------------- */

/* Bits of the group before. */
struct letter_carry {
    uint64_t d0, d1, c2, e2, e2_80;
};

/* Last bytes of letters and of signs that are known. */
struct known {
    uint64_t letters, signs_two, signs_three;
};

TARGET_INLINE struct known mark_known(__m512i bytes, struct letter_carry *carry) {
    struct letter_carry now = {.d0 = avx512_equal(bytes, 0xd0),
                               .d1 = avx512_equal(bytes, 0xd1),
                               .c2 = avx512_equal(bytes, 0xc2),
                               .e2 = avx512_equal(bytes, 0xe2)};
    uint64_t goes_on = avx512_within(bytes, 0x80, 0x40), low = avx512_within(bytes, 0x80, 0x20);
    now.e2_80 = avx512_after(now.e2, carry->e2) & avx512_equal(bytes, 0x80);
    struct known known = {
        .letters = (avx512_after(now.d0, carry->d0) & goes_on) | (avx512_after(now.d1, carry->d1) & low),
        .signs_two = avx512_after(now.c2, carry->c2) & goes_on &
                     ~(avx512_equal(bytes, 0xaa) | avx512_equal(bytes, 0xb5) | avx512_equal(bytes, 0xba)),
        .signs_three = avx512_after(now.e2_80, carry->e2_80) & goes_on,
    };
    *carry = now;
    return known;
}

/* Small letters: U+0410 to U+042F are 20 below them, U+0400 to U+040F 50. What the second byte is moved by is a matter
 * of its upper half. */
TARGET_INLINE __m512i lower_cyrillic(__m512i bytes, __m512i next, uint64_t second_of_d0) {
    const __m512i moves = _mm512_set4_epi32(0, 0x00e02010, 0, 0);
    __m512i upper = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), _mm512_set1_epi8(0x0f));
    __m512i moved = _mm512_mask_add_epi8(bytes, second_of_d0, bytes, _mm512_shuffle_epi8(moves, upper));
    uint64_t row =
        _mm512_cmpeq_epi8_mask(_mm512_and_si512(next, _mm512_set1_epi8((char)0xd0)), _mm512_set1_epi8((char)0x80));
    return _mm512_mask_add_epi8(moved, avx512_equal(bytes, 0xd0) & row, bytes, _mm512_set1_epi8(1));
}

TARGET void marks_letters_avx512(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at) {
    uint64_t lines[MARKS_GROUPS + 1], returns[MARKS_GROUPS], high[MARKS_GROUPS], any = 0;
    for (size_t g = 0; g < groups; g++) {
        __m512i bytes = load_group(at, g, groups);
        uint64_t capitals = avx512_within(bytes, 'A', 26);
        __m512i lower = _mm512_mask_add_epi8(bytes, capitals, bytes, _mm512_set1_epi8('a' - 'A'));
        _mm512_storeu_si512(marks->lower + 64 * g, lower);
        lines[g] = avx512_equal(bytes, '\n');
        returns[g] = avx512_equal(bytes, '\r');
        marks->separators[g] = lines[g] | avx512_equal(bytes, ' ');
        marks->letters[g] = avx512_within(lower, 'a', 26);
        marks->unknown[g] = high[g] = (uint64_t)_mm512_movepi8_mask(bytes);
        any |= high[g];
    }
    lines[groups] = 0;
    for (size_t g = 0; g < groups; g++) {
        marks->separators[g] |= returns[g] & avx512_before(lines[g], lines[g + 1]);
    }
    if (any) {
        struct letter_carry carry = {.d0 = left[0] == 0xd0 ? AVX512_LAST : 0,
                                     .d1 = left[0] == 0xd1 ? AVX512_LAST : 0,
                                     .c2 = left[0] == 0xc2 ? AVX512_LAST : 0,
                                     .e2 = left[0] == 0xe2 ? AVX512_LAST : 0,
                                     .e2_80 = left[-1] == 0xe2 && left[0] == 0x80 ? AVX512_LAST : 0};
        struct known known[MARKS_GROUPS + 1];
        for (size_t g = 0; g < groups; g++) {
            __m512i bytes = load_group(at, g, groups), lower = _mm512_loadu_si512(marks->lower + 64 * g);
            uint64_t d0_before = carry.d0;
            known[g] = mark_known(bytes, &carry);
            __mmask64 readable = g + 1 < groups ? UINT64_MAX : (UINT64_C(1) << (MARKS_AHEAD - 1)) - 1;
            __m512i next = _mm512_maskz_loadu_epi8(readable, at + 64 * g + 1);
            _mm512_storeu_si512(marks->lower + 64 * g, lower_cyrillic(lower, next, avx512_after(carry.d0, d0_before)));
        }
        known[groups] = (struct known){0};
        for (size_t g = 0; g < groups; g++) {
            const struct known *now = &known[g], *next = &known[g + 1];
            uint64_t letters = now->letters | avx512_before(now->letters, next->letters);
            uint64_t ends = now->signs_two | now->signs_three, next_ends = next->signs_two | next->signs_three;
            uint64_t signs = ends | avx512_before(ends, next_ends) | now->signs_three >> 2 | next->signs_three << 62;
            marks->letters[g] |= letters;
            marks->unknown[g] = high[g] & ~(letters | signs);
        }
    }
    const size_t end = groups - 1;
    marks->letters[end] &= ~BEHIND;
    marks->separators[end] &= ~BEHIND;
    marks->unknown[end] |= BEHIND;
}
#endif

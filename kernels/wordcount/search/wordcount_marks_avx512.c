/* Marks from compares into masks: a third to a half of the portable version's time in Cyrillic (letters 0.10 against
 * 0.34 ns per byte), two thirds in ASCII (bench/texts).
 *
 * What the bytes of a character are is known at its first one: from the bytes behind it, which are loaded once more,
 * each a byte further. It is moved on to them as bits. Compares narrow each other down in mask registers, for to move a
 * mask out of one takes two cycles. */
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

/* ---- characters of several bytes --------------------------------------------------------------------------------- */

/* Tables by the last six bits of a byte that goes on a character. */
typedef uint8_t by_last_bits[64];

/* `count` bytes of a group, from `offset` on. */
TARGET_INLINE __m512i load_some(const uint8_t *group, int offset, size_t count) {
    __mmask64 readable = count < 64 ? (UINT64_C(1) << count) - 1 : UINT64_MAX;
    return _mm512_maskz_loadu_epi8(readable, group + offset);
}

TARGET_INLINE __m512i of_last_bits(const by_last_bits table, __m512i bytes) {
    return _mm512_permutexvar_epi8(bytes, _mm512_loadu_si512(table));
}

TARGET_INLINE uint64_t avx512_goes_on(__m512i bytes) {
    return _mm512_cmplt_epi8_mask(bytes, _mm512_set1_epi8(-0x40));
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

/* White space of several bytes (wordcount_space.h), a bit for each way to begin: E2 80, E2 81, E1 9A, E3 80, C2. What a
 * first byte, a second and a third one may be part of: what all are part of is white space. */
static const by_last_bits space_firsts = {[0x21] = 4, [0x22] = 1 | 2, [0x23] = 8, [0x02] = 16};
static const by_last_bits space_seconds = {[0x00] = 1 | 8, [0x01] = 2, [0x1a] = 4, [0x05] = 16, [0x20] = 16};
static const by_last_bits space_thirds = {
    [0x00] = 1 | 4 | 8, [0x01 ... 0x0a] = 1, [0x28 ... 0x29] = 1, [0x2f] = 1, [0x1f] = 2};

/* First bytes of white space that begins in a group. */
struct space_starts {
    uint64_t all, three; /* of several bytes, of three */
};

TARGET_INLINE struct space_starts find_spaces(const uint8_t *group, size_t count) {
    __m512i bytes = load_some(group, 0, count), next = load_some(group, 1, count),
            third = load_some(group, 2, count - 1);
    __m512i begun = _mm512_and_si512(of_last_bits(space_firsts, bytes), of_last_bits(space_seconds, next));
    __mmask64 begins = _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)0xc0));
    begins = _mm512_mask_cmplt_epi8_mask(begins, next, _mm512_set1_epi8(-0x40));
    __mmask64 goes_on = _mm512_mask_cmplt_epi8_mask(begins, third, _mm512_set1_epi8(-0x40));
    __mmask64 two = _mm512_mask_test_epi8_mask(begins, begun, _mm512_set1_epi8(16));
    __mmask64 three = _mm512_mask_test_epi8_mask(goes_on, _mm512_and_si512(begun, of_last_bits(space_thirds, third)),
                                                 _mm512_set1_epi8(15));
    return (struct space_starts){_kor_mask64(two, three), three};
}

TARGET void marks_words_avx512(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at) {
    uint64_t wide = space_may_begin(left[0]) | space_may_begin(left[-1]);
    for (size_t g = 0; g < groups; g++) {
        __m512i bytes = load_group(at, g, groups);
        marks->separators[g] = avx512_within(bytes, '\t', 5) | avx512_equal(bytes, ' ');
        wide |= avx512_may_begin(bytes);
    }
    if (wide) {
        bool two = space_two(left[0], at[0]), three = space_three(left[0], at[0], at[1]);
        uint64_t all = two || three ? AVX512_LAST : 0, long_ones = three ? AVX512_LAST : 0;
        long_ones |= space_three(left[-1], left[0], at[0]) ? AVX512_LAST >> 1 : 0;
        for (size_t g = 0; g < groups; g++) {
            struct space_starts now = find_spaces(at + 64 * g, g + 1 < groups ? 64 + 1 : MARKS_AHEAD - 1);
            marks->separators[g] |= now.all | avx512_after(now.all, all) | now.three << 2 | long_ones >> 62;
            all = now.all;
            long_ones = now.three;
        }
    }
    marks->separators[groups - 1] |= BEHIND;
}

/* ---- letters ---------------------------------------------------------------------------------------------------- */

/* What stays of a first byte if it may be the first one of a known letter with this second one: U+0400 to U+043F begin
 * with D0, U+0440 to U+045F with D1, which is made D0. */
static const by_last_bits letter_firsts = {[0x00 ... 0x1f] = 0xfe, [0x20 ... 0x3f] = 0xff};

/* The same for signs of U+0080 to U+00BF. */
static const by_last_bits sign_firsts = {
    [0x00 ... 0x29] = 0xff, [0x2b ... 0x34] = 0xff, [0x36 ... 0x39] = 0xff, [0x3b ... 0x3f] = 0xff};

/* What the second byte of a letter that begins with D0 is moved by to be a small one's. */
static const by_last_bits small_seconds = {
    [0x00 ... 0x0f] = 0x10, [0x10 ... 0x1f] = 0x20, [0x20 ... 0x2f] = (uint8_t)-0x20};

/* First bytes in the group before: of letters, of signs, and of signs of three bytes. */
struct letter_carry {
    uint64_t letters, signs, long_signs;
};

/* Whether there is anything but ASCII. */
TARGET_INLINE bool any_wide(const uint8_t *left, const uint8_t *at, size_t groups) {
    __m512i all = load_group(at, groups - 1, groups);
    for (size_t g = 0; g + 1 < groups; g++) {
        all = _mm512_or_si512(all, _mm512_loadu_si512(at + 64 * g));
    }
    return _mm512_movepi8_mask(all) != 0 || left[0] >= 0x80 || left[-1] >= 0x80;
}

/* What separates words, each where its last bits say: a byte that equals its entry is one, with a compare less than for
 * each (2 to 3 %). The first entry is none of that place. */
static const by_last_bits separators = {[0] = 1, ['\n'] = '\n', [' '] = ' '};

/* Adds to what is marked of ASCII. */
TARGET_INLINE void mark_wide(struct marks *marks, size_t g, const uint8_t *group, size_t count, __m512i bytes,
                             __m512i next, struct letter_carry *carry) {
    const __m512i d0 = _mm512_set1_epi8((char)0xd0);
    __m512i lower = _mm512_loadu_si512(marks->lower + 64 * g), before = load_some(group, -1, count);
    __mmask64 next_goes_on = avx512_goes_on(next);
    __mmask64 letters =
        _mm512_mask_cmpeq_epi8_mask(next_goes_on, _mm512_and_si512(bytes, of_last_bits(letter_firsts, next)), d0);
    __mmask64 signs = _mm512_mask_cmpeq_epi8_mask(
        next_goes_on, _mm512_and_si512(bytes, of_last_bits(sign_firsts, next)), _mm512_set1_epi8((char)0xc2));
    __mmask64 long_signs = _mm512_mask_cmpeq_epi8_mask(avx512_equal(bytes, 0xe2), next, _mm512_set1_epi8((char)0x80));
    long_signs = _mm512_mask_cmplt_epi8_mask(long_signs, load_some(group, 2, count - 1), _mm512_set1_epi8(-0x40));
    __mmask64 second_of_d0 = _mm512_mask_cmpeq_epi8_mask(avx512_goes_on(bytes), before, d0);
    lower = _mm512_mask_add_epi8(lower, second_of_d0, lower, of_last_bits(small_seconds, bytes));
    _mm512_storeu_si512(marks->lower + 64 * g, _mm512_mask_mov_epi8(lower, letters, d0));
    struct letter_carry now = {letters, signs | long_signs, long_signs};
    marks->letters[g] |= now.letters | avx512_after(now.letters, carry->letters);
    uint64_t known = now.signs | avx512_after(now.signs, carry->signs) | now.long_signs << 2 | carry->long_signs >> 62;
    marks->unknown[g] = (uint64_t)_mm512_movepi8_mask(bytes) & ~(marks->letters[g] | known);
    *carry = now;
}

/* count: bytes of the group that are readable, and one more. */
TARGET_INLINE void mark_group(struct marks *marks, size_t g, const uint8_t *group, size_t count, bool wide,
                              struct letter_carry *carry) {
    __m512i bytes = load_some(group, 0, count), next = load_some(group, 1, count);
    __mmask64 ends = _mm512_mask_cmpeq_epi8_mask(avx512_equal(bytes, '\r'), next, _mm512_set1_epi8('\n'));
    __m512i small = _mm512_or_si512(bytes, _mm512_set1_epi8('a' - 'A'));
    __mmask64 letters = avx512_within(small, 'a', 26);
    marks->separators[g] = _kor_mask64(_mm512_cmpeq_epi8_mask(bytes, of_last_bits(separators, bytes)), ends);
    marks->letters[g] = letters;
    marks->unknown[g] = 0;
    _mm512_storeu_si512(marks->lower + 64 * g, _mm512_mask_mov_epi8(bytes, letters, small));
    if (wide) {
        mark_wide(marks, g, group, count, bytes, next, carry);
    }
}

TARGET_INLINE void mark_letters(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at, bool wide) {
    bool sign = left[0] == 0xc2 && chars_continues(at[0]) && at[0] != 0xaa && at[0] != 0xb5 && at[0] != 0xba;
    bool begun = left[0] == 0xe2 && at[0] == 0x80 && chars_continues(at[1]);
    bool ends = left[-1] == 0xe2 && left[0] == 0x80 && chars_continues(at[0]);
    struct letter_carry carry = {.letters = marks_cyrillic(left[0], at[0]) ? AVX512_LAST : 0,
                                 .signs = sign || begun ? AVX512_LAST : 0,
                                 .long_signs = (begun ? AVX512_LAST : 0) | (ends ? AVX512_LAST >> 1 : 0)};
    const size_t last = groups - 1;
    for (size_t g = 0; g < last; g++) {
        mark_group(marks, g, at + 64 * g, 64 + 1, wide, &carry);
    }
    mark_group(marks, last, at + 64 * last, MARKS_AHEAD - 1, wide, &carry);
    marks->letters[last] &= ~BEHIND;
    marks->separators[last] &= ~BEHIND;
    marks->unknown[last] |= BEHIND;
}

TARGET void marks_letters_avx512(struct marks *marks, size_t groups, const uint8_t *left, const uint8_t *at) {
    if (any_wide(left, at, groups)) {
        mark_letters(marks, groups, left, at, true);
    } else {
        mark_letters(marks, groups, left, at, false);
    }
}
#endif

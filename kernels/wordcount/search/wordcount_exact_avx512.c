/* WORDCOUNT_EXACT and WORDCOUNT_WORDS for needles that are all prefix, 64 bytes of text at a time. What has matched so
 * far is a bit at its last byte, moved on by one for each byte of the needle: so the text is loaded once, and what is
 * next to a byte isn't loaded again. Behind the text's end all is zeros, and one bit says where it is. */
#include "kernels/wordcount/search/wordcount_exact_avx512.h"

#if HAS_AVX512
#include <string.h>

enum { GROUP = 64 };

/* Of the group before. */
struct exact_carry {
    uint64_t separators;           /* their last bytes */
    uint64_t matched[SCAN_PREFIX]; /* up to each byte of the needle */
    uint64_t live;                 /* a word that goes on here has matched so far; where not, what is of it is old */
    uint64_t behind, one_on;       /* the byte behind all of it, and the one after that */
    uint64_t begins;               /* words: of what may be white space of several bytes */
    struct space_carry spaces;
};

/* What is looked at: a group of the text, where words may start, and where the text ends, if it does. */
struct exact_group {
    __m512i bytes;
    uint64_t wanted, end;
};

/* Compares bytes [first, last) of the needle; returns where those before `last` have matched, at the byte behind. */
TARGET_INLINE uint64_t match_some(const struct scan *scan, unsigned first, unsigned last, __m512i bytes,
                                  uint64_t starts, struct exact_carry *carry) {
    for (unsigned i = first; i < last; i++) {
        uint64_t same = avx512_equal(bytes, scan->prefix[i]);
        __asm__("" : "+r"(same)); /* or the compiler masks the compare, and each waits for the one before */
        uint64_t matched = starts & same;
        starts = avx512_after(matched, carry->matched[i]);
        carry->matched[i] = matched;
    }
    return starts;
}

/* Behind all of the needle's bytes. Where no word begins with the first FEW of them, as is most often, the others
 * aren't compared. */
TARGET_INLINE uint64_t match_bytes(const struct scan *scan, unsigned length, __m512i bytes, uint64_t starts,
                                   struct exact_carry *carry) {
    enum { FEW = 3 };
    if (length <= FEW + 1) {
        return match_some(scan, 0, length, bytes, starts, carry);
    }
    uint64_t few = match_some(scan, 0, FEW, bytes, starts, carry);
    if ((few | carry->live) == 0) {
        return 0;
    }
    uint64_t behind = match_some(scan, FEW, length, bytes, few, carry);
    carry->live = 0;
    for (unsigned i = FEW; i < length; i++) {
        carry->live |= carry->matched[i] >> (GROUP - 1);
    }
    return behind;
}

/* Words end before a space, a line feed or "\r\n"; but a needle's last '\r' is dropped before a line feed. */
TARGET_INLINE uint64_t count_exact(const struct scan *scan, unsigned length, struct exact_group group,
                                   struct exact_carry *carry) {
    uint64_t lines = avx512_equal(group.bytes, '\n'), spaces = avx512_equal(group.bytes, ' ');
    uint64_t starts = avx512_after(spaces | lines, carry->separators) & group.wanted;
    uint64_t behind = match_bytes(scan, length, group.bytes, starts, carry);
    uint64_t before_end = scan->prefix[length - 1] == '\r' ? spaces : spaces | lines;
    uint64_t returns = behind & avx512_equal(group.bytes, '\r');
    uint64_t dropped = avx512_after(returns, carry->behind) & lines;
    carry->separators = spaces | lines;
    carry->behind = returns;
    return (uint64_t)_mm_popcnt_u64(behind & (before_end | group.end)) + (uint64_t)_mm_popcnt_u64(dropped);
}

/* White space of several bytes is asked for where one of these may be its first. */
TARGET_INLINE uint64_t count_words(const struct scan *scan, unsigned length, struct exact_group group,
                                   struct exact_carry *carry) {
    uint64_t one = avx512_within(group.bytes, '\t', 5) | avx512_equal(group.bytes, ' '), second = 0, third = 0;
    uint64_t begins = avx512_may_begin(group.bytes);
    if (begins | carry->begins >> (GROUP - SPACE_BYTES + 1)) {
        avx512_mark_spaces(group.bytes, &carry->spaces, &second, &third);
    }
    uint64_t separators = one | second | third;
    uint64_t starts = avx512_after(separators, carry->separators) & group.wanted;
    uint64_t behind = match_bytes(scan, length, group.bytes, starts, carry);
    uint64_t one_on = avx512_after(behind, carry->behind), two_on = avx512_after(one_on, carry->one_on);
    carry->begins = begins;
    carry->separators = separators;
    carry->behind = behind;
    carry->one_on = one_on;
    return (uint64_t)_mm_popcnt_u64(behind & (one | group.end)) +
           (uint64_t)_mm_popcnt_u64((one_on & second) | (two_on & third));
}

/* As if a group had been before, with the bytes there are, or spaces. */
TARGET_INLINE struct exact_carry begin_carry(const struct scan *scan, bool words, size_t begin) {
    uint8_t left[SPACE_BYTES];
    size_t before = begin < SPACE_BYTES ? begin : SPACE_BYTES;
    memset(left, ' ', sizeof left);
    memcpy(left + SPACE_BYTES - before, scan->text + begin - before, before);
    const uint8_t *last = left + SPACE_BYTES - 1;
    bool separates = words ? space_ends(last) : *last == ' ' || *last == '\n';
    return (struct exact_carry){.separators = separates ? AVX512_LAST : 0,
                                .begins = (space_may_begin(last[0]) ? AVX512_LAST : 0) |
                                          (space_may_begin(last[-1]) ? AVX512_LAST / 2 : 0),
                                .spaces = avx512_begin_spaces(last)};
}

TARGET_INLINE uint64_t low_bits(size_t count) {
    return count < GROUP ? (UINT64_C(1) << count) - 1 : UINT64_MAX;
}

TARGET_INLINE uint64_t count_piece(const struct scan *scan, unsigned length, bool words, size_t begin, size_t end) {
    struct exact_carry carry = begin_carry(scan, words, begin);
    uint64_t found = 0;
    size_t at = begin, stop = scan->length - end < SCAN_AHEAD ? scan->length + 1 : end + SCAN_AHEAD;
    for (; end - at >= GROUP; at += GROUP) {
        struct exact_group group = {_mm512_loadu_si512(scan->text + at), UINT64_MAX, 0};
        found += words ? count_words(scan, length, group, &carry) : count_exact(scan, length, group, &carry);
    }
    for (; at < stop; at += GROUP) {
        size_t rest = scan->length - at;
        struct exact_group group = {_mm512_maskz_loadu_epi8(low_bits(rest), scan->text + at),
                                    at < end ? low_bits(end - at) : 0, rest < GROUP ? UINT64_C(1) << rest : 0};
        found += words ? count_words(scan, length, group, &carry) : count_exact(scan, length, group, &carry);
    }
    return found;
}

/* One copy of the loop per length: what has matched stays in registers. */
TARGET uint64_t exact_piece_avx512(const struct scan *scan, size_t begin, size_t end) {
    switch (scan->prefix_length) {
    case 1:
        return count_piece(scan, 1, false, begin, end);
    case 2:
        return count_piece(scan, 2, false, begin, end);
    case 3:
        return count_piece(scan, 3, false, begin, end);
    case 4:
        return count_piece(scan, 4, false, begin, end);
    case 5:
        return count_piece(scan, 5, false, begin, end);
    case 6:
        return count_piece(scan, 6, false, begin, end);
    case 7:
        return count_piece(scan, 7, false, begin, end);
    default:
        return count_piece(scan, 8, false, begin, end);
    }
}

TARGET uint64_t words_piece_avx512(const struct scan *scan, size_t begin, size_t end) {
    switch (scan->prefix_length) {
    case 1:
        return count_piece(scan, 1, true, begin, end);
    case 2:
        return count_piece(scan, 2, true, begin, end);
    case 3:
        return count_piece(scan, 3, true, begin, end);
    case 4:
        return count_piece(scan, 4, true, begin, end);
    case 5:
        return count_piece(scan, 5, true, begin, end);
    case 6:
        return count_piece(scan, 6, true, begin, end);
    case 7:
        return count_piece(scan, 7, true, begin, end);
    default:
        return count_piece(scan, 8, true, begin, end);
    }
}
#endif

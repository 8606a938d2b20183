/* WORDCOUNT_WORDS. A word equals the needle where white space (or the text's beginning) stands before it, the needle's
 * bytes follow, and white space (or the text's end) stands behind it. The end of a text that is copied is spaces.
 *
 * As in wordcount_exact.c all is compared as vectors. White space of several bytes, which takes many compares, is asked
 * for only in blocks where the needle's bytes stand and a byte beside them may belong to one: so a text without the
 * needle costs nearly the same in any script, and no text more than both. */
#include "kernels/wordcount/search/wordcount_exact_avx512.h"
#include "kernels/wordcount/search/wordcount_prefix.h"

/* *unsure: there may be more, between white space of several bytes. */
KERNEL_INLINE unsigned count_between_ascii(const struct scan *scan, const uint8_t *left, const uint8_t *at,
                                           unsigned length, uint8_t *unsure) {
    uint8_t prefix[SCAN_PREFIX], count = 0, some = 0;
    memcpy(prefix, scan->prefix, sizeof prefix);
    for (size_t i = 0; i < SCAN_BLOCK; i++) {
        uint8_t before = left[i], after = at[i + length];
        uint8_t same = prefix_same(at + i, prefix, length);
        uint8_t starts = space_one(before), ends = space_one(after);
        uint8_t maybe = same & (starts | space_may_end(before)) & (ends | space_may_begin(after));
        count = (uint8_t)(count + (same & starts & ends));
        some |= maybe & ((starts & ends) ^ 1);
    }
    *unsure = some;
    return count;
}

KERNEL_INLINE unsigned count_whole(const struct scan *scan, const uint8_t *left, const uint8_t *at, unsigned length) {
    uint8_t prefix[SCAN_PREFIX], count = 0, unsure;
    unsigned sure = count_between_ascii(scan, left, at, length, &unsure);
    if (!unsure) {
        return sure;
    }
    memcpy(prefix, scan->prefix, sizeof prefix);
    for (size_t i = 0; i < SCAN_BLOCK; i++) {
        uint8_t same = prefix_same(at + i, prefix, length);
        count = (uint8_t)(count + (space_ends(left + i) & same & space_begins(at + i + length)));
    }
    return count;
}

KERNEL_INLINE bool mark_prefix(const struct scan *scan, const uint8_t *left, const uint8_t *at,
                               uint8_t *restrict maybe) {
    uint8_t prefix[SCAN_PREFIX], any = 0, unsure = 0;
    memcpy(prefix, scan->prefix, sizeof prefix);
    for (size_t i = 0; i < SCAN_BLOCK; i++) {
        uint8_t same = prefix_same(at + i, prefix, SCAN_PREFIX);
        maybe[i] = same & space_one(left[i]);
        any |= maybe[i];
        unsure |= same & space_may_end(left[i]);
    }
    if (!unsure) {
        return any;
    }
    for (size_t i = 0; i < SCAN_BLOCK; i++) {
        maybe[i] = prefix_same(at + i, prefix, SCAN_PREFIX) & space_ends(left + i);
        any |= maybe[i];
    }
    return any;
}

/* One copy of the loops per length, so that the compares are straight-line code. */
KERNEL_CLONES
static unsigned words_judge(const struct scan *scan, const uint8_t *left, const uint8_t *at, uint8_t *restrict maybe,
                            bool *any) {
    *any = false;
    switch (scan->whole ? scan->prefix_length : 0) {
    case 1:
        return count_whole(scan, left, at, 1);
    case 2:
        return count_whole(scan, left, at, 2);
    case 3:
        return count_whole(scan, left, at, 3);
    case 4:
        return count_whole(scan, left, at, 4);
    case 5:
        return count_whole(scan, left, at, 5);
    case 6:
        return count_whole(scan, left, at, 6);
    case 7:
        return count_whole(scan, left, at, 7);
    case 8:
        return count_whole(scan, left, at, 8);
    default:
        *any = mark_prefix(scan, left, at, maybe);
        return 0;
    }
}

/* The prefix is known to match. */
static bool words_verify(const struct scan *scan, size_t start) {
    return prefix_goes_on(scan, start) && scan_words_ends(scan->text, scan->length, start + scan->word_length);
}

void scan_init_words(struct scan *scan, const uint8_t *word, size_t word_length, const atomic_bool *cancel) {
    *scan = (struct scan){.word = word,
                          .word_length = word_length,
                          .prefix_length = word_length < SCAN_PREFIX ? (unsigned)word_length : SCAN_PREFIX,
                          .whole = word_length <= SCAN_PREFIX,
                          .impossible = scan_words_first(word, word_length, cancel) > 0,
                          .judge = words_judge,
                          .verify = words_verify};
    memcpy(scan->prefix, word, scan->prefix_length);
#if HAS_AVX512
    scan->piece = scan->whole && avx512_can() ? words_piece_avx512 : NULL;
#endif
}

/* ---- where white space is --------------------------------------------------------------------------------------- */

/* Bytes that are looked at as vectors, and how many behind them are, too. */
enum { STEP = 256, STEP_AHEAD = SPACE_BYTES - 1 };

KERNEL_CLONES
static bool any_begins(const uint8_t *at) {
    uint8_t any = 0;
    for (size_t i = 0; i < STEP; i++) {
        any |= space_begins(at + i);
    }
    return any;
}

size_t scan_words_first(const uint8_t *text, size_t length, const atomic_bool *cancel) {
    size_t at = 0;
    for (; length - at >= STEP + STEP_AHEAD && !any_begins(text + at); at += STEP) {
        if (at % SCAN_PAUSE_BYTES == 0 && scan_cancelled(cancel)) {
            return 0;
        }
    }
    for (; at < length; at++) {
        size_t bytes = space_bytes(text + at, length - at);
        if (bytes > 0) {
            return at + bytes;
        }
    }
    return 0;
}

size_t scan_words_last(const uint8_t *text, size_t length, const atomic_bool *cancel) {
    for (size_t end = length, looked = 0; end > 0;) {
        if (length - end >= STEP_AHEAD && end >= STEP && !any_begins(text + end - STEP)) {
            end -= STEP;
            looked += STEP;
            if (looked % SCAN_PAUSE_BYTES == 0 && scan_cancelled(cancel)) {
                return 0;
            }
            continue;
        }
        end--;
        size_t bytes = space_bytes(text + end, length - end);
        if (bytes > 0) {
            return end + bytes;
        }
    }
    return 0;
}

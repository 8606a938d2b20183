/* WORDCOUNT_EXACT. A word equals the needle where
 *   - the byte before is a space or '\n' (or the text starts),
 *   - the needle's bytes follow, and
 *   - then come a space, "\r\n", '\n' or the end of the text. Before '\n' a '\r' is dropped, so a needle that ends in
 * '\r' isn't matched by bytes up to a '\n'; at the end of the text it is kept. All needle bytes and both boundaries are
 * compared as vectors, so a text full of candidates costs no more than one without. Needles longer than the prefix: the
 * prefix is the filter and memcmp the judge; it stops at the word's end at the latest, for the needle has no separator
 * in it, so all of them together read the text at most once more. */
#include "kernels/wordcount/search/wordcount_exact_avx512.h"
#include "kernels/wordcount/search/wordcount_prefix.h"

KERNEL_INLINE unsigned count_whole(const struct scan *scan, const uint8_t *left, const uint8_t *at, unsigned length) {
    uint8_t prefix[SCAN_PREFIX];
    memcpy(prefix, scan->prefix, sizeof prefix);
    const uint8_t newline = prefix[length - 1] == '\r' ? ' ' : '\n';
    uint8_t count = 0;
    for (size_t i = 0; i < SCAN_BLOCK; i++) {
        uint8_t after = at[i + length];
        uint8_t starts = (left[i] == ' ') | (left[i] == '\n');
        uint8_t ends = (after == ' ') | (after == newline) | ((after == '\r') & (at[i + length + 1] == '\n'));
        uint8_t match = starts & prefix_same(at + i, prefix, length) & ends;
        count = (uint8_t)(count + match);
    }
    return count;
}

KERNEL_INLINE bool mark_prefix(const struct scan *scan, const uint8_t *left, const uint8_t *at,
                               uint8_t *restrict maybe) {
    uint8_t prefix[SCAN_PREFIX];
    memcpy(prefix, scan->prefix, sizeof prefix);
    uint8_t any = 0;
    for (size_t i = 0; i < SCAN_BLOCK; i++) {
        uint8_t starts = (left[i] == ' ') | (left[i] == '\n');
        maybe[i] = starts & prefix_same(at + i, prefix, SCAN_PREFIX);
        any |= maybe[i];
    }
    return any;
}

/* One copy of the loop per length, so that the compares are straight-line code. */
KERNEL_CLONES
static unsigned exact_judge(const struct scan *scan, const uint8_t *left, const uint8_t *at, uint8_t *restrict maybe,
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
static bool exact_verify(const struct scan *scan, size_t start) {
    return prefix_goes_on(scan, start) && scan_exact_ends(scan->text, scan->length, start + scan->word_length);
}

static bool has_separator(const uint8_t *word, size_t length, const atomic_bool *cancel) {
    for (size_t at = 0; at < length && !scan_cancelled(cancel); at += SCAN_PAUSE_BYTES) {
        size_t slice = length - at < SCAN_PAUSE_BYTES ? length - at : SCAN_PAUSE_BYTES;
        if (memchr(word + at, ' ', slice) || memchr(word + at, '\n', slice)) {
            return true;
        }
    }
    return false;
}

void scan_init_exact(struct scan *scan, const uint8_t *word, size_t word_length, const atomic_bool *cancel) {
    *scan = (struct scan){.word = word,
                          .word_length = word_length,
                          .prefix_length = word_length < SCAN_PREFIX ? (unsigned)word_length : SCAN_PREFIX,
                          .whole = word_length <= SCAN_PREFIX,
                          .impossible = has_separator(word, word_length, cancel),
                          .judge = exact_judge,
                          .verify = exact_verify};
    memcpy(scan->prefix, word, scan->prefix_length);
#if HAS_AVX512
    scan->piece = scan->whole && avx512_can() ? exact_piece_avx512 : NULL;
#endif
}

#include "kernels/wordcount/search/wordcount_runs.h"

#include "kernels/clones.h"

#include <string.h>

/* ---- exact, words ----------------------------------------------------------------------------------------------- */

/* Of flags that are 1 for what separates words: the edges of what is between. */
static void list_words(struct runs *runs, size_t starts, bool in_word, const uint8_t *at, const uint8_t *separates) {
    uint64_t bits[BITS_GROUPS], before = in_word;
    bits_gather(separates, 0, BITS_GROUPS, bits);
    for (size_t g = 0; g < BITS_GROUPS; g++) {
        uint64_t inside = ~bits[g];
        bits[g] = inside ^ (inside << 1 | before);
        before = inside >> 63;
    }
    size_t count = bits_list(bits, BITS_GROUPS, runs->edges);
    if (in_word) { /* the first edge is the end of a word that isn't of this block */
        memmove(runs->edges, runs->edges + 1, --count * sizeof *runs->edges);
    }
    runs->count = count / 2;
    while (runs->count > 0 && runs->edges[2 * (runs->count - 1)] >= starts) {
        runs->count--;
    }
    runs->bytes = at;
    runs->other_count = 0;
}

KERNEL_CLONES
static void mark_exact(const uint8_t *at, uint8_t *separates) {
    for (size_t i = 0; i < RUNS_SEEN; i++) {
        separates[i] = (at[i] == ' ') | (at[i] == '\n') | ((at[i] == '\r') & (at[i + 1] == '\n'));
    }
}

void runs_find_exact(struct runs *runs, size_t starts, const uint8_t *left, const uint8_t *at) {
    uint8_t separates[BITS_BYTES];
    mark_exact(at, separates);
    memset(separates + RUNS_SEEN, 1, BITS_BYTES - RUNS_SEEN);
    list_words(runs, starts, left[0] != ' ' && left[0] != '\n', at, separates);
}

/* White space of several bytes is asked for only where there may be some; text holds the byte at[-2] and all behind it.
 */
KERNEL_CLONES
static void mark_words(const uint8_t *text, uint8_t *separates) {
    const uint8_t *at = text + SPACE_BYTES - 1;
    uint8_t wide = space_may_begin(text[0]) | space_may_begin(text[1]);
    for (size_t i = 0; i < RUNS_SEEN; i++) {
        separates[i] = space_one(at[i]);
        wide |= space_may_begin(at[i]);
    }
    if (wide) {
        for (size_t i = 0; i < RUNS_SEEN; i++) {
            uint8_t two = space_two(at[i], at[i + 1]) | space_two(at[i - 1], at[i]);
            uint8_t three = space_three(at[i], at[i + 1], at[i + 2]) | space_three(at[i - 1], at[i], at[i + 1]) |
                            space_three(at[i - 2], at[i - 1], at[i]);
            separates[i] = space_one(at[i]) | two | three;
        }
    }
}

void runs_find_words(struct runs *runs, size_t starts, const uint8_t *left, const uint8_t *at) {
    uint8_t separates[BITS_BYTES], text[SPACE_BYTES - 1 + RUNS_SEEN + SPACE_BYTES - 1];
    memcpy(text, left - 1, SPACE_BYTES - 1);
    memcpy(text + SPACE_BYTES - 1, at, sizeof text - (SPACE_BYTES - 1));
    mark_words(text, separates);
    memset(separates + RUNS_SEEN, 1, BITS_BYTES - RUNS_SEEN);
    list_words(runs, starts, !space_ends(left), at, separates);
}

/* ---- letters ---------------------------------------------------------------------------------------------------- */

/* What a byte is, a bit each: part of a letter that is known, a separator, or of what isn't known. None: it is part of
 * a character that is known to be no letter. */
enum { RUN_LETTER, RUN_SEPARATOR, RUN_UNKNOWN };

KERNEL_INLINE uint8_t within(uint8_t byte, uint8_t low, uint8_t high) {
    return (uint8_t)(byte - low) <= high - low;
}

/* Whether these are the two bytes of a character of U+0400 to U+045F: all letters, with small ones among them. */
KERNEL_INLINE uint8_t cyrillic(uint8_t a, uint8_t b) {
    return ((a == 0xd0) & within(b, 0x80, 0xbf)) | ((a == 0xd1) & within(b, 0x80, 0x9f));
}

/* Of a character of U+0080 to U+00BF other than U+00AA, U+00B5 and U+00BA; of U+2000 to U+203F: no letters. */
KERNEL_INLINE uint8_t sign_two(uint8_t a, uint8_t b) {
    return (a == 0xc2) & within(b, 0x80, 0xbf) & ((b != 0xaa) & (b != 0xb5) & (b != 0xba));
}

KERNEL_INLINE uint8_t sign_three(uint8_t a, uint8_t b, uint8_t c) {
    return (a == 0xe2) & (b == 0x80) & within(c, 0x80, 0xbf);
}

KERNEL_INLINE uint8_t ascii_kind(uint8_t b, uint8_t next) {
    uint8_t separates = (b == ' ') | (b == '\n') | ((b == '\r') & (next == '\n'));
    return (uint8_t)(within((uint8_t)(b | 0x20), 'a', 'z') << RUN_LETTER | separates << RUN_SEPARATOR);
}

/* Returns whether there is anything but ASCII. */
KERNEL_CLONES
static bool mark_ascii(const uint8_t *at, uint8_t *kinds, uint8_t *lower) {
    uint8_t any = 0;
    for (size_t i = 0; i < RUNS_SEEN; i++) {
        kinds[i] = ascii_kind(at[i], at[i + 1]);
        lower[i] = (uint8_t)(at[i] + (within(at[i], 'A', 'Z') << 5));
        any |= at[i];
    }
    return any >= 0x80;
}

/* Small letters: U+0410 to U+042F are 20 below them, U+0400 to U+040F 50. */
KERNEL_CLONES
static void mark_any(const uint8_t *at, uint8_t *kinds, uint8_t *lower) {
    for (size_t i = 0; i < RUNS_SEEN; i++) {
        uint8_t b = at[i], next = at[i + 1], last = at[i - 1];
        uint8_t letter = cyrillic(b, next) | cyrillic(last, b);
        uint8_t sign = sign_two(b, next) | sign_two(last, b) | sign_three(b, next, at[i + 2]) |
                       sign_three(last, b, next) | sign_three(at[i - 2], last, b);
        uint8_t unknown = (b >= 0x80) & ((letter | sign) ^ 1);
        kinds[i] = (uint8_t)(ascii_kind(b, next) | letter << RUN_LETTER | unknown << RUN_UNKNOWN);
        uint8_t first = (b == 0xd0) & (within(next, 0x80, 0x8f) | within(next, 0xa0, 0xaf));
        uint8_t behind = last == 0xd0;
        uint8_t moved =
            (uint8_t)((within(b, 'A', 'Z') << 5) | first | (uint8_t)((behind & within(b, 0x80, 0x8f)) << 4) |
                      (uint8_t)((behind & within(b, 0x90, 0x9f)) << 5));
        uint8_t back = (uint8_t)((behind & within(b, 0xa0, 0xaf)) << 5);
        lower[i] = (uint8_t)(b + moved - back);
    }
}

/* a + b + *carry. */
KERNEL_INLINE uint64_t add(uint64_t a, uint64_t b, bool *carry) {
    uint64_t sum, all;
    bool over = __builtin_add_overflow(a, b, &sum);
    *carry = __builtin_add_overflow(sum, (uint64_t)*carry, &all) || over;
    return all;
}

/* A bit at a word's start, added to the signs that follow, is carried to what comes behind them: to the word's first
 * letter, if it has one. A bit there, added to the letters, to their end. */
static void list_letters(struct runs *runs, size_t starts, bool in_word, const uint8_t *kinds) {
    uint64_t letters[BITS_GROUPS], separators[BITS_GROUPS], unknown[BITS_GROUPS], edges[BITS_GROUPS],
        others[BITS_GROUPS], before = !in_word, unsure = 0, any_other = 0;
    bool sign_carry = false, letter_carry = false;
    bits_gather(kinds, RUN_LETTER, BITS_GROUPS, letters);
    bits_gather(kinds, RUN_SEPARATOR, BITS_GROUPS, separators);
    bits_gather(kinds, RUN_UNKNOWN, BITS_GROUPS, unknown);
    for (size_t g = 0; g < BITS_GROUPS; g++) {
        uint64_t signs = ~(letters[g] | separators[g] | unknown[g]);
        uint64_t words = separators[g] << 1 | before;
        size_t wanted = starts > 64 * g ? starts - 64 * g : 0;
        words &= wanted < 64 ? (UINT64_C(1) << wanted) - 1 : UINT64_MAX;
        before = separators[g] >> 63;
        uint64_t firsts = (add(signs, words & signs, &sign_carry) & ~signs) | (words & ~signs);
        uint64_t begins = 64 * g < SCAN_BLOCK ? firsts & letters[g] : 0;
        uint64_t ends = add(letters[g], begins, &letter_carry) & ~letters[g];
        others[g] = firsts & ~begins & ~separators[g];
        edges[g] = begins | ends;
        any_other |= others[g];
        unsure |= ends & unknown[g] & ~(64 * g < SCAN_BLOCK ? 0 : UINT64_C(1) << SCAN_PREFIX);
    }
    runs->count = bits_list(edges, BITS_GROUPS, runs->edges) / 2;
    runs->other_count = any_other ? bits_list(others, BITS_GROUPS, runs->others) : 0;
    for (size_t r = 0; unsure && r < runs->count; r++) {
        size_t end = runs->edges[2 * r + 1];
        if (end < RUNS_SEEN && unknown[end / 64] >> end % 64 & 1) {
            runs->others[runs->other_count++] = runs->edges[2 * r];
            runs->edges[2 * r + 1] = runs->edges[2 * r]; /* of no length, as no needle is */
        }
    }
}

void runs_find_letters(struct runs *runs, size_t starts, const uint8_t *left, const uint8_t *at) {
    uint8_t kinds[BITS_BYTES];
    if (left[0] >= 0x80 || left[-1] >= 0x80 || mark_ascii(at, kinds, runs->lower)) {
        uint8_t text[2 + RUNS_SEEN + 2];
        memcpy(text, left - 1, 2);
        memcpy(text + 2, at, sizeof text - 2);
        mark_any(text + 2, kinds, runs->lower);
    }
    memset(kinds + RUNS_SEEN, 1 << RUN_UNKNOWN, BITS_BYTES - RUNS_SEEN);
    memset(runs->lower + RUNS_SEEN, 0, BITS_BYTES - RUNS_SEEN);
    list_letters(runs, starts, left[0] != ' ' && left[0] != '\n', kinds);
    runs->bytes = runs->lower;
}

size_t runs_letters(const uint8_t *word, size_t length) {
    size_t run = 0;
    for (; run < length && run <= SCAN_PREFIX; run++) {
        uint8_t next = length - run > 1 ? word[run + 1] : 0;
        if (cyrillic(word[run], next)) {
            run++;
        } else if (!within(word[run], 'a', 'z')) {
            break;
        }
    }
    return run;
}

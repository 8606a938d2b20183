/* Few needles are compared one after the other, block by block: each costs its own vector compares. For more than that,
 * vector code finds where words start, and each word is looked up once: its first three bytes, cut to 12 bits, name a
 * cell with the set of needles that such a word may match - as a rule none. Some short needles in the set are compared
 * by their first eight bytes at once; all else goes by the needles' tree (wordcount_trie.h), which takes no longer for
 * many of them than for one. So no text and no needles make a word cost more than reading it once does.
 *
 * A needle shorter than three bytes is in the cells of all that may follow it. The bits kept of a byte are the same for
 * a capital and its small letter.
 *
 * Letters: what the cells can't answer - words whose first letter isn't ASCII, or comes after more than one byte to be
 * skipped, or has a non-ASCII byte in the two after it - goes to the tree. */
#include "kernels/wordcount/search/wordcount_many_scan.h"

#include "kernels/clones.h"
#include "kernels/wordcount/search/wordcount_chars.h"

#include <string.h>
#include <unistr.h>

/* Up to that many needles it is faster to search for each: looking up costs 0.4 ns per byte of text or more, a search
 * 0.06 (exact) or 0.2 (letters) (bench/texts). */
enum { FEW_EXACT = 6, FEW_LETTERS = 2 };

struct lookup {
    const struct many *many;
    uint64_t *counts;
};

bool many_few(size_t needle_count, enum wordcount_match match) {
    return needle_count <= (match == WORDCOUNT_LETTERS ? FEW_LETTERS : FEW_EXACT);
}

/* Read as one number: compilers make that one load. */
KERNEL_INLINE size_t cell(const uint8_t *word) {
    uint32_t four = word[0] | (uint32_t)word[1] << 8 | (uint32_t)word[2] << 16 | (uint32_t)word[3] << 24;
    return (four & 31) | (four >> 3 & 15 << 5) | (four >> 7 & 7 << 9);
}

static void add_cells(struct many *many, uint64_t bit, const uint8_t *bytes, size_t length) {
    size_t step = length == 1 ? 1U << 5 : 1U << 9;
    uint8_t four[4] = {0};
    memcpy(four, bytes, length < 3 ? length : 3);
    size_t first = cell(four);
    if (length > 2) {
        many->cells[first] |= bit;
    } else {
        for (size_t at = first; at < MANY_CELLS; at += step) {
            many->cells[at] |= bit;
        }
    }
}

/* Exact, words: a word that ends within three bytes goes on with the first byte of what ends it. */
static void add_exact(struct many *many, size_t i) {
    static const uint8_t ends[] = {' ', '\n', '\r', '\t', '\v', '\f', 0xc2, 0xe1, 0xe2, 0xe3};
    const struct scan *scan = &many->scans[i];
    size_t end_count = many->match == WORDCOUNT_EXACT ? 3 : sizeof ends;
    uint8_t bytes[3];
    if (scan->word_length > 2) {
        add_cells(many, UINT64_C(1) << i, scan->word, 3);
        return;
    }
    memcpy(bytes, scan->word, scan->word_length);
    for (size_t e = 0; e < end_count; e++) {
        bytes[scan->word_length] = ends[e];
        add_cells(many, UINT64_C(1) << i, bytes, scan->word_length + 1);
    }
}

static void add_letters(struct many *many, size_t i) {
    const struct scan *scan = &many->scans[i];
    if (scan->prefix_length > 0) {
        add_cells(many, UINT64_C(1) << i, scan->prefix, scan->prefix_length);
    }
}

KERNEL_INLINE uint8_t letter(uint8_t byte) {
    return (uint8_t)((byte | 0x20) - 'a') < 26;
}

static void set_prefix(struct many *many, size_t i) {
    const struct scan *scan = &many->scans[i];
    uint8_t mask[SCAN_PREFIX] = {0}, fold[SCAN_PREFIX] = {0}, want[SCAN_PREFIX] = {0};
    for (size_t k = 0; k < scan->prefix_length; k++) {
        mask[k] = 0xff;
        fold[k] = many->match == WORDCOUNT_LETTERS && letter(scan->prefix[k]) ? 0x20 : 0;
        want[k] = scan->prefix[k];
    }
    struct many_prefix *prefix = &many->prefixes[i];
    memcpy(&prefix->mask, mask, sizeof mask);
    memcpy(&prefix->fold, fold, sizeof fold);
    memcpy(&prefix->want, want, sizeof want);
    prefix->length = (uint8_t)scan->prefix_length;
    prefix->newline = scan->word[scan->word_length - 1] == '\r' ? ' ' : '\n';
}

/* Letters: trees are of characters. */
static bool is_utf8(const struct wordcount_needle *needle, const atomic_bool *cancel) {
    const uint8_t *at = (const uint8_t *)needle->bytes;
    for (size_t rest = needle->length; rest > 0 && !scan_cancelled(cancel);) {
        size_t slice = rest < SCAN_PAUSE_BYTES ? rest : SCAN_PAUSE_BYTES;
        while (slice < rest && chars_continues(at[slice])) {
            slice--;
        }
        if (slice == 0 || u8_check(at, slice)) {
            return false;
        }
        at += slice;
        rest -= slice;
    }
    return true;
}

bool many_init(struct many *many, const struct wordcount_needle *needles, size_t needle_count,
               enum wordcount_match match, const atomic_bool *cancel) {
    uint64_t possible = 0;
    many->needle_count = needle_count;
    many->match = match;
    many->whole = many->apart = 0;
    for (size_t i = 0; i < needle_count; i++) {
        struct scan *scan = &many->scans[i];
        scan_init(scan, match, (const uint8_t *)needles[i].bytes, needles[i].length, cancel);
        bool apart = !scan->impossible && match == WORDCOUNT_LETTERS && !is_utf8(&needles[i], cancel);
        possible |= (uint64_t)!scan->impossible << i;
        many->whole |= (uint64_t)scan->whole << i;
        many->apart |= (uint64_t)apart << i;
    }
    bool done = trie_init(&many->trie, needles, needle_count, possible & ~many->apart, match, many->same, cancel);
    many->all = 0;
    for (size_t i = 0; i < needle_count; i++) {
        many->all |= (possible >> i & (many->same[i] == i)) << i;
    }
    if (!done || many_few(needle_count, match)) {
        return done;
    }
    memset(many->cells, 0, sizeof many->cells);
    for (uint64_t set = many->all; set != 0; set &= set - 1) {
        size_t i = (size_t)__builtin_ctzll(set);
        set_prefix(many, i);
        (match == WORDCOUNT_LETTERS ? add_letters : add_exact)(many, i);
    }
    return true;
}

void many_set_text(struct many *many, const char *text, size_t length, const atomic_bool *cancel) {
    many->text = (const uint8_t *)text;
    many->length = length;
    many->cancel = cancel;
    for (size_t i = 0; i < many->needle_count; i++) {
        scan_set_text(&many->scans[i], many->text, length, cancel);
    }
}

KERNEL_INLINE uint8_t starts_word(uint8_t left, uint8_t first) {
    return ((left == ' ') | (left == '\n')) & (first != ' ') & (first != '\n');
}

/* Where words start that aren't empty; returns their number. */
KERNEL_CLONES
static size_t find_words(const uint8_t *left, const uint8_t *at, uint16_t *starts) {
    uint8_t flags[SCAN_BLOCK];
    for (size_t i = 0; i < SCAN_BLOCK; i++) {
        flags[i] = starts_word(left[i], at[i]);
    }
    return scan_list(flags, starts);
}

/* The same between white space. That of several bytes is asked for only where there may be some. */
KERNEL_CLONES
static size_t find_words_between(const uint8_t *left, const uint8_t *at, uint16_t *starts) {
    uint8_t flags[SCAN_BLOCK], wide = space_may_begin(left[-1]) | space_may_begin(left[-2]);
    for (size_t i = 0; i < SCAN_BLOCK; i++) {
        flags[i] = space_one(left[i]) & (space_one(at[i]) ^ 1);
        wide |= space_may_begin(left[i]) | space_may_begin(at[i]);
    }
    if (wide) {
        for (size_t i = 0; i < SCAN_BLOCK; i++) {
            flags[i] = space_ends(left + i) & (space_begins(at + i) ^ 1);
        }
    }
    return scan_list(flags, starts);
}

/* Where words start that the cells can tell of, and (others) where the other words do. */
KERNEL_CLONES
static size_t find_plain_words(const uint8_t *left, const uint8_t *at, uint16_t *starts, uint16_t *others,
                               size_t *other_count) {
    uint8_t flags[SCAN_BLOCK], other_flags[SCAN_BLOCK], any = 0;
    for (size_t i = 0; i < SCAN_BLOCK; i++) {
        uint8_t first = at[i], second = at[i + 1], third = at[i + 2];
        uint8_t at_once = letter(first) & ((second | third) < 0x80);
        uint8_t one_later = (letter(first) ^ 1) & letter(second) & ((first | third | at[i + 3]) < 0x80);
        uint8_t word = starts_word(left[i], first);
        flags[i] = word & (at_once | one_later);
        other_flags[i] = word & (flags[i] ^ 1);
        any |= other_flags[i];
    }
    *other_count = any ? scan_list(other_flags, others) : 0;
    return scan_list(flags, starts);
}

KERNEL_INLINE uint64_t load(const uint8_t *at) {
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

/* Which needles of the set the word that starts at `start` matches. A needle alone is faster than the tree. */
static uint64_t match_word(const struct many *many, size_t start, uint64_t set) {
    uint64_t tree = set & ~many->apart, matched = 0;
    if ((tree & (tree - 1)) != 0) {
        matched = tree & trie_match(&many->trie, many->text, many->length, start, many->cancel);
        set &= many->apart;
    }
    for (; set != 0; set &= set - 1) {
        const struct scan *scan = &many->scans[__builtin_ctzll(set)];
        matched |= scan->verify(scan, start) ? set & -set : 0;
    }
    return matched;
}

static void count_word(const struct lookup *lookup, size_t start, uint64_t set) {
    for (uint64_t matched = match_word(lookup->many, start, set); matched != 0; matched &= matched - 1) {
        lookup->counts[__builtin_ctzll(matched)]++;
    }
}

/* Up to three needles. */
KERNEL_INLINE bool are_some(uint64_t set) {
    set &= set - 1;
    set &= set - 1;
    return (set & (set - 1)) == 0;
}

/* Whether a word that matches up to `after` ends there. */
KERNEL_INLINE bool ends_exact(const struct many_prefix *prefix, const uint8_t *after) {
    return (*after == ' ') | (*after == prefix->newline) | ((*after == '\r') & (after[1] == '\n'));
}

KERNEL_INLINE bool ends_words(const uint8_t *after) {
    return space_one(*after) || (space_may_begin(*after) && space_begins(after));
}

/* Some words that are all prefix are judged without a branch: whether they match is what the processor can't foresee.
 *
 * at[0] starts the word, at `start` of the text. */
KERNEL_INLINE void judge_exact(const struct lookup *lookup, size_t start, const uint8_t *at, uint64_t set,
                               enum wordcount_match match) {
    const struct many *many = lookup->many;
    uint64_t bytes = load(at);
    if ((set & ~many->whole) != 0 || !are_some(set)) {
        count_word(lookup, start, set);
        return;
    }
    for (; set != 0; set &= set - 1) {
        size_t i = (size_t)__builtin_ctzll(set);
        const struct many_prefix *prefix = &many->prefixes[i];
        bool same = (bytes & prefix->mask) == prefix->want;
        const uint8_t *after = at + prefix->length;
        bool ends = match == WORDCOUNT_EXACT ? ends_exact(prefix, after) : ends_words(after);
        lookup->counts[i] += same & ends;
    }
}

/* at[0] is the word's first letter, at `start` of the text: what comes before it doesn't matter. */
KERNEL_INLINE void judge_letters(const struct lookup *lookup, size_t start, const uint8_t *at, uint64_t set) {
    const struct many *many = lookup->many;
    uint64_t bytes = load(at);
    bool plain = ((bytes | (uint64_t)at[SCAN_PREFIX] << 56) & UINT64_C(0x8080808080808080)) == 0;
    if (!plain || (set & ~many->whole) != 0 || !are_some(set)) {
        count_word(lookup, start, set);
        return;
    }
    for (; set != 0; set &= set - 1) {
        size_t i = (size_t)__builtin_ctzll(set);
        const struct many_prefix *prefix = &many->prefixes[i];
        bool same = ((bytes | prefix->fold) & prefix->mask) == prefix->want;
        lookup->counts[i] += same & (letter(at[prefix->length]) ^ 1);
    }
}

/* In two passes, so that looking up is free of branches. */
KERNEL_INLINE void look_up_starts(const struct lookup *lookup, size_t begin, const uint8_t *at, uint16_t *starts,
                                  size_t count, enum wordcount_match match) {
    const uint64_t *cells = lookup->many->cells;
    size_t kept = 0;
    for (size_t s = 0; s < count; s++) {
        const uint8_t *word = at + starts[s];
        starts[kept] = starts[s];
        kept += cells[cell(word)] != 0;
    }
    for (size_t s = 0; s < kept; s++) {
        const uint8_t *word = at + starts[s];
        judge_exact(lookup, begin + starts[s], word, cells[cell(word)], match);
    }
}

static uint64_t look_up_exact(void *context, size_t begin, const uint8_t *left, const uint8_t *at) {
    uint16_t starts[SCAN_STARTS];
    look_up_starts(context, begin, at, starts, find_words(left, at, starts), WORDCOUNT_EXACT);
    return 0;
}

static uint64_t look_up_words(void *context, size_t begin, const uint8_t *left, const uint8_t *at) {
    uint16_t starts[SCAN_STARTS];
    look_up_starts(context, begin, at, starts, find_words_between(left, at, starts), WORDCOUNT_WORDS);
    return 0;
}

static uint64_t look_up_letters(void *context, size_t begin, const uint8_t *left, const uint8_t *at) {
    const struct lookup *lookup = context;
    const uint64_t *cells = lookup->many->cells;
    uint16_t starts[SCAN_STARTS], others[SCAN_STARTS];
    size_t other_count, count = find_plain_words(left, at, starts, others, &other_count), kept = 0;
    for (size_t s = 0; s < count; s++) {
        size_t i = starts[s] + (size_t)(letter(at[starts[s]]) ^ 1);
        starts[kept] = (uint16_t)i;
        kept += cells[cell(at + i)] != 0;
    }
    for (size_t s = 0; s < kept; s++) {
        const uint8_t *first = at + starts[s];
        judge_letters(lookup, begin + starts[s], first, cells[cell(first)]);
    }
    for (size_t s = 0; s < other_count; s++) {
        count_word(lookup, begin + others[s], lookup->many->all);
    }
    return 0;
}

/* Each needle's sure matches are counted by its own vector code. A word that may match several is looked at once. */
static uint64_t compare_few(void *context, size_t begin, const uint8_t *left, const uint8_t *at) {
    const struct lookup *lookup = context;
    const struct many *many = lookup->many;
    uint8_t maybe[FEW_EXACT][SCAN_BLOCK];
    uint64_t unsure = 0;
    for (uint64_t set = many->all; set != 0; set &= set - 1) {
        size_t i = (size_t)__builtin_ctzll(set);
        bool any;
        lookup->counts[i] += many->scans[i].judge(&many->scans[i], left, at, maybe[i], &any);
        unsure |= any ? set & -set : 0;
    }
    if (unsure == 0) {
        return 0;
    }
    uint8_t sets[SCAN_BLOCK] = {0}, flags[SCAN_BLOCK];
    for (uint64_t set = unsure; set != 0; set &= set - 1) {
        size_t i = (size_t)__builtin_ctzll(set);
        for (size_t k = 0; k < SCAN_BLOCK; k++) {
            sets[k] |= (uint8_t)(maybe[i][k] << i);
        }
    }
    for (size_t k = 0; k < SCAN_BLOCK; k++) {
        flags[k] = sets[k] != 0;
    }
    uint16_t starts[SCAN_STARTS];
    size_t count = scan_list(flags, starts);
    for (size_t s = 0; s < count; s++) {
        count_word(lookup, begin + starts[s], sets[starts[s]]);
    }
    return 0;
}

void many_piece(const struct many *many, size_t begin, size_t end, uint64_t *counts) {
    if ((many->all & (many->all - 1)) == 0) {
        size_t i = many->all ? (size_t)__builtin_ctzll(many->all) : 0;
        counts[i] += scan_piece(&many->scans[i], begin, end);
        return;
    }
    struct lookup lookup = {.many = many, .counts = counts};
    static scan_block *const look_up[] = {
        [WORDCOUNT_EXACT] = look_up_exact, [WORDCOUNT_LETTERS] = look_up_letters, [WORDCOUNT_WORDS] = look_up_words};
    scan_block *block = many_few(many->needle_count, many->match) ? compare_few : look_up[many->match];
    scan_blocks(many->text, many->length, begin, end, block, &lookup);
}

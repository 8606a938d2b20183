/* Few needles are searched for one after the other in stretches of text that stay in the first-level cache: each costs
 * its own vector compares. For more than that, vector code finds where words start, and each word is looked up once:
 * its first three bytes, cut to 12 bits, name a cell with the set of needles that such a word may match – as a rule
 * none. Those in the set are compared by their first eight bytes at once, and by scan_verify where that doesn't decide.
 *
 * A needle shorter than three bytes is in the cells of all that may follow it. The bits kept of a byte are the same for
 * a capital and its small letter.
 *
 * Letters: what the cells can't answer – words whose first letter isn't ASCII, or comes after more than one byte to be
 * skipped, or has a non-ASCII byte in the two after it – goes by its first character in lower case. */
#include "kernels/wordcount/search/wordcount_many_scan.h"

#include "kernels/clones.h"

#include <string.h>

/* Up to that many needles it is faster to search for each: looking up costs 0.4 ns per byte of text or more, a search
 * 0.06 (exact) or 0.2 (letters) (bench/texts). */
enum { FEW_EXACT = 6, FEW_LETTERS = 2 };
enum { STRETCH_BYTES = 32 * SCAN_BLOCK };

struct lookup {
    const struct many *many;
    uint64_t *counts;
};

static bool few(const struct many *many) {
    return many->needle_count <= (many->match == WORDCOUNT_EXACT ? FEW_EXACT : FEW_LETTERS);
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

/* Exact: a word that ends within three bytes goes on with what ends it. */
static void add_exact(struct many *many, size_t i) {
    static const uint8_t ends[] = {' ', '\n', '\r'};
    const struct scan *scan = &many->scans[i];
    uint8_t bytes[3];
    if (scan->word_length > 2) {
        add_cells(many, UINT64_C(1) << i, scan->word, 3);
        return;
    }
    memcpy(bytes, scan->word, scan->word_length);
    for (size_t e = 0; e < sizeof ends; e++) {
        bytes[scan->word_length] = ends[e];
        add_cells(many, UINT64_C(1) << i, bytes, scan->word_length + 1);
    }
}

static void add_letters(struct many *many, size_t i) {
    const struct scan *scan = &many->scans[i];
    many->firsts[scan_letters_needle_first(scan->word, scan->word_length) % MANY_FIRSTS] |= UINT64_C(1) << i;
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
    prefix->whole = scan->whole;
    prefix->newline = scan->word[scan->word_length - 1] == '\r' ? ' ' : '\n';
}

void many_init(struct many *many, const char *text, size_t length, const struct wordcount_needle *needles,
               size_t needle_count, enum wordcount_match match) {
    many->text = (const uint8_t *)text;
    many->length = length;
    many->needle_count = needle_count;
    many->match = match;
    for (size_t i = 0; i < needle_count; i++) {
        (match == WORDCOUNT_EXACT ? scan_init_exact : scan_init_letters)(
            &many->scans[i], many->text, length, (const uint8_t *)needles[i].bytes, needles[i].length);
    }
    if (few(many)) {
        return;
    }
    memset(many->firsts, 0, sizeof many->firsts);
    memset(many->cells, 0, sizeof many->cells);
    for (size_t i = 0; i < needle_count; i++) {
        if (many->scans[i].impossible) {
            continue;
        }
        set_prefix(many, i);
        (match == WORDCOUNT_EXACT ? add_exact : add_letters)(many, i);
    }
}

/* Words are at least two bytes apart; room for what write_bits writes too much. */
enum { STARTS = SCAN_BLOCK / 2 + 8 };

/* Writes the numbers of the bits that are set, `base` added. Eight at a time, and more than there are: how many words
 * start in 64 bytes is what the processor can't foresee. */
KERNEL_INLINE size_t write_bits(uint64_t bits, size_t base, uint16_t *starts) {
    size_t count = (size_t)__builtin_popcountll(bits);
    for (size_t n = 0; n < count; n += 8) {
        for (size_t k = 0; k < 8; k++) {
            starts[n + k] = (uint16_t)(base + (size_t)__builtin_ctzll(bits | UINT64_C(1) << 63));
            bits &= bits - 1;
        }
    }
    return count;
}

/* Where a flag (0 or 1) is set; returns their number. */
KERNEL_INLINE size_t write_flags(const uint8_t *flags, uint16_t *starts) {
    size_t count = 0;
    for (size_t i = 0; i < SCAN_BLOCK; i += 64) {
        uint64_t bits = 0;
        for (size_t k = 0; k < 64; k += 8) {
            uint64_t eight;
            memcpy(&eight, flags + i + k, sizeof eight);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
            eight = __builtin_bswap64(eight);
#endif
            /* Moves bit 8j to bit 56 + j. */
            bits |= (eight * UINT64_C(0x0102040810204080) >> 56) << k;
        }
        count += write_bits(bits, i, starts + count);
    }
    return count;
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
    return write_flags(flags, starts);
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
    *other_count = any ? write_flags(other_flags, others) : 0;
    return write_flags(flags, starts);
}

KERNEL_INLINE uint64_t load(const uint8_t *at) {
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

/* A word that is all prefix is judged without a branch: whether it matches is what the processor can't foresee.
 *
 * at[0] starts the word, at `start` of the text. */
KERNEL_INLINE void judge_exact(const struct lookup *lookup, size_t start, const uint8_t *at, uint64_t set) {
    uint64_t bytes = load(at);
    for (; set != 0; set &= set - 1) {
        size_t i = (size_t)__builtin_ctzll(set);
        const struct many_prefix *prefix = &lookup->many->prefixes[i];
        bool same = ((bytes | prefix->fold) & prefix->mask) == prefix->want;
        const uint8_t *after = at + prefix->length;
        bool ends = (*after == ' ') | (*after == prefix->newline) | ((*after == '\r') & (after[1] == '\n'));
        if (prefix->whole) {
            lookup->counts[i] += same & ends;
        } else if (same) {
            lookup->counts[i] += lookup->many->scans[i].verify(&lookup->many->scans[i], start);
        }
    }
}

/* at[0] is the word's first letter, at `start` of the text: what comes before it doesn't matter. */
KERNEL_INLINE void judge_letters(const struct lookup *lookup, size_t start, const uint8_t *at, uint64_t set) {
    uint64_t bytes = load(at);
    for (; set != 0; set &= set - 1) {
        size_t i = (size_t)__builtin_ctzll(set);
        const struct many_prefix *prefix = &lookup->many->prefixes[i];
        bool plain = (bytes & prefix->mask & UINT64_C(0x8080808080808080)) == 0;
        bool same = ((bytes | prefix->fold) & prefix->mask) == prefix->want;
        uint8_t after = at[prefix->length];
        if (plain && prefix->whole && after < 0x80) {
            lookup->counts[i] += same & (letter(after) ^ 1);
        } else if (!plain || same) {
            lookup->counts[i] += lookup->many->scans[i].verify(&lookup->many->scans[i], start);
        }
    }
}

/* What is skipped may be long: it is passed once, not for each needle. */
static void judge_by_first(const struct lookup *lookup, size_t start) {
    const struct many *many = lookup->many;
    uint32_t first = scan_letters_first(many->text, many->length, &start);
    uint64_t set = first == SCAN_NO_CHAR ? 0 : many->firsts[first % MANY_FIRSTS];
    for (; set != 0; set &= set - 1) {
        size_t i = (size_t)__builtin_ctzll(set);
        lookup->counts[i] += many->scans[i].verify(&many->scans[i], start);
    }
}

/* In two passes, so that looking up is free of branches. */
static uint64_t look_up_exact(void *context, size_t begin, const uint8_t *left, const uint8_t *at) {
    const struct lookup *lookup = context;
    const uint64_t *cells = lookup->many->cells;
    uint16_t starts[STARTS];
    size_t count = find_words(left, at, starts), kept = 0;
    for (size_t s = 0; s < count; s++) {
        const uint8_t *word = at + starts[s];
        starts[kept] = starts[s];
        kept += cells[cell(word)] != 0;
    }
    for (size_t s = 0; s < kept; s++) {
        const uint8_t *word = at + starts[s];
        judge_exact(lookup, begin + starts[s], word, cells[cell(word)]);
    }
    return 0;
}

static uint64_t look_up_letters(void *context, size_t begin, const uint8_t *left, const uint8_t *at) {
    const struct lookup *lookup = context;
    const uint64_t *cells = lookup->many->cells;
    uint16_t starts[STARTS], others[STARTS];
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
        judge_by_first(lookup, begin + others[s]);
    }
    return 0;
}

static void search_each(const struct many *many, size_t begin, size_t end, uint64_t *counts) {
    while (begin < end) {
        size_t length = end - begin < STRETCH_BYTES ? end - begin : STRETCH_BYTES;
        for (size_t i = 0; i < many->needle_count; i++) {
            counts[i] += scan_piece(&many->scans[i], begin, begin + length);
        }
        begin += length;
    }
}

void many_piece(const struct many *many, size_t begin, size_t end, uint64_t *counts) {
    struct lookup lookup = {.many = many, .counts = counts};
    if (few(many)) {
        search_each(many, begin, end, counts);
    } else {
        scan_blocks(many->text, many->length, begin, end,
                    many->match == WORDCOUNT_EXACT ? look_up_exact : look_up_letters, &lookup);
    }
}

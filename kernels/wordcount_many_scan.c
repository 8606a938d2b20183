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
#include "kernels/wordcount_many_scan.h"

#include "kernels/clones.h"

#include <string.h>

/* Up to that many needles it is faster to search for each: a look-up costs about 0.4 ns per byte of text, a search 0.05
 * (exact) or 0.2 (letters) (bench/kernels). */
enum { FEW_EXACT = 8, FEW_LETTERS = 2 };
enum { STRETCH_BYTES = 32 * SCAN_BLOCK };

struct lookup {
    const struct many *many;
    uint64_t *counts;
};

static bool few(const struct many *many) {
    return many->needle_count <= (many->match == WORDCOUNT_EXACT ? FEW_EXACT : FEW_LETTERS);
}

KERNEL_INLINE size_t cell(uint8_t a, uint8_t b, uint8_t c) {
    return (size_t)((a & 31) | (b & 15) << 5 | (c & 7) << 9);
}

static void add_cells(struct many *many, uint64_t bit, const uint8_t *bytes, size_t length) {
    size_t step = length == 1 ? 1U << 5 : 1U << 9;
    size_t first = cell(bytes[0], length > 1 ? bytes[1] : 0, length > 2 ? bytes[2] : 0);
    if (length > 2)
        many->cells[first] |= bit;
    else
        for (size_t at = first; at < MANY_CELLS; at += step)
            many->cells[at] |= bit;
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
    if (scan->prefix_length > 0)
        add_cells(many, UINT64_C(1) << i, scan->prefix, scan->prefix_length);
}

static bool letter(uint8_t byte) {
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
    memcpy(&many->prefixes[i].mask, mask, sizeof mask);
    memcpy(&many->prefixes[i].fold, fold, sizeof fold);
    memcpy(&many->prefixes[i].want, want, sizeof want);
}

void many_init(struct many *many, const char *text, size_t length, const struct wordcount_needle *needles,
               size_t needle_count, enum wordcount_match match) {
    many->text = (const uint8_t *)text;
    many->length = length;
    many->needle_count = needle_count;
    many->match = match;
    for (size_t i = 0; i < needle_count; i++)
        (match == WORDCOUNT_EXACT ? scan_init_exact : scan_init_letters)(
            &many->scans[i], many->text, length, (const uint8_t *)needles[i].bytes, needles[i].length);
    if (few(many))
        return;
    memset(many->firsts, 0, sizeof many->firsts);
    memset(many->cells, 0, sizeof many->cells);
    for (size_t i = 0; i < needle_count; i++) {
        if (many->scans[i].impossible)
            continue;
        set_prefix(many, i);
        (match == WORDCOUNT_EXACT ? add_exact : add_letters)(many, i);
    }
}

/* Bit i of starts: a word that isn't empty starts at at[i]. */
KERNEL_CLONES
static void find_starts(const uint8_t *left, const uint8_t *at, uint64_t *starts) {
    uint8_t flags[SCAN_BLOCK];
    for (size_t i = 0; i < SCAN_BLOCK; i++)
        flags[i] = ((left[i] == ' ') | (left[i] == '\n')) & (at[i] != ' ') & (at[i] != '\n');
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
        starts[i / 64] = bits;
    }
}

KERNEL_INLINE uint64_t load(const uint8_t *at) {
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

KERNEL_INLINE bool same_prefix(const struct many_prefix *prefix, uint64_t bytes) {
    return ((bytes | prefix->fold) & prefix->mask) == prefix->want;
}

/* at[0] starts the word, at `start` of the text. */
static void judge_exact(const struct lookup *lookup, size_t start, const uint8_t *at, uint64_t set) {
    uint64_t bytes = load(at);
    for (; set != 0; set &= set - 1) {
        size_t i = (size_t)__builtin_ctzll(set);
        if (!same_prefix(&lookup->many->prefixes[i], bytes))
            continue;
        const struct scan *scan = &lookup->many->scans[i];
        uint8_t after = at[scan->prefix_length];
        if (!scan->whole || after == '\r' || after == '\n')
            lookup->counts[i] += scan->verify(scan, start);
        else
            lookup->counts[i] += after == ' ';
    }
}

/* at[0] is the word's first letter, the word starts at `start` of the text. */
static void judge_letters(const struct lookup *lookup, size_t start, const uint8_t *at, uint64_t set) {
    uint64_t bytes = load(at);
    for (; set != 0; set &= set - 1) {
        size_t i = (size_t)__builtin_ctzll(set);
        const struct many_prefix *prefix = &lookup->many->prefixes[i];
        const struct scan *scan = &lookup->many->scans[i];
        bool plain = (bytes & prefix->mask & UINT64_C(0x8080808080808080)) == 0;
        if (plain && !same_prefix(prefix, bytes))
            continue;
        uint8_t after = at[scan->prefix_length];
        if (plain && scan->whole && after < 0x80)
            lookup->counts[i] += !letter(after);
        else
            lookup->counts[i] += scan->verify(scan, start);
    }
}

static void judge_by_first(const struct lookup *lookup, size_t start) {
    const struct many *many = lookup->many;
    uint32_t first = scan_letters_first(many->text, many->length, start);
    uint64_t set = first == SCAN_NO_CHAR ? 0 : many->firsts[first % MANY_FIRSTS];
    for (; set != 0; set &= set - 1) {
        size_t i = (size_t)__builtin_ctzll(set);
        lookup->counts[i] += many->scans[i].verify(&many->scans[i], start);
    }
}

static uint64_t look_up_exact(void *context, size_t begin, const uint8_t *left, const uint8_t *at) {
    const struct lookup *lookup = context;
    uint64_t starts[SCAN_BLOCK / 64];
    find_starts(left, at, starts);
    for (size_t k = 0; k < SCAN_BLOCK / 64; k++) {
        for (uint64_t bits = starts[k]; bits != 0; bits &= bits - 1) {
            size_t i = 64 * k + (size_t)__builtin_ctzll(bits);
            uint64_t set = lookup->many->cells[cell(at[i], at[i + 1], at[i + 2])];
            if (set != 0)
                judge_exact(lookup, begin + i, at + i, set);
        }
    }
    return 0;
}

static uint64_t look_up_letters(void *context, size_t begin, const uint8_t *left, const uint8_t *at) {
    const struct lookup *lookup = context;
    uint64_t starts[SCAN_BLOCK / 64];
    find_starts(left, at, starts);
    for (size_t k = 0; k < SCAN_BLOCK / 64; k++) {
        for (uint64_t bits = starts[k]; bits != 0; bits &= bits - 1) {
            size_t i = 64 * k + (size_t)__builtin_ctzll(bits);
            size_t j = letter(at[i]) ? i : i + 1;
            bool plain = at[i] < 0x80 && letter(at[j]) && at[j + 1] < 0x80 && at[j + 2] < 0x80;
            uint64_t set = lookup->many->cells[cell(at[j], at[j + 1], at[j + 2])];
            if (!plain)
                judge_by_first(lookup, begin + i);
            else if (set != 0)
                judge_letters(lookup, begin + i, at + j, set);
        }
    }
    return 0;
}

static void search_each(const struct many *many, size_t begin, size_t end, uint64_t *counts) {
    while (begin < end) {
        size_t length = end - begin < STRETCH_BYTES ? end - begin : STRETCH_BYTES;
        for (size_t i = 0; i < many->needle_count; i++)
            counts[i] += scan_piece(&many->scans[i], begin, begin + length);
        begin += length;
    }
}

void many_piece(const struct many *many, size_t begin, size_t end, uint64_t *counts) {
    struct lookup lookup = {.many = many, .counts = counts};
    if (few(many))
        search_each(many, begin, end, counts);
    else
        scan_blocks(many->text, many->length, begin, end,
                    many->match == WORDCOUNT_EXACT ? look_up_exact : look_up_letters, &lookup);
}

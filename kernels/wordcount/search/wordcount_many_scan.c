/* Few needles are compared one after the other, block by block: each costs its own vector compares. For more than that,
 * vector code finds the runs of bytes that words begin with (wordcount_runs.h), and each is looked up once in a table
 * (wordcount_table.h, with AVX-512 wordcount_brief.h before that), without a branch: as a rule there is none. What the
 * table can't answer goes by the needles' tree (wordcount_trie.h), which takes no longer for many of them than for one.
 * So no text and no needles make a word cost more than reading it once does. */
#include "kernels/wordcount/search/wordcount_many_scan.h"

#include "kernels/clones.h"
#include "kernels/wordcount/search/wordcount_chars.h"

#include <string.h>
#include <unistr.h>

/* Up to that many needles it is faster to search for each: looking up costs 0.18 to 0.3 ns per byte of text with
 * AVX-512 and 0.4 without, a search 0.06 to 0.1 (exact, words), with AVX-512 if the needle is all prefix, or 0.2
 * (letters) (bench/texts). */
enum { FEW_EXACT = 4, FEW_BRIEF = 3, FEW_LETTERS = 1 };

/* Tables that are tried until one has a place for each needle: of 64 needles three of five don't. */
enum { TABLE_TRIES = 8 };

struct lookup {
    const struct many *many;
    uint64_t *counts;
    uint64_t tallies[TABLE_TALLIES][TABLE_ENTRIES], brief_tallies[TABLE_TALLIES][TABLE_ENTRIES];
    bool dense; /* brief_meet's */
};

bool many_few(const struct wordcount_needle *needles, size_t needle_count, enum wordcount_match match) {
    if (match == WORDCOUNT_LETTERS || needle_count == 1) {
        return needle_count <= FEW_LETTERS;
    }
    for (size_t i = 0; brief_can() && needle_count <= FEW_BRIEF && i < needle_count; i++) {
        if (needles[i].length > SCAN_PREFIX || (uint8_t)needles[i].bytes[0] >= 0x80) {
            return false; /* many words begin with the same byte in other scripts */
        }
    }
    return needle_count <= (brief_can() ? FEW_BRIEF : FEW_EXACT);
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

/* The run that the needle's words begin with: its first RUNS_AHEAD bytes, and how many there are. */
static size_t needle_run(const struct many *many, const struct scan *scan, uint8_t *run) {
    if (many->match == WORDCOUNT_LETTERS) {
        return runs_letters(scan->word, scan->word_length, run);
    }
    memcpy(run, scan->word, scan->word_length < RUNS_AHEAD ? scan->word_length : RUNS_AHEAD);
    return scan->word_length;
}

/* Fills both tables. */
static void fill_tables(struct many *many, unsigned tries) {
    table_init(&many->table, tries);
    brief_init(&many->brief, tries);
    for (uint64_t set = many->all; set != 0; set &= set - 1) {
        size_t i = (size_t)__builtin_ctzll(set);
        const struct scan *scan = &many->scans[i];
        uint8_t run[RUNS_AHEAD];
        size_t length = needle_run(many, scan, run);
        if (length > 0) {
            table_add(&many->table, i, run, length, length == scan->word_length);
            brief_add(&many->brief, i, run, length, length == scan->word_length);
        }
    }
}

bool many_init(struct many *many, const struct wordcount_needle *needles, size_t needle_count,
               enum wordcount_match match, const atomic_bool *cancel) {
    uint64_t possible = 0;
    many->needle_count = needle_count;
    many->match = match;
    many->apart = 0;
    for (size_t i = 0; i < needle_count; i++) {
        struct scan *scan = &many->scans[i];
        scan_init(scan, match, (const uint8_t *)needles[i].bytes, needles[i].length, cancel);
        bool apart = !scan->impossible && match == WORDCOUNT_LETTERS && !is_utf8(&needles[i], cancel);
        possible |= (uint64_t)!scan->impossible << i;
        many->apart |= (uint64_t)apart << i;
    }
    bool done = trie_init(&many->trie, needles, needle_count, possible & ~many->apart, match, many->same, cancel);
    many->all = 0;
    for (size_t i = 0; i < needle_count; i++) {
        many->all |= (possible >> i & (many->same[i] == i)) << i;
    }
    many->few =
        many_few(needles, needle_count, match) && !(match == WORDCOUNT_LETTERS && many->scans[0].prefix_length == 0);
    many->brief.usable = false;
    for (unsigned tries = 0; !many->few && tries < TABLE_TRIES; tries++) {
        fill_tables(many, tries);
        if (many->table.most < TABLE_ASK_ANY && (many->brief.usable || !brief_can())) {
            break;
        }
    }
    return done;
}

void many_set_text(struct many *many, const char *text, size_t length, const atomic_bool *cancel) {
    many->text = (const uint8_t *)text;
    many->length = length;
    many->cancel = cancel;
    for (size_t i = 0; i < many->needle_count; i++) {
        scan_set_text(&many->scans[i], many->text, length, cancel);
    }
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

static void look_up_runs(struct lookup *lookup, size_t begin, struct runs *runs) {
    uint16_t asked[TABLE_RUNS], some[BITS_ROOM(RUNS_SEEN)], *edges = runs->edges;
    size_t count = runs->count;
    if (lookup->many->brief.usable) {
        count = brief_meet(&lookup->many->brief, runs, lookup->brief_tallies, some, &lookup->dense);
        edges = some;
    }
    size_t asked_count = table_meet(&lookup->many->table, runs->bytes, edges, count, lookup->tallies, asked);
    for (size_t a = 0; a < asked_count && asked[a] < count; a++) {
        size_t at = edges[2 * asked[a]];
        if (edges[2 * asked[a] + 1] > at) { /* else it is one of the others */
            count_word(lookup, begin + at, lookup->many->all);
        }
    }
    for (size_t o = 0; o < runs->other_count; o++) {
        count_word(lookup, begin + runs->others[o], lookup->many->all);
    }
}

/* Adds what the table has decided. */
static void add_tallies(const struct lookup *lookup) {
    const struct table *table = &lookup->many->table;
    for (size_t entry = 1; entry <= table->count; entry++) {
        for (size_t t = 0; t < TABLE_TALLIES && table->asks[entry] == TABLE_DECIDES; t++) {
            lookup->counts[table->needles[entry]] += lookup->tallies[t][entry];
        }
    }
    const struct brief *brief = &lookup->many->brief;
    for (size_t entry = 1; brief->usable && entry <= brief->count; entry++) {
        for (size_t t = 0; t < TABLE_TALLIES && !brief->ask[entry]; t++) {
            lookup->counts[brief->needles[entry]] += lookup->brief_tallies[t][entry];
        }
    }
}

/* Looks up the words that start in [begin, begin + starts). Blocks at an end of the text are copied, with spaces around
 * them. */
static void look_up_block(struct lookup *lookup, size_t begin, size_t starts) {
    static void (*const find[])(struct runs *, size_t, const uint8_t *,
                                const uint8_t *) = {[WORDCOUNT_EXACT] = runs_find_exact,
                                                    [WORDCOUNT_LETTERS] = runs_find_letters,
                                                    [WORDCOUNT_WORDS] = runs_find_words};
    const struct many *many = lookup->many;
    const uint8_t *at = many->text + begin;
    uint8_t window[SCAN_BEHIND + MARKS_BLOCK + MARKS_AHEAD];
    size_t wanted = (starts + 63) / 64 * 64 + MARKS_AHEAD, rest = many->length - begin;
    struct runs runs;
    if (begin < SCAN_BEHIND || rest < wanted) {
        size_t before = begin < SCAN_BEHIND ? begin : SCAN_BEHIND, there = rest < wanted ? rest : wanted;
        memset(window, ' ', SCAN_BEHIND);
        memcpy(window + SCAN_BEHIND - before, at - before, before + there);
        memset(window + SCAN_BEHIND + there, ' ', wanted - there);
        at = window + SCAN_BEHIND;
    }
    find[many->match](&runs, starts, at - 1, at);
    if (rest > 2 * MARKS_BLOCK) { /* the next block: 2 to 12 % where the text is in memory (bench/texts) */
        for (size_t line = 0; line < MARKS_BLOCK; line += 64) {
            __builtin_prefetch(many->text + begin + MARKS_BLOCK + line);
        }
    }
    look_up_runs(lookup, begin, &runs);
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
    if (many->few && (many->all & (many->all - 1)) == 0) {
        size_t i = many->all ? (size_t)__builtin_ctzll(many->all) : 0;
        counts[i] += scan_piece(&many->scans[i], begin, end);
        return;
    }
    struct lookup lookup;
    lookup.many = many;
    lookup.counts = counts;
    lookup.dense = false;
    if (many->few) {
        scan_blocks(many->text, many->length, begin, end, compare_few, &lookup);
        return;
    }
    memset(lookup.tallies, 0, sizeof lookup.tallies);
    memset(lookup.brief_tallies, 0, sizeof lookup.brief_tallies);
    for (size_t starts; begin < end; begin += starts) {
        starts = end - begin < MARKS_BLOCK ? end - begin : MARKS_BLOCK;
        look_up_block(&lookup, begin, starts);
    }
    add_tallies(&lookup);
}

#pragma once
/* Internal to kernels/wordcount/search. What the ways of matching share: walking a text block by block and asking, for
 * every byte of a block, whether a matching word starts there.
 *
 * A block's answer comes from straight vector code: byte for byte "a word starts here and its first bytes are the
 * needle's". That says yes for sure, no for sure, or maybe; only the maybes are looked at one by one.
 *
 * Blocks that touch an end of the text are copied into a window with spaces around them, which is what the ends mean,
 * so the vector code may read SCAN_BEHIND bytes before a block and SCAN_AHEAD bytes after it. A word that starts before
 * the end of its piece is counted there even if it ends later. */
#include "kernels/wordcount/search/wordcount_chars.h"
#include "kernels/wordcount/search/wordcount_match.h"
#include "kernels/wordcount/search/wordcount_space.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts per block. Words are at least two bytes apart, so at most half of a block's bytes start one: 224 fits the byte
 * sums of the vector code. A multiple of the widest vector (64). */
enum { SCAN_BLOCK = 448, SCAN_PREFIX = 8, SCAN_AHEAD = SCAN_PREFIX + 2, SCAN_BEHIND = SPACE_BYTES };

/* Bytes of a word between two looks at the cancel flag: 0.2 ms where each character has to be decoded (bench/hostile).
 */
enum { SCAN_PAUSE_BYTES = 64 << 10 };

/* A flag that others set; may be NULL. */
static inline bool scan_cancelled(const atomic_bool *cancel) {
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

struct scan;

/* at: SCAN_BLOCK possible starts, SCAN_AHEAD bytes more readable; left[i]: the byte before at[i], or any letter where
 * no start is wanted, with SCAN_BEHIND - 1 bytes more readable before it. Returns the number of sure matches; sets
 * maybe[i] to 1 or 0 and *any to whether one is set. May leave maybe unwritten when *any is false. */
typedef unsigned scan_judge(const struct scan *scan, const uint8_t *left, const uint8_t *at, uint8_t *maybe, bool *any);

/* scan_piece, in code of a needle's own. */
typedef uint64_t scan_own_piece(const struct scan *scan, size_t begin, size_t end);

/* Whether the word that starts at `start` matches. */
typedef bool scan_verify(const struct scan *scan, size_t start);

/* What to do with a block that begins at `begin` of the text; left and at as for scan_judge. Returns what scan_piece is
 * to add up. */
typedef uint64_t scan_block(void *context, size_t begin, const uint8_t *left, const uint8_t *at);

struct scan {
    const uint8_t *text;
    size_t length;
    const uint8_t *word;
    size_t word_length;
    uint8_t prefix[SCAN_PREFIX]; /* what judge compares: the needle's first prefix_length bytes */
    unsigned prefix_length;
    uint32_t first;            /* letters: the needle's first character, */
    size_t first_bytes;        /* and its bytes */
    bool whole;                /* the prefix is all of the needle */
    bool impossible;           /* no word can match this needle */
    const atomic_bool *cancel; /* once it is set, verify may say anything soon */
    scan_own_piece *piece;     /* NULL: block by block */
    scan_judge *judge;
    scan_verify *verify;
};

/* Sets up the needle for a match; scan_set_text comes before a piece is scanned. Reads the needle once, some of it only
 * if cancelled. */
void scan_init(struct scan *scan, enum wordcount_match match, const uint8_t *word, size_t word_length,
               const atomic_bool *cancel);

/* A file for each match. */
void scan_init_exact(struct scan *scan, const uint8_t *word, size_t word_length, const atomic_bool *cancel);
void scan_init_letters(struct scan *scan, const uint8_t *word, size_t word_length, const atomic_bool *cancel);
void scan_init_words(struct scan *scan, const uint8_t *word, size_t word_length, const atomic_bool *cancel);

static inline void scan_set_text(struct scan *scan, const uint8_t *text, size_t length, const atomic_bool *cancel) {
    scan->text = text;
    scan->length = length;
    scan->cancel = cancel;
}

/* Number of matching words that start in [begin, end). Reads only [0, length). */
uint64_t scan_piece(const struct scan *scan, size_t begin, size_t end);

/* Shows block the blocks of [begin, end) of a text, one after the other; returns the sum of its answers. */
uint64_t scan_blocks(const uint8_t *text, size_t length, size_t begin, size_t end, scan_block *block, void *context);

/* Where a flag of a block (0 or 1) is set, into starts; returns their number, at most SCAN_BLOCK / 2. */
enum { SCAN_STARTS = SCAN_BLOCK / 2 + 64 };
size_t scan_list(const uint8_t *flags, uint16_t *starts);

/* Whether `length` bytes are equal; false, perhaps, once cancelled. */
bool scan_same(const uint8_t *a, const uint8_t *b, size_t length, const atomic_bool *cancel);

/* Exact: whether the word that what comes before `at` belongs to ends there. */
static inline bool scan_exact_ends(const uint8_t *text, size_t length, size_t at) {
    size_t rest = length - at;
    return rest == 0 || text[at] == ' ' || (text[at] == '\n' && text[at - 1] != '\r') ||
           (text[at] == '\r' && rest > 1 && text[at + 1] == '\n');
}

/* Words: the same. */
static inline bool scan_words_ends(const uint8_t *text, size_t length, size_t at) {
    return at == length || space_bytes(text + at, length - at) > 0;
}

/* Words. Just behind the first white space of the text, and behind the last; 0 if there is none, or once cancelled. */
size_t scan_words_first(const uint8_t *text, size_t length, const atomic_bool *cancel);
size_t scan_words_last(const uint8_t *text, size_t length, const atomic_bool *cancel);

/* Letters. The word's first alphabetic character from *place on, CHARS_NONE if it has none (perhaps, once cancelled);
 * *place is moved there, *next behind it: a word matches from there on as it does from its beginning. */
uint32_t scan_letters_skip(const uint8_t *text, size_t length, size_t *place, size_t *next, const atomic_bool *cancel);

/* Letters. Whether the word goes on with these characters from *at on, which is moved behind them then. False, perhaps,
 * once cancelled. */
bool scan_letters_same(const uint8_t *text, size_t length, size_t *at, const uint8_t *chars, size_t chars_bytes,
                       const atomic_bool *cancel);

/* Letters. Whether a needle that has matched up to `at` may end there, before c (CHARS_NONE: the word ends; between
 * '\r' and '\n' it has ended already). */
static inline bool scan_letters_ends(const uint8_t *text, size_t length, size_t at, uint32_t c) {
    return c == CHARS_NONE ? at == length || text[at] != '\n' || text[at - 1] != '\r' : !chars_alphabetic(c);
}

/* Letters. Bytes before the first alphabetic character of the text; where there is none, all but a character that the
 * end cuts. Stops early once cancelled. */
size_t scan_letters_start(const uint8_t *text, size_t length, const atomic_bool *cancel);

#pragma once
/* Internal to kernels/wordcount/search. What both ways of matching share: walking a text block by block and asking, for
 * every byte of a block, whether a matching word starts there.
 *
 * A block's answer comes from straight vector code: byte for byte "a word starts here and its first bytes are the
 * needle's". That says yes for sure, no for sure, or maybe; only the maybes are looked at one by one.
 *
 * Blocks that touch an end of the text are copied into a window with spaces around them, which is what the ends mean,
 * so the vector code may read one byte before a block and SCAN_AHEAD bytes after it. A word that starts before the end
 * of its piece is counted there even if it ends later. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts per block. Words are at least two bytes apart, so at most half of a block's bytes start one: 224 fits the byte
 * sums of the vector code. A multiple of the widest vector (64). */
enum { SCAN_BLOCK = 448, SCAN_PREFIX = 8, SCAN_AHEAD = SCAN_PREFIX + 2 };

struct scan;

/* at: SCAN_BLOCK possible starts, SCAN_AHEAD bytes more readable; left[i]: the byte before at[i], or any letter where
 * no start is wanted. Returns the number of sure matches; sets maybe[i] to 1 or 0 and *any to whether one is set. May
 * leave maybe unwritten when *any is false. */
typedef unsigned scan_judge(const struct scan *scan, const uint8_t *left, const uint8_t *at, uint8_t *maybe, bool *any);

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
    bool whole;      /* the prefix is all of the needle */
    bool impossible; /* no word can match this needle */
    scan_judge *judge;
    scan_verify *verify;
};

/* Sets up text and needle for the one or the other match. */
void scan_init_exact(struct scan *scan, const uint8_t *text, size_t length, const uint8_t *word, size_t word_length);
void scan_init_letters(struct scan *scan, const uint8_t *text, size_t length, const uint8_t *word, size_t word_length);

/* Number of matching words that start in [begin, end). Reads only [0, length). */
uint64_t scan_piece(const struct scan *scan, size_t begin, size_t end);

/* Shows block the blocks of [begin, end) of a text, one after the other; returns the sum of its answers. */
uint64_t scan_blocks(const uint8_t *text, size_t length, size_t begin, size_t end, scan_block *block, void *context);

/* Bytes before the first alphabetic character of the text; where there is none, all but a character that the end cuts.
 */
size_t scan_letters_start(const uint8_t *text, size_t length);

/* The first alphabetic character of the word that starts at *start, in lower case, and *start moved there: the word
 * matches from there on as it does from its beginning. Of a needle, its first character. SCAN_NO_CHAR where a word has
 * none. */
#define SCAN_NO_CHAR UINT32_MAX
uint32_t scan_letters_first(const uint8_t *text, size_t length, size_t *start);
uint32_t scan_letters_needle_first(const uint8_t *word, size_t word_length);

#pragma once
/* Internal to kernels/wordcount/search. What is looked up of a block's words: of each a run of bytes, found without a
 * branch by adding and shifting bits.
 *
 * Exact, words: the run is the word. Letters: the word's letters from the first one on, in small ones, up to what is
 * none: any needle that is nothing but letters must equal that. Letters are known at once in ASCII and where they are
 * Cyrillic of U+0400 to U+045F; nearly all other text in these scripts is known to be none. A word that has anything
 * else before the run's end is one of the "others".
 *
 * A run is followed beyond the block for RUNS_AHEAD bytes: so its length is known up to that. */
#include "kernels/wordcount/search/wordcount_bits.h"
#include "kernels/wordcount/search/wordcount_marks.h"

enum { RUNS_AHEAD = MARKS_MORE, RUNS_SEEN = MARKS_BLOCK + RUNS_AHEAD };

struct runs {
    const uint8_t *bytes; /* of the block, as they are to be looked up; RUNS_AHEAD of them are readable at each run */
    size_t count;
    uint16_t edges[BITS_ROOM(RUNS_SEEN)]; /* where each run begins, and where it ends */
    size_t other_count;
    uint16_t others[BITS_ROOM(RUNS_SEEN)]; /* letters: where others are to be looked at from; behind the block, too */
    struct marks marks;
};

/* Runs of the words that start within the first `starts` bytes of a block; left and at as for scan_judge, of left[0]
 * and the bytes before it only. */
void runs_find_exact(struct runs *runs, size_t starts, const uint8_t *left, const uint8_t *at);
void runs_find_words(struct runs *runs, size_t starts, const uint8_t *left, const uint8_t *at);
void runs_find_letters(struct runs *runs, size_t starts, const uint8_t *left, const uint8_t *at);

/* Letters: bytes of a needle's letters that are known at once, from its beginning, and small ones; no word has others
 * there. The first RUNS_AHEAD of them as runs have them, or as many as there are. */
size_t runs_letters(const uint8_t *word, size_t length, uint8_t *run);

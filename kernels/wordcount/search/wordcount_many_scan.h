#pragma once
/* Internal to kernels/wordcount/search. Searching a piece of a text for many words at once. */
#include "kernels/team.h"
#include "kernels/wordcount/search/wordcount_brief.h"
#include "kernels/wordcount/search/wordcount_needle.h"
#include "kernels/wordcount/search/wordcount_scan.h"
#include "kernels/wordcount/search/wordcount_table.h"
#include "kernels/wordcount/search/wordcount_trie.h"

/* A set has bit i for needle i. Needles that don't match anything, or equal one with a lower number, are in no set. */
struct many {
    const uint8_t *text;
    size_t length;
    const atomic_bool *cancel;
    size_t needle_count;
    enum wordcount_match match;
    uint8_t same[WORDCOUNT_MANY_MAX]; /* the needle with that needle's count */
    uint64_t all;                     /* needles to search for */
    uint64_t apart;                   /* letters: those that aren't UTF-8, and in no tree therefore */
    struct scan scans[WORDCOUNT_MANY_MAX];
    struct trie trie;
    struct table table;
    struct brief brief; /* with AVX-512 */
    bool few;           /* so few that each is compared with all words, without the table */
};

/* Whether needles are so few; those of letters perhaps not, which depends on what they are. */
bool many_few(const struct wordcount_needle *needles, size_t needle_count, enum wordcount_match match);

/* Reads the needles a few times; false: cancelled. */
bool many_init(struct many *many, const struct wordcount_needle *needles, size_t needle_count,
               enum wordcount_match match, const atomic_bool *cancel);

/* What the pieces are of; once `cancel` is set, counts may be anything. */
void many_set_text(struct many *many, const char *text, size_t length, const atomic_bool *cancel);

/* Adds the matching words that start in [begin, end) to counts; those of equal needles to the first one's. */
void many_piece(const struct many *many, size_t begin, size_t end, uint64_t *counts);

/* wordcount_many with needles that are set up. */
enum kernel_status many_search(struct many *many, const char *text, size_t length, const struct team *team,
                               const struct progress *progress, uint64_t *counts) __attribute__((warn_unused_result));

#pragma once
/* Internal to kernels/wordcount/search. Most words are brief: a table of needles by their runs' first BRIEF_BYTES bytes
 * (wordcount_runs.h) decides about shorter ones in half of the time that the table of all (wordcount_table.h) takes,
 * and says which words that one is to be asked about. With AVX-512 only: in plain C it takes as long.
 *
 * As most words are none of the needles as a rule, a sieve (wordcount_keys.h) takes most of those out before that,
 * eight at a time. */
#include "kernels/wordcount/search/wordcount_table.h"

enum { BRIEF_BYTES = 8 };

struct brief {
    bool usable; /* no place is for two keys, and the processor has AVX-512 */
    bool asks;   /* some entry does */
    uint64_t multiplier;
    uint64_t sieve[KEYS_SIEVE_WORDS];
    uint64_t keys[TABLE_ENTRIES];   /* the entries', as table_key_of has them */
    bool ask[TABLE_ENTRIES];        /* the table is to be asked: there are longer needles with that key */
    uint8_t needles[TABLE_ENTRIES]; /* those that entries decide about otherwise */
    uint8_t places[TABLE_PLACES];   /* as in struct table */
    uint8_t count;                  /* of entries, without the first */
};

/* Whether the processor can. */
static inline bool brief_can(void) {
#if HAS_AVX512
    return avx512_can();
#else
    return false;
#endif
}

/* As table_init and table_add. */
void brief_init(struct brief *brief, unsigned tries);
void brief_add(struct brief *brief, size_t needle, const uint8_t *run, size_t length, bool whole);

/* Counts the runs by their entries, if usable, and writes the edges of those that the table is to be asked about to
 * `asked`, which has the room that the runs have for theirs; returns their number. *dense: false at the beginning of a
 * piece of text; set where so many of its runs are needles that the sieve would cost more than it saves. */
size_t brief_meet(const struct brief *brief, struct runs *runs, uint64_t tallies[][TABLE_ENTRIES], uint16_t *asked,
                  bool *dense);

#pragma once
/* Internal to kernels/wordcount/search. Searching a piece of a text for many words at once. */
#include "kernels/wordcount/search/wordcount_many.h"
#include "kernels/wordcount/search/wordcount_scan.h"

enum { MANY_CELLS = 1 << 12, MANY_FIRSTS = 64 };

/* A needle's prefix as one number, to be compared with a word's first SCAN_PREFIX bytes. */
struct many_prefix {
    uint64_t mask, fold, want; /* (bytes | fold) & mask == want */
    uint8_t length;            /* in bytes */
    bool whole;                /* no more of the needle comes after it */
    uint8_t newline;           /* exact: the byte other than a space that may follow; see wordcount_exact.c */
};

/* Needles that don't match anything are in no set. A set has bit i for needle i. */
struct many {
    const uint8_t *text;
    size_t length;
    size_t needle_count;
    enum wordcount_match match;
    struct scan scans[WORDCOUNT_MANY_MAX];
    struct many_prefix prefixes[WORDCOUNT_MANY_MAX];
    uint64_t firsts[MANY_FIRSTS]; /* letters: needles by their first character */
    uint64_t cells[MANY_CELLS];   /* needles by the first three bytes of the words they can match; unset where few */
};

void many_init(struct many *many, const char *text, size_t length, const struct wordcount_needle *needles,
               size_t needle_count, enum wordcount_match match);

/* Adds the matching words that start in [begin, end) to counts. */
void many_piece(const struct many *many, size_t begin, size_t end, uint64_t *counts);

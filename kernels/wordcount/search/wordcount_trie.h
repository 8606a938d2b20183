#pragma once
/* Internal to kernels/wordcount/search. Several needles as one tree, which tells in one walk along a word which of them
 * it matches: the time is that of reading the word's beginning once, however many needles there are and whatever they
 * have in common.
 *
 * An inner node's needles share all up to there; its children differ in the next byte (exact, words) or character
 * (letters), which is their key. Below a key, what all of a node's needles go on with is compared as one piece, its
 * label: so a tree of n needles has up to 2 n nodes, and building it reads them a few times. Bytes are borrowed. */
#include "kernels/wordcount/search/wordcount_needle.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { TRIE_NODES = 2 * WORDCOUNT_MANY_MAX, TRIE_NO_WORD = 255 };

struct trie_node {
    const uint8_t *label; /* what follows the node's key */
    size_t label_length;
    uint8_t word;                     /* the needle that ends behind the label, or TRIE_NO_WORD */
    uint8_t first_child, child_count; /* children are neighbours, by ascending key */
};

struct trie {
    enum wordcount_match match;
    uint64_t firsts;                    /* letters: bit c % 64 for each needle's first character c */
    uint32_t keys[TRIE_NODES];          /* of nodes, in a row for searching */
    struct trie_node nodes[TRIE_NODES]; /* the first is the root, without a label */
};

/* Builds the tree of the needles that `set` has bits for; with WORDCOUNT_LETTERS these are UTF-8. Of equal ones the one
 * with the lowest number is in the tree, and same[i] says which that is; same[i] is i for all others. False: cancelled.
 */
bool trie_init(struct trie *trie, const struct wordcount_needle *needles, size_t needle_count, uint64_t set,
               enum wordcount_match match, uint8_t *same, const atomic_bool *cancel);

/* The needles that the word which starts at `start` matches, a bit each. Once cancelled, any. */
uint64_t trie_match(const struct trie *trie, const uint8_t *text, size_t length, size_t start,
                    const atomic_bool *cancel);

#pragma once
/* Internal to kernels/wordcount/search. What the searches carry over from window to window of a text: the beginning of
 * a word that has not ended. A search gives its own counting of a text in one piece.
 *
 * Words that lie within a window are counted in place. What a window begins of a word and doesn't end is kept, at most
 * WORDCOUNT_CARRY_BYTES and a few times the longest needle's length: a longer beginning either decides already, or is
 * nothing but characters that don't count (see carry_more). */
#include "kernels/team.h"
#include "kernels/wordcount/search/wordcount_match.h"
#include "kernels/wordcount/search/wordcount_space.h"

#include <stdbool.h>

enum { WORDCOUNT_CARRY_BYTES = 4096 };

struct wordcount_carry {
    char *bytes; /* wordcount_carry_capacity(longest needle's length) bytes, given by the caller */
    size_t capacity;
    size_t length;                       /* of the beginning of a word that has not ended */
    bool skipping;                       /* the rest of that word doesn't matter any more */
    unsigned char tail[SPACE_BYTES - 1]; /* words: the text's last bytes, which may begin white space */
    unsigned char tail_length;
};

size_t wordcount_carry_capacity(size_t word_length);

/* How a search counts a text in one piece. */
struct wordcount_counter {
    enum wordcount_match match;
    enum kernel_status (*count)(void *context, const char *text, size_t length);
    void *context;
    const atomic_bool *cancel; /* may be NULL */
};

/* Has everything counted once that ends in the next window, `last` after which nothing follows. */
enum kernel_status wordcount_carry_feed(struct wordcount_carry *carry, const struct wordcount_counter *counter,
                                        const char *window, size_t length, bool last)
    __attribute__((warn_unused_result));

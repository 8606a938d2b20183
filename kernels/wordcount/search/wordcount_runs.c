#include "kernels/wordcount/search/wordcount_runs.h"

#include "kernels/clones.h"

#include <string.h>

static size_t count_groups(size_t starts) {
    return (starts + 63) / 64 + 1;
}

/* Of what separates words: the edges of what is between. */
static void list_words(struct runs *runs, size_t starts, bool in_word, const uint8_t *at) {
    const size_t groups = count_groups(starts);
    uint64_t edges[MARKS_GROUPS], before = in_word;
    for (size_t g = 0; g < groups; g++) {
        uint64_t inside = ~runs->marks.separators[g];
        edges[g] = inside ^ (inside << 1 | before);
        before = inside >> 63;
    }
    for (size_t g = 0; in_word && g < groups; g++) { /* the first edge is the end of a word that isn't of this block */
        in_word = edges[g] == 0;
        edges[g] &= edges[g] - 1;
    }
    runs->count = bits_list(edges, groups, runs->edges) / 2;
    while (runs->count > 0 && runs->edges[2 * (runs->count - 1)] >= starts) {
        runs->count--;
    }
    runs->bytes = at;
    runs->other_count = 0;
}

void runs_find_exact(struct runs *runs, size_t starts, const uint8_t *left, const uint8_t *at) {
    marks_exact(&runs->marks, count_groups(starts), at);
    list_words(runs, starts, left[0] != ' ' && left[0] != '\n', at);
}

void runs_find_words(struct runs *runs, size_t starts, const uint8_t *left, const uint8_t *at) {
    marks_words(&runs->marks, count_groups(starts), left, at);
    list_words(runs, starts, !space_ends(left), at);
}

/* a + b + *carry. The compilers don't see that it is one instruction: 3 % of a search for several words. */
KERNEL_INLINE uint64_t add(uint64_t a, uint64_t b, uint64_t *carry) {
#if HAS_AVX512 /* not of that, but among the same functions */
    unsigned long long sum;
    *carry = _addcarry_u64((unsigned char)*carry, a, b, &sum);
    return sum;
#else
    uint64_t sum = a + b, all = sum + *carry;
    *carry = (uint64_t)(sum < a) | (uint64_t)(all < sum);
    return all;
#endif
}

/* What the group before leaves to the next. */
struct listing {
    uint64_t word, sign, letter; /* a word begins; a sign, a letter of what has begun goes on */
    uint64_t unsure, any_other;
};

/* Edges of runs that begin at words of the set `wanted`, and of those that begun before; others. A bit at a word's
 * start, added to the signs that follow, is carried to what comes behind them: to the word's first letter, if it has
 * one. A bit there, added to the letters, to their end. */
KERNEL_INLINE uint64_t list_group(const struct marks *marks, size_t g, uint64_t wanted, struct listing *listing,
                                  uint64_t *others) {
    uint64_t letters = marks->letters[g], separators = marks->separators[g], unknown = marks->unknown[g];
    uint64_t signs = ~(letters | separators | unknown);
    uint64_t words = (separators << 1 | listing->word) & wanted;
    uint64_t firsts = (add(signs, words & signs, &listing->sign) & ~signs) | (words & ~signs);
    uint64_t begins = firsts & letters & (wanted ? UINT64_MAX : 0);
    uint64_t ends = add(letters, begins, &listing->letter) & ~letters;
    *others = firsts & ~begins & ~separators;
    listing->word = separators >> 63;
    listing->any_other |= *others;
    listing->unsure |= ends & unknown;
    return begins | ends;
}

static void list_letters(struct runs *runs, size_t starts, bool in_word) {
    const size_t groups = count_groups(starts), end = marks_seen(groups);
    uint64_t edges[MARKS_GROUPS], others[MARKS_GROUPS];
    struct listing listing = {.word = !in_word};
    size_t g = 0;
    for (; g < starts / 64; g++) {
        edges[g] = list_group(&runs->marks, g, UINT64_MAX, &listing, &others[g]);
    }
    if (g + 1 < groups) {
        edges[g] = list_group(&runs->marks, g, (UINT64_C(1) << starts % 64) - 1, &listing, &others[g]);
        g++;
    }
    edges[g] = list_group(&runs->marks, g, 0, &listing, &others[g]);
    runs->count = bits_list(edges, groups, runs->edges) / 2;
    runs->other_count = listing.any_other ? bits_list(others, groups, runs->others) : 0;
    for (size_t r = 0; listing.unsure && r < runs->count; r++) {
        size_t at = runs->edges[2 * r + 1];
        if (at < end && runs->marks.unknown[at / 64] >> at % 64 & 1) {
            runs->others[runs->other_count++] = runs->edges[2 * r];
            runs->edges[2 * r + 1] = runs->edges[2 * r]; /* of no length, as no needle is */
        }
    }
}

void runs_find_letters(struct runs *runs, size_t starts, const uint8_t *left, const uint8_t *at) {
    marks_letters(&runs->marks, count_groups(starts), left, at);
    list_letters(runs, starts, left[0] != ' ' && left[0] != '\n');
    runs->bytes = runs->marks.lower;
}

size_t runs_letters(const uint8_t *word, size_t length, uint8_t *run) {
    size_t bytes = 0;
    while (bytes < length && bytes <= RUNS_AHEAD) {
        bool two = length - bytes > 1 && marks_small(word[bytes], word[bytes + 1]);
        if (!two && (word[bytes] < 'a' || word[bytes] > 'z')) {
            break;
        }
        for (size_t end = bytes + 1 + two; bytes < end; bytes++) {
            if (bytes < RUNS_AHEAD) {
                run[bytes] = two && word[bytes] == 0xd1 ? 0xd0 : word[bytes];
            }
        }
    }
    return bytes;
}

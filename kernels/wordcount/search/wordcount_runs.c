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

/* a + b + *carry. */
KERNEL_INLINE uint64_t add(uint64_t a, uint64_t b, bool *carry) {
    uint64_t sum, all;
    bool over = __builtin_add_overflow(a, b, &sum);
    *carry = __builtin_add_overflow(sum, (uint64_t)*carry, &all) || over;
    return all;
}

/* A bit at a word's start, added to the signs that follow, is carried to what comes behind them: to the word's first
 * letter, if it has one. A bit there, added to the letters, to their end. */
static void list_letters(struct runs *runs, size_t starts, bool in_word) {
    const size_t groups = count_groups(starts);
    const uint64_t *letters = runs->marks.letters, *separators = runs->marks.separators, *unknown = runs->marks.unknown;
    uint64_t edges[MARKS_GROUPS], others[MARKS_GROUPS], before = !in_word, unsure = 0, any_other = 0;
    bool sign_carry = false, letter_carry = false;
    for (size_t g = 0; g < groups; g++) {
        uint64_t signs = ~(letters[g] | separators[g] | unknown[g]);
        uint64_t words = separators[g] << 1 | before;
        size_t wanted = starts > 64 * g ? starts - 64 * g : 0;
        words &= wanted < 64 ? (UINT64_C(1) << wanted) - 1 : UINT64_MAX;
        before = separators[g] >> 63;
        uint64_t firsts = (add(signs, words & signs, &sign_carry) & ~signs) | (words & ~signs);
        uint64_t begins = g + 1 < groups ? firsts & letters[g] : 0;
        uint64_t ends = add(letters[g], begins, &letter_carry) & ~letters[g];
        others[g] = firsts & ~begins & ~separators[g];
        edges[g] = begins | ends;
        any_other |= others[g];
        unsure |= ends & unknown[g] & ~(g + 1 < groups ? 0 : UINT64_C(1) << RUNS_AHEAD);
    }
    runs->count = bits_list(edges, groups, runs->edges) / 2;
    runs->other_count = any_other ? bits_list(others, groups, runs->others) : 0;
    for (size_t r = 0; unsure && r < runs->count; r++) {
        size_t end = runs->edges[2 * r + 1];
        if (end < marks_seen(groups) && unknown[end / 64] >> end % 64 & 1) {
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

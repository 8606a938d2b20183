/* The yardstick for word frequencies, in the spirit of the optimised C of Ben Hoyt's countwords: reads standard input
 * in 64 KiB chunks, lowers ASCII while it hashes (FNV-1a) byte by byte, counts in a table of 64 Ki chained slots, sorts
 * by count and prints "word count" lines. ASCII spaces and capitals only; words at chunks' borders are completed by
 * moving them to the front. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 << 10, SLOTS = 64 << 10 };

struct word {
    struct word *next;
    uint64_t hash;
    size_t length;
    size_t count;
    char bytes[];
};

static struct word *slots[SLOTS];
static size_t distinct;

static void count(const char *bytes, size_t length, uint64_t hash) {
    struct word **link = &slots[hash % SLOTS];
    for (; *link; link = &(*link)->next) {
        struct word *met = *link;
        if (met->hash == hash && met->length == length && memcmp(met->bytes, bytes, length) == 0) {
            met->count++;
            return;
        }
    }
    struct word *word = malloc(sizeof *word + length);
    if (!word) {
        abort();
    }
    *word = (struct word){.hash = hash, .length = length, .count = 1};
    memcpy(word->bytes, bytes, length);
    *link = word;
    distinct++;
}

/* Returns where the last word begins that the chunk doesn't end. */
static size_t count_chunk(char *chunk, size_t length) {
    const uint64_t basis = UINT64_C(14695981039346656037), prime = UINT64_C(1099511628211);
    size_t start = 0;
    uint64_t hash = basis;
    for (size_t i = 0; i < length; i++) {
        char c = chunk[i];
        if (c <= ' ' && (c == ' ' || (c >= '\t' && c <= '\r'))) {
            if (i > start) {
                count(chunk + start, i - start, hash);
            }
            start = i + 1;
            hash = basis;
            continue;
        }
        if (c >= 'A' && c <= 'Z') {
            chunk[i] = c = (char)(c + ('a' - 'A'));
        }
        hash = (hash ^ (unsigned char)c) * prime;
    }
    return start;
}

static int by_count(const void *left, const void *right) {
    const struct word *const *a = left, *const *b = right;
    return ((*a)->count < (*b)->count) - ((*a)->count > (*b)->count);
}

static void print_sorted(void) {
    struct word **all = malloc((distinct + 1) * sizeof *all);
    if (!all) {
        abort();
    }
    size_t filled = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        for (struct word *word = slots[i]; word; word = word->next) {
            all[filled++] = word;
        }
    }
    qsort(all, filled, sizeof *all, by_count);
    for (size_t i = 0; i < filled; i++) {
        printf("%.*s %zu\n", (int)all[i]->length, all[i]->bytes, all[i]->count);
    }
    free(all);
}

int main(void) {
    static char chunk[CHUNK_BYTES + 1];
    size_t kept = 0;
    for (;;) {
        size_t got = fread(chunk + kept, 1, CHUNK_BYTES - kept, stdin);
        size_t length = kept + got;
        if (got == 0) {
            chunk[length] = ' ';
            count_chunk(chunk, length + (length > 0));
            break;
        }
        size_t start = count_chunk(chunk, length);
        kept = length - start;
        if (kept == CHUNK_BYTES) {
            return 1;
        }
        memmove(chunk, chunk + start, kept);
    }
    print_sorted();
    return 0;
}

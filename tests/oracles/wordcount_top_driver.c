/* Counts frequencies as told on stdin, for an oracle written in another language.
 *
 * Input: cases, each two little-endian 32-bit numbers (k; bytes of text) and then the text. Output: for each case a
 * line "words distinct entries", then a line "count word" per entry, the word in hexadecimal. Each case is counted by
 * several teams, with windows of several sizes; where they disagree the program ends with status 4. */
#include "kernels/wordcount/top/wordcount_top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BLOCKS = 1024 };

struct blocks {
    struct wordcount_memory memory;
    atomic_size_t count;
    void *all[MOST_BLOCKS];
};

struct answer {
    struct blocks blocks;
    struct wordcount_top_entry *entries;
    size_t count;
    uint64_t distinct, words;
};

static const struct {
    struct team team;
    size_t window;
} ways[] = {
    {{.threads = 1}, SIZE_MAX},
    {{.threads = 1, .chunk = 1}, 13},
    {{.threads = 2, .schedule = TEAM_DYNAMIC, .chunk = 7}, SIZE_MAX},
    {{.threads = 3, .schedule = TEAM_GUIDED, .chunk = 64}, 200},
    {{.threads = 1}, 1},
};

static void *take(struct wordcount_memory *memory, size_t bytes) {
    struct blocks *blocks = (struct blocks *)memory;
    size_t place = atomic_fetch_add(&blocks->count, 1);
    if (place >= MOST_BLOCKS) {
        exit(3);
    }
    blocks->all[place] = aligned_alloc(64, bytes);
    return blocks->all[place];
}

/* False at the end of the input, before the first byte of a number. A truncated one ends the program. */
static bool read_number(size_t *number) {
    unsigned char bytes[4];
    size_t got = fread(bytes, 1, sizeof bytes, stdin);
    if (got == 0) {
        return false;
    }
    if (got < sizeof bytes) {
        exit(2);
    }
    *number = bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    return true;
}

static void count(struct answer *answer, const char *text, size_t length, size_t k, const struct team *team,
                  size_t window) {
    const struct progress progress = {0};
    memset(answer, 0, sizeof *answer);
    answer->blocks.memory.take = take;
    answer->entries = malloc((k + 1) * sizeof *answer->entries);
    struct wordcount_top *top = wordcount_top_new(&answer->blocks.memory, team->threads);
    if (!top || !answer->entries) {
        exit(3);
    }
    size_t at = 0;
    do {
        size_t bytes = window < length - at ? window : length - at;
        if (wordcount_top_feed(top, text + at, bytes, at + bytes == length, team, &progress)) {
            exit(3);
        }
        at += bytes;
    } while (at < length);
    if (wordcount_top_finish(top, k, team, &progress, answer->entries, &answer->count, &answer->distinct,
                             &answer->words)) {
        exit(3);
    }
}

static void release(struct answer *answer) {
    for (size_t i = 0; i < MOST_BLOCKS && answer->blocks.all[i]; i++) {
        free(answer->blocks.all[i]);
    }
    free(answer->entries);
}

static bool agree(const struct answer *a, const struct answer *b) {
    if (a->words != b->words || a->distinct != b->distinct || a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        struct wordcount_top_entry left = a->entries[i], right = b->entries[i];
        if (left.count != right.count || left.length != right.length ||
            memcmp(left.bytes, right.bytes, left.length) != 0) {
            return false;
        }
    }
    return true;
}

static void print(const struct answer *answer) {
    printf("%llu %llu %zu\n", (unsigned long long)answer->words, (unsigned long long)answer->distinct, answer->count);
    for (size_t i = 0; i < answer->count; i++) {
        printf("%llu ", (unsigned long long)answer->entries[i].count);
        for (size_t j = 0; j < answer->entries[i].length; j++) {
            printf("%02x", (unsigned)(unsigned char)answer->entries[i].bytes[j]);
        }
        printf("\n");
    }
}

int main(void) {
    size_t k, length;
    while (read_number(&k)) {
        if (!read_number(&length)) {
            exit(2);
        }
        char *text = malloc(length ? length : 1);
        if (!text || fread(text, 1, length, stdin) != length) {
            exit(2);
        }
        static struct answer first, other;
        count(&first, text, length, k, &ways[0].team, ways[0].window);
        for (size_t i = 1; i < sizeof ways / sizeof *ways; i++) {
            count(&other, text, length, k, &ways[i].team, ways[i].window);
            if (!agree(&first, &other)) {
                exit(4);
            }
            release(&other);
        }
        print(&first);
        release(&first);
        free(text);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

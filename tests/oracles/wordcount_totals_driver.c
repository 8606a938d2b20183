/* Counts the texts named as arguments, for comparison with wc: a line per file, with lines, words, chars and bytes as
 * the simple version says. Where the kernel disagrees, with any team or in windows, its totals follow on the line. */
#include "kernels/wordcount/totals/wordcount_totals.h"
#include "tests/reference/wordcount_totals_simple.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW_BYTES = 1000 };

static const struct progress nothing_watched = {0};

static const struct team teams[] = {
    {.threads = 1},
    {.threads = 1, .chunk = 61},
    {.threads = 2, .schedule = TEAM_DYNAMIC, .chunk = 1009},
    {.threads = 2, .schedule = TEAM_GUIDED, .chunk = 4096},
};

static char *read_text(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        exit(2);
    }
    long size = ftell(file);
    char *text = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (!text || fseek(file, 0, SEEK_SET) != 0 || fread(text, 1, (size_t)size, file) != (size_t)size) {
        exit(2);
    }
    fclose(file);
    *length = (size_t)size;
    return text;
}

static void print(const struct wordcount_totals *totals) {
    printf(" %llu %llu %llu %llu", (unsigned long long)totals->lines, (unsigned long long)totals->words,
           (unsigned long long)totals->chars, (unsigned long long)totals->bytes);
}

static struct wordcount_totals count_windows(const char *text, size_t length) {
    struct wordcount_totals_stream stream = {0};
    for (size_t at = 0, window; at < length; at += window) {
        window = length - at < WINDOW_BYTES ? length - at : WINDOW_BYTES;
        if (wordcount_totals_feed(&stream, text + at, window, false, &teams[0], &nothing_watched) != KERNEL_DONE) {
            exit(3);
        }
    }
    if (wordcount_totals_feed(&stream, text, 0, true, &teams[0], &nothing_watched) != KERNEL_DONE) {
        exit(3);
    }
    return stream.totals;
}

static void count(const char *text, size_t length) {
    struct wordcount_totals simple, totals = count_windows(text, length);
    wordcount_totals_simple(text, length, &simple);
    print(&simple);
    if (memcmp(&totals, &simple, sizeof totals) != 0) {
        print(&totals);
    }
    for (size_t i = 0; i < sizeof teams / sizeof *teams; i++) {
        if (wordcount_totals(text, length, &teams[i], &nothing_watched, &totals) != KERNEL_DONE) {
            exit(3);
        }
        if (memcmp(&totals, &simple, sizeof totals) != 0) {
            print(&totals);
        }
    }
    printf("\n");
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        size_t length;
        char *text = read_text(argv[i], &length);
        count(text, length);
        free(text);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

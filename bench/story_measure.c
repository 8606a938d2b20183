#include "bench/story_kernels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { LINE = 64, HUGE_PAGE = 2 << 20 };

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static int compare(const void *left, const void *right) {
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void print_row(const struct story_row *row, const struct team *team, double *times, unsigned rounds) {
    qsort(times, rounds, sizeof *times, compare);
    printf("{\"what\": \"%s\", \"threads\": %u, \"unit\": \"%s\", \"units\": %.0f, \"best_ms\": %.6f, "
           "\"median_ms\": %.6f}\n",
           row->name, team->threads, row->unit, row->units, times[0], times[rounds / 2]);
}

static double time_once(const struct story_row *row, const struct team *team) {
    double start = now_ms();
    row->run(team);
    return now_ms() - start;
}

void story_measure(const struct story_row *rows, size_t row_count, const struct team *team,
                   void (*warm_up)(const struct team *team), unsigned rounds) {
    double *times = story_take(row_count * rounds * sizeof *times);
    warm_up(team);
    for (size_t round = 0; round < rounds; round++) {
        for (size_t r = 0; r < row_count; r++) {
            times[r * rounds + round] = time_once(&rows[r], team);
        }
    }
    for (size_t r = 0; r < row_count; r++) {
        print_row(&rows[r], team, times + r * rounds, rounds);
    }
    free(times);
}

void story_measure_apart(const struct story_row *row, const struct team *team, unsigned rounds, long gap_ns) {
    double *times = story_take(rounds * sizeof *times);
    const struct timespec gap = {.tv_nsec = gap_ns};
    for (size_t round = 0; round < rounds; round++) {
        nanosleep(&gap, NULL);
        times[round] = time_once(row, team);
    }
    print_row(row, team, times, rounds);
    free(times);
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "story-kernels: %s: %s\n", what, why);
    exit(1);
}

struct story_text story_text_load(const char *path, size_t times) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        fail(path, strerror(errno));
    }
    long end = ftell(file);
    rewind(file);
    if (end < 1) {
        fail(path, "is empty");
    }
    size_t length = (size_t)end;
    struct story_text text = {.bytes = story_take(length * times), .length = length * times};
    if (fread(text.bytes, 1, length, file) != length) {
        fail(path, "can't be read");
    }
    fclose(file);
    for (size_t i = 1; i < times; i++) {
        memcpy(text.bytes + i * length, text.bytes, length);
    }
    return text;
}

struct story_list story_list(const char *text, size_t most) {
    struct story_list list = {0};
    for (const char *at = text;; at++) {
        char *end;
        unsigned long number = strtoul(at, &end, 10);
        if (end == at || number > most || list.count == STORY_LIST_MAX || (*end && *end != ',')) {
            fail(text, "isn't a list of numbers that are allowed here");
        }
        list.numbers[list.count++] = number;
        at = end;
        if (!*at) {
            return list;
        }
    }
}

void *story_take(size_t bytes) {
    bool large = bytes >= HUGE_PAGE;
    size_t unit = large ? HUGE_PAGE : LINE, whole = (bytes + unit - 1) / unit * unit;
    void *memory = aligned_alloc(unit, whole);
    if (!memory) {
        fail("memory", strerror(errno));
    }
    if (large) {
        madvise(memory, whole, MADV_HUGEPAGE); /* as the service's large buffers have them, where the kernel agrees */
    }
    memset(memory, 0, whole);
    return memory;
}

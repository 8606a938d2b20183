#pragma once
/* Measuring rows in turn, and what the rows work on; see story_kernels.c. Whatever fails ends the program with a line
 * on stderr. */
#include "kernels/team.h"

enum { STORY_ROUNDS_MAX = 100000, STORY_LIST_MAX = 16 };

struct story_row {
    const char *name, *unit;
    void (*run)(const struct team *team);
    double units; /* of work in one run */
};

/* Runs each row once a round with that team, after warm_up has, and prints the shortest and the middle time of each:
 * {"what", "threads", "unit", "units", "best_ms", "median_ms"}. */
void story_measure(const struct story_row *rows, size_t row_count, const struct team *team,
                   void (*warm_up)(const struct team *team), unsigned rounds);

/* The same for one row, with gap_ns of sleep before each run. */
void story_measure_apart(const struct story_row *row, const struct team *team, unsigned rounds, long gap_ns);

struct story_text {
    char *bytes; /* the caller's to free */
    size_t length;
};

/* The file's content, `times` over. */
struct story_text story_text_load(const char *path, size_t times);

struct story_list {
    size_t count, numbers[STORY_LIST_MAX];
};

/* Numbers from 0 to `most`, separated by commas. */
struct story_list story_list(const char *text, size_t most);

/* 64-byte aligned zeros, in huge pages where they are large; the caller's to free. */
void *story_take(size_t bytes);

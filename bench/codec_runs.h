#pragma once
/* What the parts of bench/codecs share. */
#include "codecs/memory.h"

#include <stdbool.h>
#include <stddef.h>

enum { ZEN_BYTES = 858, TIMES = 1000, TEXT_BYTES = ZEN_BYTES * TIMES };

extern struct plain_memory memory;

/* A failure here is a mistake of this program. */
void insist(bool holds, const char *what);

void *take(size_t bytes);

/* Cheap, and the same in every run. */
double next_random(void);

/* One run of what is measured. */
typedef void job_run(void *context);

/* The shortest time of one run, in a good 100 ms of runs, 3 at least. prepare (may be NULL) comes before each and isn't
 * timed. */
double best_ns(job_run *run, job_run *prepare, void *context);

/* Content codings of TEXT_BYTES of text, and of numbers. */
void compare_codings(const char *zen);

/* Numbers of .npy arrays of each dtype. */
void compare_npy(void);

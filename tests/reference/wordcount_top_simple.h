#pragma once
/* wordcount_top, obviously: all words in one array, sorted. The tests' reference. */
#include "kernels/wordcount/top/wordcount_top.h"

/* *bytes is where the entries' words are, for the caller to free; returns the number of entries. Aborts where malloc
 * fails. */
size_t wordcount_top_simple(const char *text, size_t length, size_t k, struct wordcount_top_entry *entries,
                            char **bytes, uint64_t *distinct, uint64_t *words);

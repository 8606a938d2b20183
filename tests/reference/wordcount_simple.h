#pragma once
/* wordcount, obviously: one thread, one word at a time. The tests' reference. */
#include "kernels/wordcount/search/wordcount.h"

uint64_t wordcount_simple(const char *text, size_t length, const char *word, size_t word_length,
                          enum wordcount_match match);

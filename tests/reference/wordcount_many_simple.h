#pragma once
/* wordcount_many, obviously: wordcount_simple for each needle. The tests' reference. */
#include "kernels/wordcount/search/wordcount_many.h"

void wordcount_many_simple(const char *text, size_t length, const struct wordcount_needle *needles, size_t needle_count,
                           enum wordcount_match match, uint64_t *counts);

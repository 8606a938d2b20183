#pragma once
/* wordcount_totals, obviously: one thread, one character at a time. The tests' reference. */
#include "kernels/wordcount/totals/wordcount_totals.h"

void wordcount_totals_simple(const char *text, size_t length, struct wordcount_totals *totals);

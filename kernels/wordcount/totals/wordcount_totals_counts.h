#pragma once
/* Internal to kernels/wordcount/totals. What is counted. */
#include <stdint.h>

struct wordcount_totals {
    uint64_t lines, words, chars, bytes;
};

#pragma once
/* Internal to kernels/wordcount/search. Words to search a text for. */
#include "kernels/wordcount/search/wordcount_match.h"

#include <stddef.h>

enum { WORDCOUNT_MANY_MAX = 64 };

/* A word to count: `length` >= 1 bytes, borrowed. */
struct wordcount_needle {
    const char *bytes;
    size_t length;
};

#pragma once
/* What bench/hostile counts in, and which words. */
#include "kernels/wordcount/search/wordcount_many.h"

enum { TEXTS_MAX = 80, SETS_MAX = 64 };

struct text {
    char name[32];
    char *bytes;
};

extern struct text texts[TEXTS_MAX];
extern size_t text_count;
extern size_t length; /* of each text, set before they are written */

struct set {
    char name[32];
    struct wordcount_needle needles[WORDCOUNT_MANY_MAX];
    size_t count;
};

extern struct set sets[SETS_MAX];
extern size_t set_count;

void write_texts(void);
void write_sets(void);

void *take(size_t bytes);

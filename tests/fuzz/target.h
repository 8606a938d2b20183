#pragma once
/* What every fuzz target needs: libFuzzer's entry points, and a check that stops with the input that broke it. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool condition, const char *what) {
    if (!condition) {
        (void)fprintf(stderr, "differs: %s\n", what);
        abort();
    }
}

/* At least one byte, so that NULL always means that there is no memory. */
static inline void *take(size_t bytes) {
    void *block = malloc(bytes > 0 ? bytes : 1);
    require(block, "out of memory");
    return block;
}

/* The bytes as a block of their own, at whose end a sanitizer sees every byte read too far. */
static inline char *copy(const void *bytes, size_t length) {
    char *block = take(length);
    if (length > 0) {
        memcpy(block, bytes, length);
    }
    return block;
}

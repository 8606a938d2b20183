#include "kernels/wordcount/top/wordcount_top_long.h"

#include <string.h>

static size_t slice(size_t bytes) {
    return bytes < TOP_PAUSE_BYTES ? bytes : TOP_PAUSE_BYTES;
}

bool top_long_copy(void *to, const void *from, size_t bytes, const atomic_bool *cancel) {
    for (size_t at = 0; at < bytes; at += TOP_PAUSE_BYTES) {
        if (at > 0 && top_cancelled(cancel)) {
            return false;
        }
        memcpy((char *)to + at, (const char *)from + at, slice(bytes - at));
    }
    return true;
}

bool top_long_clear(void *to, size_t bytes, const atomic_bool *cancel) {
    for (size_t at = 0; at < bytes; at += TOP_PAUSE_BYTES) {
        if (at > 0 && top_cancelled(cancel)) {
            return false;
        }
        memset((char *)to + at, 0, slice(bytes - at));
    }
    return true;
}

int top_long_compare(const void *a, const void *b, size_t bytes, const atomic_bool *cancel) {
    int order = 0;
    for (size_t at = 0; at < bytes && order == 0 && !(at > 0 && top_cancelled(cancel)); at += TOP_PAUSE_BYTES) {
        order = memcmp((const char *)a + at, (const char *)b + at, slice(bytes - at));
    }
    return order;
}

#include "handlers/near_name.h"

#include <stdint.h>
#include <string.h>

enum { COMPARED_MAX = 48 };

/* Insertions, deletions and replacements that make one of the other (Levenshtein's distance, row by row). */
static size_t near_name_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t row[COMPARED_MAX + 1];
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            size_t shorter = row[j - 1] < row[j] ? row[j - 1] : row[j];
            diagonal = row[j];
            row[j] = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return row[b_length];
}

size_t near_name_limit(struct text_view name) {
    return name.length > 0 && name.length <= COMPARED_MAX ? name.length / 3 + 1 : 0;
}

bool near_name_is(struct text_view name, const char *candidate, size_t *least) {
    size_t length = strlen(candidate);
    size_t apart = *least > 0 && length <= COMPARED_MAX ? near_name_distance(name.bytes, name.length, candidate, length)
                                                        : SIZE_MAX;
    bool is_nearer = apart < *least;
    *least = is_nearer ? apart : *least;
    return is_nearer;
}

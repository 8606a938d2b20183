#include "codecs/json/non_finite.h"

#include <string.h>
#include <strings.h>

static bool is_letter(char byte) {
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

static bool is_sign(char byte) {
    return byte == '-' || byte == '+';
}

static bool is_name(const char *word, size_t length) {
    static const char *const names[] = {"nan", "infinity", "inf"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i]) == length && strncasecmp(names[i], word, length) == 0) {
            return true;
        }
    }
    return false;
}

/* jansson stops at the sign, or behind the word. */
bool non_finite_find(const char *bytes, size_t length, size_t stop, size_t *begin, size_t *end) {
    size_t word = stop - 1;
    if (is_sign(bytes[word])) {
        word++;
    }
    while (word > 0 && is_letter(bytes[word - 1])) {
        word--;
    }
    *end = word;
    while (*end < length && is_letter(bytes[*end])) {
        (*end)++;
    }
    *begin = word > 0 && is_sign(bytes[word - 1]) ? word - 1 : word;
    return is_name(bytes + word, *end - word);
}

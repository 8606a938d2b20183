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

/* Where a value may begin. (Within a string there may be such words, too.) */
static bool begins_value(const char *bytes, size_t at) {
    return at == 0 || strchr("[:, \t\n\r", bytes[at - 1]);
}

/* The byte is the sign, or in the word: "nan" begins as null does. */
bool non_finite_find(const char *bytes, size_t length, size_t at, size_t *begin, size_t *end) {
    if (at == length || (!is_sign(bytes[at]) && !is_letter(bytes[at]))) {
        return false;
    }
    size_t word = at + is_sign(bytes[at]);
    while (word > 0 && is_letter(bytes[word - 1])) {
        word--;
    }
    *end = word;
    while (*end < length && is_letter(bytes[*end])) {
        (*end)++;
    }
    *begin = word > 0 && is_sign(bytes[word - 1]) ? word - 1 : word;
    return begins_value(bytes, *begin) && is_name(bytes + word, *end - word);
}

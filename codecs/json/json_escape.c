#include "codecs/json/json_escape.h"

#include "codecs/json/utf8.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

/* The letter of a two-character escape, 0 if the character has none. */
static char short_escape(unsigned char character) {
    switch (character) {
    case '"':
    case '\\':
        return (char)character;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

size_t json_escape(const char *bytes, size_t length, char *out, size_t *written) {
    unsigned char first = (unsigned char)bytes[0];
    char letter = short_escape(first);
    if (letter) {
        out[0] = '\\';
        out[1] = letter;
        *written = 2;
        return 1;
    }
    if (first < 0x20 || first == 0x7F) {
        memcpy(out, "\\u00", 4);
        out[4] = hex_digits[first >> 4];
        out[5] = hex_digits[first & 15];
        *written = 6;
        return 1;
    }
    size_t count = utf8_length(bytes, length);
    if (count == 0) {
        memcpy(out, "\xEF\xBF\xBD", 3);
        *written = 3;
        return 1;
    }
    memcpy(out, bytes, count);
    *written = count;
    return count;
}

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
    size_t count = utf8_length(bytes, length);
    if (count == 0) {
        memcpy(out, "\xEF\xBF\xBD", 3);
        *written = 3;
        return 1;
    }
    if (utf8_is_control(bytes, count)) {
        unsigned point = utf8_code_point(bytes, count); /* of 16 bits at most */
        memcpy(out, "\\u", 2);
        for (int i = 0; i < 4; i++) {
            out[2 + i] = hex_digits[point >> (12 - 4 * i) & 15];
        }
        *written = JSON_ESCAPE_MAX;
        return count;
    }
    memcpy(out, bytes, count);
    *written = count;
    return count;
}

/* The reference: one character after the other, as the header says it. */
#include "tests/reference/wordcount_totals_simple.h"

/* Bytes of the character that starts the text and its code; 0 bytes where none does, or where the text ends in it. */
static size_t decode(const unsigned char *text, size_t length, uint32_t *code) {
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000};
    size_t bytes = text[0] < 0x80   ? 1
                   : text[0] < 0xc0 ? 0
                   : text[0] < 0xe0 ? 2
                   : text[0] < 0xf0 ? 3
                   : text[0] < 0xf8 ? 4
                   : text[0] < 0xfc ? 5
                   : text[0] < 0xfe ? 6
                                    : 0;
    if (bytes == 0 || bytes > length) {
        return 0;
    }
    *code = bytes == 1 ? text[0] : text[0] & (0x7fU >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        *code = *code << 6 | (text[i] & 0x3f);
    }
    return *code < smallest[bytes] || (*code >= 0xd800 && *code <= 0xdfff) ? 0 : bytes;
}

static bool is_space(uint32_t code) {
    static const uint32_t ranges[][2] = {{0x9, 0xd},       {0x20, 0x20},     {0xa0, 0xa0},
                                         {0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029},
                                         {0x202f, 0x202f}, {0x205f, 0x2060}, {0x3000, 0x3000}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (code >= ranges[i][0] && code <= ranges[i][1]) {
            return true;
        }
    }
    return false;
}

void wordcount_totals_simple(const char *text, size_t length, struct wordcount_totals *totals) {
    const unsigned char *at = (const unsigned char *)text;
    bool in_word = false;
    *totals = (struct wordcount_totals){.bytes = length};
    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        size_t bytes = decode(at + i, length - i, &code);
        bool space = bytes > 0 && is_space(code);
        totals->chars += bytes > 0;
        totals->lines += bytes > 0 && code == '\n';
        totals->words += !space && !in_word;
        in_word = !space;
        i += bytes > 0 ? bytes : 1;
    }
}

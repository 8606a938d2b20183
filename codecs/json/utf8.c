#include "codecs/json/utf8.h"

static bool is_continuation(unsigned char byte) {
    return (byte & 0xC0) == 0x80;
}

/* Characters' length by their first byte; 0 for bytes no character starts with. */
static size_t announced_length(unsigned char first) {
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

size_t utf8_length(const char *bytes, size_t length) {
    const unsigned char *text = (const unsigned char *)bytes;
    size_t wanted = announced_length(text[0]);
    if (wanted <= 1 || wanted > length) {
        return wanted == 1 ? 1 : 0;
    }
    for (size_t i = 1; i < wanted; i++) {
        if (!is_continuation(text[i])) {
            return 0;
        }
    }
    /* What the first byte can't tell: overlong forms (E0, F0), surrogates (ED), above U+10FFFF (F4). */
    if ((text[0] == 0xE0 && text[1] < 0xA0) || (text[0] == 0xED && text[1] > 0x9F) ||
        (text[0] == 0xF0 && text[1] < 0x90) || (text[0] == 0xF4 && text[1] > 0x8F)) {
        return 0;
    }
    return wanted;
}

unsigned utf8_code_point(const char *bytes, size_t count) {
    static const unsigned char first_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    unsigned point = (unsigned char)bytes[0] & first_bits[count];
    for (size_t i = 1; i < count; i++) {
        point = point << 6 | ((unsigned char)bytes[i] & 0x3F);
    }
    return point;
}

bool utf8_is_control(const char *bytes, size_t count) {
    static const struct {
        unsigned first, last;
    } ranges[] = {{0, 0x1F}, {0x7F, 0x9F}, {0x61C, 0x61C}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}};
    unsigned point = utf8_code_point(bytes, count);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (point <= ranges[i].last) {
            return point >= ranges[i].first;
        }
    }
    return false;
}

size_t utf8_cut(const char *bytes, size_t limit_bytes) {
    const unsigned char *text = (const unsigned char *)bytes;
    size_t start = limit_bytes;
    while (start > 0 && limit_bytes - start < 4) {
        start--;
        if (!is_continuation(text[start])) {
            return announced_length(text[start]) > limit_bytes - start ? start : limit_bytes;
        }
    }
    return limit_bytes;
}

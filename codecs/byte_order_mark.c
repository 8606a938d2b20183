#include "codecs/byte_order_mark.h"

#include "codecs/coding/content_coding.h"

#include <stdbool.h>
#include <string.h>

static const char utf16_little[] = "UTF-16 (little endian)";
static const char utf16_big[] = "UTF-16 (big endian)";
static const char utf32_little[] = "UTF-32 (little endian)";
static const char utf32_big[] = "UTF-32 (big endian)";

static bool starts_with(const char *bytes, size_t length, const char *mark, size_t mark_length) {
    return length >= mark_length && memcmp(bytes, mark, mark_length) == 0;
}

size_t byte_order_mark_length(const char *bytes, size_t length) {
    return starts_with(bytes, length, "\xEF\xBB\xBF", 3) ? 3 : 0;
}

const char *byte_order_mark_foreign(const char *bytes, size_t length) {
    static const struct {
        const char *mark;
        size_t length;
        const char *name;
    } marks[] = {
        {"\xFF\xFE\0\0", 4, utf32_little}, /* before that of UTF-16, which it starts with */
        {"\0\0\xFE\xFF", 4, utf32_big},
        {"\xFF\xFE", 2, utf16_little},
        {"\xFE\xFF", 2, utf16_big},
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (starts_with(bytes, length, marks[i].mark, marks[i].length)) {
            return marks[i].name;
        }
    }
    return NULL;
}

static const char *folded(const char *bytes, size_t length) {
    enum content_coding coding = content_coding_of(bytes, length);
    return coding == CONTENT_GZIP      ? "gzip, without Content-Encoding: gzip"
           : coding == CONTENT_ZSTD    ? "zstd, without Content-Encoding: zstd"
           : coding == CONTENT_DEFLATE ? "deflate, without Content-Encoding: deflate"
                                       : NULL;
}

const char *byte_order_mark_foreign_json(const char *bytes, size_t length) {
    const char *marked = byte_order_mark_foreign(bytes, length);
    marked = marked ? marked : folded(bytes, length);
    if (marked || length < 4) {
        return marked;
    }
    unsigned zeros = 0;
    for (size_t i = 0; i < 4; i++) {
        zeros = zeros << 1 | (bytes[i] == '\0');
    }
    switch (zeros) {
    case 0x7: /* x 0 0 0 */
        return utf32_little;
    case 0xE: /* 0 0 0 x */
        return utf32_big;
    case 0x5: /* x 0 x 0 */
        return utf16_little;
    case 0xA: /* 0 x 0 x */
        return utf16_big;
    default:
        return NULL;
    }
}

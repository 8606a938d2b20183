#include "handlers/byte_range.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

static struct text_view trim(struct text_view text) {
    while (text.length > 0 && (*text.bytes == ' ' || *text.bytes == '\t')) {
        text.bytes++;
        text.length--;
    }
    while (text.length > 0 && (text.bytes[text.length - 1] == ' ' || text.bytes[text.length - 1] == '\t')) {
        text.length--;
    }
    return text;
}

/* Digits alone; what is too large is as large as can be. False: something else. */
static bool read_number(struct text_view text, size_t *number) {
    *number = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned)(text.bytes[i] - '0');
        if (digit > 9) {
            return false;
        }
        *number = *number > (SIZE_MAX - digit) / 10 ? SIZE_MAX : *number * 10 + digit;
    }
    return text.length > 0;
}

enum byte_range_outcome byte_range_read(struct text_view field, size_t length, size_t *begin, size_t *end) {
    static const char unit[] = "bytes=";
    size_t unit_length = sizeof unit - 1;
    if (!field.bytes || field.length < unit_length || strncasecmp(field.bytes, unit, unit_length) != 0) {
        return BYTE_RANGE_WHOLE;
    }
    struct text_view range = trim((struct text_view){field.bytes + unit_length, field.length - unit_length});
    const char *dash = range.length > 0 ? memchr(range.bytes, '-', range.length) : NULL;
    if (!dash) {
        return BYTE_RANGE_WHOLE;
    }
    struct text_view first = {range.bytes, (size_t)(dash - range.bytes)};
    struct text_view last = {dash + 1, range.length - first.length - 1};
    size_t from = 0;
    size_t to = SIZE_MAX;
    if (first.length == 0) { /* the last so many */
        if (!read_number(last, &to)) {
            return BYTE_RANGE_WHOLE;
        }
        *begin = to < length ? length - to : 0;
        *end = length;
        return to == 0 || length == 0 ? BYTE_RANGE_OUTSIDE : BYTE_RANGE_PART;
    }
    if (!read_number(first, &from) || (last.length > 0 && !read_number(last, &to)) || to < from) {
        return BYTE_RANGE_WHOLE;
    }
    *begin = from;
    *end = to < length ? to + 1 : length;
    return from < length ? BYTE_RANGE_PART : BYTE_RANGE_OUTSIDE;
}

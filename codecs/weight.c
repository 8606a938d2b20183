#include "codecs/weight.h"

#include <stdbool.h>

static bool is_digit_at(const char *at, const char *end) {
    return at < end && *at >= '0' && *at <= '9';
}

unsigned weight_read(const char *text, const char *end) {
    if (end - text > 1 && *text == '"' && end[-1] == '"') {
        text++;
        end--;
    }
    const char *at = text;
    unsigned weight = 0;
    unsigned digits = 0;
    bool is_one = false;
    bool is_above_zero = false;
    for (; is_digit_at(at, end); at++, digits++) {
        is_one |= *at != '0';
    }
    if (at < end && *at == '.') {
        at++;
        for (unsigned unit = WEIGHT_MAX / 10; is_digit_at(at, end); at++, digits++, unit /= 10) {
            weight += (unsigned)(*at - '0') * unit;
            is_above_zero |= *at != '0';
        }
    }
    if (at < end || digits == 0 || is_one) {
        return WEIGHT_MAX;
    }
    return weight > 0 ? weight : is_above_zero;
}

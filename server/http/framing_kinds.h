#pragma once
/* Internal to server/http. What each byte of a head may be part of, by RFC 9112. */
#include <stdbool.h>

/* Of a host authority.h has the rest. */
enum { FRAMING_IS_TOKEN = 1, FRAMING_IS_HOST = 2, FRAMING_IS_TARGET = 4, FRAMING_IS_VALUE = 8 };

extern const unsigned char framing_kinds[256];

static inline bool framing_is(char byte, unsigned char kind) {
    return (framing_kinds[(unsigned char)byte] & kind) != 0;
}

/* The first byte that isn't of this kind. */
static inline const char *framing_end_of(const char *at, const char *end, unsigned char kind) {
    while (at < end && framing_is(*at, kind)) {
        at++;
    }
    return at;
}

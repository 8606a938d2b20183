#include "server/http/authority.h"

#include "server/http/framing_kinds.h"

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

static bool is_hex(char byte) {
    char small = (char)(byte | 0x20);
    return is_digit(byte) || (small >= 'a' && small <= 'f');
}

static const enum authority nowhere = AUTHORITY_BEGIN; /* no byte leads back there */

/* Where this byte leads. */
static enum authority next(enum authority authority, char byte) {
    bool is_plain = framing_is(byte, FRAMING_IS_HOST);
    switch (authority) {
    case AUTHORITY_BEGIN:
    case AUTHORITY_NAME:
        if (byte == '[' && authority == AUTHORITY_BEGIN) {
            return AUTHORITY_ADDRESS_BEGIN;
        }
        if (byte == '%') {
            return AUTHORITY_ESCAPE;
        }
        if (byte == ':') {
            return AUTHORITY_PORT;
        }
        return is_plain ? AUTHORITY_NAME : nowhere;
    case AUTHORITY_ESCAPE:
        return is_hex(byte) ? AUTHORITY_ESCAPE_END : nowhere;
    case AUTHORITY_ESCAPE_END:
        return is_hex(byte) ? AUTHORITY_NAME : nowhere;
    case AUTHORITY_ADDRESS_BEGIN:
        if (byte == 'v' || byte == 'V') {
            return AUTHORITY_ADDRESS_REST;
        }
        return is_hex(byte) || byte == ':' ? AUTHORITY_ADDRESS : nowhere;
    case AUTHORITY_ADDRESS:
        if (byte == ']') {
            return AUTHORITY_ADDRESS_END;
        }
        if (byte == '%') {
            return AUTHORITY_ADDRESS_REST;
        }
        return is_hex(byte) || byte == ':' || byte == '.' ? AUTHORITY_ADDRESS : nowhere;
    case AUTHORITY_ADDRESS_REST:
        if (byte == ']') {
            return AUTHORITY_ADDRESS_END;
        }
        return is_plain || byte == ':' || byte == '%' ? AUTHORITY_ADDRESS_REST : nowhere;
    case AUTHORITY_ADDRESS_END:
        return byte == ':' ? AUTHORITY_PORT : nowhere;
    case AUTHORITY_PORT:
        break;
    }
    return is_digit(byte) ? AUTHORITY_PORT : nowhere;
}

const char *authority_take(enum authority *authority, const char *at, const char *end) {
    for (; at < end; at++) {
        if (*authority == AUTHORITY_NAME) {
            at = framing_end_of(at, end, FRAMING_IS_HOST); /* nearly always most of it */
        }
        enum authority found = at < end ? next(*authority, *at) : nowhere;
        if (found == nowhere) {
            break;
        }
        *authority = found;
    }
    return at;
}

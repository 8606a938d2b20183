#pragma once
/* Internal to server/http. A host with an optional port, as Host and absolute targets have it (RFC 3986, 3.2.2 and
 * 3.2.3), read as its bytes come; no comma is in it, which would join two hosts. An address in brackets may name an
 * interface behind '%', as some clients have it; that it is one of IPv6 beyond its digits, colons and dots is nobody's
 * business here. */
#include <stdbool.h>

/* How far it has come. */
enum authority {
    AUTHORITY_BEGIN, /* nothing of it */
    AUTHORITY_NAME,
    AUTHORITY_ESCAPE, /* behind '%' */
    AUTHORITY_ESCAPE_END,
    AUTHORITY_ADDRESS_BEGIN, /* behind '[' */
    AUTHORITY_ADDRESS,
    AUTHORITY_ADDRESS_REST, /* of a version to come, or an interface */
    AUTHORITY_ADDRESS_END,  /* behind ']' */
    AUTHORITY_PORT
};

/* Reads on; returns the first byte that can't be there, or `end`. */
const char *authority_take(enum authority *authority, const char *at, const char *end);

/* May it end here? An empty one may. */
static inline bool authority_is_whole(enum authority authority) {
    return authority <= AUTHORITY_NAME || authority >= AUTHORITY_ADDRESS_END;
}

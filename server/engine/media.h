#pragma once
/* Media types: which there are, which one a client sends, and which one it would like (RFC 9110, 8.3 and 12.5.1). One
 * table in media.c. Pure functions. */
#include <stdbool.h>
#include <stddef.h>

/* Flags, so that an endpoint can say which it takes. In order of preference among equals. */
enum media {
    MEDIA_NONE = 0,
    MEDIA_JSON = 1,
    MEDIA_TEXT = 2,
    MEDIA_NPY = 4,
    MEDIA_YAML = 8,
    MEDIA_NDJSON = 16,
    MEDIA_EVENTS = 32,
    MEDIA_OPENMETRICS = 64,
    MEDIA_HTML = 128,
    MEDIA_SCRIPT = 256,
    MEDIA_STYLE = 512
};

enum { MEDIA_CHOICES_MAX = 11 }; /* all of them, and a 0 */

enum { MEDIA_NAMES_MAX = 224 }; /* bytes that media_list needs for all of them, and some to spare */

enum { MEDIA_CHARSET_MAX = 64 }; /* bytes for the name of a charset; longer ones are cut */

/* Which of the `consumed` media does this Content-Type header (may be NULL) name? False: none. */
bool media_find(const char *content_type, unsigned consumed, enum media *found);

/* Is what this Content-Type header names in UTF-8, or ASCII, under any of their names, or does it name no charset? If
 * not, `charset` is the first other one that it names, zero-terminated, as it came but for its quotes. */
bool media_is_utf8(const char *content_type, char charset[MEDIA_CHARSET_MAX]);

/* Which of the `produced` media would a client with this Accept header (NULL and empty: anything) like best? The most
 * specific range that matches a type gives its weight; q=0 refuses. What clients write beside the grammar is read as it
 * is meant: "*" for everything, ".2" for a weight; a weight that is none counts as 1. False: none. */
bool media_choose(const char *accept, unsigned produced, enum media *chosen);

/* Is an answer of this kind made of parts, lines say, each of which may be sent as soon as it is known? */
bool media_has_parts(enum media media);

/* What a Content-Type header says of it. Static string. */
const char *media_name(enum media media);

/* The names of several, "application/json or text/plain", zero-terminated: those that fit whole into `size` bytes, at
 * least 1. Returns out. */
const char *media_list(unsigned media, char *out, size_t size);
/* The same as a header field's list of tokens (RFC 9651, 3.1): "application/json, text/plain". */
const char *media_field(unsigned media, char *out, size_t size);

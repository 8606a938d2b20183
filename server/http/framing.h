#pragma once
/* Internal to server/http. Where requests begin and end on a connection, by RFC 9112, read from the bytes as they come,
 * before libmicrohttpd gets them. It reads heads in its own way, and in which ones it differs from the standard depends
 * on its version: 0.9.75 takes a field without a name for the head's end, folded lines for none, and answers some of
 * what it refuses twice or not at all (docs/operation.md, "Malformed requests"). What isn't right by the standard never
 * reaches it; what does has one meaning.
 *
 * Strict where RFC 9112 leaves a choice: lines end with CR LF, fields aren't folded, "chunked" is the only transfer
 * coding and excludes Content-Length, HTTP/1.0 has no transfer coding, one empty line may come before a request. What a
 * percent-escape of the target stands for is head.h's to check.
 *
 * Holds no byte but the beginnings of method and path, for the log; how the bytes are cut into pieces changes nothing.
 * One of each connection; its loop's thread alone. */
#include "codecs/problem.h"

#include <stddef.h>
#include <stdint.h>

/* Limits on a head. Target and fields have FRAMING_PART_MAX each; together, with what libmicrohttpd notes of each
 * field, argument and cookie, they have to fit into a connection's memory there (loop.c), beside the head of the
 * answer. */
enum {
    FRAMING_PART_MAX = 8192,
    FRAMING_FIELDS_MAX = 64,
    FRAMING_ROOM_MAX = 13312,
    FRAMING_ARGUMENTS_MAX = 128,
    FRAMING_NOTE_BYTES = 64,       /* of a field, an argument or a cookie: 56 in 0.9.75, and alignment */
    FRAMING_CHUNK_LINE_MAX = 1024, /* a chunk's size and extensions */
    FRAMING_METHOD_MAX = 16,       /* kept for the log */
    FRAMING_PATH_MAX = 120
};

/* The states in the order in which they come. */
enum framing_state {
    FRAMING_BEGIN, /* between requests */
    FRAMING_EMPTY_LINE,
    FRAMING_METHOD,
    FRAMING_TARGET,
    FRAMING_VERSION,
    FRAMING_LINE_END, /* CR has come */
    FRAMING_FIELD,    /* a line begins, or there are no more */
    FRAMING_NAME,
    FRAMING_SPACE, /* before a value */
    FRAMING_VALUE,
    FRAMING_FIELD_END, /* CR has come */
    FRAMING_HEAD_END,  /* CR has come */
    FRAMING_BODY,      /* `left` bytes of it are to come */
    FRAMING_CHUNK_SIZE,
    FRAMING_CHUNK_EXTENSION, /* behind the size, up to CR */
    FRAMING_CHUNK_LINE_END, /* CR has come */
    FRAMING_CHUNK,          /* `left` bytes of it are to come */
    FRAMING_CHUNK_CR,
    FRAMING_CHUNK_LF,
    FRAMING_STATES
};

enum framing_field {
    FRAMING_OTHER_FIELD,
    FRAMING_HOST,
    FRAMING_CONTENT_LENGTH,
    FRAMING_TRANSFER_ENCODING,
    FRAMING_COOKIE
};

/* Starts zeroed. */
struct framing {
    enum framing_state state;
    enum framing_field field; /* that the value belongs to */
    bool is_old;              /* HTTP/1.0 */
    bool is_trailer;          /* the fields are behind a chunked body */
    bool has_gap;             /* white space came within the value, or after it */
    bool has_query;           /* all of the path has come */
    unsigned seen;            /* fields that have come, bit by enum framing_field */
    unsigned matched;         /* bytes of what is compared or read: a version, a coding, digits, an empty line */
    unsigned fields;          /* of this head, or of the trailer */
    unsigned arguments;       /* of the query */
    size_t target_bytes;
    size_t field_bytes;        /* lines with their ends */
    size_t noted_bytes;        /* that libmicrohttpd needs beside them */
    size_t line_bytes;         /* of a chunk's first line */
    uint64_t length;           /* Content-Length's, or the chunk's size so far */
    uint64_t left;             /* of the body or the chunk */
    uint64_t requests;         /* that have begun */
    enum problem_kind fault;   /* PROBLEM_NONE: all was right so far */
    const char *detail;        /* of the fault; static */
    unsigned char name_length; /* of the field */
    unsigned char method_length;
    unsigned char path_length;
    char name[18]; /* longer ones are none that matter */
    char method[FRAMING_METHOD_MAX + 1];
    char path[FRAMING_PATH_MAX + 1]; /* the target up to "?", as it came, cut where it is longer */
};

/* Reads on, and leaves at the beginning of `bytes` those that libmicrohttpd may have, whose number it returns: all but
 * the extensions of chunks, which nobody has to understand and 1.0.1 refuses; with a fault those before the message it
 * is in, as far as that began in this piece. Nothing more after a fault: the connection has to end, since nobody knows
 * where the next request would begin. length > 0. */
size_t framing_take(struct framing *framing, char *bytes, size_t length);

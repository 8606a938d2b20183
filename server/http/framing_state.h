#pragma once
/* Internal to server/http. How far framing.h has come in a connection's bytes, and what its two parts share: framing.c
 * has the heads and goes through the states, framing_body.c has what comes between heads. Every step reads on from `at`
 * < `end` and returns where the next one goes on; NULL: there is a fault. */
#include "codecs/problem.h"
#include "server/http/authority.h"
#include "server/http/framing_kinds.h"

#include <stddef.h>
#include <stdint.h>

/* Limits on a head. It has to fit into a connection's memory in libmicrohttpd (16 KiB, loop.c) with what that notes of
 * each field and argument, and with the answer's head, for which 2 KiB are kept. Half of the memory at least is the
 * read buffer, full of whatever came behind the head; it grows by 1 KiB at a time while the head isn't complete. So
 * notes have 6 KiB, and head and notes 12. Cookies, which it would copy and note one by one, don't get there. */
enum {
    FRAMING_PART_MAX = 8192,
    FRAMING_FIELDS_MAX = 64,
    FRAMING_ROOM_MAX = 12288,
    FRAMING_ITEMS_MAX = 96, /* fields and arguments */
    FRAMING_EMPTY_LINE_BYTES = 2,
    FRAMING_ARGUMENTS_MAX = 80, /* 64 `words` and whatever else there is */
    FRAMING_METHOD_MAX = 64,
    FRAMING_NOTE_BYTES = 64,       /* of a field or an argument: 56, and alignment */
    FRAMING_CHUNK_LINE_MAX = 1024, /* a chunk's size and extensions */
    FRAMING_METHOD_KEPT = 16,      /* for the log */
    FRAMING_PATH_KEPT = 120,
    FRAMING_ORIGIN_KEPT = 320 /* more than the longest that can be listed, and white space behind it */
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
    FRAMING_GAP,       /* what nobody needs of a value: white space behind it, and all but a cookie's first byte */
    FRAMING_FIELD_END, /* CR has come */
    FRAMING_HEAD_END,  /* CR has come */
    FRAMING_BODY,      /* `left` bytes of it are to come */
    FRAMING_CHUNK_SIZE,
    FRAMING_CHUNK_EXTENSION, /* behind the size, up to CR */
    FRAMING_CHUNK_LINE_END,  /* CR has come */
    FRAMING_CHUNK,           /* `left` bytes of it are to come */
    FRAMING_CHUNK_CR,
    FRAMING_CHUNK_LF
};

enum framing_field {
    FRAMING_OTHER_FIELD,
    FRAMING_HOST,
    FRAMING_CONTENT_LENGTH,
    FRAMING_TRANSFER_ENCODING,
    FRAMING_COOKIE,
    FRAMING_ORIGIN,
    FRAMING_EXPECT
};

/* Starts zeroed. */
struct framing {
    enum framing_state state;
    enum framing_field field; /* that the value belongs to */
    bool is_old;              /* HTTP/1.0 */
    bool is_trailer;          /* the fields are behind a chunked body */
    bool has_gap;             /* white space came after the value */
    bool has_query;           /* all of the path has come */
    bool ends_in_space;       /* the value, as far as it has come */
    bool has_loose_values;    /* white space came behind a value, in this request or one before */
    bool has_expectation;     /* there was an Expect, in this request or one before */
    unsigned seen;            /* fields that have come, bit by enum framing_field */
    unsigned matched;         /* bytes of what is compared or read: a version, a coding, digits, an empty line */
    enum authority authority; /* the Host's */
    unsigned fields;          /* of this head, or of the trailer */
    unsigned arguments;       /* of the query */
    size_t method_bytes;
    size_t target_bytes;
    size_t field_bytes;        /* lines with their ends */
    unsigned items;            /* fields and arguments, the trailer's too */
    size_t head_bytes;         /* the fields before the trailer */
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
    char method[FRAMING_METHOD_KEPT + 1];
    char path[FRAMING_PATH_KEPT + 1]; /* the target up to "?", as it came, cut where it is longer */
    unsigned short origin_length;
    char origin[FRAMING_ORIGIN_KEPT + 1]; /* the first Origin's value, cut where it is longer; "": none has come */
};

/* Has a request begun whose first line isn't complete? */
static inline bool framing_is_in_line(const struct framing *framing) {
    return framing->state >= FRAMING_METHOD && framing->state <= FRAMING_LINE_END;
}

static inline const char *framing_refuse_as(struct framing *framing, enum problem_kind fault, const char *detail) {
    framing->fault = fault;
    framing->detail = detail;
    return NULL;
}

static inline const char *framing_refuse(struct framing *framing, const char *detail) {
    return framing_refuse_as(framing, PROBLEM_MALFORMED_REQUEST, detail);
}

/* LF, after CR. */
static inline const char *framing_end_line(struct framing *framing, const char *at, enum framing_state next) {
    if (*at != '\n') {
        return framing_refuse(framing, "a line does not end with CR LF");
    }
    framing->state = next;
    return at + 1;
}

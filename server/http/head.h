#pragma once
/* The request head's own rules, beyond what libmicrohttpd checks: what smuggles requests past proxies or hides in
 * malformed fields is refused here, before anything else looks at the request (bench/README.md, "Malformed heads":
 * which versions of the library let what through). */
#include "codecs/problem.h"

#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;

/* Limits on the head; the connection's memory pool in libmicrohttpd bounds it as well. */
enum { HEAD_FIELDS_MAX = 64, HEAD_BYTES_MAX = 8 * 1024, HEAD_LIST_MAX = 256, HEAD_ESCAPES_MAX = 256 };

/* Header fields that decide how a request is handled, and the facts a check of all fields found. Pointers are borrowed
 * from libmicrohttpd and live as long as the request. */
struct head {
    const char *content_type;
    const char *content_encoding;
    const char *accept;
    const char *accept_encoding;
    const char *request_id;
    uint64_t content_length; /* where has_content_length */
    bool has_content_length;
    bool chunked;
    bool expects_continue;
    char accept_joined[HEAD_LIST_MAX]; /* what `accept` points to where it came in several lines */
    char accept_encoding_joined[HEAD_LIST_MAX];
};

/* Is this a token, as methods and header names have to be? */
bool head_is_token(const char *name, size_t length);

/* Is this request target, as it stood on the request line, well-formed: visible ASCII, percent-escapes that decode to
 * UTF-8 without NUL, at most HEAD_ESCAPES_MAX in a row, and origin form, absolute form or "*"? */
bool head_target_is_sane(const char *target);

/* Reads and checks all header fields of the request. */
MUST_CHECK enum problem_kind head_read(struct MHD_Connection *connection, const char *version, struct head *head,
                                       struct problem *problem);

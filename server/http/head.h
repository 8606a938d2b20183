#pragma once
/* What a request's head says, as far as it decides how the request is handled. framing.h has checked its form: each
 * field has a name and a value, Content-Length is a number, Transfer-Encoding is "chunked". */
#include "codecs/problem.h"

#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;

enum { HEAD_LIST_MAX = 256, HEAD_ESCAPES_MAX = 256 };

/* Pointers are borrowed
 * from libmicrohttpd and live as long as the request. */
struct head {
    const char *content_type; /* NULL: absent or empty */
    const char *content_encoding;
    const char *accept;
    const char *accept_encoding;
    const char *request_id;
    const char *traceparent; /* "" where there is more than one, which is none */
    uint64_t content_length; /* where has_content_length */
    bool has_content_length;
    bool chunked;
    bool expects_continue;
    bool has_order_fields; /* one of those in struct order_fields is there */
};

/* What `accept` and `accept_encoding` point to where they came in several lines. Needn't be initialised. */
struct head_lists {
    char accept[HEAD_LIST_MAX];
    char accept_encoding[HEAD_LIST_MAX];
};

/* What is wrong with this request target, as it stood on the request line: static text; NULL where it is well-formed:
 * visible ASCII, percent-escapes that decode to UTF-8 without NUL, at most HEAD_ESCAPES_MAX in a row, and origin form,
 * absolute form with a host, or "*". */
const char *head_target_fault(const char *target);

/* Cuts white space behind the fields' values off, as RFC 9110, 5.5 has it: 0.9.75 of libmicrohttpd takes it for a part
 * of them. Before anything is read from them. */
void head_trim(struct MHD_Connection *connection);

/* Empties Expect where no body comes, as RFC 9110, 10.1.1 allows: 0.9.75 of libmicrohttpd sends "100 Continue" there
 * too, takes what has come of the next request for the body then, and closes the connection without an answer. Before
 * libmicrohttpd looks at it: when it tells of the head. */
void head_drop_idle_expectation(struct MHD_Connection *connection);

/* Reads the fields of the request; those that can be there once only are. The lists may have to be there as long as
 * they are looked at. */
MUST_CHECK enum problem_kind head_read(struct MHD_Connection *connection, struct head *head, struct head_lists *lists,
                                       struct problem *problem);

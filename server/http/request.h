#pragma once
/* What a request's first line and head say. */
#include "server/http/head.h"

#include <stdbool.h>

enum request_method {
    REQUEST_GET,
    REQUEST_HEAD,
    REQUEST_POST,
    REQUEST_QUERY, /* RFC 10008: as POST, and may be repeated */
    REQUEST_PUT,
    REQUEST_DELETE,
    REQUEST_OPTIONS,
    REQUEST_OTHER_METHOD
};

struct request {
    enum request_method method;
    const char *target_fault; /* NULL: there is none */
    bool is_for_server;       /* the target is "*" */
    bool is_old;              /* HTTP/1.0 */
    struct head head;
    bool is_preflight;  /* a browser asks for a page that may ask (cors.h) */
    const char *allow;  /* for 405 and OPTIONS: what is allowed at this path */
    bool tells_codings; /* what may be in place of the body's coding, which was refused */
    unsigned queried;   /* enum media, or-ed, of QUERY bodies: where they are to be told */
};

/* Has the body of such a request a meaning? */
static inline bool request_has_payload(const struct request *request) {
    return request->method == REQUEST_POST || request->method == REQUEST_QUERY || request->method == REQUEST_PUT;
}

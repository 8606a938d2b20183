#pragma once
/* Internal to server/http. Hands a finished answer to libmicrohttpd. */
#include "codecs/trace_context.h"
#include "server/engine/run.h"
#include "server/http/connection.h"
#include "server/http/cors.h"

#include <microhttpd.h>

/* Header fields that follow from the request, whatever its answer is. */
enum { REPLY_EXTRA_MAX = CORS_FIELDS_MAX + 4 };
struct reply_extra {
    struct answer_field fields[REPLY_EXTRA_MAX];
    unsigned count;
    char media[MEDIA_NAMES_MAX]; /* of Accept-Query */
};

/* An answer on its way. Zeroed before it is queued; all that it points to stays until libmicrohttpd is done with the
 * request. */
struct reply {
    const struct answer *answer;
    const struct times *times;
    const char *id;
    const struct trace_context *trace; /* NULL: nothing is said of one */
    const struct request *request;     /* NULL: it was never read */
    const struct cors *cors;
    bool closes;         /* the connection ends with it */
    struct run *growing; /* what goes before the run's answer comes out of its outlet; `answer` is the head alone. NULL:
                            all is known */
    struct connection *connection;
    /* reply.c's own. */
    struct answer_cursor cursor;
    size_t buffer_bytes; /* of libmicrohttpd, charged to the run's memory */
    size_t grown_bytes;  /* what came out of the outlet */
    size_t read_bytes;   /* what libmicrohttpd has taken of the body */
};

enum { REPLY_FIELDS_MAX = ANSWER_FIELDS_MAX + REPLY_EXTRA_MAX + 4 };

/* The header fields of an answer, but for Content-Length and Date. */
struct reply_head {
    struct answer_field fields[REPLY_FIELDS_MAX]; /* some point into the rest */
    unsigned field_count;
    char timing[TIMES_HEADER_BYTES];
    char trace[TRACE_FIELD_BYTES];
    struct reply_extra extra;
};

/* However it is sent. `head` stays where it is. */
void reply_list_fields(const struct reply *reply, struct reply_head *head);

/* MHD_NO: the connection can only be closed. `memory` is the run's. */
MUST_CHECK enum MHD_Result reply_queue(struct reply *reply, struct connection *connection, struct memory *memory);
/* libmicrohttpd is done with it. */
void reply_close(struct reply *reply, struct memory *memory);

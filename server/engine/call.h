#pragma once
/* One call of an endpoint, as its handler sees it: the body, what the client demanded, and the reply under
 * construction. No HTTP in it.
 *
 * A handler's functions run one after the other, never at once, on whatever thread the server chose (the event loop for
 * tiny calls, a lane otherwise). Everything taken through call_take, the document and the reply are freed by the server
 * when the call ends, however it ends: a handler frees nothing. */
#include "codecs/json/envelope.h"
#include "codecs/json/json_writer.h"
#include "codecs/memory.h"
#include "codecs/problem.h"
#include "server/engine/demand.h"
#include "server/engine/media.h"

#include <stdatomic.h>

struct endpoint;
struct facts;

/* A part of a long reply, printed apart so that nothing has to be joined. */
struct reply_piece {
    const char *bytes;
    size_t length;
};

enum { CALL_BLOCKS_MAX = 32, CALL_ARGUMENT_BYTES = 1024 };

struct call {
    const struct endpoint *endpoint;
    struct facts *facts;
    enum media body_media;
    struct text_view query; /* of the URL, without '?', as it came; where the body isn't JSON the options are there */
    char *body;             /* the request's bytes, the handler's to change; NULL where there are none */
    size_t body_length;
    size_t body_capacity;
    struct memory *memory;
    const size_t *memory_held_bytes; /* charged to the request already; NULL: nobody counts */
    size_t memory_limit_bytes;       /* the server's whole memory budget */
    struct envelope envelope;        /* of a JSON body: the split of what has come of it */
    struct document *document;       /* NULL until decode parsed it; owned */
    struct demand demand;
    unsigned threads_granted;    /* before compute: the team's size */
    atomic_bool cancel;          /* set by the server: deadline passed or client gone */
    atomic_uint_fast64_t cpu_ns; /* of the team's threads other than the first */
    struct problem problem;
    struct json_writer reply;               /* see endpoint.h */
    const struct reply_piece *reply_pieces; /* text that goes into the reply at reply_pieces_at; from call_take */
    size_t reply_piece_count;
    size_t reply_pieces_at;
    enum media reply_media; /* an information endpoint may choose another than MEDIA_JSON */
    unsigned reply_status;  /* 200 unless a handler says otherwise */
    struct {
        void *block;
        size_t bytes;
    } blocks[CALL_BLOCKS_MAX];
    size_t block_count;
    _Alignas(16) unsigned char arguments[CALL_ARGUMENT_BYTES]; /* zeroed; the handler's own struct lives here */
};

/* 64-byte aligned memory that lives as long as the call, charged to the memory budget first. NULL when it doesn't fit:
 * the problem (need, limit) is recorded in call->problem then, so callers return call->problem.kind. bytes may be 0. */
void *call_take(struct call *call, size_t bytes);

/* Records that `bytes` more could not be had: MEMORY_LIMIT when they never can, MEMORY_BUSY when they may later. */
enum problem_kind call_memory_short(struct call *call, size_t bytes);

/* Gives the body back early, when all that matters is out of it. */
void call_drop_body(struct call *call);

/* As before decode: what that has read and taken is gone, all blocks but the first `kept_blocks`. The server's. */
void call_restart(struct call *call, size_t kept_blocks);

/* Frees all that the call owns. The server's; handlers never call it. Safe to call twice. */
void call_release(struct call *call);

#pragma once
/* One call of an endpoint, as its handler sees it: what was asked, what it asks of the scheduler, and the reply under
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
#include "server/engine/host.h"
#include "server/engine/order.h"
#include "server/engine/payload.h"

#include <stdatomic.h>

struct defaults;
struct outlet;

/* A part of a long reply, printed apart so that nothing has to be joined. */
struct reply_piece {
    const char *bytes;
    size_t length;
};

/* A header field of an answer. */
struct answer_field {
    const char *name;
    const char *value;
};

enum { CALL_ARGUMENT_BYTES = 1024, CALL_BLOCKS_EACH = 16, CALL_FIELDS_MAX = 10 };

/* How a body comes to whoever keeps it (endpoint.h, `keep`). */
enum keeping {
    KEEP_NOTHING, /* it isn't kept while it comes */
    KEEP_WINDOWS, /* window by window, in place of decode: it never is in memory as a whole */
    KEEP_WHOLE    /* in pieces of call->body, which is collected as ever; its length was declared */
};

/* What is the call's to release (call_own). */
struct call_owned {
    void *object;
    void (*release)(void *object);
    struct call_owned *next;
};

/* A part of the list of blocks: few calls need more than the one that the call itself has. */
struct call_blocks {
    struct call_blocks *previous; /* full */
    struct {
        void *block;
        size_t bytes;
    } list[CALL_BLOCKS_EACH];
};

/* Named data; bytes NULL: none. The name lives as long as the document. */
struct call_store {
    struct text_view name;
    uint64_t expires_s; /* 0: never */
};

struct call {
    const struct order *order;
    const struct host *host;
    struct payload body;
    struct memory *memory;
    const size_t *memory_held_bytes; /* charged to the request already; NULL: nobody counts */
    struct envelope envelope;        /* of a JSON body: the split of what has come of it */
    struct document *document;       /* NULL until decode parsed it; owned */
    struct demand demand;
    struct call_store store;         /* where the result is kept in place of being sent */
    enum media answer_media;         /* set by decode, where the answer is in another one than the order says; else 0 */
    const struct team *team;         /* to run kernels with; before load: the one that was granted */
    struct progress progress;        /* of the kernel: cancel, cpu_ns, done, total; of an item the first two are the
                                        batch's */
    atomic_bool cancel;              /* set by the server: deadline passed or client gone; looked at through progress */
    atomic_uint_fast64_t cpu_ns;     /* of the team's threads other than the first */
    bool is_item;                    /* of a batch (item.h), which has the options: an item has fields alone … */
    const struct defaults *defaults; /* … and as its own these (handlers/defaults.h); NULL: none */
    struct problem problem;
    atomic_uint_fast64_t done; /* elements of the kernel's range that are finished; far from `cancel`, which all threads
                                  look at between two pieces */
    atomic_uint_fast64_t total; /* of how many: kernels/team.h */
    struct json_writer reply;   /* see endpoint.h */
    struct outlet *outlet; /* lines that are known before the last may go there (outlet.h); NULL: all is the reply */
    const struct reply_piece *reply_pieces; /* go into the reply at reply_pieces_at; static, or from call_take */
    size_t reply_piece_count;
    size_t reply_pieces_at;
    const char *content_type; /* of the answer, where it is no problem; NULL: as order->reply_media says */
    bool is_verbatim;         /* the reply is sent as it is: not compressed */
    unsigned status;          /* of the answer, where it is no problem; 0: 200. Set before encode. 204 and 304 have no
                                 body: nothing is begun or added for them */
    struct answer_field fields[CALL_FIELDS_MAX]; /* of the answer: call_add_field */
    unsigned field_count;
    struct call_owned *owned;                                  /* call_own */
    _Alignas(16) unsigned char arguments[CALL_ARGUMENT_BYTES]; /* zeroed; the handler's own struct lives here */
    /* call.c's own. */
    size_t block_count;
    struct call_blocks *last_blocks; /* NULL: all are in first_blocks */
    struct call_blocks first_blocks;
};

/* An empty call, which stays where it is. All is borrowed and outlives the call; order may still change until decode.
 */
void call_init(struct call *call, const struct order *order, const struct host *host, struct memory *memory);

/* 64-byte aligned memory that lives as long as the call, charged to the memory budget first. NULL when it doesn't fit:
 * the problem (need, limit) is recorded in call->problem then, so callers return call->problem.kind. bytes may be 0. */
void *call_take(struct call *call, size_t bytes);

/* Records that `bytes` more could not be had: MEMORY_LIMIT when they never can, MEMORY_BUSY when they may later. */
enum problem_kind call_memory_short(struct call *call, size_t bytes);

static inline enum media call_answer_media(const struct call *call) {
    return call->answer_media != MEDIA_NONE ? call->answer_media : call->order->reply_media;
}

static inline bool call_is_cancelled(const struct call *call) {
    return atomic_load_explicit(call->progress.cancel, memory_order_relaxed);
}

/* Adds a header field to the answer, where it is no problem; `value` is copied, `name` lives as long as the call. After
 * CALL_FIELDS_MAX of them PROBLEM_INTERNAL. */
MUST_CHECK enum problem_kind call_add_field(struct call *call, const char *name, const char *value);

/* What the endpoint's `ask` waits for is there. Any thread, once for each time that `ask` returned true. The call may
 * be gone afterwards. */
void call_wake(struct call *call);

/* From now on `object` is the call's: released when the call is, or decode begins anew, the last one first. Where there
 * is no memory to note that it is released at once. */
MUST_CHECK enum problem_kind call_own(struct call *call, void *object, void (*release)(void *object));

/* One more reference to the payload, the call's: pieces of the reply may lie in it. */
MUST_CHECK enum problem_kind call_hold(struct call *call, const struct payload *payload);

/* As before decode: what that has read and taken is gone, all blocks but the first `kept_blocks`. The server's. */
void call_restart(struct call *call, size_t kept_blocks);

/* Frees all that the call owns, the body's reference included. The server's; handlers never call it. Safe to call
 * twice, and after {0}. */
void call_release(struct call *call);
